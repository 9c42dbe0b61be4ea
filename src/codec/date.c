/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/date.h"

#include "base/check.h"

#include <stdio.h>

enum { DATE_BYTES = 20, DATE_DAY_S = 86400, DATE_YEAR_MAX = 9999 };

static bool date_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned date_month_days(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && date_leap(year) ? 29 : days[month - 1];
}

/* Leap days before the first of January of that year. */
static uint64_t date_leaps_before(unsigned year)
{
    unsigned last = year - 1;
    return last / 4 - last / 100 + last / 400;
}

static uint64_t date_year_days(unsigned year)
{
    return (uint64_t)(year - 1970) * 365 + date_leaps_before(year) - date_leaps_before(1970);
}

bool aver_date_unix(const aver_date *date, uint64_t *ret_time_s)
{
    if (date->year < 1970 || date->year > DATE_YEAR_MAX || date->month < 1 || date->month > 12 ||
        date->day < 1 || date->day > date_month_days(date->year, date->month) || date->hour > 23 ||
        date->minute > 59 || date->second > 59) {
        return false;
    }
    uint64_t days = date_year_days(date->year) + date->day - 1;
    for (unsigned month = 1; month < date->month; month++) {
        days += date_month_days(date->year, month);
    }
    *ret_time_s = days * DATE_DAY_S + date->hour * 3600U + date->minute * 60U + date->second;
    return true;
}

aver_date aver_date_of(uint64_t time_s)
{
    uint64_t days = time_s / DATE_DAY_S;
    unsigned rest = (unsigned)(time_s % DATE_DAY_S);
    AVER_ASSERT(days < date_year_days(DATE_YEAR_MAX + 1));
    aver_date date = {.year = 1970 + (unsigned)(days / 366), .month = 1};
    while (date_year_days(date.year + 1) <= days) {
        date.year++;
    }
    days -= date_year_days(date.year);
    while (date_month_days(date.year, date.month) <= days) {
        days -= date_month_days(date.year, date.month++);
    }
    date.day = (unsigned)days + 1;
    date.hour = rest / 3600;
    date.minute = rest / 60 % 60;
    date.second = rest % 60;
    return date;
}

bool aver_date_digits(aver_view text, unsigned *ret_number)
{
    unsigned number = 0;
    if (text.size == 0 || text.size > 9) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = number * 10 + (unsigned)(text.data[i] - '0');
    }
    *ret_number = number;
    return true;
}

bool aver_date_read(aver_view text, uint64_t *ret_time_s)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    aver_date date = {0};
    unsigned *const parts[] = {&date.year, &date.month,  &date.day,
                               &date.hour, &date.minute, &date.second};
    if (text.size != DATE_BYTES) {
        return false;
    }
    for (size_t i = 0; i < DATE_BYTES; i++) {
        if (form[i] != '0' && text.data[i] != (uint8_t)form[i]) {
            return false;
        }
    }
    for (size_t i = 0; i < 6; i++) {
        size_t at = i == 0 ? 0 : 5 + 3 * (i - 1);
        if (!aver_date_digits(aver_view_slice(text, at, i == 0 ? 4 : 2), parts[i])) {
            return false;
        }
    }
    return aver_date_unix(&date, ret_time_s);
}

void aver_date_write(uint64_t time_s, char ret_text[21])
{
    aver_date date = aver_date_of(time_s);
    (void)snprintf(ret_text, DATE_BYTES + 1, "%04u-%02u-%02uT%02u:%02u:%02uZ", date.year,
                   date.month, date.day, date.hour, date.minute, date.second);
}

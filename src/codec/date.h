/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CODEC_DATE_H
#define AVER_CODEC_DATE_H

/* date: dates of the Gregorian calendar in UTC, from 1970 to 9999, as seconds since 1970. Own and
 * small, since the C library reads time zones from the environment. Threads: pure functions. */

#include "aver/bytes.h"

typedef struct aver_date {
    unsigned year, month, day, hour, minute, second;
} aver_date;

/* False for a date that does not exist. */
bool aver_date_unix(const aver_date *date, uint64_t *ret_time_s);
/* The reverse; times behind 9999 are asserted against. */
aver_date aver_date_of(uint64_t time_s);
/* At most nine decimal digits and nothing else. */
bool aver_date_digits(aver_view text, unsigned *ret_number);
/* YYYY-MM-DDTHH:MM:SSZ (RFC 3339 in UTC without fractions). */
bool aver_date_read(aver_view text, uint64_t *ret_time_s);
/* The same form, with its end. */
void aver_date_write(uint64_t time_s, char ret_text[21]);

#endif

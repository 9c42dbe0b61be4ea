/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/date.h"

#include <string.h>
#include <time.h>

static void every_day_is_what_the_c_library_says(void **state)
{
    (void)state;
    for (time_t at = 0; at < 253402300800; at += 86400 * 3 + 4321) {
        struct tm parts;
        char mine[21];
        char theirs[32];
        uint64_t back = 0;
        assert_non_null(gmtime_r(&at, &parts));
        (void)strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%SZ", &parts);
        aver_date_write((uint64_t)at, mine);
        assert_string_equal(mine, theirs);
        assert_true(aver_date_read(aver_view_text(mine), &back));
        assert_int_equal(back, at);
    }
}

static void dates_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"2023-02-29T00:00:00Z",
                                      "2100-02-29T00:00:00Z",
                                      "2024-13-01T00:00:00Z",
                                      "2024-00-01T00:00:00Z",
                                      "2024-04-31T00:00:00Z",
                                      "2024-01-00T00:00:00Z",
                                      "2024-01-01T24:00:00Z",
                                      "2024-01-01T00:60:00Z",
                                      "2024-01-01T00:00:60Z",
                                      "1969-12-31T23:59:59Z",
                                      "2024-01-01 00:00:00Z",
                                      "2024-01-01T00:00:00",
                                      "2024-01-01T00:00:00+",
                                      "2024-01-01T00:00:0aZ",
                                      " 024-01-01T00:00:00Z",
                                      "2024-01-01T00:00:00Z ",
                                      ""};
    uint64_t at = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(aver_date_read(aver_view_text(bad[i]), &at));
    }
    assert_int_equal(at, 7);
    assert_true(aver_date_read(aver_view_text("2024-02-29T12:00:00Z"), &at));
    assert_int_equal(at, 1709208000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_is_what_the_c_library_says),
        cmocka_unit_test(dates_that_do_not_exist_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

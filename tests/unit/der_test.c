/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "codec/der.h"
#include "support/bytes.h"

static aver_err der_check_hex(const char *hex)
{
    test_bytes bytes = test_hex(hex);
    return aver_der_check(test_view(&bytes));
}

static void test_der_accepts_what_is_der(void **state)
{
    (void)state;
    static const char *const right[] = {
        "0500",       "0101ff",           "010100", "020100",   "02020080", "0202ff7f",
        "03020780",   "030100",           "0400",   "3000",     "3100",     "30050201010500",
        "a003020101", "3106020101020102", "9f1f00", "9f810100", "0a0101",   "0c0161",
    };
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        assert_ok(der_check_hex(right[i]));
    }
}

static void test_der_refuses_what_is_not(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "05",
        "050000",
        "0501",
        "050100",
        "30800000",
        "30810100",
        "3082000100",
        "010101",
        "0100",
        "0102ffff",
        "0200",
        "02020001",
        "0202ff80",
        "0300",
        "030108",
        "030101",
        "03020181",
        "2403040161",
        "2c030c0161",
        "2100",
        "1000",
        "1100",
        "3003020100ff",
        "3106020102020101",
        "310702010202810101",
        "30020201",
        "0a020001",
        "1f1e00",
        "9f1e00",
        "9f807f00",
        "9fffffff7f00",
        "0000",
        "3084ffffffff",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_err(der_check_hex(wrong[i]), AVER_E_FORMAT);
    }
}

static void test_der_bounds_depth(void **state)
{
    (void)state;
    uint8_t bytes[2 * (AVER_DER_DEPTH_MAX + 1)];
    for (size_t i = 0; i < sizeof(bytes); i += 2) {
        bytes[i] = 0x30;
        bytes[i + 1] = (uint8_t)(sizeof(bytes) - i - 2);
    }
    assert_err(aver_der_check(AVER_VIEW_OF(bytes)), AVER_E_LIMIT);
    bytes[2 + 1] -= 2;
    assert_err(aver_der_check(aver_view_make(bytes + 2, sizeof(bytes) - 4)), AVER_E_FORMAT);
    bytes[2 + 1] += 2;
    assert_ok(aver_der_check(aver_view_make(bytes + 2, sizeof(bytes) - 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_der_accepts_what_is_der),
        cmocka_unit_test(test_der_refuses_what_is_not),
        cmocka_unit_test(test_der_bounds_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

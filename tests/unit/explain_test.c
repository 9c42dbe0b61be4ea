/* SPDX-License-Identifier: Apache-2.0 */
/* How far a value that failed is from one that passes, in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/explain.h"

#include <stdio.h>
#include <string.h>

static aver_claims claims;
static aver_buf words;

static int set_up(void **state)
{
    (void)state;
    aver_claims_init(&claims);
    aver_buf_init(&words, 65536);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aver_buf_deinit(&words);
    return 0;
}

static const char *far(const char *name, const char *detail, uint64_t time_s,
                       const char *collateral)
{
    aver_check check = {.name = name, .status = AVER_CHECK_FAIL};
    aver_attest_input input = {.time_s = time_s, .collateral = aver_view_text(collateral)};
    (void)snprintf(check.detail, sizeof check.detail, "%s", detail);
    aver_buf_clear(&words);
    aver_explain_distance(&input, &claims, &check, &words);
    aver_buf_append_byte(&words, 0);
    return (const char *)words.data;
}

static void dates_are_set_against_the_time(void **state)
{
    (void)state;
    const char *name = "evidence.validity";
    assert_string_equal(far(name, "until 1970-01-03T00:00:00Z", 86400, NULL),
                        "1970-01-03T00:00:00Z is 1 day after the time of judgement");
    assert_string_equal(far(name, "(1970-01-01T00:00:00Z)", 5ull * 86400, NULL),
                        "1970-01-01T00:00:00Z is 5 days before the time of judgement");
    assert_string_equal(far(name, "1970-01-01T00:00:00Z", 100ull * 86400, NULL),
                        "1970-01-01T00:00:00Z is 3 months before the time of judgement");
    assert_string_equal(far(name, "1970-01-01T00:00:00Z", 1100ull * 86400, NULL),
                        "1970-01-01T00:00:00Z is 3 years before the time of judgement");
    assert_string_equal(far(name, "from 1970-01-01T00:00:09Z to 1970-01-01T00:00:03Z", 9, NULL),
                        "1970-01-01T00:00:09Z is 0 seconds after the time of judgement; "
                        "1970-01-01T00:00:03Z is 6 seconds before the time of judgement");
    assert_string_equal(far(name, "1970-13-01T00:00:00Z, 1970-01-01", 0, NULL), "");
}

static const char collateral[] =
    "{\"tcb_info\":\"{\\\"tcbLevels\\\":["
    "{\\\"tcbStatus\\\":\\\"Revoked\\\"},"
    "{\\\"tcb\\\":{\\\"sgxtcbcomponents\\\":[{\\\"svn\\\":3},{\\\"svn\\\":9,\\\"category\\\":"
    "\\\"BIOS\\\",\\\"type\\\":\\\"Early Microcode Update\\\"}],\\\"pcesvn\\\":13,"
    "\\\"tdxtcbcomponents\\\":[{\\\"svn\\\":2,\\\"category\\\":\\\"OS/VMM\\\"}]},"
    "\\\"tcbDate\\\":\\\"1970-01-02T00:00:00Z\\\",\\\"tcbStatus\\\":\\\"UpToDate\\\"}]}\"}";

static void a_level_that_is_behind_is_compared_with_the_newest(void **state)
{
    (void)state;
    static const uint8_t svns[16] = {3, 7};
    static const uint8_t tdx[16] = {1};
    aver_claims_put_text(&claims, "platform_status", AVER_VIEW_LITERAL("OutOfDate"));
    aver_claims_put_text(&claims, "qe_status", AVER_VIEW_LITERAL("UpToDate"));
    aver_claims_put_text(&claims, "tcb_date", AVER_VIEW_LITERAL("1970-01-01T00:00:00Z"));
    aver_claims_put_member(&claims, "advisories", AVER_VIEW_LITERAL("INTEL-SA-1"));
    aver_claims_put_member(&claims, "advisories", AVER_VIEW_LITERAL("INTEL-SA-2"));
    aver_claims_put_bytes(&claims, "pck_cpusvn", AVER_VIEW_OF(svns));
    aver_claims_put_bytes(&claims, "tee_tcb_svn", AVER_VIEW_OF(tdx));
    aver_claims_put_uint(&claims, "pck_pcesvn", 11);
    assert_string_equal(
        far("tcb.status", "OutOfDate", 91ull * 86400, collateral),
        "the platform's firmware and microcode are OutOfDate; its level is of 1970-01-01, 3 months "
        "before the time of judgement; not mended: INTEL-SA-1; INTEL-SA-2; the newest level that "
        "is UpToDate is of 1970-01-02, 3 months before the time of judgement; SGX component 2 "
        "(BIOS, Early Microcode Update) is 7 and must be 9; TDX component 1 (OS/VMM) is 1 and must "
        "be 2; the PCE's SVN is 11 and must be 13");
}

static void what_is_not_there_is_not_told(void **state)
{
    (void)state;
    assert_string_equal(far("tcb.status", "", 9, NULL), "");
    assert_string_equal(far("tcb.status", "", 9, "{}"), "");
    assert_string_equal(far("tcb.status", "", 9, "rubbish"), "");
    assert_string_equal(far("tcb.status", "", 9, "{\"tcb_info\":\"{\\\"tcbLevels\\\":[7]}\"}"), "");
    assert_string_equal(far("evidence.debug", "on", 9, collateral), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(dates_are_set_against_the_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_level_that_is_behind_is_compared_with_the_newest, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_not_told, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

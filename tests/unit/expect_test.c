/* SPDX-License-Identifier: Apache-2.0 */
/* What a case of a manifest must give, against what was found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/expect.h"

static aver_claims claims;
static aver_verdict verdict;
static json_t *differences;

static int set_up(void **state)
{
    (void)state;
    aver_claims_init(&claims);
    aver_verdict_init(&verdict);
    differences = json_array();
    aver_claims_put_bytes(&claims, "digest", AVER_VIEW_LITERAL("\xab\x01"));
    aver_claims_put_uint(&claims, "version", 3);
    aver_claims_put_bool(&claims, "debug", false);
    aver_claims_put_null(&claims, "nonce");
    aver_claims_put_empty(&claims, "advisories");
    aver_claims_put_member(&claims, "names", AVER_VIEW_LITERAL("a"));
    aver_claims_put_member(&claims, "names", AVER_VIEW_LITERAL("b"));
    aver_claims_put_at(&claims, "pcrs", 0, AVER_VIEW_LITERAL("\x00"));
    aver_claims_put_at(&claims, "pcrs", 1, AVER_VIEW_LITERAL("\x01"));
    claims.group = "snp";
    aver_claims_put_uint(&claims, "vmpl", 0);
    aver_claims_put_uint(&claims, "parts.bl", 4);
    aver_claims_put_uint(&claims, "parts.tee", 0);
    claims.tcb_status = AVER_TCB_OUT_OF_DATE;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(differences);
    return 0;
}

static aver_err compare(const char *text, bool holds, aver_reason reason, bool *good)
{
    aver_expect_found found = {
        .holds = holds, .reason = reason, .verdict = &verdict, .claims = &claims};
    json_t *expect = NULL;
    assert_int_equal(aver_json_parse(aver_view_text(text), 65536, &expect, NULL), AVER_OK);
    aver_err err = aver_expect_compare(expect, &found, differences, good);
    json_decref(expect);
    return err;
}

static bool is_so(const char *text, bool holds, aver_reason reason)
{
    bool good = false;
    json_array_clear(differences);
    assert_int_equal(compare(text, holds, reason, &good), AVER_OK);
    assert_int_equal(good, json_array_size(differences) == 0);
    return good;
}

static void verdicts_and_classes(void **state)
{
    (void)state;
    static const char *const revoked = "{\"verdict\":\"invalid\",\"reason\":\"revoked\"}";
    static const char *const any =
        "{\"verdict\":\"invalid\",\"reason\":\"x\",\"reason_any\":[\"expired\",\"revoked\"]}";
    assert_true(is_so("{\"verdict\":\"valid\"}", true, AVER_REASON_NONE));
    assert_false(is_so("{\"verdict\":\"valid\"}", false, AVER_REASON_REVOKED));
    assert_false(is_so(revoked, true, AVER_REASON_NONE));
    assert_true(is_so(revoked, false, AVER_REASON_REVOKED));
    assert_false(is_so(revoked, false, AVER_REASON_EXPIRED));
    assert_false(is_so(revoked, false, AVER_REASON_NONE));
    assert_true(is_so(any, false, AVER_REASON_EXPIRED));
    assert_true(is_so(any, false, AVER_REASON_REVOKED));
    assert_false(is_so(any, false, AVER_REASON_MALFORMED));
    assert_true(is_so("{\"verdict\":\"invalid\"}", false, AVER_REASON_MALFORMED));
}

static void what_is_optional_may_have_either_verdict(void **state)
{
    (void)state;
    static const char *const good =
        "{\"verdict\":\"valid\",\"optional\":true,\"fields\":{\"version\":4}}";
    assert_true(is_so(good, false, AVER_REASON_MALFORMED));
    assert_false(is_so(good, true, AVER_REASON_NONE));
}

static void the_status_is_asked_for_in_either_verdict(void **state)
{
    (void)state;
    assert_true(is_so("{\"verdict\":\"invalid\",\"tcb_status\":\"OutOfDate\"}", false,
                      AVER_REASON_TCB_OUT_OF_DATE));
    assert_false(
        is_so("{\"verdict\":\"valid\",\"tcb_status\":\"UpToDate\"}", true, AVER_REASON_NONE));
}

static bool fields(const char *text)
{
    char expect[1024];
    (void)snprintf(expect, sizeof expect, "{\"verdict\":\"valid\",\"fields\":%s}", text);
    return is_so(expect, true, AVER_REASON_NONE);
}

static void fields_are_the_claims(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}",
        "{\"digest\":\"ab01\",\"version\":3,\"debug\":false,\"nonce\":null,\"advisories\":[]}",
        "{\"names\":[\"a\",\"b\"]}",
        "{\"pcrs\":{\"1\":\"01\",\"0\":\"00\"}}",
        "{\"snp\":{\"vmpl\":0,\"parts\":{\"tee\":0}}}",
    };
    static const char *const bad[] = {
        "{\"digest\":\"ab02\"}",
        "{\"digest\":\"AB01\"}",
        "{\"version\":\"3\"}",
        "{\"version\":3.0}",
        "{\"version\":4}",
        "{\"debug\":null}",
        "{\"debug\":0}",
        "{\"nonce\":\"\"}",
        "{\"advisories\":null}",
        "{\"names\":[\"b\",\"a\"]}",
        "{\"names\":[\"a\"]}",
        "{\"pcrs\":{\"0\":\"00\"}}",
        "{\"pcrs\":{\"2\":\"01\"}}",
        "{\"snp\":{\"parts\":{\"bl\":5}}}",
        "{\"snp\":{\"vmpl\":null}}",
        "{\"snp\":0}",
        "{\"absent\":null}",
        "{\"snp\":{\"parts\":{\"none\":null}}}",
        "{\"names\":{\"0\":\"a\"}}",
        "{\"digest\":{}}",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(fields(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (fields(bad[i])) {
            fail_msg("taken as equal: %s", bad[i]);
        }
    }
}

static void differences_have_their_place(void **state)
{
    (void)state;
    assert_false(fields("{\"snp\":{\"parts\":{\"bl\":5}}}"));
    const json_t *entry = json_array_get(differences, 0);
    assert_string_equal(json_string_value(json_object_get(entry, "field")), "snp.parts.bl");
    assert_int_equal(json_integer_value(json_object_get(entry, "expected")), 5);
    assert_int_equal(json_integer_value(json_object_get(entry, "found")), 4);
    assert_false(fields("{\"absent\":1,\"pcrs\":{\"0\":\"00\"}}"));
    assert_int_equal(json_array_size(differences), 2);
    entry = json_array_get(differences, 0);
    assert_string_equal(json_string_value(json_object_get(entry, "field")), "absent");
    assert_null(json_object_get(entry, "found"));
    entry = json_array_get(differences, 1);
    assert_string_equal(json_string_value(json_object_get(entry, "field")), "pcrs.1");
}

static void what_expects_nothing_readable_is_an_error(void **state)
{
    (void)state;
    bool good = false;
    assert_int_equal(compare("{}", true, AVER_REASON_NONE, &good), AVER_E_FORMAT);
    assert_int_equal(compare("{\"verdict\":\"good\"}", true, AVER_REASON_NONE, &good),
                     AVER_E_FORMAT);
    assert_int_equal(
        compare("{\"verdict\":\"valid\",\"fields\":[]}", true, AVER_REASON_NONE, &good),
        AVER_E_FORMAT);
    assert_false(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(verdicts_and_classes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_optional_may_have_either_verdict, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_status_is_asked_for_in_either_verdict, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(fields_are_the_claims, set_up, tear_down),
        cmocka_unit_test_setup_teardown(differences_have_their_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_expects_nothing_readable_is_an_error, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

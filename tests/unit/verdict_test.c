/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/compare.h"
#include "codec/text.h"

#include <string.h>

static aver_verdict verdict;

static void a_long_detail_is_cut_between_characters(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    /* The last place of the detail falls inside a character of three bytes. */
    for (size_t at = 236; at <= 240; at++) {
        memset(text, 'x', sizeof text - 1);
        memcpy(text + at, "…", strlen("…"));
        aver_verdict_init(&verdict);
        aver_verdict_add(&verdict, "nonce", AVER_CHECK_SKIP, "%s", text);
        const aver_check *check = aver_verdict_find(&verdict, "nonce");
        assert_non_null(check);
        assert_true(aver_utf8_valid(aver_view_text(check->detail)));
        assert_true(strlen(check->detail) >= 236);
    }
}

static void json_escapes_what_details_say(void **state)
{
    (void)state;
    aver_buf out;
    aver_buf_init(&out, 4096);
    aver_verdict_init(&verdict);
    aver_verdict_add(&verdict, "nonce", AVER_CHECK_FAIL, "say \"no\"");
    aver_verdict_add(&verdict, "binding", AVER_CHECK_PASS, "yes");
    aver_verdict_json(&verdict, false, &out);
    assert_true(aver_view_equal_text(
        aver_buf_view(&out),
        "{\"accepted\":false,\"simulated\":false,\"checks\":["
        "{\"name\":\"nonce\",\"status\":\"FAIL\",\"detail\":\"say \\\"no\\\"\"},"
        "{\"name\":\"binding\",\"status\":\"PASS\",\"detail\":\"yes\"}]}"));
    assert_true(aver_verdict_failed(&verdict));
    aver_buf_deinit(&out);
}

static void comparing_says_what_was_found_and_wanted(void **state)
{
    (void)state;
    uint8_t a[32] = {0x3f, 0x2a};
    uint8_t b[32] = {0x3f, 0x2b};
    aver_verdict_init(&verdict);
    aver_verdict_compare(&verdict, "receipt.node", "node", AVER_VIEW_OF(a), AVER_VIEW_OF(b),
                         "the keyset");
    aver_verdict_compare(&verdict, "receipt.config", "configuration", AVER_VIEW_OF(a),
                         AVER_VIEW_OF(a), "the keyset");
    /* A prefix is not the whole. */
    aver_verdict_compare(&verdict, "binding", "report data", aver_view_make(a, 31), AVER_VIEW_OF(a),
                         "x");
    assert_int_equal(verdict.checks[0].status, AVER_CHECK_FAIL);
    assert_string_equal(verdict.checks[0].detail,
                        "node is 3f2a000000000000…, not 3f2b000000000000… of the keyset");
    assert_int_equal(verdict.checks[1].status, AVER_CHECK_PASS);
    assert_int_equal(verdict.checks[2].status, AVER_CHECK_FAIL);
}

static void skipping_leaves_what_was_judged(void **state)
{
    (void)state;
    static const char *const names[] = {"nonce", "binding", NULL};
    aver_verdict_init(&verdict);
    aver_verdict_add(&verdict, "binding", AVER_CHECK_FAIL, "no");
    aver_verdict_skip_all(&verdict, names, "because");
    assert_int_equal(verdict.count, 2);
    assert_int_equal(aver_verdict_find(&verdict, "binding")->status, AVER_CHECK_FAIL);
    assert_int_equal(aver_verdict_find(&verdict, "nonce")->status, AVER_CHECK_SKIP);
    assert_null(aver_verdict_find(&verdict, "tcb.min"));
}

static void the_table_has_each_name_once_and_room_for_all(void **state)
{
    (void)state;
    size_t count = 0;
    for (const aver_check_name *one = aver_check_names(); one->name; one++, count++) {
        assert_true(one->meaning[0] != '\0');
        for (const aver_check_name *other = one + 1; other->name; other++) {
            assert_string_not_equal(one->name, other->name);
        }
    }
    assert_true(count > 0 && count <= AVER_CHECKS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_detail_is_cut_between_characters),
        cmocka_unit_test(json_escapes_what_details_say),
        cmocka_unit_test(comparing_says_what_was_found_and_wanted),
        cmocka_unit_test(skipping_leaves_what_was_judged),
        cmocka_unit_test(the_table_has_each_name_once_and_room_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "node/bearer.h"

#include <stdio.h>

static void test_only_known_tokens_pass(void **state)
{
    aver_bearer *bearer;

    (void)state;
    assert_int_equal(
        aver_bearer_parse(AVER_VIEW_LITERAL("# comment\n\nfirst-token\r\nsecond-token"), &bearer),
        AVER_OK);
    assert_true(aver_bearer_allows(bearer, "Bearer first-token"));
    assert_true(aver_bearer_allows(bearer, "bearer second-token"));
    assert_false(aver_bearer_allows(bearer, "Bearer first-toke"));
    assert_false(aver_bearer_allows(bearer, "Bearer first-token "));
    assert_false(aver_bearer_allows(bearer, "Bearer # comment"));
    assert_false(aver_bearer_allows(bearer, "Bearer "));
    assert_false(aver_bearer_allows(bearer, "Basic first-token"));
    assert_false(aver_bearer_allows(bearer, "first-token"));
    assert_false(aver_bearer_allows(bearer, NULL));
    aver_bearer_free(bearer);
    assert_true(aver_bearer_allows(NULL, NULL));
}

static void test_bad_files_are_refused(void **state)
{
    static const char *const wrong[] = {"short\n", "with a blank in it\n", "tab\tinside-it\n",
                                        "\x80\x81\x82\x83"
                                        "\x84\x85\x86\x87\n"};
    aver_bearer *bearer;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(aver_bearer_parse(aver_view_text(wrong[i]), &bearer), AVER_E_FORMAT);
    }
    assert_int_equal(aver_bearer_parse(AVER_VIEW_LITERAL("# nobody\n"), &bearer), AVER_E_USAGE);
    assert_int_equal(aver_bearer_open("/nonexistent/tokens", &bearer), AVER_E_ABSENT);
}

static void test_too_many_tokens(void **state)
{
    aver_bearer *bearer;
    aver_buf text;

    (void)state;
    aver_buf_init(&text, 1 << 20);
    for (int i = 0; i <= AVER_BEARER_TOKENS_MAX; i++) {
        aver_buf_append_format(&text, "token-%08d\n", i);
    }
    assert_int_equal(aver_bearer_parse(aver_buf_view(&text), &bearer), AVER_E_LIMIT);
    aver_buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_known_tokens_pass),
        cmocka_unit_test(test_bad_files_are_refused),
        cmocka_unit_test(test_too_many_tokens),
    };
    aver_log_setup(AVER_LOG_SILENT, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

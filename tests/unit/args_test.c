/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/args.h"

#include <string.h>

static const aver_option options[] = {
    {"url", 'u', "URL", "where"},       {"count", 'n', "N", "how many"},
    {"json", 0, NULL, "as JSON"},       {"verbose", 'v', NULL, "more"},
    {"file", 'f', "FILE ...", "which"}, {NULL, 0, NULL, NULL},
};

#define PARSE(...)                                                                                 \
    parse(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *),                       \
          (const char *const[]){__VA_ARGS__})

static aver_args args;
static char why[AVER_ARGS_WHY_BYTES];

static aver_err parse(size_t count, const char *const *words)
{
    memset(&args, 0xa5, sizeof args);
    return aver_args_parse(options, (int)count, words, &args, why);
}

static void every_form_of_an_option_is_read(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--url", "a", "-n", "7", "--json", "word"), AVER_OK);
    assert_string_equal(aver_args_get(&args, "url"), "a");
    assert_string_equal(aver_args_get(&args, "count"), "7");
    assert_true(aver_args_has(&args, "json"));
    assert_false(aver_args_has(&args, "verbose"));
    assert_int_equal(args.operands_count, 1);
    assert_string_equal(args.operands[0], "word");
    assert_int_equal(PARSE("--url=b=c", "-n8", "-v"), AVER_OK);
    assert_string_equal(aver_args_get(&args, "url"), "b=c");
    assert_string_equal(aver_args_get(&args, "count"), "8");
    assert_true(aver_args_has(&args, "verbose"));
    assert_int_equal(PARSE("--url="), AVER_OK);
    assert_string_equal(aver_args_get(&args, "url"), "");
}

static void some_options_may_be_given_again(void **state)
{
    (void)state;
    const char *words[2 * (AVER_ARGS_MORE_MAX + 2)];
    assert_int_equal(PARSE("-f", "a", "--url", "u", "--file=b", "-fc"), AVER_OK);
    assert_string_equal(aver_args_get(&args, "file"), "a");
    assert_string_equal(aver_args_get_at(&args, "file", 0), "a");
    assert_string_equal(aver_args_get_at(&args, "file", 1), "b");
    assert_string_equal(aver_args_get_at(&args, "file", 2), "c");
    assert_null(aver_args_get_at(&args, "file", 3));
    assert_int_equal(PARSE("--url", "u"), AVER_OK);
    assert_null(aver_args_get_at(&args, "file", 0));
    assert_null(aver_args_get_at(&args, "file", 1));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        words[i] = i % 2 == 0 ? "-f" : "x";
    }
    size_t most = 2 * (AVER_ARGS_MORE_MAX + 1);
    assert_int_equal(parse(most, words), AVER_OK);
    assert_string_equal(aver_args_get_at(&args, "file", AVER_ARGS_MORE_MAX), "x");
    assert_int_equal(parse(most + 2, words), AVER_E_USAGE);
    assert_non_null(strstr(why, "too often"));
}

static void words_after_two_dashes_are_operands(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--", "--url", "-v"), AVER_OK);
    assert_int_equal(args.operands_count, 2);
    assert_null(aver_args_get(&args, "url"));
    assert_int_equal(PARSE("-"), AVER_OK);
    assert_int_equal(args.operands_count, 1);
    assert_string_equal(args.operands[0], "-");
}

static void help_stops_every_other_check(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--help", "--nonsense"), AVER_OK);
    assert_true(args.help);
    assert_int_equal(PARSE("-h"), AVER_OK);
    assert_true(args.help);
}

static void wrong_words_are_refused_by_name(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--nonsense"), AVER_E_USAGE);
    assert_non_null(strstr(why, "--nonsense"));
    assert_int_equal(PARSE("--ur", "x"), AVER_E_USAGE);
    assert_int_equal(PARSE("-x"), AVER_E_USAGE);
    assert_int_equal(PARSE("--url"), AVER_E_USAGE);
    assert_non_null(strstr(why, "needs a value"));
    assert_int_equal(PARSE("--json=yes"), AVER_E_USAGE);
    assert_non_null(strstr(why, "takes no value"));
    assert_int_equal(PARSE("-vv"), AVER_E_USAGE);
    assert_int_equal(PARSE("--url", "a", "-u", "b"), AVER_E_USAGE);
    assert_non_null(strstr(why, "twice"));
    assert_int_equal(PARSE("1", "2", "3", "4", "5", "6", "7", "8", "9"), AVER_E_USAGE);
    assert_int_equal(PARSE("1", "2", "3", "4", "5", "6", "7", "8"), AVER_OK);
}

static uint64_t number(const char *text, uint64_t min, uint64_t max)
{
    uint64_t value = 4242;
    assert_int_equal(PARSE("-n", text), AVER_OK);
    aver_err err = aver_args_uint(&args, "count", min, max, &value, why);
    assert_int_equal(value == 4242, err != AVER_OK || strcmp(text, "4242") == 0);
    return value;
}

static void whole_numbers_have_bounds(void **state)
{
    (void)state;
    uint64_t kept = 5;
    assert_int_equal(PARSE("-v"), AVER_OK);
    assert_int_equal(aver_args_uint(&args, "count", 0, 9, &kept, why), AVER_OK);
    assert_true(kept == 5);
    assert_true(number("0", 0, 9) == 0);
    assert_true(number("9", 0, 9) == 9);
    assert_true(number("10", 0, 9) == 4242);
    assert_true(number("0", 1, 9) == 4242);
    assert_true(number("", 0, 9) == 4242);
    assert_true(number("-1", 0, 9) == 4242);
    assert_true(number("+1", 0, 9) == 4242);
    assert_true(number("1x", 0, 9) == 4242);
    assert_true(number("18446744073709551615", 0, UINT64_MAX) == UINT64_MAX);
    assert_true(number("18446744073709551616", 0, UINT64_MAX) == 4242);
    assert_true(number("99999999999999999999999", 0, UINT64_MAX) == 4242);
}

static uint32_t fraction(const char *text)
{
    uint32_t value = 4242;
    assert_int_equal(PARSE("-n", text), AVER_OK);
    (void)!aver_args_ppm(&args, "count", 2000000, &value, why);
    return value;
}

static void fractions_are_exact(void **state)
{
    (void)state;
    assert_int_equal(fraction("0"), 0);
    assert_int_equal(fraction("2"), 2000000);
    assert_int_equal(fraction("0.7"), 700000);
    assert_int_equal(fraction(".5"), 500000);
    assert_int_equal(fraction("1."), 1000000);
    assert_int_equal(fraction("0.000001"), 1);
    assert_int_equal(fraction("1.999999"), 1999999);
    assert_int_equal(fraction("2.000001"), 4242);
    assert_int_equal(fraction("0.0000001"), 4242);
    assert_int_equal(fraction("1e0"), 4242);
    assert_int_equal(fraction("-1"), 4242);
    assert_int_equal(fraction("."), 4242);
    assert_int_equal(fraction(""), 4242);
    assert_int_equal(fraction("1.2.3"), 4242);
    assert_int_equal(fraction("99999999999"), 4242);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_an_option_is_read),
        cmocka_unit_test(some_options_may_be_given_again),
        cmocka_unit_test(words_after_two_dashes_are_operands),
        cmocka_unit_test(help_stops_every_other_check),
        cmocka_unit_test(wrong_words_are_refused_by_name),
        cmocka_unit_test(whole_numbers_have_bounds),
        cmocka_unit_test(fractions_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

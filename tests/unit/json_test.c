/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "codec/json.h"

enum { JSON_TEST_SIZE_MAX = 1 << 18 };

static aver_err json_try(const char *text, char why[AVER_JSON_WHY_BYTES])
{
    json_t *json = NULL;
    aver_err err = aver_json_parse(aver_view_text(text), JSON_TEST_SIZE_MAX, &json, why);
    if (err == AVER_OK) {
        assert_non_null(json);
        json_decref(json);
    } else {
        assert_null(json);
    }
    return err;
}

static void json_accepts_objects_and_arrays(void **state)
{
    (void)state;
    static const char *const good[] = {"{}", "[]", " [1, -2, 3.5e3, true, null, \"a\\u00e9\"] ",
                                       "{\"a\":{\"b\":[\"}]\\\"\"]}}", "[9223372036854775807]"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(json_try(good[i], NULL));
    }
}

static void json_refuses_with_a_reason(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      " ",
                                      "1",
                                      "\"a\"",
                                      "null",
                                      "{",
                                      "[",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "[1] x",
                                      "[1][2]",
                                      "{\"a\":1,\"a\":2}",
                                      "[01]",
                                      "[1e999]",
                                      "[9223372036854775808]",
                                      "[\"\\u0000\"]",
                                      "[\"\\ud800\"]",
                                      "[\"\n\"]",
                                      "[\"\xff\"]",
                                      "[\"\xed\xa0\x80\"]",
                                      "[NaN]",
                                      "[+1]",
                                      "['a']",
                                      "//\n[]",
                                      "\xef\xbb\xbf[]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char why[AVER_JSON_WHY_BYTES] = "";
        assert_err(json_try(bad[i], why), AVER_E_FORMAT);
        assert_true(strlen(why) > 10);
        assert_err(json_try(bad[i], NULL), AVER_E_FORMAT);
    }
    char why[AVER_JSON_WHY_BYTES];
    json_t *json;
    aver_view with_nul = aver_view_make("[1]\0", 4);
    assert_err(aver_json_parse(with_nul, 10, &json, why), AVER_E_FORMAT);
}

static void json_reason_does_not_quote_the_input(void **state)
{
    (void)state;
    static const char *const bad[] = {"{\"prompt\": SECRET}",    "{\"SECRET\":1,\"SECRET\":1}",
                                      "[\"SECRET\" \"SECRET\"]", "[SECRETSECRETSECRET",
                                      "[\"\\ud8ab\"]",           "[\"\\ud8ab\\ud8ab\"]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char why[AVER_JSON_WHY_BYTES];
        assert_err(json_try(bad[i], why), AVER_E_FORMAT);
        assert_null(strstr(why, "SECRET"));
        assert_null(strstr(why, "D8AB"));
        assert_non_null(strstr(why, "line 1"));
    }
}

static void json_depth_is_bounded(void **state)
{
    (void)state;
    for (size_t depth = 1; depth < 100; depth++) {
        char text[256] = "";
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_err(json_try(text, NULL), depth <= AVER_JSON_DEPTH_MAX ? AVER_OK : AVER_E_LIMIT);
    }
    /* Brackets in strings are no depth; escaped quotes do not end strings. */
    assert_ok(json_try("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]", NULL));
    assert_ok(json_try("[\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\\\"]", NULL));
    static char deep[60000];
    memset(deep, '[', sizeof deep - 1);
    assert_err(json_try(deep, NULL), AVER_E_LIMIT);
}

static void json_size_is_bounded(void **state)
{
    (void)state;
    json_t *json = NULL;
    char why[AVER_JSON_WHY_BYTES];
    assert_err(aver_json_parse(AVER_VIEW_LITERAL("[1, 2]"), 5, &json, why), AVER_E_LIMIT);
    assert_null(json);
    assert_ok(aver_json_parse(AVER_VIEW_LITERAL("[1, 2]"), 6, &json, why));
    json_decref(json);
}

/* Small text that would become hundreds of megabytes is refused before the parser sees it. */
static void json_values_are_bounded(void **state)
{
    (void)state;
    static char text[3 * AVER_JSON_MARKS_MAX + 16];
    static const char *const items[] = {"{},", "[],", "0, "};
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        size_t marks = i < 2 ? 2 : 1; /* of one item */
        char why[AVER_JSON_WHY_BYTES];
        for (size_t over = 0; over < 2; over++) {
            size_t count = (AVER_JSON_MARKS_MAX - 1) / marks + over;
            text[0] = '[';
            for (size_t at = 0; at < count; at++) {
                memcpy(text + 1 + 3 * at, items[i], 3);
            }
            memcpy(text + 1 + 3 * count, "\",:\"]", 6);
            assert_err(json_try(text, why), over ? AVER_E_LIMIT : AVER_OK);
        }
        assert_string_equal(why, "the JSON text has too many values");
    }
}

/* What we write as a string, another parser reads as the same bytes. */
static void json_strings_round_trip(void **state)
{
    (void)state;
    aver_buf text;
    aver_buf out;
    aver_buf_init(&text, 2000);
    aver_buf_init(&out, 20000);
    for (unsigned i = 1; i < 0x80; i++) {
        aver_buf_append_byte(&text, (uint8_t)i);
    }
    aver_buf_append_text(&text, "\xc3\xa9\xf0\x9f\x98\x80\xe2\x80\xa8");
    aver_buf_append_byte(&out, '[');
    aver_json_append_string(&out, aver_buf_view(&text));
    aver_buf_append_byte(&out, ']');
    assert_ok(aver_buf_status(&out));
    json_t *json;
    assert_ok(aver_json_parse(aver_buf_view(&out), 20000, &json, NULL));
    const json_t *string = json_array_get(json, 0);
    assert_int_equal(json_string_length(string), text.size);
    assert_memory_equal(json_string_value(string), text.data, text.size);
    json_decref(json);
    aver_buf_clear(&out);
    aver_json_append_string(&out, aver_view_make("a\0b", 3));
    assert_true(aver_view_equal_text(aver_buf_view(&out), "\"a\\u0000b\""));
    /* DEL and the C1 controls command terminals too; what lies beside them is text. */
    aver_buf_clear(&out);
    aver_json_append_string(&out, AVER_VIEW_LITERAL("~\x7f\xc2\x80\xc2\x9f\xc2\xa0\xc3\x9b"));
    assert_true(
        aver_view_equal_text(aver_buf_view(&out), "\"~\\u007f\\u0080\\u009f\xc2\xa0\xc3\x9b\""));
    aver_buf_deinit(&text);
    aver_buf_deinit(&out);
}

static void json_append_is_compact_and_sorted(void **state)
{
    (void)state;
    json_t *json;
    assert_ok(
        aver_json_parse(AVER_VIEW_LITERAL("{ \"b\": [1, true], \"a\": {\"d\": 1, \"c\": \"x\"} }"),
                        100, &json, NULL));
    aver_buf out;
    aver_buf_init(&out, 100);
    aver_json_append(&out, json);
    assert_true(
        aver_view_equal_text(aver_buf_view(&out), "{\"a\":{\"c\":\"x\",\"d\":1},\"b\":[1,true]}"));
    aver_buf_deinit(&out);
    aver_buf_init(&out, 10);
    aver_json_append(&out, json);
    assert_err(aver_buf_status(&out), AVER_E_LIMIT);
    aver_buf_deinit(&out);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_accepts_objects_and_arrays),
        cmocka_unit_test(json_refuses_with_a_reason),
        cmocka_unit_test(json_reason_does_not_quote_the_input),
        cmocka_unit_test(json_depth_is_bounded),
        cmocka_unit_test(json_size_is_bounded),
        cmocka_unit_test(json_values_are_bounded),
        cmocka_unit_test(json_strings_round_trip),
        cmocka_unit_test(json_append_is_compact_and_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

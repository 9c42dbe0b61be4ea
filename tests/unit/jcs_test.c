/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/jcs.h"
#include "codec/json.h"

#include <string.h>

static aver_err write_again(const char *text, char *ret_text, size_t room)
{
    json_t *json = NULL;
    aver_buf out;
    assert_int_equal(aver_json_parse(aver_view_text(text), 65536, &json, NULL), AVER_OK);
    aver_buf_init(&out, 65536);
    aver_err err = aver_jcs_append(&out, json);
    assert_true(out.size < room);
    memcpy(ret_text, out.data != NULL ? out.data : (const uint8_t *)"", out.size);
    ret_text[out.size] = '\0';
    aver_buf_deinit(&out);
    json_decref(json);
    return err;
}

static void assert_canonical(const char *text, const char *wanted)
{
    char found[1024];
    assert_int_equal(write_again(text, found, sizeof found), AVER_OK);
    assert_string_equal(found, wanted);
}

static void white_space_and_order_do_not_matter(void **state)
{
    (void)state;
    assert_canonical(" { \"b\" : [ 1 , {} , [ ] ] , \"a\" : null , \"\" : true } ",
                     "{\"\":true,\"a\":null,\"b\":[1,{},[]]}");
    assert_canonical("[false,-0,-12,9007199254740991,-9007199254740991]",
                     "[false,0,-12,9007199254740991,-9007199254740991]");
    assert_canonical("{\"a1\":1,\"a\":2,\"B\":3}", "{\"B\":3,\"a\":2,\"a1\":1}");
}

/* The example of RFC 8785, section 3.2.3. */
static void names_are_sorted_by_utf16(void **state)
{
    (void)state;
    assert_canonical("{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\","
                     "\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\","
                     "\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
                     "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
                     "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
                     "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\","
                     "\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
                     "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

static void strings_have_the_least_escapes(void **state)
{
    (void)state;
    assert_canonical("[\"\\u000a\\u0009\\u0008\\u000c\\u000d\\u001f\\u007f\\/\\\"\\\\\\u00e9\"]",
                     "[\"\\n\\t\\b\\f\\r\\u001f\x7f/\\\"\\\\\xc3\xa9\"]");
}

static void numbers_that_are_not_whole_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"[1.5]", "[1.0]", "[1e3]", "[9007199254740992]",
                                        "{\"a\":{\"b\":[-9007199254740992]}}"};
    char found[1024];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(write_again(texts[i], found, sizeof found), AVER_E_FORMAT);
    }
}

static void depth_and_room_are_bounded(void **state)
{
    (void)state;
    char found[1024];
    char text[2 * AVER_JSON_DEPTH_MAX + 1] = {0};
    memset(text, '[', AVER_JSON_DEPTH_MAX);
    memset(text + AVER_JSON_DEPTH_MAX, ']', AVER_JSON_DEPTH_MAX);
    assert_int_equal(write_again(text, found, sizeof found), AVER_OK);
    assert_string_equal(found, text);
    json_t *deep = json_array();
    for (size_t i = 0; i < AVER_JSON_DEPTH_MAX; i++) {
        json_t *outer = json_array();
        (void)json_array_append_new(outer, deep);
        deep = outer;
    }
    aver_buf out;
    aver_buf_init(&out, 65536);
    assert_int_equal(aver_jcs_append(&out, deep), AVER_E_LIMIT);
    aver_buf_deinit(&out);
    json_decref(deep);
    json_t *wide = json_pack("{s:s}", "name", "value");
    aver_buf_init(&out, 8);
    assert_int_equal(aver_jcs_append(&out, wide), AVER_E_LIMIT);
    aver_buf_deinit(&out);
    json_decref(wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_and_order_do_not_matter),
        cmocka_unit_test(names_are_sorted_by_utf16),
        cmocka_unit_test(strings_have_the_least_escapes),
        cmocka_unit_test(numbers_that_are_not_whole_are_refused),
        cmocka_unit_test(depth_and_room_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

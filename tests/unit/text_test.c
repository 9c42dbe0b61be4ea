/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "codec/text.h"

#include <stdio.h>

static void hex_both_ways(void **state)
{
    (void)state;
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    char text[513];
    aver_hex_encode(AVER_VIEW_OF(bytes), text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102030405060708090a0b", 24);
    uint8_t back[256];
    assert_ok(aver_hex_decode(aver_view_text(text), back, sizeof back));
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_ok(aver_hex_decode(AVER_VIEW_LITERAL("aBCdEF"), back, 3));
    assert_memory_equal(back, "\xab\xcd\xef", 3);
    aver_buf buf;
    aver_buf_init(&buf, 600);
    aver_hex_append(&buf, AVER_VIEW_OF(bytes));
    assert_true(aver_view_equal_text(aver_buf_view(&buf), text));
    aver_buf_deinit(&buf);
}

static void hex_refuses_and_leaves_alone(void **state)
{
    (void)state;
    uint8_t bytes[2] = {7, 7};
    static const char *const bad[] = {"",       "0",    "00",   "000",  "00000",
                                      "000000", "0g00", "00 0", " 000", "0x00",
                                      "00-1",   "00@0", "00`0", "00:0", "00/0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_err(aver_hex_decode(aver_view_text(bad[i]), bytes, sizeof bytes), AVER_E_FORMAT);
        assert_int_equal(bytes[0], 7);
        assert_int_equal(bytes[1], 7);
    }
    aver_buf buf;
    aver_buf_init(&buf, 2);
    assert_err(aver_hex_decode_buf(AVER_VIEW_LITERAL("00g0"), &buf), AVER_E_FORMAT);
    assert_err(aver_hex_decode_buf(AVER_VIEW_LITERAL("000000"), &buf), AVER_E_LIMIT);
    assert_int_equal(buf.size, 0);
    assert_ok(aver_hex_decode_buf(AVER_VIEW_LITERAL("0a0B"), &buf));
    assert_memory_equal(buf.data, "\x0a\x0b", 2);
    aver_hex_append(&buf, AVER_VIEW_LITERAL("x"));
    assert_err(aver_buf_status(&buf), AVER_E_LIMIT);
    assert_int_equal(buf.size, 2);
    aver_buf_deinit(&buf);
}

static void base64_rfc4648_vectors(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/", "-_-_"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        aver_buf buf;
        aver_buf_init(&buf, 100);
        aver_base64_append(&buf, aver_view_text(cases[i][0]));
        assert_true(aver_view_equal_text(aver_buf_view(&buf), cases[i][1]));
        aver_buf_clear(&buf);
        aver_base64url_append(&buf, aver_view_text(cases[i][0]));
        assert_true(aver_view_equal_text(aver_buf_view(&buf), cases[i][2]));
        aver_buf_clear(&buf);
        assert_ok(aver_base64_decode(aver_view_text(cases[i][1]), &buf));
        assert_true(aver_view_equal_text(aver_buf_view(&buf), cases[i][0]));
        aver_buf_clear(&buf);
        assert_ok(aver_base64url_decode(aver_view_text(cases[i][2]), &buf));
        assert_true(aver_view_equal_text(aver_buf_view(&buf), cases[i][0]));
        aver_buf_deinit(&buf);
    }
}

static void base64_refuses_other_forms(void **state)
{
    (void)state;
    static const char *const bad[] = {"Z",    "Zg",     "Zg=",   "Zh==",     "Zm9=",   "Zm9v=",
                                      "====", "=",      "Z===",  "Zg==Zg==", "Z g==",  "Zg==\n",
                                      "-_-_", "Zm9v\n", "Zm\0v", "Zm9vYg=",  "Zm9vYg", "Zm9*"};
    static const char *const bad_url[] = {"Z",   "Zg==",   "Zh",    "Zm9",    "Zm8=", "+/+/",
                                          "Zg ", "Zm9v\n", "Zm9vZ", "Zm9vYh", "Zm9*"};
    aver_buf buf;
    aver_buf_init(&buf, 100);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_err(aver_base64_decode(aver_view_text(bad[i]), &buf), AVER_E_FORMAT);
        assert_int_equal(buf.size, 0);
    }
    for (size_t i = 0; i < sizeof bad_url / sizeof bad_url[0]; i++) {
        assert_err(aver_base64url_decode(aver_view_text(bad_url[i]), &buf), AVER_E_FORMAT);
        assert_int_equal(buf.size, 0);
    }
    aver_buf_deinit(&buf);
    aver_buf_init(&buf, 2);
    assert_err(aver_base64_decode(AVER_VIEW_LITERAL("Zm9v"), &buf), AVER_E_LIMIT);
    aver_base64_append(&buf, AVER_VIEW_LITERAL("f"));
    assert_err(aver_buf_status(&buf), AVER_E_LIMIT);
    assert_int_equal(buf.size, 0);
    aver_buf_deinit(&buf);
}

static void base64_round_trips(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (size_t size = 0; size < 300; size++) {
        uint8_t bytes[300];
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)test_random(&seed);
        }
        aver_buf text;
        aver_buf back;
        aver_buf_init(&text, 1000);
        aver_buf_init(&back, size);
        aver_base64url_append(&text, aver_view_make(bytes, size));
        assert_ok(aver_base64url_decode(aver_buf_view(&text), &back));
        assert_true(aver_view_equal(aver_buf_view(&back), aver_view_make(bytes, size)));
        aver_buf_clear(&text);
        aver_buf_clear(&back);
        aver_base64_append(&text, aver_view_make(bytes, size));
        assert_ok(aver_base64_decode(aver_buf_view(&text), &back));
        assert_true(aver_view_equal(aver_buf_view(&back), aver_view_make(bytes, size)));
        aver_buf_deinit(&text);
        aver_buf_deinit(&back);
    }
}

/* The bytes of a code point, well formed or (for surrogates) not; 0 bytes beyond four. */
static size_t utf8_encode(uint32_t point, uint8_t ret_bytes[static 4])
{
    if (point < 0x80) {
        ret_bytes[0] = (uint8_t)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t leads[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1;) {
        ret_bytes[i] = (uint8_t)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    ret_bytes[0] = (uint8_t)(leads[size] | point);
    return size;
}

static void utf8_accepts_exactly_the_code_points(void **state)
{
    (void)state;
    for (uint32_t point = 0; point < 0x120000; point++) {
        uint8_t bytes[4];
        aver_view text = aver_view_make(bytes, utf8_encode(point, bytes));
        bool expected = point < 0xd800 || (point > 0xdfff && point < 0x110000);
        if (aver_utf8_valid(text) != expected) {
            fail_msg("U+%04X", point);
        }
    }
}

/* Every sequence of two bytes against the definition by encoding: the valid ones are those that
 * some code points encode to. */
static void utf8_refuses_every_other_pair(void **state)
{
    (void)state;
    static bool valid[0x10000];
    for (uint32_t point = 0; point < 0x800; point++) {
        uint8_t bytes[4];
        if (utf8_encode(point, bytes) == 2) {
            valid[bytes[0] << 8 | bytes[1]] = true;
        }
    }
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        const uint8_t bytes[2] = {(uint8_t)(pair >> 8), (uint8_t)pair};
        bool expected = valid[pair] || (bytes[0] < 0x80 && bytes[1] < 0x80);
        assert_int_equal(aver_utf8_valid(AVER_VIEW_OF(bytes)), expected);
    }
}

static void utf8_refuses_known_bad_forms(void **state)
{
    (void)state;
    static const char *const bad[] = {"c080",     "c1bf",   "e08080", "e09fbf",   "f0808080",
                                      "f08fbfbf", "eda080", "edbfbf", "f4908080", "f5808080",
                                      "f8888080", "fe",     "ff",     "80",       "bf",
                                      "c2",       "e282",   "f09f98", "e28228",   "f0288cbc"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        test_bytes bytes = test_hex(bad[i]);
        assert_false(aver_utf8_valid(test_view(&bytes)));
        /* Behind ASCII of every length, so that the fast path ends at each place of a word. */
        for (size_t ahead = 0; ahead < 20; ahead++) {
            uint8_t padded[32];
            memset(padded, 'a', sizeof padded);
            memcpy(padded + ahead, bytes.data, bytes.size);
            assert_false(aver_utf8_valid(aver_view_make(padded, ahead + bytes.size)));
        }
    }
}

static void utf8_complete_never_splits(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
    static const size_t complete[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t size = 0; size < sizeof complete / sizeof complete[0]; size++) {
        assert_int_equal(aver_utf8_complete(aver_view_make(text, size)), complete[size]);
    }
    /* What can never become a character is not held back. */
    assert_int_equal(aver_utf8_complete(AVER_VIEW_LITERAL("a\xff")), 2);
    assert_int_equal(aver_utf8_complete(AVER_VIEW_LITERAL("a\x80\x80\x80\x80")), 5);
    assert_int_equal(aver_utf8_complete(AVER_VIEW_LITERAL("a\xe0\x80")), 3);
    assert_int_equal(aver_utf8_complete(AVER_VIEW_LITERAL("a\xed\xa0")), 3);
    assert_int_equal(aver_utf8_complete(AVER_VIEW_LITERAL("a\xf0\x9f\x98")), 1);
}

static void utf8_clean_replaces_maximal_parts(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"abc", "abc"},
        {"", ""},
        {"a\xff"
         "b",
         "a\xef\xbf\xbd"
         "b"},
        {"\xe2\x82", "\xef\xbf\xbd"},
        {"\xe2\x82"
         "a",
         "\xef\xbf\xbd"
         "a"},
        {"\xf0\x9f\x98\xf0\x9f\x98\x80", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc3\xa9\x80", "\xc3\xa9\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        aver_buf out;
        aver_buf_init(&out, 100);
        aver_utf8_append_clean(&out, aver_view_text(cases[i][0]));
        assert_true(aver_view_equal_text(aver_buf_view(&out), cases[i][1]));
        aver_buf_deinit(&out);
    }
}

static void lists_are_cut_at_single_commas(void **state)
{
    static const struct {
        const char *list;
        const char *pieces[4];
    } cases[] = {
        {"", {""}},
        {"a", {"a"}},
        {"a,b", {"a", "b"}},
        {"a,,b,c", {"a,b", "c"}},
        {",a,", {"", "a", ""}},
        {"a,,,b", {"a,", "b"}},
        {",,", {","}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[16];
        char *rest = text;
        (void)snprintf(text, sizeof(text), "%s", cases[i].list);
        for (size_t j = 0; cases[i].pieces[j] != NULL; j++) {
            assert_string_equal(aver_list_cut(&rest), cases[i].pieces[j]);
        }
        assert_null(aver_list_cut(&rest));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_both_ways),
        cmocka_unit_test(hex_refuses_and_leaves_alone),
        cmocka_unit_test(base64_rfc4648_vectors),
        cmocka_unit_test(base64_refuses_other_forms),
        cmocka_unit_test(base64_round_trips),
        cmocka_unit_test(utf8_accepts_exactly_the_code_points),
        cmocka_unit_test(utf8_refuses_every_other_pair),
        cmocka_unit_test(utf8_refuses_known_bad_forms),
        cmocka_unit_test(utf8_complete_never_splits),
        cmocka_unit_test(utf8_clean_replaces_maximal_parts),
        cmocka_unit_test(lists_are_cut_at_single_commas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

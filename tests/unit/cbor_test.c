/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "codec/cbor.h"

#include <time.h>

static aver_err cbor_try(const char *hex, unsigned flags)
{
    test_bytes bytes = test_hex(hex);
    aver_cbor_cursor cursor = aver_cbor_open(test_view(&bytes), flags);
    aver_view item;
    aver_err err = aver_cbor_skip(&cursor, &item);
    return err == AVER_OK ? aver_cbor_end(&cursor) : err;
}

static void cbor_strict_refuses_what_lenient_takes(void **state)
{
    (void)state;
    static const char *const lenient_only[] = {
        "1817",
        "1900ff",
        "1a0000ffff",
        "1b00000000ffffffff",
        "3800",
        "5800",
        "7900"
        "00",
        "9800",
        "b800",
        "d81700",
        "5f4101ff",
        "7f6161ff",
        "9f01ff",
        "bf0102ff",
        "a202000100", /* keys out of order */
        "a201000100", /* a key twice, found by the key reader */
        "f93c00",
        "fa3f800000",
        "fb3ff0000000000000",
        "9f9fffff",
        "5fff"};
    for (size_t i = 0; i < sizeof lenient_only / sizeof lenient_only[0]; i++) {
        assert_err(cbor_try(lenient_only[i], 0), AVER_E_FORMAT);
        assert_ok(cbor_try(lenient_only[i], AVER_CBOR_LENIENT));
    }
}

static void cbor_both_refuse_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "18",
                                      "19ff",
                                      "1a000000",
                                      "1b00000000000000",
                                      "1c",
                                      "1d",
                                      "1e",
                                      "1f",
                                      "3f",
                                      "41",
                                      "61",
                                      "5bffffffffffffffff",
                                      "7bffffffffffffffff",
                                      "9bffffffffffffffff",
                                      "bbffffffffffffffff",
                                      "bb8000000000000000",
                                      "81",
                                      "8201",
                                      "a1",
                                      "a101",
                                      "a2010203",
                                      "c0",
                                      "df00",
                                      "e0",
                                      "f0",
                                      "f3",
                                      "f4f4",
                                      "f7",
                                      "f800",
                                      "f818",
                                      "f8ff",
                                      "fc",
                                      "fd",
                                      "fe",
                                      "ff",
                                      "f9",
                                      "f93c",
                                      "fa3f8000",
                                      "fb3ff00000000000",
                                      "81ff",
                                      "a1ff",
                                      "a100ff",
                                      "c0ff",
                                      "9f",
                                      "bf",
                                      "bf00ff",
                                      "5f",
                                      "5f00ff",
                                      "5f6161ff",
                                      "7f4161ff",
                                      "5f5f4100ffff",
                                      "7f61c3ff",
                                      "61ff",
                                      "62c328",
                                      "0000"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_err(cbor_try(bad[i], 0), AVER_E_FORMAT);
        assert_err(cbor_try(bad[i], AVER_CBOR_LENIENT), AVER_E_FORMAT);
    }
}

static void cbor_depth_is_bounded(void **state)
{
    (void)state;
    static const uint8_t openers[] = {0x81, 0xa1, 0xc1, 0x9f, 0xbf};
    for (size_t kind = 0; kind < sizeof openers; kind++) {
        for (size_t depth = 1; depth <= 40; depth++) {
            uint8_t bytes[200];
            size_t size = 0;
            for (size_t i = 0; i < depth; i++) {
                bytes[size++] = openers[kind];
                if ((openers[kind] & 0xe0) == 0xa0) {
                    bytes[size++] = 0x00;
                }
            }
            bytes[size++] = 0x00;
            bool indefinite = (openers[kind] & 31) == 31;
            for (size_t i = 0; indefinite && i < depth; i++) {
                bytes[size++] = 0xff;
            }
            aver_cbor_cursor cursor =
                aver_cbor_open(aver_view_make(bytes, size), AVER_CBOR_LENIENT);
            aver_view item;
            aver_err expected = depth <= AVER_CBOR_DEPTH_MAX ? AVER_OK : AVER_E_LIMIT;
            assert_err(aver_cbor_skip(&cursor, &item), expected);
        }
    }
}

static void cbor_deep_input_costs_no_stack(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 20];
    memset(bytes, 0x81, sizeof bytes);
    aver_cbor_cursor cursor = aver_cbor_open(AVER_VIEW_OF(bytes), 0);
    aver_view item;
    assert_err(aver_cbor_skip(&cursor, &item), AVER_E_LIMIT);
    assert_int_equal(cursor.rest.size, sizeof bytes);
}

static void cbor_integers_to_their_edges(void **state)
{
    (void)state;
    static const int64_t edges[] = {0,     23,         24,         255,       256,    65535,
                                    65536, 4294967295, 4294967296, INT64_MAX, -1,     -24,
                                    -25,   -256,       -257,       -65536,    -65537, INT64_MIN};
    static const size_t sizes[] = {1, 1, 2, 2, 3, 3, 5, 5, 9, 9, 1, 1, 2, 2, 3, 3, 5, 9};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        aver_buf out;
        aver_buf_init(&out, 16);
        aver_cbor_put_int(&out, edges[i]);
        assert_int_equal(out.size, sizes[i]);
        aver_cbor_cursor cursor = aver_cbor_open(aver_buf_view(&out), 0);
        int64_t value;
        assert_ok(aver_cbor_read_int(&cursor, &value));
        assert_true(value == edges[i]);
        assert_ok(aver_cbor_end(&cursor));
        aver_buf_deinit(&out);
    }
    static const char *const beyond[] = {"1b8000000000000000", "3b8000000000000000",
                                         "3bffffffffffffffff", "1bffffffffffffffff"};
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        test_bytes bytes = test_hex(beyond[i]);
        aver_cbor_cursor cursor = aver_cbor_open(test_view(&bytes), 0);
        int64_t value = 77;
        assert_err(aver_cbor_read_int(&cursor, &value), AVER_E_FORMAT);
        assert_true(value == 77);
        assert_int_equal(cursor.rest.size, 9);
    }
    test_bytes largest = test_hex("1bffffffffffffffff");
    aver_cbor_cursor cursor = aver_cbor_open(test_view(&largest), 0);
    uint64_t value;
    assert_ok(aver_cbor_read_uint(&cursor, &value));
    assert_true(value == UINT64_MAX);
}

/* Every reader at an item of every type: only its own is read, and the cursor stays otherwise. */
static void cbor_readers_take_only_their_type(void **state)
{
    (void)state;
    static const char *const items[] = {"01",   "20", "4101", "6161",   "8100", "a10000",
                                        "c100", "f5", "f6",   "f93c00", "ff"};
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        test_bytes bytes = test_hex(items[i]);
        aver_cbor_cursor cursor = aver_cbor_open(test_view(&bytes), AVER_CBOR_LENIENT);
        aver_cbor_type type;
        uint64_t number;
        int64_t integer;
        aver_view view;
        uint8_t fixed[2];
        bool flag;
        aver_cbor_map map;
        assert_ok(aver_cbor_peek(&cursor, &type));
        assert_int_equal(type, i);
        aver_cbor_cursor c[11];
        for (size_t k = 0; k < 11; k++) {
            c[k] = cursor;
        }
        const aver_err errs[11] = {
            aver_cbor_read_uint(&c[0], &number),  aver_cbor_read_int(&c[1], &integer),
            aver_cbor_read_bytes(&c[2], &view),   aver_cbor_read_text(&c[3], &view),
            aver_cbor_read_array(&c[4], &number), aver_cbor_read_map(&c[5], &map),
            aver_cbor_read_tag(&c[6], &number),   aver_cbor_read_bool(&c[7], &flag),
            aver_cbor_read_null(&c[8]),           aver_cbor_read_fixed(&c[9], fixed, 2),
            aver_cbor_read_break(&c[10])};
        for (size_t k = 0; k < 11; k++) {
            bool expected = k == 9 ? false : k == i || (k == 1 && i == 0);
            assert_err(errs[k], expected ? AVER_OK : AVER_E_FORMAT);
            assert_int_equal(c[k].rest.size < bytes.size, expected);
        }
    }
}

static void cbor_fixed_is_exact(void **state)
{
    (void)state;
    test_bytes bytes = test_hex("43010203");
    uint8_t fixed[4] = {9, 9, 9, 9};
    for (size_t size = 0; size <= 4; size++) {
        aver_cbor_cursor cursor = aver_cbor_open(test_view(&bytes), 0);
        assert_err(aver_cbor_read_fixed(&cursor, fixed, size), size == 3 ? AVER_OK : AVER_E_FORMAT);
        assert_int_equal(fixed[0], size >= 3 ? 1 : 9);
    }
    assert_int_equal(fixed[3], 9);
}

/* Reads a map of integer keys with skipped values to its end. */
static aver_err cbor_walk_int_map(const char *hex, unsigned flags, size_t *ret_pairs)
{
    test_bytes bytes = test_hex(hex);
    aver_cbor_cursor cursor = aver_cbor_open(test_view(&bytes), flags);
    aver_cbor_map map;
    aver_err err = aver_cbor_read_map(&cursor, &map);
    bool more = true;
    for (*ret_pairs = 0; err == AVER_OK;) {
        int64_t key;
        aver_view value;
        err = aver_cbor_map_key_int(&cursor, &map, &more, &key);
        if (err != AVER_OK || !more) {
            break;
        }
        (*ret_pairs)++;
        err = aver_cbor_skip(&cursor, &value);
    }
    return err == AVER_OK ? aver_cbor_end(&cursor) : err;
}

static void cbor_map_keys_in_order_and_once(void **state)
{
    (void)state;
    size_t pairs;
    assert_ok(cbor_walk_int_map("a0", 0, &pairs));
    assert_int_equal(pairs, 0);
    assert_ok(cbor_walk_int_map("a4000018180020002100", 0, &pairs));
    assert_int_equal(pairs, 4);
    assert_err(cbor_walk_int_map("a202000100", 0, &pairs), AVER_E_FORMAT);
    assert_err(cbor_walk_int_map("a220000100", 0, &pairs), AVER_E_FORMAT);
    assert_err(cbor_walk_int_map("a201000100", 0, &pairs), AVER_E_FORMAT);
    assert_err(cbor_walk_int_map("a20100616100", 0, &pairs), AVER_E_FORMAT);
    assert_err(cbor_walk_int_map("a201", 0, &pairs), AVER_E_FORMAT);
    assert_ok(cbor_walk_int_map("a202000100", AVER_CBOR_LENIENT, &pairs));
    assert_ok(cbor_walk_int_map("bf02000100ff", AVER_CBOR_LENIENT, &pairs));
    assert_int_equal(pairs, 2);
    assert_err(cbor_walk_int_map("bf0200", AVER_CBOR_LENIENT, &pairs), AVER_E_FORMAT);
    assert_err(cbor_walk_int_map("a201000100", AVER_CBOR_LENIENT, &pairs), AVER_E_FORMAT);
    assert_err(cbor_walk_int_map("a3010002000100", AVER_CBOR_LENIENT, &pairs), AVER_E_FORMAT);
    assert_err(cbor_walk_int_map("a20100180100", AVER_CBOR_LENIENT, &pairs), AVER_E_FORMAT);
    assert_err(cbor_walk_int_map("bf01001b000000000000000100ff", AVER_CBOR_LENIENT, &pairs),
               AVER_E_FORMAT);
}

static void cbor_text_keys(void **state)
{
    (void)state;
    test_bytes bytes = test_hex("a361610162616102616203");
    test_bytes good = test_hex("a3616101616202626161"
                               "03");
    test_bytes cases[2] = {bytes, good};
    for (size_t i = 0; i < 2; i++) {
        aver_cbor_cursor cursor = aver_cbor_open(test_view(&cases[i]), 0);
        aver_cbor_map map;
        aver_view key;
        bool more = true;
        uint64_t value = 0;
        assert_ok(aver_cbor_read_map(&cursor, &map));
        aver_err err = AVER_OK;
        while (err == AVER_OK && more) {
            err = aver_cbor_map_key_text(&cursor, &map, &more, &key);
            if (err == AVER_OK && more) {
                err = aver_cbor_read_uint(&cursor, &value);
            }
        }
        /* Shorter keys come first: "aa" before "b" is out of order. */
        assert_err(err, i == 0 ? AVER_E_FORMAT : AVER_OK);
    }
}

static void cbor_counts_beyond_the_bytes_fail_at_once(void **state)
{
    (void)state;
    static const char *const arrays[] = {"81", "9a0000000400000000", "9bffffffffffffffff00"};
    static const char *const maps[] = {"a100", "a2000000", "b90003000000", "bb800000000000000000",
                                       "bbffffffffffffffff00"};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        test_bytes bytes = test_hex(arrays[i]);
        aver_cbor_cursor cursor = aver_cbor_open(test_view(&bytes), AVER_CBOR_LENIENT);
        uint64_t count = 77;
        aver_err expected = i == 1 ? AVER_OK : AVER_E_FORMAT;
        assert_err(aver_cbor_read_array(&cursor, &count), expected);
        assert_true(count == (i == 1 ? 4 : 77));
    }
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        test_bytes bytes = test_hex(maps[i]);
        aver_cbor_cursor cursor = aver_cbor_open(test_view(&bytes), 0);
        aver_cbor_map map;
        assert_err(aver_cbor_read_map(&cursor, &map), AVER_E_FORMAT);
        assert_int_equal(cursor.rest.size, bytes.size);
    }
}

static void cbor_lenient_pairs_are_bounded(void **state)
{
    (void)state;
    aver_buf out;
    aver_buf_init(&out, 8192);
    aver_buf_append_byte(&out, 0xbf);
    for (unsigned i = 0; i <= AVER_CBOR_LENIENT_PAIRS_MAX; i++) {
        aver_cbor_put_uint(&out, i);
        aver_cbor_put_null(&out);
    }
    aver_buf_append_byte(&out, 0xff);
    aver_cbor_cursor cursor = aver_cbor_open(aver_buf_view(&out), AVER_CBOR_LENIENT);
    aver_cbor_map map;
    assert_ok(aver_cbor_read_map(&cursor, &map));
    aver_err err = AVER_OK;
    bool more = true;
    size_t pairs = 0;
    while (err == AVER_OK && more) {
        int64_t key;
        err = aver_cbor_map_key_int(&cursor, &map, &more, &key);
        if (err == AVER_OK && more) {
            assert_int_equal(key, pairs);
            pairs++;
            err = aver_cbor_read_null(&cursor);
        }
    }
    assert_err(err, AVER_E_LIMIT);
    assert_int_equal(pairs, AVER_CBOR_LENIENT_PAIRS_MAX);
    aver_buf_deinit(&out);
}

/* Looking for duplicates does not walk the values again: that took seconds for one MiB. */
static void cbor_lenient_maps_cost_one_walk(void **state)
{
    (void)state;
    enum { VALUES = 1 << 20 };
    aver_buf out;
    aver_buf_init(&out, 2 * VALUES);
    aver_cbor_put_map(&out, AVER_CBOR_LENIENT_PAIRS_MAX);
    aver_cbor_put_uint(&out, AVER_CBOR_LENIENT_PAIRS_MAX);
    aver_cbor_put_array(&out, VALUES);
    for (size_t i = 0; i < VALUES; i++) {
        aver_cbor_put_uint(&out, 0);
    }
    for (unsigned i = 1; i < AVER_CBOR_LENIENT_PAIRS_MAX; i++) {
        aver_cbor_put_uint(&out, i);
        aver_cbor_put_uint(&out, 0);
    }
    aver_cbor_cursor cursor = aver_cbor_open(aver_buf_view(&out), AVER_CBOR_LENIENT);
    aver_cbor_map map;
    bool more = true;
    int64_t key;
    aver_view value;
    clock_t begin = clock();
    assert_ok(aver_cbor_read_map(&cursor, &map));
    while (more) {
        assert_ok(aver_cbor_map_key_int(&cursor, &map, &more, &key));
        if (more) {
            assert_ok(aver_cbor_skip(&cursor, &value));
        }
    }
    assert_true(clock() - begin < CLOCKS_PER_SEC);
    assert_ok(aver_cbor_end(&cursor));
    aver_buf_deinit(&out);
}

static void cbor_array_more_steps(void **state)
{
    (void)state;
    static const char *const arrays[] = {"83010203", "9f010203ff"};
    for (size_t i = 0; i < 2; i++) {
        test_bytes bytes = test_hex(arrays[i]);
        aver_cbor_cursor cursor = aver_cbor_open(test_view(&bytes), AVER_CBOR_LENIENT);
        uint64_t count;
        uint64_t value;
        bool more;
        assert_ok(aver_cbor_read_array(&cursor, &count));
        for (uint64_t n = 1; n <= 3; n++) {
            assert_ok(aver_cbor_array_more(&cursor, &count, &more));
            assert_true(more);
            assert_ok(aver_cbor_read_uint(&cursor, &value));
            assert_true(value == n);
        }
        assert_ok(aver_cbor_array_more(&cursor, &count, &more));
        assert_false(more);
        assert_ok(aver_cbor_end(&cursor));
    }
}

static void cbor_skip_gives_the_whole_item(void **state)
{
    (void)state;
    test_bytes bytes = test_hex("a2"
                                "01"
                                "8301"
                                "4102"
                                "6161"
                                "02"
                                "d8"
                                "20"
                                "f6"
                                "05");
    aver_cbor_cursor cursor = aver_cbor_open(test_view(&bytes), 0);
    aver_view item;
    assert_ok(aver_cbor_skip(&cursor, &item));
    assert_int_equal(item.size, bytes.size - 1);
    assert_ptr_equal(item.data, bytes.data);
    uint64_t value;
    assert_ok(aver_cbor_read_uint(&cursor, &value));
    assert_true(value == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cbor_strict_refuses_what_lenient_takes),
        cmocka_unit_test(cbor_both_refuse_malformed),
        cmocka_unit_test(cbor_depth_is_bounded),
        cmocka_unit_test(cbor_deep_input_costs_no_stack),
        cmocka_unit_test(cbor_integers_to_their_edges),
        cmocka_unit_test(cbor_readers_take_only_their_type),
        cmocka_unit_test(cbor_fixed_is_exact),
        cmocka_unit_test(cbor_map_keys_in_order_and_once),
        cmocka_unit_test(cbor_text_keys),
        cmocka_unit_test(cbor_counts_beyond_the_bytes_fail_at_once),
        cmocka_unit_test(cbor_lenient_pairs_are_bounded),
        cmocka_unit_test(cbor_lenient_maps_cost_one_walk),
        cmocka_unit_test(cbor_array_more_steps),
        cmocka_unit_test(cbor_skip_gives_the_whole_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

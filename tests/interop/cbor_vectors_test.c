/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "codec/cbor.h"

#ifdef AVER_WITH_LIBCBOR
#include <cbor.h>
#endif

/* What of RFC 8949's appendix A is in the deterministic form without floats and simple values. */
static const char *const cbor_deterministic[] = {
    "00",
    "01",
    "0a",
    "17",
    "1818",
    "1819",
    "1864",
    "1903e8",
    "1a000f4240",
    "1b000000e8d4a51000",
    "1bffffffffffffffff",
    "c249010000000000000000",
    "3bffffffffffffffff",
    "c349010000000000000000",
    "20",
    "29",
    "3863",
    "3903e7",
    "f4",
    "f5",
    "f6",
    "c074323031332d30332d32315432303a30343a30305a",
    "c11a514b67b0",
    "d74401020304",
    "d818456449455446",
    "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
    "40",
    "4401020304",
    "60",
    "6161",
    "6449455446",
    "62225c",
    "62c3bc",
    "63e6b0b4",
    "64f0908591",
    "80",
    "83010203",
    "8301820203820405",
    "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
    "a0",
    "a201020304",
    "a26161016162820203",
    "826161a161626163",
    "a56161614161626142616361436164614461656145"};

/* And what is well formed but not that: floats, indefinite lengths. */
static const char *const cbor_lenient[] = {
    "f90000",
    "f98000",
    "f93c00",
    "fb3ff199999999999a",
    "f93e00",
    "f97bff",
    "fa47c35000",
    "fa7f7fffff",
    "fb7e37e43c8800759c",
    "f90001",
    "f90400",
    "f9c400",
    "fbc010666666666666",
    "f97c00",
    "f97e00",
    "f9fc00",
    "fa7f800000",
    "fa7fc00000",
    "faff800000",
    "fb7ff0000000000000",
    "fb7ff8000000000000",
    "fbfff0000000000000",
    "c1fb41d452d9ec200000",
    "5f42010243030405ff",
    "7f657374726561646d696e67ff",
    "9fff",
    "9f018202039f0405ffff",
    "9f01820203820405ff",
    "83018202039f0405ff",
    "83019f0203ff820405",
    "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
    "bf61610161629f0203ffff",
    "826161bf61626163ff",
    "bf6346756ef563416d7421ff"};

/* Undefined and unassigned simple values: well formed, and nothing that a format of ours means. */
static const char *const cbor_refused[] = {"f7", "f0", "f8ff"};

static aver_err cbor_skip_all(const char *hex, unsigned flags)
{
    test_bytes bytes = test_hex(hex);
    aver_cbor_cursor cursor = aver_cbor_open(test_view(&bytes), flags);
    aver_view item;
    aver_err err = aver_cbor_skip(&cursor, &item);
    return err == AVER_OK ? aver_cbor_end(&cursor) : err;
}

static void cbor_appendix_a(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cbor_deterministic / sizeof cbor_deterministic[0]; i++) {
        assert_ok(cbor_skip_all(cbor_deterministic[i], 0));
        assert_ok(cbor_skip_all(cbor_deterministic[i], AVER_CBOR_LENIENT));
    }
    for (size_t i = 0; i < sizeof cbor_lenient / sizeof cbor_lenient[0]; i++) {
        assert_err(cbor_skip_all(cbor_lenient[i], 0), AVER_E_FORMAT);
        assert_ok(cbor_skip_all(cbor_lenient[i], AVER_CBOR_LENIENT));
    }
    for (size_t i = 0; i < sizeof cbor_refused / sizeof cbor_refused[0]; i++) {
        assert_err(cbor_skip_all(cbor_refused[i], 0), AVER_E_FORMAT);
        assert_err(cbor_skip_all(cbor_refused[i], AVER_CBOR_LENIENT), AVER_E_FORMAT);
    }
}

static void cbor_writer_gives_appendix_a(void **state)
{
    (void)state;
    aver_buf out;
    aver_buf_init(&out, 256);
    aver_cbor_put_array(&out, 12);
    aver_cbor_put_uint(&out, 1000000);
    aver_cbor_put_uint(&out, UINT64_MAX);
    aver_cbor_put_int(&out, -1000);
    aver_cbor_put_bytes(&out, AVER_VIEW_LITERAL("\x01\x02\x03\x04"));
    aver_cbor_put_text(&out, "\xe6\xb0\xb4");
    aver_cbor_put_text_view(&out, AVER_VIEW_LITERAL(""));
    aver_cbor_put_bool(&out, false);
    aver_cbor_put_bool(&out, true);
    aver_cbor_put_null(&out);
    aver_cbor_put_tag(&out, 32);
    aver_cbor_put_text(&out, "http://www.example.com");
    aver_cbor_put_map(&out, 1);
    aver_cbor_put_text(&out, "b");
    aver_cbor_put_text(&out, "c");
    aver_cbor_put_array(&out, 0);
    test_assert_hex(aver_buf_view(&out),
                    "8c1a000f42401bffffffffffffffff3903e7440102030463e6b0b460f4f5f6"
                    "d82076687474703a2f2f7777772e6578616d706c652e636f6da16162616380");
    aver_buf_deinit(&out);
}

#ifdef AVER_WITH_LIBCBOR

/* Bytes that are likely to begin items, few enough of each for whole ones to appear by chance. */
static uint8_t cbor_random_byte(uint64_t *seed)
{
    static const uint8_t likely[] = {0x00, 0x01, 0x02, 0x03, 0x17, 0x18, 0x19, 0x20, 0x38, 0x40,
                                     0x41, 0x42, 0x43, 0x58, 0x60, 0x61, 0x62, 0x78, 0x80, 0x81,
                                     0x82, 0x83, 0x98, 0x9f, 0xa0, 0xa1, 0xa2, 0xb8, 0xbf, 0xc0,
                                     0xc1, 0xd8, 0xf4, 0xf5, 0xf6, 0xf9, 0xff};
    uint64_t random = test_random(seed);
    return (random & 7) ? likely[(random >> 8) % sizeof likely] : (uint8_t)(random >> 16);
}

/*
 * libcbor must take every item that we take, to its last byte, and write the same bytes again. It
 * cannot judge tags 6 to 20, which it refuses because its RFC 7049 assigned none of them.
 */
static bool cbor_oracle_agrees(aver_view item)
{
    struct cbor_load_result result;
    cbor_item_t *loaded = cbor_load(item.data, item.size, &result);
    if (!loaded && result.read < item.size && item.data[result.read] >= 0xc6 &&
        item.data[result.read] <= 0xd4) {
        return false;
    }
    if (!loaded || result.read != item.size) {
        char text[2 * 64 + 1];
        aver_hex_encode(item, text);
        fail_msg("refused by the oracle: %s", text);
    }
    unsigned char *again = NULL;
    size_t capacity = 0;
    size_t size = cbor_serialize_alloc(loaded, &again, &capacity);
    assert_int_equal(size, item.size);
    assert_memory_equal(again, item.data, size);
    free(again);
    cbor_decref(&loaded);
    return true;
}

static void cbor_differs_not_from_the_oracle(void **state)
{
    (void)state;
    enum { ROUNDS = 300000, SIZE = 48 };
    uint64_t seed = 2026;
    size_t taken[2] = {0, 0};
    for (size_t round = 0; round < ROUNDS; round++) {
        uint8_t bytes[SIZE];
        for (size_t i = 0; i < SIZE; i++) {
            bytes[i] = cbor_random_byte(&seed);
        }
        bytes[0] = (round & 1) ? 0x82 : 0xa2;
        aver_cbor_cursor cursor = aver_cbor_open(AVER_VIEW_OF(bytes), 0);
        aver_view item;
        /* Only what we took goes to the oracle, which on other input may ask for gigabytes. */
        if (aver_cbor_skip(&cursor, &item) == AVER_OK && cbor_oracle_agrees(item)) {
            taken[round & 1]++;
        }
    }
    assert_true(taken[0] > ROUNDS / 1000 && taken[1] > ROUNDS / 100);
}

#else

static void cbor_differs_not_from_the_oracle(void **state)
{
    (void)state;
    print_message("SKIP: no libcbor to compare with\n");
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cbor_appendix_a),
        cmocka_unit_test(cbor_writer_gives_appendix_a),
        cmocka_unit_test(cbor_differs_not_from_the_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

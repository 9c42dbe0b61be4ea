/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_BYTES_H
#define AVER_TESTS_SUPPORT_BYTES_H

/*
 * bytes: what the tests of byte-handling code share. Include after cmocka.h.
 */

#include "aver/bytes.h"
#include "codec/text.h"

#include <stdlib.h>
#include <string.h>

#define TEST_BYTES_MAX 4096

#define assert_ok(call)       assert_int_equal((call), AVER_OK)
#define assert_err(call, err) assert_int_equal((call), (err))

typedef struct test_bytes {
    uint8_t data[TEST_BYTES_MAX];
    size_t size;
} test_bytes;

static inline test_bytes test_hex(const char *text)
{
    test_bytes bytes;
    bytes.size = strlen(text) / 2;
    assert_true(bytes.size <= sizeof bytes.data);
    assert_ok(aver_hex_decode(aver_view_text(text), bytes.data, bytes.size));
    return bytes;
}

static inline aver_view test_view(const test_bytes *bytes)
{
    return aver_view_make(bytes->data, bytes->size);
}

static inline void test_assert_hex(aver_view bytes, const char *expected)
{
    char *text = malloc(2 * bytes.size + 1);
    assert_non_null(text);
    aver_hex_encode(bytes, text);
    assert_string_equal(text, expected);
    free(text);
}

/* A small deterministic generator (splitmix64), so that a failure can be repeated. */
static inline uint64_t test_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t value = *state;
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_GGUF_MAKE_H
#define AVER_TESTS_SUPPORT_GGUF_MAKE_H

/*
 * gguf_make: writes GGUF files into a buffer, item by item, well formed or not as the test wants
 * it.
 */

#include "aver/bytes.h"

#include <string.h>

static inline void make_le(aver_buf *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        aver_buf_append_byte(out, (uint8_t)(value >> (8 * i)));
    }
}

static inline void make_text(aver_buf *out, const char *text)
{
    make_le(out, strlen(text), 8);
    aver_buf_append_text(out, text);
}

static inline void make_header(aver_buf *out, uint64_t tensors, uint64_t items)
{
    aver_buf_append_text(out, "GGUF");
    make_le(out, 3, 4);
    make_le(out, tensors, 8);
    make_le(out, items, 8);
}

static inline void make_item_u32(aver_buf *out, const char *key, uint32_t value)
{
    make_text(out, key);
    make_le(out, 4, 4);
    make_le(out, value, 4);
}

static inline void make_item_text(aver_buf *out, const char *key, const char *value)
{
    make_text(out, key);
    make_le(out, 8, 4);
    make_text(out, value);
}

static inline void make_tensor_2d(aver_buf *out, const char *name, uint32_t type, uint64_t columns,
                                  uint64_t rows, uint64_t offset)
{
    make_text(out, name);
    make_le(out, 2, 4);
    make_le(out, columns, 8);
    make_le(out, rows, 8);
    make_le(out, type, 4);
    make_le(out, offset, 8);
}

static inline void make_padding(aver_buf *out, size_t alignment)
{
    while (out->size % alignment != 0) {
        aver_buf_append_byte(out, 0);
    }
}

/* Bytes that differ from place to place. */
static inline void make_data(aver_buf *out, size_t size)
{
    uint32_t state = 2463534242u;
    for (size_t i = 0; i < size; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        aver_buf_append_byte(out, (uint8_t)(state >> 11));
    }
}

/* A small file that is right: every kind of item, three tensors (one F32, one Q8_0, one F16 of one
 * row). */
static inline void make_small(aver_buf *out)
{
    aver_buf_init(out, (size_t)64 << 20);
    make_header(out, 3, 7);
    make_item_text(out, "general.architecture", "test");
    make_item_u32(out, "general.alignment", 64);
    make_text(out, "test.array");
    make_le(out, 9, 4);
    make_le(out, 2, 4);
    make_le(out, 3, 8);
    make_le(out, 0x000300020001u, 6);
    make_text(out, "test.words");
    make_le(out, 9, 4);
    make_le(out, 8, 4);
    make_le(out, 2, 8);
    make_text(out, "one");
    make_text(out, "");
    make_text(out, "test.truth");
    make_le(out, 7, 4);
    make_le(out, 1, 1);
    make_text(out, "test.signed");
    make_le(out, 11, 4);
    make_le(out, UINT64_MAX, 8);
    make_text(out, "test.big");
    make_le(out, 10, 4);
    make_le(out, (uint64_t)1 << 40, 8);
    make_tensor_2d(out, "a.weight", 0, 5, 3, 0);    /* 60 bytes, 4 of padding */
    make_tensor_2d(out, "b.weight", 8, 64, 2, 64);  /* 136 bytes, 56 of padding */
    make_tensor_2d(out, "c.weight", 1, 33, 1, 256); /* 66 bytes, 62 of padding */
    make_padding(out, 64);
    make_data(out, 60);
    make_padding(out, 64);
    make_data(out, 136);
    make_padding(out, 64);
    make_data(out, 66);
    make_padding(out, 64);
}

#endif

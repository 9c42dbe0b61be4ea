/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_BYTES_H
#define AVER_BYTES_H

/*
 * bytes: a borrowed view, and an owned buffer with a maximum fixed at birth.
 *
 *   aver_view   data ----> [ size bytes, somebody else's ]
 *   aver_buf    data ----> [ size bytes used | free up to capacity ]   capacity <= capacity_max
 *
 * Ownership: the buffer owns data, aver_buf_deinit releases it and zeroes the struct; views handed
 *            in are copied. Every function of the project that takes an aver_buf to fill takes an
 *            initialised one, appends to it, and leaves its contents as they were on failure.
 * Failure:   an append past the maximum, or without memory, changes nothing and makes the buffer
 *            fail for good; an encoder may append freely and ask aver_buf_status once at the end.
 * Threads:   none; one owner at a time.
 */

#include "aver/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

AVER_C_BEGIN

typedef struct aver_view {
    const uint8_t *data;
    size_t size;
} aver_view;

typedef struct aver_buf {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t capacity_max;
    aver_err failure; /* AVER_OK, AVER_E_LIMIT or AVER_E_NOMEM; sticky */
} aver_buf;

/* A view of an array whose size the compiler knows. */
#define AVER_VIEW_OF(array) ((aver_view){(const uint8_t *)(array), sizeof(array)})
/* A view of a string literal without its terminator. */
#define AVER_VIEW_LITERAL(text) ((aver_view){(const uint8_t *)("" text), sizeof(text) - 1})

aver_view aver_view_make(const void *data, size_t size);
aver_view aver_view_text(const char *text); /* NULL gives an empty view */
aver_view aver_view_slice(aver_view view, size_t offset, size_t size); /* asserts the bounds */
bool aver_view_equal(aver_view a, aver_view b); /* not constant time: see base/secret.h */
bool aver_view_equal_text(aver_view a, const char *text);

void aver_buf_init(aver_buf *buf, size_t capacity_max);
void aver_buf_deinit(aver_buf *buf);
/* Overwrites all that the buffer ever held, then empties it; capacity stays. (Where it grew, the
 * place before was overwritten then.) */
void aver_buf_wipe(aver_buf *buf);
void aver_buf_clear(aver_buf *buf); /* empties and forgets a failure; capacity stays */
/* bytes must not lie inside the buffer itself (asserted). */
void aver_buf_append(aver_buf *buf, aver_view bytes);
void aver_buf_append_byte(aver_buf *buf, uint8_t byte);
void aver_buf_append_text(aver_buf *buf, const char *text);
void aver_buf_append_format(aver_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void aver_buf_append_be16(aver_buf *buf, uint16_t value);
void aver_buf_append_be32(aver_buf *buf, uint32_t value);
void aver_buf_append_be64(aver_buf *buf, uint64_t value);
/* Removes the first size bytes (asserts size <= buf->size). */
void aver_buf_consume(aver_buf *buf, size_t size);
/* Makes room for size more bytes; a refusal does not stick. */
AVER_MUST_USE aver_err aver_buf_reserve(aver_buf *buf, size_t size);
AVER_MUST_USE aver_err aver_buf_status(const aver_buf *buf);
aver_view aver_buf_view(const aver_buf *buf);
/* Moves the contents out; from is left initialised and empty with the same maximum. */
aver_buf aver_buf_take(aver_buf *from);

uint16_t aver_be16_read(const uint8_t bytes[AVER_AT_LEAST(2)]);
uint32_t aver_be32_read(const uint8_t bytes[AVER_AT_LEAST(4)]);
uint64_t aver_be64_read(const uint8_t bytes[AVER_AT_LEAST(8)]);
void aver_be32_write(uint8_t ret_bytes[AVER_AT_LEAST(4)], uint32_t value);
void aver_be64_write(uint8_t ret_bytes[AVER_AT_LEAST(8)], uint64_t value);

AVER_C_END

#endif

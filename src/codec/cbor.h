/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CODEC_CBOR_H
#define AVER_CODEC_CBOR_H

/*
 * cbor: RFC 8949 with a bounded cursor and a deterministic writer (section 4.2.1: shortest heads,
 * definite lengths, map keys in bytewise order of their encoding).
 *
 * Reader:  aver_cbor_cursor walks a view; it allocates nothing, never recurses, and does not move
 *          on failure. By default it accepts only the deterministic form; with AVER_CBOR_LENIENT it
 *          also accepts long heads, indefinite lengths and any key order (for documents made by
 *          others). Trailing bytes are found by aver_cbor_end. Duplicate map keys are refused in
 *          both forms, by aver_cbor_map_key_* and, in the strict form, by aver_cbor_skip.
 * Writer:  appends to an aver_buf (sticky failure). The caller writes map keys in order.
 * Limits:  depth AVER_CBOR_DEPTH_MAX; a claimed array or map length beyond the bytes left fails at
 *          once; a lenient map read key by key has at most AVER_CBOR_LENIENT_PAIRS_MAX pairs.
 * Errors:  AVER_E_FORMAT for malformed bytes or another type than asked; AVER_E_LIMIT for a limit.
 */

#include "aver/bytes.h"

#define AVER_CBOR_DEPTH_MAX         16
#define AVER_CBOR_LENIENT_PAIRS_MAX 256
/* The count of an array of indefinite length: ends where peek reports AVER_CBOR_BREAK. */
#define AVER_CBOR_INDEFINITE UINT64_MAX

typedef enum aver_cbor_type {
    AVER_CBOR_UINT,
    AVER_CBOR_NEGATIVE,
    AVER_CBOR_BYTES,
    AVER_CBOR_TEXT,
    AVER_CBOR_ARRAY,
    AVER_CBOR_MAP,
    AVER_CBOR_TAG,
    AVER_CBOR_BOOL,
    AVER_CBOR_NULL,
    AVER_CBOR_FLOAT, /* reported by peek; skip passes over it when lenient; no reader */
    AVER_CBOR_BREAK, /* end of an indefinite item, lenient only */
} aver_cbor_type;

enum { AVER_CBOR_LENIENT = 1 };

typedef struct aver_cbor_cursor {
    aver_view rest;
    unsigned flags;
} aver_cbor_cursor;

/* State of one open map with integer or text keys: checks order and duplicates as keys are read. */
typedef struct aver_cbor_map {
    uint64_t pairs_left; /* AVER_CBOR_INDEFINITE: up to a break */
    uint64_t pairs_read;
    aver_view key_last; /* encoding of the key read last */
    /* The first pairs_read are set where order is free: what came, to find duplicates. */
    aver_view keys[AVER_CBOR_LENIENT_PAIRS_MAX];
} aver_cbor_map;

aver_cbor_cursor aver_cbor_open(aver_view bytes, unsigned flags);
AVER_MUST_USE aver_err aver_cbor_peek(const aver_cbor_cursor *cursor, aver_cbor_type *ret_type);
AVER_MUST_USE aver_err aver_cbor_read_uint(aver_cbor_cursor *cursor, uint64_t *ret_value);
/* Any integer that fits int64_t. */
AVER_MUST_USE aver_err aver_cbor_read_int(aver_cbor_cursor *cursor, int64_t *ret_value);
/* Strings in chunks (indefinite length) are refused by every reader; only skip passes over them. */
AVER_MUST_USE aver_err aver_cbor_read_bytes(aver_cbor_cursor *cursor, aver_view *ret_bytes);
/* A byte string of exactly size bytes, copied. */
AVER_MUST_USE aver_err aver_cbor_read_fixed(aver_cbor_cursor *cursor, uint8_t *ret_bytes,
                                            size_t size);
/* Valid UTF-8 only. */
AVER_MUST_USE aver_err aver_cbor_read_text(aver_cbor_cursor *cursor, aver_view *ret_text);
AVER_MUST_USE aver_err aver_cbor_read_bool(aver_cbor_cursor *cursor, bool *ret_value);
AVER_MUST_USE aver_err aver_cbor_read_null(aver_cbor_cursor *cursor);
AVER_MUST_USE aver_err aver_cbor_read_tag(aver_cbor_cursor *cursor, uint64_t *ret_tag);
AVER_MUST_USE aver_err aver_cbor_read_array(aver_cbor_cursor *cursor, uint64_t *ret_count);
AVER_MUST_USE aver_err aver_cbor_read_break(aver_cbor_cursor *cursor);
/*
 * Steps through an array: count is what read_array gave. *ret_more true and count one less, or
 * false at its end, the break of an indefinite one consumed.
 */
AVER_MUST_USE aver_err aver_cbor_array_more(aver_cbor_cursor *cursor, uint64_t *count,
                                            bool *ret_more);
AVER_MUST_USE aver_err aver_cbor_read_map(aver_cbor_cursor *cursor, aver_cbor_map *ret_map);
/*
 * Next key of an open map: *ret_more false at its end (*ret_key untouched). Keys twice, or out of
 * order in the strict form: FORMAT. The caller reads or skips the value before the next key.
 */
AVER_MUST_USE aver_err aver_cbor_map_key_int(aver_cbor_cursor *cursor, aver_cbor_map *map,
                                             bool *ret_more, int64_t *ret_key);
AVER_MUST_USE aver_err aver_cbor_map_key_text(aver_cbor_cursor *cursor, aver_cbor_map *map,
                                              bool *ret_more, aver_view *ret_key);
/* Passes over one whole item, nested ones included, and gives its encoding. */
AVER_MUST_USE aver_err aver_cbor_skip(aver_cbor_cursor *cursor, aver_view *ret_item);
/* OK only when nothing is left. */
AVER_MUST_USE aver_err aver_cbor_end(const aver_cbor_cursor *cursor);

void aver_cbor_put_uint(aver_buf *out, uint64_t value);
void aver_cbor_put_int(aver_buf *out, int64_t value);
void aver_cbor_put_bytes(aver_buf *out, aver_view bytes);
void aver_cbor_put_text(aver_buf *out, const char *text);
/* The text is valid UTF-8. */
void aver_cbor_put_text_view(aver_buf *out, aver_view text);
void aver_cbor_put_bool(aver_buf *out, bool value);
void aver_cbor_put_null(aver_buf *out);
void aver_cbor_put_tag(aver_buf *out, uint64_t tag);
void aver_cbor_put_array(aver_buf *out, uint64_t count);
void aver_cbor_put_map(aver_buf *out, uint64_t pairs);

#endif

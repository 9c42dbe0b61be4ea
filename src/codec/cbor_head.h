/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CODEC_CBOR_HEAD_H
#define AVER_CODEC_CBOR_HEAD_H

/* cbor_head: the first bytes of a CBOR item, for the files that make up the cbor reader. */

#include "codec/cbor.h"

enum {
    CBOR_MAJOR_UINT = 0,
    CBOR_MAJOR_NEGATIVE = 1,
    CBOR_MAJOR_BYTES = 2,
    CBOR_MAJOR_TEXT = 3,
    CBOR_MAJOR_ARRAY = 4,
    CBOR_MAJOR_MAP = 5,
    CBOR_MAJOR_TAG = 6,
    CBOR_MAJOR_SIMPLE = 7,
};

typedef struct aver_cbor_head {
    uint8_t major;
    uint8_t info;    /* the low five bits of the first byte */
    bool indefinite; /* an item without length, or the break that ends one */
    uint64_t value;  /* the number, length, count, tag, or the bits of a float */
    size_t size;     /* of the head itself */
} aver_cbor_head;

/*
 * Reads the head under the cursor without moving, checked against the form that the cursor accepts
 * and, for lengths and counts, against the bytes left.
 */
AVER_MUST_USE aver_err aver_cbor_head_read(const aver_cbor_cursor *cursor,
                                           aver_cbor_head *ret_head);
/* Bytewise order of two encodings: negative, zero, positive. */
int aver_cbor_key_compare(aver_view a, aver_view b);

#endif

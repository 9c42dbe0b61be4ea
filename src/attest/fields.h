/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_FIELDS_H
#define AVER_ATTEST_FIELDS_H

/*
 * fields: one table describes a struct and its deterministic CBOR map with unsigned integer keys;
 * the same table writes and reads it, so that the two cannot disagree.
 *
 * Table:   entries in rising key order. Keys that are not in the table are refused.
 * Text:    printable ASCII (0x20 to 0x7e), not empty, shorter than its array: it is shown to
 * people. Failure: FORMAT for other bytes than the table asks for, UNSUPPORTED for another version,
 * LIMIT for a byte string above its maximum; a failed read may have filled part of the record.
 */

#include "codec/cbor.h"

typedef enum aver_field_kind {
    AVER_FIELD_VERSION, /* unsigned, equal to size; not in the record */
    AVER_FIELD_UINT,    /* uint64_t */
    AVER_FIELD_ENUM,    /* a 32-bit enum, 1 to size */
    AVER_FIELD_BOOL,    /* bool */
    AVER_FIELD_FIXED,   /* uint8_t[size] */
    AVER_FIELD_TEXT,    /* char[size], terminated */
    AVER_FIELD_VIEW,    /* aver_view of at most size bytes, borrowed from the input */
    AVER_FIELD_NESTED,  /* put and get do it */
} aver_field_kind;

typedef enum aver_field_presence {
    AVER_FIELD_REQUIRED, /* a VIEW must not be empty */
    AVER_FIELD_FLAGGED,  /* a bool at flag says whether it is there; all of one flag or none */
    AVER_FIELD_NONEMPTY, /* VIEW only: an empty one is left out, and refused when read */
} aver_field_presence;

typedef struct aver_field {
    uint64_t key;
    aver_field_kind kind;
    aver_field_presence presence;
    size_t offset;
    size_t size;
    size_t flag;
    aver_err (*put)(const void *record, aver_buf *out);
    aver_err (*get)(aver_cbor_cursor *cursor, void *record);
} aver_field;

#define AVER_FIELDS_MAX           32
#define AVER_FIELDS_COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

/* Appends the map; USAGE if a value of the record is outside its bounds. */
AVER_MUST_USE aver_err aver_fields_put(const aver_field *fields, size_t count, const void *record,
                                       aver_buf *out);
/* Reads the map at the cursor. The record's flags must be false before. */
AVER_MUST_USE aver_err aver_fields_get(const aver_field *fields, size_t count,
                                       aver_cbor_cursor *cursor, void *record);
/* True if text is terminated within size bytes, not empty, and printable ASCII. */
bool aver_field_text_valid(const char *text, size_t size);
/* Reads one text of that kind. */
AVER_MUST_USE aver_err aver_field_text_get(aver_cbor_cursor *cursor, char *ret_text, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/capsule.h"

#include "attest/fields.h"
#include "aver/bundle.h"

static aver_err capsule_put_cut(const void *record, aver_buf *out)
{
    const aver_capsule *capsule = record;
    if (capsule->opening.size > AVER_RECEIPT_BYTES_MAX ||
        capsule->head.size > AVER_RECEIPT_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_cbor_put_array(out, capsule->head.size ? 2 : 1);
    aver_cbor_put_bytes(out, capsule->opening);
    if (capsule->head.size) {
        aver_cbor_put_bytes(out, capsule->head);
    }
    return AVER_OK;
}

static aver_err capsule_get_signed(aver_cbor_cursor *cursor, aver_view *ret_message)
{
    aver_err err = aver_cbor_read_bytes(cursor, ret_message);
    if (err == AVER_OK && (ret_message->size == 0 || ret_message->size > AVER_RECEIPT_BYTES_MAX)) {
        err = AVER_E_FORMAT;
    }
    return err;
}

static aver_err capsule_get_cut(aver_cbor_cursor *cursor, void *record)
{
    aver_capsule *capsule = record;
    uint64_t count;
    aver_err err = aver_cbor_read_array(cursor, &count);
    if (err == AVER_OK && (count < 1 || count > 2)) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = capsule_get_signed(cursor, &capsule->opening);
    }
    if (err == AVER_OK && count == 2) {
        err = capsule_get_signed(cursor, &capsule->head);
    }
    return err;
}

/* The public struct, and whether it is of a cut stream. */
typedef struct capsule_record {
    aver_capsule capsule;
    bool cut;
} capsule_record;

#define CAPSULE_BODY(number, member)                                                               \
    {                                                                                              \
        .key = (number), .kind = AVER_FIELD_VIEW, .presence = AVER_FIELD_FLAGGED,                  \
        .offset = offsetof(aver_capsule, member), .size = AVER_CAPSULE_BYTES_MAX,                  \
        .flag = offsetof(aver_capsule, has_##member)                                               \
    }
#define CAPSULE_FIXED(number, member)                                                              \
    {                                                                                              \
        .key = (number), .kind = AVER_FIELD_FIXED, .presence = AVER_FIELD_FLAGGED,                 \
        .offset = offsetof(aver_capsule, member), .size = 32,                                      \
        .flag = offsetof(aver_capsule, has_##member)                                               \
    }

/* Key 3 is kept free. */
static const aver_field capsule_fields[] = {
    {.key = 0, .kind = AVER_FIELD_VERSION, .size = 1},
    {.key = 1,
     .kind = AVER_FIELD_VIEW,
     .presence = AVER_FIELD_NONEMPTY,
     .offset = offsetof(aver_capsule, receipt),
     .size = AVER_RECEIPT_BYTES_MAX},
    {.key = 2,
     .kind = AVER_FIELD_VIEW,
     .offset = offsetof(aver_capsule, bundle),
     .size = AVER_BUNDLE_BYTES_MAX},
    CAPSULE_FIXED(4, salt),
    CAPSULE_BODY(5, request),
    CAPSULE_BODY(6, response),
    CAPSULE_BODY(7, tokens),
    CAPSULE_FIXED(8, enc),
    {.key = 9,
     .kind = AVER_FIELD_NESTED,
     .presence = AVER_FIELD_FLAGGED,
     .flag = offsetof(capsule_record, cut),
     .put = capsule_put_cut,
     .get = capsule_get_cut},
};

_Static_assert(offsetof(capsule_record, capsule) == 0,
               "the table's offsets are those of the capsule");

/* A finished answer has a receipt; a cut stream has what was signed before the cut instead. */
static bool capsule_consistent(const aver_capsule *capsule)
{
    return (capsule->receipt.size > 0) != (capsule->opening.size > 0) &&
           (capsule->head.size == 0 || capsule->opening.size > 0);
}

aver_err aver_capsule_encode(const aver_capsule *capsule, aver_buf *ret_bytes)
{
    capsule_record record = {*capsule, capsule->opening.size > 0};
    if (!capsule_consistent(capsule)) {
        return AVER_E_USAGE;
    }
    size_t size_before = ret_bytes->size;
    aver_err err =
        aver_fields_put(capsule_fields, AVER_FIELDS_COUNT(capsule_fields), &record, ret_bytes);
    if (err == AVER_OK && ret_bytes->size - size_before > AVER_CAPSULE_BYTES_MAX) {
        ret_bytes->size = size_before;
        err = AVER_E_LIMIT;
    }
    return err;
}

aver_err aver_capsule_decode(aver_view bytes, aver_capsule *ret_capsule)
{
    if (bytes.size > AVER_CAPSULE_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    capsule_record record = {0};
    aver_cbor_cursor cursor = aver_cbor_open(bytes, 0);
    aver_err err =
        aver_fields_get(capsule_fields, AVER_FIELDS_COUNT(capsule_fields), &cursor, &record);
    if (err == AVER_OK) {
        err = aver_cbor_end(&cursor);
    }
    if (err == AVER_OK && !capsule_consistent(&record.capsule)) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        *ret_capsule = record.capsule;
    }
    return err;
}

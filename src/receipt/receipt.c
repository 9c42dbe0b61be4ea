/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/receipt.h"

#include "attest/fields.h"
#include "crypto/cose.h"
#include "crypto/hash.h"

#include <string.h>

#define RECEIPT_FIXED(number, member)                                                              \
    {                                                                                              \
        .key = (number), .kind = AVER_FIELD_FIXED, .offset = offsetof(aver_receipt, member),       \
        .size = sizeof(((aver_receipt *)0)->member)                                                \
    }
#define RECEIPT_FLAGGED(number, member, has)                                                       \
    {                                                                                              \
        .key = (number), .kind = AVER_FIELD_FIXED, .presence = AVER_FIELD_FLAGGED,                 \
        .offset = offsetof(aver_receipt, member), .size = sizeof(((aver_receipt *)0)->member),     \
        .flag = offsetof(aver_receipt, has)                                                        \
    }
#define RECEIPT_TEXT(number, member)                                                               \
    {                                                                                              \
        .key = (number), .kind = AVER_FIELD_TEXT, .offset = offsetof(aver_receipt, member),        \
        .size = sizeof(((aver_receipt *)0)->member)                                                \
    }
#define RECEIPT_UINT(number, member)                                                               \
    {                                                                                              \
        .key = (number), .kind = AVER_FIELD_UINT, .offset = offsetof(aver_receipt, member)         \
    }
#define RECEIPT_ENUM(number, member, largest)                                                      \
    {                                                                                              \
        .key = (number), .kind = AVER_FIELD_ENUM, .offset = offsetof(aver_receipt, member),        \
        .size = (largest)                                                                          \
    }

/* HTTP status codes have three digits. */
enum { RECEIPT_STATUS_MAX = 999 };

/* In the order of the byte table in docs/receipts.md; keys 29 and 30 are kept for draw proof and
 * stamp. */
static const aver_field receipt_keeper_fields[] = {
    RECEIPT_FIXED(1, receipt_id),
    RECEIPT_FIXED(2, node_id),
    RECEIPT_FIXED(3, incarnation),
    RECEIPT_TEXT(4, platform),
    RECEIPT_FIXED(5, keyset_digest),
    RECEIPT_FIXED(6, evidence_digest),
    RECEIPT_FIXED(7, model_root),
    RECEIPT_FIXED(8, config_digest),
    RECEIPT_UINT(9, seed),
    RECEIPT_ENUM(10, channel, AVER_CHANNEL_TLS),
    RECEIPT_FLAGGED(11, enc_digest, has_enc_digest),
    RECEIPT_TEXT(12, method),
    RECEIPT_TEXT(13, path),
    RECEIPT_ENUM(14, status, RECEIPT_STATUS_MAX),
    RECEIPT_FIXED(15, request_commitment),
    RECEIPT_FIXED(16, response_commitment),
    RECEIPT_FIXED(17, tokens_commitment),
    {.key = 18,
     .kind = AVER_FIELD_UINT,
     .presence = AVER_FIELD_FLAGGED,
     .offset = offsetof(aver_receipt, stream_size),
     .flag = offsetof(aver_receipt, has_stream)},
    RECEIPT_FLAGGED(19, stream_root, has_stream),
    RECEIPT_ENUM(20, finish, AVER_FINISH_ERROR),
    RECEIPT_FLAGGED(21, client_nonce, has_client_nonce),
    RECEIPT_FLAGGED(22, job_id, has_job_id),
    RECEIPT_UINT(23, duration_us),
    RECEIPT_UINT(24, issued_at_ms),
    RECEIPT_ENUM(25, time_source, AVER_TIME_HOST),
    RECEIPT_ENUM(26, isolation, AVER_ISOLATION_REQUEST),
    RECEIPT_ENUM(27, process_model, AVER_PROCESS_SINGLE),
    RECEIPT_UINT(28, engine_incarnation),
};

static const aver_field receipt_engine_fields[] = {
    RECEIPT_TEXT(1, executor),       RECEIPT_ENUM(2, profile, AVER_PROFILE_FAST),
    RECEIPT_FIXED(3, numeric_class), RECEIPT_FLAGGED(4, step_digest, has_step_digest),
    RECEIPT_UINT(5, prompt_tokens),  RECEIPT_UINT(6, generated_tokens),
};

static aver_err receipt_put_keeper(const void *record, aver_buf *out)
{
    return aver_fields_put(receipt_keeper_fields, AVER_FIELDS_COUNT(receipt_keeper_fields), record,
                           out);
}

static aver_err receipt_get_keeper(aver_cbor_cursor *cursor, void *record)
{
    return aver_fields_get(receipt_keeper_fields, AVER_FIELDS_COUNT(receipt_keeper_fields), cursor,
                           record);
}

static aver_err receipt_put_engine(const void *record, aver_buf *out)
{
    return aver_fields_put(receipt_engine_fields, AVER_FIELDS_COUNT(receipt_engine_fields), record,
                           out);
}

static aver_err receipt_get_engine(aver_cbor_cursor *cursor, void *record)
{
    return aver_fields_get(receipt_engine_fields, AVER_FIELDS_COUNT(receipt_engine_fields), cursor,
                           record);
}

static const aver_field receipt_fields[] = {
    {.key = 0, .kind = AVER_FIELD_VERSION, .size = 1},
    {.key = 1, .kind = AVER_FIELD_NESTED, .put = receipt_put_keeper, .get = receipt_get_keeper},
    {.key = 2, .kind = AVER_FIELD_NESTED, .put = receipt_put_engine, .get = receipt_get_engine},
};

static const aver_field opening_fields[] = {
    {.key = 0, .kind = AVER_FIELD_VERSION, .size = 1},
    {.key = 1, .kind = AVER_FIELD_FIXED, .offset = offsetof(aver_opening, receipt_id), .size = 32},
    {.key = 2,
     .kind = AVER_FIELD_FIXED,
     .offset = offsetof(aver_opening, keyset_digest),
     .size = 32},
    {.key = 3, .kind = AVER_FIELD_FIXED, .offset = offsetof(aver_opening, incarnation), .size = 32},
    {.key = 4,
     .kind = AVER_FIELD_FIXED,
     .offset = offsetof(aver_opening, request_commitment),
     .size = 32},
    {.key = 5, .kind = AVER_FIELD_UINT, .offset = offsetof(aver_opening, issued_at_ms)},
};

static const aver_field head_fields[] = {
    {.key = 0, .kind = AVER_FIELD_VERSION, .size = 1},
    {.key = 1, .kind = AVER_FIELD_FIXED, .offset = offsetof(aver_head, receipt_id), .size = 32},
    {.key = 2, .kind = AVER_FIELD_UINT, .offset = offsetof(aver_head, size)},
    {.key = 3, .kind = AVER_FIELD_FIXED, .offset = offsetof(aver_head, root), .size = 32},
};

const char *aver_finish_text(aver_finish finish)
{
    switch (finish) {
    case AVER_FINISH_STOP:
        return "stop";
    case AVER_FINISH_LENGTH:
        return "length";
    case AVER_FINISH_TOOL:
        return "tool";
    case AVER_FINISH_ABORTED:
        return "aborted";
    case AVER_FINISH_ERROR:
        return "error";
    }
    return "unknown";
}

/* One kind of signed message. */
typedef struct message_kind {
    const aver_field *fields;
    size_t fields_count;
    const char *aad;
    const char *media_type;
} message_kind;

static const message_kind message_receipt = {receipt_fields, AVER_FIELDS_COUNT(receipt_fields),
                                             "aver/receipt/1", "application/vnd.aver.receipt+cbor"};
static const message_kind message_opening = {opening_fields, AVER_FIELDS_COUNT(opening_fields),
                                             "aver/opening/1", "application/vnd.aver.opening+cbor"};
static const message_kind message_head = {head_fields, AVER_FIELDS_COUNT(head_fields),
                                          "aver/head/1", "application/vnd.aver.head+cbor"};

static aver_err message_sign(const message_kind *kind, const void *record,
                             const uint8_t kid[static 32], const aver_ed25519 *key,
                             aver_buf *ret_message)
{
    aver_buf payload;
    aver_buf_init(&payload, AVER_RECEIPT_BYTES_MAX);
    aver_err err = aver_fields_put(kind->fields, kind->fields_count, record, &payload);
    if (err == AVER_OK) {
        err = aver_cose_sign(key, kind->aad, kind->media_type, kid, aver_buf_view(&payload),
                             ret_message);
    }
    aver_buf_deinit(&payload);
    return err;
}

/* Parses the envelope and its payload; nothing is verified yet. */
static aver_err message_read(const message_kind *kind, aver_view message, aver_cose *ret_cose,
                             void *record)
{
    if (message.size > AVER_RECEIPT_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_err err = aver_cose_parse(message, ret_cose);
    if (err == AVER_OK && !aver_view_equal_text(ret_cose->content_type, kind->media_type)) {
        err = AVER_E_UNSUPPORTED;
    }
    if (err != AVER_OK) {
        return err;
    }
    aver_cbor_cursor cursor = aver_cbor_open(ret_cose->payload, 0);
    err = aver_fields_get(kind->fields, kind->fields_count, &cursor, record);
    return err == AVER_OK ? aver_cbor_end(&cursor) : err;
}

/* What the map alone cannot say: an encapsulated key belongs to sealed answers and only to them. */
static bool receipt_consistent(const aver_receipt *receipt)
{
    return receipt->has_enc_digest == (receipt->channel == AVER_CHANNEL_SEAL);
}

aver_err aver_receipt_sign(const aver_receipt *receipt, const struct aver_ed25519 *key,
                           aver_buf *ret_message)
{
    if (!receipt_consistent(receipt)) {
        return AVER_E_USAGE;
    }
    return message_sign(&message_receipt, receipt, receipt->incarnation, key, ret_message);
}

aver_err aver_opening_sign(const aver_opening *opening, const struct aver_ed25519 *key,
                           aver_buf *ret_message)
{
    return message_sign(&message_opening, opening, opening->incarnation, key, ret_message);
}

aver_err aver_head_sign(const aver_head *head, const uint8_t incarnation[static 32],
                        const struct aver_ed25519 *key, aver_buf *ret_message)
{
    return message_sign(&message_head, head, incarnation, key, ret_message);
}

aver_err aver_receipt_decode_unverified(aver_view message, aver_receipt *ret_receipt)
{
    aver_cose cose;
    aver_receipt receipt = {0};
    aver_err err = message_read(&message_receipt, message, &cose, &receipt);
    if (err == AVER_OK && (!receipt_consistent(&receipt) ||
                           !aver_view_equal(cose.kid, AVER_VIEW_OF(receipt.incarnation)))) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        *ret_receipt = receipt;
    }
    return err;
}

aver_err aver_receipt_verify_signature(aver_view message, const uint8_t receipt_key[static 32])
{
    aver_cose cose;
    aver_err err = aver_cose_parse(message, &cose);
    return err == AVER_OK ? aver_cose_verify(&cose, message_receipt.aad, receipt_key) : err;
}

aver_err aver_receipt_identity(aver_view message, uint8_t ret_identity[static 32])
{
    aver_cose cose;
    aver_err err = aver_cose_parse(message, &cose);
    return err == AVER_OK ? aver_cose_identity(&cose, message_receipt.aad, ret_identity) : err;
}

aver_err aver_opening_open(aver_view message, const uint8_t receipt_key[static 32],
                           aver_opening *ret_opening)
{
    aver_cose cose;
    aver_opening opening = {0};
    aver_err err = message_read(&message_opening, message, &cose, &opening);
    if (err == AVER_OK && !aver_view_equal(cose.kid, AVER_VIEW_OF(opening.incarnation))) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = aver_cose_verify(&cose, message_opening.aad, receipt_key);
    }
    if (err == AVER_OK) {
        *ret_opening = opening;
    }
    return err;
}

aver_err aver_head_open(aver_view message, const uint8_t receipt_key[static 32],
                        aver_head *ret_head)
{
    aver_cose cose;
    aver_head head = {0};
    aver_err err = message_read(&message_head, message, &cose, &head);
    if (err == AVER_OK) {
        err = aver_cose_verify(&cose, message_head.aad, receipt_key);
    }
    if (err == AVER_OK) {
        *ret_head = head;
    }
    return err;
}

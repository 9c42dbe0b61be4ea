/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/bundle.h"

#include "attest/fields.h"
#include "base/check.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"

#include <stdlib.h>
#include <string.h>

/* One quote serves at most this many nonces. */
#define BUNDLE_NONCES_MAX (1u << AVER_NONCE_PATH_MAX)

enum { BUNDLE_EVIDENCE_BYTES_MAX = 256 * 1024, BUNDLE_COLLATERAL_NAME_BYTES_MAX = 64 };

/* Deterministic order of text keys: shorter ones first, then bytewise. */
static bool bundle_name_follows(aver_view last, aver_view name)
{
    if (last.size != name.size) {
        return last.size < name.size;
    }
    return last.size > 0 && memcmp(last.data, name.data, name.size) < 0;
}

static aver_err bundle_put_collateral(const void *record, aver_buf *out)
{
    const aver_bundle *bundle = record;
    if (bundle->collateral_count > AVER_COLLATERAL_MAX) {
        return AVER_E_USAGE;
    }
    aver_cbor_put_map(out, bundle->collateral_count);
    for (size_t i = 0; i < bundle->collateral_count; i++) {
        aver_view name = bundle->collateral[i].name;
        if (name.size == 0 || name.size > BUNDLE_COLLATERAL_NAME_BYTES_MAX ||
            (i > 0 && !bundle_name_follows(bundle->collateral[i - 1].name, name))) {
            return AVER_E_USAGE;
        }
        aver_cbor_put_text_view(out, name);
        aver_cbor_put_bytes(out, bundle->collateral[i].value);
    }
    return AVER_OK;
}

static aver_err bundle_get_collateral(aver_cbor_cursor *cursor, void *record)
{
    aver_bundle *bundle = record;
    aver_cbor_map map;
    aver_err err = aver_cbor_read_map(cursor, &map);
    while (err == AVER_OK) {
        bool more;
        aver_view name;
        err = aver_cbor_map_key_text(cursor, &map, &more, &name);
        if (err != AVER_OK || !more) {
            break;
        }
        if (bundle->collateral_count == AVER_COLLATERAL_MAX) {
            return AVER_E_LIMIT;
        }
        if (name.size == 0 || name.size > BUNDLE_COLLATERAL_NAME_BYTES_MAX) {
            return AVER_E_FORMAT;
        }
        aver_collateral *entry = &bundle->collateral[bundle->collateral_count++];
        entry->name = name;
        err = aver_cbor_read_bytes(cursor, &entry->value);
    }
    return err;
}

static bool bundle_nonce_path_valid(const aver_bundle *bundle)
{
    return bundle->nonce_count <= BUNDLE_NONCES_MAX && bundle->nonce_index < bundle->nonce_count &&
           bundle->nonce_path_size <= AVER_NONCE_PATH_MAX;
}

static aver_err bundle_put_nonce_path(const void *record, aver_buf *out)
{
    const aver_bundle *bundle = record;
    if (!bundle_nonce_path_valid(bundle)) {
        return AVER_E_USAGE;
    }
    aver_cbor_put_array(out, 3);
    aver_cbor_put_uint(out, bundle->nonce_count);
    aver_cbor_put_uint(out, bundle->nonce_index);
    aver_cbor_put_array(out, bundle->nonce_path_size);
    for (size_t i = 0; i < bundle->nonce_path_size; i++) {
        aver_cbor_put_bytes(out, AVER_VIEW_OF(bundle->nonce_path[i]));
    }
    return AVER_OK;
}

static aver_err bundle_get_nonce_path(aver_cbor_cursor *cursor, void *record)
{
    aver_bundle *bundle = record;
    uint64_t count;
    uint64_t path_size = 0;
    aver_err err = aver_cbor_read_array(cursor, &count);
    if (err == AVER_OK && count != 3) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_uint(cursor, &bundle->nonce_count);
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_uint(cursor, &bundle->nonce_index);
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_array(cursor, &path_size);
    }
    if (err == AVER_OK && path_size > AVER_NONCE_PATH_MAX) {
        err = AVER_E_LIMIT;
    }
    for (size_t i = 0; i < path_size && err == AVER_OK; i++) {
        err = aver_cbor_read_fixed(cursor, bundle->nonce_path[i], 32);
        bundle->nonce_path_size = i + 1;
    }
    if (err == AVER_OK && !bundle_nonce_path_valid(bundle)) {
        err = AVER_E_FORMAT;
    }
    return err;
}

static const aver_field bundle_fields[] = {
    {.key = 0, .kind = AVER_FIELD_VERSION, .size = 1},
    {.key = 1,
     .kind = AVER_FIELD_TEXT,
     .offset = offsetof(aver_bundle, platform),
     .size = AVER_PLATFORM_BYTES_MAX},
    {.key = 2,
     .kind = AVER_FIELD_VIEW,
     .offset = offsetof(aver_bundle, evidence),
     .size = BUNDLE_EVIDENCE_BYTES_MAX},
    {.key = 3,
     .kind = AVER_FIELD_NESTED,
     .put = bundle_put_collateral,
     .get = bundle_get_collateral},
    {.key = 4,
     .kind = AVER_FIELD_VIEW,
     .offset = offsetof(aver_bundle, keyset_bytes),
     .size = AVER_KEYSET_BYTES_MAX},
    {.key = 5, .kind = AVER_FIELD_FIXED, .offset = offsetof(aver_bundle, nonce_root), .size = 32},
    {.key = 6,
     .kind = AVER_FIELD_NESTED,
     .presence = AVER_FIELD_FLAGGED,
     .flag = offsetof(aver_bundle, has_nonce_path),
     .put = bundle_put_nonce_path,
     .get = bundle_get_nonce_path},
    {.key = 7,
     .kind = AVER_FIELD_VIEW,
     .presence = AVER_FIELD_NONEMPTY,
     .offset = offsetof(aver_bundle, gpu_evidence),
     .size = AVER_BUNDLE_BYTES_MAX},
    {.key = 8,
     .kind = AVER_FIELD_VIEW,
     .presence = AVER_FIELD_NONEMPTY,
     .offset = offsetof(aver_bundle, event_log),
     .size = AVER_BUNDLE_BYTES_MAX},
    {.key = 9,
     .kind = AVER_FIELD_VIEW,
     .presence = AVER_FIELD_NONEMPTY,
     .offset = offsetof(aver_bundle, config),
     .size = AVER_BUNDLE_BYTES_MAX},
};

aver_err aver_bundle_encode(const aver_bundle *bundle, aver_buf *ret_bytes)
{
    size_t size_before = ret_bytes->size;
    aver_err err =
        aver_fields_put(bundle_fields, AVER_FIELDS_COUNT(bundle_fields), bundle, ret_bytes);
    if (err == AVER_OK && ret_bytes->size - size_before > AVER_BUNDLE_BYTES_MAX) {
        ret_bytes->size = size_before;
        err = AVER_E_LIMIT;
    }
    return err;
}

aver_err aver_bundle_decode(aver_view bytes, aver_bundle *ret_bundle)
{
    if (bytes.size > AVER_BUNDLE_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_bundle bundle = {0};
    aver_cbor_cursor cursor = aver_cbor_open(bytes, 0);
    aver_err err =
        aver_fields_get(bundle_fields, AVER_FIELDS_COUNT(bundle_fields), &cursor, &bundle);
    if (err == AVER_OK) {
        err = aver_cbor_end(&cursor);
    }
    if (err == AVER_OK) {
        *ret_bundle = bundle;
    }
    return err;
}

/* Appends u32be size || bytes to a block of known room and gives the new end. */
static size_t binding_put(uint8_t *block, size_t at, aver_view part)
{
    aver_be32_write(block + at, (uint32_t)part.size);
    if (part.size) {
        memcpy(block + at + 4, part.data, part.size);
    }
    return at + 4 + part.size;
}

void aver_binding(const uint8_t keyset_digest[static 32], const uint8_t nonce_root[static 32],
                  aver_view gpu_evidence_digest, uint8_t ret_report_data[static 64])
{
    static const char tag[] = "aver/bind/1";
    uint8_t block[sizeof tag - 1 + 3ul * (4 + 64)];
    AVER_ASSERT(gpu_evidence_digest.size <= 64);
    memcpy(block, tag, sizeof tag - 1);
    size_t end = sizeof tag - 1;
    end = binding_put(block, end, aver_view_make(keyset_digest, 32));
    end = binding_put(block, end, aver_view_make(nonce_root, 32));
    end = binding_put(block, end, gpu_evidence_digest);
    aver_sha512_of(aver_view_make(block, end), ret_report_data);
}

void aver_evidence_digest(aver_view evidence, uint8_t ret_digest[static 32])
{
    aver_sha256_tagged("aver/evidence/1", evidence, (aver_view){0}, ret_digest);
}

void aver_gpu_evidence_digest(aver_view gpu_evidence, uint8_t ret_digest[static 32])
{
    aver_sha256_tagged("aver/gpu/1", gpu_evidence, (aver_view){0}, ret_digest);
}

void aver_gpu_nonce(const uint8_t keyset_digest[static 32], const uint8_t nonce_root[static 32],
                    uint8_t ret_nonce[static 32])
{
    aver_sha256_tagged("aver/gpu-nonce/1", aver_view_make(keyset_digest, 32),
                       aver_view_make(nonce_root, 32), ret_nonce);
}

void aver_nonce_leaf(const uint8_t nonce[static AVER_NONCE_BYTES], uint8_t ret_hash[static 32])
{
    static const char tag[] = "aver/nonce/1";
    uint8_t data[sizeof tag - 1 + AVER_NONCE_BYTES];
    memcpy(data, tag, sizeof tag - 1);
    memcpy(data + sizeof tag - 1, nonce, AVER_NONCE_BYTES);
    aver_merkle_leaf(AVER_VIEW_OF(data), ret_hash);
}

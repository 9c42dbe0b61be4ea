/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/nitro_document.h"

#include "codec/cbor.h"

#include <string.h>

enum {
    NITRO_PAYLOAD_BYTES_MAX = 16384,
    NITRO_CERTIFICATE_BYTES_MAX = 1024,
    NITRO_VALUE_BYTES_MAX = 1024,
    NITRO_MODULE_BYTES_MAX = 128,
};

enum { HAS_MODULE = 1, HAS_DIGEST = 2, HAS_TIME = 4, HAS_PCRS = 8, HAS_LEAF = 16, HAS_BUNDLE = 32 };
#define HAS_ALL (HAS_MODULE | HAS_DIGEST | HAS_TIME | HAS_PCRS | HAS_LEAF | HAS_BUNDLE)

static aver_err nitro_pcrs(aver_cbor_cursor *cursor, aver_nitro_document *document)
{
    aver_cbor_map map;
    aver_err err = aver_cbor_read_map(cursor, &map);
    for (bool more = true; err == AVER_OK;) {
        int64_t index = 0;
        aver_view value;
        err = aver_cbor_map_key_int(cursor, &map, &more, &index);
        if (err != AVER_OK || !more) {
            break;
        }
        if (index < 0 || index >= AVER_NITRO_PCRS_MAX) {
            return AVER_E_LIMIT;
        }
        err = aver_cbor_read_bytes(cursor, &value);
        if (err == AVER_OK && value.size != 32 && value.size != 48 && value.size != 64) {
            err = AVER_E_FORMAT;
        }
        if (err == AVER_OK) {
            document->has_pcr[index] = true;
            document->pcrs[index] = value;
            document->pcrs_count++;
        }
    }
    return err == AVER_OK && document->pcrs_count == 0 ? AVER_E_FORMAT : err;
}

static aver_err nitro_bytes(aver_cbor_cursor *cursor, size_t size_max, aver_view *ret_bytes)
{
    aver_view bytes;
    aver_err err = aver_cbor_read_bytes(cursor, &bytes);
    if (err == AVER_OK && (bytes.size == 0 || bytes.size > size_max)) {
        err = AVER_E_LIMIT;
    }
    if (err == AVER_OK) {
        *ret_bytes = bytes;
    }
    return err;
}

static aver_err nitro_cabundle(aver_cbor_cursor *cursor, aver_nitro_document *document)
{
    uint64_t count = 0;
    bool more = false;
    aver_err err = aver_cbor_read_array(cursor, &count);
    while (err == AVER_OK) {
        err = aver_cbor_array_more(cursor, &count, &more);
        if (err != AVER_OK || !more) {
            break;
        }
        if (document->cabundle_count == AVER_NITRO_CABUNDLE_MAX) {
            return AVER_E_LIMIT;
        }
        err = nitro_bytes(cursor, NITRO_CERTIFICATE_BYTES_MAX,
                          &document->cabundle[document->cabundle_count++]);
    }
    return err == AVER_OK && document->cabundle_count == 0 ? AVER_E_FORMAT : err;
}

static aver_err nitro_optional(aver_cbor_cursor *cursor, bool *ret_has, aver_view *ret_bytes)
{
    aver_cbor_type type;
    aver_err err = aver_cbor_peek(cursor, &type);
    if (err == AVER_OK && type == AVER_CBOR_NULL) {
        return aver_cbor_read_null(cursor);
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_bytes(cursor, ret_bytes);
    }
    if (err == AVER_OK && ret_bytes->size > NITRO_VALUE_BYTES_MAX) {
        err = AVER_E_LIMIT;
    }
    *ret_has = err == AVER_OK;
    return err;
}

static aver_err nitro_text(aver_cbor_cursor *cursor, aver_view *ret_text)
{
    aver_err err = aver_cbor_read_text(cursor, ret_text);
    return err == AVER_OK && (ret_text->size == 0 || ret_text->size > NITRO_MODULE_BYTES_MAX)
               ? AVER_E_LIMIT
               : err;
}

static aver_err nitro_member(aver_cbor_cursor *cursor, aver_view key, aver_nitro_document *document,
                             unsigned *has)
{
    aver_view skipped;
    if (aver_view_equal_text(key, "module_id")) {
        *has |= HAS_MODULE;
        return nitro_text(cursor, &document->module_id);
    }
    if (aver_view_equal_text(key, "digest")) {
        *has |= HAS_DIGEST;
        return nitro_text(cursor, &document->digest);
    }
    if (aver_view_equal_text(key, "timestamp")) {
        *has |= HAS_TIME;
        return aver_cbor_read_uint(cursor, &document->timestamp_ms);
    }
    if (aver_view_equal_text(key, "pcrs")) {
        *has |= HAS_PCRS;
        return nitro_pcrs(cursor, document);
    }
    if (aver_view_equal_text(key, "certificate")) {
        *has |= HAS_LEAF;
        return nitro_bytes(cursor, NITRO_CERTIFICATE_BYTES_MAX, &document->certificate);
    }
    if (aver_view_equal_text(key, "cabundle")) {
        *has |= HAS_BUNDLE;
        return nitro_cabundle(cursor, document);
    }
    if (aver_view_equal_text(key, "public_key")) {
        return nitro_optional(cursor, &document->has_public_key, &document->public_key);
    }
    if (aver_view_equal_text(key, "user_data")) {
        return nitro_optional(cursor, &document->has_user_data, &document->user_data);
    }
    if (aver_view_equal_text(key, "nonce")) {
        return nitro_optional(cursor, &document->has_nonce, &document->nonce);
    }
    return aver_cbor_skip(cursor, &skipped);
}

static aver_err nitro_payload(aver_nitro_document *document)
{
    aver_cbor_cursor cursor = aver_cbor_open(document->cose.payload, AVER_CBOR_LENIENT);
    aver_cbor_map map;
    unsigned has = 0;
    if (document->cose.payload.size > NITRO_PAYLOAD_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_err err = aver_cbor_read_map(&cursor, &map);
    for (bool more = true; err == AVER_OK;) {
        aver_view key;
        err = aver_cbor_map_key_text(&cursor, &map, &more, &key);
        if (err != AVER_OK || !more) {
            break;
        }
        err = nitro_member(&cursor, key, document, &has);
    }
    if (err == AVER_OK) {
        err = aver_cbor_end(&cursor);
    }
    return err == AVER_OK && has != HAS_ALL ? AVER_E_FORMAT : err;
}

aver_err aver_nitro_document_parse(aver_view bytes, aver_nitro_document *ret_document)
{
    *ret_document = (aver_nitro_document){0};
    aver_err err = aver_cose_document_parse(bytes, &ret_document->cose);
    return err == AVER_OK ? nitro_payload(ret_document) : err;
}

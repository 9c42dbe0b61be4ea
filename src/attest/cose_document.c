/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/cose_document.h"

#include "codec/cbor.h"
#include "crypto/cose.h"
#include "crypto/hash.h"

enum {
    COSE_TAG_SIGN1 = 18,
    COSE_HEADER_ALG = 1,
    COSE_PROTECTED_BYTES_MAX = 64,
    COSE_STRUCTURE_BYTES_MAX = 256 * 1024,
};

static aver_err document_protected(aver_cose_document *document)
{
    aver_cbor_cursor cursor = aver_cbor_open(document->protected_header, AVER_CBOR_LENIENT);
    aver_cbor_map map;
    int64_t label = 0;
    bool more = false;
    if (document->protected_header.size > COSE_PROTECTED_BYTES_MAX ||
        aver_cbor_read_map(&cursor, &map) != AVER_OK ||
        aver_cbor_map_key_int(&cursor, &map, &more, &label) != AVER_OK || !more ||
        label != COSE_HEADER_ALG || aver_cbor_read_int(&cursor, &document->algorithm) != AVER_OK ||
        aver_cbor_map_key_int(&cursor, &map, &more, &label) != AVER_OK || more) {
        return AVER_E_FORMAT;
    }
    return aver_cbor_end(&cursor);
}

/* An empty map, definite or not. */
static aver_err document_unprotected(aver_cbor_cursor *cursor)
{
    aver_cbor_map map;
    int64_t label = 0;
    bool more = false;
    aver_err err = aver_cbor_read_map(cursor, &map);
    if (err == AVER_OK) {
        err = aver_cbor_map_key_int(cursor, &map, &more, &label);
    }
    return err == AVER_OK && more ? AVER_E_FORMAT : err;
}

aver_err aver_cose_document_parse(aver_view bytes, aver_cose_document *ret_document)
{
    aver_cose_document document = {0};
    aver_cbor_cursor cursor = aver_cbor_open(bytes, AVER_CBOR_LENIENT);
    aver_cbor_type type;
    uint64_t tag = COSE_TAG_SIGN1;
    uint64_t count = 0;
    aver_err err = aver_cbor_peek(&cursor, &type);
    if (err == AVER_OK && type == AVER_CBOR_TAG) {
        err = aver_cbor_read_tag(&cursor, &tag);
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_array(&cursor, &count);
    }
    if (err != AVER_OK || tag != COSE_TAG_SIGN1 || count != 4 ||
        aver_cbor_read_bytes(&cursor, &document.protected_header) != AVER_OK ||
        document_unprotected(&cursor) != AVER_OK ||
        aver_cbor_read_bytes(&cursor, &document.payload) != AVER_OK ||
        aver_cbor_read_bytes(&cursor, &document.signature) != AVER_OK ||
        aver_cbor_end(&cursor) != AVER_OK || document_protected(&document) != AVER_OK) {
        return AVER_E_FORMAT;
    }
    *ret_document = document;
    return AVER_OK;
}

static size_t document_digest(int64_t algorithm, aver_curve curve, aver_view bytes,
                              uint8_t ret_digest[static AVER_SHA512_BYTES])
{
    if (algorithm == AVER_COSE_ES256 && curve == AVER_CURVE_P256) {
        aver_sha256_of(bytes, ret_digest);
        return AVER_SHA256_BYTES;
    }
    if (algorithm == AVER_COSE_ES384 && curve == AVER_CURVE_P384) {
        aver_sha384_of(bytes, ret_digest);
        return AVER_SHA384_BYTES;
    }
    if (algorithm == AVER_COSE_ES512 && curve == AVER_CURVE_P521) {
        aver_sha512_of(bytes, ret_digest);
        return AVER_SHA512_BYTES;
    }
    return 0;
}

aver_err aver_cose_document_verify(const aver_cose_document *document, aver_curve curve,
                                   const aver_ecdsa_key *key)
{
    uint8_t digest[AVER_SHA512_BYTES];
    size_t size = 0;
    aver_buf structure;
    aver_buf_init(&structure, COSE_STRUCTURE_BYTES_MAX);
    aver_cose_sig_structure(document->protected_header, (aver_view){0}, document->payload,
                            &structure);
    aver_err err = aver_buf_status(&structure);
    if (err == AVER_OK) {
        size = document_digest(document->algorithm, curve, aver_buf_view(&structure), digest);
        err = size == 0
                  ? AVER_E_UNSUPPORTED
                  : aver_ecdsa_key_verify(key, aver_view_make(digest, size), document->signature);
    }
    aver_buf_deinit(&structure);
    return err == AVER_E_FORMAT ? AVER_E_PROOF : err;
}

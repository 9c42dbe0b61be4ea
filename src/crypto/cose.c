/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cose.h"

#include "codec/cbor.h"
#include "crypto/hash.h"

enum {
    COSE_TAG_SIGN1 = 18,
    COSE_HEADER_ALG = 1,
    COSE_HEADER_CONTENT_TYPE = 3,
    COSE_HEADER_KID = 4,
    COSE_HEADER_COUNT = 3,
    COSE_ALG_EDDSA = -8,
    COSE_PROTECTED_BYTES_MAX = 512,
    /* A Sig_structure repeats protected header and payload and adds a few heads and the aad. */
    COSE_SIG_STRUCTURE_BYTES_MAX = AVER_COSE_BYTES_MAX + 1024,
};

void aver_cose_sig_structure(aver_view protected_header, aver_view external_aad, aver_view payload,
                             aver_buf *out)
{
    aver_cbor_put_array(out, 4);
    aver_cbor_put_text(out, "Signature1");
    aver_cbor_put_bytes(out, protected_header);
    aver_cbor_put_bytes(out, external_aad);
    aver_cbor_put_bytes(out, payload);
}

static void cose_put_protected(aver_buf *out, const char *content_type,
                               const uint8_t kid[static AVER_COSE_KID_BYTES])
{
    aver_cbor_put_map(out, 3);
    aver_cbor_put_int(out, COSE_HEADER_ALG);
    aver_cbor_put_int(out, COSE_ALG_EDDSA);
    aver_cbor_put_int(out, COSE_HEADER_CONTENT_TYPE);
    aver_cbor_put_text(out, content_type);
    aver_cbor_put_int(out, COSE_HEADER_KID);
    aver_cbor_put_bytes(out, aver_view_make(kid, AVER_COSE_KID_BYTES));
}

static void cose_put_message(aver_buf *out, const aver_cose *cose)
{
    aver_cbor_put_tag(out, COSE_TAG_SIGN1);
    aver_cbor_put_array(out, 4);
    aver_cbor_put_bytes(out, cose->protected_header);
    aver_cbor_put_map(out, 0);
    aver_cbor_put_bytes(out, cose->payload);
    aver_cbor_put_bytes(out, cose->signature);
}

/* The Sig_structure of a message in a fresh buffer, which the caller releases. */
static aver_err cose_structure(const aver_cose *cose, const char *external_aad, aver_buf *structure)
{
    aver_buf_init(structure, COSE_SIG_STRUCTURE_BYTES_MAX);
    aver_cose_sig_structure(cose->protected_header, aver_view_text(external_aad), cose->payload,
                            structure);
    return aver_buf_status(structure);
}

/* Signs the structure of these parts into message, an initialised buffer of the largest size. */
static aver_err cose_sign_parts(const aver_ed25519 *key, const char *external_aad, aver_cose parts,
                                aver_buf *message)
{
    uint8_t signature[AVER_ED25519_SIGNATURE_BYTES];
    aver_buf structure;
    aver_err err = cose_structure(&parts, external_aad, &structure);
    if (err == AVER_OK) {
        err = aver_ed25519_sign(key, aver_buf_view(&structure), signature);
    }
    aver_buf_deinit(&structure);
    if (err == AVER_OK) {
        parts.signature = AVER_VIEW_OF(signature);
        cose_put_message(message, &parts);
        err = aver_buf_status(message);
    }
    return err;
}

aver_err aver_cose_sign(const aver_ed25519 *key, const char *external_aad, const char *content_type,
                        const uint8_t kid[static AVER_COSE_KID_BYTES], aver_view payload,
                        aver_buf *ret_message)
{
    aver_buf header;
    aver_buf message;
    aver_buf_init(&header, COSE_PROTECTED_BYTES_MAX);
    aver_buf_init(&message, AVER_COSE_BYTES_MAX);
    cose_put_protected(&header, content_type, kid);
    aver_err err = aver_buf_status(&header);
    if (err == AVER_OK) {
        aver_cose parts = {.protected_header = aver_buf_view(&header), .payload = payload};
        err = cose_sign_parts(key, external_aad, parts, &message);
    }
    if (err == AVER_OK) {
        err = aver_buf_reserve(ret_message, message.size);
    }
    if (err == AVER_OK) {
        aver_buf_append(ret_message, aver_buf_view(&message));
    }
    aver_buf_deinit(&message);
    aver_buf_deinit(&header);
    return err;
}

/* One label of the protected header; the map reader keeps them in order and single. */
static aver_err cose_parse_label(aver_cbor_cursor *cursor, int64_t label, aver_cose *cose)
{
    int64_t algorithm;
    aver_err err = AVER_E_FORMAT;
    if (label == COSE_HEADER_ALG) {
        err = aver_cbor_read_int(cursor, &algorithm);
        if (err == AVER_OK && algorithm != COSE_ALG_EDDSA) {
            err = AVER_E_UNSUPPORTED;
        }
    } else if (label == COSE_HEADER_CONTENT_TYPE) {
        err = aver_cbor_read_text(cursor, &cose->content_type);
    } else if (label == COSE_HEADER_KID) {
        err = aver_cbor_read_bytes(cursor, &cose->kid);
        if (err == AVER_OK && cose->kid.size != AVER_COSE_KID_BYTES) {
            err = AVER_E_FORMAT;
        }
    }
    return err;
}

static aver_err cose_parse_protected(aver_cose *cose)
{
    aver_cbor_cursor cursor = aver_cbor_open(cose->protected_header, 0);
    aver_cbor_map map;
    aver_err err = aver_cbor_read_map(&cursor, &map);
    if (err != AVER_OK || map.pairs_left != COSE_HEADER_COUNT) {
        return AVER_E_FORMAT;
    }
    /* Three labels, none twice, none but the three: each is there. */
    for (size_t i = 0; i < COSE_HEADER_COUNT; i++) {
        bool more;
        int64_t label;
        err = aver_cbor_map_key_int(&cursor, &map, &more, &label);
        if (err != AVER_OK) {
            return AVER_E_FORMAT;
        }
        err = cose_parse_label(&cursor, label, cose);
        if (err != AVER_OK) {
            return err;
        }
    }
    return aver_cbor_end(&cursor);
}

/* The frame around the parts: tag 18, an array of four, an empty unprotected header. */
static aver_err cose_parse_frame(aver_view message, aver_cose *cose)
{
    aver_cbor_cursor cursor = aver_cbor_open(message, 0);
    uint64_t tag;
    uint64_t count;
    aver_cbor_map unprotected;
    if (aver_cbor_read_tag(&cursor, &tag) != AVER_OK || tag != COSE_TAG_SIGN1 ||
        aver_cbor_read_array(&cursor, &count) != AVER_OK || count != 4 ||
        aver_cbor_read_bytes(&cursor, &cose->protected_header) != AVER_OK ||
        aver_cbor_read_map(&cursor, &unprotected) != AVER_OK || unprotected.pairs_left != 0 ||
        aver_cbor_read_bytes(&cursor, &cose->payload) != AVER_OK ||
        aver_cbor_read_bytes(&cursor, &cose->signature) != AVER_OK ||
        cose->signature.size != AVER_ED25519_SIGNATURE_BYTES) {
        return AVER_E_FORMAT;
    }
    return aver_cbor_end(&cursor);
}

aver_err aver_cose_parse(aver_view message, aver_cose *ret_cose)
{
    if (message.size > AVER_COSE_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_cose cose = {0};
    aver_err err = cose_parse_frame(message, &cose);
    if (err == AVER_OK && cose.protected_header.size > COSE_PROTECTED_BYTES_MAX) {
        err = AVER_E_LIMIT;
    }
    if (err == AVER_OK) {
        err = cose_parse_protected(&cose);
    }
    if (err == AVER_OK) {
        *ret_cose = cose;
    }
    return err;
}

aver_err aver_cose_verify(const aver_cose *cose, const char *external_aad,
                          const uint8_t public_key[static AVER_ED25519_PUBLIC_BYTES])
{
    aver_buf structure;
    aver_err err = cose_structure(cose, external_aad, &structure);
    if (err == AVER_OK) {
        err = aver_ed25519_verify(public_key, aver_buf_view(&structure), cose->signature.data);
    }
    aver_buf_deinit(&structure);
    return err;
}

aver_err aver_cose_identity(const aver_cose *cose, const char *external_aad,
                            uint8_t ret_identity[static 32])
{
    aver_buf structure;
    aver_err err = cose_structure(cose, external_aad, &structure);
    if (err == AVER_OK) {
        aver_sha256_of(aver_buf_view(&structure), ret_identity);
    }
    aver_buf_deinit(&structure);
    return err;
}

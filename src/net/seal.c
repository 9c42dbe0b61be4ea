/* SPDX-License-Identifier: Apache-2.0 */
#include "net/seal.h"

#include "base/check.h"
#include "base/secret.h"
#include "base/sys.h"
#include "codec/text.h"
#include "crypto/aead.h"
#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>

enum {
    SEAL_FRAME_BYTES = 4,
    SEAL_CIPHER_BYTES_MAX = AVER_SEAL_CHUNK_BYTES_MAX + AVER_AEAD_TAG_BYTES,
    SEAL_RECEIPT_BYTES_MAX = 64 * 1024,
};

static const char seal_info[] = "ehbp request";
static const char seal_response_label[] = "ehbp response";
static const char seal_salt_label[] = "aver receipt salt";
static const char seal_receipt_label[] = "aver receipt header";

struct aver_seal {
    aver_hpke *hpke;
    uint8_t enc[AVER_HPKE_ENC_BYTES];
    uint8_t salt[32];
    aver_aead *response; /* once the nonce is known */
    uint8_t nonce_base[AVER_AEAD_NONCE_BYTES];
    uint64_t sequence;
    aver_buf pending;    /* client: the frame under way */
    aver_err failure;    /* client: sticky */
    bool receipt_sealed; /* its key and nonce serve once */
};

static aver_err seal_new(aver_seal **ret_seal)
{
    aver_seal *seal = calloc(1, sizeof(*seal));
    if (!seal) {
        return AVER_E_NOMEM;
    }
    aver_buf_init(&seal->pending, SEAL_FRAME_BYTES + SEAL_CIPHER_BYTES_MAX);
    *ret_seal = seal;
    return AVER_OK;
}

void aver_seal_free(aver_seal *seal)
{
    if (seal) {
        aver_hpke_free(seal->hpke);
        aver_aead_free(seal->response);
        aver_buf_wipe(&seal->pending);
        aver_buf_deinit(&seal->pending);
        aver_wipe(seal, sizeof(*seal));
        free(seal);
    }
}

const uint8_t *aver_seal_enc(const aver_seal *seal)
{
    return seal->enc;
}

const uint8_t *aver_seal_salt(const aver_seal *seal)
{
    return seal->salt;
}

static aver_err seal_salt_derive(aver_seal *seal)
{
    return aver_hpke_export(seal->hpke, aver_view_text(seal_salt_label), seal->salt,
                            sizeof(seal->salt));
}

/* Empties out down to what it held before, leaving no plain text behind. */
static void seal_undo(aver_buf *out, size_t size)
{
    if (out->size > size) {
        aver_wipe(out->data + size, out->size - size);
        out->size = size;
    }
}

/*
 * The frame at the front of bytes: *ret_cipher is empty if only part of it is there. FORMAT for a
 * chunk that could not hold a tag or is larger than any may be.
 */
static aver_err seal_frame_read(aver_view bytes, aver_view *ret_cipher, size_t *ret_used)
{
    *ret_cipher = (aver_view){0};
    *ret_used = 0;
    if (bytes.size < SEAL_FRAME_BYTES) {
        return AVER_OK;
    }
    uint32_t size = aver_be32_read(bytes.data);
    if (size == 0) {
        *ret_used = SEAL_FRAME_BYTES;
        return AVER_OK;
    }
    if (size < AVER_AEAD_TAG_BYTES || size > SEAL_CIPHER_BYTES_MAX) {
        return AVER_E_FORMAT;
    }
    if (bytes.size - SEAL_FRAME_BYTES < size) {
        return AVER_OK;
    }
    *ret_cipher = aver_view_slice(bytes, SEAL_FRAME_BYTES, size);
    *ret_used = SEAL_FRAME_BYTES + size;
    return AVER_OK;
}

/*
 * At least one chunk must open, be it empty: else nobody would have shown that he made this seal,
 * and random bytes would cost the node an exchange of keys and a place among the seals it has seen.
 */
static aver_err seal_request_open(aver_seal *seal, aver_view body, size_t plain_max, aver_buf *out)
{
    size_t plain_size = 0;
    bool opened = false;
    while (body.size > 0) {
        aver_view cipher;
        size_t used = 0;
        aver_err err = seal_frame_read(body, &cipher, &used);
        if (err != AVER_OK || used == 0) {
            return AVER_E_FORMAT;
        }
        body = aver_view_slice(body, used, body.size - used);
        if (cipher.size == 0) {
            continue;
        }
        size_t size = cipher.size - AVER_AEAD_TAG_BYTES;
        if (size > plain_max - plain_size) {
            return AVER_E_LIMIT;
        }
        err = aver_buf_reserve(out, size);
        if (err == AVER_OK) {
            err = aver_hpke_open(seal->hpke, (aver_view){0}, cipher, out);
        }
        if (err != AVER_OK) {
            return err;
        }
        plain_size += size;
        opened = true;
    }
    return opened ? AVER_OK : AVER_E_FORMAT;
}

aver_err aver_seal_accept(const aver_hpke_key *key, const char *enc_hex, aver_view body,
                          size_t plain_max, aver_buf *ret_plain, aver_seal **ret_seal)
{
    aver_seal *seal = NULL;
    size_t before = ret_plain->size;
    aver_err err = seal_new(&seal);
    if (err != AVER_OK) {
        return err;
    }
    err = aver_hex_decode(aver_view_text(enc_hex), seal->enc, sizeof(seal->enc));
    if (err == AVER_OK) {
        err = aver_hpke_recipient(key, seal->enc, aver_view_text(seal_info), &seal->hpke);
    }
    if (err == AVER_OK) {
        err = seal_request_open(seal, body, plain_max, ret_plain);
    }
    if (err == AVER_OK) {
        err = seal_salt_derive(seal);
    }
    if (err != AVER_OK) {
        seal_undo(ret_plain, before);
        aver_seal_free(seal);
        return err;
    }
    *ret_seal = seal;
    return AVER_OK;
}

static aver_err seal_request_seal(aver_seal *seal, aver_view plain, aver_buf *out)
{
    do {
        size_t size =
            plain.size < AVER_SEAL_CHUNK_BYTES_MAX ? plain.size : AVER_SEAL_CHUNK_BYTES_MAX;
        aver_err err = aver_buf_reserve(out, SEAL_FRAME_BYTES + size + AVER_AEAD_TAG_BYTES);
        if (err != AVER_OK) {
            return err;
        }
        aver_buf_append_be32(out, (uint32_t)(size + AVER_AEAD_TAG_BYTES));
        err = aver_hpke_seal(seal->hpke, (aver_view){0}, aver_view_slice(plain, 0, size), out);
        if (err != AVER_OK) {
            return err;
        }
        plain = aver_view_slice(plain, size, plain.size - size);
    } while (plain.size > 0);
    return AVER_OK;
}

aver_err aver_seal_offer(const uint8_t seal_key[static 32], aver_view plain,
                         char ret_enc_hex[static 65], aver_buf *ret_body, aver_seal **ret_seal)
{
    aver_seal *seal = NULL;
    size_t before = ret_body->size;
    aver_err err = seal_new(&seal);
    if (err != AVER_OK) {
        return err;
    }
    err = aver_hpke_sender(seal_key, aver_view_text(seal_info), seal->enc, &seal->hpke);
    if (err == AVER_OK) {
        err = seal_salt_derive(seal);
    }
    if (err == AVER_OK) {
        err = seal_request_seal(seal, plain, ret_body);
    }
    if (err != AVER_OK) {
        seal_undo(ret_body, before);
        aver_seal_free(seal);
        return err;
    }
    aver_hex_encode(AVER_VIEW_OF(seal->enc), ret_enc_hex);
    *ret_seal = seal;
    return AVER_OK;
}

/* The response's key and first nonce, from the nonce that the server drew. */
static aver_err seal_response_derive(aver_seal *seal,
                                     const uint8_t nonce[static AVER_SEAL_NONCE_BYTES])
{
    uint8_t salt[AVER_HPKE_ENC_BYTES + AVER_SEAL_NONCE_BYTES];
    uint8_t secret[32];
    uint8_t prk[32];
    uint8_t key[AVER_AEAD_KEY_BYTES];
    memcpy(salt, seal->enc, sizeof(seal->enc));
    memcpy(salt + sizeof(seal->enc), nonce, AVER_SEAL_NONCE_BYTES);
    aver_err err =
        aver_hpke_export(seal->hpke, aver_view_text(seal_response_label), secret, sizeof(secret));
    if (err == AVER_OK) {
        aver_hkdf_sha256_extract(AVER_VIEW_OF(salt), AVER_VIEW_OF(secret), prk);
        err = aver_hkdf_sha256_expand(prk, AVER_VIEW_LITERAL("key"), key, sizeof(key));
    }
    if (err == AVER_OK) {
        err = aver_hkdf_sha256_expand(prk, AVER_VIEW_LITERAL("nonce"), seal->nonce_base,
                                      sizeof(seal->nonce_base));
    }
    if (err == AVER_OK) {
        err = aver_aead_new(key, &seal->response);
    }
    aver_wipe(secret, sizeof(secret));
    aver_wipe(prk, sizeof(prk));
    aver_wipe(key, sizeof(key));
    return err;
}

aver_err aver_seal_respond(aver_seal *seal, char ret_nonce_hex[static 65])
{
    uint8_t nonce[AVER_SEAL_NONCE_BYTES];
    if (seal->response) {
        return AVER_E_USAGE;
    }
    aver_random(nonce, sizeof(nonce));
    aver_err err = seal_response_derive(seal, nonce);
    if (err == AVER_OK) {
        aver_hex_encode(AVER_VIEW_OF(nonce), ret_nonce_hex);
    }
    return err;
}

aver_err aver_seal_expect(aver_seal *seal, const char *nonce_hex)
{
    uint8_t nonce[AVER_SEAL_NONCE_BYTES];
    if (seal->response) {
        return AVER_E_USAGE;
    }
    aver_err err = aver_hex_decode(aver_view_text(nonce_hex), nonce, sizeof(nonce));
    return err == AVER_OK ? seal_response_derive(seal, nonce) : err;
}

aver_err aver_seal_chunk(aver_seal *seal, aver_view plain, aver_buf *out)
{
    uint8_t nonce[AVER_AEAD_NONCE_BYTES];
    size_t before = out->size;
    if (!seal->response) {
        return AVER_E_USAGE;
    }
    if (plain.size == 0) {
        return AVER_OK;
    }
    if (plain.size > AVER_SEAL_CHUNK_BYTES_MAX || seal->sequence == UINT64_MAX) {
        return AVER_E_LIMIT;
    }
    aver_err err = aver_buf_reserve(out, SEAL_FRAME_BYTES + plain.size + AVER_AEAD_TAG_BYTES);
    if (err != AVER_OK) {
        return err;
    }
    aver_aead_nonce(seal->nonce_base, seal->sequence, nonce);
    aver_buf_append_be32(out, (uint32_t)(plain.size + AVER_AEAD_TAG_BYTES));
    err = aver_aead_seal(seal->response, nonce, (aver_view){0}, plain, out);
    /* Whatever happened, this nonce is spent. */
    seal->sequence++;
    if (err != AVER_OK) {
        seal_undo(out, before);
    }
    return err;
}

static aver_err seal_response_open(aver_seal *seal, aver_view cipher, aver_buf *out)
{
    uint8_t nonce[AVER_AEAD_NONCE_BYTES];
    aver_err err = aver_buf_reserve(out, cipher.size - AVER_AEAD_TAG_BYTES);
    if (err == AVER_OK) {
        aver_aead_nonce(seal->nonce_base, seal->sequence, nonce);
        err = aver_aead_open(seal->response, nonce, (aver_view){0}, cipher, out);
    }
    if (err == AVER_OK) {
        seal->sequence++;
    }
    return err;
}

/* Opens the whole frames in bytes; *ret_used says how far. */
static aver_err seal_frames_open(aver_seal *seal, aver_view bytes, aver_buf *out, size_t *ret_used)
{
    size_t used = 0;
    for (;;) {
        aver_view cipher;
        size_t size = 0;
        aver_err err =
            seal_frame_read(aver_view_slice(bytes, used, bytes.size - used), &cipher, &size);
        if (err == AVER_OK && cipher.size > 0) {
            err = seal_response_open(seal, cipher, out);
        }
        if (err != AVER_OK) {
            return err;
        }
        if (size == 0) {
            *ret_used = used;
            return AVER_OK;
        }
        used += size;
    }
}

/* How many bytes the frame that pending begins still lacks; its size itself comes first. */
static size_t seal_pending_lack(const aver_seal *seal)
{
    if (seal->pending.size < SEAL_FRAME_BYTES) {
        return SEAL_FRAME_BYTES - seal->pending.size;
    }
    return SEAL_FRAME_BYTES + (size_t)aver_be32_read(seal->pending.data) - seal->pending.size;
}

/* Completes the frame that began in an earlier feed, then opens what follows, then keeps the rest.
 */
static aver_err seal_feed_all(aver_seal *seal, aver_view bytes, aver_buf *out)
{
    size_t used = 0;
    while (seal->pending.size > 0 && bytes.size > 0) {
        size_t lack = seal_pending_lack(seal);
        size_t size = bytes.size < lack ? bytes.size : lack;
        aver_buf_append(&seal->pending, aver_view_slice(bytes, 0, size));
        bytes = aver_view_slice(bytes, size, bytes.size - size);
        aver_err err = aver_buf_status(&seal->pending);
        if (err == AVER_OK) {
            err = seal_frames_open(seal, aver_buf_view(&seal->pending), out, &used);
        }
        if (err != AVER_OK) {
            return err;
        }
        aver_buf_consume(&seal->pending, used);
    }
    aver_err err = seal_frames_open(seal, bytes, out, &used);
    if (err == AVER_OK && used < bytes.size) {
        aver_buf_append(&seal->pending, aver_view_slice(bytes, used, bytes.size - used));
        err = aver_buf_status(&seal->pending);
    }
    return err;
}

aver_err aver_seal_feed(aver_seal *seal, aver_view bytes, aver_buf *out)
{
    size_t before = out->size;
    if (!seal->response) {
        return AVER_E_USAGE;
    }
    if (seal->failure == AVER_OK) {
        seal->failure = seal_feed_all(seal, bytes, out);
        if (seal->failure != AVER_OK) {
            seal_undo(out, before);
        }
    }
    return seal->failure;
}

aver_err aver_seal_feed_end(const aver_seal *seal)
{
    if (seal->failure != AVER_OK) {
        return seal->failure;
    }
    return seal->pending.size == 0 ? AVER_OK : AVER_E_FORMAT;
}

static aver_err seal_receipt_key(const aver_seal *seal, aver_aead **ret_aead)
{
    uint8_t key[AVER_AEAD_KEY_BYTES];
    aver_err err =
        aver_hpke_export(seal->hpke, aver_view_text(seal_receipt_label), key, sizeof(key));
    if (err == AVER_OK) {
        err = aver_aead_new(key, ret_aead);
    }
    aver_wipe(key, sizeof(key));
    return err;
}

aver_err aver_seal_receipt_header(aver_seal *seal, aver_view receipt, aver_buf *ret_text)
{
    static const uint8_t nonce[AVER_AEAD_NONCE_BYTES] = {0};
    aver_aead *aead = NULL;
    aver_buf sealed;
    if (seal->receipt_sealed) {
        return AVER_E_USAGE;
    }
    if (receipt.size > SEAL_RECEIPT_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_buf_init(&sealed, SEAL_RECEIPT_BYTES_MAX + AVER_AEAD_TAG_BYTES);
    aver_err err = seal_receipt_key(seal, &aead);
    if (err == AVER_OK) {
        seal->receipt_sealed = true;
        err = aver_aead_seal(aead, nonce, (aver_view){0}, receipt, &sealed);
    }
    if (err == AVER_OK) {
        err = aver_buf_reserve(ret_text, (sealed.size + 2) / 3 * 4);
    }
    if (err == AVER_OK) {
        aver_base64url_append(ret_text, aver_buf_view(&sealed));
    }
    aver_aead_free(aead);
    aver_buf_deinit(&sealed);
    return err;
}

aver_err aver_seal_receipt_open(const aver_seal *seal, const char *text, aver_buf *ret_receipt)
{
    static const uint8_t nonce[AVER_AEAD_NONCE_BYTES] = {0};
    aver_aead *aead = NULL;
    aver_buf sealed;
    aver_buf_init(&sealed, SEAL_RECEIPT_BYTES_MAX + AVER_AEAD_TAG_BYTES);
    aver_err err = aver_base64url_decode(aver_view_text(text), &sealed);
    if (err == AVER_OK && sealed.size < AVER_AEAD_TAG_BYTES) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = seal_receipt_key(seal, &aead);
    }
    if (err == AVER_OK) {
        err = aver_buf_reserve(ret_receipt, sealed.size - AVER_AEAD_TAG_BYTES);
    }
    if (err == AVER_OK) {
        err = aver_aead_open(aead, nonce, (aver_view){0}, aver_buf_view(&sealed), ret_receipt);
    }
    aver_aead_free(aead);
    aver_buf_deinit(&sealed);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hpke_kem.h"

#include "crypto/hash.h"
#include "crypto/ossl.h"

#include <stdlib.h>
#include <string.h>

enum { HPKE_SCALAR_BYTES = 32, HPKE_HKDF_BYTES_MAX = 255 * 32, HPKE_LABELED_BYTES_MAX = 1 << 20 };

struct aver_hpke_key {
    EVP_PKEY *pair;
    uint8_t public_key[AVER_HPKE_PUBLIC_BYTES];
};

static const char hpke_version[] = "HPKE-v1";

/* The suite_id of the KEM: "KEM" and its number, X25519 with HKDF-SHA256. */
static const uint8_t hpke_kem_suite[5] = {'K', 'E', 'M', 0x00, 0x20};

aver_err aver_hpke_key_from_scalar(const uint8_t scalar[static 32], aver_hpke_key **ret_key)
{
    aver_ossl_secure_heap();
    aver_hpke_key *key = calloc(1, sizeof *key);
    if (!key) {
        return AVER_E_NOMEM;
    }
    size_t size = sizeof key->public_key;
    key->pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, scalar, HPKE_SCALAR_BYTES);
    if (!key->pair || EVP_PKEY_get_raw_public_key(key->pair, key->public_key, &size) != 1) {
        aver_hpke_key_free(key);
        return AVER_E_CRYPTO;
    }
    *ret_key = key;
    return AVER_OK;
}

aver_err aver_hpke_key_new(aver_hpke_key **ret_key)
{
    aver_secret *scalar;
    aver_err err = aver_secret_random(HPKE_SCALAR_BYTES, &scalar);
    if (err != AVER_OK) {
        return err;
    }
    err = aver_hpke_key_from_scalar(aver_secret_bytes(scalar), ret_key);
    aver_secret_free(scalar);
    return err;
}

void aver_hpke_key_free(aver_hpke_key *key)
{
    if (key) {
        EVP_PKEY_free(key->pair);
        free(key);
    }
}

const uint8_t *aver_hpke_key_public(const aver_hpke_key *key)
{
    return key->public_key;
}

/* HMAC wants its message in one piece; what may be secret in it is wiped with the buffer. */
aver_err aver_hpke_labeled_extract(aver_view suite, aver_view salt, const char *label,
                                   aver_view key, uint8_t ret_prk[static 32])
{
    aver_buf message;
    aver_buf_init(&message, HPKE_LABELED_BYTES_MAX);
    aver_err err = aver_buf_reserve(&message, 64 + key.size);
    if (err != AVER_OK) {
        return err;
    }
    aver_buf_append_text(&message, hpke_version);
    aver_buf_append(&message, suite);
    aver_buf_append_text(&message, label);
    aver_buf_append(&message, key);
    err = aver_buf_status(&message);
    if (err == AVER_OK) {
        aver_hkdf_sha256_extract(salt, aver_buf_view(&message), ret_prk);
    }
    aver_buf_wipe(&message);
    aver_buf_deinit(&message);
    return err;
}

aver_err aver_hpke_labeled_expand(aver_view suite, const uint8_t prk[static 32], const char *label,
                                  aver_view info, uint8_t *ret_bytes, size_t size)
{
    if (size > HPKE_HKDF_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_buf message;
    aver_buf_init(&message, HPKE_LABELED_BYTES_MAX);
    aver_buf_append_be16(&message, (uint16_t)size);
    aver_buf_append_text(&message, hpke_version);
    aver_buf_append(&message, suite);
    aver_buf_append_text(&message, label);
    aver_buf_append(&message, info);
    aver_err err = aver_buf_status(&message);
    if (err == AVER_OK) {
        err = aver_hkdf_sha256_expand(prk, aver_buf_view(&message), ret_bytes, size);
    }
    aver_buf_deinit(&message);
    return err;
}

/* X25519. A low-order point gives zeros, which OpenSSL refuses and which are refused here again. */
static aver_err hpke_diffie_hellman(const aver_hpke_key *own, const uint8_t other[static 32],
                                    aver_secret *shared)
{
    static const uint8_t zeros[HPKE_SCALAR_BYTES];
    aver_err err = AVER_E_CRYPTO;
    size_t size = HPKE_SCALAR_BYTES;
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, other, 32);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, own->pair, NULL);
    if (!peer || !context || EVP_PKEY_derive_init(context) != 1 ||
        EVP_PKEY_derive_set_peer_ex(context, peer, 0) != 1) {
        goto out;
    }
    err = AVER_E_FORMAT;
    if (EVP_PKEY_derive(context, aver_secret_data(shared), &size) == 1 && size == sizeof zeros &&
        !aver_equal_secret(aver_view_make(aver_secret_bytes(shared), size), AVER_VIEW_OF(zeros))) {
        err = AVER_OK;
    }
out:
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    return err;
}

/* ExtractAndExpand of section 4.1. */
static aver_err hpke_extract_and_expand(const aver_secret *dh, aver_view kem_context,
                                        aver_secret *shared)
{
    aver_view suite = AVER_VIEW_OF(hpke_kem_suite);
    uint8_t prk[32];
    aver_err err =
        aver_hpke_labeled_extract(suite, aver_view_make(NULL, 0), "eae_prk",
                                  aver_view_make(aver_secret_bytes(dh), aver_secret_size(dh)), prk);
    if (err == AVER_OK) {
        err = aver_hpke_labeled_expand(suite, prk, "shared_secret", kem_context,
                                       aver_secret_data(shared), aver_secret_size(shared));
    }
    aver_wipe(prk, sizeof prk);
    return err;
}

aver_err aver_hpke_kem_shared(const aver_hpke_key *own, const uint8_t other[static 32],
                              const uint8_t enc[static AVER_HPKE_ENC_BYTES],
                              const uint8_t recipient[static AVER_HPKE_PUBLIC_BYTES],
                              aver_secret **ret_shared)
{
    uint8_t kem_context[AVER_HPKE_ENC_BYTES + AVER_HPKE_PUBLIC_BYTES];
    memcpy(kem_context, enc, AVER_HPKE_ENC_BYTES);
    memcpy(kem_context + AVER_HPKE_ENC_BYTES, recipient, AVER_HPKE_PUBLIC_BYTES);
    aver_secret *dh = NULL;
    aver_secret *shared = NULL;
    aver_err err = aver_secret_new(HPKE_SCALAR_BYTES, &dh);
    if (err == AVER_OK) {
        err = aver_secret_new(32, &shared);
    }
    if (err == AVER_OK) {
        err = hpke_diffie_hellman(own, other, dh);
    }
    if (err == AVER_OK) {
        err = hpke_extract_and_expand(dh, AVER_VIEW_OF(kem_context), shared);
    }
    aver_secret_free(dh);
    if (err != AVER_OK) {
        aver_secret_free(shared);
        return err;
    }
    *ret_shared = shared;
    return AVER_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include "base/check.h"
#include "base/secret.h"
#include "crypto/ossl.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { AEAD_ENCRYPT = 1, AEAD_DECRYPT = 0 };

struct aver_aead {
    EVP_CIPHER_CTX *context; /* holds the expanded key, which serves both directions */
};

size_t aver_aead_key_size(aver_aead_kind kind)
{
    return kind == AVER_AEAD_AES_128_GCM ? 16 : AVER_AEAD_KEY_BYTES;
}

aver_err aver_aead_new_kind(aver_aead_kind kind, aver_view key, aver_aead **ret_aead)
{
    AVER_ASSERT(kind >= AVER_AEAD_AES_128_GCM && kind <= AVER_AEAD_CHACHA20_POLY1305);
    if (key.size != aver_aead_key_size(kind)) {
        return AVER_E_USAGE;
    }
    const EVP_CIPHER *cipher = aver_ossl_cipher(kind);
    if (!cipher) {
        return AVER_E_CRYPTO;
    }
    aver_aead *aead = calloc(1, sizeof *aead);
    if (!aead) {
        return AVER_E_NOMEM;
    }
    aead->context = EVP_CIPHER_CTX_new();
    if (!aead->context ||
        EVP_CipherInit_ex2(aead->context, cipher, key.data, NULL, AEAD_ENCRYPT, NULL) != 1) {
        aver_aead_free(aead);
        return AVER_E_CRYPTO;
    }
    *ret_aead = aead;
    return AVER_OK;
}

aver_err aver_aead_new(const uint8_t key[static AVER_AEAD_KEY_BYTES], aver_aead **ret_aead)
{
    return aver_aead_new_kind(AVER_AEAD_AES_256_GCM, aver_view_make(key, AVER_AEAD_KEY_BYTES),
                              ret_aead);
}

void aver_aead_free(aver_aead *aead)
{
    if (aead) {
        EVP_CIPHER_CTX_free(aead->context);
        free(aead);
    }
}

void aver_aead_nonce(const uint8_t base[static AVER_AEAD_NONCE_BYTES], uint64_t sequence,
                     uint8_t ret_nonce[static AVER_AEAD_NONCE_BYTES])
{
    uint8_t bytes[8];
    aver_be64_write(bytes, sequence);
    memcpy(ret_nonce, base, AVER_AEAD_NONCE_BYTES);
    for (size_t i = 0; i < sizeof bytes; i++) {
        ret_nonce[AVER_AEAD_NONCE_BYTES - sizeof bytes + i] ^= bytes[i];
    }
}

/* Runs aad and the bytes through the cipher; out has room for as many bytes. */
static aver_err aead_run(aver_aead *aead, int direction, const uint8_t nonce[static 12],
                         aver_view aad, aver_view bytes, uint8_t *out)
{
    int size;
    if (EVP_CipherInit_ex2(aead->context, NULL, NULL, nonce, direction, NULL) != 1) {
        return AVER_E_CRYPTO;
    }
    if (aad.size > 0 &&
        EVP_CipherUpdate(aead->context, NULL, &size, aad.data, (int)aad.size) != 1) {
        return AVER_E_CRYPTO;
    }
    if (bytes.size > 0 &&
        EVP_CipherUpdate(aead->context, out, &size, bytes.data, (int)bytes.size) != 1) {
        return AVER_E_CRYPTO;
    }
    return AVER_OK;
}

static bool aead_sizes_fit(aver_view aad, aver_view bytes)
{
    return aad.size <= INT_MAX && bytes.size <= INT_MAX - AVER_AEAD_TAG_BYTES;
}

aver_err aver_aead_seal(aver_aead *aead, const uint8_t nonce[static 12], aver_view aad,
                        aver_view plain, aver_buf *out)
{
    if (!aead_sizes_fit(aad, plain)) {
        return AVER_E_LIMIT;
    }
    aver_err err = aver_buf_reserve(out, plain.size + AVER_AEAD_TAG_BYTES);
    if (err != AVER_OK) {
        return err;
    }
    uint8_t *place = out->data + out->size;
    int size;
    err = aead_run(aead, AEAD_ENCRYPT, nonce, aad, plain, place);
    if (err != AVER_OK) {
        return err;
    }
    if (EVP_CipherFinal_ex(aead->context, place + plain.size, &size) != 1 ||
        EVP_CIPHER_CTX_ctrl(aead->context, EVP_CTRL_AEAD_GET_TAG, AVER_AEAD_TAG_BYTES,
                            place + plain.size) != 1) {
        return AVER_E_CRYPTO;
    }
    out->size += plain.size + AVER_AEAD_TAG_BYTES;
    return AVER_OK;
}

aver_err aver_aead_open(aver_aead *aead, const uint8_t nonce[static 12], aver_view aad,
                        aver_view sealed, aver_buf *out)
{
    if (sealed.size < AVER_AEAD_TAG_BYTES) {
        return AVER_E_FORMAT;
    }
    size_t plain_size = sealed.size - AVER_AEAD_TAG_BYTES;
    aver_view cipher = aver_view_slice(sealed, 0, plain_size);
    if (!aead_sizes_fit(aad, cipher)) {
        return AVER_E_LIMIT;
    }
    /* One byte at least, so that there is a place to point at. */
    aver_err err = aver_buf_reserve(out, plain_size > 0 ? plain_size : 1);
    if (err != AVER_OK) {
        return err;
    }
    uint8_t tag[AVER_AEAD_TAG_BYTES];
    for (size_t i = 0; i < sizeof tag; i++) {
        tag[i] = sealed.data[plain_size + i];
    }
    uint8_t *place = out->data + out->size;
    int size;
    err = aead_run(aead, AEAD_DECRYPT, nonce, aad, cipher, place);
    if (err == AVER_OK &&
        EVP_CIPHER_CTX_ctrl(aead->context, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) != 1) {
        err = AVER_E_CRYPTO;
    }
    if (err == AVER_OK && EVP_CipherFinal_ex(aead->context, place + plain_size, &size) != 1) {
        err = AVER_E_PROOF;
    }
    if (err != AVER_OK) {
        aver_wipe(place, plain_size);
        return err;
    }
    out->size += plain_size;
    return AVER_OK;
}

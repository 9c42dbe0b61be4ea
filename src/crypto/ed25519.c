/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519.h"

#include "base/secret.h"
#include "crypto/ed25519_point.h"
#include "crypto/ossl.h"

#include <stdlib.h>

struct aver_ed25519 {
    EVP_PKEY *pair;
    uint8_t public_key[AVER_ED25519_PUBLIC_BYTES];
};

aver_err aver_ed25519_from_seed(const uint8_t seed[static 32], aver_ed25519 **ret_key)
{
    aver_ossl_secure_heap();
    aver_ed25519 *key = calloc(1, sizeof *key);
    if (!key) {
        return AVER_E_NOMEM;
    }
    size_t size = sizeof key->public_key;
    key->pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
    if (!key->pair || EVP_PKEY_get_raw_public_key(key->pair, key->public_key, &size) != 1) {
        aver_ed25519_free(key);
        return AVER_E_CRYPTO;
    }
    *ret_key = key;
    return AVER_OK;
}

aver_err aver_ed25519_new(aver_ed25519 **ret_key)
{
    aver_secret *seed;
    aver_err err = aver_secret_random(32, &seed);
    if (err != AVER_OK) {
        return err;
    }
    err = aver_ed25519_from_seed(aver_secret_bytes(seed), ret_key);
    aver_secret_free(seed);
    return err;
}

void aver_ed25519_free(aver_ed25519 *key)
{
    if (key) {
        EVP_PKEY_free(key->pair);
        free(key);
    }
}

const uint8_t *aver_ed25519_public(const aver_ed25519 *key)
{
    return key->public_key;
}

aver_err aver_ed25519_sign(const aver_ed25519 *key, aver_view message,
                           uint8_t ret_signature[static AVER_ED25519_SIGNATURE_BYTES])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context) {
        return AVER_E_NOMEM;
    }
    uint8_t signature[AVER_ED25519_SIGNATURE_BYTES];
    size_t size = sizeof signature;
    aver_err err = AVER_E_CRYPTO;
    if (EVP_DigestSignInit_ex(context, NULL, NULL, NULL, NULL, key->pair, NULL) == 1 &&
        EVP_DigestSign(context, signature, &size, message.data, message.size) == 1 &&
        size == sizeof signature) {
        for (size_t i = 0; i < sizeof signature; i++) {
            ret_signature[i] = signature[i];
        }
        err = AVER_OK;
    }
    EVP_MD_CTX_free(context);
    return err;
}

aver_err aver_ed25519_verify(const uint8_t public_key[static AVER_ED25519_PUBLIC_BYTES],
                             aver_view message,
                             const uint8_t signature[static AVER_ED25519_SIGNATURE_BYTES])
{
    if (!aver_ed25519_point_acceptable(public_key)) {
        return AVER_E_FORMAT;
    }
    aver_err err = AVER_E_CRYPTO;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, AVER_ED25519_PUBLIC_BYTES);
    if (!context || !key ||
        EVP_DigestVerifyInit_ex(context, NULL, NULL, NULL, NULL, key, NULL) != 1) {
        goto out;
    }
    if (EVP_DigestVerify(context, signature, AVER_ED25519_SIGNATURE_BYTES, message.data,
                         message.size) == 1) {
        err = AVER_OK;
    } else {
        /* The library says no in one word; only then the slow question is worth its price. */
        err = aver_ed25519_point_exists(public_key);
        err = err == AVER_OK ? AVER_E_PROOF : err;
    }
out:
    EVP_PKEY_free(key);
    EVP_MD_CTX_free(context);
    return err;
}

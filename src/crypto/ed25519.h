/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_ED25519_H
#define AVER_CRYPTO_ED25519_H

/*
 * ed25519: RFC 8032 signatures over OpenSSL. Keys are parsed once and kept; OpenSSL holds the
 * secret half in its secure heap, which is locked memory (crypto/ossl.h). Threads: a key may be
 * used by several at once.
 */

#include "aver/bytes.h"

#define AVER_ED25519_PUBLIC_BYTES    32
#define AVER_ED25519_SIGNATURE_BYTES 64

typedef struct aver_ed25519 aver_ed25519; /* a secret signing key with its public half */

AVER_MUST_USE aver_err aver_ed25519_new(aver_ed25519 **ret_key); /* fresh random key */
AVER_MUST_USE aver_err aver_ed25519_from_seed(const uint8_t seed[static 32],
                                              aver_ed25519 **ret_key);
void aver_ed25519_free(aver_ed25519 *key);                   /* NULL is fine */
const uint8_t *aver_ed25519_public(const aver_ed25519 *key); /* 32 bytes, borrowed */
AVER_MUST_USE aver_err
aver_ed25519_sign(const aver_ed25519 *key, aver_view message,
                  uint8_t ret_signature[static AVER_ED25519_SIGNATURE_BYTES]);
/*
 * PROOF if the signature does not hold. FORMAT if the key is no point, not in its one canonical
 * form, or a point of small order, under which one signature holds for many messages.
 */
AVER_MUST_USE aver_err
aver_ed25519_verify(const uint8_t public_key[static AVER_ED25519_PUBLIC_BYTES], aver_view message,
                    const uint8_t signature[static AVER_ED25519_SIGNATURE_BYTES]);
#endif

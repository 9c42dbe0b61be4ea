/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_OSSL_H
#define AVER_CRYPTO_OSSL_H

/*
 * ossl: what this layer needs of OpenSSL once a process: algorithms fetched once instead of at each
 * call, and its secure heap (locked, guarded, wiped memory), where it keeps the secret halves of
 * Ed25519, X25519 and TLS keys.
 *
 * Threads: safe. The fetched objects live until the program ends.
 */

#include "crypto/aead.h"

#include <openssl/evp.h>

/* Turns the secure heap on if nobody did; called before a secret key is made. */
void aver_ossl_secure_heap(void);
/* The cipher of this kind, or NULL if the library has none. */
const EVP_CIPHER *aver_ossl_cipher(aver_aead_kind kind);

#endif

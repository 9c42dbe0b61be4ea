/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_AEAD_H
#define AVER_CRYPTO_AEAD_H

/*
 * aead: AES-256-GCM, 12-byte nonces, 16-byte tags appended to the ciphertext (NIST SP 800-38D).
 * A key object keeps the expanded key, so that a stream of small chunks pays no set-up.
 */

#include "aver/bytes.h"

#define AVER_AEAD_KEY_BYTES 32
#define AVER_AEAD_NONCE_BYTES 12
#define AVER_AEAD_TAG_BYTES 16

typedef struct aver_aead aver_aead;

AVER_MUST_USE aver_err aver_aead_new(const uint8_t key[static AVER_AEAD_KEY_BYTES], aver_aead **ret_aead);
void aver_aead_free(aver_aead *aead); /* wipes; NULL is fine */
/* Appends size + 16 bytes to out; a failed append shows in its status. */
AVER_MUST_USE aver_err aver_aead_seal(aver_aead *aead, const uint8_t nonce[static 12], aver_view aad,
                                      aver_view plain, aver_buf *out);
/* PROOF if the tag does not hold; nothing is appended then. */
AVER_MUST_USE aver_err aver_aead_open(aver_aead *aead, const uint8_t nonce[static 12], aver_view aad,
                                      aver_view sealed, aver_buf *out);
#endif

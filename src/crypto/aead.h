/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_AEAD_H
#define AVER_CRYPTO_AEAD_H

/*
 * aead: AES-256-GCM, 12-byte nonces, 16-byte tags appended to the ciphertext (NIST SP 800-38D).
 * A key object keeps the expanded key, so that a stream of small chunks pays no set-up. AES-128-GCM
 * and ChaCha20-Poly1305 (RFC 8439) have the same sizes of nonce and tag and are there for HPKE.
 *
 * Ownership: new and free; free wipes the key.
 * Threads:   one owner at a time. The caller never uses a nonce twice.
 */

#include "aver/bytes.h"

#define AVER_AEAD_KEY_BYTES   32
#define AVER_AEAD_NONCE_BYTES 12
#define AVER_AEAD_TAG_BYTES   16

/* The numbers of RFC 9180 section 7.3. */
typedef enum aver_aead_kind {
    AVER_AEAD_AES_128_GCM = 1,
    AVER_AEAD_AES_256_GCM = 2,
    AVER_AEAD_CHACHA20_POLY1305 = 3,
} aver_aead_kind;

typedef struct aver_aead aver_aead;

AVER_MUST_USE aver_err aver_aead_new(const uint8_t key[static AVER_AEAD_KEY_BYTES],
                                     aver_aead **ret_aead);
/* The same of any kind; the key has exactly aver_aead_key_size(kind) bytes, else USAGE. */
AVER_MUST_USE aver_err aver_aead_new_kind(aver_aead_kind kind, aver_view key, aver_aead **ret_aead);
size_t aver_aead_key_size(aver_aead_kind kind);
void aver_aead_free(aver_aead *aead); /* wipes; NULL is fine */
/* base xor the sequence number, big-endian, in the last eight bytes, as in HPKE and EHBP. */
void aver_aead_nonce(const uint8_t base[static AVER_AEAD_NONCE_BYTES], uint64_t sequence,
                     uint8_t ret_nonce[static AVER_AEAD_NONCE_BYTES]);
/* Appends size + 16 bytes to out. LIMIT or NOMEM if out has no room. */
AVER_MUST_USE aver_err aver_aead_seal(aver_aead *aead, const uint8_t nonce[static 12],
                                      aver_view aad, aver_view plain, aver_buf *out);
/* PROOF if the tag does not hold: nothing is appended then. FORMAT if shorter than a tag. */
AVER_MUST_USE aver_err aver_aead_open(aver_aead *aead, const uint8_t nonce[static 12],
                                      aver_view aad, aver_view sealed, aver_buf *out);
#endif

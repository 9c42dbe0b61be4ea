/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_HASH_H
#define AVER_CRYPTO_HASH_H

/*
 * hash: SHA-256, SHA-384, SHA-512 (FIPS 180-4), HMAC and HKDF (RFC 5869) over OpenSSL, keccak-256
 * (the padding Ethereum uses) of our own, and the tagged and salted forms that aver's formats use.
 * A library that cannot hash is a programmer or system error: these abort rather than fail.
 * Threads: pure functions; a context has one owner.
 */

#include "aver/bytes.h"

#define AVER_SHA256_BYTES 32
#define AVER_SHA384_BYTES 48
#define AVER_SHA512_BYTES 64

/* Caller's storage, nothing to release: the SHA-256 state itself (OpenSSL's low-level one). */
typedef struct aver_sha256 {
    uint64_t opaque[16];
} aver_sha256;

void aver_sha256_init(aver_sha256 *hash);
void aver_sha256_update(aver_sha256 *hash, aver_view bytes);
void aver_sha256_final(aver_sha256 *hash, uint8_t ret_digest[static AVER_SHA256_BYTES]);

void aver_sha256_of(aver_view bytes, uint8_t ret_digest[static AVER_SHA256_BYTES]);
/* Hash of tag || a || b, no separators: tags are constants such as "aver/keyset/1". */
void aver_sha256_tagged(const char *tag, aver_view a, aver_view b,
                        uint8_t ret_digest[static AVER_SHA256_BYTES]);
void aver_sha512_of(aver_view bytes, uint8_t ret_digest[static AVER_SHA512_BYTES]);
void aver_sha384_of(aver_view bytes, uint8_t ret_digest[static AVER_SHA384_BYTES]);
void aver_keccak256_of(aver_view bytes, uint8_t ret_digest[static 32]);
/* Of a || b. */
void aver_keccak256_joined(aver_view a, aver_view b, uint8_t ret_digest[static 32]);

void aver_hmac_sha256(aver_view key, aver_view message, uint8_t ret_mac[static AVER_SHA256_BYTES]);
void aver_hkdf_sha256_extract(aver_view salt, aver_view key, uint8_t ret_prk[static 32]);
/* size <= 255 * 32, else LIMIT. */
AVER_MUST_USE aver_err aver_hkdf_sha256_expand(const uint8_t prk[static 32], aver_view info,
                                               uint8_t *ret_bytes, size_t size);
#endif

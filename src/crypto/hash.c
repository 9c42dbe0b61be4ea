/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The low-level SHA-2 calls of OpenSSL are marked deprecated since 3.0; the EVP calls that should
 * replace them cost several times a small hash in lookups and allocation, and here small hashes are
 * made by the million. Both run the same assembly (SHA extensions where the processor has them).
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/hash.h"

#include "base/check.h"
#include "base/secret.h"

#include <openssl/sha.h>
#include <string.h>

enum { SHA256_BLOCK_BYTES = 64, HKDF_BYTES_MAX = 255 * AVER_SHA256_BYTES };

_Static_assert(sizeof(SHA256_CTX) <= sizeof(aver_sha256), "the state fits the caller's storage");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(aver_sha256), "and its alignment");

static SHA256_CTX *sha256_state(aver_sha256 *hash)
{
    return (SHA256_CTX *)(void *)hash->opaque;
}

void aver_sha256_init(aver_sha256 *hash)
{
    AVER_ASSERT(SHA256_Init(sha256_state(hash)) == 1);
}

void aver_sha256_update(aver_sha256 *hash, aver_view bytes)
{
    if (bytes.size > 0) {
        AVER_ASSERT(SHA256_Update(sha256_state(hash), bytes.data, bytes.size) == 1);
    }
}

void aver_sha256_final(aver_sha256 *hash, uint8_t ret_digest[static AVER_SHA256_BYTES])
{
    AVER_ASSERT(SHA256_Final(ret_digest, sha256_state(hash)) == 1);
}

void aver_sha256_of(aver_view bytes, uint8_t ret_digest[static AVER_SHA256_BYTES])
{
    aver_sha256 hash;
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, bytes);
    aver_sha256_final(&hash, ret_digest);
}

void aver_sha256_tagged(const char *tag, aver_view a, aver_view b,
                        uint8_t ret_digest[static AVER_SHA256_BYTES])
{
    aver_sha256 hash;
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, aver_view_text(tag));
    aver_sha256_update(&hash, a);
    aver_sha256_update(&hash, b);
    aver_sha256_final(&hash, ret_digest);
}

void aver_sha384_of(aver_view bytes, uint8_t ret_digest[static AVER_SHA384_BYTES])
{
    SHA512_CTX state;
    AVER_ASSERT(SHA384_Init(&state) == 1);
    if (bytes.size > 0) {
        AVER_ASSERT(SHA384_Update(&state, bytes.data, bytes.size) == 1);
    }
    AVER_ASSERT(SHA384_Final(ret_digest, &state) == 1);
}

void aver_sha512_of(aver_view bytes, uint8_t ret_digest[static AVER_SHA512_BYTES])
{
    SHA512_CTX state;
    AVER_ASSERT(SHA512_Init(&state) == 1);
    if (bytes.size > 0) {
        AVER_ASSERT(SHA512_Update(&state, bytes.data, bytes.size) == 1);
    }
    AVER_ASSERT(SHA512_Final(ret_digest, &state) == 1);
}

/* RFC 2104 over a || b || c, so that HKDF need not join its parts. */
static void hmac_parts(aver_view key, const aver_view parts[static 3],
                       uint8_t ret_mac[static AVER_SHA256_BYTES])
{
    uint8_t block[SHA256_BLOCK_BYTES] = {0};
    if (key.size > sizeof block) {
        aver_sha256_of(key, block);
    } else if (key.size > 0) {
        memcpy(block, key.data, key.size);
    }
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] ^= 0x36;
    }
    uint8_t inner[AVER_SHA256_BYTES];
    aver_sha256 hash;
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_OF(block));
    for (size_t i = 0; i < 3; i++) {
        aver_sha256_update(&hash, parts[i]);
    }
    aver_sha256_final(&hash, inner);
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] ^= 0x36 ^ 0x5c;
    }
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_OF(block));
    aver_sha256_update(&hash, AVER_VIEW_OF(inner));
    aver_sha256_final(&hash, ret_mac);
    aver_wipe(block, sizeof block);
    aver_wipe(inner, sizeof inner);
    aver_wipe(&hash, sizeof hash);
}

void aver_hmac_sha256(aver_view key, aver_view message, uint8_t ret_mac[static AVER_SHA256_BYTES])
{
    const aver_view parts[3] = {message};
    hmac_parts(key, parts, ret_mac);
}

void aver_hkdf_sha256_extract(aver_view salt, aver_view key, uint8_t ret_prk[static 32])
{
    const aver_view parts[3] = {key};
    hmac_parts(salt, parts, ret_prk);
}

aver_err aver_hkdf_sha256_expand(const uint8_t prk[static 32], aver_view info, uint8_t *ret_bytes,
                                 size_t size)
{
    if (size > HKDF_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    uint8_t block[AVER_SHA256_BYTES];
    uint8_t counter = 0;
    for (size_t done = 0; done < size; done += sizeof block) {
        aver_view last = aver_view_make(block, counter > 0 ? sizeof block : 0);
        counter++;
        const aver_view parts[3] = {last, info, aver_view_make(&counter, 1)};
        hmac_parts(aver_view_make(prk, AVER_SHA256_BYTES), parts, block);
        memcpy(ret_bytes + done, block, size - done < sizeof block ? size - done : sizeof block);
    }
    aver_wipe(block, sizeof block);
    return AVER_OK;
}

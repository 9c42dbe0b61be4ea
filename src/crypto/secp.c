/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secp.h"

#include "base/check.h"
#include "base/secret.h"
#include "base/sys.h"
#include "crypto/hash.h"

#include <pthread.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdlib.h>
#include <string.h>

enum { SECP_UNCOMPRESSED_BYTES = 65, SECP_V_BASE = 27 };

struct aver_secp {
    aver_secret *scalar;
    uint8_t public_key[AVER_SECP_PUBLIC_BYTES];
    uint8_t address[AVER_SECP_ADDRESS_BYTES];
};

static pthread_once_t secp_once = PTHREAD_ONCE_INIT;
static secp256k1_context *secp_context_made;

static void secp_context_make(void)
{
    secp_context_made = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    AVER_ASSERT(secp_context_made);
    /* Blinds the multiplication by secrets against those who measure it. */
    uint8_t seed[32];
    aver_random(seed, sizeof seed);
    AVER_ASSERT(secp256k1_context_randomize(secp_context_made, seed) == 1);
    aver_wipe(seed, sizeof seed);
}

static const secp256k1_context *secp_context(void)
{
    (void)pthread_once(&secp_once, secp_context_make);
    return secp_context_made;
}

/* The last 20 bytes of the keccak of the point without its format byte. */
static void secp_address(const secp256k1_pubkey *point, uint8_t ret_address[static 20])
{
    uint8_t bytes[SECP_UNCOMPRESSED_BYTES];
    size_t size = sizeof bytes;
    AVER_ASSERT(secp256k1_ec_pubkey_serialize(secp_context(), bytes, &size, point,
                                              SECP256K1_EC_UNCOMPRESSED) == 1);
    uint8_t digest[32];
    aver_keccak256_of(aver_view_make(bytes + 1, size - 1), digest);
    memcpy(ret_address, digest + 12, AVER_SECP_ADDRESS_BYTES);
}

static void secp_compress(const secp256k1_pubkey *point,
                          uint8_t ret_public[static AVER_SECP_PUBLIC_BYTES])
{
    size_t size = AVER_SECP_PUBLIC_BYTES;
    AVER_ASSERT(secp256k1_ec_pubkey_serialize(secp_context(), ret_public, &size, point,
                                              SECP256K1_EC_COMPRESSED) == 1);
}

aver_err aver_secp_from_scalar(const uint8_t scalar[static 32], aver_secp **ret_key)
{
    secp256k1_pubkey point;
    if (secp256k1_ec_pubkey_create(secp_context(), &point, scalar) != 1) {
        return AVER_E_FORMAT;
    }
    aver_secp *key = calloc(1, sizeof *key);
    if (!key) {
        return AVER_E_NOMEM;
    }
    aver_err err = aver_secret_copy(aver_view_make(scalar, 32), &key->scalar);
    if (err != AVER_OK) {
        free(key);
        return err;
    }
    secp_compress(&point, key->public_key);
    secp_address(&point, key->address);
    *ret_key = key;
    return AVER_OK;
}

aver_err aver_secp_new(aver_secp **ret_key)
{
    aver_secret *scalar;
    aver_err err = aver_secret_new(32, &scalar);
    if (err != AVER_OK) {
        return err;
    }
    /* A random scalar is out of range once in 2^128: asked for again until it is not. */
    do {
        aver_random(aver_secret_data(scalar), 32);
    } while (secp256k1_ec_seckey_verify(secp_context(), aver_secret_bytes(scalar)) != 1);
    err = aver_secp_from_scalar(aver_secret_bytes(scalar), ret_key);
    aver_secret_free(scalar);
    return err;
}

void aver_secp_free(aver_secp *key)
{
    if (key) {
        aver_secret_free(key->scalar);
        free(key);
    }
}

const uint8_t *aver_secp_public(const aver_secp *key)
{
    return key->public_key;
}

const uint8_t *aver_secp_address(const aver_secp *key)
{
    return key->address;
}

aver_err aver_secp_sign(const aver_secp *key, const uint8_t digest[static 32],
                        uint8_t ret_signature[static AVER_SECP_SIGNATURE_BYTES])
{
    secp256k1_ecdsa_recoverable_signature signature;
    if (secp256k1_ecdsa_sign_recoverable(secp_context(), &signature, digest,
                                         aver_secret_bytes(key->scalar), NULL, NULL) != 1) {
        return AVER_E_CRYPTO;
    }
    int recovery = 0;
    (void)secp256k1_ecdsa_recoverable_signature_serialize_compact(secp_context(), ret_signature,
                                                                  &recovery, &signature);
    /* 2 and 3 mean an r beyond the order: nobody finds a nonce that gives one. */
    AVER_ASSERT(recovery == 0 || recovery == 1);
    ret_signature[64] = (uint8_t)(SECP_V_BASE + recovery);
    return AVER_OK;
}

/* Checks v, the ranges of r and s, and that s is the low one of its pair. */
static aver_err secp_signature_parse(const uint8_t signature[static AVER_SECP_SIGNATURE_BYTES],
                                     secp256k1_ecdsa_recoverable_signature *ret_parsed)
{
    int recovery = signature[64] - SECP_V_BASE;
    if (recovery != 0 && recovery != 1) {
        return AVER_E_FORMAT;
    }
    secp256k1_ecdsa_signature plain;
    if (secp256k1_ecdsa_signature_parse_compact(secp_context(), &plain, signature) != 1 ||
        secp256k1_ecdsa_signature_normalize(secp_context(), NULL, &plain) == 1) {
        return AVER_E_FORMAT;
    }
    return secp256k1_ecdsa_recoverable_signature_parse_compact(secp_context(), ret_parsed,
                                                               signature, recovery) == 1
               ? AVER_OK
               : AVER_E_FORMAT;
}

aver_err aver_secp_recover(const uint8_t digest[static 32],
                           const uint8_t signature[static AVER_SECP_SIGNATURE_BYTES],
                           uint8_t ret_public[static AVER_SECP_PUBLIC_BYTES],
                           uint8_t ret_address[static AVER_SECP_ADDRESS_BYTES])
{
    secp256k1_ecdsa_recoverable_signature parsed;
    aver_err err = secp_signature_parse(signature, &parsed);
    if (err != AVER_OK) {
        return err;
    }
    secp256k1_pubkey point;
    if (secp256k1_ecdsa_recover(secp_context(), &point, &parsed, digest) != 1) {
        return AVER_E_PROOF;
    }
    secp_compress(&point, ret_public);
    secp_address(&point, ret_address);
    return AVER_OK;
}

aver_err aver_secp_address_of(const uint8_t public_key[static AVER_SECP_PUBLIC_BYTES],
                              uint8_t ret_address[static AVER_SECP_ADDRESS_BYTES])
{
    secp256k1_pubkey point;
    if (secp256k1_ec_pubkey_parse(secp_context(), &point, public_key, AVER_SECP_PUBLIC_BYTES) !=
        1) {
        return AVER_E_FORMAT;
    }
    secp_address(&point, ret_address);
    return AVER_OK;
}

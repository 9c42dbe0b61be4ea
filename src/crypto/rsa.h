/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_RSA_H
#define AVER_CRYPTO_RSA_H

/*
 * rsa: verification alone (RFC 8017), PKCS#1 v1.5 and PSS, with keys of AVER_RSA_BITS_MIN to
 * AVER_RSA_BITS_MAX bits. PSS takes any length of salt: TPMs differ in it.
 * Threads: pure functions.
 */

#include "aver/bytes.h"

#define AVER_RSA_BITS_MIN  2048
#define AVER_RSA_BITS_MAX  4096
#define AVER_RSA_BYTES_MAX (AVER_RSA_BITS_MAX / 8)

typedef enum aver_rsa_padding { AVER_RSA_PKCS1 = 1, AVER_RSA_PSS } aver_rsa_padding;

typedef enum aver_rsa_hash {
    AVER_RSA_SHA256 = 1,
    AVER_RSA_SHA384,
    AVER_RSA_SHA512,
} aver_rsa_hash;

typedef struct aver_rsa_key aver_rsa_key;

/* Of modulus and exponent, big-endian, without zeros in front. FORMAT for a size out of bounds, an
 * even number, or an exponent below 3 or beyond 32 bits. */
AVER_MUST_USE aver_err aver_rsa_key_new(aver_view modulus, aver_view exponent,
                                        aver_rsa_key **ret_key);
void aver_rsa_key_free(aver_rsa_key *key);
/* Bytes of the modulus, which is the size of each signature. */
size_t aver_rsa_key_bytes(const aver_rsa_key *key);
/* The modulus, big-endian; ret_modulus has room for AVER_RSA_BYTES_MAX. Returns its size. */
size_t aver_rsa_key_modulus(const aver_rsa_key *key,
                            uint8_t ret_modulus[static AVER_RSA_BYTES_MAX]);
/* PROOF if the signature does not hold, FORMAT if it is of another size. The digest is of hash. */
AVER_MUST_USE aver_err aver_rsa_key_verify(const aver_rsa_key *key, aver_rsa_padding padding,
                                           aver_rsa_hash hash, aver_view digest,
                                           aver_view signature);

#endif

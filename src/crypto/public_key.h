/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_PUBLIC_KEY_H
#define AVER_CRYPTO_PUBLIC_KEY_H

/*
 * public_key: a key that verifies, as a file (SubjectPublicKeyInfo of RFC 5280, DER or PEM) or a
 * certificate holds it: EC of P-256, P-384 or P-521, points not compressed, or RSA.
 * Ownership: aver_public_key_close.
 */

#include "crypto/ecdsa.h"
#include "crypto/rsa.h"
#include "crypto/x509.h"

#define AVER_PUBLIC_KEY_BYTES_MAX 1024

typedef struct aver_public_key {
    aver_ecdsa_key *ec; /* one of the two */
    aver_curve curve;
    aver_rsa_key *rsa;
    uint8_t sha256[32]; /* of the SubjectPublicKeyInfo */
} aver_public_key;

/* FORMAT for what is no such key, UNSUPPORTED for another kind of key, LIMIT, NOMEM. */
AVER_MUST_USE aver_err aver_public_key_open(aver_view bytes, aver_public_key *ret_key);
AVER_MUST_USE aver_err aver_public_key_of_cert(const aver_cert *cert, aver_public_key *ret_key);
void aver_public_key_close(aver_public_key *key);

#endif

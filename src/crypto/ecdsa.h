/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_ECDSA_H
#define AVER_CRYPTO_ECDSA_H

/*
 * ecdsa: verification alone (FIPS 186-4) over the curves that TEEs sign with, of the raw forms that
 * their evidence holds: points as x || y, signatures as r || s, all big-endian and of the curve's
 * full width. Evidence in little-endian order is turned round by its family.
 * Threads: pure functions.
 */

#include "aver/bytes.h"

#define AVER_ECDSA_POINT_BYTES_MAX 132
#define AVER_ECDSA_FIELD_BYTES_MAX 66

typedef enum aver_curve {
    AVER_CURVE_P256 = 1,
    AVER_CURVE_P384,
    AVER_CURVE_P521,
} aver_curve;

/* Bytes of a coordinate: 32, 48, 66. */
size_t aver_curve_bytes(aver_curve curve);

/* A public key, checked to be on its curve, made once for many signatures. */
typedef struct aver_ecdsa_key aver_ecdsa_key;
/* FORMAT if point is not of two coordinates or not on the curve. */
AVER_MUST_USE aver_err aver_ecdsa_key_new(aver_curve curve, aver_view point,
                                          aver_ecdsa_key **ret_key);
/* Another point of the same curve in its place: a curve is not made anew for each key. FORMAT as
 * above, and then the key is only good for another one. */
AVER_MUST_USE aver_err aver_ecdsa_key_set(aver_ecdsa_key *key, aver_view point);
void aver_ecdsa_key_free(aver_ecdsa_key *key);
/* signature is r || s; PROOF if it does not hold, FORMAT if it is of another size. */
AVER_MUST_USE aver_err aver_ecdsa_key_verify(const aver_ecdsa_key *key, aver_view digest,
                                             aver_view signature);
/* The same with a key that is used once. */
AVER_MUST_USE aver_err aver_ecdsa_verify(aver_curve curve, aver_view point, aver_view digest,
                                         aver_view signature);
/* r || s from the DER SEQUENCE of two INTEGERs that certificates and COSE-free formats carry;
 * ret_signature has room for two coordinates of the curve. FORMAT for anything else. */
AVER_MUST_USE aver_err aver_ecdsa_from_der(
    aver_curve curve, aver_view der, uint8_t ret_signature[static AVER_ECDSA_POINT_BYTES_MAX]);

#endif

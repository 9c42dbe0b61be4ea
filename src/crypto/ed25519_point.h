/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_ED25519_POINT_H
#define AVER_CRYPTO_ED25519_POINT_H

/* ed25519_point: what OpenSSL does not ask of a public key. */

#include "crypto/ed25519.h"

/* Canonical (y below the field's prime) and not one of the eight points of small order. */
bool aver_ed25519_point_acceptable(const uint8_t encoded[static AVER_ED25519_PUBLIC_BYTES]);
/* FORMAT if no point has this y. Slow (big numbers); for public values only. */
AVER_MUST_USE aver_err
aver_ed25519_point_exists(const uint8_t encoded[static AVER_ED25519_PUBLIC_BYTES]);

#endif

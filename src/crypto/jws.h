/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_JWS_H
#define AVER_CRYPTO_JWS_H

/*
 * jws: one JSON Web Signature in its compact form (RFC 7515), as a JWT is: ES256 by a P-256 key
 * (RFC 7518), EdDSA by an Ed25519 key (RFC 8037). Threads: pure functions.
 */

#include "aver/bytes.h"

/*
 * Appends base64url(header) "." base64url(payload) "." base64url(signature). key_pem: one private
 * key, not encrypted (nobody is asked for a pass phrase); type is the header's typ, a constant.
 * FORMAT if the key cannot be read, UNSUPPORTED if it is of another kind.
 */
AVER_MUST_USE aver_err aver_jws_sign(aver_view key_pem, const char *type, aver_view payload,
                                     aver_buf *ret_text);

#endif

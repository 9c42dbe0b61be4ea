/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_COSE_H
#define AVER_CRYPTO_COSE_H

/*
 * cose: COSE_Sign1 (RFC 9052) with EdDSA, in the one form that aver signs:
 *
 *   18([ h'{1: -8, 3: content type, 4: kid}', {}, payload, signature ])
 *
 * protected is deterministic CBOR, unprotected is empty, tag 18 is present; anything else is
 * refused. external_aad tells the kinds of signed object apart ("aver/receipt/1", ...).
 * The identity of a signed object is SHA-256 of its Sig_structure.
 */

#include "aver/bytes.h"
#include "crypto/ed25519.h"

#define AVER_COSE_BYTES_MAX 65536
#define AVER_COSE_KID_BYTES 32

typedef struct aver_cose {
    aver_view protected_header; /* all views point into the parsed message */
    aver_view content_type;
    aver_view kid;
    aver_view payload;
    aver_view signature;
} aver_cose;

/*
 * content_type is text such as "application/vnd.aver.receipt+cbor"; kid is 32 bytes. LIMIT if the
 * message would exceed AVER_COSE_BYTES_MAX or the buffer.
 */
AVER_MUST_USE aver_err aver_cose_sign(const aver_ed25519 *key, const char *external_aad,
                                      const char *content_type,
                                      const uint8_t kid[static AVER_COSE_KID_BYTES],
                                      aver_view payload, aver_buf *ret_message);
/* FORMAT for any other form, LIMIT beyond AVER_COSE_BYTES_MAX, UNSUPPORTED for another algorithm.
 */
AVER_MUST_USE aver_err aver_cose_parse(aver_view message, aver_cose *ret_cose);
/* PROOF if the signature does not hold for this key and external_aad. */
AVER_MUST_USE aver_err aver_cose_verify(const aver_cose *cose, const char *external_aad,
                                        const uint8_t public_key[static AVER_ED25519_PUBLIC_BYTES]);
AVER_MUST_USE aver_err aver_cose_identity(const aver_cose *cose, const char *external_aad,
                                          uint8_t ret_identity[static 32]);
/* Builds Sig_structure ["Signature1", protected, external_aad, payload]: RFC 9052 section 4.4. */
void aver_cose_sig_structure(aver_view protected_header, aver_view external_aad, aver_view payload,
                             aver_buf *out);
#endif

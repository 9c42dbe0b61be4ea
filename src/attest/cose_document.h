/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_COSE_DOCUMENT_H
#define AVER_ATTEST_COSE_DOCUMENT_H

/*
 * cose_document: COSE_Sign1 (RFC 9052) as TEEs sign it, with ECDSA. The frame is strict: tag 18 or
 * none, four members, a protected header with the algorithm alone, nothing in the unprotected one,
 * nothing behind. (aver's own messages are read by crypto/cose.h, which takes one form only.)
 */

#include "crypto/ecdsa.h"

#define AVER_COSE_ES256 (-7)
#define AVER_COSE_ES384 (-35)
#define AVER_COSE_ES512 (-36)

typedef struct aver_cose_document {
    aver_view protected_header; /* all views point into the document */
    aver_view payload;
    aver_view signature;
    int64_t algorithm;
} aver_cose_document;

/* FORMAT for any other form. */
AVER_MUST_USE aver_err aver_cose_document_parse(aver_view bytes, aver_cose_document *ret_document);
/* PROOF if the signature does not hold for this key, UNSUPPORTED if the algorithm is not curve's.
 */
AVER_MUST_USE aver_err aver_cose_document_verify(const aver_cose_document *document,
                                                 aver_curve curve, const aver_ecdsa_key *key);

#endif

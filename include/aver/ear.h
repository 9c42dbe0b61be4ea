/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_EAR_H
#define AVER_EAR_H

/*
 * ear: a verdict as an EAT Attestation Result (draft-ietf-rats-ear-04), for programs that take the
 * results of any verifier: a JSON claims set, or the same signed as a JWT by the reader's own key.
 *
 * There is one submodule, named after the platform. Its status is contraindicated where the
 * reader's policy does not accept, none for what a simulator or a root of one's own stands behind,
 * else the worst of the trustworthiness vector. docs/verifier.md says which checks make which entry
 * of it. Threads: pure functions.
 */

#include "aver/claims.h"
#include "aver/verdict.h"

AVER_C_BEGIN

#define AVER_EAR_PROFILE    "tag:ietf.org,2026:rats/ear#04"
#define AVER_EAR_MEDIA_TYPE "application/eat+jwt"

typedef struct aver_ear {
    const aver_verdict *verdict;
    bool accepted;             /* by the reader's policy, or by the family's requirements */
    const char *platform;      /* names the submodule; "" or NULL: "unknown" */
    const aver_claims *claims; /* or NULL */
    aver_view policy;          /* the text of the policy, which is named by its SHA-256; or empty */
    aver_view nonce;           /* that the reader chose: 8 to 64 bytes, else left out */
    uint64_t issued_s;
} aver_ear;

/* Appends the claims set. Failure shows in the buffer's status. */
void aver_ear_json(const aver_ear *ear, aver_buf *out);
/* Appends the JWT. key_pem: see aver_jws_sign; FORMAT or UNSUPPORTED if it is no key for it. */
AVER_MUST_USE aver_err aver_ear_jwt(const aver_ear *ear, aver_view key_pem, aver_buf *ret_text);

AVER_C_END

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CAPSULE_H
#define AVER_CAPSULE_H

/*
 * capsule: one answer with all that is needed to judge it offline, years later. Deterministic CBOR:
 *
 *   {0: 1, 1: receipt message, 2: bundle, 4: salt, 5: request, 6: response, 7: tokens,
 *    8: enc, 9: last signed messages of a cut stream [opening, head], or [opening]}
 *
 * Either 1 or 9 is there, never both. Collateral travels inside the bundle.
 *
 * 4 to 8 are there as far as they are known; what is stripped makes the checks that need it SKIP.
 * Roots, policies and times found inside are never used; verification takes the reader's own.
 */

#include "aver/receipt.h"

AVER_C_BEGIN

#define AVER_CAPSULE_BYTES_MAX  (16ul * 1024 * 1024)
#define AVER_CAPSULE_MEDIA_TYPE "application/vnd.aver.capsule+cbor"

typedef struct aver_capsule {
    aver_view receipt; /* required, unless opening is there */
    aver_view bundle;  /* required */
    bool has_salt;
    uint8_t salt[32];
    bool has_request, has_response, has_tokens; /* an empty body is not an absent one */
    aver_view request;
    aver_view response; /* whole body, or the events of a stream one after the other */
    aver_view tokens;
    bool has_enc;
    uint8_t enc[32];
    aver_view opening; /* a cut stream: what was signed before the cut */
    aver_view head;
} aver_capsule;

AVER_MUST_USE aver_err aver_capsule_encode(const aver_capsule *capsule, aver_buf *ret_bytes);
/* Views point into bytes. */
AVER_MUST_USE aver_err aver_capsule_decode(aver_view bytes, aver_capsule *ret_capsule);

AVER_C_END

#endif

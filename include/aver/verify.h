/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_VERIFY_H
#define AVER_VERIFY_H

/*
 * verify: the judge. No network, no clock, no global state: bytes, the reader's policy, roots and
 * time go in; a verdict of named checks comes out. A function here returns an error only when it
 * could not judge at all (no memory, programmer error); whatever is wrong with the evidence is a
 * FAIL in the verdict. Threads: pure functions.
 */

#include "aver/capsule.h"
#include "aver/judge.h"

AVER_C_BEGIN

/* What the reader itself sent and received; NULL or absent parts make their checks SKIP. */
typedef struct aver_transcript {
    const uint8_t *salt; /* 32 bytes */
    const uint8_t *enc;  /* 32 bytes, if sealed */
    const char *method;  /* what the reader asked for, NULL offline */
    const char *path;
    const uint8_t *client_nonce; /* 32 bytes that it sent with the request */
    bool has_seed;               /* the reader fixed the seed of the draws */
    uint64_t seed;
    bool has_request, has_response, has_tokens;
    aver_view request;
    aver_view response;
    aver_view tokens;
    bool streamed; /* then events_* hold what was received, see below */
    uint64_t events_count;
    uint8_t events_root[32];
    bool events_broken; /* the bytes ended inside an event */
    aver_view opening;  /* signed messages that came before the end of a stream, or empty */
    aver_view heads;    /* one after the other */
    const uint8_t
        *model_root; /* the model that the reader asked for, or NULL: that of the context, if any */
} aver_transcript;

/* Judges a receipt against an already judged bundle; adds the receipt.* checks. ret_receipt is
 * filled if it could be read. */
AVER_MUST_USE aver_err aver_verify_receipt(aver_view message, const aver_judged *judged,
                                           const aver_transcript *transcript,
                                           const aver_verify_context *context,
                                           aver_verdict *verdict, aver_receipt *ret_receipt);

/*
 * A stream that ended without its receipt: receipt.format is FAIL and says up to which event the
 * signed opening and head (either may be empty) prove it; request, signatures and tree are judged
 * as far as they go.
 */
AVER_MUST_USE aver_err aver_verify_cut(aver_view opening, aver_view head, const aver_judged *judged,
                                       const aver_transcript *transcript,
                                       const aver_verify_context *context, aver_verdict *verdict);

/* Bundle and receipt of a saved answer. context->nonce and the channel members are normally NULL
 * here. */
AVER_MUST_USE aver_err aver_verify_capsule(aver_view bytes, const aver_verify_context *context,
                                           aver_verdict *verdict, aver_receipt *ret_receipt);

AVER_C_END

#endif

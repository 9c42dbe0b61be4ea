/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_VERIFY_H
#define AVER_VERIFY_H

/*
 * verify: the judge. No network, no clock, no global state: bytes, the reader's policy, roots and
 * time go in; a verdict of named checks comes out. A function here returns an error only when it could not judge at all
 * (no memory, programmer error); whatever is wrong with the evidence is a FAIL in the verdict.
 * Threads: pure functions.
 */

#include "aver/bundle.h"
#include "aver/capsule.h"
#include "aver/policy.h"

/* What a platform's evidence says, once its signature chain holds. */
#define AVER_MEASUREMENTS_MAX 24
typedef struct aver_measurement {
    const char *kind; /* "program", "pcr0", "mrtd", ... */
    uint8_t bytes[64];
    uint8_t size;
} aver_measurement;

typedef struct aver_claims {
    uint8_t report_data[64];
    bool debug;
    bool simulated;
    bool has_time;
    uint64_t time_ms;
    uint64_t tcb;
    aver_measurement measurements[AVER_MEASUREMENTS_MAX];
    size_t measurements_count;
    uint8_t machine_id[64];
    uint8_t machine_id_size;
} aver_claims;

/* Roots of trust from the reader; those of real hardware are constants in the platform's file. */
typedef struct aver_roots {
    bool has_sim_root;
    uint8_t sim_root[32]; /* Ed25519 public key, only ever from the command line */
} aver_roots;

/*
 * A platform's verifier. judge adds its checks (platform.root, evidence.signature, ...) and, if the evidence could be
 * read at all, fills ret_claims and sets *ret_readable. The simulator's table lives in an archive of its own.
 */
typedef struct aver_platform {
    const char *name;
    bool simulated;
    aver_err (*judge)(const aver_bundle *bundle, const aver_roots *roots, uint64_t now_ms, aver_verdict *verdict,
                      aver_claims *ret_claims, bool *ret_readable);
} aver_platform;

typedef struct aver_verify_context {
    const aver_policy *policy;
    const aver_platform *const *platforms; /* NULL-terminated list */
    aver_roots roots;
    uint64_t now_ms; /* the reader's clock */
    const uint8_t *nonce;           /* 32 bytes that the reader chose, or NULL: check nonce is SKIP */
    const uint8_t *tls_spki_digest; /* SHA-256 of this connection's public key, or NULL */
    const uint8_t *seal_key;        /* the X25519 key that the reader seals to, or NULL */
} aver_verify_context;

/* A judged bundle: its parts are only meaningful as far as the verdict goes. */
typedef struct aver_judged {
    bool parsed; /* bundle and keyset could be read */
    aver_bundle bundle;
    aver_keyset keyset;
    uint8_t keyset_digest[32];
    uint8_t evidence_digest[32];
    bool has_claims;
    aver_claims claims;
} aver_judged;

/* The bare bundle bytes (see aver_cmw_unwrap). Views in ret_judged point into bytes. */
AVER_MUST_USE aver_err aver_verify_bundle(aver_view bytes, const aver_verify_context *context,
                                          aver_verdict *verdict, aver_judged *ret_judged);

/* What the reader itself sent and received; NULL or absent parts make their checks SKIP. */
typedef struct aver_transcript {
    const uint8_t *salt;         /* 32 bytes */
    const uint8_t *enc;          /* 32 bytes, if sealed */
    const char *method;          /* what the reader asked for, NULL offline */
    const char *path;
    const uint8_t *client_nonce; /* 32 bytes that it sent with the request */
    bool has_request, has_response, has_tokens;
    aver_view request;
    aver_view response;
    aver_view tokens;
    bool streamed;               /* then events_* hold what was received, see below */
    uint64_t events_count;
    uint8_t events_root[32];
    const uint8_t *model_root;   /* the model that the reader asked for, or NULL: any that the policy allows */
} aver_transcript;

/* Judges a receipt against an already judged bundle; adds the receipt.* checks. ret_receipt is filled if it could be read. */
AVER_MUST_USE aver_err aver_verify_receipt(aver_view message, const aver_judged *judged,
                                           const aver_transcript *transcript, const aver_verify_context *context,
                                           aver_verdict *verdict, aver_receipt *ret_receipt);

/* Bundle and receipt of a saved answer. context->nonce and the channel members are normally NULL here. */
AVER_MUST_USE aver_err aver_verify_capsule(aver_view bytes, const aver_verify_context *context,
                                           aver_verdict *verdict, aver_receipt *ret_receipt);

/* What a verdict does not claim, one sentence a line, always printed with it. */
const char *aver_verdict_limits(void);

#endif

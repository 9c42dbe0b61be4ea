/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_JUDGE_H
#define AVER_JUDGE_H

/*
 * judge: a platform's evidence and the bundle around it, against the reader's policy. No network,
 * no clock, no global state. A function here returns an error only when it could not judge at all
 * (no memory); whatever is wrong with the evidence is a FAIL in the verdict. Threads: pure
 * functions.
 */

#include "aver/attest.h"
#include "aver/bundle.h"
#include "aver/policy.h"

AVER_C_BEGIN

/* Clocks of honest machines differ by at most this much. */
#define AVER_CLOCK_SKEW_MS 60000

/* Roots of trust from the reader, only ever from the command line; those of real hardware are
 * constants of its family. */
typedef struct aver_roots {
    bool has_sim_root;
    uint8_t sim_root[32]; /* Ed25519 public key */
    /* For evidence made with keys of one's own: if any is given, it counts instead of the makers'
     * for every platform but the simulator, and each verdict is then marked as simulated. */
    aver_attest_roots test_roots;
} aver_roots;

/* What a platform's verifier is given. */
typedef struct aver_platform_input {
    const aver_bundle *bundle;
    const aver_roots *roots;
    const aver_policy *policy;
    uint64_t at_ms; /* at which certificates and collateral must be valid */
} aver_platform_input;

/*
 * A platform's verifier. judge adds evidence.format, platform.root and evidence.signature and, if
 * the evidence could be read at all, fills ret_claims and sets *ret_readable. The simulator's table
 * lives in an archive of its own.
 */
typedef struct aver_platform {
    const char *name;
    bool simulated;
    aver_err (*judge)(const aver_platform_input *input, aver_verdict *verdict,
                      aver_claims *ret_claims, bool *ret_readable);
} aver_platform;

/* What a policy says of claims by themselves: measurement.allowed, machine.allowed where it names
 * machines, tcb.min. */
void aver_judge_claims(const aver_policy *policy, const char *platform, const aver_claims *claims,
                       aver_verdict *verdict);

typedef struct aver_verify_context {
    aver_use use; /* 0 is judged like AVER_USE_ANSWER; aver_verify_capsule is always offline */
    const aver_policy *policy;
    const aver_platform *const *platforms; /* NULL-terminated list */
    aver_roots roots;
    uint64_t now_ms;        /* the reader's clock */
    const uint8_t *nonce;   /* 32 bytes that the reader chose, or NULL: check nonce is SKIP */
    const uint8_t *node_id; /* the node that the reader asked for, or NULL: check node.id is SKIP */
    const uint8_t *tls_spki_digest; /* SHA-256 of this connection's public key, or NULL */
    const uint8_t *seal_key;        /* the X25519 key that the reader seals to, or NULL */
    const uint8_t
        *model_root;   /* the model that the reader wants, or NULL: any that the policy allows */
    uint64_t as_of_ms; /* the answer must not be younger than this; 0: the reader does not ask */
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

/* The bare bundle bytes (see aver_cmw_unwrap), judged as of now_ms. Views in ret_judged point into
 * bytes. */
AVER_MUST_USE aver_err aver_verify_bundle(aver_view bytes, const aver_verify_context *context,
                                          aver_verdict *verdict, aver_judged *ret_judged);
/* The same for evidence relied on at another time; at_ms NULL: the time is not known, and
 * evidence.age is SKIP. */
AVER_MUST_USE aver_err aver_verify_bundle_at(aver_view bytes, const aver_verify_context *context,
                                             const uint64_t *at_ms, aver_verdict *verdict,
                                             aver_judged *ret_judged);

AVER_C_END

#endif

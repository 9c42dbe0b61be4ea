/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_POLICY_H
#define AVER_POLICY_H

/*
 * policy: what the reader accepts. JSON, the reader's own, never taken from what is judged:
 *
 *   { "version": 1, "name": "...",
 *     "platforms": ["sim"],
 *     "measurements": [{"platform": "sim", "program": "hex"}],
 *     "models": ["hex root", ...],
 *     "configs": ["hex digest", ...],
 *     "profiles": ["verified"],
 *     "machines": ["hex", ...],
 *     "accept_tcb": ["UpToDate"], "min_evaluation": 0, "min_tcb": 0,
 *     "max_evidence_age_s": 300, "max_receipt_age_s": 300,
 *     "accept_debug": false, "allow_stripped": false,
 *     "require": ["nonce", ["channel.seal", "channel.tls"], ...]  }
 *
 * configs may be absent: then any is allowed and config.allowed is SKIP. profiles ("verified",
 * "fast") may be absent: then a model may run under any; else a model under another is not allowed.
 * A measurement entry holds one or more kinds (program, pcr0, mrtd, ...), all of which must be
 * found in the evidence, and may have a "name" for people. A kind can be named by what it stands
 * for on its platform (image, firmware, kernel, init, role, signer). machines (PPID, CHIP_ID, GPU
 * identity) may be absent: then any is taken, and machine.allowed is not made. accept_tcb are the
 * statuses that tcb.status takes, UpToDate alone where absent; min_evaluation is the least
 * evaluation data number of Intel's collateral. allow_stripped lets a saved answer pass
 * without its request, response or salt. Ages are 300 where absent.
 *
 * An empty or missing allow-list refuses everything. require names checks that must pass; a list
 * inside it means any of them. The built-in requirement of each use (online, offline) is always
 * added; a policy can only ask for more. Unknown members and unknown check names are errors.
 * accept_debug true is shown in each verdict. A simulator root is not part of a policy: it comes
 * from the command line.
 */

#include "aver/claims.h"
#include "aver/verdict.h"

AVER_C_BEGIN

#define AVER_POLICY_BYTES_MAX (256ul * 1024)
#define AVER_POLICY_LIST_MAX  256
#define AVER_POLICY_ANY_MAX   8

typedef struct aver_policy aver_policy;

/* What is being judged decides which checks are always required. */
typedef enum aver_use {
    AVER_USE_CONNECT = 1, /* a live node before a prompt leaves */
    AVER_USE_ANSWER = 2,  /* a live answer with its receipt */
    AVER_USE_CAPSULE = 3, /* a saved answer, offline */
    AVER_USE_BUNDLE = 4,  /* evidence alone, offline */
} aver_use;

/* FORMAT with words in ret_why. */
AVER_MUST_USE aver_err aver_policy_parse(aver_view json, aver_policy **ret_policy,
                                         char ret_why[200]);
void aver_policy_free(aver_policy *policy);
const char *aver_policy_name(const aver_policy *policy);
bool aver_policy_allows_platform(const aver_policy *policy, const char *platform);
/* kind is the measurement's name ("program", "pcr0", ...). */
bool aver_policy_allows_measurement(const aver_policy *policy, const char *platform,
                                    const char *kind, aver_view value);
/* True if some entry for this platform has all its kinds and values among these. */
bool aver_policy_matches(const aver_policy *policy, const char *platform,
                         const aver_measurement *measurements, size_t count);
/* Are there any entries at all for this platform and kind? For explanations. */
size_t aver_policy_measurement_count(const aver_policy *policy, const char *platform,
                                     const char *kind);
bool aver_policy_allows_model(const aver_policy *policy, const uint8_t root[AVER_AT_LEAST(32)]);
/* *ret_any: the policy has no config list. */
bool aver_policy_allows_config(const aver_policy *policy, const uint8_t digest[AVER_AT_LEAST(32)],
                               bool *ret_any);
/* profile is an aver_profile. */
bool aver_policy_allows_profile(const aver_policy *policy, uint32_t profile);
bool aver_policy_accepts_debug(const aver_policy *policy);
bool aver_policy_allows_stripped(const aver_policy *policy);
size_t aver_policy_model_count(const aver_policy *policy);
uint64_t aver_policy_evidence_age_max_ms(const aver_policy *policy);
uint64_t aver_policy_receipt_age_max_ms(const aver_policy *policy);
uint64_t aver_policy_tcb_min(const aver_policy *policy);
/* AVER_TCB_SET of each that is accepted. */
uint32_t aver_policy_tcb_statuses(const aver_policy *policy);
uint32_t aver_policy_evaluation_min(const aver_policy *policy);
/* *ret_any: the policy names no machines. */
bool aver_policy_allows_machine(const aver_policy *policy, aver_view machine, bool *ret_any);
/*
 * True if no check failed and all required ones passed; else ret_why (400 bytes) names each check
 * that stands in the way.
 */
bool aver_policy_accepts(const aver_policy *policy, aver_use use, const aver_verdict *verdict,
                         char ret_why[400]);
/* Warnings about a policy that is legal and unwise (debug accepted, ages too long, unused entries),
 * one a line. */
void aver_policy_lint(const aver_policy *policy, aver_buf *out);
/* The policy in words. */
void aver_policy_explain(const aver_policy *policy, aver_buf *out);

AVER_C_END

#endif

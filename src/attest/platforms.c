/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/platforms.h"

#include "attest/gpu.h"

#include <string.h>

#define PLATFORMS_REPORT_DATA_BYTES 64

/* "crl.3" with prefix "crl." and fewer than max: its place. */
static bool platforms_numbered(aver_view name, const char *prefix, size_t max, size_t *ret_index)
{
    size_t size = strlen(prefix);
    if (name.size != size + 1 || memcmp(name.data, prefix, size) != 0 || name.data[size] < '0' ||
        (size_t)(name.data[size] - '0') >= max) {
        return false;
    }
    *ret_index = (size_t)(name.data[size] - '0');
    return true;
}

/* What each platform takes from a bundle. A key that signs is never taken from there: whoever sends
 * the evidence could send his own. */
enum { TAKES_LEAF = 1, TAKES_CHAIN = 2, TAKES_CRLS = 4, TAKES_COLLATERAL = 8, TAKES_GPUS = 16 };
static const unsigned platforms_taken[AVER_FAMILY_COUNT] = {
    [AVER_FAMILY_SGX] = TAKES_COLLATERAL | TAKES_GPUS,
    [AVER_FAMILY_TDX] = TAKES_COLLATERAL | TAKES_GPUS,
    [AVER_FAMILY_SNP] = TAKES_LEAF | TAKES_CHAIN | TAKES_CRLS | TAKES_GPUS,
    [AVER_FAMILY_AZURE] = TAKES_LEAF | TAKES_CHAIN | TAKES_CRLS | TAKES_COLLATERAL | TAKES_GPUS,
};

/* The member of the input that has this name, or NULL. */
static aver_view *platforms_place(aver_family family, aver_attest_input *input, aver_view name)
{
    unsigned taken = platforms_taken[family];
    size_t index = 0;
    if ((taken & TAKES_LEAF) != 0 && aver_view_equal_text(name, "leaf")) {
        return &input->leaf;
    }
    if ((taken & TAKES_CHAIN) != 0 && aver_view_equal_text(name, "chain")) {
        return &input->chain;
    }
    if ((taken & TAKES_COLLATERAL) != 0 && aver_view_equal_text(name, "collateral")) {
        return &input->collateral;
    }
    if ((taken & TAKES_CRLS) != 0 &&
        platforms_numbered(name, "crl.", AVER_ATTEST_CRLS_MAX, &index)) {
        input->crls_count = index + 1 > input->crls_count ? index + 1 : input->crls_count;
        return &input->crls[index];
    }
    return NULL;
}

/* Numbers are without gaps. */
static bool platforms_whole(const aver_attest_input *input)
{
    bool whole = true;
    for (size_t i = 0; i < input->crls_count; i++) {
        whole = whole && input->crls[i].size > 0;
    }
    return whole;
}

/* False, and told, if the bundle has parts that nobody judges. */
static bool platforms_collateral(aver_family family, const aver_bundle *bundle,
                                 aver_attest_input *input, aver_verdict *verdict)
{
    for (size_t i = 0; i < bundle->collateral_count; i++) {
        aver_view *place = platforms_place(family, input, bundle->collateral[i].name);
        if (place == NULL) {
            aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED,
                              "the bundle has collateral %zu, which nobody judges on %s", i,
                              bundle->platform);
            return false;
        }
        *place = bundle->collateral[i].value;
    }
    if (!platforms_whole(input)) {
        aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED,
                          "the bundle has collateral with gaps in its numbers");
        return false;
    }
    bool gpus = (platforms_taken[family] & TAKES_GPUS) != 0;
    if (bundle->event_log.size > 0 || (bundle->gpu_evidence.size > 0 && !gpus)) {
        aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED,
                          "the bundle has an event log or GPU evidence, which nobody judges on %s",
                          bundle->platform);
        return false;
    }
    return true;
}

/* A vTPM's quote or a realm's token carries the program's bytes where a verifier's nonce would be;
 * their hardware report is made over something else. */
static void platforms_report_data(aver_family family, aver_claims *claims)
{
    bool apart = family == AVER_FAMILY_AZURE || family == AVER_FAMILY_CCA;
    if (apart) {
        claims->has_report_data =
            claims->has_nonce && claims->nonce.size == PLATFORMS_REPORT_DATA_BYTES;
        if (claims->has_report_data) {
            memcpy(claims->report_data, claims->nonce.data, PLATFORMS_REPORT_DATA_BYTES);
        }
    }
}

/* Evidence of GPUs beside the CPU's: made for this keyset and these nonces. */
static aver_err platforms_gpus(const aver_platform_input *input, const aver_attest_input *asked,
                               aver_verdict *verdict, aver_claims *claims)
{
    uint8_t keyset_digest[32];
    uint8_t nonce[32];
    aver_keyset_digest(input->bundle->keyset_bytes, keyset_digest);
    aver_gpu_nonce(keyset_digest, input->bundle->nonce_root, nonce);
    return aver_gpu_judge(&(aver_gpu_input){.evidence = input->bundle->gpu_evidence,
                                            .nonce = AVER_VIEW_OF(nonce),
                                            .roots = asked->roots,
                                            .time_s = asked->time_s,
                                            .claims = claims},
                          verdict);
}

static aver_err platforms_judge(aver_family family, const aver_platform_input *input,
                                aver_verdict *verdict, aver_claims *ret_claims, bool *ret_readable)
{
    aver_attest_input asked = {
        .evidence = input->bundle->evidence,
        .roots = input->roots->test_roots,
        .time_s = input->at_ms / 1000,
        .allow_debug = aver_policy_accepts_debug(input->policy),
        .accept_tcb = aver_policy_tcb_statuses(input->policy),
        .evaluation_min = aver_policy_evaluation_min(input->policy),
    };
    if (family == AVER_FAMILY_CCA && asked.roots.given_count > 0) {
        asked.key = asked.roots.given[0]; /* this platform has no certificates */
        asked.roots.given_count = 0;
    }
    bool readable = false;
    verdict->simulated = verdict->simulated || input->roots->test_roots.given_count > 0;
    verdict->required = aver_attest_required(family, false);
    /* No status at all is accepted: NONE is never one that evidence has. */
    asked.accept_tcb |= AVER_TCB_SET(AVER_TCB_NONE);
    if (!platforms_collateral(family, input->bundle, &asked, verdict)) {
        return AVER_OK;
    }
    aver_err err = aver_attest_judge(family, &asked, verdict, ret_claims, &readable);
    if (err == AVER_OK && readable && (platforms_taken[family] & TAKES_GPUS) != 0) {
        err = platforms_gpus(input, &asked, verdict, ret_claims);
    }
    if (err == AVER_OK && readable) {
        platforms_report_data(family, ret_claims);
        ret_claims->simulated = input->roots->test_roots.given_count > 0;
        *ret_readable = true;
    }
    return err;
}

#define PLATFORMS_OF(lower, upper)                                                                 \
    static aver_err platforms_judge_##lower(const aver_platform_input *input,                      \
                                            aver_verdict *verdict, aver_claims *ret_claims,        \
                                            bool *ret_readable)                                    \
    {                                                                                              \
        return platforms_judge(AVER_FAMILY_##upper, input, verdict, ret_claims, ret_readable);     \
    }                                                                                              \
    const aver_platform aver_platform_##lower = {.name = #lower, .judge = platforms_judge_##lower}

PLATFORMS_OF(nitro, NITRO);
PLATFORMS_OF(sgx, SGX);
PLATFORMS_OF(tdx, TDX);
PLATFORMS_OF(snp, SNP);
PLATFORMS_OF(azure, AZURE);
PLATFORMS_OF(cca, CCA);

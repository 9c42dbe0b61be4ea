/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/attest.h"

#include "attest/compare.h"
#include "attest/family.h"

#include <string.h>

static const aver_family_verifier *const attest_families[AVER_FAMILY_COUNT] = {
    [AVER_FAMILY_NITRO] = &aver_family_nitro,   [AVER_FAMILY_SGX] = &aver_family_sgx,
    [AVER_FAMILY_TDX] = &aver_family_tdx,       [AVER_FAMILY_SNP] = &aver_family_snp,
    [AVER_FAMILY_NVIDIA] = &aver_family_nvidia, [AVER_FAMILY_AZURE] = &aver_family_azure,
    [AVER_FAMILY_CCA] = &aver_family_cca,       [AVER_FAMILY_TPM] = &aver_family_tpm,
};

static const aver_family_verifier *attest_family(aver_family family)
{
    return family >= AVER_FAMILY_NITRO && (size_t)family < AVER_FAMILY_COUNT
               ? attest_families[family]
               : NULL;
}

const char *aver_family_name(aver_family family)
{
    const aver_family_verifier *verifier = attest_family(family);
    return verifier != NULL ? verifier->name : NULL;
}

bool aver_family_find(const char *name, aver_family *ret_family)
{
    for (size_t i = AVER_FAMILY_NITRO; i < AVER_FAMILY_COUNT; i++) {
        if (strcmp(attest_families[i]->name, name) == 0) {
            *ret_family = (aver_family)i;
            return true;
        }
    }
    return false;
}

static bool attest_input_bounded(const aver_attest_input *input)
{
    bool bounded = input->leaf.size <= AVER_ATTEST_COLLATERAL_BYTES_MAX &&
                   input->chain.size <= AVER_ATTEST_COLLATERAL_BYTES_MAX &&
                   input->collateral.size <= AVER_ATTEST_COLLATERAL_BYTES_MAX &&
                   input->key.size <= AVER_ATTEST_COLLATERAL_BYTES_MAX &&
                   input->roots.given_count <= AVER_ATTEST_ROOTS_MAX &&
                   input->rim_roots.given_count <= AVER_ATTEST_ROOTS_MAX &&
                   input->crls_count <= AVER_ATTEST_CRLS_MAX &&
                   input->rims_count <= AVER_ATTEST_RIMS_MAX;
    for (size_t i = 0; bounded && i < input->crls_count; i++) {
        bounded = input->crls[i].size <= AVER_ATTEST_COLLATERAL_BYTES_MAX;
    }
    for (size_t i = 0; bounded && i < input->rims_count; i++) {
        bounded = input->rims[i].size <= AVER_ATTEST_COLLATERAL_BYTES_MAX;
    }
    return bounded;
}

aver_err aver_attest_judge(aver_family family, const aver_attest_input *input,
                           aver_verdict *verdict, aver_claims *ret_claims, bool *ret_readable)
{
    const aver_family_verifier *verifier = attest_family(family);
    bool readable = false;
    if (verifier == NULL || !attest_input_bounded(input)) {
        return AVER_E_USAGE;
    }
    aver_claims_init(ret_claims);
    aver_err err = AVER_OK;
    if (input->evidence.size > AVER_ATTEST_EVIDENCE_BYTES_MAX) {
        aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED,
                          "%zu bytes are more than any evidence has", input->evidence.size);
    } else {
        err = verifier->judge(input, verdict, ret_claims, &readable);
    }
    if (err != AVER_OK) {
        return err;
    }
    aver_verdict_skip_all(verdict, verifier->checks,
                          readable ? "an earlier check stands in the way"
                                   : "the evidence could not be read");
    *ret_readable = readable;
    return AVER_OK;
}

const char *const *aver_attest_required(aver_family family, bool signature_only)
{
    const aver_family_verifier *verifier = attest_family(family);
    if (verifier == NULL) {
        return NULL;
    }
    return signature_only ? verifier->required_signature_only : verifier->required;
}

bool aver_attest_holds(aver_family family, bool signature_only, const aver_verdict *verdict)
{
    const char *const *required = aver_attest_required(family, signature_only);
    if (required == NULL || aver_verdict_failed(verdict)) {
        return false;
    }
    for (; *required != NULL; required++) {
        const aver_check *check = aver_verdict_find(verdict, *required);
        if (check == NULL || check->status != AVER_CHECK_PASS) {
            return false;
        }
    }
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/family.h"

static const char *const snp_checks[] = {"evidence.format", NULL};

static aver_err snp_judge(const aver_attest_input *input, aver_verdict *verdict,
                          aver_claims *claims, bool *ret_readable)
{
    (void)input;
    (void)claims;
    (void)ret_readable;
    aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED, "not built yet");
    return AVER_OK;
}

const aver_family_verifier aver_family_snp = {
    .name = "snp", .checks = snp_checks, .required = snp_checks, .judge = snp_judge};

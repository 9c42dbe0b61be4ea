/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/family.h"

static const char *const cca_checks[] = {"evidence.format", NULL};

static aver_err cca_judge(const aver_attest_input *input, aver_verdict *verdict,
                          aver_claims *claims, bool *ret_readable)
{
    (void)input;
    (void)claims;
    (void)ret_readable;
    aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED, "not built yet");
    return AVER_OK;
}

const aver_family_verifier aver_family_cca = {
    .name = "cca", .checks = cca_checks, .required = cca_checks, .judge = cca_judge};

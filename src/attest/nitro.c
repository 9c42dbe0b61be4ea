/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/family.h"

static const char *const nitro_checks[] = {"evidence.format", NULL};

static aver_err nitro_judge(const aver_attest_input *input, aver_verdict *verdict,
                            aver_claims *claims, bool *ret_readable)
{
    (void)input;
    (void)claims;
    (void)ret_readable;
    aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED, "not built yet");
    return AVER_OK;
}

const aver_family_verifier aver_family_nitro = {
    .name = "nitro", .checks = nitro_checks, .required = nitro_checks, .judge = nitro_judge};

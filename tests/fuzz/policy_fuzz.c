/* SPDX-License-Identifier: Apache-2.0 */
/* A policy is read or refused in words; one that is read can be explained, and never accepts an
 * empty verdict. */
#include "aver/policy.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static aver_verdict verdict;
    aver_policy *policy = NULL;
    char why[400];
    char fault[200];
    if (aver_policy_parse(aver_view_make(data, size), &policy, fault) != AVER_OK) {
        AVER_ASSERT(fault[0] != '\0');
        return 0;
    }
    aver_buf out;
    aver_buf_init(&out, 1 << 20);
    aver_policy_lint(policy, &out);
    aver_policy_explain(policy, &out);
    AVER_ASSERT(aver_buf_status(&out) == AVER_OK);
    aver_verdict_init(&verdict);
    for (aver_use use = AVER_USE_CONNECT; use <= AVER_USE_BUNDLE; use++) {
        AVER_ASSERT(!aver_policy_accepts(policy, use, &verdict, why));
        AVER_ASSERT(why[0] != '\0');
    }
    aver_buf_deinit(&out);
    aver_policy_free(policy);
    return 0;
}

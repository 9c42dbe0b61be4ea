/* SPDX-License-Identifier: Apache-2.0 */
/* Distances read in collateral and in the words of a check: text comes out, or nothing. */
#include "aver/explain.h"
#include "base/check.h"
#include "codec/text.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t svns[16] = {1, 2, 3};
    static aver_claims claims;
    aver_check check = {.name = "tcb.status", .status = AVER_CHECK_FAIL};
    aver_attest_input input = {.collateral = aver_view_make(data, size), .time_s = 1700000000};
    aver_buf out;
    aver_claims_init(&claims);
    aver_claims_put_bytes(&claims, "pck_cpusvn", AVER_VIEW_OF(svns));
    aver_claims_put_bytes(&claims, "tee_tcb_svn", AVER_VIEW_OF(svns));
    aver_claims_put_uint(&claims, "pck_pcesvn", 3);
    aver_claims_put_text(&claims, "tcb_date", AVER_VIEW_LITERAL("2023-01-01T00:00:00Z"));
    size_t words = size < sizeof check.detail - 1 ? size : sizeof check.detail - 1;
    memcpy(check.detail, size > 0 ? data : (const uint8_t *)"", words);
    aver_buf_init(&out, 1 << 20);
    aver_explain_distance(&input, &claims, &check, &out);
    AVER_ASSERT(aver_buf_status(&out) == AVER_OK);
    aver_buf_deinit(&out);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the evidence of Azure's machines brings from outside; the first byte says which. 0: evidence
 * as a whole; 1: the HCL report, with the claims in it.
 */
#include "attest/azure_hcl.h"
#include "aver/attest.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_whole(aver_view bytes)
{
    static aver_verdict verdict;
    static aver_claims claims;
    bool readable = false;
    aver_attest_input input = {.evidence = bytes, .time_s = 1748000000, .signature_only = true};
    aver_verdict_init(&verdict);
    AVER_ASSERT(aver_attest_judge(AVER_FAMILY_AZURE, &input, &verdict, &claims, &readable) ==
                AVER_OK);
    AVER_ASSERT(verdict.count > 0);
    aver_buf json;
    aver_buf_init(&json, 1ul << 20);
    aver_claims_json(&claims, &json);
    AVER_ASSERT(aver_buf_status(&json) == AVER_OK);
    aver_buf_deinit(&json);
}

static void fuzz_hcl(aver_view bytes)
{
    static const uint8_t body[584];
    uint8_t report_data[64];
    aver_hcl hcl;
    json_t *json = NULL;
    aver_public_key key = {0};
    const char *why = NULL;
    if (aver_hcl_parse(bytes, &hcl, &why) != AVER_OK) {
        AVER_ASSERT(why != NULL);
        return;
    }
    AVER_ASSERT(hcl.report.size == 1184 && hcl.claims.size <= bytes.size);
    aver_hcl_report_data(&hcl, report_data);
    (void)aver_hcl_td_equal(&hcl, AVER_VIEW_OF(body));
    if (aver_hcl_claims_read(&hcl, &json, &key, &why) == AVER_OK) {
        AVER_ASSERT(key.rsa != NULL && json != NULL);
        json_decref(json);
        aver_public_key_close(&key);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == 0) {
        fuzz_whole(aver_view_make(data + 1, size - 1));
    } else if (size > 0 && data[0] == 1) {
        fuzz_hcl(aver_view_make(data + 1, size - 1));
    }
    return 0;
}

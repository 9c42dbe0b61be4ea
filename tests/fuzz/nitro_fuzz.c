/* SPDX-License-Identifier: Apache-2.0 */
/* Attestation documents of Nitro enclaves, under the root that they bring along, so that everything
 * behind the path is reached: nothing holds whose signature does not. */
#include "attest/nitro_document.h"
#include "aver/attest.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static aver_claims claims;
    static aver_verdict verdict;
    static aver_nitro_document document;
    bool readable = false;
    aver_attest_input input = {.evidence = aver_view_make(data, size), .time_s = 1767225600};
    bool parsed = aver_nitro_document_parse(input.evidence, &document) == AVER_OK;
    if (parsed) {
        input.roots.given[0] = document.cabundle[0];
        input.roots.given_count = 1;
        input.time_s = document.timestamp_ms / 1000;
    }
    aver_verdict_init(&verdict);
    aver_err err = aver_attest_judge(AVER_FAMILY_NITRO, &input, &verdict, &claims, &readable);
    AVER_ASSERT(err == AVER_OK || err == AVER_E_USAGE || err == AVER_E_NOMEM);
    AVER_ASSERT(!readable || parsed);
    AVER_ASSERT(readable || err != AVER_OK || aver_verdict_failed(&verdict));
    aver_buf json;
    aver_buf_init(&json, 1 << 20);
    if (readable) {
        aver_claims_json(&claims, &json);
        AVER_ASSERT(aver_buf_status(&json) == AVER_OK);
    }
    aver_buf_deinit(&json);
    return 0;
}

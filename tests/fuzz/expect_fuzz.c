/* SPDX-License-Identifier: Apache-2.0 */
/* What a manifest expects of a case, compared with fixed claims: whatever it is, either it is as
 * expected and there is no difference, or there is one at least. */
#include "base/check.h"
#include "cli/expect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_claims(aver_claims *claims)
{
    aver_claims_init(claims);
    aver_claims_put_uint(claims, "version", 4);
    aver_claims_put_bytes(claims, "digest", AVER_VIEW_LITERAL("\xab"));
    aver_claims_put_null(claims, "nonce");
    aver_claims_put_at(claims, "pcrs", 0, AVER_VIEW_LITERAL("\x01"));
    aver_claims_put_member(claims, "names", AVER_VIEW_LITERAL("a"));
    claims->group = "snp";
    aver_claims_put_uint(claims, "parts.bl", 4);
    claims->group = NULL;
    claims->tcb_status = AVER_TCB_OUT_OF_DATE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static aver_claims claims;
    static aver_verdict verdict;
    json_t *expect = NULL;
    json_t *differences = json_array();
    fuzz_claims(&claims);
    aver_verdict_init(&verdict);
    if (aver_json_parse(aver_view_make(data, size), 65536, &expect, NULL) == AVER_OK) {
        for (unsigned i = 0; i < 2; i++) {
            bool good = false;
            aver_expect_found found = {.holds = i == 0,
                                       .reason = i == 0 ? AVER_REASON_NONE : AVER_REASON_REVOKED,
                                       .verdict = &verdict,
                                       .claims = &claims};
            json_array_clear(differences);
            aver_err err = aver_expect_compare(expect, &found, differences, &good);
            AVER_ASSERT(err != AVER_OK || good == (json_array_size(differences) == 0));
        }
    }
    json_decref(expect);
    json_decref(differences);
    return 0;
}

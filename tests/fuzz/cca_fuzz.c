/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of Arm CCA under a key that signed none of them: whatever can be read is judged and told.
 */
#include "attest/cca_token.h"
#include "aver/attest.h"
#include "base/check.h"
#include "support/pki.h"

#include <openssl/x509.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static aver_view fuzz_key(void)
{
    static unsigned char *der;
    static int size;
    if (der == NULL) {
        size = i2d_PUBKEY(pki_key(0, PKI_P384), &der);
        AVER_ASSERT(size > 0);
    }
    return aver_view_make(der, (size_t)size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static aver_verdict verdict;
    static aver_claims claims;
    static aver_cca_token token;
    const char *why = NULL;
    bool readable = false;
    aver_attest_input input = {.evidence = aver_view_make(data, size), .key = fuzz_key()};
    aver_verdict_init(&verdict);
    AVER_ASSERT(aver_attest_judge(AVER_FAMILY_CCA, &input, &verdict, &claims, &readable) ==
                AVER_OK);
    AVER_ASSERT(!aver_attest_holds(AVER_FAMILY_CCA, false, &verdict));
    AVER_ASSERT((aver_cca_token_parse(input.evidence, &token, &why) == AVER_OK) == readable ||
                size > AVER_ATTEST_EVIDENCE_BYTES_MAX);
    if (readable) {
        aver_buf json;
        aver_buf_init(&json, 1ul << 20);
        aver_claims_json(&claims, &json);
        AVER_ASSERT(aver_buf_status(&json) == AVER_OK);
        aver_buf_deinit(&json);
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* SEV-SNP: the report, then its certificate in DER, then the chain; the roots are AMD's, and again
 * whatever the chain ends with. */
#include "attest/snp_report.h"
#include "aver/attest.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes of the DER element at the front, as far as they are there. */
static size_t element_size(aver_view bytes)
{
    if (bytes.size < 4 || bytes.data[1] != 0x82) {
        return bytes.size;
    }
    size_t size = 4 + ((size_t)bytes.data[2] << 8 | bytes.data[3]);
    return size < bytes.size ? size : bytes.size;
}

static void judge(const aver_attest_input *input)
{
    static aver_claims claims;
    static aver_verdict verdict;
    bool readable = false;
    aver_verdict_init(&verdict);
    aver_err err = aver_attest_judge(AVER_FAMILY_SNP, input, &verdict, &claims, &readable);
    AVER_ASSERT(err == AVER_OK || err == AVER_E_USAGE || err == AVER_E_NOMEM);
    AVER_ASSERT(readable || err != AVER_OK || aver_verdict_failed(&verdict));
    AVER_ASSERT(!aver_attest_holds(AVER_FAMILY_SNP, false, &verdict) || readable);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t report_size = size < AVER_SNP_REPORT_BYTES ? size : AVER_SNP_REPORT_BYTES;
    aver_view rest = aver_view_make(data + report_size, size - report_size);
    size_t leaf_size = element_size(rest);
    aver_attest_input input = {.evidence = aver_view_make(data, report_size),
                               .leaf = aver_view_slice(rest, 0, leaf_size),
                               .chain = aver_view_slice(rest, leaf_size, rest.size - leaf_size),
                               .time_s = 1767225600};
    judge(&input);
    input.roots.given[0] = input.chain;
    input.roots.given_count = input.chain.size > 0 ? 1 : 0;
    judge(&input);
    return 0;
}

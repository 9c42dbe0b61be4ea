/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything of Intel's evidence that comes from outside, each by itself, since behind a signature
 * no changed byte would be read: the first byte says which. 0, 1: a quote; 2: TCB info; 3: QE
 * identity; 4: the extension of a PCK certificate; 5: collateral, beside a quote that holds.
 */
#include "attest/dcap.h"
#include "base/check.h"
#include "support/dcap_make.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const dcap_made *fuzz_made(void)
{
    static dcap_made made;
    if (made.quote.size == 0) {
        dcap_recipe recipe = dcap_recipe_good(true);
        recipe.version = 5;
        recipe.td15 = true;
        dcap_make(&recipe, &made);
    }
    return &made;
}

static void fuzz_judge(aver_family family, const aver_attest_input *input)
{
    static aver_verdict verdict;
    static aver_claims claims;
    bool readable = false;
    aver_verdict_init(&verdict);
    AVER_ASSERT(aver_attest_judge(family, input, &verdict, &claims, &readable) == AVER_OK);
    AVER_ASSERT(verdict.count > 0);
    if (readable) {
        aver_buf json;
        aver_buf_init(&json, 1ul << 20);
        aver_claims_json(&claims, &json);
        AVER_ASSERT(aver_buf_status(&json) == AVER_OK);
        aver_buf_deinit(&json);
    }
}

static void fuzz_quote(aver_family family, aver_view bytes)
{
    aver_attest_input input = dcap_input(fuzz_made());
    input.evidence = bytes;
    fuzz_judge(family, &input);
}

static void fuzz_collateral(aver_view bytes)
{
    aver_attest_input input = dcap_input(fuzz_made());
    input.collateral = bytes;
    fuzz_judge(AVER_FAMILY_TDX, &input);
}

/* What was read can be judged by, whatever it says. */
static void fuzz_stand(const aver_dcap_tcb *tcb, const aver_dcap_identity *identity)
{
    static aver_claims claims;
    char why[AVER_DCAP_WHY_BYTES];
    aver_dcap_quote quote;
    aver_dcap_report qe;
    aver_dcap_td td;
    aver_dcap_pck_info pck = {.components = {5, 5, 5}, .pce_svn = 11};
    aver_dcap_standing standing;
    aver_dcap_fault fault = {0};
    AVER_ASSERT(aver_dcap_quote_read(aver_buf_view(&fuzz_made()->quote), true, &quote, why) ==
                AVER_OK);
    aver_dcap_report_read(quote.qe_report, &qe);
    aver_dcap_td_read(&quote, &td);
    aver_dcap_standing_find(tcb, identity, &pck, &qe, tcb->tdx ? &td : NULL, &standing);
    aver_dcap_module_judge(tcb, &td, &fault);
    aver_dcap_identity_judge(identity, &qe, &fault);
    aver_claims_init(&claims);
    aver_dcap_standing_claim(&standing, &claims);
}

static void fuzz_texts(uint8_t which, aver_view text)
{
    static aver_dcap_tcb tcb;
    static aver_dcap_identity identity;
    char why[AVER_DCAP_WHY_BYTES];
    tcb = (aver_dcap_tcb){0};
    identity = (aver_dcap_identity){0};
    if ((which == 2 ? aver_dcap_tcb_read(text, &tcb, why)
                    : aver_dcap_identity_read(text, &identity, why)) == AVER_OK) {
        fuzz_stand(&tcb, &identity);
    }
    free(tcb.text);
    free(identity.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    aver_view rest = aver_view_make(data + 1, size - 1);
    char why[AVER_DCAP_WHY_BYTES];
    aver_dcap_pck_info info = {0};
    switch (data[0]) {
    case 0:
    case 1:
        fuzz_quote(data[0] == 0 ? AVER_FAMILY_SGX : AVER_FAMILY_TDX, rest);
        break;
    case 2:
    case 3:
        fuzz_texts(data[0], rest);
        break;
    case 4:
        (void)!aver_dcap_extension_read(rest, &info, why);
        break;
    case 5:
        fuzz_collateral(rest);
        break;
    default:
        break;
    }
    return 0;
}

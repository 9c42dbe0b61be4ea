/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything of NVIDIA's evidence that comes from outside, each by itself, since behind a signature
 * no changed byte would be read: the first byte says which. 0: a report; 1: reference values, whose
 * canonical form must be its own; 2: a list of GPUs. Devices and roots are those of the tests.
 */
#include "attest/gpu.h"
#include "attest/nvidia_rim.h"
#include "base/check.h"
#include "support/nvidia_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const nvidia_made *fuzz_made(void)
{
    static nvidia_made made;
    if (made.report.size == 0) {
        nvidia_make(&nvidia_recipe_good, &made);
    }
    return &made;
}

static aver_attest_input fuzz_input(const nvidia_made *made)
{
    return (aver_attest_input){.evidence = aver_buf_view(&made->report),
                               .chain = aver_buf_view(&made->chain),
                               .roots = {{aver_buf_view(&made->root.der)}, 1},
                               .rim_roots = {{aver_buf_view(&made->values_root.der)}, 1},
                               .time_s = PKI_NOW_S};
}

static void fuzz_judge(const aver_attest_input *input)
{
    static aver_verdict verdict;
    static aver_claims claims;
    bool readable = false;
    aver_verdict_init(&verdict);
    AVER_ASSERT(aver_attest_judge(AVER_FAMILY_NVIDIA, input, &verdict, &claims, &readable) ==
                AVER_OK);
    AVER_ASSERT(verdict.count > 0 && !claims.full);
    if (readable) {
        aver_buf json;
        aver_buf_init(&json, 1ul << 20);
        aver_claims_json(&claims, &json);
        AVER_ASSERT(aver_buf_status(&json) == AVER_OK);
        aver_buf_deinit(&json);
    }
}

static void fuzz_canonical(aver_view text, aver_buf *out)
{
    aver_xml xml;
    if (aver_xml_parse(text, &xml) == AVER_OK) {
        aver_xml_canonical(&xml, 0, AVER_XML_NONE, out);
        aver_xml_deinit(&xml);
    }
}

static void fuzz_values(aver_view text)
{
    static aver_nvidia_rim rim;
    aver_buf once;
    aver_buf twice;
    aver_buf_init(&once, 8 * AVER_XML_BYTES_MAX);
    aver_buf_init(&twice, 8 * AVER_XML_BYTES_MAX);
    fuzz_canonical(text, &once);
    fuzz_canonical(aver_buf_view(&once), &twice);
    AVER_ASSERT(aver_view_equal(aver_buf_view(&once), aver_buf_view(&twice)));
    aver_buf_deinit(&once);
    aver_buf_deinit(&twice);
    if (aver_nvidia_rim_open(text, &rim) == AVER_OK) {
        if (aver_nvidia_rim_certs_read(&rim) == AVER_OK) {
            aver_err err = aver_nvidia_rim_verify(&rim);
            AVER_ASSERT(err == AVER_OK || err == AVER_E_PROOF);
        }
        aver_nvidia_rim_close(&rim);
    }
    aver_attest_input input = fuzz_input(fuzz_made());
    input.rims[0] = text;
    input.rims_count = 1;
    fuzz_judge(&input);
}

static void fuzz_gpus(aver_view list)
{
    static aver_verdict verdict;
    const nvidia_made *made = fuzz_made();
    aver_gpu_input input = {
        .evidence = list,
        .nonce = AVER_VIEW_OF(nvidia_recipe_good.nonce),
        .roots = {{aver_buf_view(&made->root.der), aver_buf_view(&made->values_root.der)}, 2},
        .time_s = PKI_NOW_S};
    aver_verdict_init(&verdict);
    AVER_ASSERT(aver_gpu_judge(&input, &verdict) == AVER_OK);
    AVER_ASSERT(verdict.count == 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    aver_view rest = aver_view_make(data + 1, size - 1);
    aver_attest_input input = fuzz_input(fuzz_made());
    switch (data[0]) {
    case 0:
        input.evidence = rest;
        fuzz_judge(&input);
        break;
    case 1:
        fuzz_values(rest);
        break;
    case 2:
        fuzz_gpus(rest);
        break;
    default:
        break;
    }
    return 0;
}

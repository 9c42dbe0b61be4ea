/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/compare.h"
#include "attest/foreign_work.h"
#include "attest/gpu.h"
#include "codec/cbor.h"
#include "codec/text.h"

static aver_err gpus_put_part(aver_view text, aver_buf *out)
{
    aver_buf bytes;
    aver_buf_init(&bytes, AVER_ATTEST_COLLATERAL_BYTES_MAX);
    aver_err err = text.size > 0 ? aver_base64_decode(text, &bytes) : AVER_E_FORMAT;
    if (err == AVER_OK) {
        aver_cbor_put_bytes(out, aver_buf_view(&bytes));
    }
    aver_buf_deinit(&bytes);
    return err;
}

/* ["nvidia", report, certificates, [], [reference values...]], as aver_gpu_judge wants it. */
static aver_err gpus_put_device(const aver_foreign_work *work, const json_t *item, aver_buf *out)
{
    aver_cbor_put_array(out, 5);
    aver_cbor_put_text(out, "nvidia");
    aver_err err = gpus_put_part(aver_foreign_text(item, "evidence"), out);
    if (err == AVER_OK) {
        err = gpus_put_part(aver_foreign_text(item, "certificate"), out);
    }
    aver_cbor_put_array(out, 0);
    aver_cbor_put_array(out, work->evidence.rims_count);
    for (size_t i = 0; i < work->evidence.rims_count; i++) {
        aver_cbor_put_bytes(out, work->evidence.rims[i]);
    }
    return err;
}

aver_err aver_foreign_gpus(aver_foreign_work *work, json_t *items, const uint8_t nonce[static 32])
{
    static const char *const checks[] = {"gpu.evidence", "gpu.nonce", NULL};
    aver_verdict *verdict = &work->judged->verdict;
    aver_err err = AVER_OK;
    aver_buf cbor;
    if (json_array_size(items) == 0 || work->evidence.rims_count == 0) {
        aver_verdict_skip_all(verdict, checks,
                              json_array_size(items) == 0
                                  ? "no evidence of GPUs is shown"
                                  : "evidence of GPUs is shown, and the reader gave no reference "
                                    "values to judge it by");
        return AVER_OK;
    }
    aver_buf_init(&cbor, (size_t)AVER_GPU_DEVICES_MAX * AVER_ATTEST_COLLATERAL_BYTES_MAX);
    aver_cbor_put_array(&cbor, json_array_size(items));
    for (size_t i = 0; i < json_array_size(items) && i < AVER_GPU_DEVICES_MAX && err == AVER_OK;
         i++) {
        err = gpus_put_device(work, json_array_get(items, i), &cbor);
    }
    err = err == AVER_OK ? aver_buf_status(&cbor) : err;
    if (err == AVER_OK) {
        err = aver_gpu_judge(&(aver_gpu_input){.evidence = aver_buf_view(&cbor),
                                               .nonce = aver_view_make(nonce, 32),
                                               .roots = work->evidence.rim_roots,
                                               .time_s = work->evidence.time_s,
                                               .cache = work->evidence.cache},
                             verdict);
    } else if (err == AVER_E_FORMAT || err == AVER_E_LIMIT) {
        aver_verdict_fail(verdict, "gpu.evidence", AVER_REASON_MALFORMED,
                          "the evidence of a GPU is no base64, or too long");
        aver_verdict_skip_all(verdict, checks, "it could not be read");
        err = AVER_OK;
    }
    aver_buf_deinit(&cbor);
    return err;
}

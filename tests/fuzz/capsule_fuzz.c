/* SPDX-License-Identifier: Apache-2.0 */
/* A capsule that is read is written back as the same bytes, and is judged without a fault whatever
 * is in it. */
#include "base/check.h"
#include "support/forge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static forge_state good;
    static aver_verdict verdict;
    aver_view bytes = aver_view_make(data, size);
    aver_capsule capsule;
    aver_receipt receipt;
    if (!good.policy) {
        forge_init(&good);
        forge_build(&good);
    }
    if (aver_capsule_decode(bytes, &capsule) == AVER_OK) {
        aver_buf again;
        aver_buf_init(&again, AVER_CAPSULE_BYTES_MAX);
        AVER_ASSERT(aver_capsule_encode(&capsule, &again) == AVER_OK);
        AVER_ASSERT(aver_view_equal(aver_buf_view(&again), bytes));
        aver_buf_deinit(&again);
    }
    aver_verdict_init(&verdict);
    AVER_ASSERT(aver_verify_capsule(bytes, &good.context, &verdict, &receipt) == AVER_OK);
    AVER_ASSERT(verdict.count > 0);
    return 0;
}

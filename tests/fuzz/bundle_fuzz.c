/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle, wrapped or bare, that is read is written back as the same bytes, and can be judged
 * whatever is in it. */
#include "aver/platforms.h"
#include "base/check.h"
#include "support/forge.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_judge(aver_view bytes)
{
    static const aver_platform *const platforms[] = {
        &aver_platform_sim, &aver_platform_nitro, &aver_platform_sgx, &aver_platform_tdx,
        &aver_platform_snp, &aver_platform_azure, &aver_platform_cca, NULL};
    static forge_state good;
    static aver_verdict verdict;
    static aver_judged judged;
    if (!good.policy) {
        forge_init(&good);
        forge_build(&good);
        good.context.platforms = platforms;
    }
    aver_verdict_init(&verdict);
    AVER_ASSERT(aver_verify_bundle(bytes, &good.context, &verdict, &judged) == AVER_OK);
    AVER_ASSERT(verdict.count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static aver_bundle bundle;
    aver_buf bare;
    aver_buf again;
    aver_buf_init(&bare, AVER_BUNDLE_BYTES_MAX);
    aver_buf_init(&again, AVER_BUNDLE_BYTES_MAX);
    if (aver_cmw_unwrap(aver_view_make(data, size), &bare) == AVER_OK) {
        if (aver_bundle_decode(aver_buf_view(&bare), &bundle) == AVER_OK) {
            AVER_ASSERT(aver_bundle_encode(&bundle, &again) == AVER_OK);
            AVER_ASSERT(aver_view_equal(aver_buf_view(&again), aver_buf_view(&bare)));
        }
        fuzz_judge(aver_buf_view(&bare));
    }
    aver_buf_deinit(&bare);
    aver_buf_deinit(&again);
    return 0;
}

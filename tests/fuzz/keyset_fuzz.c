/* SPDX-License-Identifier: Apache-2.0 */
/* A keyset that is read is written back as the same bytes. */
#include "aver/keyset.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static aver_keyset keyset;
    aver_view bytes = aver_view_make(data, size);
    if (aver_keyset_decode(bytes, &keyset) == AVER_OK) {
        aver_buf again;
        aver_buf_init(&again, AVER_KEYSET_BYTES_MAX);
        AVER_ASSERT(aver_keyset_encode(&keyset, &again) == AVER_OK);
        AVER_ASSERT(aver_view_equal(aver_buf_view(&again), bytes));
        aver_buf_deinit(&again);
    }
    return 0;
}

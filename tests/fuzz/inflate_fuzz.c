/* SPDX-License-Identifier: Apache-2.0 */
/* gzip members from outside: bounded, and a buffer that is refused is as it was. */
#include "base/check.h"
#include "codec/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aver_buf out;
    aver_buf_init(&out, 1 << 16);
    aver_err err = aver_gzip_unpack(aver_view_make(data, size), &out);
    AVER_ASSERT(err == AVER_OK || err == AVER_E_FORMAT || err == AVER_E_LIMIT);
    AVER_ASSERT(err == AVER_OK || out.size == 0);
    aver_buf_deinit(&out);
    return 0;
}

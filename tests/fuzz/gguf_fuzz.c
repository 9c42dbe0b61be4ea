/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a GGUF file: opened, looked at, hashed. */
#include "engine/profile.h"
#include "model/gguf.h"

#include <stdlib.h>

#define INPUT_BYTES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aver_gguf *gguf = NULL;
    aver_profile_facts facts;
    char why[160] = "";
    uint8_t root[32];
    uint64_t value = 0;
    if (size > INPUT_BYTES_MAX) {
        return 0;
    }
    if (aver_gguf_open(aver_view_make(data, size), &gguf, why) != AVER_OK) {
        return 0;
    }
    aver_profile_read(gguf, &facts);
    if (aver_gguf_uint(gguf, "general.alignment", &value) == AVER_OK && value == 0) {
        abort();
    }
    if (aver_gguf_root(gguf, 1, root) != AVER_OK) {
        abort();
    }
    aver_gguf_close(gguf);
    return 0;
}

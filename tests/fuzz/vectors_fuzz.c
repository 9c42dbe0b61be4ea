/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an answer of /v1/embeddings. */
#include "cli/vectors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aver_vectors vectors;

    if (aver_vectors_read(aver_view_make(data, size), &vectors) == AVER_OK) {
        if (vectors.count == 0 || vectors.size == 0 || vectors.floats == NULL) {
            abort();
        }
        aver_vectors_deinit(&vectors);
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the value of --model, and as a size. */
#include "node/model_option.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[AVER_MODEL_OPTION_WHY_BYTES] = "";
    char *text = malloc(size + 1);
    aver_model_option option;
    uint64_t bytes = 0;

    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (aver_model_option_parse(text, &option, why) == AVER_OK) {
        if (option.path == NULL || option.path[0] == '\0' ||
            option.adapters_count > AVER_ADAPTERS_MAX) {
            abort();
        }
        aver_model_option_deinit(&option);
    } else if (why[0] == '\0') {
        abort();
    }
    if (aver_size_parse(text, &bytes) == AVER_OK && bytes == 0) {
        abort();
    }
    free(text);
    return 0;
}

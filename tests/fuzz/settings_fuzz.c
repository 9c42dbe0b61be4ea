/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration document, after the 32 bytes of the root that is asked for. */
#include "cli/settings.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[AVER_SETTINGS_WHY_BYTES] = "";
    aver_settings settings;

    if (size < 32) {
        return 0;
    }
    aver_err err = aver_settings_read(aver_view_make(data + 32, size - 32), data, &settings, why);
    if (err == AVER_E_UNSUPPORTED && why[0] == '\0') {
        abort();
    }
    if (err == AVER_OK && (settings.profile == 0 || settings.context_tokens == 0 ||
                           settings.adapters_count > AVER_ADAPTERS_MAX)) {
        abort();
    }
    return 0;
}

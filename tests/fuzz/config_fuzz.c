/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file is refused in words, or its settings written out again give the same. */
#include "base/check.h"
#include "node/config_file.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void config_write(const aver_node_config *config, aver_buf *out)
{
    for (size_t i = 0; i < config->count; i++) {
        aver_buf_append_format(out, "%s=%s\n", config->settings[i].name, config->settings[i].value);
    }
    AVER_ASSERT(aver_buf_status(out) == AVER_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aver_node_config config;
    aver_node_config again;
    char why[AVER_NODE_CONFIG_WHY_BYTES] = "";
    aver_buf text;

    if (aver_node_config_parse(aver_view_make(data, size), &config, why) != AVER_OK) {
        AVER_ASSERT(why[0] != '\0');
        return 0;
    }
    aver_buf_init(&text, 2 * AVER_NODE_CONFIG_BYTES_MAX);
    config_write(&config, &text);
    AVER_ASSERT(aver_node_config_parse(aver_buf_view(&text), &again, why) == AVER_OK);
    AVER_ASSERT(again.count == config.count);
    for (size_t i = 0; i < config.count; i++) {
        AVER_ASSERT(strcmp(config.settings[i].name, again.settings[i].name) == 0);
        AVER_ASSERT(strcmp(config.settings[i].value, again.settings[i].value) == 0);
        AVER_ASSERT(again.settings[i].line == i + 1);
    }
    aver_node_config_deinit(&again);
    aver_node_config_deinit(&config);
    aver_buf_deinit(&text);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_SETTINGS_H
#define AVER_CLI_SETTINGS_H

/*
 * settings: what a configuration document (docs/protocol.md section 6, versions 1 and 2) says about
 * one model: all that an answer of it depends on beside its weights.
 */

#include "aver/bytes.h"
#include "model/adapters.h"

#define AVER_SETTINGS_KV_BYTES_MAX 8
#define AVER_SETTINGS_WHY_BYTES    120

typedef struct aver_settings {
    uint32_t profile; /* aver_profile */
    uint32_t context_tokens;
    uint8_t template_digest[32];
    char kv_type[AVER_SETTINGS_KV_BYTES_MAX];
    aver_adapter_root adapters[AVER_ADAPTERS_MAX];
    size_t adapters_count;
    bool has_prefixes;
    uint8_t prefixes_digest[32];
} aver_settings;

/*
 * Strict. UNSUPPORTED with words in ret_why: another version, settings that this program does not
 * know or cannot repeat, no such model. FORMAT for everything else.
 */
AVER_MUST_USE aver_err aver_settings_read(aver_view document, const uint8_t model_root[static 32],
                                          aver_settings *ret_settings,
                                          char ret_why[AVER_SETTINGS_WHY_BYTES]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "net/seal.h"

#include "codec/json.h"

#include <string.h>

/* Key id, KEM, public key, size of the list of algorithms: pairs of KDF and AEAD. */
enum {
    CONFIG_KEY_AT = 3,
    CONFIG_LIST_AT = CONFIG_KEY_AT + 32 + 2,
    CONFIG_PAIR_BYTES = 4,
    CONFIG_PAIRS_MAX = 16,
    CONFIG_KEM_X25519 = 0x0020,
    CONFIG_KDF_SHA256 = 0x0001,
    CONFIG_AEAD_AES_256_GCM = 0x0002,
};

void aver_seal_key_config(const uint8_t seal_key[static 32], aver_buf *out)
{
    aver_buf_append_byte(out, 0);
    aver_buf_append_be16(out, CONFIG_KEM_X25519);
    aver_buf_append(out, aver_view_make(seal_key, 32));
    aver_buf_append_be16(out, CONFIG_PAIR_BYTES);
    aver_buf_append_be16(out, CONFIG_KDF_SHA256);
    aver_buf_append_be16(out, CONFIG_AEAD_AES_256_GCM);
}

/* Among the algorithms must be ours; others may stand beside it. */
aver_err aver_seal_key_config_parse(aver_view config, uint8_t ret_seal_key[static 32])
{
    if (config.size < CONFIG_LIST_AT + CONFIG_PAIR_BYTES ||
        config.size > CONFIG_LIST_AT + CONFIG_PAIRS_MAX * CONFIG_PAIR_BYTES) {
        return AVER_E_FORMAT;
    }
    size_t list_size = config.size - CONFIG_LIST_AT;
    if (aver_be16_read(config.data + CONFIG_LIST_AT - 2) != list_size ||
        list_size % CONFIG_PAIR_BYTES != 0) {
        return AVER_E_FORMAT;
    }
    if (config.data[0] != 0 || aver_be16_read(config.data + 1) != CONFIG_KEM_X25519) {
        return AVER_E_UNSUPPORTED;
    }
    for (size_t at = CONFIG_LIST_AT; at < config.size; at += CONFIG_PAIR_BYTES) {
        if (aver_be16_read(config.data + at) == CONFIG_KDF_SHA256 &&
            aver_be16_read(config.data + at + 2) == CONFIG_AEAD_AES_256_GCM) {
            memcpy(ret_seal_key, config.data + CONFIG_KEY_AT, 32);
            return AVER_OK;
        }
    }
    return AVER_E_UNSUPPORTED;
}

void aver_seal_problem_body(aver_buf *out, const char *title)
{
    aver_buf_append_text(out, "{\"type\":\"" AVER_SEAL_PROBLEM_TYPE "\",\"title\":");
    aver_json_append_string(out, aver_view_text(title));
    aver_buf_append_byte(out, '}');
}

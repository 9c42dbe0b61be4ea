/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/settings.h"

#include "attest/fields.h"
#include "aver/keyset.h"
#include "aver/receipt.h"
#include "codec/cbor.h"

#include <stdio.h>
#include <string.h>

enum {
    SETTINGS_VERSION = 0,
    SETTINGS_PROFILE = 1,
    SETTINGS_CONTEXT = 2,
    SETTINGS_TEMPLATE = 3,
    SETTINGS_ISOLATION = 4,
    SETTINGS_PROCESS = 5,
    SETTINGS_KV = 6,
    SETTINGS_LORA = 7,
    SETTINGS_UPSTREAMS = 8,
    SETTINGS_MODELS = 9,
};

/* Bit k: a document of this version has key k. */
#define SETTINGS_KEYS_1 0x1ffu
#define SETTINGS_KEYS_2 0x331u

typedef struct settings_reader {
    const uint8_t *model_root;
    uint64_t version;
    uint32_t keys; /* seen, as bits */
    bool found;
    aver_settings settings;
    char *why;
} settings_reader;

static aver_err settings_cannot(const settings_reader *reader, const char *why)
{
    (void)snprintf(reader->why, AVER_SETTINGS_WHY_BYTES, "%s", why);
    return AVER_E_UNSUPPORTED;
}

static aver_err settings_u32(aver_cbor_cursor *cursor, uint32_t *ret_value)
{
    uint64_t value = 0;
    aver_err err = aver_cbor_read_uint(cursor, &value);
    if (err == AVER_OK && (value == 0 || value > UINT32_MAX)) {
        return AVER_E_FORMAT;
    }
    *ret_value = (uint32_t)value;
    return err;
}

static aver_err settings_array(aver_cbor_cursor *cursor, uint64_t least, uint64_t most,
                               uint64_t *ret_count)
{
    aver_err err = aver_cbor_read_array(cursor, ret_count);
    return err == AVER_OK && (*ret_count < least || *ret_count > most) ? AVER_E_FORMAT : err;
}

/* What changes an answer and this program has no means to repeat. */
static aver_err settings_empty(const settings_reader *reader, aver_cbor_cursor *cursor,
                               const char *why)
{
    uint64_t count;
    aver_err err = aver_cbor_read_array(cursor, &count);
    return err == AVER_OK && count > 0 ? settings_cannot(reader, why) : err;
}

static aver_err settings_adapters(aver_cbor_cursor *cursor, aver_settings *settings)
{
    uint64_t count = 0;
    uint64_t pair = 0;
    aver_err err = settings_array(cursor, 0, AVER_ADAPTERS_MAX, &count);
    for (uint64_t i = 0; i < count && err == AVER_OK; i++) {
        aver_adapter_root *adapter = &settings->adapters[i];
        err = settings_array(cursor, 2, 2, &pair);
        err = err == AVER_OK ? aver_cbor_read_fixed(cursor, adapter->root, 32) : err;
        err = err == AVER_OK ? settings_u32(cursor, &adapter->scale_ppm) : err;
    }
    settings->adapters_count = err == AVER_OK ? (size_t)count : 0;
    return err;
}

static aver_err settings_prefixes(aver_cbor_cursor *cursor, aver_settings *settings)
{
    aver_cbor_type type = AVER_CBOR_NULL;
    aver_err err = aver_cbor_peek(cursor, &type);
    if (err != AVER_OK) {
        return err;
    }
    settings->has_prefixes = type != AVER_CBOR_NULL;
    return settings->has_prefixes ? aver_cbor_read_fixed(cursor, settings->prefixes_digest, 32)
                                  : aver_cbor_read_null(cursor);
}

static aver_err settings_model(aver_cbor_cursor *cursor, uint8_t ret_root[static 32],
                               aver_settings *settings)
{
    uint64_t members = 0;
    aver_err err = settings_array(cursor, 7, 7, &members);
    err = err == AVER_OK ? aver_cbor_read_fixed(cursor, ret_root, 32) : err;
    err = err == AVER_OK ? settings_u32(cursor, &settings->profile) : err;
    err = err == AVER_OK ? settings_u32(cursor, &settings->context_tokens) : err;
    err = err == AVER_OK ? aver_cbor_read_fixed(cursor, settings->template_digest, 32) : err;
    err = err == AVER_OK ? aver_field_text_get(cursor, settings->kv_type, sizeof settings->kv_type)
                         : err;
    err = err == AVER_OK ? settings_adapters(cursor, settings) : err;
    return err == AVER_OK ? settings_prefixes(cursor, settings) : err;
}

static aver_err settings_models(settings_reader *reader, aver_cbor_cursor *cursor)
{
    uint64_t count = 0;
    aver_err err = settings_array(cursor, 1, AVER_KEYSET_MODELS_MAX, &count);
    for (uint64_t i = 0; i < count && err == AVER_OK; i++) {
        aver_settings settings = {0};
        uint8_t root[32];
        err = settings_model(cursor, root, &settings);
        if (err != AVER_OK || memcmp(root, reader->model_root, 32) != 0) {
            continue;
        }
        /* Two entries of one root would tell two stories about it. */
        err = reader->found ? AVER_E_FORMAT : AVER_OK;
        reader->found = true;
        reader->settings = settings;
    }
    return err;
}

static aver_err settings_value(settings_reader *reader, int64_t key, aver_cbor_cursor *cursor)
{
    aver_view item;
    switch (key) {
    case SETTINGS_VERSION:
        return aver_cbor_read_uint(cursor, &reader->version);
    case SETTINGS_PROFILE:
        return settings_u32(cursor, &reader->settings.profile);
    case SETTINGS_CONTEXT:
        return settings_u32(cursor, &reader->settings.context_tokens);
    case SETTINGS_TEMPLATE:
        return aver_cbor_read_fixed(cursor, reader->settings.template_digest, 32);
    case SETTINGS_ISOLATION:
    case SETTINGS_PROCESS:
        return aver_cbor_skip(cursor, &item);
    case SETTINGS_KV:
        return aver_field_text_get(cursor, reader->settings.kv_type,
                                   sizeof reader->settings.kv_type);
    case SETTINGS_LORA:
        return settings_empty(reader, cursor, "the answer was given with LoRA adapters");
    case SETTINGS_UPSTREAMS:
        return settings_empty(reader, cursor, "the answer came from upstreams of the node");
    case SETTINGS_MODELS:
        return settings_models(reader, cursor);
    default:
        return AVER_E_FORMAT;
    }
}

/* Keys come in rising order, so that the version is known before all others. */
static aver_err settings_key(settings_reader *reader, int64_t key, aver_cbor_cursor *cursor)
{
    static const char unknown[] = "the configuration has settings that this program does not know";
    uint32_t allowed = reader->version == 1 ? SETTINGS_KEYS_1 : SETTINGS_KEYS_2;

    if (key != SETTINGS_VERSION && reader->keys == 0) {
        return AVER_E_FORMAT;
    }
    if (key < SETTINGS_VERSION || key > SETTINGS_MODELS ||
        (reader->keys != 0 && (allowed & (1u << key)) == 0)) {
        return settings_cannot(reader, unknown);
    }
    aver_err err = settings_value(reader, key, cursor);
    if (err == AVER_OK && key == SETTINGS_VERSION && reader->version != 1 && reader->version != 2) {
        return settings_cannot(reader, "the configuration is of another version");
    }
    reader->keys |= 1u << key;
    return err;
}

static aver_err settings_map(settings_reader *reader, aver_cbor_cursor *cursor)
{
    aver_cbor_map map;
    bool more = true;
    aver_err err = aver_cbor_read_map(cursor, &map);
    while (err == AVER_OK && more) {
        int64_t key = 0;
        err = aver_cbor_map_key_int(cursor, &map, &more, &key);
        if (err == AVER_OK && more) {
            err = settings_key(reader, key, cursor);
        }
    }
    return err == AVER_OK ? aver_cbor_end(cursor) : err;
}

aver_err aver_settings_read(aver_view document, const uint8_t model_root[static 32],
                            aver_settings *ret_settings, char ret_why[AVER_SETTINGS_WHY_BYTES])
{
    settings_reader reader = {.model_root = model_root, .why = ret_why};
    aver_cbor_cursor cursor = aver_cbor_open(document, 0);
    aver_err err = settings_map(&reader, &cursor);
    if (err != AVER_OK) {
        return err;
    }
    if (reader.keys != (reader.version == 1 ? SETTINGS_KEYS_1 : SETTINGS_KEYS_2)) {
        return AVER_E_FORMAT;
    }
    if (reader.version == 2 && !reader.found) {
        return settings_cannot(&reader, "the configuration does not have the answer's model");
    }
    *ret_settings = reader.settings;
    return AVER_OK;
}

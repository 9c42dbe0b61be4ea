/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/keyset.h"

#include "attest/fields.h"
#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>

/* Profiles that mean something: verified and fast (docs/receipts.md). */
enum { KEYSET_PROFILE_MAX = 2 };

/* Public key sizes by role; entry 0 is unused. */
static const uint8_t keyset_key_bytes[AVER_ROLE_MAX + 1] = {0, 32, 33, 33, 32, 32, 33};

static aver_err keyset_put_keys(const void *record, aver_buf *out)
{
    const aver_keyset *keyset = record;
    if (!keyset->keys[AVER_ROLE_RECEIPT].present || !keyset->keys[AVER_ROLE_SEAL].present) {
        return AVER_E_USAGE;
    }
    uint64_t count = 0;
    for (size_t role = 1; role <= AVER_ROLE_MAX; role++) {
        count += keyset->keys[role].present ? 1 : 0;
    }
    aver_cbor_put_map(out, count);
    for (size_t role = 1; role <= AVER_ROLE_MAX; role++) {
        const aver_key *key = &keyset->keys[role];
        if (!key->present) {
            continue;
        }
        if (key->size != keyset_key_bytes[role]) {
            return AVER_E_USAGE;
        }
        aver_cbor_put_uint(out, role);
        aver_cbor_put_bytes(out, aver_view_make(key->bytes, key->size));
    }
    return AVER_OK;
}

static bool keyset_key_shared(const aver_keyset *keyset)
{
    for (size_t a = 1; a <= AVER_ROLE_MAX; a++) {
        for (size_t b = a + 1; b <= AVER_ROLE_MAX; b++) {
            const aver_key *one = &keyset->keys[a];
            const aver_key *two = &keyset->keys[b];
            if (one->present && two->present && one->size == two->size &&
                memcmp(one->bytes, two->bytes, one->size) == 0) {
                return true;
            }
        }
    }
    return false;
}

static aver_err keyset_get_keys(aver_cbor_cursor *cursor, void *record)
{
    aver_keyset *keyset = record;
    aver_cbor_map map;
    aver_err err = aver_cbor_read_map(cursor, &map);
    while (err == AVER_OK) {
        bool more;
        int64_t role;
        err = aver_cbor_map_key_int(cursor, &map, &more, &role);
        if (err != AVER_OK || !more) {
            break;
        }
        if (role < 1 || role > AVER_ROLE_MAX) {
            return AVER_E_FORMAT;
        }
        aver_key *key = &keyset->keys[role];
        key->present = true;
        key->size = keyset_key_bytes[role];
        err = aver_cbor_read_fixed(cursor, key->bytes, key->size);
    }
    if (err == AVER_OK && (!keyset->keys[AVER_ROLE_RECEIPT].present ||
                           !keyset->keys[AVER_ROLE_SEAL].present || keyset_key_shared(keyset))) {
        return AVER_E_FORMAT;
    }
    return err;
}

static aver_err keyset_put_models(const void *record, aver_buf *out)
{
    const aver_keyset *keyset = record;
    if (keyset->models_count > AVER_KEYSET_MODELS_MAX) {
        return AVER_E_USAGE;
    }
    aver_cbor_put_array(out, keyset->models_count);
    for (size_t i = 0; i < keyset->models_count; i++) {
        const aver_keyset_model *model = &keyset->models[i];
        if (!aver_field_text_valid(model->name, sizeof model->name) || model->profile < 1 ||
            model->profile > KEYSET_PROFILE_MAX) {
            return AVER_E_USAGE;
        }
        aver_cbor_put_array(out, 4);
        aver_cbor_put_text(out, model->name);
        aver_cbor_put_bytes(out, AVER_VIEW_OF(model->root));
        aver_cbor_put_bytes(out, AVER_VIEW_OF(model->numeric_class));
        aver_cbor_put_uint(out, model->profile);
    }
    return AVER_OK;
}

static aver_err keyset_get_model(aver_cbor_cursor *cursor, aver_keyset_model *ret_model)
{
    uint64_t count;
    uint64_t profile = 0;
    aver_err err = aver_cbor_read_array(cursor, &count);
    if (err == AVER_OK && count != 4) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = aver_field_text_get(cursor, ret_model->name, sizeof ret_model->name);
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_fixed(cursor, ret_model->root, sizeof ret_model->root);
    }
    if (err == AVER_OK) {
        err =
            aver_cbor_read_fixed(cursor, ret_model->numeric_class, sizeof ret_model->numeric_class);
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_uint(cursor, &profile);
    }
    if (err == AVER_OK && (profile < 1 || profile > KEYSET_PROFILE_MAX)) {
        err = AVER_E_FORMAT;
    }
    ret_model->profile = (uint32_t)profile;
    return err;
}

static aver_err keyset_get_models(aver_cbor_cursor *cursor, void *record)
{
    aver_keyset *keyset = record;
    uint64_t count;
    aver_err err = aver_cbor_read_array(cursor, &count);
    if (err != AVER_OK) {
        return err;
    }
    if (count > AVER_KEYSET_MODELS_MAX) {
        return AVER_E_LIMIT;
    }
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        err = keyset_get_model(cursor, &keyset->models[i]);
        /* Two entries of one root could tell two stories about it. */
        if (err == AVER_OK && aver_keyset_find(keyset, keyset->models[i].root)) {
            err = AVER_E_FORMAT;
        }
        keyset->models_count = i + 1;
    }
    return err;
}

static const aver_field keyset_fields[] = {
    {.key = 0, .kind = AVER_FIELD_VERSION, .size = 1},
    {.key = 1,
     .kind = AVER_FIELD_TEXT,
     .offset = offsetof(aver_keyset, platform),
     .size = AVER_PLATFORM_BYTES_MAX},
    {.key = 2, .kind = AVER_FIELD_FIXED, .offset = offsetof(aver_keyset, node_id), .size = 32},
    {.key = 3, .kind = AVER_FIELD_FIXED, .offset = offsetof(aver_keyset, incarnation), .size = 32},
    {.key = 4, .kind = AVER_FIELD_NESTED, .put = keyset_put_keys, .get = keyset_get_keys},
    {.key = 5, .kind = AVER_FIELD_TEXT, .offset = offsetof(aver_keyset, software), .size = 64},
    {.key = 6,
     .kind = AVER_FIELD_FIXED,
     .offset = offsetof(aver_keyset, program_digest),
     .size = 32},
    {.key = 7, .kind = AVER_FIELD_NESTED, .put = keyset_put_models, .get = keyset_get_models},
    {.key = 8,
     .kind = AVER_FIELD_FIXED,
     .offset = offsetof(aver_keyset, config_digest),
     .size = 32},
};

aver_err aver_keyset_encode(const aver_keyset *keyset, aver_buf *ret_bytes)
{
    return aver_fields_put(keyset_fields, AVER_FIELDS_COUNT(keyset_fields), keyset, ret_bytes);
}

aver_err aver_keyset_decode(aver_view bytes, aver_keyset *ret_keyset)
{
    if (bytes.size > AVER_KEYSET_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_keyset *keyset = calloc(1, sizeof *keyset);
    if (!keyset) {
        return AVER_E_NOMEM;
    }
    aver_cbor_cursor cursor = aver_cbor_open(bytes, 0);
    aver_err err =
        aver_fields_get(keyset_fields, AVER_FIELDS_COUNT(keyset_fields), &cursor, keyset);
    if (err == AVER_OK) {
        err = aver_cbor_end(&cursor);
    }
    if (err == AVER_OK) {
        *ret_keyset = *keyset;
    }
    free(keyset);
    return err;
}

void aver_keyset_digest(aver_view bytes, uint8_t ret_digest[static 32])
{
    aver_sha256_tagged("aver/keyset/1", bytes, (aver_view){0}, ret_digest);
}

void aver_config_digest(aver_view bytes, uint8_t ret_digest[static 32])
{
    aver_sha256_tagged("aver/config/1", bytes, (aver_view){0}, ret_digest);
}

void aver_node_id(const uint8_t operator_address[static 20], const char *name,
                  uint8_t ret_id[static 32])
{
    aver_sha256_tagged("aver/node/1", aver_view_make(operator_address, 20), aver_view_text(name),
                       ret_id);
}

const aver_keyset_model *aver_keyset_find(const aver_keyset *keyset, const uint8_t root[static 32])
{
    for (size_t i = 0; i < keyset->models_count; i++) {
        if (memcmp(keyset->models[i].root, root, 32) == 0) {
            return &keyset->models[i];
        }
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/cca_token.h"

#include "codec/cbor.h"

#include <string.h>

enum {
    CCA_TAG = 399,
    CCA_PLATFORM_TOKEN = 44234,
    CCA_REALM_TOKEN = 44241,
    CCA_TEXT_BYTES_MAX = 256,
    CCA_CONFIG_BYTES_MAX = 4096,
};

/* Claims of both tokens. */
enum { CCA_CHALLENGE = 10, CCA_PROFILE = 265 };
/* Of the platform token. */
enum {
    CCA_INSTANCE = 256,
    CCA_LIFECYCLE = 2395,
    CCA_IMPLEMENTATION = 2396,
    CCA_COMPONENTS = 2399,
    CCA_SERVICE = 2400,
    CCA_CONFIG = 2401,
    CCA_HASH = 2402,
};
/* Of the realm token. */
enum {
    CCA_PERSONALIZATION = 44235,
    CCA_REALM_HASH = 44236,
    CCA_REALM_KEY = 44237,
    CCA_INITIAL = 44238,
    CCA_EXTENSIBLE = 44239,
    CCA_REALM_KEY_HASH = 44240,
};

enum { CCA_IMPLEMENTATION_BYTES = 32, CCA_INSTANCE_BYTES = 33, CCA_REALM_CHALLENGE_BYTES = 64 };

static bool cca_is_digest(aver_view bytes)
{
    return bytes.size == 32 || bytes.size == 48 || bytes.size == 64;
}

static aver_err cca_bytes(aver_cbor_cursor *cursor, size_t size_min, size_t size_max,
                          aver_view *ret_bytes)
{
    aver_view bytes;
    aver_err err = aver_cbor_read_bytes(cursor, &bytes);
    if (err == AVER_OK && (bytes.size < size_min || bytes.size > size_max)) {
        err = AVER_E_LIMIT;
    }
    if (err == AVER_OK) {
        *ret_bytes = bytes;
    }
    return err;
}

static aver_err cca_digest(aver_cbor_cursor *cursor, aver_view *ret_bytes)
{
    aver_err err = cca_bytes(cursor, 32, 64, ret_bytes);
    return err == AVER_OK && !cca_is_digest(*ret_bytes) ? AVER_E_FORMAT : err;
}

static aver_err cca_text(aver_cbor_cursor *cursor, aver_view *ret_text)
{
    aver_view text;
    aver_err err = aver_cbor_read_text(cursor, &text);
    if (err == AVER_OK && (text.size == 0 || text.size > CCA_TEXT_BYTES_MAX)) {
        err = AVER_E_LIMIT;
    }
    if (err == AVER_OK) {
        *ret_text = text;
    }
    return err;
}

static aver_err cca_component_member(aver_cbor_cursor *cursor, int64_t key,
                                     aver_cca_component *component)
{
    aver_view skipped;
    switch (key) {
    case 1:
        return cca_text(cursor, &component->kind);
    case 2:
        return cca_digest(cursor, &component->measurement);
    case 4:
        return cca_text(cursor, &component->version);
    case 5:
        return cca_digest(cursor, &component->signer);
    case 6:
        return cca_text(cursor, &component->hash_algorithm);
    default:
        return aver_cbor_skip(cursor, &skipped);
    }
}

static aver_err cca_component(aver_cbor_cursor *cursor, aver_cca_component *component)
{
    aver_cbor_map map;
    aver_err err = aver_cbor_read_map(cursor, &map);
    for (bool more = true; err == AVER_OK;) {
        int64_t key = 0;
        err = aver_cbor_map_key_int(cursor, &map, &more, &key);
        if (err != AVER_OK || !more) {
            break;
        }
        err = cca_component_member(cursor, key, component);
    }
    return err == AVER_OK && (component->measurement.size == 0 || component->signer.size == 0)
               ? AVER_E_FORMAT
               : err;
}

static aver_err cca_components(aver_cbor_cursor *cursor, aver_cca_platform *platform)
{
    uint64_t count = 0;
    bool more = false;
    aver_err err = aver_cbor_read_array(cursor, &count);
    while (err == AVER_OK) {
        err = aver_cbor_array_more(cursor, &count, &more);
        if (err != AVER_OK || !more) {
            break;
        }
        if (platform->components_count == AVER_CCA_COMPONENTS_MAX) {
            return AVER_E_LIMIT;
        }
        err = cca_component(cursor, &platform->components[platform->components_count++]);
    }
    return err == AVER_OK && platform->components_count == 0 ? AVER_E_FORMAT : err;
}

static aver_err cca_platform_member(aver_cbor_cursor *cursor, int64_t key,
                                    aver_cca_platform *platform, bool *has_lifecycle)
{
    aver_view skipped;
    switch (key) {
    case CCA_CHALLENGE:
        return cca_digest(cursor, &platform->challenge);
    case CCA_PROFILE:
        return cca_text(cursor, &platform->profile_text);
    case CCA_INSTANCE:
        return cca_bytes(cursor, CCA_INSTANCE_BYTES, CCA_INSTANCE_BYTES, &platform->instance_id);
    case CCA_IMPLEMENTATION:
        return cca_bytes(cursor, CCA_IMPLEMENTATION_BYTES, CCA_IMPLEMENTATION_BYTES,
                         &platform->implementation_id);
    case CCA_LIFECYCLE:
        *has_lifecycle = true;
        return aver_cbor_read_uint(cursor, &platform->lifecycle);
    case CCA_COMPONENTS:
        return cca_components(cursor, platform);
    case CCA_SERVICE:
        return cca_text(cursor, &platform->service);
    case CCA_CONFIG:
        return cca_bytes(cursor, 0, CCA_CONFIG_BYTES_MAX, &platform->config);
    case CCA_HASH:
        return cca_text(cursor, &platform->hash_algorithm);
    default:
        return aver_cbor_skip(cursor, &skipped);
    }
}

static aver_err cca_platform(aver_view bytes, aver_cca_platform *platform)
{
    aver_cbor_map map;
    bool has_lifecycle = false;
    aver_err err = aver_cose_document_parse(bytes, &platform->cose);
    aver_cbor_cursor cursor = aver_cbor_open(platform->cose.payload, AVER_CBOR_LENIENT);
    if (err == AVER_OK) {
        err = aver_cbor_read_map(&cursor, &map);
    }
    for (bool more = true; err == AVER_OK;) {
        int64_t key = 0;
        err = aver_cbor_map_key_int(&cursor, &map, &more, &key);
        if (err != AVER_OK || !more) {
            break;
        }
        err = cca_platform_member(&cursor, key, platform, &has_lifecycle);
    }
    if (err == AVER_OK) {
        err = aver_cbor_end(&cursor);
    }
    /* The first octet of an instance id says that it is one: 1, a UEID of random bytes. */
    bool whole = platform->challenge.size > 0 && platform->profile_text.size > 0 &&
                 platform->instance_id.size > 0 && platform->instance_id.data[0] == 1 &&
                 platform->implementation_id.size > 0 && has_lifecycle &&
                 platform->components_count > 0 && platform->config.data != NULL &&
                 platform->hash_algorithm.size > 0;
    return err == AVER_OK && !whole ? AVER_E_FORMAT : err;
}

static aver_err cca_extensible(aver_cbor_cursor *cursor, aver_cca_realm *realm)
{
    uint64_t count = 0;
    size_t read = 0;
    bool more = false;
    aver_err err = aver_cbor_read_array(cursor, &count);
    while (err == AVER_OK) {
        err = aver_cbor_array_more(cursor, &count, &more);
        if (err != AVER_OK || !more) {
            break;
        }
        if (read == AVER_CCA_EXTENSIBLE) {
            return AVER_E_LIMIT;
        }
        err = cca_digest(cursor, &realm->extensible[read++]);
    }
    return err == AVER_OK && read != AVER_CCA_EXTENSIBLE ? AVER_E_FORMAT : err;
}

static aver_err cca_realm_member(aver_cbor_cursor *cursor, int64_t key, aver_cca_realm *realm)
{
    aver_view skipped;
    switch (key) {
    case CCA_CHALLENGE:
        return cca_bytes(cursor, CCA_REALM_CHALLENGE_BYTES, CCA_REALM_CHALLENGE_BYTES,
                         &realm->challenge);
    case CCA_PROFILE:
        return cca_text(cursor, &realm->profile_text);
    case CCA_PERSONALIZATION:
        return cca_bytes(cursor, 64, 64, &realm->personalization);
    case CCA_REALM_HASH:
        return cca_text(cursor, &realm->hash_algorithm);
    case CCA_REALM_KEY:
        return cca_bytes(cursor, 1, 256, &realm->key);
    case CCA_INITIAL:
        return cca_digest(cursor, &realm->initial);
    case CCA_EXTENSIBLE:
        return cca_extensible(cursor, realm);
    case CCA_REALM_KEY_HASH:
        return cca_text(cursor, &realm->key_hash_algorithm);
    default:
        return aver_cbor_skip(cursor, &skipped);
    }
}

static aver_err cca_realm_claims(aver_cca_realm *realm)
{
    aver_cbor_map map;
    aver_cbor_cursor cursor = aver_cbor_open(realm->cose.payload, AVER_CBOR_LENIENT);
    aver_err err = aver_cbor_read_map(&cursor, &map);
    for (bool more = true; err == AVER_OK;) {
        int64_t key = 0;
        err = aver_cbor_map_key_int(&cursor, &map, &more, &key);
        if (err != AVER_OK || !more) {
            break;
        }
        err = cca_realm_member(&cursor, key, realm);
    }
    if (err == AVER_OK) {
        err = aver_cbor_end(&cursor);
    }
    bool whole = realm->challenge.size > 0 && realm->personalization.size > 0 &&
                 realm->hash_algorithm.size > 0 && realm->key.size > 0 && realm->initial.size > 0 &&
                 realm->extensible[0].size > 0 && realm->key_hash_algorithm.size > 0;
    for (size_t i = 0; whole && i < AVER_CCA_EXTENSIBLE; i++) {
        whole = realm->extensible[i].size == realm->initial.size;
    }
    return err == AVER_OK && !whole ? AVER_E_FORMAT : err;
}

/* 0x04 || x || y, of any of the three curves. */
static bool cca_key_octets(aver_cca_realm *realm)
{
    for (aver_curve curve = AVER_CURVE_P256; curve <= AVER_CURVE_P521; curve++) {
        if (realm->key.size == 1 + 2 * aver_curve_bytes(curve) && realm->key.data[0] == 0x04) {
            memcpy(realm->point, realm->key.data + 1, realm->key.size - 1);
            realm->curve = curve;
            return true;
        }
    }
    return false;
}

/* COSE_Key (RFC 9052 section 7, RFC 9053 section 7.1): 1: key type 2 (EC2), -1: curve 1, 2 or 3,
 * -2: x, -3: y. */
static bool cca_key_cose(aver_cca_realm *realm)
{
    aver_cbor_map map;
    aver_view x = {0};
    aver_view y = {0};
    int64_t type = 0;
    int64_t curve = 0;
    aver_cbor_cursor cursor = aver_cbor_open(realm->key, AVER_CBOR_LENIENT);
    aver_err err = aver_cbor_read_map(&cursor, &map);
    for (bool more = true; err == AVER_OK;) {
        int64_t label = 0;
        aver_view skipped;
        err = aver_cbor_map_key_int(&cursor, &map, &more, &label);
        if (err != AVER_OK || !more) {
            break;
        }
        err = label == 1    ? aver_cbor_read_int(&cursor, &type)
              : label == -1 ? aver_cbor_read_int(&cursor, &curve)
              : label == -2 ? aver_cbor_read_bytes(&cursor, &x)
              : label == -3 ? aver_cbor_read_bytes(&cursor, &y)
                            : aver_cbor_skip(&cursor, &skipped);
    }
    if (err != AVER_OK || aver_cbor_end(&cursor) != AVER_OK || type != 2 ||
        curve < AVER_CURVE_P256 || curve > AVER_CURVE_P521 ||
        x.size != aver_curve_bytes((aver_curve)curve) || y.size != x.size || x.data == NULL ||
        y.data == NULL) {
        return false;
    }
    realm->curve = (aver_curve)curve;
    memcpy(realm->point, x.data, x.size);
    memcpy(realm->point + x.size, y.data, y.size);
    return true;
}

static void cca_profiles(aver_cca_token *token)
{
    aver_view platform = token->platform.profile_text;
    aver_view realm = token->realm.profile_text;
    token->platform.profile =
        aver_view_equal_text(platform, "http://arm.com/CCA-SSD/1.0.0") ? AVER_CCA_PROFILE_OLD
        : aver_view_equal_text(platform, "tag:arm.com,2023:cca_platform#1.0.0")
            ? AVER_CCA_PROFILE_2023
            : AVER_CCA_PROFILE_UNKNOWN;
    token->realm.profile = realm.size == 0 ? AVER_CCA_PROFILE_OLD
                           : aver_view_equal_text(realm, "tag:arm.com,2023:realm#1.0.0")
                               ? AVER_CCA_PROFILE_2023
                               : AVER_CCA_PROFILE_UNKNOWN;
}

static aver_err cca_collection(aver_view bytes, aver_view *ret_platform, aver_view *ret_realm)
{
    aver_cbor_cursor cursor = aver_cbor_open(bytes, AVER_CBOR_LENIENT);
    aver_cbor_map map;
    uint64_t tag = 0;
    aver_err err = aver_cbor_read_tag(&cursor, &tag);
    if (err == AVER_OK && tag != CCA_TAG) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_map(&cursor, &map);
    }
    for (bool more = true; err == AVER_OK;) {
        int64_t key = 0;
        err = aver_cbor_map_key_int(&cursor, &map, &more, &key);
        if (err != AVER_OK || !more) {
            break;
        }
        err = key == CCA_PLATFORM_TOKEN ? aver_cbor_read_bytes(&cursor, ret_platform)
              : key == CCA_REALM_TOKEN  ? aver_cbor_read_bytes(&cursor, ret_realm)
                                        : AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = aver_cbor_end(&cursor);
    }
    return err == AVER_OK && (ret_platform->size == 0 || ret_realm->size == 0) ? AVER_E_FORMAT
                                                                               : err;
}

aver_err aver_cca_token_parse(aver_view bytes, aver_cca_token *ret_token, const char **ret_why)
{
    aver_view platform = {0};
    aver_view realm = {0};
    memset(ret_token, 0, sizeof *ret_token);
    *ret_why = "it is no collection of a platform token and a realm token";
    aver_err err = cca_collection(bytes, &platform, &realm);
    if (err == AVER_OK) {
        *ret_why = "the platform token cannot be read";
        err = cca_platform(platform, &ret_token->platform);
    }
    if (err == AVER_OK) {
        *ret_why = "the realm token cannot be read";
        err = aver_cose_document_parse(realm, &ret_token->realm.cose);
    }
    if (err == AVER_OK) {
        err = cca_realm_claims(&ret_token->realm);
    }
    if (err == AVER_OK) {
        *ret_why = "the realm's key cannot be read";
        cca_profiles(ret_token);
        err = cca_key_octets(&ret_token->realm) || cca_key_cose(&ret_token->realm) ? AVER_OK
                                                                                   : AVER_E_FORMAT;
    }
    return err;
}

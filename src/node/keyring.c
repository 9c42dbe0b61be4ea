/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keyring.h"

#include "base/check.h"
#include "base/log.h"
#include "base/sys.h"
#include "codec/cbor.h"
#include "crypto/hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEYRING_CONFIG_BYTES_MAX 65536
#define KEYRING_CONFIG_VERSION   2
#define KEYRING_READ_BYTES       65536

static void keyring_config_model(const aver_keyring_model *model, aver_buf *out)
{
    const aver_engine_info *engine = model->engine;

    aver_cbor_put_array(out, 7);
    aver_cbor_put_bytes(out, aver_view_make(model->root, 32));
    aver_cbor_put_uint(out, engine->profile);
    aver_cbor_put_uint(out, engine->context_tokens);
    aver_cbor_put_bytes(out, AVER_VIEW_OF(engine->template_digest));
    aver_cbor_put_text(out, engine->kv_type);
    aver_cbor_put_array(out, model->adapters_count);
    for (size_t i = 0; i < model->adapters_count; i++) {
        aver_cbor_put_array(out, 2);
        aver_cbor_put_bytes(out, AVER_VIEW_OF(model->adapters[i].root));
        aver_cbor_put_uint(out, model->adapters[i].scale_ppm);
    }
    if (engine->has_shared) {
        aver_cbor_put_bytes(out, AVER_VIEW_OF(engine->shared_digest));
    } else {
        aver_cbor_put_null(out);
    }
}

/* The document of docs/protocol.md section 6: all that changes what the node answers. */
static void keyring_config(const aver_keyring_facts *facts, aver_buf *out)
{
    aver_cbor_put_map(out, 5);
    aver_cbor_put_uint(out, 0);
    aver_cbor_put_uint(out, KEYRING_CONFIG_VERSION);
    aver_cbor_put_uint(out, 4);
    aver_cbor_put_uint(out, AVER_ISOLATION_SHARED);
    aver_cbor_put_uint(out, 5);
    aver_cbor_put_uint(out, facts->process_model);
    aver_cbor_put_uint(out, 8);
    aver_cbor_put_array(out, 0);
    aver_cbor_put_uint(out, 9);
    aver_cbor_put_array(out, facts->models_count);
    for (size_t i = 0; i < facts->models_count; i++) {
        keyring_config_model(&facts->models[i], out);
    }
}

static aver_err keyring_program_digest(uint8_t ret_digest[static 32])
{
    uint8_t piece[KEYRING_READ_BYTES];
    aver_sha256 hash;
    ssize_t got;
    int fd;

    aver_err err = aver_self_open(&fd);
    if (err != AVER_OK) {
        return err;
    }
    aver_sha256_init(&hash);
    while ((got = read(fd, piece, sizeof(piece))) > 0) {
        aver_sha256_update(&hash, aver_view_make(piece, (size_t)got));
    }
    (void)close(fd);
    if (got < 0) {
        aver_log(AVER_LOG_ERROR, "keys.program", "the running program cannot be read: %s",
                 strerror(errno));
        return AVER_E_IO;
    }
    aver_sha256_final(&hash, ret_digest);
    return AVER_OK;
}

static void keyring_role(aver_keyset *keyset, aver_role role, const uint8_t bytes[static 32])
{
    keyset->keys[role].present = true;
    keyset->keys[role].size = 32;
    memcpy(keyset->keys[role].bytes, bytes, 32);
}

static void keyring_describe(const aver_keyring *keyring, const aver_keyring_facts *facts,
                             aver_keyset *keyset)
{
    uint8_t tls_digest[32];

    (void)snprintf(keyset->platform, sizeof(keyset->platform), "%s", facts->platform);
    memcpy(keyset->node_id, keyring->node_id, 32);
    memcpy(keyset->incarnation, keyring->incarnation, 32);
    keyring_role(keyset, AVER_ROLE_RECEIPT, aver_ed25519_public(keyring->receipt_key));
    keyring_role(keyset, AVER_ROLE_SEAL, aver_hpke_key_public(keyring->seal_key));
    aver_tls_key_digest(keyring->tls_key, tls_digest);
    keyring_role(keyset, AVER_ROLE_TLS, tls_digest);
    (void)snprintf(keyset->software, sizeof(keyset->software), "aver-node/%s", AVER_VERSION);
    memcpy(keyset->config_digest, keyring->config_digest, 32);
    keyset->models_count = facts->models_count;
    for (size_t i = 0; i < facts->models_count; i++) {
        aver_keyset_model *model = &keyset->models[i];

        (void)snprintf(model->name, sizeof(model->name), "%s", facts->models[i].name);
        memcpy(model->root, facts->models[i].root, 32);
        memcpy(model->numeric_class, facts->models[i].engine->numeric_class, 32);
        model->profile = facts->models[i].engine->profile;
    }
}

static aver_err keyring_draw(aver_keyring *keyring)
{
    aver_err err = aver_ed25519_new(&keyring->receipt_key);
    if (err == AVER_OK) {
        err = aver_hpke_key_new(&keyring->seal_key);
    }
    if (err == AVER_OK) {
        err = aver_tls_key_new(&keyring->tls_key);
    }
    return err;
}

static aver_err keyring_fill(aver_keyring *keyring, const aver_keyring_facts *facts)
{
    aver_keyset *keyset = calloc(1, sizeof(*keyset));
    if (keyset == NULL) {
        return AVER_E_NOMEM;
    }
    AVER_ASSERT(facts->models_count > 0 && facts->models_count <= AVER_KEYSET_MODELS_MAX);
    aver_sha256_of(aver_view_make(aver_ed25519_public(keyring->receipt_key), 32),
                   keyring->incarnation);
    aver_node_id(facts->operator_address, facts->name, keyring->node_id);
    keyring_config(facts, &keyring->config);
    aver_err err = aver_buf_status(&keyring->config);
    if (err != AVER_OK) {
        goto out;
    }
    aver_config_digest(aver_buf_view(&keyring->config), keyring->config_digest);
    err = keyring_program_digest(keyset->program_digest);
    if (err != AVER_OK) {
        goto out;
    }
    keyring_describe(keyring, facts, keyset);
    err = aver_keyset_encode(keyset, &keyring->keyset);
    if (err == AVER_OK) {
        aver_keyset_digest(aver_buf_view(&keyring->keyset), keyring->keyset_digest);
    }
out:
    free(keyset);
    return err;
}

aver_err aver_keyring_new(const aver_keyring_facts *facts, aver_keyring **ret_keyring)
{
    aver_keyring *keyring = calloc(1, sizeof(*keyring));
    if (keyring == NULL) {
        return AVER_E_NOMEM;
    }
    aver_buf_init(&keyring->config, KEYRING_CONFIG_BYTES_MAX);
    aver_buf_init(&keyring->keyset, AVER_KEYSET_BYTES_MAX);
    aver_err err = keyring_draw(keyring);
    if (err == AVER_OK) {
        err = keyring_fill(keyring, facts);
    }
    if (err != AVER_OK) {
        aver_keyring_free(keyring);
        return err;
    }
    *ret_keyring = keyring;
    return AVER_OK;
}

/* The keyset of present with the seal key of next. */
static aver_err keyring_rekey(const aver_keyring *present, aver_keyring *next)
{
    aver_keyset *keyset = calloc(1, sizeof(*keyset));
    if (keyset == NULL) {
        return AVER_E_NOMEM;
    }
    aver_err err = aver_keyset_decode(aver_buf_view(&present->keyset), keyset);
    if (err == AVER_OK) {
        keyring_role(keyset, AVER_ROLE_SEAL, aver_hpke_key_public(next->seal_key));
        err = aver_keyset_encode(keyset, &next->keyset);
    }
    if (err == AVER_OK) {
        aver_keyset_digest(aver_buf_view(&next->keyset), next->keyset_digest);
    }
    free(keyset);
    return err;
}

aver_err aver_keyring_renew(const aver_keyring *present, aver_keyring **ret_next)
{
    aver_keyring *next = calloc(1, sizeof(*next));
    if (next == NULL) {
        return AVER_E_NOMEM;
    }
    memcpy(next->node_id, present->node_id, sizeof(next->node_id));
    memcpy(next->incarnation, present->incarnation, sizeof(next->incarnation));
    memcpy(next->config_digest, present->config_digest, sizeof(next->config_digest));
    aver_buf_init(&next->config, KEYRING_CONFIG_BYTES_MAX);
    aver_buf_init(&next->keyset, AVER_KEYSET_BYTES_MAX);
    aver_buf_append(&next->config, aver_buf_view(&present->config));
    aver_err err = aver_buf_status(&next->config);
    if (err == AVER_OK) {
        err = aver_hpke_key_new(&next->seal_key);
    }
    if (err == AVER_OK) {
        err = keyring_rekey(present, next);
    }
    if (err != AVER_OK) {
        aver_keyring_free(next);
        return err;
    }
    *ret_next = next;
    return AVER_OK;
}

void aver_keyring_succeed(aver_keyring *next, aver_keyring *present)
{
    AVER_ASSERT(next->receipt_key == NULL && next->tls_key == NULL);
    next->receipt_key = present->receipt_key;
    next->tls_key = present->tls_key;
    present->receipt_key = NULL;
    present->tls_key = NULL;
    aver_keyring_free(present);
}

void aver_keyring_free(aver_keyring *keyring)
{
    if (keyring == NULL) {
        return;
    }
    aver_ed25519_free(keyring->receipt_key);
    aver_hpke_key_free(keyring->seal_key);
    aver_tls_key_free(keyring->tls_key);
    aver_buf_deinit(&keyring->config);
    aver_buf_deinit(&keyring->keyset);
    free(keyring);
}

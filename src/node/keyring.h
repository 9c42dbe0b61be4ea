/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_KEYRING_H
#define AVER_NODE_KEYRING_H

/*
 * keyring: the keys of one incarnation, one key one role, and the keyset and configuration document
 * that say in public what they belong to. All keys are drawn here and never leave the process. The
 * seal key, and the keyset with it, can be replaced; all else stays for the whole incarnation:
 *
 *   renew(present) -> next (seal key and keyset) ... evidence for it ... succeed(next, present)
 *
 * Ownership: new/free; free wipes. Threads: the loop's, as everything of the keeper.
 */

#include "aver/bundle.h"
#include "crypto/ed25519.h"
#include "crypto/hpke.h"
#include "engine/engine.h"
#include "net/tls.h"

/* One model that the node serves. */
typedef struct aver_keyring_model {
    const char *name;
    const uint8_t *root; /* 32 bytes; with its adapters */
    const aver_engine_info *engine;
    const aver_adapter_root *adapters; /* NULL: none */
    size_t adapters_count;
} aver_keyring_model;

typedef struct aver_keyring_facts {
    const char *platform;
    const uint8_t *operator_address; /* 20 bytes */
    const char *name;
    const aver_keyring_model *models; /* 1 to AVER_KEYSET_MODELS_MAX, no root twice */
    size_t models_count;
    aver_process_model process_model;
} aver_keyring_facts;

typedef struct aver_keyring {
    aver_ed25519 *receipt_key;
    aver_hpke_key *seal_key;
    aver_tls_key *tls_key;
    uint8_t node_id[32];
    uint8_t incarnation[32];
    aver_buf config;
    uint8_t config_digest[32];
    aver_buf keyset;
    uint8_t keyset_digest[32];
} aver_keyring;

AVER_MUST_USE aver_err aver_keyring_new(const aver_keyring_facts *facts,
                                        aver_keyring **ret_keyring);
/* The same node with another seal key; receipt and TLS key are absent until it succeeds. */
AVER_MUST_USE aver_err aver_keyring_renew(const aver_keyring *present, aver_keyring **ret_next);
/* Takes the other keys over from present and frees it, its seal key with it. */
void aver_keyring_succeed(aver_keyring *next, aver_keyring *present);
void aver_keyring_free(aver_keyring *keyring);

#endif

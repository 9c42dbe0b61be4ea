/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_KEYSET_H
#define AVER_KEYSET_H

/*
 * keyset: what one incarnation of a node is: its public keys by role, its models, its settings. Its
 * digest is what hardware evidence commits to. Deterministic CBOR, byte table in docs/receipts.md:
 *
 *   {0: 1, 1: platform, 2: node id, 3: incarnation, 4: {role: key}, 5: software, 6: program digest,
 *    7: [[name, root, numeric class, profile], ...], 8: config digest}
 *
 * Roles: 1 receipt (Ed25519, 32), 2 statement (secp256k1, 33), 3 wallet (33), 4 seal (X25519, 32),
 *        5 tls (SHA-256 of the SubjectPublicKeyInfo, 32), 6 vrf (33). Roles not in use are absent.
 * Digest = SHA-256("aver/keyset/1" || bytes).
 */

#include "aver/bytes.h"

AVER_C_BEGIN

#define AVER_KEYSET_BYTES_MAX   (64ul * 1024)
#define AVER_KEYSET_MODELS_MAX  64
#define AVER_NAME_BYTES_MAX     128
#define AVER_PLATFORM_BYTES_MAX 24

typedef enum aver_role {
    AVER_ROLE_RECEIPT = 1,
    AVER_ROLE_STATEMENT = 2,
    AVER_ROLE_WALLET = 3,
    AVER_ROLE_SEAL = 4,
    AVER_ROLE_TLS = 5,
    AVER_ROLE_VRF = 6,
} aver_role;
#define AVER_ROLE_MAX 6

typedef struct aver_key {
    bool present;
    uint8_t bytes[33];
    uint8_t size;
} aver_key;

typedef struct aver_keyset_model {
    char name[AVER_NAME_BYTES_MAX];
    uint8_t root[32];
    uint8_t numeric_class[32];
    uint32_t profile; /* aver_profile */
} aver_keyset_model;

typedef struct aver_keyset {
    char platform[AVER_PLATFORM_BYTES_MAX];
    uint8_t node_id[32];
    uint8_t incarnation[32];
    aver_key keys[AVER_ROLE_MAX + 1]; /* by role; entry 0 is unused */
    char software[64];
    uint8_t program_digest[32]; /* SHA-256 of the running program */
    aver_keyset_model models[AVER_KEYSET_MODELS_MAX];
    size_t models_count;
    uint8_t config_digest[32];
} aver_keyset;

/* USAGE if a required part (receipt, seal) is missing. ret_bytes must be initialised. */
AVER_MUST_USE aver_err aver_keyset_encode(const aver_keyset *keyset, aver_buf *ret_bytes);
/* Strict; also checks key sizes. It does not judge the incarnation: that is a named check. */
AVER_MUST_USE aver_err aver_keyset_decode(aver_view bytes, aver_keyset *ret_keyset);
void aver_keyset_digest(aver_view bytes, uint8_t ret_digest[AVER_AT_LEAST(32)]);
/* Digest of the configuration document: SHA-256("aver/config/1" || bytes). */
void aver_config_digest(aver_view bytes, uint8_t ret_digest[AVER_AT_LEAST(32)]);
/* SHA-256("aver/node/1" || operator address || name). */
void aver_node_id(const uint8_t operator_address[AVER_AT_LEAST(20)], const char *name,
                  uint8_t ret_id[AVER_AT_LEAST(32)]);
/* NULL if there is no such model. */
const aver_keyset_model *aver_keyset_find(const aver_keyset *keyset,
                                          const uint8_t root[AVER_AT_LEAST(32)]);

AVER_C_END

#endif

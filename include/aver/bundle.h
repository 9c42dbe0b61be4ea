/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_BUNDLE_H
#define AVER_BUNDLE_H

/*
 * bundle: everything that a verifier needs to judge a node, in one deterministic CBOR map:
 *
 *   {0: 1, 1: platform, 2: evidence, 3: {name: certificate or collateral}, 4: keyset,
 *    5: nonce root, 6: [tree size, leaf index, [path...]], 7: GPU evidence, 8: event log,
 *    9: config}
 *
 * 6, 7, 8, 9 may be absent. Media type application/vnd.aver.bundle+cbor; as RATS CMW it is the
 * JSON record ["application/vnd.aver.bundle+cbor", base64url] or the same in CBOR (RA-TLS,
 * OID 2.23.133.5.4.9).
 *
 * Binding: report data = SHA-512("aver/bind/1" || u32be size || keyset digest
 *                                              || u32be size || nonce root
 *                                              || u32be size || GPU evidence digest),
 *          a size of 0 where there is none.
 * Nonces:  leaf data = "aver/nonce/1" || nonce, RFC 9162 hashing, at most 2^16 leaves.
 * Digests: SHA-256("aver/evidence/1" || evidence), SHA-256("aver/gpu/1" || GPU evidence).
 * Text:    printable ASCII. Collateral names: at most 64 bytes, shorter ones first, then bytewise.
 */

#include "aver/keyset.h"

AVER_C_BEGIN

#define AVER_BUNDLE_BYTES_MAX  (1024ul * 1024)
#define AVER_BUNDLE_MEDIA_TYPE "application/vnd.aver.bundle+cbor"
#define AVER_NONCE_BYTES       32
#define AVER_NONCE_PATH_MAX    16
#define AVER_COLLATERAL_MAX    16

typedef struct aver_collateral {
    aver_view name;
    aver_view value;
} aver_collateral;

typedef struct aver_bundle {
    char platform[AVER_PLATFORM_BYTES_MAX];
    aver_view evidence;
    aver_collateral collateral[AVER_COLLATERAL_MAX];
    size_t collateral_count;
    aver_view keyset_bytes;
    uint8_t nonce_root[32];
    bool has_nonce_path;
    uint64_t nonce_count, nonce_index;
    uint8_t nonce_path[AVER_NONCE_PATH_MAX][32];
    size_t nonce_path_size;
    aver_view gpu_evidence; /* empty: none */
    aver_view event_log;
    aver_view config;
} aver_bundle;

/* Views in the result point into bytes. */
AVER_MUST_USE aver_err aver_bundle_decode(aver_view bytes, aver_bundle *ret_bundle);
AVER_MUST_USE aver_err aver_bundle_encode(const aver_bundle *bundle, aver_buf *ret_bytes);
/* The bundle inside a CMW record, JSON or CBOR, or a bare bundle: found by its first byte.
 * ret_bytes is owned. */
AVER_MUST_USE aver_err aver_cmw_unwrap(aver_view bytes, aver_buf *ret_bytes);
AVER_MUST_USE aver_err aver_cmw_wrap_json(aver_view bundle, aver_buf *ret_text);
AVER_MUST_USE aver_err aver_cmw_wrap_cbor(aver_view bundle, aver_buf *ret_bytes);

void aver_binding(const uint8_t keyset_digest[AVER_AT_LEAST(32)],
                  const uint8_t nonce_root[AVER_AT_LEAST(32)], aver_view gpu_evidence_digest,
                  uint8_t ret_report_data[AVER_AT_LEAST(64)]);
void aver_evidence_digest(aver_view evidence, uint8_t ret_digest[AVER_AT_LEAST(32)]);
void aver_gpu_evidence_digest(aver_view gpu_evidence, uint8_t ret_digest[AVER_AT_LEAST(32)]);
/* The nonce for the reports of GPUs: SHA-256("aver/gpu-nonce/1" || keyset digest || nonce root). */
void aver_gpu_nonce(const uint8_t keyset_digest[AVER_AT_LEAST(32)],
                    const uint8_t nonce_root[AVER_AT_LEAST(32)],
                    uint8_t ret_nonce[AVER_AT_LEAST(32)]);
void aver_nonce_leaf(const uint8_t nonce[AVER_AT_LEAST(AVER_NONCE_BYTES)],
                     uint8_t ret_hash[AVER_AT_LEAST(32)]);

AVER_C_END

#endif

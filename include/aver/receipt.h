/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_RECEIPT_H
#define AVER_RECEIPT_H

/*
 * receipt: what a node signs for each answer, whatever its outcome. COSE_Sign1 (EdDSA) by the
 * receipt key, external_aad "aver/receipt/1", kid = incarnation, over {0: 1, 1: keeper map, 2:
 * engine map}; byte tables in docs/receipts.md. The keeper map holds what the keeper saw itself;
 * the engine map what the engine says, covered only by re-check or proof.
 *
 * Commitments: SHA-256(tag || salt || x), salt from the HPKE or TLS exporter, so that whoever only
 * carries the bytes can neither read nor test a guess. Tags: "aver/commit/request/1",
 * ".../response/1", ".../tokens/1".
 *
 * Streams: an opening is signed first ("aver/opening/1"), heads of the RFC 9162 tree over the
 * events follow ("aver/head/1"), the receipt comes last. One leaf is one event, its final blank
 * line included.
 */

#include "aver/bytes.h"
#include "aver/keyset.h"

AVER_C_BEGIN

#define AVER_RECEIPT_BYTES_MAX  4096
#define AVER_TOKENS_BYTES_MAX   (2ul * 1024 * 1024)
#define AVER_TOKENS_MAX         262144 /* of a document, prompt and all choices */
#define AVER_TOKENS_CHOICES_MAX 128

typedef enum aver_profile {
    AVER_PROFILE_VERIFIED = 1,
    AVER_PROFILE_FAST = 2,
} aver_profile;

typedef enum aver_finish {
    AVER_FINISH_STOP = 1,   /* end of text, or a stop string */
    AVER_FINISH_LENGTH = 2, /* max_tokens or the context */
    AVER_FINISH_TOOL = 3,
    AVER_FINISH_ABORTED = 4, /* the caller went away */
    AVER_FINISH_ERROR = 5,
} aver_finish;
const char *aver_finish_text(aver_finish finish); /* "stop", ... */

typedef enum aver_channel {
    AVER_CHANNEL_SEAL = 1, /* salt from the HPKE exporter */
    AVER_CHANNEL_TLS = 2,  /* salt from the TLS exporter, context = receipt id */
} aver_channel;

typedef enum aver_time_source {
    AVER_TIME_HARDWARE = 1,
    AVER_TIME_CHECKPOINT = 2,
    AVER_TIME_HOST = 3,
} aver_time_source;

typedef enum aver_isolation {
    AVER_ISOLATION_SHARED = 1,
    AVER_ISOLATION_CALLER = 2,
    AVER_ISOLATION_REQUEST = 3
} aver_isolation;
typedef enum aver_process_model {
    AVER_PROCESS_SPLIT = 1,
    AVER_PROCESS_SINGLE = 2
} aver_process_model;

typedef struct aver_receipt {
    /* keeper */
    uint8_t receipt_id[32]; /* secret between node and caller: it fetches the receipt again */
    uint8_t node_id[32];
    uint8_t incarnation[32];
    char platform[AVER_PLATFORM_BYTES_MAX];
    uint8_t keyset_digest[32];
    uint8_t evidence_digest[32];
    uint8_t model_root[32];
    uint8_t config_digest[32];
    uint64_t seed;
    aver_channel channel;
    bool has_enc_digest;    /* exactly when channel is SEAL */
    uint8_t enc_digest[32]; /* SHA-256 of the HPKE enc */
    char method[8];
    char path[256];
    uint32_t status; /* HTTP status that was sent */
    uint8_t request_commitment[32];
    uint8_t response_commitment[32];
    uint8_t tokens_commitment[32];
    bool has_stream;
    uint64_t stream_size;
    uint8_t stream_root[32];
    aver_finish finish;
    bool has_client_nonce;
    uint8_t client_nonce[32];
    bool has_job_id;
    uint8_t job_id[32];
    uint64_t duration_us;
    uint64_t issued_at_ms;
    aver_time_source time_source;
    aver_isolation isolation;
    aver_process_model process_model;
    uint64_t engine_incarnation; /* 1 for the first engine process of this incarnation */
    /* engine */
    char executor[64];
    aver_profile profile;
    uint8_t numeric_class[32];
    bool has_step_digest;
    uint8_t step_digest[32];
    uint64_t prompt_tokens;
    uint64_t generated_tokens;
} aver_receipt;

typedef struct aver_opening {
    uint8_t receipt_id[32];
    uint8_t keyset_digest[32];
    uint8_t incarnation[32];
    uint8_t request_commitment[32];
    uint64_t issued_at_ms;
} aver_opening;

typedef struct aver_head {
    uint8_t receipt_id[32];
    uint64_t size;
    uint8_t root[32];
} aver_head;

struct aver_ed25519;

/* Signing side. ret_message is an initialised buffer. */
AVER_MUST_USE aver_err aver_receipt_sign(const aver_receipt *receipt,
                                         const struct aver_ed25519 *key, aver_buf *ret_message);
AVER_MUST_USE aver_err aver_opening_sign(const aver_opening *opening,
                                         const struct aver_ed25519 *key, aver_buf *ret_message);
AVER_MUST_USE aver_err aver_head_sign(const aver_head *head,
                                      const uint8_t incarnation[AVER_AT_LEAST(32)],
                                      const struct aver_ed25519 *key, aver_buf *ret_message);

/* Reading. decode parses and does not verify: the name says so; ret structs are only as good as a
 * later check. */
AVER_MUST_USE aver_err aver_receipt_decode_unverified(aver_view message, aver_receipt *ret_receipt);
AVER_MUST_USE aver_err aver_receipt_verify_signature(aver_view message,
                                                     const uint8_t receipt_key[AVER_AT_LEAST(32)]);
AVER_MUST_USE aver_err aver_receipt_identity(aver_view message,
                                             uint8_t ret_identity[AVER_AT_LEAST(32)]);
AVER_MUST_USE aver_err aver_opening_open(aver_view message,
                                         const uint8_t receipt_key[AVER_AT_LEAST(32)],
                                         aver_opening *ret_opening);
AVER_MUST_USE aver_err aver_head_open(aver_view message,
                                      const uint8_t receipt_key[AVER_AT_LEAST(32)],
                                      aver_head *ret_head);

void aver_commit_request(const uint8_t salt[AVER_AT_LEAST(32)], aver_view request,
                         uint8_t ret_commitment[AVER_AT_LEAST(32)]);
void aver_commit_response(const uint8_t salt[AVER_AT_LEAST(32)], aver_view response,
                          uint8_t ret_commitment[AVER_AT_LEAST(32)]);
void aver_commit_tokens(const uint8_t salt[AVER_AT_LEAST(32)], aver_view tokens,
                        uint8_t ret_commitment[AVER_AT_LEAST(32)]);
/* Incremental form for responses that are sent piece by piece. */
typedef struct aver_commit {
    uint64_t opaque[16];
} aver_commit;
void aver_commit_response_init(aver_commit *commit, const uint8_t salt[AVER_AT_LEAST(32)]);
void aver_commit_update(aver_commit *commit, aver_view bytes);
void aver_commit_final(aver_commit *commit, uint8_t ret_commitment[AVER_AT_LEAST(32)]);

/* Token document: deterministic CBOR [[prompt ids], [ids of choice 0], [ids of choice 1], ...]. */
typedef struct aver_tokens {
    int32_t *ids; /* prompt ids, then those of each choice, without gaps */
    size_t prompt_count;
    size_t choices_count;                   /* 1 to AVER_TOKENS_CHOICES_MAX */
    size_t counts[AVER_TOKENS_CHOICES_MAX]; /* ids of each choice */
} aver_tokens;

/* Ids of all choices together. */
size_t aver_tokens_generated(const aver_tokens *tokens);
/* USAGE for a negative id or no choice. */
AVER_MUST_USE aver_err aver_tokens_encode(const aver_tokens *tokens, aver_buf *ret_bytes);
/* The ids are malloc'ed: aver_tokens_deinit frees them. */
AVER_MUST_USE aver_err aver_tokens_decode(aver_view bytes, aver_tokens *ret_tokens);
void aver_tokens_deinit(aver_tokens *tokens);

AVER_C_END

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_JOB_H
#define AVER_ENGINE_JOB_H

/*
 * job: one request for text, as the engine runs it and as a re-check repeats it. It is parsed from
 * an OpenAI request body by one function, so that node and re-checker cannot read the same bytes in
 * two ways.
 *
 * Numbers that are fractions in JSON are held in millionths (0.7 is 700000), so that no float's
 * text form matters. Every member that the body may have and that aver does not support is refused
 * by name; so are unknown members. Taken and without effect: user. null is the default wherever a
 * member has one. top_p 0 is the least share there is.
 */

#include "aver/bytes.h"

#define AVER_JOB_BODY_BYTES_MAX (4u * 1024 * 1024)
/* The messages written anew: no longer than the body but for quotes and commas; fits a frame of the
 * link. */
#define AVER_JOB_PROMPT_BYTES_MAX (6u * 1024 * 1024)
#define AVER_JOB_STOPS_MAX        4
#define AVER_JOB_STOP_BYTES_MAX   256
#define AVER_JOB_MESSAGES_MAX     4096
#define AVER_JOB_TOKENS_MAX       131072

typedef enum aver_endpoint {
    AVER_ENDPOINT_CHAT = 1,       /* POST /v1/chat/completions */
    AVER_ENDPOINT_COMPLETION = 2, /* POST /v1/completions */
} aver_endpoint;

typedef struct aver_sampling {
    uint32_t temperature_ppm;        /* 0 to 2000000; 0 is greedy; default 1000000 */
    uint32_t top_p_ppm;              /* 1 to 1000000; default 1000000 */
    uint32_t min_p_ppm;              /* 0 to 1000000; default 0 */
    uint32_t top_k;                  /* 0: off; default 0 */
    uint32_t repetition_penalty_ppm; /* 100000 to 10000000; default 1000000 (off) */
    int32_t frequency_penalty_ppm;   /* -2000000 to 2000000; default 0 */
    int32_t presence_penalty_ppm;    /* the same */
    uint64_t seed;                   /* 0 to 2^53 - 1 from JSON */
} aver_sampling;

/*
 * What an aver client puts beside the OpenAI members, all optional, method and path together or not
 * at all: "aver": {"method":"POST", "path":"/v1/chat/completions", "keyset":hex,
 * "nonce":hex, "evidence":hex, "deadline_ms":integer}      hex: 64 digits
 */
typedef struct aver_job_claims {
    bool present;
    bool has_method_path;
    char method[8];
    char path[256]; /* without the /n/<node-id> prefix */
    bool has_keyset, has_nonce, has_evidence, has_deadline;
    uint8_t keyset_digest[32];
    uint8_t nonce[32];
    uint8_t evidence_digest[32];
    uint64_t deadline_ms; /* wall clock, since 1970 */
} aver_job_claims;

typedef struct aver_job {
    aver_endpoint endpoint;
    aver_buf model;      /* the name asked for */
    aver_buf prompt;     /* COMPLETION: UTF-8 text. CHAT: the messages array as compact JSON */
    uint32_t max_tokens; /* 0: as many as the context holds. Not given: 0 for chat, 16 for
                            completions, as OpenAI has it */
    aver_sampling sampling;
    bool has_seed; /* false: the keeper draws one and the receipt tells it */
    aver_buf stops[AVER_JOB_STOPS_MAX];
    size_t stops_count;
    bool stream;
    bool include_usage;
    aver_job_claims claims;
} aver_job;

/* Why a body was refused, in OpenAI's terms. */
typedef struct aver_job_refusal {
    char message[256];
    char param[64]; /* the member's name, or empty */
    const char
        *code; /* constant: "invalid_value", "unsupported_parameter", "unknown_parameter", ... */
} aver_job_refusal;

/* LIMIT, FORMAT or UNSUPPORTED fill ret_refusal; ret_job is then untouched. */
AVER_MUST_USE aver_err aver_job_parse(aver_view body, aver_endpoint endpoint, aver_job *ret_job,
                                      aver_job_refusal *ret_refusal);
void aver_job_deinit(aver_job *job);

#endif

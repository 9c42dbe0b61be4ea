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
 * by name; so are unknown members. null is the default wherever a member has one. top_p 0 is the
 * least share there is. Members, values and what is taken without effect: docs/protocol.md,
 * section 3.
 */

#include "aver/bytes.h"

#define AVER_JOB_BODY_BYTES_MAX (4u * 1024 * 1024)
/* The messages written anew: no longer than the body but for quotes and commas; fits a frame of the
 * link. */
#define AVER_JOB_PROMPT_BYTES_MAX    (6u * 1024 * 1024)
#define AVER_JOB_STOPS_MAX           4
#define AVER_JOB_STOP_BYTES_MAX      256
#define AVER_JOB_MESSAGES_MAX        4096
#define AVER_JOB_TOKENS_MAX          131072
#define AVER_JOB_CHOICES_MAX         16
#define AVER_JOB_TOP_LOGPROBS_MAX    20
#define AVER_JOB_BIASES_MAX          1024
#define AVER_JOB_TOOLS_MAX           128
#define AVER_JOB_TOOL_NAME_BYTES_MAX 64
#define AVER_JOB_TOOLS_BYTES_MAX     (1024u * 1024)
#define AVER_JOB_SCHEMA_BYTES_MAX    (256u * 1024)
#define AVER_JOB_CACHE_KEY_BYTES_MAX 256
#define AVER_JOB_INPUTS_MAX          2048 /* of one request for embeddings */
#define AVER_JOB_CALLER_BYTES        16

/* Candidates of all tokens of all choices, those drawn with them, that an answer with logprobs may
 * tell of: at 128 bytes each they are 16 MiB, what a capsule holds. */
#define AVER_JOB_CANDIDATES_MAX 131072
/* Where one event repeats all of them: 4 MiB, the longest that readers of streams take. */
#define AVER_JOB_CANDIDATES_EVENT_MAX 32768

typedef enum aver_endpoint {
    AVER_ENDPOINT_CHAT = 1,           /* POST /v1/chat/completions */
    AVER_ENDPOINT_COMPLETION = 2,     /* POST /v1/completions */
    AVER_ENDPOINT_EMBEDDINGS = 3,     /* POST /v1/embeddings */
    AVER_ENDPOINT_RESPONSES = 4,      /* POST /v1/responses; for the engine the same as CHAT */
    AVER_ENDPOINT_TOKENIZE = 5,       /* POST /tokenize */
    AVER_ENDPOINT_DETOKENIZE = 6,     /* POST /detokenize */
    AVER_ENDPOINT_APPLY_TEMPLATE = 7, /* POST /apply-template */
} aver_endpoint;

typedef enum aver_tool_choice {
    AVER_TOOL_CHOICE_AUTO = 0, /* the model may call tools, if there are any */
    AVER_TOOL_CHOICE_NONE = 1,
    AVER_TOOL_CHOICE_REQUIRED = 2, /* at least one call, forced by grammar */
    AVER_TOOL_CHOICE_NAMED = 3,    /* of tool_name, forced by grammar */
} aver_tool_choice;

typedef enum aver_format {
    AVER_FORMAT_TEXT = 0,
    AVER_FORMAT_JSON_OBJECT = 1,
    AVER_FORMAT_JSON_SCHEMA = 2,
} aver_format;

/* logit_bias: added to the token's logit before penalties. */
typedef struct aver_bias {
    int32_t token;
    int32_t bias_ppm; /* -100000000 to 100000000: -100 to 100 in millionths */
} aver_bias;

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
    aver_buf model; /* the name asked for */
    /* COMPLETION, TOKENIZE: UTF-8 text. CHAT, RESPONSES, APPLY_TEMPLATE: the messages array as
     * compact JSON (role, content, name, tool_calls, tool_call_id). EMBEDDINGS: compact JSON array
     * of texts. DETOKENIZE: compact JSON array of token ids. The content of a message is always a
     * text, empty where the body has none */
    aver_buf prompt;
    bool add_special;    /* TOKENIZE: with the begin token, if the model wants one */
    uint32_t max_tokens; /* 0: as many as the context holds. Not given: 16 for completions, as
                            OpenAI has it, else 0, but with logprobs as many as may have them */
    aver_sampling sampling;
    bool has_seed; /* false: the keeper draws one and the receipt tells it */
    aver_buf stops[AVER_JOB_STOPS_MAX];
    size_t stops_count;
    uint32_t choices_count; /* n: 0 or 1 to AVER_JOB_CHOICES_MAX; all read one prompt */
    bool has_logprobs;      /* TOKENIZE: the pieces of the ids are wanted */
    uint32_t top_logprobs;  /* 0 to AVER_JOB_TOP_LOGPROBS_MAX, besides the one drawn */
    aver_bias *biases;      /* owned, NULL: none; by rising token, no token twice */
    size_t biases_count;    /* at most AVER_JOB_BIASES_MAX */
    /* Compact JSON array of {"type":"function","function":{"name","description","parameters",
     * "strict"}}, keys of the parameters as they came; empty: none */
    aver_buf tools;
    aver_tool_choice tool_choice;
    char tool_name[AVER_JOB_TOOL_NAME_BYTES_MAX + 1]; /* NAMED */
    bool parallel_tool_calls; /* more than one call in an answer; default true */
    aver_format format;
    aver_buf schema; /* JSON_SCHEMA: compact JSON; else empty */
    /* Not of the body: the keeper's word on whose prompts may share this one's memory. */
    bool has_cache_scope;
    uint8_t cache_scope[32];
    uint8_t caller[AVER_JOB_CALLER_BYTES]; /* the same: callers take turns */
    /* What the engine does not need: */
    bool stream;
    bool include_usage;
    bool base64_vectors;   /* EMBEDDINGS: encoding_format base64 */
    uint32_t dimensions;   /* EMBEDDINGS: what the vectors must have; 0: not said */
    uint32_t inputs_count; /* EMBEDDINGS: texts in prompt. COMPLETION: ids in it, u32; 0: text */
    char schema_name[AVER_JOB_TOOL_NAME_BYTES_MAX + 1]; /* JSON_SCHEMA: the caller's name for it */
    aver_buf cache_key;                                 /* prompt_cache_key; empty: none */
    aver_job_claims claims;
} aver_job;

/* Why a body was refused, in OpenAI's terms. */
typedef struct aver_job_refusal {
    char message[256];
    char param[64]; /* the member's name, or empty */
    const char
        *code; /* constant: "invalid_value", "unsupported_parameter", "unknown_parameter", ... */
} aver_job_refusal;

/* "/v1/chat/completions", ... */
const char *aver_endpoint_path(aver_endpoint endpoint);
/* False if no endpoint has this path. */
bool aver_endpoint_find(const char *path, aver_endpoint *ret_endpoint);

/* LIMIT, FORMAT or UNSUPPORTED fill ret_refusal; ret_job is then untouched. */
AVER_MUST_USE aver_err aver_job_parse(aver_view body, aver_endpoint endpoint, aver_job *ret_job,
                                      aver_job_refusal *ret_refusal);
void aver_job_deinit(aver_job *job);

#endif

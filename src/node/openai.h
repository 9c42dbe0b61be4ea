/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_OPENAI_H
#define AVER_NODE_OPENAI_H

/*
 * openai: bodies and stream events of /v1/chat/completions and /v1/completions, written by
 * template. What stays the same in each event of one answer is written once; an event then costs
 * the copy of two constant parts and the escaping of its text.
 */

#include "node/choice.h"

#define AVER_OPENAI_PREFIX_BYTES_MAX 1024
#define AVER_OPENAI_ID_BYTES         12
#define AVER_OPENAI_CALL_ID_BYTES    30 /* "call_", 24 hex digits, NUL */

typedef struct aver_openai_options {
    aver_endpoint endpoint;
    const char *model;       /* borrowed for as long as the answer lives */
    const char *fingerprint; /* the same; of the engine's numeric class */
    uint64_t created_s;
    bool include_usage;
    uint8_t id[AVER_OPENAI_ID_BYTES];
} aver_openai_options;

typedef struct aver_openai {
    aver_openai_options options;
    aver_buf prefix; /* of a stream event, up to its choices */
} aver_openai;

typedef struct aver_usage {
    uint64_t prompt_tokens;
    uint64_t cached_tokens; /* of them, not read again */
    uint64_t generated_tokens;
} aver_usage;

/* What one token adds to a choice. */
typedef struct aver_openai_piece {
    uint32_t choice;
    aver_view text;
    const aver_logprob *logprobs; /* the one drawn first; NULL: none are asked for */
    size_t logprobs_count;
} aver_openai_piece;

typedef struct aver_openai_call {
    uint32_t choice;
    uint32_t index;
    char id[AVER_OPENAI_CALL_ID_BYTES];
    aver_view name;
    aver_view arguments;
    bool cut; /* these are only their beginning: the answer ends by its length */
} aver_openai_call;

/* LIMIT if the model's name is too long. */
AVER_MUST_USE aver_err aver_openai_init(aver_openai *answer, const aver_openai_options *options);
void aver_openai_deinit(aver_openai *answer);
/* The events below append "data: {...}\n\n". */
void aver_openai_put_role(const aver_openai *answer, uint32_t choice,
                          aver_buf *out); /* chat: the first event of each choice */
/* characters: see aver_logprobs_put_columns; used with logprobs only. */
void aver_openai_put_piece(const aver_openai *answer, const aver_openai_piece *piece,
                           uint64_t *characters, aver_buf *out);
void aver_openai_put_call(const aver_openai *answer, const aver_openai_call *call, aver_buf *out);
void aver_openai_put_finish(const aver_openai *answer, uint32_t choice, aver_finish finish,
                            aver_buf *out);
void aver_openai_put_usage(const aver_openai *answer, const aver_usage *usage, aver_buf *out);

/* A call as whole bodies have it, for aver_choice.calls. */
void aver_openai_put_call_item(const aver_openai_call *call, aver_buf *calls);
/* A whole body. has_logprobs: they were asked for. */
void aver_openai_put_whole(const aver_openai *answer, const aver_choice *choices, size_t count,
                           bool has_logprobs, const aver_usage *usage, aver_buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_OPENAI_H
#define AVER_NODE_OPENAI_H

/*
 * openai: OpenAI's bodies and stream events, written by template. What stays the same in each event
 * of one answer is written once; an event then costs the copy of two constant parts and the
 * escaping of its text.
 */

#include "engine/job.h"

#include "aver/receipt.h"

#define AVER_OPENAI_PREFIX_BYTES_MAX 1024
#define AVER_OPENAI_ID_BYTES         12

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
    uint64_t generated_tokens;
} aver_usage;

/* LIMIT if the model's name is too long. */
AVER_MUST_USE aver_err aver_openai_init(aver_openai *answer, const aver_openai_options *options);
void aver_openai_deinit(aver_openai *answer);
/* The events below append "data: {...}\n\n". */
void aver_openai_put_role(const aver_openai *answer, aver_buf *out); /* chat: the first event */
void aver_openai_put_text(const aver_openai *answer, aver_view text, aver_buf *out);
void aver_openai_put_finish(const aver_openai *answer, aver_finish finish, aver_buf *out);
void aver_openai_put_usage(const aver_openai *answer, const aver_usage *usage, aver_buf *out);
/* A whole body. */
void aver_openai_put_whole(const aver_openai *answer, aver_view text, aver_finish finish,
                           const aver_usage *usage, aver_buf *out);

#endif

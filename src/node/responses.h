/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_RESPONSES_H
#define AVER_NODE_RESPONSES_H

/*
 * responses: the answer of /v1/responses, whole or as its named events.
 *
 *   begin (text | call)... finish
 *
 * Text makes a message item, each call an item of its own; text after a call makes another message.
 * Events gather in `events`, one after the other, each "event: NAME\ndata: {...}\n\n"; whoever
 * sends them takes them out. Without stream there are none, and aver_responses_put_whole has
 * everything in the end.
 */

#include "codec/json.h"
#include "node/openai.h"

typedef struct aver_responses {
    const aver_job *job; /* borrowed */
    const json_t *tools; /* borrowed; of the request, NULL: none */
    const char *model;   /* borrowed */
    uint64_t created_s;
    uint8_t id[AVER_OPENAI_ID_BYTES];
    bool stream;
    aver_buf events;
    uint64_t sequence;
    uint32_t items_count; /* begun */
    aver_buf items;       /* ended, joined by commas */
    bool message_open;
    aver_buf text;     /* of the message that is open */
    aver_buf logprobs; /* records of aver_logprobs_store for it */
} aver_responses;

typedef struct aver_responses_options {
    const aver_job *job;
    const json_t *tools;
    const char *model;
    uint64_t created_s;
} aver_responses_options;

/* Draws the id. bytes_max: of the whole body, and of the events that were not taken out. */
void aver_responses_init(aver_responses *answer, const aver_responses_options *options,
                         size_t bytes_max);
void aver_responses_deinit(aver_responses *answer);
/* The first failure of its buffers. */
AVER_MUST_USE aver_err aver_responses_status(const aver_responses *answer);

void aver_responses_begin(aver_responses *answer);
void aver_responses_add(aver_responses *answer, const aver_openai_piece *piece);
void aver_responses_call(aver_responses *answer, const aver_openai_call *call);
/* finish: stop, length or tool. */
void aver_responses_finish(aver_responses *answer, aver_finish finish, const aver_usage *usage);
/* The last event of a stream that failed. */
void aver_responses_fail(aver_responses *answer, const char *code, const char *message);
/* The whole body, after finish. */
void aver_responses_put_whole(const aver_responses *answer, aver_finish finish,
                              const aver_usage *usage, aver_buf *out);

#endif

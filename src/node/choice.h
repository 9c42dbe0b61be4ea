/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_CHOICE_H
#define AVER_NODE_CHOICE_H

/*
 * choice: one of the answers to a request while it grows: its tokens, and what a body that is sent
 * whole needs in the end.
 *
 * Secrets: everything in it; wiped by aver_choice_deinit.
 */

#include "engine/engine.h"

typedef struct aver_choice {
    int32_t *tokens;
    size_t tokens_capacity;
    size_t count;      /* tokens */
    aver_buf text;     /* so far, where the whole of it is needed */
    aver_buf logprobs; /* records of aver_logprobs_store, where they are asked for */
    aver_buf calls;    /* JSON objects of the calls, joined by commas, in the answer's form */
    uint32_t calls_count;
    bool call_cut;       /* the last call is part of one: nothing but an end by length may follow */
    uint64_t characters; /* of the tokens whose logprobs were told in a stream */
    bool ended;
    aver_finish finish; /* when ended */
} aver_choice;

/* bytes_max: of each buffer. */
void aver_choice_init(aver_choice *choice, size_t bytes_max);
void aver_choice_deinit(aver_choice *choice);
AVER_MUST_USE aver_err aver_choice_add_token(aver_choice *choice, int32_t token);
/* The first failure of its buffers. */
AVER_MUST_USE aver_err aver_choice_status(const aver_choice *choice);

#endif

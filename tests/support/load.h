/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_LOAD_H
#define AVER_TESTS_SUPPORT_LOAD_H

/*
 * load: many streamed completions at once, for benches, over connections that are kept. One thread,
 * one epoll set, so that the load takes little from the server on the same cores; events are
 * searched, not parsed. It checks what it counts: status, the end of the stream, token counts as
 * the server's own usage has them, and the receipt where the target has receipts.
 *
 * Every prompt is made of other words in another order from its first word on, so that no server
 * finds a part of it in a cache. Both kinds of server get the same texts.
 * Threads: one run at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_STREAMS_MAX  256
#define LOAD_REQUESTS_MAX 4096

typedef struct load_target {
    unsigned port; /* of 127.0.0.1 */
    bool tls;
    bool receipts;           /* each answer must carry one */
    const uint8_t *seal_key; /* 32 bytes; NULL: bodies go unsealed */
    const char *path;        /* "/v1/completions" or "/v1/chat/completions" */
    const char *model;       /* the name to ask for */
    const char *extra; /* more members of the body, each with a comma before it; "" for none */
} load_target;

typedef struct load_plan {
    unsigned streams;
    unsigned requests; /* of all streams together */
    unsigned tokens;   /* of each answer */
    unsigned words;    /* of each prompt */
    uint64_t seed;
    void (*on_half)(void *context); /* once, when half of the requests are answered; may be NULL */
    void *context;
} load_plan;

typedef struct load_result {
    double seconds; /* from the first byte sent to the last byte read */
    double tokens_per_s;
    double prompt_tokens_per_s;
    double prompt_tokens;              /* mean of a prompt */
    double first_ms_p50, first_ms_p99; /* to the first text */
    double all_ms_p50, all_ms_p99;     /* to the end of the answer */
    double client_s;                   /* processor time of the load itself */
    unsigned answered;                 /* whole, with every token asked for */
    unsigned shorter;                  /* whole, with fewer tokens */
} load_result;

/* False, with words on stderr, if an answer failed. */
bool load_run(const load_target *target, const load_plan *plan, load_result *ret_result);

#endif

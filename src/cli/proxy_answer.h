/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_PROXY_ANSWER_H
#define AVER_CLI_PROXY_ANSWER_H

/*
 * proxy_answer: one answer of the node on its way to the client: what the client is told, and when.
 *
 *   whole     only after the verdict: the body, or 502 with the check that stands in the way
 *   stream    head at once ("pending"), events as proxy_relay lets them through, outcome at the end
 *   error     the node's own, sealed or over the judged TLS connection; of others only the status
 *
 * Threads: the worker's.
 */

#include "cli/proxy.h"
#include "cli/proxy_relay.h"

typedef struct aver_proxy_route {
    const char *path;
    bool bare;     /* the body goes as it is, without the member "aver" */
    bool unproven; /* a sealed answer without a receipt is taken */
} aver_proxy_route;

typedef struct aver_proxy_answer {
    aver_proxy *proxy;
    aver_proxy_worker *worker;
    aver_proxy_job *job;
    aver_proxy_node *node; /* a reference */
    aver_proxy_route route;
    aver_proxy_body facts;
    const uint8_t *model_root; /* in the node's keyset, or NULL */
    aver_answered reply;
    char type[AVER_PROXY_TYPE_BYTES_MAX];
    char retry_after[32];
    aver_proxy_relay relay; /* of a stream */
    aver_proxy_record record;
} aver_proxy_answer;

/* Callbacks of aver_answered_post; context: the answer. */
AVER_MUST_USE aver_err aver_proxy_answer_on_head(const aver_response *response, void *context);
AVER_MUST_USE aver_err aver_proxy_answer_on_event(const aver_stream_item *item, void *context);
/* The exchange is over and judged: the client gets its end, the page its line. */
void aver_proxy_answer_finish(aver_proxy_answer *answer);
/* No verdict can be had of a stream that has begun: it is cut. */
void aver_proxy_answer_abandon(aver_proxy_answer *answer, const char *why);
/* An answer of the proxy's own instead, noted for the page: words; or 502 for a check that stands
 * in the way. Only before anything was told. */
void aver_proxy_answer_say(aver_proxy_answer *answer, const aver_proxy_refusal *refusal);
void aver_proxy_answer_refuse(aver_proxy_answer *answer, const char *check, const char *why);

#endif

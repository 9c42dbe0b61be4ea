/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_PROXY_H
#define AVER_CLI_PROXY_H

/*
 * proxy: an OpenAI endpoint on the reader's own machine that trusts the node no further than its
 * evidence and receipts go, for clients that know nothing of either.
 *
 *   client --HTTP, loopback--> loop --jobs--> workers --TLS + seal--> node
 *
 * The loop owns all connections of clients; a worker answers one request at a time over a
 * connection of its own, whose certificate must have the key that was judged. Threads: the loop's,
 * and at most streams_max workers, made as they are needed.
 */

#include "cli/proxy_body.h"
#include "cli/proxy_job.h"
#include "cli/proxy_node.h"
#include "cli/proxy_record.h"
#include "cli/proxy_store.h"

#define AVER_PROXY_STREAMS_DEFAULT 128u
#define AVER_PROXY_STREAMS_MAX     1024u

struct aver_bearer;
struct aver_proxy_pool;

typedef struct aver_proxy_options {
    aver_session_options session;
    const char *address;              /* where it listens */
    const struct aver_bearer *tokens; /* what clients must show; NULL: nothing */
    unsigned streams_max;
    bool hold; /* streams wait for their verdict as whole answers do */
} aver_proxy_options;

typedef struct aver_proxy {
    const aver_proxy_options *options;
    uint64_t begun_ms;
    size_t response_bytes_max; /* of one answer */
    aver_proxy_nodes nodes;
    aver_proxy_records records;
    aver_proxy_store *store; /* NULL: capsules are not kept */
    aver_proxy_lane lane;
    struct aver_proxy_pool *pool;
    struct aver_server *server;
    char bound[128];
} aver_proxy;

/* What one worker keeps between jobs: its connection, for the node that it was opened to. */
typedef struct aver_proxy_worker {
    aver_proxy *proxy;
    aver_remote remote;
    bool open;
    uint8_t tls_digest[32];
} aver_proxy_worker;

/* proxy_front.c; loop: a request of a client is there. context: aver_proxy. */
void aver_proxy_on_request(aver_exchange *exchange, void *context);

/* proxy_page.c: the page at "/", appended as HTML. */
void aver_proxy_page(aver_proxy *proxy, aver_buf *out);

/* proxy_pool.c: the workers. submit takes the worker's reference of the job. */
AVER_MUST_USE aver_err aver_proxy_pool_new(aver_proxy *proxy, struct aver_proxy_pool **ret_pool);
void aver_proxy_pool_submit(struct aver_proxy_pool *pool, aver_proxy_job *job);
/* Jobs that wait are dropped; those in work must have been told to stop. Waits for all threads. */
void aver_proxy_pool_free(struct aver_proxy_pool *pool);

/* proxy_get.c, proxy_post.c; worker: answer the job. */
void aver_proxy_get(aver_proxy_worker *worker, aver_proxy_job *job);
void aver_proxy_post(aver_proxy_worker *worker, aver_proxy_job *job);

/* proxy_pool.c; worker: the connection for this node. Errors as of aver_remote_open. */
AVER_MUST_USE aver_err aver_proxy_worker_connect(aver_proxy_worker *worker,
                                                 const aver_proxy_node *node);
/* proxy_say.c; worker: an error of the proxy's own, in OpenAI's form. */
void aver_proxy_say(aver_proxy_job *job, const aver_proxy_refusal *refusal);
/* The node cannot be used: verified says why; nothing was sent. */
void aver_proxy_say_blocked(aver_proxy *proxy, aver_proxy_job *job,
                            const aver_proxy_verified *verified);
/* "pass=38 fail=1 skip=4 failed=receipt.response" */
void aver_proxy_checks_text(const aver_verdict *verdict, char ret_text[400]);

#endif

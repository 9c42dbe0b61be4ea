/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_PROXY_NODE_H
#define AVER_CLI_PROXY_NODE_H

/*
 * proxy_node: the verdict on the node that all workers rely on. It is made before the first request
 * and made anew, with another nonce over another connection, when it is older than half of what the
 * policy allows (the other half is for the answer), or when a worker found that the node has other
 * keys. One worker verifies, the others wait for it; what fails takes the former verdict away, so
 * that nothing is sent on an old one.
 *
 * Ownership: a node that was got is counted, and dropped by its worker; it outlives later verdicts.
 * Threads:   any.
 */

#include "cli/session.h"

#include <pthread.h>

/* An accepted session, only read. */
typedef struct aver_proxy_node {
    unsigned references; /* under the mutex of its aver_proxy_nodes */
    aver_session *session;
    uint64_t begun_ns; /* monotonic, before its nonce was sent */
    uint64_t begun_ms; /* wall clock */
} aver_proxy_node;

/* What the last verification came to. */
typedef struct aver_proxy_verified {
    uint64_t at_ms; /* wall clock; 0: none was made yet */
    bool reached;   /* there is a verdict */
    bool accepted;
    char check[64]; /* the first check in the way, where it was not accepted */
    char why[400];
    char node_id[65];
    char platform[AVER_PLATFORM_BYTES_MAX];
    aver_verdict verdict;
} aver_proxy_verified;

typedef struct aver_proxy_nodes {
    aver_session_options options;
    uint64_t age_max_ms; /* of a verdict that may still be used */
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool verifying;
    uint64_t attempts; /* that are over */
    aver_proxy_node *present;
    aver_proxy_verified last;
} aver_proxy_nodes;

void aver_proxy_nodes_init(aver_proxy_nodes *nodes, const aver_session_options *options);
void aver_proxy_nodes_deinit(aver_proxy_nodes *nodes);
/*
 * The node as it was judged last, or anew. stale: one that proved to be outdated, and is not given
 * again, or NULL. PROOF: the policy does not accept it; other errors: there is no verdict;
 * ret_verified, which may be NULL, says why in both cases.
 */
AVER_MUST_USE aver_err aver_proxy_nodes_get(aver_proxy_nodes *nodes, const aver_proxy_node *stale,
                                            aver_proxy_node **ret_node,
                                            aver_proxy_verified *ret_verified);
void aver_proxy_nodes_drop(aver_proxy_nodes *nodes, aver_proxy_node *node);
/* A copy of what is known now. */
void aver_proxy_nodes_last(aver_proxy_nodes *nodes, aver_proxy_verified *ret_verified);
/* The check in words that aver_policy_accepts gave: they begin with its name. */
void aver_proxy_check_name(const char *why, char ret_name[64]);

#endif

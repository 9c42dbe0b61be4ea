/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_KEEPER_H
#define AVER_NODE_KEEPER_H

/*
 * keeper: the process that holds the keys. One loop runs the listeners, the engine link, timers and
 * signals:
 *
 *   LOADING -> SERVING -> DRAINING -> (loop ends)
 *
 * LOADING ends when the engine is ready and the first quote is made; nobody is listened to before
 * that. Threads: everything here belongs to the loop's thread; only evidence has a worker.
 */

#include "net/server.h"
#include "node/bearer.h"
#include "node/caller.h"
#include "node/calls.h"
#include "node/domain.h"
#include "node/evidence.h"
#include "node/metrics.h"
#include "node/models.h"
#include "node/options.h"
#include "node/replay.h"
#include "node/shared_files.h"
#include "node/vault.h"

typedef enum aver_keeper_phase {
    AVER_KEEPER_LOADING = 1,
    AVER_KEEPER_SERVING = 2,
    AVER_KEEPER_DRAINING = 3,
} aver_keeper_phase;

typedef struct aver_keeper {
    const aver_node_build *build;
    const aver_node_options *options;
    aver_keeper_phase phase;
    int exit_status;
    uint64_t drain_started_ns;
    uint64_t closing_ns; /* since when nothing runs any more; 0: something does */

    struct event_base *base;
    struct event *signals[2];
    struct event *hangup; /* NULL: there is no certificate file to read again */
    struct event *tick;
    struct event *renewal;

    const aver_tee_platform *platform;
    aver_tee *tee;
    uint64_t started_s;
    aver_shared_files shared;
    aver_models models;

    aver_keyring *keyring;
    aver_keyring *keyring_next; /* waits for its evidence; NULL: the present one stays */
    uint64_t rotate_after_ns;   /* no earlier, since it failed before */
    aver_evidence *evidence;
    struct ssl_ctx_st *tls;
    aver_domain domain;
    aver_server *server;
    char bound[AVER_NODE_LISTENERS_MAX][128];

    aver_bearer *bearer; /* NULL: everyone may ask */
    uint8_t caller_key[AVER_CALLER_KEY_BYTES];
    aver_replay *replay;
    aver_vault *vault;
    aver_metrics metrics;
    aver_calls calls;
    aver_buf sealed; /* scratch of the stream that is being written */
} aver_keeper;

/*
 * Replaces the seal key if it has been used as often as the options say: evidence for the next key
 * is asked for, and when it comes, key, keyset and certificate change in one step.
 */
void aver_keeper_rotate(aver_keeper *keeper);
/* Runs a node until it is told to end; the exit status. */
int aver_keeper_run(const aver_node_build *build, const aver_node_options *options);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_DEMO_NODE_H
#define AVER_CLI_DEMO_NODE_H

/*
 * demo_node: a node of the demo as a child process on loopback, with a TLS port and a Unix socket.
 * Its log lies beside its sockets. Stop ends it (SIGTERM, then SIGKILL) and reaps it.
 */

#include "aver/err.h"

#include <sys/types.h>

#define AVER_DEMO_PATH_MAX 512

typedef struct aver_demo_node_options {
    const char *program;
    const char *model;
    const char *model_name;
    const char *profile; /* "verified" or "fast" */
    const char *engine;  /* another engine program, or NULL */
    const char *key;     /* file of the simulator's root */
    const char *dir;
    const char *tag; /* names its files */
} aver_demo_node_options;

typedef struct aver_demo_node {
    pid_t pid; /* 0: not running */
    char url[64];
    char unix_socket[AVER_DEMO_PATH_MAX];
    char log[AVER_DEMO_PATH_MAX];
} aver_demo_node;

/* Starts it and waits until it serves. PEER: it ended instead; its log says why. */
AVER_MUST_USE aver_err aver_demo_node_start(const aver_demo_node_options *options,
                                            aver_demo_node *ret_node);
void aver_demo_node_stop(aver_demo_node *node);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_PEER_H
#define AVER_TESTS_SUPPORT_PEER_H

/*
 * peer: what benches compare the node with: llama-server and llama-batched-bench of the same
 * sources and flags as the library that the node is linked with, in the folder that AVER_PEER names
 * (tools/setup --bench makes them). Without them the program says SKIP and ends with status 77.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct peer_server {
    pid_t pid;
    unsigned port;
    char log[64]; /* its standard error, removed at its end */
} peer_server;

typedef struct peer_plan {
    const char *model;
    unsigned streams;
    unsigned context_tokens; /* of each stream */
    unsigned threads;
} peer_plan;

typedef struct peer_work {
    unsigned prompt_tokens, tokens; /* of each stream */
    unsigned repeats;               /* 1 to 64 */
} peer_work;

/* The whole path of a program of the folder. */
const char *peer_program(const char *name);
/* args: more options, NULL-terminated, or NULL. Ends the program if it does not come up. */
void peer_server_start(peer_server *server, const peer_plan *plan, const char *const *args);
void peer_server_stop(peer_server *server);
/* Generated tokens a second of llama-batched-bench, the reading of the prompts counted: the median
 * of the repeats. */
double peer_limit(const peer_plan *plan, const peer_work *work);

/* Memory of a process: its share of what it maps (PSS), where the kernel says it. */
uint64_t peer_memory_bytes(pid_t pid);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_NODE_FIXTURE_H
#define AVER_TESTS_SUPPORT_NODE_FIXTURE_H

/*
 * node_fixture: a running aver-node-sim of a test's own: a temporary folder, a free port, a Unix
 * socket, the small story model. The program is $AVER_BIN/aver-node-sim. Failures of the set-up end
 * the test program; without a model it says SKIP and ends with status 77.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NODE_FIXTURE_ARGS_MAX 32

typedef struct node_fixture {
    pid_t pid;
    char dir[64];
    char url[96]; /* https://127.0.0.1:PORT */
    unsigned port;
    char unix_socket[128];
    char log[128];   /* the node's standard error */
    char key[128];   /* root key of its simulator */
    char model[160]; /* its name */
    uint8_t model_root[32];
} node_fixture;

/* The model's file, or the end of the program with SKIP. */
const char *node_fixture_model(void);
/* args: more options, NULL-terminated; NULL for none. Waits until it serves. */
void node_fixture_start(node_fixture *node, const char *const *args);
/* The same without --model and without waiting: the exit status of a node that cannot start, its
 * words in node->log. */
int node_fixture_fail(node_fixture *node, const char *const *args);
/* SIGTERM, wait, remove the folder; the exit status. */
int node_fixture_stop(node_fixture *node);
/* Waits for the end of the process, at most timeout_ms; -1 if it goes on. */
int node_fixture_wait(node_fixture *node, unsigned timeout_ms);
void node_fixture_remove(node_fixture *node);
bool node_fixture_alive(node_fixture *node);
/* The engine child, 0 if there is none now. */
pid_t node_fixture_engine(const node_fixture *node);
/* All engines, the oldest first; how many. */
size_t node_fixture_engines(const node_fixture *node, pid_t *ret_engines, size_t engines_max);
/* Resident memory of keeper and all engines, pages that they share counted once; 0 under
 * AddressSanitizer. */
uint64_t node_fixture_proportional_bytes(const node_fixture *node);
/* Resident memory of keeper and engine together. */
uint64_t node_fixture_resident_bytes(const node_fixture *node);
bool node_fixture_log_has(const node_fixture *node, const char *text);
uint64_t node_fixture_now_ms(void);
void node_fixture_sleep_ms(unsigned ms);

#endif

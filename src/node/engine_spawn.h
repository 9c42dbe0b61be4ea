/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_ENGINE_SPAWN_H
#define AVER_NODE_ENGINE_SPAWN_H

/* engine_spawn: the engine as a process, or as a thread of this one, at the other end of a socket
 * pair. */

#include "engine/engine.h"

#include <pthread.h>
#include <sys/types.h>

typedef struct aver_engine_child {
    int socket_fd; /* our end, nonblocking; -1: none */
    int voice_fd;  /* reads what a process says on its standard streams; -1: none. The caller's */
    pid_t pid;     /* 0: a thread */
    bool has_thread;
    pthread_t thread;
} aver_engine_child;

/* program NULL: this program itself. The descriptors of weights and adapters are borrowed. */
AVER_MUST_USE aver_err aver_engine_spawn(const char *program, bool single_process,
                                         const aver_engine_options *options,
                                         aver_engine_child *ret_child);
/* Kills (a process) or waits for (a thread, whose socket is closed) and forgets it. */
void aver_engine_reap(aver_engine_child *child);

#endif

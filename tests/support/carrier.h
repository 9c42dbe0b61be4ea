/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_CARRIER_H
#define AVER_TESTS_SUPPORT_CARRIER_H

/*
 * carrier: whoever only carries the bytes between aver ask and a node. It listens on a Unix socket
 * in a thread of its own, one connection after the other, one request for each. Failures of the
 * set-up end the test.
 */

#include "aver/bytes.h"

#include <pthread.h>

/* What is done with one whole request. The connection is closed behind it. */
typedef void (*carrier_handle)(int client, aver_view request);

typedef struct carrier_server {
    int listener;
    pthread_t thread;
    carrier_handle handle;
} carrier_server;

/* The struct must not move until carrier_stop, which waits for the connection in work. */
void carrier_start(carrier_server *server, const char *path, carrier_handle handle);
void carrier_stop(carrier_server *server);
/* A connection to the Unix socket of a node. */
int carrier_connect(const char *path);
/* All of them, or as many as the other side takes. */
void carrier_put(int fd, aver_view bytes);
/* The request to the node at path, with one more header, and its answer to the client until the
 * node ends it; also appended to answer, which may be NULL. */
void carrier_pass(int client, const char *path, aver_view request, aver_buf *answer);

#endif

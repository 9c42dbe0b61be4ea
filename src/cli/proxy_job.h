/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_PROXY_JOB_H
#define AVER_CLI_PROXY_JOB_H

/*
 * proxy_job: one request of a client, between the loop, which owns its exchange, and the worker
 * that answers it. The worker never touches the exchange: it leaves headers and bytes in the job
 * and wakes the loop through the lane. At most AVER_PROXY_JOB_AHEAD_BYTES wait there; beyond that
 * the worker blocks until the client has taken some, and so does the node behind it.
 *
 *   loop:    new -> (worker) ... flush when the lane or the client says so -> answered or gone
 *   worker:  header* -> reply,  or  header* -> begin -> write* -> end
 *
 * Ownership: counted, one reference for each side; job_drop. Threads: as said with each function.
 */

#include "net/server.h"

#include <pthread.h>
#include <stdatomic.h>

#define AVER_PROXY_JOB_AHEAD_BYTES (256u * 1024)
#define AVER_PROXY_PATH_BYTES_MAX  256
#define AVER_PROXY_TYPE_BYTES_MAX  128

struct event;
struct event_base;

typedef enum aver_proxy_job_state {
    AVER_PROXY_JOB_OPEN = 1, /* nothing answered yet */
    AVER_PROXY_JOB_WHOLE,    /* out is the whole body */
    AVER_PROXY_JOB_STREAM,   /* out is what comes next */
} aver_proxy_job_state;

/* The way from all workers to the loop. */
typedef struct aver_proxy_lane {
    int fd; /* eventfd */
    struct event *event;
    pthread_mutex_t mutex;
    struct aver_proxy_job *first; /* jobs with something new, the oldest first */
    struct aver_proxy_job *last;
} aver_proxy_lane;

typedef struct aver_proxy_job {
    /* Constant once a worker has it. */
    aver_proxy_lane *lane;
    bool post;
    char path[AVER_PROXY_PATH_BYTES_MAX]; /* without query */
    char target[2 * AVER_PROXY_PATH_BYTES_MAX];
    aver_buf body;
    uint64_t begun_ns;
    uint64_t begun_ms;
    atomic_bool gone; /* the client went away: what is written is thrown away */
    /* Of the loop. */
    aver_exchange *exchange;
    bool headed; /* the stream's head is out */
    /* Of the pool. */
    struct aver_proxy_job *next_waiting;
    /* Shared, under mutex. */
    atomic_uint references;
    pthread_mutex_t mutex;
    pthread_cond_t room;
    aver_proxy_job_state state;
    uint32_t status;
    char type[AVER_PROXY_TYPE_BYTES_MAX];
    aver_buf headers; /* name NUL value NUL ... */
    aver_buf out;
    bool ended;
    bool cut; /* the connection ends without the end of the stream */
    /* Under the lane's mutex. */
    struct aver_proxy_job *next_new;
    bool listed;
} aver_proxy_job;

AVER_MUST_USE aver_err aver_proxy_lane_open(aver_proxy_lane *lane, struct event_base *base);
/* Loop; after all workers have ended. Zeroed or closed lanes too. */
void aver_proxy_lane_close(aver_proxy_lane *lane);

/* Loop: takes the exchange's body; LIMIT if the path is too long. Two references: the loop's, which
 * goes with the exchange, and the worker's. */
AVER_MUST_USE aver_err aver_proxy_job_new(aver_proxy_lane *lane, aver_exchange *exchange,
                                          aver_proxy_job **ret_job);
/* Either side. */
void aver_proxy_job_drop(aver_proxy_job *job);

/* Worker. value is copied; a header that does not fit is left out. */
void aver_proxy_job_header(aver_proxy_job *job, const char *name, const char *value);
void aver_proxy_job_reply(aver_proxy_job *job, uint32_t status, const char *type, aver_view body);
void aver_proxy_job_begin(aver_proxy_job *job, uint32_t status, const char *type);
/* Blocks while the client lags behind. PEER: it is gone. */
AVER_MUST_USE aver_err aver_proxy_job_write(aver_proxy_job *job, aver_view bytes);
/* cut: the client must see that the stream is broken. */
void aver_proxy_job_end(aver_proxy_job *job, bool cut);

#endif

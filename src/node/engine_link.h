/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_ENGINE_LINK_H
#define AVER_NODE_ENGINE_LINK_H

/*
 * engine_link: the engine child of the keeper: started, fed, watched, killed and started again.
 *
 *   STOPPED -> LOADING -> READY -> (death) -> on_down -> LOADING ...
 *                                     \-> PAUSED, a growing pause, if it died while loading
 *
 * The child is this very program (or, in the tests of hostile engines, another one) with the socket
 * at descriptor 3, the weights at 4, adapters from 5 on, an empty environment and nothing else.
 * Whatever it says that is not of the protocol, or too much silence while it works, ends it.
 *
 * Transport: one stream socket pair, one frame a decode step. A shared-memory ring with an eventfd
 * saves some microseconds a step against the hundreds that a step takes (bench/ipc.c measures both
 * in one run), and would have the keeper parse memory that the engine can still change; so the
 * socket it is.
 *
 * Threads: the loop's thread. With single_process the engine runs in a thread of the keeper over
 * the same socket pair.
 */

#include "engine/link.h"

#include <sys/types.h>

struct event_base;

#define AVER_ENGINE_ARGV0 "aver-engine"
#define AVER_ENGINE_ARGV1 "--serve-link"

typedef enum aver_engine_state {
    AVER_ENGINE_STOPPED = 1,
    AVER_ENGINE_LOADING = 2,
    AVER_ENGINE_READY = 3,
    AVER_ENGINE_PAUSED = 4, /* waits before the next start */
} aver_engine_state;

/* None of these may call start, stop, reload or free. */
typedef struct aver_engine_hooks {
    /* A result other than OK: this engine is not the one we promised; it is ended for good. */
    aver_err (*on_ready)(const aver_engine_info *info, void *context);
    /* A result other than OK: the engine broke the protocol; it is ended and started again. */
    aver_err (*on_events)(aver_view events, void *context);
    aver_err (*on_busy)(uint64_t job_id, void *context);
    /* Every submitted job is lost. final: it will not be started again. */
    void (*on_down)(bool final, void *context);
    void *context;
} aver_engine_hooks;

typedef struct aver_engine_link_options {
    struct event_base *base;
    const char *program; /* NULL: the running program itself */
    bool single_process;
    aver_engine_options engine; /* weights_fd is borrowed */
    aver_engine_hooks hooks;
} aver_engine_link_options;

typedef struct aver_engine_link aver_engine_link;

AVER_MUST_USE aver_err aver_engine_link_new(const aver_engine_link_options *options,
                                            aver_engine_link **ret_link);
void aver_engine_link_free(aver_engine_link *link);
AVER_MUST_USE aver_err aver_engine_link_start(aver_engine_link *link);
/* Ends the engine on purpose, without on_down; start makes another one. */
void aver_engine_link_stop(aver_engine_link *link);
/* What the next start loads; only while STOPPED. */
void aver_engine_link_reload(aver_engine_link *link, const aver_engine_options *engine);
aver_engine_state aver_engine_link_state(const aver_engine_link *link);
/* 1 for the first engine of this keeper; one more at each start. */
uint64_t aver_engine_link_incarnation(const aver_engine_link *link);
pid_t aver_engine_link_pid(const aver_engine_link *link); /* 0: none */
/* AGAIN unless READY; LIMIT if the engine takes no more bytes. */
AVER_MUST_USE aver_err aver_engine_link_submit(aver_engine_link *link, uint64_t job_id,
                                               const aver_job *job);
void aver_engine_link_cancel(aver_engine_link *link, uint64_t job_id);
/* Ends an engine that has been silent for too long although it has work; call it now and then. */
void aver_engine_link_watch(aver_engine_link *link, bool has_work);

#endif

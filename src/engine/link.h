/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_LINK_H
#define AVER_ENGINE_LINK_H

/*
 * link: the messages between keeper and engine over one stream socket pair.
 *
 *   frame = u32be size (1 to AVER_LINK_FRAME_BYTES_MAX) || deterministic CBOR array [kind, ...]
 *
 * The keeper trusts nothing in what comes back: sizes, kinds, ids, token ranges and order are
 * checked here and in the keeper's state machine. Events of one decode step travel in one frame
 * (kind EVENTS), at least one. The weights descriptor is inherited at AVER_LINK_WEIGHTS_FD, those
 * of adapters after it, the socket at AVER_LINK_SOCKET_FD.
 */

#include "engine/engine.h"

#define AVER_LINK_FRAME_BYTES_MAX (8u * 1024 * 1024)
#define AVER_LINK_SOCKET_FD       3
#define AVER_LINK_WEIGHTS_FD      4
#define AVER_LINK_CALLS_MAX       128                /* calls of tools in one choice */
#define AVER_LINK_CALL_BYTES_MAX  (1024u * 1024)     /* arguments of one */
#define AVER_LINK_TEXT_BYTES_MAX  (2u * 1024 * 1024) /* of one event */
#define AVER_LINK_LOGPROBS_MAX    (AVER_JOB_TOP_LOGPROBS_MAX + 1)

typedef enum aver_link_kind {
    AVER_LINK_LOAD = 1,   /* keeper: options; the first message */
    AVER_LINK_SUBMIT = 2, /* keeper: job id, job */
    AVER_LINK_CANCEL = 3, /* keeper: job id */
    AVER_LINK_READY = 4,  /* engine: info */
    AVER_LINK_EVENTS = 5, /* engine: events of a step */
    AVER_LINK_FAILED = 6, /* engine: could not load; text */
    AVER_LINK_BUSY = 7,   /* engine: job id not taken, waiting list full */
} aver_link_kind;

typedef struct aver_link_message {
    aver_link_kind kind;
    aver_engine_options options; /* LOAD; weights_fd is not carried, texts point into the frame */
    uint64_t job_id;             /* SUBMIT, CANCEL, BUSY */
    aver_job job;                /* SUBMIT; owned, aver_link_message_deinit */
    aver_engine_info info;       /* READY */
    aver_view events;            /* EVENTS: walk with aver_link_event_next */
    aver_view text;              /* FAILED; view into the frame */
} aver_link_message;

/* Appends one frame. */
void aver_link_put_load(aver_buf *out, const aver_engine_options *options);
void aver_link_put_submit(aver_buf *out, uint64_t job_id, const aver_job *job);
void aver_link_put_cancel(aver_buf *out, uint64_t job_id);
void aver_link_put_ready(aver_buf *out, const aver_engine_info *info);
void aver_link_put_failed(aver_buf *out, const char *why);
void aver_link_put_busy(aver_buf *out, uint64_t job_id);
/* events: the encoded events one after the other, made by aver_link_put_event. */
void aver_link_put_events(aver_buf *out, uint64_t count, aver_view events);
void aver_link_put_event(aver_buf *events, const aver_event *event);

/* Size of the first whole frame in bytes (header included), 0 if more must come; FORMAT for a bad
 * size. */
AVER_MUST_USE aver_err aver_link_frame(aver_view bytes, size_t *ret_size);
/* Parses one frame (with its header). Views point into it. */
AVER_MUST_USE aver_err aver_link_parse(aver_view frame, aver_link_message *ret_message);
void aver_link_message_deinit(aver_link_message *message);

/* Room for what an event points to; the caller's. */
typedef struct aver_link_room {
    int32_t *ids; /* STARTED */
    size_t ids_max;
    float *vector; /* VECTOR; NULL if vector_max is 0 */
    size_t vector_max;
    aver_logprob logprobs[AVER_LINK_LOGPROBS_MAX]; /* TOKEN */
} aver_link_room;

/*
 * Next event of an EVENTS message; *ret_more is false at the end. LIMIT if the room is too small.
 * What it points to lives in the message and in room, until the next call.
 */
AVER_MUST_USE aver_err aver_link_event_next(aver_view *events, bool *ret_more,
                                            aver_event *ret_event, aver_link_room *room);

/* The descriptors that the engine reads; in a process of its own the numbers are fixed. */
typedef struct aver_engine_files {
    int weights_fd;
    int adapters[AVER_ENGINE_ADAPTERS_MAX];
} aver_engine_files;

/* As the child of a keeper finds them. */
aver_engine_files aver_link_files(void);

/*
 * The engine's main loop: reads LOAD from the socket, loads the weights, confines itself (seccomp,
 * no new privileges) if confine is set, answers READY and serves until the socket closes. Returns
 * the exit status of the process.
 */
int aver_engine_serve(int socket_fd, const aver_engine_files *files, bool confine);

#endif

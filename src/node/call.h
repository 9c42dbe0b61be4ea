/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_CALL_H
#define AVER_NODE_CALL_H

/*
 * call: one request that is with the engine: from its parsed job to its receipt.
 *
 *   WAITING (no engine) -> SUBMITTED -> STARTED -> (done, refused, engine gone) -> receipt -> freed
 *
 * The client may go away at any time: exchange becomes NULL, the engine is told to stop, and the
 * receipt is still made when it says that it did. Secrets: job, text, tokens and salt, wiped when
 * the call is freed.
 */

#include "aver/stream.h"
#include "crypto/merkle.h"
#include "engine/engine.h"
#include "net/seal.h"
#include "net/server.h"
#include "node/responses.h"

#define AVER_CALL_BODY_BYTES_MAX (32u * 1024 * 1024) /* of a whole answer */

struct aver_keeper;
struct aver_model;

typedef enum aver_call_phase {
    AVER_CALL_WAITING = 1,
    AVER_CALL_SUBMITTED = 2,
    AVER_CALL_STARTED = 3,
} aver_call_phase;

typedef struct aver_call_stream {
    bool open;          /* the head of the answer was sent */
    bool dirty;         /* plain has bytes to be sent */
    aver_buf plain;     /* comments and events not sent yet */
    aver_merkle tree;   /* over the events */
    aver_commit commit; /* over the events */
    uint64_t headed;    /* events under the last signed head */
    uint64_t headed_ns;
} aver_call_stream;

typedef struct aver_call {
    struct aver_keeper *keeper;
    struct aver_model *model; /* whose engine answers */
    struct aver_call *previous, *next;
    aver_exchange *exchange; /* NULL: the client is gone */
    aver_call_phase phase;
    bool cancelled;
    uint64_t job_id;
    aver_job job;
    aver_seal *seal; /* NULL: unsealed over TLS */
    uint8_t salt[32];
    aver_receipt receipt; /* filled as the facts come */
    json_t *tools;        /* of the job; NULL: none */
    aver_openai answer;   /* of chat and completions */
    aver_responses reply; /* of responses */
    int32_t *prompt;      /* ids */
    size_t prompt_count;
    uint32_t cached_count;
    uint32_t read_count;  /* of the prompt, by the engine */
    aver_choice *choices; /* generation: as many as were asked for; else one, empty */
    size_t choices_count;
    aver_buf text;  /* vectors, pieces or text of an answer that is no generation */
    uint32_t parts; /* vectors or pieces in it */
    aver_call_stream stream;
    uint64_t arrived_ns;
    uint64_t first_token_ns; /* 0: none yet */
} aver_call;

/* What a request brings. The call takes seal and job on success and leaves them alone on failure.
 */
typedef struct aver_call_request {
    struct aver_model *model;
    aver_exchange *exchange;
    aver_seal *seal;
    aver_job *job;
    aver_view body; /* the opened request */
    const char *method;
    const char *path; /* without the node's prefix */
    uint64_t arrived_ns;
} aver_call_request;

AVER_MUST_USE aver_err aver_call_new(struct aver_keeper *keeper, const aver_call_request *request,
                                     aver_call **ret_call);
/* Also takes it out of the table; an exchange that is left is cut. */
void aver_call_free(aver_call *call);
/* To the engine if there is one, else the call waits. */
void aver_call_submit(aver_call *call);
/* The client does not want the rest. */
void aver_call_cancel(aver_call *call);

/* True if tokens are drawn for it: chat, completions, responses. */
bool aver_call_generates(const aver_call *call);
/* Tokens of all choices. */
size_t aver_call_generated(const aver_call *call);

/* Of call_events.c: what the engine said. PEER if it must not say that now. The last two free the
 * call. */
AVER_MUST_USE aver_err aver_call_started(aver_call *call, const aver_event *event);
AVER_MUST_USE aver_err aver_call_read(aver_call *call, const aver_event *event);
AVER_MUST_USE aver_err aver_call_token(aver_call *call, const aver_event *event);
AVER_MUST_USE aver_err aver_call_called(aver_call *call, const aver_event *event);
AVER_MUST_USE aver_err aver_call_choice(aver_call *call, const aver_event *event);
AVER_MUST_USE aver_err aver_call_vector(aver_call *call, const aver_event *event);
AVER_MUST_USE aver_err aver_call_text(aver_call *call, const aver_event *event);
AVER_MUST_USE aver_err aver_call_done(aver_call *call, const aver_event *event);
AVER_MUST_USE aver_err aver_call_refused(aver_call *call, const aver_event *event);
/* The engine came to an end of the job: the whole answer, or the end of its stream; frees it. */
void aver_call_end(aver_call *call, aver_finish finish);
/* The engine would not have it: 400 with the reason and a receipt; frees it. */
void aver_call_refuse(aver_call *call, const char *message);
/* Ends the call with an error and an error receipt; frees it. */
void aver_call_fail(aver_call *call, uint32_t status, const char *code, const char *message);
/* Ends a call that never reached an engine: an error, no receipt; frees it. */
void aver_call_turn_away(aver_call *call, const char *code, const char *message);

/* Of call_say.c: what is said of it to the caller, at once in a stream, else in the end. */
AVER_MUST_USE aver_err aver_call_say_init(aver_call *call);
void aver_call_say_deinit(aver_call *call);
void aver_call_say_begin(aver_call *call);
void aver_call_say_piece(aver_call *call, const aver_openai_piece *piece);
void aver_call_say_call(aver_call *call, const aver_openai_call *said);
void aver_call_say_choice(aver_call *call, uint32_t choice);
/* The last events of a stream. message may be NULL unless finish is ERROR. */
void aver_call_say_end(aver_call *call, aver_finish finish, const char *code, const char *message);
/* A whole body. LIMIT if it, or a part of it, is too large. */
AVER_MUST_USE aver_err aver_call_say_whole(aver_call *call, aver_finish finish, aver_buf *out);

/* Of call_stream.c: the streamed form of an answer. */
AVER_MUST_USE aver_err aver_call_stream_begin(aver_call *call);
/* True if events have a reader. */
bool aver_call_stream_heard(const aver_call *call);
/* The event that begins at start of stream.plain is whole: it becomes a leaf. */
void aver_call_stream_close(aver_call *call, size_t start);
/* The last events, then the receipt and the end. message may be NULL unless finish is ERROR. */
void aver_call_stream_finish(aver_call *call, aver_finish finish, const char *code,
                             const char *message);
void aver_call_stream_flush(aver_call *call);
void aver_call_stream_tick(aver_call *call, uint64_t now_ns);

/* Of call_issue.c: signs, counts and keeps the receipt. Both buffers are appended to. */
AVER_MUST_USE aver_err aver_call_issue(aver_call *call, aver_finish finish, uint32_t status,
                                       const uint8_t response_commitment[static 32],
                                       aver_buf *ret_message, aver_buf *ret_tokens);

#endif

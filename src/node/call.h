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
#include "node/openai.h"

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
    aver_openai answer;
    int32_t *tokens; /* prompt ids, then generated ones */
    size_t tokens_capacity;
    size_t prompt_count, generated_count;
    bool ended;         /* the engine told the end of the text */
    aver_finish finish; /* when ended */
    aver_buf text;      /* of a whole answer */
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

/* What the engine said. FORMAT or PEER if it must not say that now. The last two free the call. */
AVER_MUST_USE aver_err aver_call_started(aver_call *call, const aver_event *event);
AVER_MUST_USE aver_err aver_call_token(aver_call *call, const aver_event *event);
AVER_MUST_USE aver_err aver_call_choice(aver_call *call, const aver_event *event);
AVER_MUST_USE aver_err aver_call_done(aver_call *call, const aver_event *event);
AVER_MUST_USE aver_err aver_call_refused(aver_call *call, const aver_event *event);
/* Ends the call with an error and an error receipt; frees it. */
void aver_call_fail(aver_call *call, uint32_t status, const char *code, const char *message);
/* Ends a call that never reached an engine: an error, no receipt; frees it. */
void aver_call_turn_away(aver_call *call, const char *code, const char *message);

/* Of call_stream.c: the streamed form of an answer. */
AVER_MUST_USE aver_err aver_call_stream_begin(aver_call *call);
void aver_call_stream_text(aver_call *call, aver_view text);
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

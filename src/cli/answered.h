/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_ANSWERED_H
#define AVER_CLI_ANSWERED_H

/*
 * answered: one request to a judged node, sealed, and everything that came back: the answer, its
 * signed messages, the verdict. Which endpoint it is for is the caller's business; here bodies are
 * bytes and streams are events.
 *
 * Ownership: init/deinit. Threads: one owner; aver_answered_post blocks.
 */

#include "aver/stream.h"
#include "aver/verify.h"
#include "cli/answer.h"
#include "cli/remote.h"
#include "crypto/merkle.h"

#include <stdatomic.h>

struct aver_session;

#define AVER_ANSWERED_RESPONSE_BYTES_MAX (16u * 1024 * 1024)
/* In the member "aver": how long after its sending a request may still be answered. */
#define AVER_ANSWERED_DEADLINE_MS 600000u

typedef struct aver_answered {
    uint32_t status;                         /* HTTP */
    aver_err transfer;                       /* how the transfer ended */
    char error[AVER_ANSWER_ERROR_BYTES_MAX]; /* what the node said went wrong, or empty */
    uint8_t nonce[32];
    uint8_t salt[32];
    uint8_t enc[32];
    aver_buf request;                        /* the body as it was before it was sealed */
    aver_buf response;                       /* whole body, or the events one after the other */
    aver_buf text;                           /* of the answer, where the caller reads it */
    aver_buf receipt, tokens, opening, head; /* signed messages; empty: did not come */
    aver_buf heads;                          /* all of them, one after the other */
    bool streamed;
    bool sealed; /* only the node can have written it */
    bool done;   /* [DONE] came */
    /* Refused before a byte of an answer, for keys or evidence that the node has no more. */
    bool outdated;
    aver_merkle tree;
    aver_verdict verdict; /* connection and answer */
    aver_receipt fields;  /* meaningful as far as the verdict goes; zero if there was no receipt */
    bool accepted;
    char why[400];
} aver_answered;

/* The answer's head is there: status, sealed and streamed are set. */
typedef aver_err aver_answered_head_fn(const aver_response *response, void *context);
/* An event of the stream, already part of tree and response. */
typedef aver_err aver_answered_event_fn(const aver_stream_item *item, void *context);

typedef struct aver_posting {
    const char *path;
    bool has_nonce; /* reply.nonce is the nonce in the body's member "aver" */
    bool has_seed;  /* the body fixes the seed of the draws */
    uint64_t seed;
    const uint8_t *model_root; /* 32 bytes, of the model asked for; NULL: that of the session */
    bool unproven;             /* a whole answer of this path may come without a receipt */
    size_t response_bytes_max; /* 0: AVER_ANSWERED_RESPONSE_BYTES_MAX */
    const atomic_bool *stop;   /* see aver_client_request; or NULL */
    aver_answered_head_fn *on_head;   /* or NULL; an error ends the transfer */
    aver_answered_event_fn *on_event; /* the same */
    void *context;
} aver_posting;

void aver_answered_init(aver_answered *reply);
void aver_answered_deinit(aver_answered *reply);
/*
 * Seals reply->request, which holds the whole body, to the session's node, sends it over remote,
 * and judges what comes. OK: the verdict is in the reply, a cut stream included; an answer without
 * a seal is never taken, whatever its status. Other errors: no exchange took place. The session is
 * only read, so that several threads may share it, each with a remote of its own; it must be
 * accepted (asserted).
 */
AVER_MUST_USE aver_err aver_answered_post(const struct aver_session *session, aver_remote *remote,
                                          const aver_posting *posting, aver_answered *reply);
/* All that is needed to judge the answer again, offline. */
AVER_MUST_USE aver_err aver_answered_capsule(const struct aver_session *session,
                                             const aver_answered *reply, aver_buf *ret_capsule);

#endif

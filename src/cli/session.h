/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_SESSION_H
#define AVER_CLI_SESSION_H

/*
 * session: one node, judged before it learns anything, then asked over a sealed body.
 *
 *   open:  handshake, /v1/attestation with a fresh nonce, verdict for AVER_USE_CONNECT
 *   ask:   only after an accepted verdict (asserted): sealed request, streamed answer, receipt,
 *          verdict for AVER_USE_ANSWER
 *   renew: the node has other keys now (reply.outdated): evidence and verdict anew, then ask again
 *
 * Ownership: aver_session_new/free; a reply by aver_answered_init/deinit.
 * Threads:   one owner; calls block.
 */

#include "cli/answered.h"
#include "cli/question.h"

typedef struct aver_session_options {
    const char *url;         /* or NULL */
    const char *unix_socket; /* or NULL */
    const char *bearer;      /* or NULL */
    const char *model; /* name of the model asked for; NULL: the first that the policy allows */
    bool any_model;    /* the verdict of the connection is about no model in particular */
    const aver_policy *policy;
    const aver_platform *const *platforms;
    aver_roots roots;
    uint64_t timeout_ms;     /* of the whole session; 0: none */
    uint64_t clock_ahead_ms; /* the reader's clock is this far ahead of the machine's */
} aver_session_options;

typedef struct aver_session {
    aver_session_options options;
    aver_remote remote;
    aver_buf bundle;
    uint8_t nonce[32];
    uint8_t seal_key[32];
    uint8_t model_root[32];
    char model[AVER_NAME_BYTES_MAX]; /* empty: the node has no model of the wanted name */
    aver_verify_context context;     /* as of the connection */
    aver_verdict verdict;            /* of the connection */
    aver_judged judged;
    bool accepted;
    char why[400];
} aver_session;

/* Each new piece of the answer's text, valid UTF-8. */
typedef void aver_session_text_fn(aver_view text, void *context);

/*
 * OK: the verdict is in the session, whatever it is. IO, PEER: there is none, and remote.why says
 * why. ret_session is set in each case but NOMEM.
 */
AVER_MUST_USE aver_err aver_session_new(const aver_session_options *options,
                                        aver_session **ret_session);
/* The same of the same node once more, with another nonce: the former verdict is gone. */
AVER_MUST_USE aver_err aver_session_renew(aver_session *session);
void aver_session_free(aver_session *session);

/* OK: the verdict is in the reply, a cut stream included. Other errors: no exchange took place. */
AVER_MUST_USE aver_err aver_session_ask(aver_session *session, const aver_question *question,
                                        aver_session_text_fn *on_text, void *context,
                                        aver_answered *ret_reply);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_NODE_CLIENT_H
#define AVER_TESTS_SUPPORT_NODE_CLIENT_H

/*
 * node_client: asks a node, sealed or not, and checks what comes back against its keyset: the
 * receipt's signature, every commitment, the stream's tree. One session is one connection of one
 * thread.
 */

#include "aver/bundle.h"
#include "aver/stream.h"
#include "crypto/merkle.h"
#include "net/client.h"
#include "net/seal.h"
#include "support/node_fixture.h"

typedef struct node_session {
    aver_client *client;
    aver_buf bundle; /* bare */
    aver_keyset keyset;
    uint8_t keyset_digest[32];
    uint8_t evidence_digest[32];
    bool plain; /* over the Unix socket */
} node_session;

typedef struct node_question {
    const char *path;
    const char *body;
    bool sealed;
    size_t cut_after_bytes; /* 0: read all; else go away after so many bytes of the answer */
    const char *bearer;     /* full header line, or NULL */
    const char *enc_hex;    /* with sealed_body: sends these instead of sealing body */
    aver_view sealed_body;
    unsigned pause_ms;               /* slept at each piece of the answer: a slow reader */
    void (*on_piece)(void *context); /* called at each piece, may be NULL */
    void *context;
} node_question;

typedef struct node_answer {
    aver_err err; /* of the transfer */
    uint32_t status;
    bool streamed;
    bool done;        /* [DONE] was there */
    bool sealed;      /* the answer was */
    aver_buf body;    /* in the clear: whole body, or the events one after the other */
    aver_buf receipt; /* signed message; empty: none */
    aver_buf tokens;
    aver_buf opening;
    aver_buf head; /* the last one */
    uint64_t heads;
    aver_merkle tree;
    bool has_salt;
    uint8_t salt[32];
    char code[64]; /* of an error, whole or the last event */
    char param[64];
    char retry_after[16];
    char enc_hex[65]; /* what was sent */
    aver_buf sent;
    aver_receipt said; /* the receipt, once node_answer_check found it good */
} node_answer;

/* plain: over the Unix socket, without TLS. Ends the program if the node cannot be reached. */
void node_session_open(node_session *session, const node_fixture *node, bool plain);
/* False if it cannot be reached now. */
bool node_session_try(node_session *session, const node_fixture *node, bool plain);
void node_session_close(node_session *session);

void node_ask(node_session *session, const node_question *question, node_answer *ret_answer);
void node_answer_deinit(node_answer *answer);
/* True if there is a receipt and everything in it that this reader can know is right. Says on
 * stderr what is not. */
bool node_answer_check(const node_session *session, const node_question *question,
                       node_answer *answer);
/* GET; the body, owned by the caller. */
uint32_t node_get(node_session *session, const char *path, aver_buf *ret_body);
/* Joins the text of an answer: content, delta.content or text. Owned by the caller. */
void node_answer_text(const node_answer *answer, aver_buf *ret_text);
/* POST /v1/receipts for the id of the opening; false if the node has none. Fills receipt and
 * tokens. */
bool node_fetch_receipt(node_session *session, const uint8_t id[static 32], node_answer *answer);
uint64_t node_metric(node_session *session, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_PROXY_BODY_H
#define AVER_CLI_PROXY_BODY_H

/*
 * proxy_body: a client's request body, with the member "aver" that the proxy adds. All other bytes
 * stay as the client wrote them: the order of members can matter to a prompt.
 *
 * A client may send a member "aver" of its own: its nonce and deadline are used, its method, path,
 * keyset and evidence must be those of the proxy, and anything else in it is refused. Such a body
 * is written anew, in the same order.
 */

#include "aver/keyset.h"
#include "cli/answer.h"
#include "cli/question.h"

/* What the member says on behalf of the reader. */
typedef struct aver_proxy_claims {
    const char *path;
    aver_question_claims base; /* nonce and deadline give way to the client's */
} aver_proxy_claims;

/* What the proxy needs to know of the body. */
typedef struct aver_proxy_body {
    char model[AVER_NAME_BYTES_MAX]; /* empty: none, or no name that a keyset could hold */
    bool stream;
    uint32_t choices; /* n, at least 1 */
    bool has_seed;
    uint64_t seed;
    uint8_t nonce[32];
} aver_proxy_body;

/* How a body that is refused is answered; the words name no content. */
typedef struct aver_proxy_refusal {
    uint32_t status;
    const char *code;
    const char *param; /* constant or NULL */
    char message[AVER_ANSWER_ERROR_BYTES_MAX];
} aver_proxy_refusal;

/*
 * Appends the body as it will be sealed. LIMIT or FORMAT: it is refused, and ret_refusal says how;
 * other errors leave it alone.
 */
AVER_MUST_USE aver_err aver_proxy_body_make(aver_view body, const aver_proxy_claims *claims,
                                            aver_buf *ret_body, aver_proxy_body *ret_facts,
                                            aver_proxy_refusal *ret_refusal);

#endif

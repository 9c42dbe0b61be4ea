/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_REPLY_H
#define AVER_NODE_REPLY_H

/*
 * reply: whole answers, sealed where the request was. Each of these ends the exchange: the pointer
 * is dead afterwards.
 */

#include "net/seal.h"
#include "net/server.h"

struct aver_keeper;

typedef struct aver_reply {
    aver_exchange *exchange;
    aver_seal *seal; /* borrowed; NULL: as it is */
    uint32_t status;
    const char *content_type;
    aver_view body;
    aver_view receipt; /* signed message for the header Aver-Receipt; may be empty */
} aver_reply;

void aver_reply_send(struct aver_keeper *keeper, const aver_reply *reply);
/* code names the reason, param the member of the request; both may be NULL. */
void aver_reply_error(struct aver_keeper *keeper, aver_exchange *exchange, aver_seal *seal,
                      uint32_t status, const char *code, const char *param, const char *message);
/* Sets the header that says how the body is sealed; once a request. */
AVER_MUST_USE aver_err aver_reply_seal_header(aver_exchange *exchange, aver_seal *seal);

#endif

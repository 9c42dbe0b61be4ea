/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_INBOUND_H
#define AVER_NODE_INBOUND_H

/*
 * inbound: a POST request on its way in: allowed, whole, and opened if it was sealed.
 * Ownership: aver_inbound_deinit; whoever keeps the seal sets it to NULL first.
 */

#include "net/seal.h"
#include "net/server.h"

struct aver_keeper;

typedef struct aver_inbound {
    aver_exchange *exchange;
    aver_seal *seal; /* NULL: unsealed */
    aver_buf plain;  /* what was in the seal; wiped */
    aver_view body;  /* the request in the clear, wherever it lies */
} aver_inbound;

/*
 * False: the exchange was answered with what is wrong (401, 403, 400, 409, 422, 503) and
 * ret_inbound is untouched. On plain channels only sealed bodies pass.
 */
bool aver_inbound_open(struct aver_keeper *keeper, aver_exchange *exchange,
                       aver_inbound *ret_inbound);
void aver_inbound_deinit(aver_inbound *inbound);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_CALLER_H
#define AVER_NODE_CALLER_H

/*
 * caller: who asks, so that callers can take turns and have shares. On a node with a token file it
 * is the bearer token. On one without, where any token is taken and whoever wants many turns could
 * think of many tokens, it is where the connection comes from; what comes over one Unix socket, or
 * through one proxy, is then one caller.
 *
 * The id is the first 16 bytes of HMAC-SHA-256 under a key that is drawn when the node starts and
 * never leaves it: it tells nothing to the engine, and nothing to anybody afterwards. It is neither
 * logged nor in a receipt.
 */

#include "engine/job.h"

#define AVER_CALLER_KEY_BYTES 32

/* checked: tokens are those of a file. authorization: the header's value or NULL. peer: see
 * aver_exchange_peer. */
void aver_caller_id(const uint8_t key[static AVER_CALLER_KEY_BYTES], bool checked,
                    const char *authorization, aver_view peer,
                    uint8_t ret_id[static AVER_JOB_CALLER_BYTES]);

#endif

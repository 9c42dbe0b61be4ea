/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_PROXY_TOKENS_H
#define AVER_CLI_PROXY_TOKENS_H

/*
 * proxy_tokens: the token ids of a whole answer, which the node gives out on request only; without
 * them its capsule could not be computed again. Threads: the worker's.
 */

#include "cli/proxy_answer.h"

/* Sets reply.tokens if the node has them and the receipt commits to them; else leaves it empty. */
void aver_proxy_tokens_fetch(aver_proxy_answer *answer);

#endif

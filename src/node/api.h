/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_API_H
#define AVER_NODE_API_H

/* api: the paths of a node (docs/protocol.md section 2) and those that need no engine. */

#include "net/server.h"

/* The server's handler; context is the keeper. */
void aver_api_handle(aver_exchange *exchange, void *context);

#endif

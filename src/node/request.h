/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_REQUEST_H
#define AVER_NODE_REQUEST_H

/* request: from a POST body to a call at the engine, or to the error that says what is wrong with
 * it. */

#include "engine/job.h"
#include "net/server.h"

struct aver_keeper;

/* path is without the node's prefix, and outlives the call of this function only. */
void aver_request_handle(struct aver_keeper *keeper, aver_exchange *exchange,
                         aver_endpoint endpoint, const char *path);

/*
 * Whose prompts may share memory with this job's: SHA-256("aver/cache/1" || u32be size || bearer
 * token || u32be size || prompt_cache_key), a size of 0 for what there is not; nobody's without
 * either. authorization: the header's value or NULL.
 */
void aver_request_scope(aver_job *job, const char *authorization);

#endif

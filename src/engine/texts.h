/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_TEXTS_H
#define AVER_ENGINE_TEXTS_H

/*
 * texts: the jobs that need no decode: TOKENIZE, DETOKENIZE, APPLY_TEMPLATE. They are done at once,
 * in one call; what would take long is refused by its size. Their texts come in pieces of at most
 * AVER_TEXTS_PIECE_BYTES_MAX bytes, each of whole characters. Threads: the engine's owner.
 */

#include "engine/host.h"

#define AVER_TEXTS_PIECE_BYTES_MAX 32768u
#define AVER_TEXTS_BYTES_MAX       (4u * 1024 * 1024)

bool aver_texts_has(aver_endpoint endpoint);
/* STARTED TEXT ... DONE, or STARTED TOKEN ... DONE for the pieces of ids, or REFUSED. NOMEM: no
 * event was given. */
AVER_MUST_USE aver_err aver_texts_run(const aver_host *host, uint64_t job_id, const aver_job *job,
                                      aver_event_fn *on_event, void *context);

#endif

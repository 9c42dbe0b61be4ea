/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_QUEUE_H
#define AVER_ENGINE_QUEUE_H

/*
 * queue: work that waits for slots. Callers take turns: of each cache scope the oldest work, one
 * scope after the other, so that a caller with a hundred jobs makes another one wait for one job
 * and not for all. Work without a scope counts as one caller together.
 *
 *   turn -> scope A: work work work
 *           scope B: work                  taken: A B C A C A ...
 *           scope C: work work
 *
 * Threads: one owner.
 */

#include "engine/work.h"

typedef struct aver_queue_scope aver_queue_scope;

typedef struct aver_queue {
    aver_queue_scope *turn; /* a ring; the one whose work comes next */
    size_t count;
} aver_queue;

/* Frees the work that is left. */
void aver_queue_deinit(aver_queue *queue);
/* Takes work on success. */
AVER_MUST_USE aver_err aver_queue_put(aver_queue *queue, aver_work *work);
/* Whose turn it is; NULL if nothing waits. */
aver_work *aver_queue_peek(const aver_queue *queue);
/* Gives out what aver_queue_peek shows; the turn goes to the next scope. */
aver_work *aver_queue_take(aver_queue *queue);
/* Gives out the work of this job; NULL if it does not wait. */
aver_work *aver_queue_remove(aver_queue *queue, uint64_t job_id);

#endif

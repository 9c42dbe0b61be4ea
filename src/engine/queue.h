/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_QUEUE_H
#define AVER_ENGINE_QUEUE_H

/*
 * queue: work that waits for slots. Callers take turns: of each caller the oldest work, and next
 * the caller that has been waiting for its turn for longest, so that a caller with a hundred jobs
 * makes another one wait for one job and not for all.
 *
 *   turn -> caller A: work work work
 *           caller B: work                  taken: A B C A C A ...
 *           caller C: work work
 *
 * Work that wants more slots than are idle is passed over by work that fits, of other callers or of
 * its own, so that no slot is idle while something could run in it. Each slot that is given out so
 * counts as a pass of the caller whose oldest work was passed over. At passes_max that work is due:
 * nothing else is taken before it, and the slots that become idle are kept for it. So the oldest
 * work of a caller is taken after at most callers * (passes_max + 4) others, callers being those
 * that wait at once; and each slot that is kept becomes idle when an answer has its last token.
 *
 * Nothing here looks at a clock or at what slots remember. Threads: one owner.
 */

#include "engine/work.h"

/* passes_max of an engine, for each of its slots: work for all of them waits while the others are
 * given out four times. */
#define AVER_QUEUE_PASSES_A_SLOT 4u

typedef struct aver_queue_caller aver_queue_caller;

typedef struct aver_queue {
    aver_queue_caller *turn; /* a ring; the one that comes next */
    size_t count;            /* work of all */
    uint32_t passes_max;     /* the owner's; 0: nothing is ever passed over */
} aver_queue;

/* Frees the work that is left. */
void aver_queue_deinit(aver_queue *queue);
/* Takes work on success. */
AVER_MUST_USE aver_err aver_queue_put(aver_queue *queue, aver_work *work);
/* Gives out the work that is to have slots now, of which so many are idle; NULL if none is. */
aver_work *aver_queue_take(aver_queue *queue, uint32_t idle);
/* Gives out the work of this job; NULL if it does not wait. */
aver_work *aver_queue_remove(aver_queue *queue, uint64_t job_id);
/* True if some work has been passed over as often as it may be. */
bool aver_queue_holds(const aver_queue *queue);

#endif

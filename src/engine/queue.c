/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/queue.h"

#include <stdlib.h>
#include <string.h>

struct aver_queue_caller {
    aver_queue_caller *next, *previous; /* of the ring */
    uint8_t id[AVER_JOB_CALLER_BYTES];
    aver_work *first, *last;
    uint32_t passes; /* slots given to others while first did not fit */
};

/* A place in the queue. */
typedef struct queue_place {
    aver_queue_caller *caller; /* NULL: none */
    aver_work *before;         /* of the same caller; NULL: it is its first */
} queue_place;

static aver_queue_caller *queue_find(const aver_queue *queue, const uint8_t *id)
{
    aver_queue_caller *caller = queue->turn;
    if (caller == NULL) {
        return NULL;
    }
    do {
        if (memcmp(caller->id, id, sizeof(caller->id)) == 0) {
            return caller;
        }
        caller = caller->next;
    } while (caller != queue->turn);
    return NULL;
}

/* At the end: before the one whose turn it is. */
static void ring_insert(aver_queue *queue, aver_queue_caller *caller)
{
    if (queue->turn == NULL) {
        caller->next = caller;
        caller->previous = caller;
        queue->turn = caller;
        return;
    }
    caller->next = queue->turn;
    caller->previous = queue->turn->previous;
    caller->previous->next = caller;
    caller->next->previous = caller;
}

static void ring_unlink(aver_queue *queue, const aver_queue_caller *caller)
{
    if (caller->next == caller) {
        queue->turn = NULL;
        return;
    }
    caller->previous->next = caller->next;
    caller->next->previous = caller->previous;
    queue->turn = queue->turn == caller ? caller->next : queue->turn;
}

static aver_queue_caller *queue_add(aver_queue *queue, const uint8_t *id)
{
    aver_queue_caller *caller = calloc(1, sizeof(*caller));
    if (caller != NULL) {
        memcpy(caller->id, id, sizeof(caller->id));
        ring_insert(queue, caller);
    }
    return caller;
}

aver_err aver_queue_put(aver_queue *queue, aver_work *work)
{
    aver_queue_caller *caller = queue_find(queue, work->job.caller);
    if (caller == NULL) {
        caller = queue_add(queue, work->job.caller);
    }
    if (caller == NULL) {
        return AVER_E_NOMEM;
    }
    work->next = NULL;
    if (caller->last == NULL) {
        caller->first = work;
    } else {
        caller->last->next = work;
    }
    caller->last = work;
    queue->count++;
    return AVER_OK;
}

/* Takes out the work at a place; the caller stays, even if it has no more. */
static aver_work *place_unlink(aver_queue *queue, const queue_place *place)
{
    aver_queue_caller *caller = place->caller;
    aver_work *work = place->before == NULL ? caller->first : place->before->next;
    if (place->before == NULL) {
        caller->first = work->next;
        caller->passes = 0;
    } else {
        place->before->next = work->next;
    }
    if (caller->last == work) {
        caller->last = place->before;
    }
    work->next = NULL;
    queue->count--;
    return work;
}

/* The first one in the ring whose oldest work is due. */
static aver_queue_caller *queue_due(const aver_queue *queue)
{
    aver_queue_caller *caller = queue->turn;
    if (caller == NULL) {
        return NULL;
    }
    do {
        if (caller->passes >= queue->passes_max) {
            return caller;
        }
        caller = caller->next;
    } while (caller != queue->turn);
    return NULL;
}

bool aver_queue_holds(const aver_queue *queue)
{
    return queue_due(queue) != NULL;
}

/* The oldest work of a caller that fits; no place if none does. */
static queue_place caller_fit(aver_queue_caller *caller, uint32_t idle)
{
    aver_work *before = NULL;
    for (aver_work *work = caller->first; work != NULL; before = work, work = work->next) {
        if (work->choices_count <= idle) {
            return (queue_place){.caller = caller, .before = before};
        }
    }
    return (queue_place){.caller = NULL};
}

/* The first work in turn order that fits. */
static queue_place queue_fit(const aver_queue *queue, uint32_t idle)
{
    queue_place place = {.caller = NULL};
    aver_queue_caller *caller = queue->turn;
    if (caller == NULL || idle == 0) {
        return place;
    }
    do {
        place = caller_fit(caller, idle);
        caller = caller->next;
    } while (place.caller == NULL && caller != queue->turn);
    return place;
}

/* The work at this place passes over the oldest of all callers before its own, and of its own if it
 * is not that itself. */
static void queue_pass(const aver_queue *queue, const queue_place *place, uint32_t slots)
{
    for (aver_queue_caller *caller = queue->turn; caller != place->caller; caller = caller->next) {
        caller->passes += slots;
    }
    if (place->before != NULL) {
        place->caller->passes += slots;
    }
}

aver_work *aver_queue_take(aver_queue *queue, uint32_t idle)
{
    aver_queue_caller *due = queue_due(queue);
    queue_place place = {.caller = due};
    if (due == NULL) {
        place = queue_fit(queue, idle);
    }
    aver_queue_caller *caller = place.caller;
    if (caller == NULL || (due != NULL && due->first->choices_count > idle)) {
        return NULL;
    }
    aver_work *work = place_unlink(queue, &place);
    if (due == NULL) {
        queue_pass(queue, &place, work->choices_count);
    }
    ring_unlink(queue, caller);
    if (caller->first == NULL) {
        free(caller);
    } else {
        ring_insert(queue, caller);
    }
    return work;
}

static aver_work *caller_remove(aver_queue *queue, aver_queue_caller *caller, uint64_t job_id)
{
    queue_place place = {.caller = caller};
    for (const aver_work *work = caller->first; work != NULL; work = work->next) {
        if (work->job_id == job_id) {
            return place_unlink(queue, &place);
        }
        place.before = place.before == NULL ? caller->first : place.before->next;
    }
    return NULL;
}

aver_work *aver_queue_remove(aver_queue *queue, uint64_t job_id)
{
    aver_queue_caller *caller = queue->turn;
    aver_work *work = NULL;
    if (caller == NULL) {
        return NULL;
    }
    do {
        work = caller_remove(queue, caller, job_id);
        if (work != NULL && caller->first == NULL) {
            ring_unlink(queue, caller);
            free(caller);
            return work;
        }
        caller = caller->next;
    } while (work == NULL && caller != queue->turn);
    return work;
}

void aver_queue_deinit(aver_queue *queue)
{
    while (queue->turn != NULL) {
        aver_work_free(aver_queue_take(queue, UINT32_MAX));
    }
}

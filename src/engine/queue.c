/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/queue.h"

#include <stdlib.h>
#include <string.h>

struct aver_queue_scope {
    aver_queue_scope *next, *previous; /* of the ring */
    bool named;
    uint8_t scope[32];
    aver_work *first, *last;
};

static aver_queue_scope *queue_find(const aver_queue *queue, const aver_job *job)
{
    aver_queue_scope *scope = queue->turn;
    if (scope == NULL) {
        return NULL;
    }
    do {
        if (scope->named == job->has_cache_scope &&
            (!scope->named || memcmp(scope->scope, job->cache_scope, sizeof(scope->scope)) == 0)) {
            return scope;
        }
        scope = scope->next;
    } while (scope != queue->turn);
    return NULL;
}

/* A new caller comes last: before the one whose turn it is. */
static aver_queue_scope *queue_add_scope(aver_queue *queue, const aver_job *job)
{
    aver_queue_scope *scope = calloc(1, sizeof(*scope));
    if (scope == NULL) {
        return NULL;
    }
    scope->named = job->has_cache_scope;
    memcpy(scope->scope, job->cache_scope, sizeof(scope->scope));
    if (queue->turn == NULL) {
        scope->next = scope;
        scope->previous = scope;
        queue->turn = scope;
    } else {
        scope->next = queue->turn;
        scope->previous = queue->turn->previous;
        scope->previous->next = scope;
        scope->next->previous = scope;
    }
    return scope;
}

static void queue_drop_scope(aver_queue *queue, aver_queue_scope *scope)
{
    if (scope->next == scope) {
        queue->turn = NULL;
    } else {
        scope->previous->next = scope->next;
        scope->next->previous = scope->previous;
        queue->turn = queue->turn == scope ? scope->next : queue->turn;
    }
    free(scope);
}

void aver_queue_deinit(aver_queue *queue)
{
    while (queue->turn != NULL) {
        aver_work_free(aver_queue_take(queue));
    }
}

aver_err aver_queue_put(aver_queue *queue, aver_work *work)
{
    aver_queue_scope *scope = queue_find(queue, &work->job);
    if (scope == NULL) {
        scope = queue_add_scope(queue, &work->job);
    }
    if (scope == NULL) {
        return AVER_E_NOMEM;
    }
    work->next = NULL;
    if (scope->last == NULL) {
        scope->first = work;
    } else {
        scope->last->next = work;
    }
    scope->last = work;
    queue->count++;
    return AVER_OK;
}

aver_work *aver_queue_peek(const aver_queue *queue)
{
    return queue->turn == NULL ? NULL : queue->turn->first;
}

/* before: the work that stands before it in its scope, NULL if it is the first. */
static void scope_unlink(aver_queue *queue, aver_queue_scope *scope, aver_work *before,
                         aver_work *work)
{
    if (before == NULL) {
        scope->first = work->next;
    } else {
        before->next = work->next;
    }
    if (scope->last == work) {
        scope->last = before;
    }
    work->next = NULL;
    queue->count--;
    if (scope->first == NULL) {
        queue_drop_scope(queue, scope);
    }
}

aver_work *aver_queue_take(aver_queue *queue)
{
    aver_queue_scope *scope = queue->turn;
    if (scope == NULL) {
        return NULL;
    }
    aver_work *work = scope->first;
    queue->turn = scope->next;
    scope_unlink(queue, scope, NULL, work);
    return work;
}

static aver_work *scope_remove(aver_queue *queue, aver_queue_scope *scope, uint64_t job_id)
{
    aver_work *before = NULL;
    for (aver_work *work = scope->first; work != NULL; before = work, work = work->next) {
        if (work->job_id == job_id) {
            scope_unlink(queue, scope, before, work);
            return work;
        }
    }
    return NULL;
}

aver_work *aver_queue_remove(aver_queue *queue, uint64_t job_id)
{
    aver_queue_scope *scope = queue->turn;
    aver_queue_scope *last = scope == NULL ? NULL : scope->previous;
    while (scope != NULL) {
        aver_queue_scope *next = scope->next;
        bool end = scope == last;
        aver_work *work = scope_remove(queue, scope, job_id);
        if (work != NULL) {
            return work;
        }
        scope = end ? NULL : next;
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sampler_space.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t space_mutex = PTHREAD_MUTEX_INITIALIZER;
static aver_sampler_space *space_kept;
static size_t space_members;

static void space_free(aver_sampler_space *space)
{
    free(space->logits);
    free(space->candidates);
    free(space->weights);
    free(space);
}

static aver_err space_new(uint32_t size, aver_sampler_space **ret_space)
{
    aver_sampler_space *space = calloc(1, sizeof(*space));
    if (space == NULL) {
        return AVER_E_NOMEM;
    }
    space->size = size;
    space->logits = malloc(((size_t)size + 1) * sizeof(*space->logits));
    space->candidates = malloc(((size_t)size + 1) * sizeof(*space->candidates));
    space->weights = malloc(((size_t)size + 1) * sizeof(*space->weights));
    if (space->logits == NULL || space->candidates == NULL || space->weights == NULL) {
        space_free(space);
        return AVER_E_NOMEM;
    }
    *ret_space = space;
    return AVER_OK;
}

void aver_sampler_space_join(void)
{
    (void)pthread_mutex_lock(&space_mutex);
    space_members++;
    (void)pthread_mutex_unlock(&space_mutex);
}

void aver_sampler_space_leave(void)
{
    aver_sampler_space *kept = NULL;
    (void)pthread_mutex_lock(&space_mutex);
    if (--space_members == 0) {
        kept = space_kept;
        space_kept = NULL;
    }
    (void)pthread_mutex_unlock(&space_mutex);
    while (kept != NULL) {
        aver_sampler_space *next = kept->next;
        space_free(kept);
        kept = next;
    }
}

aver_err aver_sampler_space_take(uint32_t size, aver_sampler_space **ret_space)
{
    (void)pthread_mutex_lock(&space_mutex);
    aver_sampler_space **at = &space_kept;
    while (*at != NULL && (*at)->size < size) {
        at = &(*at)->next;
    }
    aver_sampler_space *found = *at;
    if (found != NULL) {
        *at = found->next;
    }
    (void)pthread_mutex_unlock(&space_mutex);
    if (found == NULL) {
        return space_new(size, ret_space);
    }
    *ret_space = found;
    return AVER_OK;
}

void aver_sampler_space_give(aver_sampler_space *space)
{
    if (space == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&space_mutex);
    space->next = space_kept;
    space_kept = space;
    (void)pthread_mutex_unlock(&space_mutex);
}

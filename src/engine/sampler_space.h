/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SAMPLER_SPACE_H
#define AVER_ENGINE_SAMPLER_SPACE_H

/*
 * sampler_space: the room that one draw needs, lent for as long as the draw takes; private to
 * src/engine/sampler*.c. It holds nothing from one draw to the next, and it is large (28 bytes a
 * token of the vocabulary): so a hundred samplers of one thread share one, and greedy ones without
 * penalties need none.
 * Threads: any; each lent space has one owner.
 */

#include "aver/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct aver_sampler_candidate {
    float logit;
    int32_t token;
    double weight;
} aver_sampler_candidate;

typedef struct aver_sampler_space {
    struct aver_sampler_space *next;
    uint32_t size;                      /* of each, in tokens */
    float *logits;                      /* after penalties */
    aver_sampler_candidate *candidates; /* unsorted or sorted */
    double *weights;                    /* by id */
} aver_sampler_space;

/* Each sampler joins while it lives; what is kept for lending is freed when the last one leaves. */
void aver_sampler_space_join(void);
void aver_sampler_space_leave(void);
AVER_MUST_USE aver_err aver_sampler_space_take(uint32_t size, aver_sampler_space **ret_space);
/* NULL is no space. */
void aver_sampler_space_give(aver_sampler_space *space);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SAMPLER_SELECT_H
#define AVER_ENGINE_SAMPLER_SELECT_H

/*
 * sampler_select: the few candidates of a whole vocabulary that a cut can keep; private to
 * src/engine/sampler*.c. Each function comes twice: with vector instructions where the processor
 * has them, and without, for processors that have none and for tests. Both give the same bits.
 */

#include "engine/sampler_space.h"

#include <stdbool.h>

/* True if a stands before b in the order of candidates: by falling logit, ties by rising id. */
static inline bool aver_sampler_before(const aver_sampler_candidate *a,
                                       const aver_sampler_candidate *b)
{
    return a->logit > b->logit || (!(a->logit < b->logit) && a->token < b->token);
}

/* The k first of the finite logits in order of candidates, with weight 0; returns how many there
 * are. ret_candidates holds at least min(k, size). */
size_t aver_sampler_select(const float *logits, uint32_t size, size_t k,
                           aver_sampler_candidate *ret_candidates);
size_t aver_sampler_select_scalar(const float *logits, uint32_t size, size_t k,
                                  aver_sampler_candidate *ret_candidates);

/* The tokens whose weight is at least least and above 0, by rising id; returns how many there are.
 * ret_candidates holds at least size. */
size_t aver_sampler_gather(const float *logits, const double *weights, uint32_t size, double least,
                           aver_sampler_candidate *ret_candidates);
size_t aver_sampler_gather_scalar(const float *logits, const double *weights, uint32_t size,
                                  double least, aver_sampler_candidate *ret_candidates);

#endif

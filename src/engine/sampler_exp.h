/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SAMPLER_EXP_H
#define AVER_ENGINE_SAMPLER_EXP_H

/* sampler_exp: the weights of a whole row of logits; private to src/engine/sampler*.c. */

#include "engine/sampler.h"

/*
 * weights[i] = exp((logits[i] - highest) * scale); 0 for logits that are not finite. The same bits
 * as aver_sampler_exp of each, with or without vector instructions.
 */
void aver_sampler_weigh(const float *logits, uint32_t size, float highest, double scale,
                        double *ret_weights);

#endif

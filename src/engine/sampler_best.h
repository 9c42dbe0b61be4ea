/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SAMPLER_BEST_H
#define AVER_ENGINE_SAMPLER_BEST_H

/* sampler_best: the highest of a row of logits; private to src/engine/sampler*.c. */

#include <stdint.h>

/* The highest finite logit, ties to the lowest id; -1 if none is finite. With vector instructions
 * where the processor has them. */
int32_t aver_sampler_best(const float *logits, uint32_t count);
/* The same without them, for processors that have none, and for tests. */
int32_t aver_sampler_best_scalar(const float *logits, uint32_t count);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SAMPLER_H
#define AVER_ENGINE_SAMPLER_H

/*
 * sampler: from a row of raw logits to one token, the same bits on every machine.
 *
 * Order: repetition, frequency and presence penalties over the last AVER_SAMPLER_WINDOW tokens
 * (repetition: prompt included, positive logits divided and others multiplied once a token;
 * frequency and presence: over generated tokens only). Logits that are not finite are no
 * candidates. Temperature 0: the highest logit, ties to the lowest id. Else weight = exp((logit -
 * highest) / temperature), then top_k, top_p (a share of the sum of what top_k left) and min_p (a
 * share of the highest weight), each over the candidates by falling logit, ties to the lowest id;
 * then one draw over what is left: by falling logit if any of the three cuts, in order of id if
 * none does. The draw of step i is the top 53 bits of SHA-256("aver/draw/1" || u64be seed || u64be
 * i), so any step can be repeated alone. Where a grammar refuses the token drawn, one draw is made
 * anew over those that it allows, by "aver/redraw/1" in the place of "aver/draw/1".
 *
 * exp is our own polynomial: libm's differs between versions. Everything runs in double precision,
 * compiled without contraction, and each sum in one fixed order: over sorted candidates one after
 * the other; over the whole vocabulary eight sums side by side, id i going to sum i mod 8, then
 * ((0+1)+(2+3))+((4+5)+(6+7)).
 * Threads: one owner.
 */

#include "engine/job.h"

#define AVER_SAMPLER_WINDOW 64

typedef struct aver_sampler aver_sampler;

AVER_MUST_USE aver_err aver_sampler_new(uint32_t vocabulary_size, const aver_sampling *sampling,
                                        aver_sampler **ret_sampler);
void aver_sampler_free(aver_sampler *sampler);
/* Makes a token known to the penalties. */
void aver_sampler_accept(aver_sampler *sampler, int32_t token, bool generated);
/* logits are read only. step counts generated tokens from 0. FORMAT if no logit is finite. */
AVER_MUST_USE aver_err aver_sampler_draw(aver_sampler *sampler, const float *logits, uint64_t step,
                                         int32_t *ret_token);
/* The draw made anew: allowed[id] tells whether a token is a candidate. */
AVER_MUST_USE aver_err aver_sampler_redraw(aver_sampler *sampler, const float *logits,
                                           const bool *allowed, uint64_t step, int32_t *ret_token);
/* The deterministic exp used above, for x <= 0; exposed for its tests. */
double aver_sampler_exp(double x);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_LOGPROBS_H
#define AVER_ENGINE_LOGPROBS_H

/*
 * logprobs: how likely a token and its rivals were at one step: the logarithm of the softmax over
 * the logits after logit_bias and before everything else, in millionths, rounded to the nearest.
 * Rivals by falling logit, ties to the lowest id. A logit that is not finite is no candidate: its
 * token has the least value there is. Threads: one owner.
 */

#include "engine/host.h"

#define AVER_LOGPROBS_MAX       (1 + AVER_JOB_TOP_LOGPROBS_MAX)
#define AVER_LOGPROBS_PPM_LEAST (-2000000000)

typedef struct aver_logprobs {
    aver_logprob list[AVER_LOGPROBS_MAX];
    size_t count;
    aver_buf pieces; /* what the views of list point into */
} aver_logprobs;

void aver_logprobs_init(aver_logprobs *logprobs);
void aver_logprobs_deinit(aver_logprobs *logprobs);
/* The drawn token first, then the top most likely ones (the drawn one may be among them). logits:
 * one for each token of the host's vocabulary. */
AVER_MUST_USE aver_err aver_logprobs_read(aver_logprobs *logprobs, const aver_host *host,
                                          const float *logits, int32_t drawn, uint32_t top);

/* Of those, what needs no host; for its tests too. ret_list has room for 1 + top, without pieces;
 * gives how many there are. */
size_t aver_logprobs_rank(const float *logits, uint32_t size, int32_t drawn, uint32_t top,
                          aver_logprob *ret_list);

#endif

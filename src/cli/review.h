/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_REVIEW_H
#define AVER_CLI_REVIEW_H

/*
 * review: a saved answer computed again from its model: first that request, answer and tokens are
 * those that the receipt commits to, then one pass of the engine over them.
 */

#include "aver/capsule.h"
#include "engine/recheck.h"

typedef struct aver_review_options {
    aver_view capsule;
    const char *model_path;
    const char *lora;        /* as served.h has them; NULL: none */
    uint32_t threads;        /* 0: one less than the cores */
    bool tokens_uncommitted; /* take the token ids as they are, whatever the receipt says */
} aver_review_options;

typedef struct aver_review {
    const char *broken; /* named check that the capsule itself fails, or NULL */
    bool judged;        /* result is filled */
    aver_recheck_result result;
    uint64_t prompt_tokens, generated_tokens;
    char why[240]; /* why it could not be judged, or what is broken */
} aver_review;

/* Errors only where memory or files fail; everything about the answer is in the review. */
AVER_MUST_USE aver_err aver_review_run(const aver_review_options *options, aver_review *ret_review);

#endif

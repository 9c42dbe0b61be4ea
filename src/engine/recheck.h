/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_RECHECK_H
#define AVER_ENGINE_RECHECK_H

/*
 * recheck: repeats an answer of profile "verified" in one pass (prompt and claimed tokens together)
 * and says whether the same engine would have given it: prompt tokens, every drawn token, text,
 * finish, step digest.
 */

#include "engine/engine.h"

typedef enum aver_recheck_outcome {
    AVER_RECHECK_SAME = 1,
    AVER_RECHECK_PROMPT = 2, /* the prompt tokens are not those of the request */
    AVER_RECHECK_TOKEN = 3,  /* position holds the first wrong token */
    AVER_RECHECK_TEXT = 4,   /* the tokens do not spell the answer */
    AVER_RECHECK_FINISH = 5, /* it stopped too early, too late or for another reason */
    AVER_RECHECK_DIGEST = 6, /* all tokens are right and the digest is not */
    AVER_RECHECK_CANNOT = 7, /* another model, class, profile or configuration: no judgement */
} aver_recheck_outcome;

typedef struct aver_recheck_claim {
    const aver_job *job; /* with the seed of the receipt filled in */
    const int32_t *prompt_ids;
    size_t prompt_count;
    const int32_t *generated_ids;
    size_t generated_count;
    aver_view text; /* the answer's text as the client joined it */
    aver_finish finish;
    uint8_t step_digest[32];
    uint8_t numeric_class[32];
    /* Of the configuration that the answer was given under; NULL: not compared. */
    const uint8_t *template_digest; /* 32 bytes */
    const char *kv_type;
} aver_recheck_claim;

typedef struct aver_recheck_result {
    aver_recheck_outcome outcome;
    uint64_t position; /* TOKEN: index among the generated tokens */
    int32_t token_claimed;
    int32_t token_expected;
    char detail[200];
} aver_recheck_result;

AVER_MUST_USE aver_err aver_recheck_run(const aver_engine_options *options,
                                        const aver_recheck_claim *claim,
                                        aver_recheck_result *ret_result);

#endif

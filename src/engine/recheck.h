/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_RECHECK_H
#define AVER_ENGINE_RECHECK_H

/*
 * recheck: repeats an answer of profile "verified" in one pass (prompt and claimed tokens together)
 * and says whether the same engine would have given it: prompt tokens, every drawn token of each
 * choice, its text, its calls of tools, its finish, and the step digest of all.
 */

#include "engine/engine.h"
#include "engine/speech.h"

typedef enum aver_recheck_outcome {
    AVER_RECHECK_SAME = 1,
    AVER_RECHECK_PROMPT = 2, /* the prompt tokens are not those of the request */
    AVER_RECHECK_TOKEN = 3,  /* position holds the first wrong token */
    AVER_RECHECK_TEXT = 4,   /* the tokens do not spell the answer */
    AVER_RECHECK_FINISH = 5, /* it stopped too early, too late or for another reason */
    AVER_RECHECK_DIGEST = 6, /* all tokens are right and the digest is not */
    AVER_RECHECK_CANNOT = 7, /* another model, class, profile or configuration: no judgement */
    AVER_RECHECK_CALL = 8,   /* the tokens do not make the calls of the answer */
} aver_recheck_outcome;

typedef struct aver_recheck_choice {
    const int32_t *ids;
    size_t count;
    aver_view text; /* as the client joined it */
    const aver_speech_call *calls;
    size_t calls_count;
    aver_finish finish; /* ABORTED or ERROR: what is there is judged, not that it ends */
} aver_recheck_choice;

typedef struct aver_recheck_claim {
    const aver_job *job; /* with the seed of the receipt filled in */
    const int32_t *prompt_ids;
    size_t prompt_count;
    aver_recheck_choice choices[AVER_JOB_CHOICES_MAX];
    size_t choices_count;
    uint8_t step_digest[32];
    uint8_t numeric_class[32];
    /* Of the configuration that the answer was given under; NULL: not compared. */
    const uint8_t *template_digest; /* 32 bytes */
    const char *kv_type;
} aver_recheck_claim;

typedef struct aver_recheck_result {
    aver_recheck_outcome outcome;
    uint32_t choice;   /* all but SAME, PROMPT, DIGEST and CANNOT */
    uint64_t position; /* TOKEN: index among the generated tokens of the choice */
    int32_t token_claimed;
    int32_t token_expected;
    char detail[200];
} aver_recheck_result;

AVER_MUST_USE aver_err aver_recheck_run(const aver_engine_options *options,
                                        const aver_recheck_claim *claim,
                                        aver_recheck_result *ret_result);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_ANSWER_H
#define AVER_ENGINE_ANSWER_H

/*
 * answer: the state of one answer between two tokens: sampler, spelling, step digest, and the rules
 * by which it ends. Engine and re-check drive the same code, so that both end an answer at the same
 * token for the same reason.
 */

#include "crypto/hash.h"
#include "engine/host.h"
#include "engine/sampler.h"
#include "engine/speech.h"
#include "engine/speech_guard.h"
#include "engine/spell.h"

#define AVER_ANSWER_PIECE_BYTES 4096

typedef struct aver_answer {
    const aver_host *host;
    const aver_speech_plan *plan; /* NULL: plain text */
    aver_speech *speech;          /* NULL: plain text */
    aver_guard guard;
    bool *allowed; /* tokens, where a grammar has to choose; NULL: not needed yet */
    bool cut;      /* the grammar allows nothing more, and the text is not whole */
    aver_sampling sampling;
    aver_buf stops[AVER_JOB_STOPS_MAX];
    size_t stops_count;
    const aver_bias *biases; /* borrowed from the job */
    size_t biases_count;
    float *biased;       /* a row of logits after them; NULL without biases */
    const float *logits; /* of the last draw, after biases */
    aver_sampler *sampler;
    aver_spell spell;
    uint8_t digest[AVER_SHA256_BYTES];
    uint32_t generated_count;
    uint32_t generated_max;
    bool ended;         /* no token may follow */
    aver_finish finish; /* when ended */
} aver_answer;

/*
 * Copies what it needs of the job but its biases, which are borrowed until deinit; plan (NULL:
 * plain text) is borrowed until deinit. The prompt must fit the host's context. choice counts from
 * 0 and decides the seed (engine.h).
 */
AVER_MUST_USE aver_err aver_answer_init(aver_answer *answer, const aver_host *host,
                                        const aver_job *job, const aver_speech_plan *plan,
                                        uint32_t choice, const int32_t *prompt_ids,
                                        size_t prompt_count);
void aver_answer_deinit(aver_answer *answer);
/* Where a grammar allows no token, the one that ends a text; FORMAT if there is none. */
AVER_MUST_USE aver_err aver_answer_draw(aver_answer *answer, const float *logits,
                                        int32_t *ret_token);
/* The logits of the last draw after logit_bias; they live as long as those that it was given. */
const float *aver_answer_logits(const aver_answer *answer);
/* Takes the next token; hidden may be NULL (no digest then). *ret_text lives until the next call.
 */
AVER_MUST_USE aver_err aver_answer_take(aver_answer *answer, int32_t token, const float *hidden,
                                        aver_view *ret_text);
/*
 * Once, when the answer has ended (by take): what was still held back. Only then is answer->finish
 * certain: an answer that called tools and stopped finishes by TOOL.
 */
AVER_MUST_USE aver_err aver_answer_flush(aver_answer *answer, aver_view *ret_text);
/* The calls that the last take or flush made whole, in order, after its text; they live until the
 * next take or flush. */
const aver_speech_call *aver_answer_calls(const aver_answer *answer, size_t *ret_count);
/* The step digest of a whole answer from those of its choices (engine.h). */
void aver_answer_join_digests(const uint8_t (*digests)[AVER_SHA256_BYTES], size_t count,
                              uint8_t ret_digest[static AVER_SHA256_BYTES]);

#endif

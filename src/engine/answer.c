/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/answer.h"

#include <stdlib.h>
#include <string.h>

#define PPM 1000000.0

static void digest_begin(uint8_t digest[static 32], const int32_t *ids, size_t count)
{
    uint8_t number[4];
    aver_sha256 hash;
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_LITERAL("aver/step/1"));
    aver_be32_write(number, (uint32_t)count);
    aver_sha256_update(&hash, AVER_VIEW_OF(number));
    for (size_t i = 0; i < count; i++) {
        aver_be32_write(number, (uint32_t)ids[i]);
        aver_sha256_update(&hash, AVER_VIEW_OF(number));
    }
    aver_sha256_final(&hash, digest);
}

static void digest_step(uint8_t digest[static 32], int32_t token, aver_view row)
{
    uint8_t number[4];
    aver_sha256 hash;
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, aver_view_make(digest, AVER_SHA256_BYTES));
    aver_be32_write(number, (uint32_t)token);
    aver_sha256_update(&hash, AVER_VIEW_OF(number));
    aver_sha256_update(&hash, row);
    aver_sha256_final(&hash, digest);
}

static aver_err answer_copy_stops(aver_answer *answer, const aver_job *job)
{
    aver_err err = AVER_OK;
    for (size_t i = 0; i < job->stops_count && err == AVER_OK; i++) {
        aver_buf_init(&answer->stops[i], AVER_JOB_STOP_BYTES_MAX);
        aver_buf_append(&answer->stops[i], aver_buf_view(&job->stops[i]));
        err = aver_buf_status(&answer->stops[i]);
        answer->stops_count++;
    }
    return err;
}

static aver_err answer_set_biases(aver_answer *answer, const aver_job *job, uint32_t vocabulary)
{
    for (size_t i = 0; i < job->biases_count; i++) {
        if (job->biases[i].token < 0 || (uint32_t)job->biases[i].token >= vocabulary) {
            return AVER_E_FORMAT;
        }
    }
    if (job->biases_count > 0) {
        answer->biased = calloc(vocabulary, sizeof(*answer->biased));
        if (answer->biased == NULL) {
            return AVER_E_NOMEM;
        }
    }
    answer->biases = job->biases;
    answer->biases_count = job->biases_count;
    return AVER_OK;
}

/* Choice 0 keeps the job's seed; the others have 53 bits each that follow from it. */
static uint64_t answer_seed(uint64_t seed, uint32_t choice)
{
    uint8_t numbers[16];
    uint8_t digest[AVER_SHA256_BYTES];
    if (choice == 0) {
        return seed;
    }
    aver_be64_write(numbers, seed);
    aver_be64_write(numbers + 8, choice);
    aver_sha256_tagged("aver/choice/1", AVER_VIEW_OF(numbers), (aver_view){NULL, 0}, digest);
    return aver_be64_read(digest) >> 11;
}

aver_err aver_answer_init(aver_answer *answer, const aver_host *host, const aver_job *job,
                          const aver_speech_plan *plan, uint32_t choice, const int32_t *prompt_ids,
                          size_t prompt_count)
{
    const aver_engine_info *info = aver_host_info(host);
    memset(answer, 0, sizeof(*answer));
    answer->host = host;
    answer->plan = plan;
    answer->sampling = job->sampling;
    answer->sampling.seed = answer_seed(job->sampling.seed, choice);
    answer->generated_max = info->context_tokens - (uint32_t)prompt_count + 1;
    if (job->max_tokens != 0 && job->max_tokens < answer->generated_max) {
        answer->generated_max = job->max_tokens;
    }
    aver_err err = answer_copy_stops(answer, job);
    err = err == AVER_OK ? answer_set_biases(answer, job, info->vocabulary_size) : err;
    aver_spell_init(&answer->spell, answer->stops, answer->stops_count);
    if (err == AVER_OK) {
        err = aver_sampler_new(info->vocabulary_size, &answer->sampling, &answer->sampler);
    }
    err = err == AVER_OK ? aver_guard_init(&answer->guard, plan, host) : err;
    if (err == AVER_OK && plan != NULL) {
        err = aver_speech_new(plan, &answer->speech);
    }
    if (err != AVER_OK) {
        aver_answer_deinit(answer);
        return err;
    }
    digest_begin(answer->digest, prompt_ids, prompt_count);
    for (size_t i = 0; i < prompt_count; i++) {
        aver_sampler_accept(answer->sampler, prompt_ids[i], false);
    }
    return AVER_OK;
}

void aver_answer_deinit(aver_answer *answer)
{
    aver_sampler_free(answer->sampler);
    free(answer->biased);
    aver_speech_free(answer->speech);
    aver_guard_deinit(&answer->guard);
    free(answer->allowed);
    aver_spell_deinit(&answer->spell);
    for (size_t i = 0; i < answer->stops_count; i++) {
        aver_buf_deinit(&answer->stops[i]);
    }
    memset(answer, 0, sizeof(*answer));
}

static const float *answer_bias(aver_answer *answer, const float *logits)
{
    if (answer->biases_count == 0) {
        return logits;
    }
    memcpy(answer->biased, logits,
           aver_host_info(answer->host)->vocabulary_size * sizeof(*answer->biased));
    for (size_t i = 0; i < answer->biases_count; i++) {
        float *logit = &answer->biased[answer->biases[i].token];
        *logit = (float)((double)*logit + answer->biases[i].bias_ppm / PPM);
    }
    return answer->biased;
}

/* The tokens that the grammar allows, such as end a text too. */
static aver_err answer_allowed(aver_answer *answer, size_t *ret_count)
{
    uint32_t size = aver_host_info(answer->host)->vocabulary_size;
    if (answer->allowed == NULL) {
        answer->allowed = calloc((size_t)size + 1, sizeof(*answer->allowed));
    }
    if (answer->allowed == NULL) {
        return AVER_E_NOMEM;
    }
    *ret_count = aver_guard_allowed(&answer->guard, answer->allowed);
    for (uint32_t i = 0; i < size && aver_guard_whole(&answer->guard); i++) {
        bool ends = aver_host_is_end(answer->host, (int32_t)i);
        answer->allowed[i] = answer->allowed[i] || ends;
        *ret_count += ends ? 1 : 0;
    }
    return AVER_OK;
}

/* The grammar has refused the token drawn. */
static aver_err answer_redraw(aver_answer *answer, int32_t *ret_token)
{
    size_t count = 0;
    aver_err err = answer_allowed(answer, &count);
    if (err == AVER_OK && count != 0) {
        err = aver_sampler_redraw(answer->sampler, answer->logits, answer->allowed,
                                  answer->generated_count, ret_token);
        if (err != AVER_E_FORMAT) {
            return err;
        }
    }
    if (err != AVER_OK && err != AVER_E_FORMAT) {
        return err;
    }
    int32_t end = aver_prompt_end(aver_host_prompt(answer->host));
    if (end < 0) {
        return AVER_E_FORMAT;
    }
    answer->cut = !aver_guard_whole(&answer->guard);
    *ret_token = end;
    return AVER_OK;
}

aver_err aver_answer_draw(aver_answer *answer, const float *logits, int32_t *ret_token)
{
    int32_t token = 0;
    answer->logits = answer_bias(answer, logits);
    aver_err err =
        aver_sampler_draw(answer->sampler, answer->logits, answer->generated_count, &token);
    if (err == AVER_OK &&
        !aver_guard_allows(&answer->guard, token, aver_host_is_end(answer->host, token))) {
        err = answer_redraw(answer, &token);
    }
    if (err == AVER_OK) {
        *ret_token = token;
    }
    return err;
}

const float *aver_answer_logits(const aver_answer *answer)
{
    return answer->logits;
}

static void answer_end(aver_answer *answer, aver_finish finish)
{
    answer->ended = true;
    answer->finish = finish;
}

/* The bytes of a token, past the grammar and through spelling to plain text and calls. */
static aver_err answer_say(aver_answer *answer, int32_t token, aver_view *ret_text,
                           bool *ret_stopped)
{
    char bytes[AVER_ANSWER_PIECE_BYTES];
    size_t size = 0;
    aver_buf piece;
    aver_err err = AVER_OK;
    aver_buf_init(&piece, AVER_ANSWER_PIECE_BYTES);
    if (answer->plan != NULL && aver_speech_is_native(answer->plan)) {
        err = aver_prompt_piece(aver_host_prompt(answer->host), token, &piece);
    } else {
        err = aver_host_piece(answer->host, token, bytes, sizeof(bytes), &size);
    }
    aver_view said = size != 0 ? aver_view_make(bytes, size) : aver_buf_view(&piece);
    err = err == AVER_OK ? aver_guard_take(&answer->guard, said) : err;
    err = err == AVER_OK ? aver_spell_push(&answer->spell, said, ret_text, ret_stopped) : err;
    if (err == AVER_OK && answer->speech != NULL) {
        err = aver_speech_push(answer->speech, *ret_text, ret_text);
    }
    aver_buf_deinit(&piece);
    return err;
}

aver_err aver_answer_take(aver_answer *answer, int32_t token, const float *hidden,
                          aver_view *ret_text)
{
    bool stopped = false;
    if (hidden != NULL) {
        size_t row_bytes = aver_host_hidden_size(answer->host) * sizeof(float);
        digest_step(answer->digest, token, aver_view_make(hidden, row_bytes));
    }
    aver_sampler_accept(answer->sampler, token, true);
    answer->generated_count++;
    *ret_text = (aver_view){NULL, 0};
    if (aver_host_is_end(answer->host, token)) {
        answer_end(answer, answer->cut ? AVER_FINISH_LENGTH : AVER_FINISH_STOP);
        if (answer->speech != NULL) {
            return aver_speech_push(answer->speech, *ret_text, ret_text);
        }
        return AVER_OK;
    }
    aver_err err = answer_say(answer, token, ret_text, &stopped);
    bool done = answer->speech != NULL && aver_speech_done(answer->speech);
    if (err == AVER_OK && (stopped || done || aver_guard_ended(&answer->guard))) {
        answer_end(answer, AVER_FINISH_STOP);
    } else if (err == AVER_OK && answer->generated_count >= answer->generated_max) {
        answer_end(answer, AVER_FINISH_LENGTH);
    }
    return err;
}

aver_err aver_answer_flush(aver_answer *answer, aver_view *ret_text)
{
    aver_err err = aver_spell_flush(&answer->spell, ret_text);
    if (err != AVER_OK || answer->speech == NULL) {
        return err;
    }
    err = aver_speech_flush(answer->speech, *ret_text, answer->finish == AVER_FINISH_LENGTH,
                            ret_text);
    if (err == AVER_OK && answer->finish == AVER_FINISH_STOP &&
        aver_speech_calls_count(answer->speech) != 0) {
        answer->finish = AVER_FINISH_TOOL;
    }
    return err;
}

const aver_speech_call *aver_answer_calls(const aver_answer *answer, size_t *ret_count)
{
    *ret_count = 0;
    return answer->speech == NULL ? NULL : aver_speech_calls(answer->speech, ret_count);
}

void aver_answer_join_digests(const uint8_t (*digests)[AVER_SHA256_BYTES], size_t count,
                              uint8_t ret_digest[static AVER_SHA256_BYTES])
{
    if (count == 1) {
        memcpy(ret_digest, digests[0], AVER_SHA256_BYTES);
        return;
    }
    aver_sha256_tagged("aver/choices/1", aver_view_make(digests, count * AVER_SHA256_BYTES),
                       (aver_view){NULL, 0}, ret_digest);
}

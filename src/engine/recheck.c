/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/recheck.h"

#include "engine/answer.h"
#include "engine/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DETAIL_BYTES 200
/* Tokens a decode: every one of them may have a row of logits. */
#define BATCH_TOKENS_MAX 128u

typedef struct recheck_run {
    aver_host *host;
    const aver_recheck_claim *claim;
    aver_speech_plan *plan;
    aver_recheck_result result;
    const aver_recheck_choice *choice; /* at work */
    aver_answer answer;                /* of the choice */
    aver_buf text;
    size_t calls_count;
    bool decided;
} recheck_run;

__attribute__((format(printf, 3, 4))) static void
run_decide(recheck_run *run, aver_recheck_outcome outcome, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(run->result.detail, DETAIL_BYTES, format, args);
    va_end(args);
    run->result.outcome = outcome;
    run->decided = true;
}

static bool run_can_judge(recheck_run *run)
{
    const aver_engine_info *info = aver_host_info(run->host);
    if (info->profile != AVER_PROFILE_VERIFIED) {
        run_decide(run, AVER_RECHECK_CANNOT, "profile verified is not possible with this model");
    } else if (memcmp(info->numeric_class, run->claim->numeric_class,
                      sizeof(info->numeric_class)) != 0) {
        run_decide(run, AVER_RECHECK_CANNOT, "this machine is of another numeric class");
    } else if (run->claim->template_digest != NULL &&
               memcmp(info->template_digest, run->claim->template_digest,
                      sizeof(info->template_digest)) != 0) {
        run_decide(run, AVER_RECHECK_CANNOT,
                   "the answer was given under another chat template than this model's");
    } else if (run->claim->kv_type != NULL && strcmp(info->kv_type, run->claim->kv_type) != 0) {
        run_decide(run, AVER_RECHECK_CANNOT, "the answer was given with %.7s KV memory, here is %s",
                   run->claim->kv_type, info->kv_type);
    }
    return !run->decided;
}

static bool run_check_prompt(recheck_run *run)
{
    char why[160] = "";
    aver_ids ids = {0};
    size_t context_tokens = aver_host_info(run->host)->context_tokens;
    aver_err err =
        aver_prompt_read(aver_host_prompt(run->host), run->claim->job, context_tokens, &ids, why);
    if (err != AVER_OK) {
        run_decide(run, AVER_RECHECK_PROMPT, "the request gives no prompt: %.150s", why);
    } else if (ids.count != run->claim->prompt_count ||
               memcmp(ids.ids, run->claim->prompt_ids, ids.count * sizeof(*ids.ids)) != 0) {
        run_decide(run, AVER_RECHECK_PROMPT,
                   "the request gives %zu prompt tokens, others than claimed", ids.count);
    }
    aver_ids_free(&ids);
    return !run->decided;
}

/* Calls that the last token made whole, against the claimed ones at their place. */
static void run_check_calls(recheck_run *run)
{
    size_t count = 0;
    const aver_speech_call *calls = aver_answer_calls(&run->answer, &count);
    for (size_t i = 0; i < count && !run->decided; i++) {
        size_t at = run->calls_count++;
        if (at >= run->choice->calls_count ||
            !aver_view_equal(calls[i].name, run->choice->calls[at].name) ||
            !aver_view_equal(calls[i].arguments, run->choice->calls[at].arguments)) {
            run_decide(run, AVER_RECHECK_CALL, "call %zu of a tool is not what the tokens say", at);
        }
    }
}

/* One claimed token against what its logits give. */
static aver_err run_check_token(recheck_run *run, size_t position, uint32_t index)
{
    int32_t claimed = run->choice->ids[position];
    int32_t expected = 0;
    aver_view text;
    const float *logits = aver_host_logits(run->host, index);
    const float *hidden = aver_host_hidden(run->host, index);
    aver_err err = logits == NULL ? AVER_E_PEER : aver_answer_draw(&run->answer, logits, &expected);
    if (err != AVER_OK) {
        return err;
    }
    if (claimed != expected) {
        run->result.position = position;
        run->result.token_claimed = claimed;
        run->result.token_expected = expected;
        run_decide(run, AVER_RECHECK_TOKEN, "token %zu is %d and must be %d", position,
                   (int)claimed, (int)expected);
        return AVER_OK;
    }
    err = aver_answer_take(&run->answer, claimed, hidden, &text);
    aver_buf_append(&run->text, text);
    err = err == AVER_OK ? aver_buf_status(&run->text) : err;
    if (err == AVER_OK && run->answer.ended && position + 1 < run->choice->count) {
        run_decide(run, AVER_RECHECK_FINISH, "the answer ends at token %zu, %zu are claimed",
                   position + 1, run->choice->count);
    }
    if (err == AVER_OK && !run->decided) {
        run_check_calls(run);
    }
    return err;
}

/* How many claimed tokens can be fed: up to the first that no vocabulary holds, and what the
 * context holds. */
static size_t run_feedable(const recheck_run *run)
{
    uint32_t vocabulary = aver_host_info(run->host)->vocabulary_size;
    size_t count = 0;
    while (count < run->choice->count && count < run->answer.generated_max) {
        int32_t token = run->choice->ids[count++];
        if (token < 0 || (uint32_t)token >= vocabulary) {
            break;
        }
    }
    return count;
}

/* Prompt and claimed tokens in one pass; the row before each claimed token judges it. */
static aver_err run_check_tokens(recheck_run *run)
{
    const aver_recheck_claim *claim = run->claim;
    size_t judged = run_feedable(run);
    size_t total = judged == 0 ? 0 : claim->prompt_count + judged - 1;
    size_t fed = 0;
    while (fed < total && !run->decided) {
        size_t first = fed;
        while (fed < total && aver_host_put_count(run->host) < aver_host_batch_tokens(run->host)) {
            bool in_prompt = fed < claim->prompt_count;
            int32_t token =
                in_prompt ? claim->prompt_ids[fed] : run->choice->ids[fed - claim->prompt_count];
            (void)aver_host_put(run->host, token, (uint32_t)fed, 0, fed + 1 >= claim->prompt_count);
            fed++;
        }
        aver_err err = aver_host_decode(run->host);
        for (size_t i = first; i < fed && err == AVER_OK && !run->decided; i++) {
            if (i + 1 >= claim->prompt_count) {
                err = run_check_token(run, i + 1 - claim->prompt_count, (uint32_t)(i - first));
            }
        }
        if (err != AVER_OK) {
            return err;
        }
    }
    return AVER_OK;
}

static bool finish_is_cut(aver_finish finish)
{
    return finish == AVER_FINISH_ABORTED || finish == AVER_FINISH_ERROR;
}

static const char *finish_text(aver_finish finish)
{
    return finish == AVER_FINISH_STOP ? "stop" : finish == AVER_FINISH_TOOL ? "tool" : "length";
}

static void run_check_finish(recheck_run *run)
{
    if (!run->answer.ended) {
        run_decide(run, AVER_RECHECK_FINISH, "the answer goes on after token %zu",
                   run->choice->count);
    } else if (run->answer.finish != run->choice->finish) {
        run_decide(run, AVER_RECHECK_FINISH, "the answer ends by %s",
                   finish_text(run->answer.finish));
    } else if (run->calls_count != run->choice->calls_count) {
        run_decide(run, AVER_RECHECK_CALL, "the tokens make %zu calls of tools, %zu are claimed",
                   run->calls_count, run->choice->calls_count);
    }
}

static void run_check_text(recheck_run *run)
{
    aver_view claimed = run->choice->text;
    aver_view spelt = aver_buf_view(&run->text);
    if (finish_is_cut(run->choice->finish) && claimed.size < spelt.size) {
        spelt.size = claimed.size;
    }
    if (!aver_view_equal(claimed, spelt)) {
        run_decide(run, AVER_RECHECK_TEXT, "the tokens do not spell the text of the answer");
    }
}

/* What comes only at the end: the rest of the text, the last calls, the finish. */
static aver_err run_check_end(recheck_run *run)
{
    if (!finish_is_cut(run->choice->finish)) {
        aver_view rest = {NULL, 0};
        aver_err err = run->answer.ended ? aver_answer_flush(&run->answer, &rest) : AVER_OK;
        aver_buf_append(&run->text, rest);
        err = err == AVER_OK ? aver_buf_status(&run->text) : err;
        if (err != AVER_OK) {
            return err;
        }
        if (run->answer.ended) {
            run_check_calls(run);
        }
        if (!run->decided) {
            run_check_finish(run);
        }
    }
    if (!run->decided) {
        run_check_text(run);
    }
    return AVER_OK;
}

static aver_err run_check_choice(recheck_run *run, uint32_t index, uint8_t ret_digest[static 32])
{
    const aver_recheck_claim *claim = run->claim;
    run->choice = &claim->choices[index];
    run->calls_count = 0;
    aver_buf_clear(&run->text);
    aver_err err = aver_answer_init(&run->answer, run->host, claim->job, run->plan, index,
                                    claim->prompt_ids, claim->prompt_count);
    if (err != AVER_OK) {
        return err;
    }
    err = run_check_tokens(run);
    if (err == AVER_OK && !run->decided) {
        err = run_check_end(run);
    }
    if (run->decided) {
        run->result.choice = index;
    }
    memcpy(ret_digest, run->answer.digest, AVER_SHA256_BYTES);
    aver_answer_deinit(&run->answer);
    aver_host_forget(run->host, 0);
    return err;
}

static void run_check_digest(recheck_run *run, const uint8_t (*digests)[AVER_SHA256_BYTES])
{
    const aver_recheck_claim *claim = run->claim;
    uint8_t joined[AVER_SHA256_BYTES];
    size_t count = 0;
    for (size_t i = 0; i < claim->choices_count; i++) {
        count += claim->choices[i].count;
    }
    aver_answer_join_digests(digests, claim->choices_count, joined);
    if (memcmp(joined, claim->step_digest, AVER_SHA256_BYTES) != 0) {
        run_decide(run, AVER_RECHECK_DIGEST, "all tokens are right and the step digest is another");
    } else {
        run_decide(run, AVER_RECHECK_SAME, "%zu tokens, bit for bit the same", count);
    }
}

static bool run_check_plan(recheck_run *run)
{
    char why[160] = "";
    aver_err err = aver_speech_plan_new(run->host, run->claim->job, &run->plan, why);
    if (err != AVER_OK) {
        run_decide(run, AVER_RECHECK_PROMPT, "the request is one that is refused: %.150s", why);
    }
    return !run->decided;
}

static aver_err run_judge(recheck_run *run)
{
    const aver_recheck_claim *claim = run->claim;
    uint32_t wanted = claim->job->choices_count < 1 ? 1 : claim->job->choices_count;
    uint8_t digests[AVER_JOB_CHOICES_MAX][AVER_SHA256_BYTES];
    aver_err err = AVER_OK;
    if (!run_can_judge(run) || !run_check_prompt(run) || !run_check_plan(run)) {
        return AVER_OK;
    }
    if (claim->choices_count != wanted) {
        run_decide(run, AVER_RECHECK_FINISH, "%zu choices are claimed, %u were asked for",
                   claim->choices_count, (unsigned)wanted);
        return AVER_OK;
    }
    for (uint32_t i = 0; i < wanted && err == AVER_OK && !run->decided; i++) {
        err = run_check_choice(run, i, digests[i]);
    }
    if (err == AVER_OK && !run->decided) {
        run_check_digest(run, (const uint8_t(*)[AVER_SHA256_BYTES])digests);
    }
    return err;
}

aver_err aver_recheck_run(const aver_engine_options *options, const aver_recheck_claim *claim,
                          aver_recheck_result *ret_result)
{
    char why[160] = "";
    recheck_run run = {.claim = claim};
    aver_engine_options alone = *options;
    alone.slots = 1;
    alone.profile = AVER_PROFILE_VERIFIED;
    if (alone.batch_tokens == 0 || alone.batch_tokens > BATCH_TOKENS_MAX) {
        alone.batch_tokens = BATCH_TOKENS_MAX;
    }
    aver_err err = aver_host_new(&alone, alone.batch_tokens, &run.host, why);
    if (err != AVER_OK) {
        run_decide(&run, AVER_RECHECK_CANNOT, "the model cannot be run: %.150s", why);
        *ret_result = run.result;
        return AVER_OK;
    }
    aver_buf_init(&run.text, (size_t)AVER_JOB_TOKENS_MAX * AVER_ANSWER_PIECE_BYTES);
    err = run_judge(&run);
    aver_buf_deinit(&run.text);
    aver_speech_plan_free(run.plan);
    aver_host_free(run.host);
    if (err == AVER_OK) {
        *ret_result = run.result;
    }
    return err;
}

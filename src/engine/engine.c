/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include "base/log.h"
#include "engine/answer.h"
#include "engine/host.h"

#include <stdlib.h>
#include <string.h>

typedef enum slot_state {
    SLOT_FREE = 0,
    SLOT_PROMPT, /* prompt tokens are still to be read */
    SLOT_ANSWER, /* last_token is to be read next */
} slot_state;

typedef struct engine_work {
    struct engine_work *next;
    uint64_t job_id;
    aver_ids prompt;
    aver_speech_plan *plan; /* NULL: plain text */
    aver_answer answer;
} engine_work;

typedef struct engine_slot {
    slot_state state;
    engine_work *work; /* owned while not free */
    uint64_t turn;     /* of its admission: the earlier one's prompt is read first */
    uint32_t position; /* tokens of this sequence that are in the KV memory */
    int32_t last_token;
    bool has_output; /* in the decode of this step, at output_index */
    uint32_t output_index;
} engine_slot;

struct aver_engine {
    aver_host *host;
    aver_event_fn *on_event;
    void *context;
    engine_slot slots[AVER_ENGINE_SLOTS_MAX];
    uint32_t slots_count;
    uint64_t turn_next;
    engine_work *waiting_first;
    engine_work *waiting_last;
    size_t waiting_count;
};

static void work_free(engine_work *work)
{
    aver_answer_deinit(&work->answer);
    aver_speech_plan_free(work->plan);
    free(work->prompt.ids);
    free(work);
}

aver_err aver_engine_new(const aver_engine_options *options, aver_event_fn *on_event, void *context,
                         aver_engine **ret_engine, char ret_why[160])
{
    aver_engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL) {
        return AVER_E_NOMEM;
    }
    aver_err err = aver_host_new(options, options->slots, &engine->host, ret_why);
    if (err != AVER_OK) {
        free(engine);
        return err;
    }
    engine->on_event = on_event;
    engine->context = context;
    engine->slots_count = options->slots;
    *ret_engine = engine;
    return AVER_OK;
}

void aver_engine_free(aver_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    for (uint32_t i = 0; i < engine->slots_count; i++) {
        if (engine->slots[i].work != NULL) {
            work_free(engine->slots[i].work);
        }
    }
    while (engine->waiting_first != NULL) {
        engine_work *work = engine->waiting_first;
        engine->waiting_first = work->next;
        work_free(work);
    }
    aver_host_free(engine->host);
    free(engine);
}

const aver_engine_info *aver_engine_about(const aver_engine *engine)
{
    return aver_host_info(engine->host);
}

static void engine_emit(const aver_engine *engine, const aver_event *event)
{
    engine->on_event(event, engine->context);
}

static void engine_refuse(const aver_engine *engine, uint64_t job_id, const char *why)
{
    aver_event event = {.kind = AVER_EVENT_REFUSED, .job_id = job_id, .text = aver_view_text(why)};
    engine_emit(engine, &event);
}

static void engine_done(const aver_engine *engine, const engine_work *work, aver_finish finish)
{
    aver_event event = {
        .kind = AVER_EVENT_DONE,
        .job_id = work->job_id,
        .finish = finish,
        .generated_count = work->answer.generated_count,
        .has_step_digest = aver_engine_about(engine)->profile == AVER_PROFILE_VERIFIED,
    };
    if (event.has_step_digest) {
        memcpy(event.step_digest, work->answer.digest, sizeof(event.step_digest));
    }
    engine_emit(engine, &event);
}

static void engine_enqueue(aver_engine *engine, engine_work *work)
{
    if (engine->waiting_last == NULL) {
        engine->waiting_first = work;
    } else {
        engine->waiting_last->next = work;
    }
    engine->waiting_last = work;
    engine->waiting_count++;
}

aver_err aver_engine_submit(aver_engine *engine, uint64_t job_id, const aver_job *job)
{
    char why[160] = "";
    if (engine->waiting_count >= AVER_ENGINE_WAITING_MAX) {
        return AVER_E_LIMIT;
    }
    engine_work *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        return AVER_E_NOMEM;
    }
    work->job_id = job_id;
    size_t context_tokens = aver_engine_about(engine)->context_tokens;
    aver_err err =
        aver_prompt_read(aver_host_prompt(engine->host), job, context_tokens, &work->prompt, why);
    err = err == AVER_OK ? aver_speech_plan_new(engine->host, job, &work->plan, why) : err;
    if (err != AVER_OK) {
        engine_refuse(engine, job_id, why[0] != '\0' ? why : "the prompt cannot be read");
        work_free(work);
        return AVER_OK;
    }
    err = aver_answer_init(&work->answer, engine->host, job, work->plan, 0, work->prompt.ids,
                           work->prompt.count);
    if (err != AVER_OK) {
        work_free(work);
        return err;
    }
    aver_event event = {
        .kind = AVER_EVENT_STARTED,
        .job_id = job_id,
        .prompt_ids = work->prompt.ids,
        .prompt_count = work->prompt.count,
    };
    engine_enqueue(engine, work);
    engine_emit(engine, &event);
    return AVER_OK;
}

static void slot_release(aver_engine *engine, uint32_t index)
{
    engine_slot *slot = &engine->slots[index];
    aver_host_forget(engine->host, index);
    work_free(slot->work);
    memset(slot, 0, sizeof(*slot));
}

static void engine_cancel_waiting(aver_engine *engine, uint64_t job_id)
{
    engine_work *before = NULL;
    for (engine_work *work = engine->waiting_first; work != NULL;
         before = work, work = work->next) {
        if (work->job_id != job_id) {
            continue;
        }
        if (before == NULL) {
            engine->waiting_first = work->next;
        } else {
            before->next = work->next;
        }
        if (engine->waiting_last == work) {
            engine->waiting_last = before;
        }
        engine->waiting_count--;
        engine_done(engine, work, AVER_FINISH_ABORTED);
        work_free(work);
        return;
    }
}

void aver_engine_cancel(aver_engine *engine, uint64_t job_id)
{
    for (uint32_t i = 0; i < engine->slots_count; i++) {
        engine_slot *slot = &engine->slots[i];
        if (slot->state != SLOT_FREE && slot->work->job_id == job_id) {
            engine_done(engine, slot->work, AVER_FINISH_ABORTED);
            slot_release(engine, i);
            return;
        }
    }
    engine_cancel_waiting(engine, job_id);
}

bool aver_engine_busy(const aver_engine *engine)
{
    if (engine->waiting_first != NULL) {
        return true;
    }
    for (uint32_t i = 0; i < engine->slots_count; i++) {
        if (engine->slots[i].state != SLOT_FREE) {
            return true;
        }
    }
    return false;
}

static void engine_admit(aver_engine *engine)
{
    for (uint32_t i = 0; i < engine->slots_count && engine->waiting_first != NULL; i++) {
        engine_slot *slot = &engine->slots[i];
        if (slot->state != SLOT_FREE) {
            continue;
        }
        slot->work = engine->waiting_first;
        engine->waiting_first = slot->work->next;
        if (engine->waiting_first == NULL) {
            engine->waiting_last = NULL;
        }
        engine->waiting_count--;
        slot->work->next = NULL;
        slot->state = SLOT_PROMPT;
        slot->turn = engine->turn_next++;
        slot->position = 0;
    }
}

/* Puts as much of a slot's prompt as the batch still holds; the last prompt token has output. */
static void slot_put_prompt(aver_engine *engine, uint32_t index)
{
    engine_slot *slot = &engine->slots[index];
    const aver_ids *prompt = &slot->work->prompt;
    uint32_t room = aver_host_batch_tokens(engine->host) - aver_host_put_count(engine->host);
    while (room > 0 && slot->position < prompt->count) {
        bool last = slot->position + 1 == prompt->count;
        slot->output_index =
            aver_host_put(engine->host, prompt->ids[slot->position], slot->position, index, last);
        slot->has_output = last;
        slot->position++;
        room--;
    }
}

/* The prompt that was admitted first of those that this step has not looked at; slots_count: none.
 * By slot, short answers to long prompts in a low one would keep a high one waiting for ever. */
static uint32_t engine_next_prompt(const aver_engine *engine, uint64_t turn_least)
{
    uint32_t found = engine->slots_count;
    for (uint32_t i = 0; i < engine->slots_count; i++) {
        const engine_slot *slot = &engine->slots[i];
        if (slot->state == SLOT_PROMPT && slot->turn >= turn_least &&
            (found == engine->slots_count || slot->turn < engine->slots[found].turn)) {
            found = i;
        }
    }
    return found;
}

/* Answers go first, one token each; prompts share what is left, in order of their admission. */
static void engine_fill_batch(aver_engine *engine)
{
    for (uint32_t i = 0; i < engine->slots_count; i++) {
        engine_slot *slot = &engine->slots[i];
        slot->has_output = false;
        if (slot->state == SLOT_ANSWER) {
            slot->output_index =
                aver_host_put(engine->host, slot->last_token, slot->position++, i, true);
            slot->has_output = true;
        }
    }
    uint64_t turn = 0;
    for (uint32_t i = engine_next_prompt(engine, turn); i < engine->slots_count;
         i = engine_next_prompt(engine, turn)) {
        slot_put_prompt(engine, i);
        turn = engine->slots[i].turn + 1;
    }
}

static aver_err slot_next_token(aver_engine *engine, engine_slot *slot, int32_t *ret_token,
                                aver_view *ret_text)
{
    aver_answer *answer = &slot->work->answer;
    const float *logits = aver_host_logits(engine->host, slot->output_index);
    int32_t token = 0;
    if (logits == NULL) {
        return AVER_E_PEER;
    }
    aver_err err = aver_answer_draw(answer, logits, &token);
    if (err != AVER_OK) {
        return err;
    }
    err = aver_answer_take(answer, token, aver_host_hidden(engine->host, slot->output_index),
                           ret_text);
    *ret_token = token;
    return err;
}

static void slot_fail(aver_engine *engine, uint32_t index)
{
    engine_done(engine, engine->slots[index].work, AVER_FINISH_ERROR);
    slot_release(engine, index);
}

static void slot_end(aver_engine *engine, uint32_t index)
{
    aver_answer *answer = &engine->slots[index].work->answer;
    aver_view text = {NULL, 0};
    if (aver_answer_flush(answer, &text) != AVER_OK) {
        slot_fail(engine, index);
        return;
    }
    aver_event event = {
        .kind = AVER_EVENT_CHOICE,
        .job_id = engine->slots[index].work->job_id,
        .text = text,
        .finish = answer->finish,
        .generated_count = answer->generated_count,
    };
    engine_emit(engine, &event);
    engine_done(engine, engine->slots[index].work, answer->finish);
    slot_release(engine, index);
}

static void slot_advance(aver_engine *engine, uint32_t index)
{
    engine_slot *slot = &engine->slots[index];
    aver_view text = {NULL, 0};
    int32_t token = 0;
    aver_err err = slot_next_token(engine, slot, &token, &text);
    if (err != AVER_OK) {
        aver_log(AVER_LOG_WARN, "engine.answer", "an answer failed: %s", aver_err_text(err));
        slot_fail(engine, index);
        return;
    }
    aver_event event = {
        .kind = AVER_EVENT_TOKEN,
        .job_id = slot->work->job_id,
        .token = token,
        .text = text,
    };
    slot->state = SLOT_ANSWER;
    slot->last_token = token;
    engine_emit(engine, &event);
    if (slot->work->answer.ended) {
        slot_end(engine, index);
    }
}

aver_err aver_engine_step(aver_engine *engine)
{
    engine_admit(engine);
    engine_fill_batch(engine);
    if (aver_host_put_count(engine->host) == 0) {
        return AVER_OK;
    }
    aver_err err = aver_host_decode(engine->host);
    for (uint32_t i = 0; i < engine->slots_count; i++) {
        if (engine->slots[i].state == SLOT_FREE) {
            continue;
        }
        if (err != AVER_OK) {
            slot_fail(engine, i);
        } else if (engine->slots[i].has_output) {
            slot_advance(engine, i);
        }
    }
    return AVER_OK;
}

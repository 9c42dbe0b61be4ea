/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include "base/check.h"
#include "base/log.h"
#include "base/sys.h"
#include "engine/embed_jobs.h"
#include "engine/host.h"
#include "engine/logprobs.h"
#include "engine/queue.h"
#include "engine/schedule.h"
#include "engine/shared.h"
#include "engine/slots.h"
#include "engine/texts.h"
#include "engine/work.h"

#include <stdlib.h>
#include <string.h>

struct aver_engine {
    aver_embed *embed; /* NULL: a model for text; else all of the host's parts are unused */
    aver_embed_jobs embed_jobs;
    aver_host *host;
    aver_event_fn *on_event;
    void *context;
    aver_queue queue;
    aver_slots slots;
    aver_schedule schedule;
    aver_logprobs logprobs;
};

static aver_err engine_open(aver_engine *engine, const aver_engine_options *options,
                            char ret_why[160])
{
    bool embeds = false;
    aver_err err = aver_embed_wanted(options, &embeds, ret_why);
    if (err != AVER_OK) {
        return err;
    }
    if (embeds) {
        err = aver_embed_new(options, &engine->embed, ret_why);
        engine->embed_jobs = (aver_embed_jobs){
            .embed = engine->embed, .on_event = engine->on_event, .context = engine->context};
        return err;
    }
    uint32_t shared_count = (uint32_t)options->shared_count;
    engine->queue.passes_max = AVER_QUEUE_PASSES_A_SLOT * options->slots;
    err = aver_host_new(options, options->slots + shared_count, &engine->host, ret_why);
    err = err == AVER_OK
              ? aver_slots_init(&engine->slots, engine->host, options->slots, shared_count)
              : err;
    return err == AVER_OK ? aver_shared_read(&engine->slots, options->shared_prefixes,
                                             options->shared_count, ret_why)
                          : err;
}

aver_err aver_engine_new(const aver_engine_options *options, aver_event_fn *on_event, void *context,
                         aver_engine **ret_engine, char ret_why[160])
{
    aver_engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL) {
        return AVER_E_NOMEM;
    }
    engine->on_event = on_event;
    engine->context = context;
    aver_logprobs_init(&engine->logprobs);
    aver_err err = engine_open(engine, options, ret_why);
    if (err != AVER_OK) {
        aver_engine_free(engine);
        return err;
    }
    *ret_engine = engine;
    return AVER_OK;
}

/* The work that has slots, by its first slot; NULL if this slot is not one. */
static aver_work *engine_work_at(const aver_engine *engine, uint32_t index)
{
    aver_work *work = engine->slots.list[index].work;
    for (uint32_t i = 0; i < index && work != NULL; i++) {
        if (engine->slots.list[i].work == work) {
            return NULL;
        }
    }
    return work;
}

/* Takes it off its slots and frees it. */
static void engine_drop(aver_engine *engine, aver_work *work, bool sound)
{
    for (uint32_t i = 0; i < engine->slots.count; i++) {
        if (engine->slots.list[i].work == work) {
            aver_slots_release(&engine->slots, i, sound);
        }
    }
    /* What the candidates of its last token were; no view of them is in use any more. */
    aver_buf_wipe(&engine->logprobs.pieces);
    aver_work_free(work);
}

void aver_engine_free(aver_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    for (uint32_t i = 0; i < engine->slots.count; i++) {
        aver_work *work = engine_work_at(engine, i);
        if (work != NULL) {
            engine_drop(engine, work, false);
        }
    }
    aver_queue_deinit(&engine->queue);
    aver_slots_deinit(&engine->slots);
    aver_logprobs_deinit(&engine->logprobs);
    aver_host_free(engine->host);
    aver_embed_jobs_deinit(&engine->embed_jobs);
    aver_embed_free(engine->embed);
    free(engine);
}

const aver_engine_info *aver_engine_about(const aver_engine *engine)
{
    return engine->embed != NULL ? aver_embed_info(engine->embed) : aver_host_info(engine->host);
}

uint64_t aver_engine_tokens(const aver_engine *engine)
{
    return engine->embed != NULL ? aver_embed_tokens(engine->embed)
                                 : aver_host_tokens(engine->host);
}

static void engine_emit(const aver_engine *engine, const aver_event *event)
{
    engine->on_event(event, engine->context);
}

/* The last event of a job that is in slots or waits; then it is gone. */
static void engine_done(aver_engine *engine, aver_work *work, aver_finish finish, bool sound)
{
    aver_event event = {.kind = AVER_EVENT_DONE, .job_id = work->job_id, .finish = finish};
    event.generated_count = aver_work_generated(work);
    event.has_step_digest = aver_engine_about(engine)->profile == AVER_PROFILE_VERIFIED &&
                            aver_work_digest(work, event.step_digest);
    engine_emit(engine, &event);
    engine_drop(engine, work, sound);
}

static void engine_start(aver_engine *engine, aver_work *work, uint32_t cached_count)
{
    aver_event event = {
        .kind = AVER_EVENT_STARTED,
        .job_id = work->job_id,
        .prompt_ids = work->prompt.ids,
        .prompt_count = work->prompt.count,
        .cached_count = cached_count,
    };
    aver_err err = aver_work_start(work, engine->host);
    engine_emit(engine, &event);
    if (err != AVER_OK) {
        aver_log(AVER_LOG_WARN, "engine.start", "an answer failed: %s", aver_err_text(err));
        engine_done(engine, work, AVER_FINISH_ERROR, true);
    }
}

static void engine_admit(aver_engine *engine)
{
    aver_work *work = aver_queue_take(&engine->queue, aver_slots_idle(&engine->slots));
    while (work != NULL) {
        uint32_t cached_count = 0;
        bool admitted = aver_slots_admit(&engine->slots, work, &cached_count);
        AVER_ASSERT(admitted);
        engine_start(engine, work, cached_count);
        work = aver_queue_take(&engine->queue, aver_slots_idle(&engine->slots));
    }
}

static void engine_refuse(const aver_engine *engine, uint64_t job_id, const char *why)
{
    aver_event event = {.kind = AVER_EVENT_REFUSED,
                        .job_id = job_id,
                        .text = aver_view_text(why[0] != '\0' ? why : "the prompt cannot be read")};
    engine_emit(engine, &event);
}

static aver_err engine_submit_text(aver_engine *engine, uint64_t job_id, const aver_job *job)
{
    char why[160] = "";
    aver_work *work = NULL;
    if (engine->queue.count >= AVER_ENGINE_WAITING_MAX) {
        return AVER_E_LIMIT;
    }
    aver_err err = aver_work_new(engine->host, job_id, job, &work, why);
    if (err == AVER_E_NOMEM) {
        return err;
    }
    if (err != AVER_OK) {
        engine_refuse(engine, job_id, why);
        return AVER_OK;
    }
    err = aver_queue_put(&engine->queue, work);
    if (err != AVER_OK) {
        aver_work_free(work);
        return err;
    }
    engine_admit(engine);
    return AVER_OK;
}

aver_err aver_engine_submit(aver_engine *engine, uint64_t job_id, const aver_job *job)
{
    if (engine->embed != NULL) {
        if (job->endpoint == AVER_ENDPOINT_EMBEDDINGS) {
            return aver_embed_jobs_submit(&engine->embed_jobs, job_id, job);
        }
        engine_refuse(engine, job_id, "this model gives embeddings and no text");
        return AVER_OK;
    }
    if (aver_texts_has(job->endpoint)) {
        return aver_texts_run(engine->host, job_id, job, engine->on_event, engine->context);
    }
    if (job->endpoint == AVER_ENDPOINT_EMBEDDINGS) {
        engine_refuse(engine, job_id, "this model does not give embeddings");
        return AVER_OK;
    }
    return engine_submit_text(engine, job_id, job);
}

void aver_engine_cancel(aver_engine *engine, uint64_t job_id)
{
    if (engine->embed != NULL) {
        aver_embed_jobs_cancel(&engine->embed_jobs, job_id);
        return;
    }
    aver_work *work = aver_queue_remove(&engine->queue, job_id);
    for (uint32_t i = 0; i < engine->slots.count && work == NULL; i++) {
        aver_work *running = engine->slots.list[i].work;
        work = running != NULL && running->job_id == job_id ? running : NULL;
    }
    if (work != NULL) {
        engine_done(engine, work, AVER_FINISH_ABORTED, true);
    }
}

bool aver_engine_busy(const aver_engine *engine)
{
    bool busy = engine->queue.count > 0 || engine->embed_jobs.count > 0;
    for (uint32_t i = 0; i < engine->slots.count && !busy; i++) {
        busy = engine->slots.list[i].work != NULL;
    }
    return busy;
}

static void choice_emit_calls(const aver_engine *engine, const aver_slot *slot,
                              uint32_t *calls_count)
{
    size_t count = 0;
    const aver_speech_call *calls = aver_answer_calls(&slot->work->answers[slot->choice], &count);
    for (size_t i = 0; i < count; i++) {
        aver_event event = {
            .kind = AVER_EVENT_CALL,
            .job_id = slot->work->job_id,
            .choice = slot->choice,
            .call_index = (*calls_count)++,
            .call_name = calls[i].name,
            .call_arguments = calls[i].arguments,
        };
        engine_emit(engine, &event);
    }
}

/* Draws, takes and tells one token of a slot. */
static aver_err choice_next_token(aver_engine *engine, aver_slot *slot)
{
    aver_work *work = slot->work;
    aver_answer *answer = &work->answers[slot->choice];
    aver_event event = {.kind = AVER_EVENT_TOKEN, .job_id = work->job_id, .choice = slot->choice};
    const float *logits = aver_host_logits(engine->host, slot->output_index);
    aver_err err = logits == NULL ? AVER_E_PEER : aver_answer_draw(answer, logits, &event.token);
    if (err == AVER_OK && work->job.has_logprobs) {
        err = aver_logprobs_read(&engine->logprobs, engine->host, aver_answer_logits(answer),
                                 event.token, work->job.top_logprobs);
        event.logprobs = engine->logprobs.list;
        event.logprobs_count = engine->logprobs.count;
    }
    err = err == AVER_OK
              ? aver_answer_take(answer, event.token,
                                 aver_host_hidden(engine->host, slot->output_index), &event.text)
              : err;
    if (err == AVER_OK) {
        slot->last_token = event.token;
        engine_emit(engine, &event);
        choice_emit_calls(engine, slot, &work->calls_counts[slot->choice]);
    }
    return err;
}

static aver_err choice_end(aver_engine *engine, uint32_t index)
{
    aver_slot *slot = &engine->slots.list[index];
    aver_work *work = slot->work;
    aver_answer *answer = &work->answers[slot->choice];
    aver_event event = {.kind = AVER_EVENT_CHOICE, .job_id = work->job_id, .choice = slot->choice};
    aver_err err = aver_answer_flush(answer, &event.text);
    if (err != AVER_OK) {
        return err;
    }
    choice_emit_calls(engine, slot, &work->calls_counts[slot->choice]);
    event.finish = answer->finish;
    event.generated_count = answer->generated_count;
    engine_emit(engine, &event);
    aver_work_end_choice(work, slot->choice);
    aver_slots_release(&engine->slots, index, true);
    if (work->ended_count == work->choices_count) {
        engine_done(engine, work, work->finish, true);
    }
    return AVER_OK;
}

static void engine_advance(aver_engine *engine, uint32_t index)
{
    aver_slot *slot = &engine->slots.list[index];
    aver_work *work = slot->work;
    aver_err err = choice_next_token(engine, slot);
    if (err == AVER_OK && work->answers[slot->choice].ended) {
        err = choice_end(engine, index);
    }
    if (err != AVER_OK) {
        aver_log(AVER_LOG_WARN, "engine.answer", "an answer failed: %s", aver_err_text(err));
        engine_done(engine, work, AVER_FINISH_ERROR, true);
    }
}

/* Nothing is known of what a failed decode left in the KV memory. */
static void engine_fail_all(aver_engine *engine)
{
    for (uint32_t i = 0; i < engine->slots.count; i++) {
        aver_work *work = engine->slots.list[i].work;
        if (work != NULL) {
            engine_done(engine, work, AVER_FINISH_ERROR, false);
        }
    }
}

static void engine_take_outputs(aver_engine *engine)
{
    aver_slots *slots = &engine->slots;
    for (uint32_t i = 0; i < slots->count; i++) {
        if (slots->list[i].state == AVER_SLOT_PROMPT && slots->list[i].has_output) {
            slots->list[i].state = AVER_SLOT_ANSWER;
            aver_slots_spread(slots, i);
        }
    }
    for (uint32_t i = 0; i < slots->count; i++) {
        if (slots->list[i].has_output) {
            slots->list[i].has_output = false;
            engine_advance(engine, i);
        }
    }
}

/* A step may do nothing but read parts of prompts: that is work too, and can be counted. */
static void engine_tell_reading(const aver_engine *engine)
{
    for (uint32_t i = 0; i < engine->slots.count; i++) {
        aver_slot *slot = &engine->slots.list[i];
        if (slot->state == AVER_SLOT_PROMPT && slot->count > slot->told) {
            slot->told = slot->count;
            engine_emit(engine, &(aver_event){.kind = AVER_EVENT_READ,
                                              .job_id = slot->work->job_id,
                                              .read_count = slot->count});
        }
    }
}

aver_err aver_engine_step(aver_engine *engine)
{
    if (engine->embed != NULL) {
        aver_embed_jobs_step(&engine->embed_jobs);
        return AVER_OK;
    }
    engine_admit(engine);
    aver_schedule_fill(&engine->schedule, &engine->slots);
    if (aver_host_put_count(engine->host) == 0) {
        return AVER_OK;
    }
    uint64_t started_ns = aver_time_monotonic_ns();
    aver_err err = aver_host_decode(engine->host);
    if (err != AVER_OK) {
        engine_fail_all(engine);
        return AVER_OK;
    }
    aver_schedule_learn(&engine->schedule, aver_time_monotonic_ns() - started_ns);
    engine_take_outputs(engine);
    engine_tell_reading(engine);
    return AVER_OK;
}

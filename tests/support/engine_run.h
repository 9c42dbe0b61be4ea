/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_ENGINE_RUN_H
#define AVER_TESTS_SUPPORT_ENGINE_RUN_H

/*
 * engine_run: an engine over a model of the tests, and everything that its events say about each
 * job. Include after cmocka.h.
 */

#include "engine/engine.h"
#include "engine/recheck.h"
#include "model/weights.h"

#include <stdlib.h>
#include <string.h>

#define RUN_JOBS_MAX  64
#define RUN_CALLS_MAX 64
#define RUN_IDS_MAX   1024

typedef struct run_choice {
    int32_t ids[RUN_IDS_MAX];
    size_t count;
    aver_buf text;
    aver_finish finish; /* 0: not ended */
} run_choice;

typedef struct run_calls {
    aver_speech_call list[RUN_CALLS_MAX]; /* each name and arguments malloc'ed */
    size_t count;
} run_calls;

typedef struct run_answer {
    aver_job job;
    int32_t prompt_ids[RUN_IDS_MAX];
    size_t prompt_count;
    uint32_t cached_count;
    int32_t ids[RUN_IDS_MAX]; /* of choice 0, as are the next three */
    size_t count;
    aver_buf text;
    aver_finish finish;
    run_choice others[AVER_JOB_CHOICES_MAX - 1];
    aver_buf said;                         /* TEXT */
    run_calls calls[AVER_JOB_CHOICES_MAX]; /* by choice */
    bool started, done, refused;
    aver_event end; /* DONE or REFUSED, without its text */
    char why[200];
} run_answer;

typedef struct run {
    aver_weights weights;
    aver_engine *engine;
    run_answer answers[RUN_JOBS_MAX];
    void (*watch)(const run_answer *answer, const aver_event *event); /* NULL: nobody */
} run;

static inline void run_take_token(run_answer *answer, const aver_event *event)
{
    bool first = event->choice == 0;
    run_choice *other = &answer->others[first ? 0 : event->choice - 1];
    size_t *count = first ? &answer->count : &other->count;
    assert_true(answer->started && event->choice < AVER_JOB_CHOICES_MAX);
    assert_int_equal(first ? answer->finish : other->finish, 0);
    assert_true(*count < RUN_IDS_MAX);
    (first ? answer->ids : other->ids)[(*count)++] = event->token;
    aver_buf_append(first ? &answer->text : &other->text, event->text);
}

static inline void run_take_choice(run_answer *answer, const aver_event *event)
{
    bool first = event->choice == 0;
    run_choice *other = &answer->others[first ? 0 : event->choice - 1];
    aver_finish *finish = first ? &answer->finish : &other->finish;
    assert_true(answer->started && event->choice < AVER_JOB_CHOICES_MAX);
    assert_int_equal(*finish, 0);
    assert_in_range(event->finish, AVER_FINISH_STOP, AVER_FINISH_TOOL);
    assert_int_equal(event->generated_count, first ? answer->count : other->count);
    aver_buf_append(first ? &answer->text : &other->text, event->text);
    *finish = event->finish;
}

static inline aver_view run_copy(aver_view view)
{
    uint8_t *bytes = malloc(view.size + 1);
    assert_non_null(bytes);
    memcpy(bytes, view.data, view.size);
    return aver_view_make(bytes, view.size);
}

static inline void run_take_call(run_answer *answer, const aver_event *event)
{
    run_calls *calls = &answer->calls[event->choice];
    assert_true(answer->started && calls->count < RUN_CALLS_MAX);
    assert_int_equal(event->call_index, calls->count);
    calls->list[calls->count++] =
        (aver_speech_call){run_copy(event->call_name), run_copy(event->call_arguments)};
}

static inline void run_take_done(run_answer *answer, const aver_event *event)
{
    size_t count = answer->count;
    aver_finish finish = answer->finish;
    unsigned ended = answer->finish != 0 ? 1 : 0;
    for (size_t i = 0; i < AVER_JOB_CHOICES_MAX - 1; i++) {
        count += answer->others[i].count;
        finish = answer->others[i].finish > finish ? answer->others[i].finish : finish;
        ended += answer->others[i].finish != 0 ? 1 : 0;
    }
    assert_int_equal(event->text.size, 0);
    answer->done = true;
    if (event->finish <= AVER_FINISH_TOOL && answer->job.endpoint <= AVER_ENDPOINT_COMPLETION) {
        unsigned wanted = answer->job.choices_count < 1 ? 1 : answer->job.choices_count;
        assert_true(answer->started);
        assert_int_equal(event->generated_count, count);
        assert_int_equal(ended, wanted);
        assert_int_equal(event->finish, finish);
    }
}

static inline void run_on_event(const aver_event *event, void *context)
{
    run *self = context;
    assert_true(event->job_id < RUN_JOBS_MAX);
    run_answer *answer = &self->answers[event->job_id];
    if (self->watch != NULL) {
        self->watch(answer, event);
    }
    assert_false(answer->done || answer->refused);
    switch (event->kind) {
    case AVER_EVENT_STARTED:
        assert_false(answer->started);
        answer->started = true;
        assert_true(event->prompt_count <= RUN_IDS_MAX);
        if (event->prompt_count > 0) {
            memcpy(answer->prompt_ids, event->prompt_ids, event->prompt_count * sizeof(int32_t));
        }
        answer->prompt_count = event->prompt_count;
        answer->cached_count = event->cached_count;
        return;
    case AVER_EVENT_TOKEN:
        run_take_token(answer, event);
        return;
    case AVER_EVENT_DONE:
        run_take_done(answer, event);
        break;
    case AVER_EVENT_CHOICE:
        run_take_choice(answer, event);
        return;
    case AVER_EVENT_READ:
        assert_true(answer->started && answer->count == 0);
        assert_in_range(event->read_count, answer->cached_count + 1, answer->prompt_count - 1);
        return;
    case AVER_EVENT_TEXT:
        assert_true(answer->started && event->text.size > 0);
        aver_buf_append(&answer->said, event->text);
        return;
    case AVER_EVENT_REFUSED:
        answer->refused = true;
        memcpy(answer->why, event->text.data, event->text.size < 199 ? event->text.size : 199);
        break;
    case AVER_EVENT_CALL:
        run_take_call(answer, event);
        return;
    case AVER_EVENT_VECTOR:
        fail();
    }
    answer->end = *event;
}

static inline aver_engine_options run_options(const run *self, uint32_t slots)
{
    aver_engine_options options = {
        .weights_fd = self->weights.fd,
        .profile = AVER_PROFILE_VERIFIED,
        .slots = slots,
        .threads = 1,
    };
    return options;
}

static inline run *run_new(const char *path)
{
    char why[160] = "";
    run *self = calloc(1, sizeof(*self));
    assert_non_null(self);
    assert_int_equal(aver_weights_open(path, 0, 0, &self->weights, why), AVER_OK);
    return self;
}

static inline void run_start(run *self, const aver_engine_options *options)
{
    char why[160] = "";
    aver_err err = aver_engine_new(options, run_on_event, self, &self->engine, why);
    if (err != AVER_OK) {
        print_error("engine: %s\n", why);
    }
    assert_int_equal(err, AVER_OK);
}

/* A model with its engine. */
static inline run *run_open(const char *path, uint32_t slots)
{
    run *self = run_new(path);
    aver_engine_options options = run_options(self, slots);
    run_start(self, &options);
    return self;
}

static inline void run_clear(run *self)
{
    for (size_t i = 0; i < RUN_JOBS_MAX; i++) {
        aver_job_deinit(&self->answers[i].job);
        aver_buf_deinit(&self->answers[i].text);
        aver_buf_deinit(&self->answers[i].said);
        for (size_t k = 0; k < AVER_JOB_CHOICES_MAX - 1; k++) {
            aver_buf_deinit(&self->answers[i].others[k].text);
        }
        for (size_t k = 0; k < AVER_JOB_CHOICES_MAX; k++) {
            for (size_t c = 0; c < self->answers[i].calls[k].count; c++) {
                free((void *)(uintptr_t)self->answers[i].calls[k].list[c].name.data);
                free((void *)(uintptr_t)self->answers[i].calls[k].list[c].arguments.data);
            }
        }
        memset(&self->answers[i], 0, sizeof(self->answers[i]));
    }
}

static inline void run_stop(run *self)
{
    aver_engine_free(self->engine);
    self->engine = NULL;
}

static inline void run_free(run *self)
{
    run_stop(self);
    run_clear(self);
    aver_weights_close(&self->weights);
    free(self);
}

/* A job that is not submitted yet: the test may change it. */
static inline run_answer *run_prepare(run *self, uint64_t id, const char *body)
{
    aver_job_refusal refusal;
    run_answer *answer = &self->answers[id];
    aver_endpoint endpoint =
        strstr(body, "\"messages\"") != NULL ? AVER_ENDPOINT_CHAT : AVER_ENDPOINT_COMPLETION;
    aver_buf_init(&answer->text, 1 << 20);
    aver_buf_init(&answer->said, 8 << 20);
    for (size_t i = 0; i < AVER_JOB_CHOICES_MAX - 1; i++) {
        aver_buf_init(&answer->others[i].text, 1 << 20);
    }
    assert_int_equal(aver_job_parse(aver_view_text(body), endpoint, &answer->job, &refusal),
                     AVER_OK);
    return answer;
}

static inline run_answer *run_submit(run *self, uint64_t id, const char *body)
{
    run_answer *answer = run_prepare(self, id, body);
    assert_int_equal(aver_engine_submit(self->engine, id, &answer->job), AVER_OK);
    return answer;
}

static inline void run_finish(run *self)
{
    for (int i = 0; i < 100000 && aver_engine_busy(self->engine); i++) {
        assert_int_equal(aver_engine_step(self->engine), AVER_OK);
    }
    assert_false(aver_engine_busy(self->engine));
}

static inline run_answer *run_one(run *self, const char *body)
{
    run_clear(self);
    run_answer *answer = run_submit(self, 0, body);
    run_finish(self);
    return answer;
}

static inline aver_recheck_claim run_claim(const run *self, const run_answer *answer)
{
    aver_recheck_claim claim = {
        .job = &answer->job,
        .prompt_ids = answer->prompt_ids,
        .prompt_count = answer->prompt_count,
        .choices_count = answer->job.choices_count < 1 ? 1 : answer->job.choices_count,
        .choices[0] =
            {
                .ids = answer->ids,
                .count = answer->count,
                .text = aver_buf_view(&answer->text),
                .finish = answer->finish != 0 ? answer->finish : answer->end.finish,
            },
    };
    for (size_t i = 1; i < claim.choices_count; i++) {
        const run_choice *choice = &answer->others[i - 1];
        claim.choices[i] = (aver_recheck_choice){
            .ids = choice->ids,
            .count = choice->count,
            .text = aver_buf_view(&choice->text),
            .finish = choice->finish != 0 ? choice->finish : answer->end.finish,
        };
    }
    for (size_t i = 0; i < claim.choices_count; i++) {
        claim.choices[i].calls = answer->calls[i].list;
        claim.choices[i].calls_count = answer->calls[i].count;
    }
    memcpy(claim.step_digest, answer->end.step_digest, 32);
    memcpy(claim.numeric_class, aver_engine_about(self->engine)->numeric_class, 32);
    return claim;
}

#endif

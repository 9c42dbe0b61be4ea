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

#define RUN_JOBS_MAX 64
#define RUN_IDS_MAX  4096

typedef struct run_answer {
    aver_job job;
    int32_t prompt_ids[RUN_IDS_MAX];
    size_t prompt_count;
    int32_t ids[RUN_IDS_MAX];
    size_t count;
    aver_buf text;
    bool started, ended, done, refused;
    aver_event end; /* DONE or REFUSED, without its text */
    char why[200];
} run_answer;

typedef struct run {
    aver_weights weights;
    aver_engine *engine;
    run_answer answers[RUN_JOBS_MAX];
} run;

static inline void run_on_event(const aver_event *event, void *context)
{
    run *self = context;
    assert_true(event->job_id < RUN_JOBS_MAX);
    run_answer *answer = &self->answers[event->job_id];
    assert_false(answer->done || answer->refused);
    switch (event->kind) {
    case AVER_EVENT_STARTED:
        assert_false(answer->started);
        answer->started = true;
        assert_true(event->prompt_count <= RUN_IDS_MAX);
        memcpy(answer->prompt_ids, event->prompt_ids, event->prompt_count * sizeof(int32_t));
        answer->prompt_count = event->prompt_count;
        return;
    case AVER_EVENT_TOKEN:
        assert_true(answer->started && !answer->ended && answer->count < RUN_IDS_MAX);
        answer->ids[answer->count++] = event->token;
        aver_buf_append(&answer->text, event->text);
        return;
    case AVER_EVENT_DONE:
        assert_true(answer->started);
        assert_int_equal(event->generated_count, answer->count);
        answer->done = true;
        assert_int_equal(event->text.size, 0);
        assert_true(answer->ended || event->finish > AVER_FINISH_TOOL);
        break;
    case AVER_EVENT_CHOICE:
        assert_true(answer->started && !answer->ended);
        assert_int_equal(event->generated_count, answer->count);
        aver_buf_append(&answer->text, event->text);
        answer->ended = true;
        return;
    case AVER_EVENT_REFUSED:
        answer->refused = true;
        memcpy(answer->why, event->text.data, event->text.size < 199 ? event->text.size : 199);
        break;
    case AVER_EVENT_CALL:
    case AVER_EVENT_VECTOR:
    case AVER_EVENT_TEXT:
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

static inline void run_clear(run *self)
{
    for (size_t i = 0; i < RUN_JOBS_MAX; i++) {
        aver_job_deinit(&self->answers[i].job);
        aver_buf_deinit(&self->answers[i].text);
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

static inline run_answer *run_submit(run *self, uint64_t id, const char *body)
{
    aver_job_refusal refusal;
    run_answer *answer = &self->answers[id];
    aver_endpoint endpoint =
        strstr(body, "\"messages\"") != NULL ? AVER_ENDPOINT_CHAT : AVER_ENDPOINT_COMPLETION;
    aver_buf_init(&answer->text, 1 << 20);
    assert_int_equal(aver_job_parse(aver_view_text(body), endpoint, &answer->job, &refusal),
                     AVER_OK);
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
        .choices_count = 1,
        .choices[0] =
            {
                .ids = answer->ids,
                .count = answer->count,
                .text = aver_buf_view(&answer->text),
                .finish = answer->end.finish,
            },
    };
    memcpy(claim.step_digest, answer->end.step_digest, 32);
    memcpy(claim.numeric_class, aver_engine_about(self->engine)->numeric_class, 32);
    return claim;
}

#endif

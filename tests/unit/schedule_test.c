/* SPDX-License-Identifier: Apache-2.0 */
/* What goes into each step: nobody waits for ever, short prompts not for long ones, answers not for
 * prompts, callers not for one who asks a lot. Counted in steps, never in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/engine_run.h"
#include "../support/model.h"
#include "engine/queue.h"
#include "engine/schedule.h"

#include <stdio.h>

#define BATCH 32

static run *stories;

static void engine_start(uint32_t slots)
{
    run_stop(stories);
    run_clear(stories);
    aver_engine_options options = run_options(stories, slots);
    options.batch_tokens = BATCH;
    run_start(stories, &options);
}

/* Each job has a cache scope of its own: that gives nobody more turns. */
static run_answer *ask_choices(uint64_t id, uint8_t caller, unsigned words, unsigned max_tokens,
                               uint32_t choices)
{
    char body[4096];
    size_t at = (size_t)snprintf(body, sizeof(body), "{\"model\":\"m\",\"prompt\":\"A");
    for (unsigned i = 0; i < words; i++) {
        at += (size_t)snprintf(body + at, sizeof(body) - at, " dog");
    }
    (void)snprintf(body + at, sizeof(body) - at, "\",\"max_tokens\":%u,\"temperature\":0}",
                   max_tokens);
    run_answer *answer = run_prepare(stories, id, body);
    answer->job.choices_count = choices;
    answer->job.has_cache_scope = caller != 0;
    memset(answer->job.cache_scope, (int)id, sizeof(answer->job.cache_scope));
    memset(answer->job.caller, caller, sizeof(answer->job.caller));
    assert_int_equal(aver_engine_submit(stories->engine, id, &answer->job), AVER_OK);
    return answer;
}

static run_answer *ask(uint64_t id, uint8_t caller, unsigned words, unsigned max_tokens)
{
    return ask_choices(id, caller, words, max_tokens, 1);
}

static void step(void)
{
    assert_int_equal(aver_engine_step(stories->engine), AVER_OK);
}

static unsigned steps_until_token(const run_answer *answer)
{
    unsigned steps = 0;
    while (answer->count == 0 && steps < 100) {
        step();
        steps++;
    }
    return steps;
}

static void short_prompts_overtake_long_ones(void **state)
{
    (void)state;
    engine_start(4);
    run_answer *long_one = ask(0, 0, 200, 2);
    step();
    run_answer *short_one = ask(1, 0, 10, 2);
    assert_in_range(steps_until_token(short_one), 1, 2);
    assert_int_equal(long_one->count, 0);
    run_finish(stories);
    assert_true(long_one->done);
}

/* However many short ones come, the first prompt gets half of each step. */
static void long_prompts_come_to_an_end(void **state)
{
    (void)state;
    engine_start(4);
    run_answer *long_one = ask(0, 0, 200, 2);
    uint64_t next = 1;
    unsigned steps = 0;
    while (long_one->count == 0 && steps < 100) {
        for (; next < 3 || (next < RUN_JOBS_MAX && stories->answers[next - 2].done); next++) {
            (void)ask(next, 0, 20, 1);
        }
        step();
        steps++;
    }
    assert_true(next > 10);
    assert_true(steps <= 202 / (BATCH / 2 - 2) + 2);
    run_finish(stories);
}

/* What one of two prompts is longer than the other by is left for the step after. */
static void prompts_are_read_side_by_side(void **state)
{
    (void)state;
    engine_start(4);
    run_answer *longer = ask(0, 0, 12, 4);
    run_answer *shorter = ask(1, 0, 10, 4);
    step();
    assert_int_equal(longer->count, 0);
    assert_int_equal(shorter->count, 1);
    step();
    assert_int_equal(longer->count, 1);
    assert_int_equal(shorter->count, 2);
    run_finish(stories);
}

static void answers_go_on_while_prompts_are_read(void **state)
{
    (void)state;
    engine_start(4);
    run_answer *answers[] = {ask(0, 0, 3, 100), ask(1, 0, 3, 100)};
    (void)steps_until_token(answers[0]);
    (void)steps_until_token(answers[1]);
    run_answer *long_one = ask(2, 0, 220, 2);
    size_t before[] = {answers[0]->count, answers[1]->count};
    unsigned steps = steps_until_token(long_one);
    assert_true(steps > 6 && steps < 12);
    assert_int_equal(answers[0]->count, before[0] + steps);
    assert_int_equal(answers[1]->count, before[1] + steps);
    run_finish(stories);
}

static void a_caller_with_many_jobs_does_not_hold_up_another(void **state)
{
    (void)state;
    engine_start(2);
    for (uint64_t i = 0; i < 40; i++) {
        (void)ask(i, 1, 5, 4);
    }
    run_answer *other = ask(50, 2, 5, 4);
    run_answer *nobody = ask(51, 0, 5, 4);
    unsigned steps = 0;
    while ((!other->done || !nobody->done) && steps < 200) {
        step();
        steps++;
    }
    unsigned done = 0;
    for (uint64_t i = 0; i < 40; i++) {
        done += stories->answers[i].done ? 1 : 0;
    }
    assert_true(done <= 5);
    run_finish(stories);
    for (uint64_t i = 0; i < 40; i++) {
        assert_true(stories->answers[i].done);
    }
}

/* One long answer runs, and a job for all slots waits: the others are not idle meanwhile, and in
 * the end they are kept for it. */
static void a_job_for_all_slots_neither_idles_them_nor_starves(void **state)
{
    (void)state;
    engine_start(2);
    const unsigned passes = 2 * AVER_QUEUE_PASSES_A_SLOT;
    const run_answer *long_one = ask(0, 1, 5, 150);
    step();
    const run_answer *wide = ask_choices(1, 2, 5, 4, 2);
    for (uint64_t i = 2; i < 2 + passes + 3; i++) {
        (void)ask(i, 3, 2, 3);
    }
    for (unsigned i = 0; i < 120; i++) {
        step();
    }
    assert_false(long_one->done);
    assert_false(wide->started);
    for (uint64_t i = 2; i < 2 + passes; i++) {
        assert_true(stories->answers[i].done);
    }
    assert_false(stories->answers[2 + passes].started);
    while (!wide->done) {
        step();
    }
    assert_true(long_one->done);
    run_finish(stories);
    assert_true(stories->answers[2 + passes + 2].done);
}

/* The way that was faster is taken, and the other one is tried now and then; here the times are
 * made up. */
static void the_faster_way_is_taken(void **state)
{
    (void)state;
    for (int apart_faster = 0; apart_faster < 2; apart_faster++) {
        aver_schedule schedule = {0};
        unsigned apart = 0;
        for (unsigned i = 0; i < 1000; i++) {
            schedule.answers = 3;
            schedule.tokens = 3;
            schedule.apart = aver_schedule_apart(&schedule, 3);
            apart += schedule.apart ? 1 : 0;
            aver_schedule_learn(&schedule, schedule.apart == (apart_faster == 1) ? 500 : 1000);
        }
        assert_true(apart_faster == 1 ? apart > 980 && apart < 1000 : apart > 0 && apart < 20);
        assert_false(aver_schedule_apart(&schedule, 1));
        assert_false(aver_schedule_apart(&schedule, AVER_SCHEDULE_APART_MAX + 1));
    }
}

static int stories_open(void **state)
{
    (void)state;
    stories = run_new(model_find(MODEL_STORIES));
    return 0;
}

static int stories_close(void **state)
{
    (void)state;
    run_free(stories);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_prompts_overtake_long_ones),
        cmocka_unit_test(long_prompts_come_to_an_end),
        cmocka_unit_test(prompts_are_read_side_by_side),
        cmocka_unit_test(answers_go_on_while_prompts_are_read),
        cmocka_unit_test(a_caller_with_many_jobs_does_not_hold_up_another),
        cmocka_unit_test(a_job_for_all_slots_neither_idles_them_nor_starves),
        cmocka_unit_test(the_faster_way_is_taken),
    };
    if (model_find(MODEL_STORIES) == NULL) {
        return MODEL_SKIP_STATUS;
    }
    return cmocka_run_group_tests(tests, stories_open, stories_close);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What slots remember of earlier work: it saves reading, changes no bit, and stays with its scope.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/engine_run.h"
#include "../support/model.h"

#include <stdio.h>

#define SLOTS 4
#define TALE                                                                                       \
    "Once upon a time there was a little girl named Lily. She had a big red ball and a small dog " \
    "called Max. One day they went to the park to play with the ball near the old tree."

static run *stories;

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

static void engine_start(uint32_t slots)
{
    run_stop(stories);
    run_clear(stories);
    aver_engine_options options = run_options(stories, slots);
    run_start(stories, &options);
}

static uint64_t read_count; /* tokens that the model read for the last ask */

/* scope 0: none. */
static run_answer *ask_as(uint64_t id, uint8_t scope, const char *prompt, uint32_t max_tokens)
{
    char body[4096];
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"m\",\"prompt\":\"%s\",\"max_tokens\":%u,\"seed\":5}", prompt,
                   (unsigned)max_tokens);
    run_answer *answer = run_prepare(stories, id, body);
    answer->job.has_cache_scope = scope != 0;
    memset(answer->job.cache_scope, scope, sizeof(answer->job.cache_scope));
    uint64_t before = aver_engine_tokens(stories->engine);
    assert_int_equal(aver_engine_submit(stories->engine, id, &answer->job), AVER_OK);
    run_finish(stories);
    read_count = aver_engine_tokens(stories->engine) - before;
    assert_true(answer->done);
    return answer;
}

static void expect_cold(const run_answer *answer)
{
    assert_int_equal(answer->cached_count, 0);
    assert_int_equal(read_count, answer->prompt_count + answer->count - 1);
}

static void the_same_scope_reads_only_the_rest(void **state)
{
    (void)state;
    engine_start(SLOTS);
    expect_cold(ask_as(0, 1, TALE, 10));
    run_answer *again = ask_as(1, 1, TALE, 10);
    assert_int_equal(again->cached_count, again->prompt_count - 1);
    assert_int_equal(read_count, 1 + again->count - 1);
    assert_memory_equal(again->ids, stories->answers[0].ids, 10 * sizeof(int32_t));
    assert_memory_equal(again->end.step_digest, stories->answers[0].end.step_digest, 32);
    run_answer *other = ask_as(
        2, 1,
        "Once upon a time there was a little girl named Lily. She had a big red ball and a cat",
        10);
    assert_true(other->cached_count >= 16 && other->cached_count < other->prompt_count);
    assert_int_equal(read_count, other->prompt_count - other->cached_count + other->count - 1);
}

static void neither_another_scope_nor_none_finds_anything(void **state)
{
    (void)state;
    engine_start(SLOTS);
    expect_cold(ask_as(0, 1, TALE, 10));
    expect_cold(ask_as(1, 2, TALE, 10));
    expect_cold(ask_as(2, 0, TALE, 10));
    expect_cold(ask_as(3, 0, TALE, 10));
    expect_cold(ask_as(4, 3, TALE, 10));
    assert_true(ask_as(5, 1, TALE, 10)->cached_count > 0);
    assert_true(ask_as(6, 2, TALE, 10)->cached_count > 0);
}

/* A conversation goes on: the answer before is part of the prompt after. */
static void answers_are_remembered_too(void **state)
{
    (void)state;
    char prompt[4096];
    engine_start(SLOTS);
    run_answer *first = ask_as(0, 1, TALE, 30);
    size_t at = (size_t)snprintf(prompt, sizeof(prompt), "%s", TALE);
    for (size_t i = 0; i < first->text.size; i++) {
        char c = (char)first->text.data[i];
        at += (size_t)snprintf(prompt + at, sizeof(prompt) - at,
                               c == '"' || c == '\\' ? "\\%c" : (c == '\n' ? "\\n" : "%c"), c);
    }
    (void)snprintf(prompt + at, sizeof(prompt) - at, " Then");
    run_answer *second = ask_as(1, 1, prompt, 5);
    assert_true(second->cached_count > first->prompt_count);
}

/* Every place at which a prompt can part from what is remembered, against an engine that never
 * remembers; and what was given is what a re-check computes in one pass. */
static void no_bit_depends_on_what_was_remembered(void **state)
{
    (void)state;
    uint8_t cold[64][32];
    char prompt[512];
    const size_t size = sizeof(TALE) - 1;
    size_t rounds = 0;
    engine_start(SLOTS);
    for (size_t cut = 4; cut < size; cut += 3, rounds++) {
        (void)snprintf(prompt, sizeof(prompt), "%.*s, and", (int)cut, TALE);
        run_answer *answer = ask_as(rounds, 0, prompt, 12);
        expect_cold(answer);
        memcpy(cold[rounds], answer->end.step_digest, 32);
    }
    assert_true(rounds > 40 && rounds < 64);
    engine_start(SLOTS);
    size_t hits = 0;
    for (size_t round = rounds; round-- > 0;) {
        (void)snprintf(prompt, sizeof(prompt), "%.*s, and", (int)(4 + 3 * round), TALE);
        run_answer *answer = ask_as(round, (uint8_t)(1 + round % 2), prompt, 12);
        hits += answer->cached_count > 3 ? 1 : 0;
        assert_memory_equal(answer->end.step_digest, cold[round], 32);
    }
    assert_true(hits > rounds / 2);
    aver_engine_options options = run_options(stories, 1);
    for (size_t round = 0; round < rounds; round += 9) {
        aver_recheck_result result;
        aver_recheck_claim claim = run_claim(stories, &stories->answers[round]);
        assert_int_equal(aver_recheck_run(&options, &claim, &result), AVER_OK);
        assert_int_equal(result.outcome, AVER_RECHECK_SAME);
    }
}

/* Jobs of several scopes at once, some of several choices, against the same jobs without scope. */
static void no_bit_depends_on_the_neighbours(void **state)
{
    (void)state;
    static const char *const prompts[] = {TALE, "Once upon a time", TALE " They", "The big dog"};
    uint8_t digests[48][32];
    char body[1024];
    for (int scoped = 0; scoped < 2; scoped++) {
        engine_start(5);
        for (uint64_t i = 0; i < 48; i++) {
            (void)snprintf(body, sizeof(body),
                           "{\"model\":\"m\",\"prompt\":\"%s\",\"max_tokens\":%u,\"seed\":%u}",
                           prompts[i % 4], (unsigned)(3 + i % 7), (unsigned)(i % 5));
            run_answer *answer = run_prepare(stories, i, body);
            answer->job.choices_count = i % 6 == 5 ? 3 : 1;
            answer->job.has_cache_scope = scoped == 1 && i % 5 != 4;
            memset(answer->job.cache_scope, (int)(i % 3), 32);
            assert_int_equal(aver_engine_submit(stories->engine, i, &answer->job), AVER_OK);
            for (uint64_t steps = i % 4; steps > 0; steps--) {
                assert_int_equal(aver_engine_step(stories->engine), AVER_OK);
            }
        }
        run_finish(stories);
        for (uint64_t i = 0; i < 48; i++) {
            if (scoped == 0) {
                memcpy(digests[i], stories->answers[i].end.step_digest, 32);
            } else {
                assert_memory_equal(digests[i], stories->answers[i].end.step_digest, 32);
            }
        }
    }
}

/* Three callers in two slots: the one idle for longest gives way, and finds nothing when it comes
 * back. */
static void the_scope_idle_for_longest_gives_way(void **state)
{
    (void)state;
    engine_start(2);
    (void)ask_as(0, 1, TALE, 3);
    (void)ask_as(1, 2, TALE, 3);
    assert_true(ask_as(2, 1, TALE, 3)->cached_count > 0);
    expect_cold(ask_as(3, 3, TALE, 3));
    assert_true(ask_as(4, 1, TALE, 3)->cached_count > 0);
    expect_cold(ask_as(5, 2, TALE, 3));
}

/* A greedy scope keeps half of the slots at most, and loses these first. */
static void a_scope_with_many_prompts_does_not_drive_out_the_others(void **state)
{
    (void)state;
    char prompt[256];
    engine_start(SLOTS);
    (void)ask_as(0, 1, TALE, 3);
    for (uint64_t i = 1; i < 20; i++) {
        (void)snprintf(prompt, sizeof(prompt), "%c is a letter and %s", (char)('A' + (int)i), TALE);
        (void)ask_as(i, 2, prompt, 3);
    }
    assert_true(ask_as(20, 1, TALE, 3)->cached_count > 0);
    (void)ask_as(21, 3, TALE, 3);
    (void)ask_as(22, 4, TALE, 3);
    assert_true(ask_as(23, 1, TALE, 3)->cached_count > 0);
}

/*
 * Whether a caller's own work found a beginning must not show in what others keep: the same jobs
 * by the same scopes, once with prompts that repeat and once with prompts that never do, leave
 * every other scope with the same.
 */
static void what_others_keep_does_not_depend_on_hits(void **state)
{
    (void)state;
    char prompt[512];
    uint32_t state_random = 7;
    uint32_t cached[2][60];
    uint32_t hits[2] = {0, 0};
    for (int repeats = 0; repeats < 2; repeats++) {
        engine_start(5);
        state_random = 7;
        for (uint64_t i = 0; i < 60; i++) {
            state_random = state_random * 1664525u + 1013904223u;
            uint32_t scope = 1 + (state_random >> 24) % 5;
            if (scope == 1) {
                (void)snprintf(prompt, sizeof(prompt), "%s", TALE);
            }
            if (scope == 1 && repeats == 0) {
                (void)snprintf(prompt, sizeof(prompt), "%c%c %s", (char)('A' + (int)(i % 26)),
                               (char)('a' + (int)(i / 26)), TALE);
            }
            if (scope != 1) {
                (void)snprintf(prompt, sizeof(prompt), "Number %u was %s", (unsigned)scope, TALE);
            }
            run_answer *answer = ask_as(i, (uint8_t)scope, prompt, 2);
            cached[repeats][i] = scope == 1 ? 0 : answer->cached_count;
            hits[repeats] += scope == 1 && answer->cached_count > 4 ? 1 : 0;
        }
    }
    assert_int_equal(hits[0], 0);
    assert_true(hits[1] > 4);
    assert_memory_equal(cached[0], cached[1], sizeof(cached[0]));
}

static void cancelled_work_leaves_what_it_read(void **state)
{
    (void)state;
    engine_start(SLOTS);
    run_answer *answer = run_prepare(
        stories, 0, "{\"model\":\"m\",\"prompt\":\"" TALE "\",\"max_tokens\":50,\"seed\":5}");
    answer->job.has_cache_scope = true;
    memset(answer->job.cache_scope, 1, 32);
    assert_int_equal(aver_engine_submit(stories->engine, 0, &answer->job), AVER_OK);
    assert_int_equal(aver_engine_step(stories->engine), AVER_OK);
    aver_engine_cancel(stories->engine, 0);
    run_answer *after = ask_as(1, 1, TALE, 10);
    assert_true(after->cached_count > 0);
    assert_int_equal(read_count, after->prompt_count - after->cached_count + 9);
}

/* One of 24 jobs, by number; every third is of several choices. */
static run_answer *random_submit(uint64_t id, uint32_t job, uint8_t scope)
{
    static const char *const prompts[] = {TALE, "Once upon a time there was a dog",
                                          TALE " They saw",
                                          "One day, Tom and Lily went to the park with a red ball"};
    char body[1024];
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"m\",\"prompt\":\"%s\",\"max_tokens\":%u,\"seed\":%u}",
                   prompts[job % 4], (unsigned)(2 + job % 5), (unsigned)job);
    run_answer *answer = run_prepare(stories, id, body);
    answer->job.choices_count = job % 3 == 2 ? 1 + job % 4 : 1;
    answer->job.has_cache_scope = scope != 0;
    memset(answer->job.cache_scope, scope, sizeof(answer->job.cache_scope));
    assert_int_equal(aver_engine_submit(stories->engine, id, &answer->job), AVER_OK);
    return answer;
}

/* Jobs that come, go on and are cancelled at any time, in few slots: what is not cancelled is what
 * it would be alone. */
static void random_use_changes_no_bit(void **state)
{
    (void)state;
    uint8_t alone[24][32];
    uint32_t jobs[RUN_JOBS_MAX];
    uint32_t random = 99;
    unsigned whole = 0;
    engine_start(SLOTS);
    for (uint32_t job = 0; job < 24; job++) {
        run_clear(stories);
        (void)random_submit(0, job, 0);
        run_finish(stories);
        memcpy(alone[job], stories->answers[0].end.step_digest, 32);
    }
    for (int round = 0; round < 4; round++) {
        run_clear(stories);
        for (uint64_t id = 0; id < RUN_JOBS_MAX; id++) {
            random = random * 1664525u + 1013904223u;
            jobs[id] = (random >> 8) % 24;
            (void)random_submit(id, jobs[id], (uint8_t)((random >> 16) % 4));
            for (uint32_t steps = (random >> 20) % 5; steps > 0; steps--) {
                assert_int_equal(aver_engine_step(stories->engine), AVER_OK);
            }
            if ((random >> 24) % 3 == 0) {
                uint64_t other = (random >> 12) % (id + 1);
                aver_engine_cancel(stories->engine, other);
                assert_true(stories->answers[other].done);
            }
        }
        run_finish(stories);
        for (uint64_t id = 0; id < RUN_JOBS_MAX; id++) {
            const run_answer *answer = &stories->answers[id];
            assert_true(answer->done);
            if (answer->end.finish != AVER_FINISH_ABORTED) {
                assert_memory_equal(answer->end.step_digest, alone[jobs[id]], 32);
                whole++;
            }
        }
    }
    assert_true(whole > 100);
}

#define POLICY                                                                                     \
    "You are a kind helper who tells short stories to little children about dogs and balls."

/* The first word of each prompt beyond the shared text is the caller's own. */
static void shared_texts_serve_everybody_alike(void **state)
{
    (void)state;
    uint8_t digests[3][32];
    uint32_t shared = 0;
    for (int sharing = 0; sharing < 2; sharing++) {
        run_stop(stories);
        run_clear(stories);
        aver_engine_options options = run_options(stories, SLOTS);
        options.shared_prefixes[0] = aver_view_text("Another text.");
        options.shared_prefixes[1] = aver_view_text(POLICY);
        options.shared_count = sharing == 1 ? 2 : 0;
        run_start(stories, &options);
        const aver_engine_info *info = aver_engine_about(stories->engine);
        assert_int_equal(info->slots, SLOTS);
        assert_int_equal(info->has_shared, sharing == 1);
        for (uint8_t i = 0; i < 3; i++) {
            run_answer *answer = ask_as(i, i, POLICY " Once upon a time", 12);
            if (sharing == 0) {
                expect_cold(answer);
                memcpy(digests[i], answer->end.step_digest, 32);
                continue;
            }
            assert_true(answer->cached_count >= 16);
            assert_int_equal(read_count, answer->prompt_count - answer->cached_count + 11);
            assert_true(i == 0 || answer->cached_count == shared);
            shared = answer->cached_count;
            assert_memory_equal(digests[i], answer->end.step_digest, 32);
        }
    }
    /* What is the caller's own is longer than what is everybody's. */
    assert_true(ask_as(3, 2, POLICY " Once upon a time", 12)->cached_count > shared);
    run_answer *many =
        run_prepare(stories, 4, "{\"model\":\"m\",\"prompt\":\"" POLICY " The\",\"max_tokens\":4}");
    many->job.choices_count = 3;
    assert_int_equal(aver_engine_submit(stories->engine, 4, &many->job), AVER_OK);
    run_finish(stories);
    assert_true(many->done && many->cached_count >= 16);
}

static void shared_texts_must_fit_the_context(void **state)
{
    (void)state;
    static char text[4000];
    char why[160] = "";
    aver_engine *engine = NULL;
    memset(text, 'x', sizeof(text));
    aver_engine_options options = run_options(stories, 1);
    options.shared_prefixes[0] = aver_view_make(text, sizeof(text));
    options.shared_count = 1;
    assert_int_not_equal(aver_engine_new(&options, run_on_event, stories, &engine, why), AVER_OK);
    assert_non_null(strstr(why, "shared prefix 1: prompt of"));
    options.shared_prefixes[0] = aver_view_text("\xff");
    assert_int_equal(aver_engine_new(&options, run_on_event, stories, &engine, why), AVER_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_scope_reads_only_the_rest),
        cmocka_unit_test(neither_another_scope_nor_none_finds_anything),
        cmocka_unit_test(answers_are_remembered_too),
        cmocka_unit_test(no_bit_depends_on_what_was_remembered),
        cmocka_unit_test(no_bit_depends_on_the_neighbours),
        cmocka_unit_test(the_scope_idle_for_longest_gives_way),
        cmocka_unit_test(a_scope_with_many_prompts_does_not_drive_out_the_others),
        cmocka_unit_test(what_others_keep_does_not_depend_on_hits),
        cmocka_unit_test(cancelled_work_leaves_what_it_read),
        cmocka_unit_test(random_use_changes_no_bit),
        cmocka_unit_test(shared_texts_serve_everybody_alike),
        cmocka_unit_test(shared_texts_must_fit_the_context),
    };
    if (model_find(MODEL_STORIES) == NULL) {
        return MODEL_SKIP_STATUS;
    }
    return cmocka_run_group_tests(tests, stories_open, stories_close);
}

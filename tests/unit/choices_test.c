/* SPDX-License-Identifier: Apache-2.0 */
/* Several answers to one prompt: each as if it had been asked for alone, with a seed of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/engine_run.h"
#include "../support/model.h"
#include "crypto/hash.h"

#define SLOTS 6
#define ONCE  "\"model\":\"m\",\"prompt\":\"Once upon a time there was a big dog\""

static run *stories;

static int stories_open(void **state)
{
    (void)state;
    stories = run_open(model_find(MODEL_STORIES), SLOTS);
    return 0;
}

static int stories_close(void **state)
{
    (void)state;
    run_free(stories);
    return 0;
}

static run_answer *choices_submit(uint64_t id, const char *body, uint32_t count)
{
    run_answer *answer = run_prepare(stories, id, body);
    answer->job.choices_count = count;
    assert_int_equal(aver_engine_submit(stories->engine, id, &answer->job), AVER_OK);
    return answer;
}

static run_choice *choice_of(run_answer *answer, uint32_t choice)
{
    assert_true(choice > 0);
    return &answer->others[choice - 1];
}

static uint64_t choice_seed(uint64_t seed, uint32_t choice)
{
    uint8_t numbers[16];
    uint8_t digest[32];
    aver_be64_write(numbers, seed);
    aver_be64_write(numbers + 8, choice);
    aver_sha256_tagged("aver/choice/1", AVER_VIEW_OF(numbers), (aver_view){NULL, 0}, digest);
    return choice == 0 ? seed : aver_be64_read(digest) >> 11;
}

/* The prompt is read once, and each choice is what a job of one choice with its seed gives. */
static void each_choice_is_the_answer_to_its_seed(void **state)
{
    (void)state;
    uint8_t digests[5][32];
    run_clear(stories);
    uint64_t before = aver_engine_tokens(stories->engine);
    run_answer *many = choices_submit(0, "{" ONCE ",\"max_tokens\":30,\"seed\":77}", 5);
    run_finish(stories);
    uint64_t read = aver_engine_tokens(stories->engine) - before;
    assert_true(many->done);
    assert_int_equal(many->end.generated_count, 150);
    /* The last token of each choice is drawn and not read. */
    assert_int_equal(read, many->prompt_count + 5 * 29);
    for (uint32_t i = 0; i < 5; i++) {
        run_answer *one = run_prepare(stories, 1 + i, "{" ONCE ",\"max_tokens\":30}");
        one->job.has_seed = true;
        one->job.sampling.seed = choice_seed(77, i);
        assert_int_equal(aver_engine_submit(stories->engine, 1 + i, &one->job), AVER_OK);
        run_finish(stories);
        const int32_t *ids = i == 0 ? many->ids : choice_of(many, i)->ids;
        assert_int_equal(one->count, 30);
        assert_memory_equal(one->ids, ids, 30 * sizeof(int32_t));
        memcpy(digests[i], one->end.step_digest, 32);
    }
    uint8_t joined[32];
    aver_sha256_tagged("aver/choices/1", aver_view_make(digests, sizeof(digests)),
                       (aver_view){NULL, 0}, joined);
    assert_memory_equal(many->end.step_digest, joined, 32);
    assert_memory_not_equal(many->ids, choice_of(many, 1)->ids, 30 * sizeof(int32_t));
}

static void a_recheck_agrees_with_all_choices(void **state)
{
    (void)state;
    aver_recheck_result result;
    run_clear(stories);
    (void)run_submit(stories, 1, "{" ONCE ",\"max_tokens\":40,\"seed\":1}");
    run_answer *answer = choices_submit(
        0, "{" ONCE ",\"max_tokens\":25,\"seed\":9,\"temperature\":1.2,\"stop\":[\"and\"]}", 4);
    run_finish(stories);
    aver_engine_options options = run_options(stories, 1);
    aver_recheck_claim claim = run_claim(stories, answer);
    assert_int_equal(aver_recheck_run(&options, &claim, &result), AVER_OK);
    if (result.outcome != AVER_RECHECK_SAME) {
        print_error("%s\n", result.detail);
    }
    assert_int_equal(result.outcome, AVER_RECHECK_SAME);
    choice_of(answer, 2)->ids[1] ^= 1;
    assert_int_equal(aver_recheck_run(&options, &claim, &result), AVER_OK);
    assert_int_equal(result.outcome, AVER_RECHECK_TOKEN);
    assert_int_equal(result.choice, 2);
    assert_int_equal(result.position, 1);
}

static void choices_end_one_by_one(void **state)
{
    (void)state;
    run_clear(stories);
    run_answer *answer = choices_submit(
        0, "{" ONCE ",\"max_tokens\":120,\"seed\":3,\"stop\":[\"named\",\".\"]}", SLOTS);
    run_finish(stories);
    bool differ = false;
    for (uint32_t i = 1; i < SLOTS; i++) {
        assert_in_range(choice_of(answer, i)->finish, AVER_FINISH_STOP, AVER_FINISH_LENGTH);
        differ = differ || choice_of(answer, i)->count != answer->count;
    }
    assert_true(differ);
    assert_false(aver_engine_busy(stories->engine));
}

static void more_choices_than_slots_are_refused(void **state)
{
    (void)state;
    run_clear(stories);
    run_answer *answer = choices_submit(0, "{" ONCE ",\"max_tokens\":5}", SLOTS + 1);
    assert_true(answer->refused);
    assert_non_null(strstr(answer->why, "7 choices are more than the 6"));
    assert_false(aver_engine_busy(stories->engine));
}

/* A stream of small jobs must not keep one that needs all slots from ever getting them, and the
 * other way round. */
static void many_choices_come_to_their_slots(void **state)
{
    (void)state;
    run_clear(stories);
    for (uint64_t i = 0; i < SLOTS; i++) {
        (void)run_submit(stories, i, "{" ONCE ",\"max_tokens\":20,\"seed\":1}");
    }
    run_answer *large = choices_submit(SLOTS, "{" ONCE ",\"max_tokens\":6,\"seed\":2}", SLOTS);
    uint64_t next = SLOTS + 1;
    while (!large->done && next < RUN_JOBS_MAX - 1) {
        (void)run_submit(stories, next++, "{" ONCE ",\"max_tokens\":20,\"seed\":1}");
        for (int i = 0; i < 2; i++) {
            assert_int_equal(aver_engine_step(stories->engine), AVER_OK);
        }
    }
    assert_true(large->done);
    assert_true(next < RUN_JOBS_MAX - 1);
    run_finish(stories);
    for (uint64_t i = 0; i < next; i++) {
        assert_true(stories->answers[i].done);
    }
}

static void a_cancel_ends_all_choices(void **state)
{
    (void)state;
    for (uint32_t steps = 0; steps < 5; steps++) {
        run_clear(stories);
        run_answer *answer = choices_submit(0, "{" ONCE ",\"max_tokens\":50,\"seed\":4}", 4);
        for (uint32_t i = 0; i < steps; i++) {
            assert_int_equal(aver_engine_step(stories->engine), AVER_OK);
        }
        aver_engine_cancel(stories->engine, 0);
        assert_true(answer->done);
        assert_int_equal(answer->end.finish, AVER_FINISH_ABORTED);
        assert_false(aver_engine_busy(stories->engine));
    }
    run_clear(stories);
    run_answer *after = choices_submit(0, "{" ONCE ",\"max_tokens\":9,\"seed\":4}", SLOTS);
    run_finish(stories);
    assert_int_equal(after->end.finish, AVER_FINISH_LENGTH);
}

static void bias_run(run_answer *answer, int32_t token, int32_t bias_ppm)
{
    answer->job.biases = calloc(1, sizeof(*answer->job.biases));
    assert_non_null(answer->job.biases);
    answer->job.biases[0] = (aver_bias){.token = token, .bias_ppm = bias_ppm};
    answer->job.biases_count = 1;
    assert_int_equal(aver_engine_submit(stories->engine, 0, &answer->job), AVER_OK);
    run_finish(stories);
}

static void a_bias_forbids_or_forces_a_token(void **state)
{
    (void)state;
    aver_recheck_result result;
    run_answer *answer = run_one(stories, "{" ONCE ",\"max_tokens\":12,\"temperature\":0}");
    int32_t second = answer->ids[1];
    run_clear(stories);
    answer = run_prepare(stories, 0, "{" ONCE ",\"max_tokens\":12,\"temperature\":0}");
    bias_run(answer, second, -100000000);
    for (size_t i = 0; i < answer->count; i++) {
        assert_int_not_equal(answer->ids[i], second);
    }
    aver_engine_options options = run_options(stories, 1);
    aver_recheck_claim claim = run_claim(stories, answer);
    assert_int_equal(aver_recheck_run(&options, &claim, &result), AVER_OK);
    assert_int_equal(result.outcome, AVER_RECHECK_SAME);
    answer->job.biases[0].bias_ppm = 0;
    assert_int_equal(aver_recheck_run(&options, &claim, &result), AVER_OK);
    assert_int_equal(result.outcome, AVER_RECHECK_TOKEN);
    run_clear(stories);
    answer = run_prepare(stories, 0, "{" ONCE ",\"max_tokens\":12,\"seed\":3}");
    bias_run(answer, 333, 100000000);
    for (size_t i = 0; i < answer->count; i++) {
        assert_int_equal(answer->ids[i], 333);
    }
    run_clear(stories);
    answer = run_prepare(stories, 0, "{" ONCE ",\"max_tokens\":12}");
    bias_run(answer, 32000, 1);
    assert_true(answer->refused);
    assert_non_null(strstr(answer->why, "no token 32000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_choice_is_the_answer_to_its_seed),
        cmocka_unit_test(a_recheck_agrees_with_all_choices),
        cmocka_unit_test(choices_end_one_by_one),
        cmocka_unit_test(more_choices_than_slots_are_refused),
        cmocka_unit_test(many_choices_come_to_their_slots),
        cmocka_unit_test(a_cancel_ends_all_choices),
        cmocka_unit_test(a_bias_forbids_or_forces_a_token),
    };
    if (model_find(MODEL_STORIES) == NULL) {
        return MODEL_SKIP_STATUS;
    }
    return cmocka_run_group_tests(tests, stories_open, stories_close);
}

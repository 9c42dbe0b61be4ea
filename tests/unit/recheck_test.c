/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/engine_run.h"
#include "../support/model.h"
#include "engine/answer.h"

#include <stdio.h>

#define ANSWERS 50
#define ROUNDS  5

static run *stories;
static uint32_t random_state = 20250101u;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % bound;
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

static void body_random(char *body, size_t size)
{
    static const char *const beginnings[] = {
        "Once upon a time",
        "Lily and Tom went to the park. They",
        "The big dog",
        "One day, a little boy named Tim",
        "There was a house in the wood where nobody lived, but every night the people of the "
        "village saw a light in "
        "its window. So one evening the bravest of the children, a girl called Mia, took her lamp "
        "and",
        "\\u00e9l\\u00e8ve",
        "A",
    };
    static const char *const stops[] = {"", ",\"stop\":[\". \"]", ",\"stop\":[\"the\",\"Lily\"]",
                                        ""};
    static const char *const temperatures[] = {"0", "0.5", "1", "1.7"};
    const char *text = beginnings[random_below(7)];
    char settings[512];
    (void)snprintf(
        settings, sizeof(settings),
        "\"max_tokens\":%u,\"temperature\":%s,\"top_p\":0.%u,\"top_k\":%u,\"seed\":%u,"
        "\"repetition_penalty\":1.%u,\"presence_penalty\":0.%u,\"frequency_penalty\":0.%u%s",
        1 + random_below(60), temperatures[random_below(4)], 50 + random_below(50),
        random_below(2) * random_below(100), random_below(1000000), random_below(3),
        random_below(5), random_below(5), stops[random_below(4)]);
    if (random_below(2) == 0) {
        (void)snprintf(body, size, "{\"model\":\"m\",\"prompt\":\"%s\",%s}", text, settings);
    } else {
        (void)snprintf(body, size,
                       "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],%s}",
                       text, settings);
    }
}

static void recheck(const run_answer *answer, const aver_recheck_claim *claim,
                    uint32_t batch_tokens, uint32_t threads, aver_recheck_result *ret_result)
{
    aver_engine_options options = run_options(stories, 1);
    options.batch_tokens = batch_tokens;
    options.threads = threads;
    assert_true(answer->done);
    assert_int_equal(aver_recheck_run(&options, claim, ret_result), AVER_OK);
}

static void assert_same(const run_answer *answer, uint32_t batch_tokens, uint32_t threads)
{
    aver_recheck_result result;
    aver_recheck_claim claim = run_claim(stories, answer);
    recheck(answer, &claim, batch_tokens, threads, &result);
    if (result.outcome != AVER_RECHECK_SAME) {
        print_error("outcome %d: %s\n", (int)result.outcome, result.detail);
    }
    assert_int_equal(result.outcome, AVER_RECHECK_SAME);
}

/* One engine of random make, a handful of jobs that come while others run. */
static void run_under_load(uint32_t round, uint32_t count)
{
    static const uint32_t batches[] = {0, 7, 24, 64, 200};
    char body[1024];
    aver_engine_options options = run_options(stories, 1 + random_below(6));
    /* llama.cpp's threads spin: on a machine with other work, two of them are very slow. One round
     * has them. */
    options.threads = round == 1 ? 2 : 1;
    options.batch_tokens = batches[random_below(5)];
    run_start(stories, &options);
    for (uint32_t i = 0; i < count; i++) {
        body_random(body, sizeof(body));
        (void)run_submit(stories, i, body);
        for (uint32_t steps = random_below(8); steps > 0; steps--) {
            assert_int_equal(aver_engine_step(stories->engine), AVER_OK);
        }
    }
    run_finish(stories);
}

static void fifty_answers_made_under_load_recheck_bit_for_bit(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        run_clear(stories);
        run_under_load(round, ANSWERS / ROUNDS);
        for (uint32_t i = 0; i < ANSWERS / ROUNDS; i++) {
            uint32_t threads = round == 2 && i == 0 ? 2 : 1;
            assert_same(&stories->answers[i], random_below(2) == 0 ? 0 : 1 + random_below(100),
                        threads);
        }
        run_stop(stories);
    }
}

static void engine_of(uint32_t slots)
{
    aver_engine_options options = run_options(stories, slots);
    run_start(stories, &options);
}

#define STORY "\"model\":\"m\",\"prompt\":\"The little cat\",\"max_tokens\":12"

static void every_changed_token_is_found_at_its_place(void **state)
{
    (void)state;
    static const char *const bodies[] = {"{" STORY ",\"temperature\":0}", "{" STORY ",\"seed\":9}"};
    for (size_t b = 0; b < 2; b++) {
        engine_of(1);
        run_answer *answer = run_one(stories, bodies[b]);
        for (size_t i = 0; i < answer->count; i++) {
            aver_recheck_result result;
            int32_t right = answer->ids[i];
            answer->ids[i] = right == 500 ? 501 : 500;
            aver_recheck_claim claim = run_claim(stories, answer);
            recheck(answer, &claim, 0, 1, &result);
            assert_int_equal(result.outcome, AVER_RECHECK_TOKEN);
            assert_int_equal(result.position, i);
            assert_int_equal(result.token_claimed, answer->ids[i]);
            assert_int_equal(result.token_expected, right);
            answer->ids[i] = right;
        }
        assert_same(answer, 0, 1);
        run_stop(stories);
    }
}

static void impossible_tokens_are_found_too(void **state)
{
    (void)state;
    static const int32_t wrong[] = {-1, 32000, INT32_MAX, INT32_MIN};
    engine_of(1);
    run_answer *answer = run_one(stories, "{" STORY ",\"temperature\":0}");
    for (size_t i = 0; i < 4; i++) {
        aver_recheck_result result;
        int32_t right = answer->ids[3];
        answer->ids[3] = wrong[i];
        aver_recheck_claim claim = run_claim(stories, answer);
        recheck(answer, &claim, 0, 1, &result);
        assert_int_equal(result.outcome, AVER_RECHECK_TOKEN);
        assert_int_equal(result.position, 3);
        answer->ids[3] = right;
    }
    run_stop(stories);
}

/* The linker puts it in the place of the drawing function; it lies only while it is told to. */
static bool engine_lies;
aver_err __real_aver_answer_draw(aver_answer *answer, const float *logits, int32_t *ret_token);
aver_err __wrap_aver_answer_draw(aver_answer *answer, const float *logits, int32_t *ret_token);

aver_err __wrap_aver_answer_draw(aver_answer *answer, const float *logits, int32_t *ret_token)
{
    aver_err err = __real_aver_answer_draw(answer, logits, ret_token);
    if (err == AVER_OK && engine_lies && answer->generated_count == 5) {
        *ret_token -= 1;
    }
    return err;
}

static void a_lying_engine_is_found_where_it_lied(void **state)
{
    (void)state;
    engine_of(2);
    engine_lies = true;
    run_answer *answer = run_one(stories, "{" STORY ",\"temperature\":0}");
    engine_lies = false;
    aver_recheck_result result;
    aver_recheck_claim claim = run_claim(stories, answer);
    recheck(answer, &claim, 0, 1, &result);
    assert_int_equal(result.outcome, AVER_RECHECK_TOKEN);
    assert_int_equal(result.position, 5);
    assert_int_equal(result.token_claimed, answer->ids[5]);
    assert_int_equal(result.token_expected, answer->ids[5] + 1);
    run_stop(stories);
}

typedef void change_fn(run_answer *answer, aver_recheck_claim *claim);

static void change_prompt_id(run_answer *answer, aver_recheck_claim *claim)
{
    (void)claim;
    answer->prompt_ids[1]++;
}

static void change_prompt_count(run_answer *answer, aver_recheck_claim *claim)
{
    (void)answer;
    claim->prompt_count--;
}

static void change_request(run_answer *answer, aver_recheck_claim *claim)
{
    (void)claim;
    answer->job.prompt.data[4] ^= 1;
}

static void change_text(run_answer *answer, aver_recheck_claim *claim)
{
    (void)claim;
    answer->text.data[answer->text.size - 1] ^= 1;
}

static void change_text_size(run_answer *answer, aver_recheck_claim *claim)
{
    (void)answer;
    claim->choices[0].text.size--;
}

static void change_finish(run_answer *answer, aver_recheck_claim *claim)
{
    (void)answer;
    claim->choices[0].finish = AVER_FINISH_STOP;
}

static void change_end(run_answer *answer, aver_recheck_claim *claim)
{
    (void)answer;
    claim->choices[0].count--;
}

static void change_bound(run_answer *answer, aver_recheck_claim *claim)
{
    (void)claim;
    answer->job.max_tokens = 5;
}

static void change_all_away(run_answer *answer, aver_recheck_claim *claim)
{
    (void)answer;
    claim->choices[0].count = 0;
    claim->choices[0].text.size = 0;
}

static void change_digest(run_answer *answer, aver_recheck_claim *claim)
{
    (void)answer;
    claim->step_digest[31] ^= 1;
}

static void change_class(run_answer *answer, aver_recheck_claim *claim)
{
    (void)answer;
    claim->numeric_class[0] ^= 1;
}

static void change_template(run_answer *answer, aver_recheck_claim *claim)
{
    static const uint8_t other[32] = {1};
    /* Another template would give other prompt ids: that must not look like a lie. */
    answer->prompt_ids[0]++;
    claim->template_digest = other;
}

static void change_kv(run_answer *answer, aver_recheck_claim *claim)
{
    (void)answer;
    claim->kv_type = "F16";
}

static void change_seed(run_answer *answer, aver_recheck_claim *claim)
{
    (void)claim;
    answer->job.sampling.seed++;
}

static void every_other_change_has_its_own_outcome(void **state)
{
    (void)state;
    static const struct {
        change_fn *change;
        aver_recheck_outcome outcome;
    } cases[] = {
        {change_prompt_id, AVER_RECHECK_PROMPT}, {change_prompt_count, AVER_RECHECK_PROMPT},
        {change_request, AVER_RECHECK_PROMPT},   {change_text, AVER_RECHECK_TEXT},
        {change_text_size, AVER_RECHECK_TEXT},   {change_finish, AVER_RECHECK_FINISH},
        {change_end, AVER_RECHECK_FINISH},       {change_bound, AVER_RECHECK_FINISH},
        {change_all_away, AVER_RECHECK_FINISH},  {change_digest, AVER_RECHECK_DIGEST},
        {change_class, AVER_RECHECK_CANNOT},     {change_seed, AVER_RECHECK_TOKEN},
        {change_template, AVER_RECHECK_CANNOT},  {change_kv, AVER_RECHECK_CANNOT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        aver_recheck_result result;
        engine_of(1);
        run_answer *answer = run_one(stories, "{" STORY ",\"seed\":4}");
        aver_recheck_claim claim = run_claim(stories, answer);
        cases[i].change(answer, &claim);
        recheck(answer, &claim, 0, 1, &result);
        if (result.outcome != cases[i].outcome) {
            print_error("change %zu: outcome %d, %s\n", i, (int)result.outcome, result.detail);
        }
        assert_int_equal(result.outcome, cases[i].outcome);
        assert_true(result.detail[0] != '\0');
        run_stop(stories);
    }
}

static void aborted_answers_are_judged_as_far_as_they_go(void **state)
{
    (void)state;
    aver_recheck_result result;
    engine_of(1);
    run_clear(stories);
    run_answer *answer =
        run_submit(stories, 0, "{\"model\":\"m\",\"prompt\":\"The\",\"max_tokens\":40,\"seed\":4}");
    for (int i = 0; i < 7; i++) {
        assert_int_equal(aver_engine_step(stories->engine), AVER_OK);
    }
    aver_engine_cancel(stories->engine, 0);
    assert_int_equal(answer->end.finish, AVER_FINISH_ABORTED);
    assert_int_equal(answer->count, 7);
    assert_same(answer, 0, 1);
    aver_recheck_claim claim = run_claim(stories, answer);
    claim.choices[0].text.size -= 2; /* the caller left before the last piece */
    recheck(answer, &claim, 0, 1, &result);
    assert_int_equal(result.outcome, AVER_RECHECK_SAME);
    answer->text.data[0] ^= 1;
    recheck(answer, &claim, 0, 1, &result);
    assert_int_equal(result.outcome, AVER_RECHECK_TEXT);
    answer->ids[6]++;
    recheck(answer, &claim, 0, 1, &result);
    assert_int_equal(result.outcome, AVER_RECHECK_TOKEN);
    assert_int_equal(result.position, 6);
    run_stop(stories);
}

static void another_model_cannot_judge(void **state)
{
    (void)state;
    const char *path = model_find(MODEL_STORIES_F32);
    if (path == NULL) {
        skip();
    }
    aver_recheck_result result;
    engine_of(1);
    run_answer *answer = run_one(stories, "{" STORY ",\"seed\":4}");
    aver_recheck_claim claim = run_claim(stories, answer);
    run *other = run_new(path);
    aver_engine_options options = run_options(other, 1);
    assert_int_equal(aver_recheck_run(&options, &claim, &result), AVER_OK);
    assert_int_equal(result.outcome, AVER_RECHECK_CANNOT);
    run_free(other);
    run_stop(stories);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifty_answers_made_under_load_recheck_bit_for_bit),
        cmocka_unit_test(every_changed_token_is_found_at_its_place),
        cmocka_unit_test(impossible_tokens_are_found_too),
        cmocka_unit_test(a_lying_engine_is_found_where_it_lied),
        cmocka_unit_test(every_other_change_has_its_own_outcome),
        cmocka_unit_test(aborted_answers_are_judged_as_far_as_they_go),
        cmocka_unit_test(another_model_cannot_judge),
    };
    if (model_find(MODEL_STORIES) == NULL) {
        return MODEL_SKIP_STATUS;
    }
    return cmocka_run_group_tests(tests, stories_open, stories_close);
}

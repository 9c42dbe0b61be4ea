/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/engine_run.h"
#include "../support/model.h"
#include "engine/logprobs.h"

#include <math.h>

#define WIDE 300

static void ranks_are_by_falling_logit_and_rising_id(void **state)
{
    (void)state;
    static const float logits[] = {1.0F, 3.0F, 2.0F, 3.0F, -1.0F, 2.0F};
    aver_logprob list[AVER_LOGPROBS_MAX];
    static const int32_t wanted[] = {4, 1, 3, 2, 5, 0, 4};
    size_t count = aver_logprobs_rank(logits, 6, 4, 20, list);
    assert_int_equal(count, 7);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(list[i].token, wanted[i]);
    }
    assert_int_equal(aver_logprobs_rank(logits, 6, 0, 2, list), 3);
    assert_int_equal(list[1].token, 1);
    assert_int_equal(list[2].token, 3);
    assert_int_equal(aver_logprobs_rank(logits, 6, 5, 0, list), 1);
    assert_int_equal(list[0].token, 5);
}

static void values_are_the_logarithm_of_the_softmax(void **state)
{
    (void)state;
    float logits[WIDE];
    aver_logprob list[AVER_LOGPROBS_MAX];
    double sum = 0.0;
    for (int i = 0; i < WIDE; i++) {
        logits[i] = (float)((i * 7919 % 2003) / 100.0 - 9.0);
        sum += exp((double)logits[i]);
    }
    size_t count = aver_logprobs_rank(logits, WIDE, 17, 20, list);
    assert_int_equal(count, 21);
    for (size_t i = 0; i < count; i++) {
        double wanted = ((double)logits[list[i].token] - log(sum)) * 1e6;
        assert_true(fabs(list[i].logprob_ppm - wanted) <= 1.0);
    }
    static const float even[] = {5.0F, 5.0F};
    (void)aver_logprobs_rank(even, 2, 1, 1, list);
    assert_int_equal(list[0].logprob_ppm, -693147);
    static const float sure[] = {0.0F, 100.0F};
    (void)aver_logprobs_rank(sure, 2, 1, 1, list);
    assert_int_equal(list[0].logprob_ppm, 0);
}

static void what_is_not_finite_is_no_candidate(void **state)
{
    (void)state;
    const float logits[] = {-INFINITY, 1.0F, NAN, INFINITY, -1e30F};
    const float none[] = {NAN, -INFINITY};
    aver_logprob list[AVER_LOGPROBS_MAX];
    assert_int_equal(aver_logprobs_rank(logits, 5, 0, 20, list), 3);
    assert_int_equal(list[0].logprob_ppm, AVER_LOGPROBS_PPM_LEAST);
    assert_int_equal(list[1].token, 1);
    assert_int_equal(list[1].logprob_ppm, 0);
    assert_int_equal(list[2].token, 4);
    assert_int_equal(list[2].logprob_ppm, AVER_LOGPROBS_PPM_LEAST);
    assert_int_equal(aver_logprobs_rank(none, 2, 1, 20, list), 1);
    assert_int_equal(list[0].logprob_ppm, AVER_LOGPROBS_PPM_LEAST);
}

static size_t tokens_seen;

static void on_token(const run_answer *answer, const aver_event *event)
{
    if (event->kind != AVER_EVENT_TOKEN) {
        return;
    }
    assert_int_equal(event->logprobs_count, 1 + answer->job.top_logprobs);
    assert_int_equal(event->logprobs[0].token, event->token);
    /* Greedy, without biases: the drawn token is the most likely one. */
    assert_int_equal(event->logprobs[1].token, event->token);
    assert_int_equal(event->logprobs[1].logprob_ppm, event->logprobs[0].logprob_ppm);
    for (size_t i = 1; i < event->logprobs_count; i++) {
        assert_true(event->logprobs[i].logprob_ppm <= 0);
        assert_true(i < 2 || event->logprobs[i].logprob_ppm <= event->logprobs[i - 1].logprob_ppm);
        assert_true(event->logprobs[i].piece.size > 0);
    }
    assert_true(aver_view_equal(event->logprobs[0].piece, event->text));
    tokens_seen++;
}

static void each_token_of_an_answer_has_them(void **state)
{
    (void)state;
    const char *path = model_find(MODEL_STORIES);
    if (path == NULL) {
        skip();
    }
    run *stories = run_new(path);
    aver_engine_options options = run_options(stories, 2);
    run_start(stories, &options);
    stories->watch = on_token;
    run_answer *answer = run_prepare(
        stories, 0,
        "{\"model\":\"m\",\"prompt\":\"Once upon a time\",\"max_tokens\":20,\"temperature\":0}");
    answer->job.has_logprobs = true;
    answer->job.top_logprobs = 5;
    assert_int_equal(aver_engine_submit(stories->engine, 0, &answer->job), AVER_OK);
    run_finish(stories);
    assert_int_equal(tokens_seen, 20);
    run_free(stories);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_by_falling_logit_and_rising_id),
        cmocka_unit_test(values_are_the_logarithm_of_the_softmax),
        cmocka_unit_test(what_is_not_finite_is_no_candidate),
        cmocka_unit_test(each_token_of_an_answer_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

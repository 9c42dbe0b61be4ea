/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "engine/sampler_exp.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 1000

static uint32_t random_state = 1;

static uint32_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void logits_fill(float *logits, size_t size, uint32_t seed, float spread)
{
    random_state = seed * 2654435761u + 1;
    for (size_t i = 0; i < size; i++) {
        logits[i] = ((float)(random_next() >> 8) * 0x1p-24F - 0.5F) * spread;
    }
}

static aver_sampling sampling_plain(void)
{
    aver_sampling sampling = {
        .temperature_ppm = 1000000,
        .top_p_ppm = 1000000,
        .repetition_penalty_ppm = 1000000,
        .seed = 42,
    };
    return sampling;
}

static int32_t draw(const aver_sampling *sampling, const float *logits, uint32_t size,
                    uint64_t step)
{
    aver_sampler *sampler = NULL;
    int32_t token = -1;
    assert_int_equal(aver_sampler_new(size, sampling, &sampler), AVER_OK);
    assert_int_equal(aver_sampler_draw(sampler, logits, step, &token), AVER_OK);
    aver_sampler_free(sampler);
    return token;
}

static void exp_is_within_two_units_of_the_last_place(void **state)
{
    (void)state;
    double worst = 0.0;
    for (int i = 0; i <= 700000; i++) {
        double x = -(double)i / 1000.0;
        double expected = exp(x);
        double error = fabs(aver_sampler_exp(x) - expected) / (expected * DBL_EPSILON);
        worst = error > worst ? error : worst;
    }
    assert_true(worst < 2.0);
    assert_true(aver_sampler_exp(0.0) == 1.0);
    assert_true(aver_sampler_exp(-701.0) == 0.0);
    assert_true(aver_sampler_exp(-INFINITY) == 0.0);
    assert_true(aver_sampler_exp(NAN) == 0.0);
}

/* The bits themselves: another machine, compiler or level of optimisation must give the same. */
static void exp_gives_the_same_bits_everywhere(void **state)
{
    (void)state;
    uint8_t digest[32];
    char text[65];
    aver_sha256 hash;
    aver_sha256_init(&hash);
    for (int i = 0; i < 100000; i++) {
        double value = aver_sampler_exp(-(double)i * 0x1.6a09e667f3bcdp-8);
        aver_sha256_update(&hash, aver_view_make(&value, sizeof(value)));
    }
    aver_sha256_final(&hash, digest);
    for (int i = 0; i < 32; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
    }
    assert_string_equal(text, "41237db95679862fb11a0622bdce7f136a04b2e558f4e2721bb2c222bfedbf98");
}

static void weights_of_a_row_are_those_of_each_logit(void **state)
{
    (void)state;
    float logits[SIZE + 1];
    double weights[SIZE + 1];
    logits_fill(logits, SIZE + 1, 5, 3000.0F);
    logits[0] = 1500.0F;
    logits[1] = NAN;
    logits[2] = INFINITY;
    logits[3] = -INFINITY;
    /* Every size: whole vectors and what is left over. */
    for (uint32_t size = 0; size <= SIZE + 1; size += 7) {
        aver_sampler_weigh(logits, size, 1500.0F, 0.75, weights);
        for (uint32_t i = 0; i < size; i++) {
            double expected = aver_sampler_exp(((double)logits[i] - 1500.0) * 0.75);
            assert_memory_equal(&weights[i], &expected, sizeof(expected));
        }
    }
    assert_true(weights[0] == 1.0 && weights[1] == 0.0 && weights[2] == 0.0 && weights[3] == 0.0);
}

static void fixed_logits_give_fixed_draws(void **state)
{
    (void)state;
    static const int32_t plain[] = {208, 995, 910, 727, 319, 694, 579, 814};
    static const int32_t cut[] = {772, 60, 731, 785, 139, 4, 739, 641};
    float logits[SIZE];
    logits_fill(logits, SIZE, 7, 12.0F);
    aver_sampling sampling = sampling_plain();
    for (uint64_t i = 0; i < 8; i++) {
        assert_int_equal(draw(&sampling, logits, SIZE, i), plain[i]);
    }
    sampling.temperature_ppm = 700000;
    sampling.top_p_ppm = 900000;
    sampling.top_k = 40;
    sampling.min_p_ppm = 10000;
    for (uint64_t i = 0; i < 8; i++) {
        assert_int_equal(draw(&sampling, logits, SIZE, i), cut[i]);
    }
}

static void greedy_takes_the_highest_and_the_lowest_id_of_equals(void **state)
{
    (void)state;
    aver_sampling sampling = sampling_plain();
    sampling.temperature_ppm = 0;
    const float logits[] = {1.0F, 3.0F, 2.0F, 3.0F};
    assert_int_equal(draw(&sampling, logits, 4, 0), 1);
    const float zeros[] = {-0.0F, 0.0F};
    assert_int_equal(draw(&sampling, zeros, 2, 0), 0);
    const float odd[] = {NAN, -INFINITY, INFINITY, -5.0F};
    assert_int_equal(draw(&sampling, odd, 4, 0), 3);
}

static void logits_that_are_not_finite_are_never_drawn(void **state)
{
    (void)state;
    aver_sampling sampling = sampling_plain();
    const float logits[] = {NAN, 1.0F, INFINITY, 1.0F, -INFINITY};
    for (uint64_t i = 0; i < 100; i++) {
        int32_t token = draw(&sampling, logits, 5, i);
        assert_true(token == 1 || token == 3);
    }
    const float none[] = {NAN, INFINITY, -INFINITY};
    aver_sampler *sampler = NULL;
    int32_t token = -1;
    assert_int_equal(aver_sampler_new(3, &sampling, &sampler), AVER_OK);
    assert_int_equal(aver_sampler_draw(sampler, none, 0, &token), AVER_E_FORMAT);
    assert_int_equal(token, -1);
    aver_sampler_free(sampler);
}

/* What sampler.h says, in the plainest way: everything sorted. */
typedef struct reference_entry {
    float logit;
    int32_t token;
    double weight;
} reference_entry;

static int reference_order(const void *a, const void *b)
{
    const reference_entry *left = a;
    const reference_entry *right = b;
    if (left->logit > right->logit || left->logit < right->logit) {
        return left->logit > right->logit ? -1 : 1;
    }
    return left->token - right->token;
}

static double reference_uniform(uint64_t seed, uint64_t step)
{
    uint8_t bytes[11 + 16];
    uint8_t digest[32];
    memcpy(bytes, "aver/draw/1", 11);
    aver_be64_write(bytes + 11, seed);
    aver_be64_write(bytes + 19, step);
    aver_sha256_of(AVER_VIEW_OF(bytes), digest);
    return (double)(aver_be64_read(digest) >> 11) / 9007199254740992.0;
}

static double reference_sum(const reference_entry *entries, size_t size)
{
    double lanes[8] = {0};
    for (size_t i = 0; i < size; i++) {
        lanes[i % 8] += entries[i].weight;
    }
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
           ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

static int32_t reference_draw(const aver_sampling *sampling, const float *logits, size_t size,
                              uint64_t step)
{
    reference_entry *entries = calloc(size, sizeof(*entries));
    size_t count = size;
    float highest = -FLT_MAX;
    double sum = 0.0;
    for (size_t i = 0; i < size; i++) {
        highest = logits[i] > highest ? logits[i] : highest;
    }
    for (size_t i = 0; i < size; i++) {
        double x = ((double)logits[i] - (double)highest) * (1e6 / sampling->temperature_ppm);
        entries[i] = (reference_entry){logits[i], (int32_t)i, aver_sampler_exp(x)};
    }
    sum = reference_sum(entries, size);
    bool cuts = (sampling->top_k != 0 && sampling->top_k < size) || sampling->top_p_ppm < 1000000 ||
                sampling->min_p_ppm != 0;
    if (cuts) {
        qsort(entries, size, sizeof(*entries), reference_order);
    }
    if (sampling->top_k != 0 && sampling->top_k < size) {
        count = sampling->top_k;
        sum = 0.0;
        for (size_t i = 0; i < count; i++) {
            sum += entries[i].weight;
        }
    }
    if (sampling->top_p_ppm < 1000000 || sampling->min_p_ppm != 0) {
        double reached = 0.0;
        size_t kept = 0;
        while (kept < count && (kept == 0 || (entries[kept].weight >= sampling->min_p_ppm / 1e6 &&
                                              (sampling->top_p_ppm == 1000000 ||
                                               reached < sum * (sampling->top_p_ppm / 1e6))))) {
            reached += entries[kept++].weight;
        }
        count = kept;
        sum = reached;
    }
    double target = reference_uniform(sampling->seed, step) * sum;
    double reached = 0.0;
    int32_t token = -1;
    for (size_t i = 0; i < count && token < 0; i++) {
        reached += entries[i].weight;
        token = reached > target ? entries[i].token : -1;
    }
    free(entries);
    return token;
}

static void draws_are_those_of_the_reference(void **state)
{
    (void)state;
    static const uint32_t temperatures[] = {1, 300000, 1000000, 2000000};
    static const uint32_t top_ps[] = {1, 100000, 900000, 999999, 1000000};
    static const uint32_t top_ks[] = {0, 1, 40, SIZE, 5000};
    static const uint32_t min_ps[] = {0, 50000, 1000000};
    float logits[SIZE];
    uint64_t step = 0;
    for (size_t i = 0; i < 4 * 5 * 5 * 3 * 3; i++) {
        aver_sampling sampling = sampling_plain();
        sampling.temperature_ppm = temperatures[i % 4];
        sampling.top_p_ppm = top_ps[i / 4 % 5];
        sampling.top_k = top_ks[i / 20 % 5];
        sampling.min_p_ppm = min_ps[i / 100 % 3];
        sampling.seed = i;
        logits_fill(logits, SIZE, (uint32_t)i + 1, i % 2 == 0 ? 20.0F : 0.5F);
        /* Equal logits, so that ties decide. */
        logits[10] = logits[20] = logits[30];
        for (int repeat = 0; repeat < 4; repeat++, step++) {
            assert_int_equal(draw(&sampling, logits, SIZE, step),
                             reference_draw(&sampling, logits, SIZE, step));
        }
    }
}

static void frequencies_follow_the_probabilities(void **state)
{
    (void)state;
    const float logits[] = {0.0F, 0.6931472F, 1.3862944F, 0.0F};
    static const double expected[] = {0.125, 0.25, 0.5, 0.125};
    const int rounds = 40000;
    int counts[4] = {0};
    aver_sampling sampling = sampling_plain();
    for (int i = 0; i < rounds; i++) {
        counts[draw(&sampling, logits, 4, (uint64_t)i)]++;
    }
    double chi = 0.0;
    for (int i = 0; i < 4; i++) {
        double wanted = expected[i] * rounds;
        chi += (counts[i] - wanted) * (counts[i] - wanted) / wanted;
    }
    /* Three degrees of freedom: 16.27 is passed once in a thousand by chance; the seed is fixed. */
    assert_true(chi < 16.27);
    assert_true(counts[2] > counts[1] && counts[1] > counts[0]);
}

static void seed_and_step_decide_the_draw(void **state)
{
    (void)state;
    float logits[SIZE];
    int differ_by_seed = 0;
    int differ_by_step = 0;
    logits_fill(logits, SIZE, 3, 1.0F);
    aver_sampling one = sampling_plain();
    aver_sampling two = sampling_plain();
    two.seed = 43;
    for (uint64_t i = 0; i < 50; i++) {
        assert_int_equal(draw(&one, logits, SIZE, i), draw(&one, logits, SIZE, i));
        differ_by_seed += draw(&one, logits, SIZE, i) != draw(&two, logits, SIZE, i);
        differ_by_step += draw(&one, logits, SIZE, i) != draw(&one, logits, SIZE, i + 1);
    }
    assert_true(differ_by_seed > 40);
    assert_true(differ_by_step > 40);
}

static int32_t draw_after(const aver_sampling *sampling, const float *logits, const int32_t *tokens,
                          size_t count, bool generated)
{
    aver_sampler *sampler = NULL;
    int32_t token = -1;
    assert_int_equal(aver_sampler_new(4, sampling, &sampler), AVER_OK);
    for (size_t i = 0; i < count; i++) {
        aver_sampler_accept(sampler, tokens[i], generated);
    }
    assert_int_equal(aver_sampler_draw(sampler, logits, 0, &token), AVER_OK);
    aver_sampler_free(sampler);
    return token;
}

static void penalties_lower_what_was_seen(void **state)
{
    (void)state;
    const float logits[] = {2.0F, 1.9F, 1.0F, -1.0F};
    const float negative[] = {-1.0F, -1.1F, -9.0F, -9.0F};
    const int32_t once[] = {0};
    const int32_t often[] = {0, 0, 0};
    aver_sampling sampling = sampling_plain();
    sampling.temperature_ppm = 0;
    assert_int_equal(draw_after(&sampling, logits, once, 1, true), 0);
    sampling.repetition_penalty_ppm = 1200000;
    assert_int_equal(draw_after(&sampling, logits, once, 1, true), 1);
    assert_int_equal(draw_after(&sampling, logits, once, 1, false), 1);
    assert_int_equal(draw_after(&sampling, negative, once, 1, false), 1);
    sampling.repetition_penalty_ppm = 1000000;
    sampling.presence_penalty_ppm = 200000;
    assert_int_equal(draw_after(&sampling, logits, once, 1, true), 1);
    assert_int_equal(draw_after(&sampling, logits, once, 1, false), 0); /* generated tokens only */
    sampling.presence_penalty_ppm = 0;
    sampling.frequency_penalty_ppm = 40000;
    assert_int_equal(draw_after(&sampling, logits, once, 1, true), 0);
    assert_int_equal(draw_after(&sampling, logits, often, 3, true), 1);
    sampling.frequency_penalty_ppm = -2000000;
    const int32_t last[] = {3, 3};
    assert_int_equal(draw_after(&sampling, logits, last, 2, true), 3);
}

static void penalties_forget_what_left_the_window(void **state)
{
    (void)state;
    const float logits[] = {2.0F, 1.9F, 1.0F, -1.0F};
    int32_t tokens[AVER_SAMPLER_WINDOW + 1] = {0};
    for (size_t i = 1; i <= AVER_SAMPLER_WINDOW; i++) {
        tokens[i] = 3;
    }
    aver_sampling sampling = sampling_plain();
    sampling.temperature_ppm = 0;
    sampling.presence_penalty_ppm = 1000000;
    assert_int_equal(draw_after(&sampling, logits, tokens, AVER_SAMPLER_WINDOW, true), 1);
    assert_int_equal(draw_after(&sampling, logits, tokens, AVER_SAMPLER_WINDOW + 1, true), 0);
}

static void tokens_outside_the_vocabulary_are_passed_over(void **state)
{
    (void)state;
    const float logits[] = {2.0F, 1.9F, 1.0F, -1.0F};
    const int32_t tokens[] = {-1, 4, INT32_MAX, INT32_MIN};
    aver_sampling sampling = sampling_plain();
    sampling.temperature_ppm = 0;
    sampling.presence_penalty_ppm = 2000000;
    assert_int_equal(draw_after(&sampling, logits, tokens, 4, true), 0);
}

static int32_t redraw(const aver_sampling *sampling, const float *logits, const bool *allowed,
                      uint32_t size, uint64_t step)
{
    aver_sampler *sampler = NULL;
    int32_t token = -1;
    assert_int_equal(aver_sampler_new(size, sampling, &sampler), AVER_OK);
    aver_err err = aver_sampler_redraw(sampler, logits, allowed, step, &token);
    aver_sampler_free(sampler);
    return err == AVER_OK ? token : -1;
}

/* Of equal logits the number alone decides; it is another than the first draw's. */
static void the_second_draw_is_of_what_is_allowed_by_a_number_of_its_own(void **state)
{
    (void)state;
    const float logits[] = {1.0F, 1.0F, 1.0F, 1.0F, 1.0F, 1.0F, 1.0F, 1.0F};
    const bool allowed[] = {false, true, false, true, true, false, true, false};
    const int32_t kept[] = {1, 3, 4, 6};
    aver_sampling sampling = sampling_plain();
    for (uint64_t step = 0; step < 200; step++) {
        uint8_t numbers[16];
        uint8_t digest[32];
        aver_be64_write(numbers, sampling.seed);
        aver_be64_write(numbers + 8, step);
        aver_sha256_tagged("aver/redraw/1", AVER_VIEW_OF(numbers), (aver_view){NULL, 0}, digest);
        size_t share = (size_t)((double)(aver_be64_read(digest) >> 11) * 0x1p-53 * 4.0);
        assert_int_equal(redraw(&sampling, logits, allowed, 8, step), kept[share]);
    }
    const float rising[] = {0.0F, 1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F, 7.0F};
    const bool none[8] = {false};
    sampling.temperature_ppm = 0;
    assert_int_equal(redraw(&sampling, rising, allowed, 8, 0), 6);
    assert_int_equal(redraw(&sampling, rising, none, 8, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_within_two_units_of_the_last_place),
        cmocka_unit_test(exp_gives_the_same_bits_everywhere),
        cmocka_unit_test(weights_of_a_row_are_those_of_each_logit),
        cmocka_unit_test(fixed_logits_give_fixed_draws),
        cmocka_unit_test(greedy_takes_the_highest_and_the_lowest_id_of_equals),
        cmocka_unit_test(logits_that_are_not_finite_are_never_drawn),
        cmocka_unit_test(draws_are_those_of_the_reference),
        cmocka_unit_test(frequencies_follow_the_probabilities),
        cmocka_unit_test(seed_and_step_decide_the_draw),
        cmocka_unit_test(penalties_lower_what_was_seen),
        cmocka_unit_test(penalties_forget_what_left_the_window),
        cmocka_unit_test(tokens_outside_the_vocabulary_are_passed_over),
        cmocka_unit_test(the_second_draw_is_of_what_is_allowed_by_a_number_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

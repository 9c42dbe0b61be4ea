/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/sampler_select.h"
#include "support/bytes.h"

#include <math.h>

#define K_MAX      200u
#define SIZE_MOST  200000u
#define SMALL_MOST 300u
#define SHIFTS     8u /* each start relative to the width of a vector */

typedef aver_sampler_candidate candidate;

typedef struct fixture {
    float logits[SIZE_MOST + SHIFTS];
    double weights[SIZE_MOST + SHIFTS];
    candidate ways[2][SIZE_MOST];
    candidate sorted[SIZE_MOST];
} fixture;

static fixture *rows;
static uint64_t random_state = 11;

static uint64_t below(uint64_t end)
{
    return test_random(&random_state) % end;
}

/* Few different values in some rows, so that there are ties; and some that are no numbers. */
static void row_fill(float *logits, uint32_t size)
{
    static const float odd[] = {NAN, -NAN, INFINITY, -INFINITY, 0.0F, -0.0F, 1e-42F, 3e38F, -3e38F};
    uint64_t values = below(2) == 0 ? 1 + below(30) : 1000000;
    uint64_t odds = 1 + below(60);
    for (uint32_t i = 0; i < size; i++) {
        logits[i] = (float)below(values) * 0.25F - 17.5F;
        if (below(odds) == 0) {
            logits[i] = odd[below(sizeof(odd) / sizeof(odd[0]))];
        }
    }
}

static int candidate_compare(const void *a, const void *b)
{
    const candidate *left = a;
    const candidate *right = b;
    if (left->logit < right->logit || left->logit > right->logit) {
        return left->logit > right->logit ? -1 : 1;
    }
    return left->token - right->token;
}

/* Every finite logit in order, by sorting them all. */
static size_t row_sort(const float *logits, uint32_t size)
{
    size_t count = 0;
    for (uint32_t i = 0; i < size; i++) {
        if (isfinite(logits[i])) {
            rows->sorted[count++] = (candidate){logits[i], (int32_t)i, 0.0};
        }
    }
    qsort(rows->sorted, count, sizeof(candidate), candidate_compare);
    return count;
}

static void select_both(const float *logits, uint32_t size, size_t k)
{
    size_t count = aver_sampler_select(logits, size, k, rows->ways[0]);
    assert_int_equal(aver_sampler_select_scalar(logits, size, k, rows->ways[1]), count);
    assert_memory_equal(rows->ways[0], rows->ways[1], count * sizeof(candidate));
}

static void select_checked(const float *logits, uint32_t size, size_t k)
{
    size_t finite = row_sort(logits, size);
    size_t count = finite < k ? finite : k;
    assert_int_equal(aver_sampler_select(logits, size, k, rows->ways[0]), count);
    assert_memory_equal(rows->ways[0], rows->sorted, count * sizeof(candidate));
    select_both(logits, size, k);
}

static void every_k_gives_what_sorting_gives_both_ways(void **state)
{
    (void)state;
    for (uint32_t k = 1; k <= K_MAX; k++) {
        for (uint32_t round = 0; round < 24; round++) {
            float *logits = rows->logits + round % SHIFTS;
            uint32_t size = 1 + (uint32_t)below(round % 2 == 0 ? SMALL_MOST : 5000);
            row_fill(logits, size);
            select_checked(logits, size, k);
        }
    }
}

static void every_small_size_gives_what_sorting_gives_both_ways(void **state)
{
    (void)state;
    for (uint32_t size = 0; size <= SMALL_MOST; size++) {
        float *logits = rows->logits + size % SHIFTS;
        row_fill(logits, size);
        select_checked(logits, size, 1);
        select_checked(logits, size, 1 + below(K_MAX));
        select_checked(logits, size, size == 0 ? 1 : size);
    }
}

static void large_vocabularies_give_the_same_both_ways(void **state)
{
    (void)state;
    for (uint32_t k = 1; k <= K_MAX; k++) {
        uint32_t size = k == K_MAX ? SIZE_MOST : 1 + (uint32_t)below(SIZE_MOST);
        float *logits = rows->logits + k % SHIFTS;
        if (k % 8 == 0 || size == SIZE_MOST) {
            row_fill(rows->logits, SIZE_MOST + SHIFTS);
        }
        select_both(logits, size, k);
    }
    row_fill(rows->logits, SIZE_MOST);
    select_checked(rows->logits, SIZE_MOST, K_MAX);
}

/* Rows in which each logit replaces one kept, or none does. */
static void rising_falling_and_level_rows_give_what_sorting_gives(void **state)
{
    (void)state;
    for (int slope = -1; slope <= 1; slope++) {
        for (uint32_t i = 0; i < 1000; i++) {
            rows->logits[i] = (float)slope * (float)i;
        }
        for (uint32_t k = 1; k <= K_MAX; k++) {
            select_checked(rows->logits, 1000, k);
        }
    }
}

static void rows_without_a_finite_logit_give_nothing(void **state)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        rows->logits[i] = odd[i % 3];
    }
    for (uint32_t k = 1; k <= K_MAX; k++) {
        assert_int_equal(aver_sampler_select(rows->logits, 1000, k, rows->ways[0]), 0);
        assert_int_equal(aver_sampler_select_scalar(rows->logits, 1000, k, rows->ways[0]), 0);
    }
    assert_int_equal(aver_sampler_select(rows->logits, 1000, 0, rows->ways[0]), 0);
}

static void weights_are_gathered_the_same_both_ways(void **state)
{
    static const double odd[] = {0.0, -0.0, 1.0, 4e-320, 0.5};
    (void)state;
    for (uint32_t round = 0; round < 400; round++) {
        uint32_t size = (uint32_t)below(round % 50 == 0 ? SIZE_MOST : 2 * SMALL_MOST);
        float *logits = rows->logits + round % SHIFTS;
        double *weights = rows->weights + below(SHIFTS);
        double least = round % 5 == 0 ? odd[below(5)] : (double)below(100) / 100.0;
        row_fill(logits, size);
        for (uint32_t i = 0; i < size; i++) {
            weights[i] = below(9) == 0 ? odd[below(5)] : (double)below(100) / 100.0;
        }
        size_t count = aver_sampler_gather(logits, weights, size, least, rows->ways[0]);
        assert_int_equal(aver_sampler_gather_scalar(logits, weights, size, least, rows->ways[1]),
                         count);
        assert_memory_equal(rows->ways[0], rows->ways[1], count * sizeof(candidate));
        size_t expected = 0;
        for (uint32_t i = 0; i < size; i++) {
            expected += weights[i] >= least && weights[i] > 0.0 ? 1 : 0;
        }
        assert_int_equal(count, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_k_gives_what_sorting_gives_both_ways),
        cmocka_unit_test(every_small_size_gives_what_sorting_gives_both_ways),
        cmocka_unit_test(large_vocabularies_give_the_same_both_ways),
        cmocka_unit_test(rising_falling_and_level_rows_give_what_sorting_gives),
        cmocka_unit_test(rows_without_a_finite_logit_give_nothing),
        cmocka_unit_test(weights_are_gathered_the_same_both_ways),
    };
    rows = calloc(1, sizeof(*rows));
    int failed = rows == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    free(rows);
    return failed;
}

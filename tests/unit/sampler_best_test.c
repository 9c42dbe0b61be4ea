/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/sampler_best.h"
#include "support/bytes.h"

#include <math.h>

#define SIZE_MAX_TRIED 200
#define ROWS           20000

static void both_ways_give_the_same_over_random_rows(void **state)
{
    static const float odd[] = {NAN, -NAN, INFINITY, -INFINITY, 0.0F, -0.0F, 1e-42F, 3e38F, -3e38F};
    float row[SIZE_MAX_TRIED];
    uint64_t random = 7;
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        uint32_t size = (uint32_t)(test_random(&random) % (SIZE_MAX_TRIED + 1));
        /* Few different values, so that there are ties; now and then one of the odd ones. */
        uint64_t values = 1 + test_random(&random) % 40;
        uint64_t odds = 1 + test_random(&random) % 50;
        for (uint32_t k = 0; k < size; k++) {
            row[k] = (float)(test_random(&random) % values) - 17.5F;
            if (test_random(&random) % odds == 0) {
                row[k] = odd[test_random(&random) % (sizeof(odd) / sizeof(odd[0]))];
            }
        }
        assert_int_equal(aver_sampler_best(row, size), aver_sampler_best_scalar(row, size));
    }
}

static void the_highest_is_found_at_every_place_of_every_size(void **state)
{
    float row[SIZE_MAX_TRIED];
    (void)state;
    for (uint32_t size = 1; size <= SIZE_MAX_TRIED; size++) {
        for (uint32_t at = 0; at < size; at++) {
            for (uint32_t k = 0; k < size; k++) {
                row[k] = k == at || (k > at && k % 3 == 0) ? 2.0F : 1.0F;
            }
            assert_int_equal(aver_sampler_best(row, size), (int32_t)at);
            assert_int_equal(aver_sampler_best_scalar(row, size), (int32_t)at);
        }
    }
}

static void a_row_without_a_finite_logit_has_no_highest(void **state)
{
    float row[SIZE_MAX_TRIED];
    (void)state;
    for (uint32_t size = 0; size <= SIZE_MAX_TRIED; size++) {
        for (uint32_t k = 0; k < size; k++) {
            row[k] = k % 3 == 0 ? NAN : (k % 3 == 1 ? INFINITY : -INFINITY);
        }
        assert_int_equal(aver_sampler_best(row, size), -1);
        assert_int_equal(aver_sampler_best_scalar(row, size), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_give_the_same_over_random_rows),
        cmocka_unit_test(the_highest_is_found_at_every_place_of_every_size),
        cmocka_unit_test(a_row_without_a_finite_logit_has_no_highest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

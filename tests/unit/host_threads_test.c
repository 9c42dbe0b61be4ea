/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/host_threads.h"

#define MS UINT64_C(1000000)

/* One decode of so many milliseconds in which the threads got so much of the cores. */
static void judge(aver_host_threads *threads, uint64_t wall_ms, double cores)
{
    aver_host_threads_judge(threads, wall_ms * MS, (uint64_t)((double)(wall_ms * MS) * cores));
}

static aver_host_threads threads_of(unsigned most)
{
    aver_host_threads threads;
    assert_true(aver_host_threads_init(&threads, NULL, most));
    assert_int_equal(threads.count, most);
    return threads;
}

static void on_idle_cores_all_threads_go_on(void **state)
{
    aver_host_threads threads = threads_of(4);
    (void)state;
    for (int i = 0; i < 1000; i++) {
        judge(&threads, 3, 3.7);
        assert_int_equal(threads.count, 4);
    }
    aver_host_threads_deinit(&threads);
}

static void cores_that_others_take_are_done_without(void **state)
{
    aver_host_threads threads = threads_of(8);
    (void)state;
    judge(&threads, 10, 6.5);
    assert_int_equal(threads.count, 6);
    judge(&threads, 10, 5.9);
    assert_int_equal(threads.count, 6);
    judge(&threads, 5, 0.5);
    assert_int_equal(threads.count, 1);
    aver_host_threads_deinit(&threads);
}

static void a_single_thread_stays_one(void **state)
{
    aver_host_threads threads = threads_of(1);
    (void)state;
    for (int i = 0; i < 100; i++) {
        judge(&threads, 100, 0.1);
        assert_int_equal(threads.count, 1);
    }
    aver_host_threads_deinit(&threads);
}

static void one_short_decode_decides_nothing(void **state)
{
    aver_host_threads threads = threads_of(2);
    (void)state;
    judge(&threads, 1, 0.5);
    assert_int_equal(threads.count, 2);
    judge(&threads, 3, 2.0);
    assert_int_equal(threads.count, 2);
    aver_host_threads_deinit(&threads);
}

/* How long the fewer threads are used until all are tried again. */
static uint64_t rest_ms(aver_host_threads *threads)
{
    uint64_t ms = 0;
    while (threads->count < threads->most) {
        judge(threads, 1, (double)threads->count);
        ms++;
        assert_true(ms < 100000);
    }
    return ms;
}

static void trials_become_rare_while_they_fail_and_never_cease(void **state)
{
    aver_host_threads threads = threads_of(2);
    uint64_t before = 0;
    (void)state;
    for (int i = 0; i < 20; i++) {
        judge(&threads, 5, 1.0);
        assert_int_equal(threads.count, 1);
        uint64_t rest = rest_ms(&threads);
        assert_true(rest >= before && rest <= 2000);
        before = rest;
    }
    assert_true(before >= 1000);
    aver_host_threads_deinit(&threads);
}

static void a_trial_that_succeeds_makes_the_next_rest_short_again(void **state)
{
    aver_host_threads threads = threads_of(2);
    (void)state;
    for (int i = 0; i < 10; i++) {
        judge(&threads, 5, 1.0);
        (void)rest_ms(&threads);
    }
    judge(&threads, 5, 1.95);
    assert_int_equal(threads.count, 2);
    judge(&threads, 5, 1.0);
    assert_int_equal(threads.count, 1);
    assert_true(rest_ms(&threads) <= 40);
    aver_host_threads_deinit(&threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_idle_cores_all_threads_go_on),
        cmocka_unit_test(cores_that_others_take_are_done_without),
        cmocka_unit_test(a_single_thread_stays_one),
        cmocka_unit_test(one_short_decode_decides_nothing),
        cmocka_unit_test(trials_become_rare_while_they_fail_and_never_cease),
        cmocka_unit_test(a_trial_that_succeeds_makes_the_next_rest_short_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

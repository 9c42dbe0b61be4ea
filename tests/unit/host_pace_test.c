/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/host_pace.h"

#define MS   UINT64_C(1000000)
#define DEAR (20 * MS)

/* A machine on which the two ways take so long; its clock moves by what is done. */
typedef struct machine {
    aver_host_pace pace;
    uint64_t now_ns;
    uint64_t way_ns[2];
    unsigned done[2];
} machine;

static void work(machine *self, unsigned times)
{
    self->done[0] = self->done[1] = 0;
    for (unsigned i = 0; i < times; i++) {
        uint32_t way = aver_host_pace_choose(&self->pace, 2, DEAR, self->now_ns);
        self->now_ns += self->way_ns[way];
        self->done[way]++;
        aver_host_pace_learn(&self->pace, 2, self->way_ns[way], self->now_ns);
    }
}

static void the_faster_way_is_found_and_kept(void **state)
{
    (void)state;
    for (uint32_t faster = 0; faster < 2; faster++) {
        machine self = {.now_ns = 1};
        self.way_ns[faster] = 2 * MS;
        self.way_ns[1 - faster] = 3 * MS;
        work(&self, 20);
        work(&self, 10000);
        assert_int_equal(self.pace.best, faster);
        assert_true(self.done[1 - faster] < 100);
    }
}

static void a_way_that_became_much_slower_is_left_within_a_few_steps(void **state)
{
    machine self = {.now_ns = 1, .way_ns = {2 * MS, 3 * MS}};
    (void)state;
    work(&self, 10000);
    self.way_ns[0] = 40 * MS;
    self.way_ns[1] = 6 * MS;
    /* The other one rests for a second at most. */
    work(&self, 40);
    assert_int_equal(self.pace.best, 1);
    work(&self, 10000);
    assert_true(self.done[0] < 100);
}

static void it_comes_back_when_the_neighbour_is_gone(void **state)
{
    machine self = {.now_ns = 1, .way_ns = {2 * MS, 3 * MS}};
    (void)state;
    work(&self, 1000);
    self.way_ns[0] = 60 * MS;
    work(&self, 20000);
    assert_int_equal(self.pace.best, 1);
    self.way_ns[0] = 2 * MS;
    /* The longest rest is 4 s. */
    work(&self, 2000);
    assert_int_equal(self.pace.best, 0);
}

static void one_interruption_costs_a_few_works_at_most(void **state)
{
    machine self = {.now_ns = 1, .way_ns = {2 * MS, 3 * MS}};
    (void)state;
    work(&self, 1000);
    (void)aver_host_pace_choose(&self.pace, 2, DEAR, self.now_ns);
    aver_host_pace_learn(&self.pace, 2, 500 * MS, self.now_ns);
    work(&self, 100);
    assert_int_equal(self.pace.best, 0);
    assert_true(self.done[1] <= 40);
}

/* Neighbours make it quick or slow by chance: the mean counts, not the luck of one work. */
static void a_way_that_is_quick_by_luck_only_is_not_taken(void **state)
{
    machine self = {.now_ns = 1, .way_ns = {2 * MS, 4 * MS}};
    uint64_t spent_ns = 0;
    (void)state;
    work(&self, 100);
    for (unsigned i = 0; i < 5000; i++) {
        self.way_ns[0] = i % 3 == 0 ? 40 * MS : MS;
        uint64_t before_ns = self.now_ns;
        work(&self, 1);
        spent_ns += self.now_ns - before_ns;
    }
    assert_true(spent_ns < 5000 * 4 * MS * 5 / 4);
}

static void dear_work_is_not_used_for_trials_unless_it_became_slow(void **state)
{
    machine self = {.now_ns = 1, .way_ns = {100 * MS, 180 * MS}};
    (void)state;
    work(&self, 1000);
    assert_int_equal(self.done[1], 0);
    self.way_ns[0] = 900 * MS;
    work(&self, 20);
    assert_int_equal(self.pace.best, 1);
    /* The way back is always tried. */
    self.way_ns[0] = 100 * MS;
    work(&self, 300);
    assert_int_equal(self.pace.best, 0);
}

/* Little work with long pauses: trials stay a small part of it. */
static void pauses_are_no_rest(void **state)
{
    machine self = {.now_ns = 1, .way_ns = {4 * MS, 5 * MS}};
    unsigned other = 0;
    (void)state;
    work(&self, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        self.now_ns += 5000 * MS;
        work(&self, 1);
        other += self.done[1];
    }
    assert_int_equal(self.pace.best, 0);
    assert_true(other < 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_faster_way_is_found_and_kept),
        cmocka_unit_test(a_way_that_became_much_slower_is_left_within_a_few_steps),
        cmocka_unit_test(it_comes_back_when_the_neighbour_is_gone),
        cmocka_unit_test(one_interruption_costs_a_few_works_at_most),
        cmocka_unit_test(a_way_that_is_quick_by_luck_only_is_not_taken),
        cmocka_unit_test(pauses_are_no_rest),
        cmocka_unit_test(dear_work_is_not_used_for_trials_unless_it_became_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSES 8u

/* Each job has a cache scope of its own: that gives nobody more turns. */
static void put_choices(aver_queue *queue, uint8_t caller, uint64_t job_id, uint32_t choices)
{
    aver_work *work = calloc(1, sizeof(*work));
    assert_non_null(work);
    work->job_id = job_id;
    work->choices_count = choices;
    work->job.has_cache_scope = true;
    memcpy(work->job.cache_scope, &job_id, sizeof(job_id));
    memset(work->job.caller, caller, sizeof(work->job.caller));
    assert_int_equal(aver_queue_put(queue, work), AVER_OK);
}

static void put(aver_queue *queue, uint8_t caller, uint64_t job_id)
{
    put_choices(queue, caller, job_id, 1);
}

static void expect_fit(aver_queue *queue, uint32_t idle, uint64_t job_id)
{
    aver_work *work = aver_queue_take(queue, idle);
    assert_non_null(work);
    assert_int_equal(work->job_id, job_id);
    aver_work_free(work);
}

static void expect_next(aver_queue *queue, uint64_t job_id)
{
    expect_fit(queue, 1, job_id);
}

static void expect_removed(aver_queue *queue, uint64_t job_id)
{
    aver_work *work = aver_queue_remove(queue, job_id);
    assert_non_null(work);
    assert_int_equal(work->job_id, job_id);
    aver_work_free(work);
}

static void callers_take_turns(void **state)
{
    (void)state;
    aver_queue queue = {.passes_max = PASSES};
    for (uint64_t i = 0; i < 100; i++) {
        put(&queue, 1, i);
    }
    put(&queue, 2, 200);
    put(&queue, 0, 300);
    put(&queue, 0, 301);
    assert_int_equal(queue.count, 103);
    expect_next(&queue, 0);
    expect_next(&queue, 200);
    expect_next(&queue, 300);
    expect_next(&queue, 1);
    put(&queue, 2, 201);
    expect_next(&queue, 301);
    expect_next(&queue, 2);
    expect_next(&queue, 201);
    for (uint64_t i = 3; i < 100; i++) {
        expect_next(&queue, i);
    }
    assert_int_equal(queue.count, 0);
    assert_null(aver_queue_take(&queue, 1));
}

/* A caller that always has one more waiting gets every second place next to one with many. */
static void who_comes_again_stands_at_the_end(void **state)
{
    (void)state;
    aver_queue queue = {.passes_max = PASSES};
    for (uint64_t i = 0; i < 10; i++) {
        put(&queue, 1, i);
    }
    for (uint64_t i = 0; i < 9; i++) {
        put(&queue, 2, 100 + i);
        expect_next(&queue, i);
        expect_next(&queue, 100 + i);
    }
    aver_queue_deinit(&queue);
    assert_int_equal(queue.count, 0);
}

static void any_work_can_be_taken_out(void **state)
{
    (void)state;
    aver_queue queue = {.passes_max = PASSES};
    assert_null(aver_queue_remove(&queue, 1));
    for (uint64_t i = 0; i < 9; i++) {
        put(&queue, (uint8_t)(i % 3), i);
    }
    assert_null(aver_queue_remove(&queue, 99));
    expect_removed(&queue, 3); /* in the middle */
    expect_removed(&queue, 0); /* the first, whose turn it is */
    expect_removed(&queue, 8); /* the last of its caller */
    expect_removed(&queue, 6); /* the only one of a caller */
    put(&queue, 2, 10);
    expect_next(&queue, 1);
    expect_next(&queue, 2);
    expect_next(&queue, 4);
    expect_next(&queue, 5);
    expect_next(&queue, 7);
    expect_next(&queue, 10);
    assert_null(aver_queue_take(&queue, 1));
}

/* Against a list of all: nothing is lost, nothing comes twice, each caller in its order. */
static void random_use_keeps_every_caller_in_order(void **state)
{
    (void)state;
    aver_queue queue = {.passes_max = PASSES};
    uint32_t random = 11;
    uint64_t next = 1;
    uint64_t last[4] = {0};
    size_t count = 0;
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525u + 1013904223u;
        uint32_t draw = random >> 20;
        if (draw % 3 != 0) {
            put(&queue, (uint8_t)(draw / 3 % 4), next++);
            count++;
        } else if (draw % 2 == 0) {
            aver_work *work = aver_queue_take(&queue, 1);
            assert_int_equal(work != NULL, count > 0);
            if (work != NULL) {
                uint8_t caller = work->job.caller[0];
                assert_true(work->job_id > last[caller]);
                last[caller] = work->job_id;
                count--;
            }
            aver_work_free(work);
        } else {
            aver_work *work = aver_queue_remove(&queue, next == 1 ? 1 : draw % next);
            count -= work != NULL ? 1 : 0;
            aver_work_free(work);
        }
        assert_int_equal(queue.count, count);
    }
    aver_queue_deinit(&queue);
}

/* What does not fit is passed over by others, in their turns, and by what is smaller of its own. */
static void work_that_does_not_fit_is_passed_over(void **state)
{
    (void)state;
    aver_queue queue = {.passes_max = PASSES};
    put_choices(&queue, 1, 1, 4);
    put_choices(&queue, 1, 2, 2);
    put_choices(&queue, 2, 3, 3);
    put_choices(&queue, 3, 4, 1);
    put_choices(&queue, 3, 5, 1);
    assert_null(aver_queue_take(&queue, 0));
    expect_fit(&queue, 1, 4);
    expect_fit(&queue, 2, 2);
    expect_fit(&queue, 1, 5);
    assert_null(aver_queue_take(&queue, 2));
    assert_false(aver_queue_holds(&queue));
    expect_fit(&queue, 4, 3);
    expect_fit(&queue, 4, 1);
    assert_null(aver_queue_take(&queue, 4));
}

static void after_so_many_passes_slots_are_kept(void **state)
{
    (void)state;
    aver_queue queue = {.passes_max = PASSES};
    put_choices(&queue, 1, 1, 4);
    put_choices(&queue, 1, 2, 1);
    for (uint64_t i = 0; i < PASSES + 4; i++) {
        put(&queue, 2, 100 + i);
    }
    /* One of its own passes it over; then the other caller has its turn, and then passes it over.
     */
    expect_fit(&queue, 3, 2);
    for (uint64_t i = 0; i < PASSES; i++) {
        assert_false(aver_queue_holds(&queue));
        expect_fit(&queue, 3, 100 + i);
    }
    assert_true(aver_queue_holds(&queue));
    assert_null(aver_queue_take(&queue, 3));
    expect_fit(&queue, 4, 1);
    assert_false(aver_queue_holds(&queue));
    expect_fit(&queue, 1, 100 + PASSES);
    aver_queue_deinit(&queue);
}

/* Else who waits could hand the slots that are kept to a job that has not waited. */
static void passes_end_with_the_work_that_had_them(void **state)
{
    (void)state;
    aver_queue queue = {.passes_max = PASSES};
    put_choices(&queue, 1, 1, PASSES + 1);
    put_choices(&queue, 1, 2, PASSES + 1);
    put_choices(&queue, 2, 3, PASSES);
    expect_fit(&queue, PASSES, 3);
    assert_true(aver_queue_holds(&queue));
    expect_removed(&queue, 1);
    assert_false(aver_queue_holds(&queue));
    put(&queue, 2, 4);
    expect_fit(&queue, 1, 4);
    expect_removed(&queue, 2);
    assert_null(aver_queue_take(&queue, UINT32_MAX));
}

/*
 * Simulation: slots, callers that come with jobs of any size, answers of any length, some of which
 * are called off. Time is a count of steps.
 */
#define SIM_SLOTS_MAX   16
#define SIM_CALLERS_MAX 8
#define SIM_WAITING_MAX 64
#define SIM_STEPS       1500

typedef struct queue_sim {
    uint32_t random;
    aver_queue queue;
    uint32_t slots, callers;
    uint32_t lefts[SIM_SLOTS_MAX]; /* steps of what runs in a slot; 0: idle */
    uint64_t next_id;
    struct sim_job {
        uint8_t caller;
        uint64_t id;
        uint32_t choices;
    } waiting[SIM_WAITING_MAX]; /* in the order of arrival */
    size_t waiting_count;
    uint32_t takes[SIM_CALLERS_MAX];   /* since this caller's oldest is its oldest */
    uint32_t given[SIM_CALLERS_MAX];   /* slots in these takes */
    uint32_t present[SIM_CALLERS_MAX]; /* the most callers in that time */
    uint32_t worst_percent;            /* of the bound */
    uint64_t held_steps, passed;
} queue_sim;

static uint32_t sim_draw(queue_sim *sim, uint32_t below)
{
    sim->random = sim->random * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)sim->random * below) >> 32);
}

static uint32_t sim_idle(const queue_sim *sim)
{
    uint32_t idle = 0;
    for (uint32_t i = 0; i < sim->slots; i++) {
        idle += sim->lefts[i] == 0 ? 1 : 0;
    }
    return idle;
}

static size_t sim_oldest(const queue_sim *sim, uint8_t caller)
{
    size_t i = 0;
    while (i < sim->waiting_count && sim->waiting[i].caller != caller) {
        i++;
    }
    return i;
}

static void sim_count_present(queue_sim *sim)
{
    uint32_t present = 0;
    for (uint8_t i = 0; i < sim->callers; i++) {
        present += sim_oldest(sim, i) < sim->waiting_count ? 1 : 0;
    }
    for (uint8_t i = 0; i < sim->callers; i++) {
        sim->present[i] = present > sim->present[i] ? present : sim->present[i];
    }
}

static void sim_forget(queue_sim *sim, size_t index)
{
    uint8_t caller = sim->waiting[index].caller;
    if (index == sim_oldest(sim, caller)) {
        sim->takes[caller] = 0;
        sim->given[caller] = 0;
        sim->present[caller] = 0;
    }
    sim->waiting_count--;
    memmove(&sim->waiting[index], &sim->waiting[index + 1],
            (sim->waiting_count - index) * sizeof(sim->waiting[0]));
    sim_count_present(sim);
}

/* Most want one slot, some want all of them. */
static void sim_arrive(queue_sim *sim, uint32_t flooder)
{
    uint32_t callers = sim->callers;
    uint8_t caller = (uint8_t)(sim_draw(sim, 3) == 0 ? flooder : sim_draw(sim, callers));
    uint32_t most = sim_draw(sim, 3) != 0 ? 1 : sim->slots;
    uint32_t choices = 1 + sim_draw(sim, most);
    choices = sim_draw(sim, 16) == 0 ? sim->slots : choices;
    sim->waiting[sim->waiting_count++] =
        (struct sim_job){.caller = caller, .id = sim->next_id, .choices = choices};
    put_choices(&sim->queue, caller, sim->next_id++, choices);
    sim_count_present(sim);
}

/* It is the oldest of its caller that fits, and no caller was passed over too often. */
static void sim_taken(queue_sim *sim, const aver_work *work, uint32_t idle, bool held)
{
    uint8_t caller = work->job.caller[0];
    size_t index = sim_oldest(sim, caller);
    size_t oldest = index;
    while (sim->waiting[index].id != work->job_id) {
        assert_true(sim->waiting[index].caller != caller || sim->waiting[index].choices > idle);
        index++;
        assert_true(index < sim->waiting_count);
    }
    assert_true(work->choices_count <= idle);
    assert_true(!held || index == oldest);
    sim->passed += index != oldest ? 1 : 0;
    for (uint8_t i = 0; i < sim->callers; i++) {
        uint32_t bound = sim->present[i] * (sim->queue.passes_max + 4);
        bool waits = sim_oldest(sim, i) < sim->waiting_count;
        if (waits && (i != caller || index != oldest)) {
            sim->takes[i]++;
            sim->given[i] += work->choices_count;
            assert_true(sim->takes[i] <= bound);
            uint32_t percent = 100 * sim->takes[i] / bound;
            sim->worst_percent = percent > sim->worst_percent ? percent : sim->worst_percent;
        }
    }
    sim_forget(sim, index);
}

static void sim_run(queue_sim *sim, uint32_t choices)
{
    bool all_long = sim_draw(sim, 20) == 0;
    for (uint32_t i = 0; i < sim->slots && choices > 0; i++) {
        if (sim->lefts[i] == 0) {
            sim->lefts[i] = 1 + sim_draw(sim, all_long ? 200 : 12);
            choices--;
        }
    }
}

/* Slots are kept only for who has waited while so many were given to others. */
static bool sim_may_hold(const queue_sim *sim)
{
    uint32_t most = 0;
    for (uint8_t i = 0; i < sim->callers; i++) {
        most = sim->given[i] > most ? sim->given[i] : most;
    }
    return most >= sim->queue.passes_max;
}

/* Takes what may be taken; then no slot is idle for which there is work, unless it is kept. */
static void sim_admit(queue_sim *sim)
{
    for (;;) {
        uint32_t idle = sim_idle(sim);
        bool held = aver_queue_holds(&sim->queue);
        aver_work *work = aver_queue_take(&sim->queue, idle);
        if (work == NULL) {
            break;
        }
        sim_taken(sim, work, idle, held);
        sim_run(sim, work->choices_count);
        aver_work_free(work);
    }
    uint32_t idle = sim_idle(sim);
    assert_true(!aver_queue_holds(&sim->queue) || sim_may_hold(sim));
    for (size_t i = 0; i < sim->waiting_count && !aver_queue_holds(&sim->queue); i++) {
        assert_true(sim->waiting[i].choices > idle);
    }
    sim->held_steps += aver_queue_holds(&sim->queue) && idle > 0 ? 1 : 0;
    assert_int_equal(sim->queue.count, sim->waiting_count);
}

static void sim_step(queue_sim *sim, uint32_t arrivals, uint32_t flooder)
{
    for (uint32_t i = 0; i < arrivals && sim->waiting_count < SIM_WAITING_MAX; i++) {
        sim_arrive(sim, flooder);
    }
    if (sim->waiting_count > 0 && sim_draw(sim, 40) == 0) {
        size_t index = sim_draw(sim, (uint32_t)sim->waiting_count);
        expect_removed(&sim->queue, sim->waiting[index].id);
        sim_forget(sim, index);
    }
    sim_admit(sim);
    for (uint32_t i = 0; i < sim->slots; i++) {
        sim->lefts[i] -= sim->lefts[i] > 0 ? 1 : 0;
    }
}

static void nobody_starves_and_no_slot_idles_in_any_mix(void **state)
{
    (void)state;
    uint32_t worst = 0;
    uint64_t held = 0, passed = 0, jobs = 0;
    for (uint32_t seed = 1; seed <= 300; seed++) {
        queue_sim sim = {.random = seed * 7919u, .next_id = 1};
        sim.slots = 1 + sim_draw(&sim, SIM_SLOTS_MAX);
        sim.callers = 1 + sim_draw(&sim, SIM_CALLERS_MAX);
        sim.queue.passes_max = AVER_QUEUE_PASSES_A_SLOT * sim.slots;
        uint32_t pressure = 1 + sim_draw(&sim, 4);
        uint32_t flooder = sim_draw(&sim, sim.callers);
        for (uint32_t step = 0; step < SIM_STEPS; step++) {
            sim_step(&sim, sim_draw(&sim, pressure + 1), flooder);
        }
        for (uint32_t step = 0; sim.waiting_count > 0; step++) {
            assert_true(step < 201 * SIM_WAITING_MAX);
            sim_step(&sim, 0, 0);
        }
        assert_int_equal(sim.queue.count, 0);
        worst = sim.worst_percent > worst ? sim.worst_percent : worst;
        held += sim.held_steps;
        passed += sim.passed;
        jobs += sim.next_id;
    }
    (void)printf("%llu jobs; slots kept in %llu steps; %llu passed their own; longest wait %u%% of "
                 "the bound\n",
                 (unsigned long long)jobs, (unsigned long long)held, (unsigned long long)passed,
                 (unsigned)worst);
    assert_true(held > 0);
    assert_true(passed > 0);
    assert_true(worst >= 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_take_turns),
        cmocka_unit_test(who_comes_again_stands_at_the_end),
        cmocka_unit_test(any_work_can_be_taken_out),
        cmocka_unit_test(work_that_does_not_fit_is_passed_over),
        cmocka_unit_test(after_so_many_passes_slots_are_kept),
        cmocka_unit_test(passes_end_with_the_work_that_had_them),
        cmocka_unit_test(nobody_starves_and_no_slot_idles_in_any_mix),
        cmocka_unit_test(random_use_keeps_every_caller_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* residency: models of a budget, driven by hand with a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/residency.h"

#include <string.h>

#define MS      1000000ull
#define SECOND  (1000 * MS)
#define MODELS  4
#define NOTHING (-1)

typedef struct house {
    aver_resident_file files[MODELS];
    aver_resident models[MODELS];
    aver_residency residency;
    uint64_t now_ns;
    unsigned loads, evictions;
} house;

/* Each model reads a file of its own of 80 bytes and needs 20 more. */
static void house_build(house *h, size_t count, uint64_t budget_bytes)
{
    *h = (house){.residency = {.budget_bytes = budget_bytes, .count = count}, .now_ns = SECOND};
    for (size_t i = 0; i < count; i++) {
        h->files[i].bytes = 80;
        h->models[i] = (aver_resident){.files = {&h->files[i]}, .files_count = 1, .own_bytes = 20};
        h->residency.list[i] = &h->models[i];
    }
}

static void house_load(house *h, size_t index)
{
    aver_resident *model = &h->models[index];

    model->loaded = model->ready = true;
    model->ready_ns = model->used_ns = h->now_ns;
    h->loads++;
}

static void house_ask(house *h, size_t index)
{
    aver_resident *model = &h->models[index];

    model->used_ns = h->now_ns;
    if (model->ready && !model->closing) {
        model->running++;
        return;
    }
    if (model->waiting++ == 0) {
        model->waiting_since_ns = h->now_ns;
    }
}

static void house_answer(house *h, size_t index)
{
    assert_true(h->models[index].running > 0);
    h->models[index].running--;
    h->models[index].used_ns = h->now_ns;
}

/* All moves that are possible now; what is loaded is ready at once and takes what waited. */
static void house_settle(house *h)
{
    for (unsigned i = 0; i < 100; i++) {
        size_t index = MODELS;
        aver_residency_move move = aver_residency_next(&h->residency, h->now_ns, &index);

        if (move == AVER_RESIDENCY_REST) {
            break;
        }
        assert_true(index < h->residency.count);
        aver_resident *model = &h->models[index];
        if (move == AVER_RESIDENCY_EVICT) {
            assert_int_equal(model->running, 0);
            assert_true(model->ready);
            model->loaded = model->ready = model->closing = false;
            h->evictions++;
        } else {
            assert_false(model->loaded);
            house_load(h, index);
            model->running += model->waiting;
            model->waiting = 0;
        }
    }
    assert_true(h->residency.budget_bytes == 0 ||
                aver_residency_bytes(&h->residency) <= h->residency.budget_bytes);
}

static void without_a_budget_everything_stays(void **state)
{
    house h;

    (void)state;
    house_build(&h, 3, 0);
    for (size_t i = 0; i < 3; i++) {
        house_ask(&h, i);
        house_settle(&h);
    }
    assert_int_equal(h.loads, 3);
    assert_int_equal(h.evictions, 0);
}

static void the_one_used_least_recently_goes(void **state)
{
    house h;

    (void)state;
    house_build(&h, 4, 300);
    for (size_t i = 0; i < 3; i++) {
        house_load(&h, i);
        h.now_ns += SECOND;
    }
    h.models[0].used_ns = h.now_ns;
    h.now_ns += SECOND;
    house_ask(&h, 3);
    house_settle(&h);
    assert_true(h.models[0].ready && h.models[2].ready && h.models[3].ready);
    assert_false(h.models[1].loaded);
    assert_int_equal(h.evictions, 1);
}

static void as_few_go_as_it_takes(void **state)
{
    house h;

    (void)state;
    house_build(&h, 4, 350);
    h.models[3].own_bytes = 170;
    for (size_t i = 0; i < 3; i++) {
        house_load(&h, i);
        h.now_ns += SECOND;
    }
    house_ask(&h, 3);
    house_settle(&h);
    assert_true(h.models[3].ready && h.models[2].ready);
    assert_false(h.models[0].loaded || h.models[1].loaded);
}

static void work_in_flight_is_never_evicted(void **state)
{
    house h;

    (void)state;
    house_build(&h, 2, 100);
    house_load(&h, 0);
    house_ask(&h, 0);
    house_ask(&h, 1);
    for (unsigned i = 0; i < 100; i++) {
        house_settle(&h);
        assert_true(h.models[0].ready);
        h.now_ns += 500 * MS;
    }
    /* Its batch is over: nothing new begins. */
    assert_true(h.models[0].closing);
    house_ask(&h, 0);
    assert_int_equal(h.models[0].running, 1);
    assert_int_equal(h.models[0].waiting, 1);
    house_answer(&h, 0);
    house_settle(&h);
    assert_true(h.models[1].ready);
    assert_false(h.models[0].loaded);
}

/* Both are asked all the time: turns of a batch, not of a request. */
static void two_that_do_not_fit_take_turns_of_a_batch(void **state)
{
    uint64_t served[2] = {0, 0};
    uint64_t longest_ns = 0;
    house h;

    (void)state;
    house_build(&h, 2, 100);
    for (unsigned tick = 0; tick < 20000; tick++) {
        for (size_t i = 0; i < 2; i++) {
            if (h.models[i].running > 0) {
                house_answer(&h, i);
                served[i]++;
            }
            if (h.models[i].waiting == 0) {
                house_ask(&h, i);
            }
            uint64_t since_ns =
                h.models[i].waiting > 0 ? h.now_ns - h.models[i].waiting_since_ns : 0;
            longest_ns = since_ns > longest_ns ? since_ns : longest_ns;
        }
        house_settle(&h);
        h.now_ns += 10 * MS;
    }
    /* 200 s, a batch of 2 s each: 100 turns, each with a load. */
    assert_in_range(h.loads, 90, 101);
    assert_true(served[0] > 9000 && served[1] > 9000);
    assert_true(longest_ns <= 2 * AVER_RESIDENCY_BATCH_NS);
}

static void who_waited_longest_comes_first(void **state)
{
    house h;

    (void)state;
    house_build(&h, 3, 100);
    house_load(&h, 0);
    house_ask(&h, 0);
    house_ask(&h, 2);
    h.now_ns += MS;
    house_ask(&h, 1);
    h.now_ns += 10 * SECOND;
    house_settle(&h);
    house_answer(&h, 0);
    house_settle(&h);
    assert_true(h.models[2].ready);
    assert_false(h.models[1].loaded);
    house_answer(&h, 2);
    h.now_ns += SECOND;
    house_settle(&h);
    assert_true(h.models[1].ready);
}

static void an_idle_one_goes_before_its_batch_is_over(void **state)
{
    house h;

    (void)state;
    house_build(&h, 2, 100);
    house_load(&h, 0);
    house_ask(&h, 0);
    house_answer(&h, 0);
    house_ask(&h, 1);
    house_settle(&h);
    assert_true(h.models[0].ready); /* its client may ask again at once */
    h.now_ns += AVER_RESIDENCY_IDLE_NS;
    house_settle(&h);
    assert_true(h.models[1].ready);
}

static void one_load_at_a_time(void **state)
{
    size_t index = MODELS;
    house h;

    (void)state;
    house_build(&h, 2, 0);
    house_ask(&h, 0);
    house_ask(&h, 1);
    assert_int_equal(aver_residency_next(&h.residency, h.now_ns, &index), AVER_RESIDENCY_LOAD);
    h.models[index].loaded = true;
    assert_int_equal(aver_residency_next(&h.residency, h.now_ns, &index), AVER_RESIDENCY_REST);
}

static void what_must_not_be_loaded_keeps_nobody_waiting(void **state)
{
    house h;

    (void)state;
    house_build(&h, 2, 100);
    house_ask(&h, 0);
    h.models[0].blocked = true;
    h.now_ns += MS;
    house_ask(&h, 1);
    house_settle(&h);
    assert_false(h.models[0].loaded);
    assert_true(h.models[1].ready);
}

/* A base and the same with an adapter: the weights are there once. */
static void shared_files_count_once(void **state)
{
    house h;

    (void)state;
    house_build(&h, 3, 150);
    h.models[1].files[0] = &h.files[0];
    h.models[1].files[1] = &h.files[1];
    h.models[1].files_count = 2;
    h.files[1].bytes = 10;
    assert_int_equal(aver_resident_bytes(&h.models[0]), 100);
    assert_int_equal(aver_resident_bytes(&h.models[1]), 110);
    house_ask(&h, 0);
    house_ask(&h, 1);
    house_settle(&h);
    assert_true(h.models[0].ready && h.models[1].ready);
    assert_int_equal(aver_residency_bytes(&h.residency), 130);
    house_answer(&h, 0);
    house_answer(&h, 1);
    /* The third fits only without both: one alone keeps the weights. */
    h.now_ns += 10 * SECOND;
    house_ask(&h, 2);
    house_settle(&h);
    assert_true(h.models[2].ready);
    assert_false(h.models[0].loaded || h.models[1].loaded);
}

static void an_engine_that_needs_more_than_was_known_pushes_others_out(void **state)
{
    house h;

    (void)state;
    house_build(&h, 2, 250);
    h.models[1].own_bytes = 0;
    house_load(&h, 0);
    h.now_ns += SECOND;
    house_load(&h, 1);
    h.models[1].own_bytes = 100;
    house_settle(&h);
    assert_false(h.models[0].loaded);
    assert_true(h.models[1].ready);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_budget_everything_stays),
        cmocka_unit_test(the_one_used_least_recently_goes),
        cmocka_unit_test(as_few_go_as_it_takes),
        cmocka_unit_test(work_in_flight_is_never_evicted),
        cmocka_unit_test(two_that_do_not_fit_take_turns_of_a_batch),
        cmocka_unit_test(who_waited_longest_comes_first),
        cmocka_unit_test(an_idle_one_goes_before_its_batch_is_over),
        cmocka_unit_test(one_load_at_a_time),
        cmocka_unit_test(what_must_not_be_loaded_keeps_nobody_waiting),
        cmocka_unit_test(shared_files_count_once),
        cmocka_unit_test(an_engine_that_needs_more_than_was_known_pushes_others_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/queue.h"

#include <stdlib.h>
#include <string.h>

/* scope 0: none. */
static void put(aver_queue *queue, uint8_t scope, uint64_t job_id)
{
    aver_work *work = calloc(1, sizeof(*work));
    assert_non_null(work);
    work->job_id = job_id;
    work->job.has_cache_scope = scope != 0;
    memset(work->job.cache_scope, scope, sizeof(work->job.cache_scope));
    assert_int_equal(aver_queue_put(queue, work), AVER_OK);
}

static void expect_next(aver_queue *queue, uint64_t job_id)
{
    aver_work *peeked = aver_queue_peek(queue);
    aver_work *work = aver_queue_take(queue);
    assert_non_null(work);
    assert_ptr_equal(work, peeked);
    assert_int_equal(work->job_id, job_id);
    aver_work_free(work);
}

static void expect_removed(aver_queue *queue, uint64_t job_id)
{
    aver_work *work = aver_queue_remove(queue, job_id);
    assert_non_null(work);
    assert_int_equal(work->job_id, job_id);
    aver_work_free(work);
}

static void scopes_take_turns(void **state)
{
    (void)state;
    aver_queue queue = {0};
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
    assert_null(aver_queue_peek(&queue));
    assert_null(aver_queue_take(&queue));
}

/* A caller that always has one more waiting gets every second place next to one with many. */
static void who_comes_again_stands_at_the_end(void **state)
{
    (void)state;
    aver_queue queue = {0};
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
    aver_queue queue = {0};
    assert_null(aver_queue_remove(&queue, 1));
    for (uint64_t i = 0; i < 9; i++) {
        put(&queue, (uint8_t)(i % 3), i);
    }
    assert_null(aver_queue_remove(&queue, 99));
    expect_removed(&queue, 3); /* in the middle */
    expect_removed(&queue, 0); /* the first, whose turn it is */
    expect_removed(&queue, 8); /* the last of its scope */
    expect_removed(&queue, 6); /* the last one of a scope */
    put(&queue, 2, 10);
    expect_next(&queue, 1);
    expect_next(&queue, 2);
    expect_next(&queue, 4);
    expect_next(&queue, 5);
    expect_next(&queue, 7);
    expect_next(&queue, 10);
    assert_null(aver_queue_take(&queue));
}

/* Against a list of all: nothing is lost, nothing comes twice, each scope in its order. */
static void random_use_keeps_every_scope_in_order(void **state)
{
    (void)state;
    aver_queue queue = {0};
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
            aver_work *work = aver_queue_take(&queue);
            assert_int_equal(work != NULL, count > 0);
            if (work != NULL) {
                uint8_t scope = work->job.has_cache_scope ? work->job.cache_scope[0] : 0;
                assert_true(work->job_id > last[scope]);
                last[scope] = work->job_id;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes_take_turns),
        cmocka_unit_test(who_comes_again_stands_at_the_end),
        cmocka_unit_test(any_work_can_be_taken_out),
        cmocka_unit_test(random_use_keeps_every_scope_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

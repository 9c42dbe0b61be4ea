/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything at once: callers that ask and go away at seeded random points, an engine that is
 * killed again and again at random moments, and at last SIGTERM while all of it goes on. Whoever
 * stays gets an answer whose receipt holds, an error receipt, or a clear refusal, and the node ends
 * as asked. Made to be run under the sanitizers: a call that is used after it was freed shows here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/node_client.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORM_WORKERS 6
#define STORM_KILLS   10
#define STORM_SEED    20260117u

typedef struct storm {
    node_fixture node;
    atomic_uint answered, failed, refused, cut, wrong;
    atomic_bool ending;
} storm;

typedef struct storm_worker {
    storm *all;
    pthread_t thread;
    uint32_t random; /* state of xorshift32 */
} storm_worker;

static uint32_t storm_random(uint32_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state % below;
}

static void storm_wrong(storm *all, const char *what, const node_answer *answer)
{
    /* While the node ends, connections may be cut or refused at any point. */
    if (!atomic_load(&all->ending)) {
        atomic_fetch_add(&all->wrong, 1);
        (void)fprintf(stderr, "%s: err %d, status %u, code %s\n", what, (int)answer->err,
                      answer->status, answer->code);
    }
}

static void storm_judge(storm *all, const node_session *session, const node_question *question,
                        node_answer *answer)
{
    if (answer->err == AVER_E_AGAIN) {
        atomic_fetch_add(&all->cut, 1);
    } else if (answer->err != AVER_OK) {
        storm_wrong(all, "no answer", answer);
    } else if (answer->status == 429 || answer->status == 503) {
        atomic_fetch_add(&all->refused, 1);
    } else if (!node_answer_check(session, question, answer)) {
        storm_wrong(all, "a receipt does not hold", answer);
    } else if (answer->said.finish == AVER_FINISH_ERROR) {
        atomic_fetch_add(&all->failed, 1);
    } else {
        atomic_fetch_add(&all->answered, 1);
    }
}

static void storm_ask(storm_worker *worker, node_session *session)
{
    storm *all = worker->all;
    bool stream = storm_random(&worker->random, 2) == 0;
    char body[512];
    node_question question = {
        .path = "/v1/completions", .body = body, .sealed = storm_random(&worker->random, 2) == 0};
    node_answer answer;

    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"prompt\":\"One day\",\"max_tokens\":%u%s}", all->node.model,
                   1 + storm_random(&worker->random, 120), stream ? ",\"stream\":true" : "");
    if (storm_random(&worker->random, 3) == 0) {
        question.cut_after_bytes = 1 + storm_random(&worker->random, 2500);
    }
    node_ask(session, &question, &answer);
    storm_judge(all, session, &question, &answer);
    node_answer_deinit(&answer);
}

static void *storm_work(void *context)
{
    storm_worker *worker = context;
    node_session session;

    while (!atomic_load(&worker->all->ending)) {
        if (!node_session_try(&session, &worker->all->node, false)) {
            continue;
        }
        for (uint32_t i = storm_random(&worker->random, 20);
             i > 0 && !atomic_load(&worker->all->ending); i--) {
            storm_ask(worker, &session);
        }
        node_session_close(&session);
    }
    return NULL;
}

static void test_storm(void **state)
{
    static storm all;
    storm_worker workers[STORM_WORKERS];
    uint32_t random = STORM_SEED;

    (void)state;
    node_fixture_start(&all.node, (const char *const[]){"--slots", "3", "--queue", "4", NULL});
    for (uint32_t i = 0; i < STORM_WORKERS; i++) {
        workers[i] = (storm_worker){.all = &all, .random = STORM_SEED + i * 7919u};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, storm_work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < STORM_KILLS; i++) {
        node_fixture_sleep_ms(100 + storm_random(&random, 600));
        pid_t engine = node_fixture_engine(&all.node);
        if (engine > 0) {
            (void)kill(engine, SIGKILL);
        }
    }
    node_fixture_sleep_ms(1500);
    atomic_store(&all.ending, true);
    assert_int_equal(kill(all.node.pid, SIGTERM), 0);
    for (uint32_t i = 0; i < STORM_WORKERS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    }
    (void)printf("%u answered, %u with an error receipt, %u refused, %u cut, %u wrong\n",
                 all.answered, all.failed, all.refused, all.cut, all.wrong);
    assert_int_equal(node_fixture_wait(&all.node, 40000), 0);
    assert_false(node_fixture_log_has(&all.node, "Sanitizer"));
    assert_int_equal(all.wrong, 0);
    assert_true(all.answered > 0 && all.cut > 0 && all.failed > 0);
    node_fixture_remove(&all.node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_storm)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

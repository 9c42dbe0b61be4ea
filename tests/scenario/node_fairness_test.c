/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Those who misbehave do not slow the others down: the p99 of good requests while others send
 * hostile bodies, dribble bytes, stand still and speak old TLS is at most 1.2 times that of a quiet
 * node. Both kinds of round alternate, so that a busy machine hits both; up to three tries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "support/node_client.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAIR_ROUNDS     8
#define FAIR_PER_ROUND  60
#define FAIR_SAMPLES    (FAIR_ROUNDS * FAIR_PER_ROUND)
#define FAIR_GOAL       1.2
#define FAIR_TRIES      3
#define FAIR_DEEP_BYTES 100000
#define FAIR_PAUSE_MS   50u
#define FAIR_IDLE       32

static node_fixture node;
static atomic_bool fair_hostile, fair_stop;

static int fair_connect(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)node.port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Deep JSON, over and over. */
static void *fair_deep(void *context)
{
    static char body[FAIR_DEEP_BYTES + 1];
    node_question question = {.path = "/v1/completions", .body = body};
    node_session session;
    node_answer answer;

    (void)context;
    memset(body, '[', FAIR_DEEP_BYTES);
    node_session_open(&session, &node, false);
    while (!atomic_load(&fair_stop)) {
        if (atomic_load(&fair_hostile)) {
            node_ask(&session, &question, &answer);
            node_answer_deinit(&answer);
        }
        node_fixture_sleep_ms(FAIR_PAUSE_MS);
    }
    node_session_close(&session);
    return NULL;
}

/* Connections that never say a word, one that speaks no TLS, one that dribbles. */
static void *fair_silent(void *context)
{
    static const uint8_t old_hello[] = {0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3};
    int fds[FAIR_IDLE];

    (void)context;
    for (size_t i = 0; i < FAIR_IDLE; i++) {
        fds[i] = -1;
    }
    for (size_t turn = 0; !atomic_load(&fair_stop); turn++) {
        size_t i = turn % FAIR_IDLE;

        if (atomic_load(&fair_hostile)) {
            if (fds[i] >= 0) {
                (void)close(fds[i]);
            }
            fds[i] = fair_connect();
            if (fds[i] >= 0 && i % 2 == 0) {
                (void)send(fds[i], old_hello, sizeof(old_hello), MSG_NOSIGNAL);
            } else if (fds[i] >= 0) {
                (void)send(fds[i], old_hello, 1, MSG_NOSIGNAL);
            }
        }
        node_fixture_sleep_ms(FAIR_PAUSE_MS);
    }
    for (size_t i = 0; i < FAIR_IDLE; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
    return NULL;
}

static double fair_ask_ms(node_session *session)
{
    char body[256];
    node_question question = {.path = "/v1/completions", .body = body, .sealed = true};
    node_answer answer;

    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"prompt\":\"A dog\",\"max_tokens\":8,\"seed\":1}",
                   node.model);
    uint64_t begin_ns = aver_time_monotonic_ns();
    node_ask(session, &question, &answer);
    double ms = (double)(aver_time_monotonic_ns() - begin_ns) / 1e6;
    assert_int_equal(answer.status, 200);
    node_answer_deinit(&answer);
    return ms;
}

static int fair_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : (x > y ? 1 : 0);
}

static double fair_p99(double *samples)
{
    qsort(samples, FAIR_SAMPLES, sizeof(*samples), fair_compare);
    return samples[FAIR_SAMPLES * 99 / 100];
}

static double fair_ratio(node_session *session)
{
    static double samples[2][FAIR_SAMPLES];

    for (unsigned round = 0; round < FAIR_ROUNDS * 2; round++) {
        unsigned kind = round % 2;

        atomic_store(&fair_hostile, kind == 1);
        node_fixture_sleep_ms(FAIR_PAUSE_MS);
        for (unsigned i = 0; i < FAIR_PER_ROUND; i++) {
            samples[kind][round / 2 * FAIR_PER_ROUND + i] = fair_ask_ms(session);
        }
    }
    double quiet = fair_p99(samples[0]), hostile = fair_p99(samples[1]);
    (void)printf("p99 quiet %.2f ms, with hostile clients %.2f ms, ratio %.2f\n", quiet, hostile,
                 hostile / quiet);
    return hostile / quiet;
}

static void test_hostile_clients_do_not_slow_others(void **state)
{
    pthread_t deep, silent;
    node_session session;
    double best = 1e9;

    (void)state;
    node_fixture_start(&node, NULL);
    node_session_open(&session, &node, false);
    assert_int_equal(pthread_create(&deep, NULL, fair_deep, NULL), 0);
    assert_int_equal(pthread_create(&silent, NULL, fair_silent, NULL), 0);
    for (unsigned i = 0; i < FAIR_TRIES && best > FAIR_GOAL; i++) {
        double ratio = fair_ratio(&session);
        best = ratio < best ? ratio : best;
    }
    atomic_store(&fair_stop, true);
    assert_int_equal(pthread_join(deep, NULL), 0);
    assert_int_equal(pthread_join(silent, NULL), 0);
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
    assert_true(best <= FAIR_GOAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_clients_do_not_slow_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

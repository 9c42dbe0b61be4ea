/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abuse: what abusers cost the others. Well-behaved clients ask for short sealed streams over TLS,
 * in rounds with and without abusers, which alternate. The streams of the slow readers are asked
 * for in both kinds of round, and read at once in the quiet ones, so that the model has the same
 * work. The figure is the median of the rounds' p99 with abusers, over that without.
 *
 * Everything is on loopback; abusers pause between attempts and end with their round. They run only
 * when nobody else wants a core (SCHED_IDLE), since their own work would be other machines' work; a
 * merely low priority would still hold a core for whole time slices.
 *
 *   bench-abuse [WORDS]     only the abusers with these words in their name
 */
#include "base/log.h"
#include "base/sys.h"
#include "support/abusers.h"
#include "support/node_client.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS       16 /* of each kind */
#define ROUND_MS     2500u
#define WORKERS      2
#define SAMPLES_MAX  4000 /* of one worker and round */
#define ATTEMPTS_MAX 200  /* of one abuser and round */
#define THREADS_MAX  64
#define PAUSE_MS     100u
#define PAUSE_BIG_MS 500u /* after a body of megabytes */
#define GOAL         1.2

typedef struct bench_abuser {
    pthread_t thread;
    abuse_kind kind;
    unsigned attempts, clear; /* of all rounds */
    bool well;                /* the slow reader's quiet twin */
} bench_abuser;

typedef struct bench_worker {
    pthread_t thread;
    node_session session;
    double samples[SAMPLES_MAX];
    size_t count;
    unsigned failed;
} bench_worker;

static node_fixture node;
static uint64_t round_end_ms;
static bench_worker workers[WORKERS];
static bench_abuser abusers[THREADS_MAX];
static size_t abusers_count;
static bench_abuser twins[THREADS_MAX];
static size_t twins_count;

/* How many of each try at once. */
static const unsigned bench_threads[ABUSE_KINDS] = {
    [ABUSE_SILENT] = 16,      [ABUSE_HALF_HEAD] = 16,  [ABUSE_SLOW_READER] = 2,
    [ABUSE_BAD_JSON] = 1,     [ABUSE_DEEP_JSON] = 1,   [ABUSE_HUGE_NUMBERS] = 1,
    [ABUSE_BAD_UTF8] = 1,     [ABUSE_LONG_PROMPT] = 1, [ABUSE_LARGE_BODY] = 1,
    [ABUSE_HEADER_FLOOD] = 1, [ABUSE_OLD_TLS] = 1,
};

static void bench_pause(unsigned ms)
{
    uint64_t now_ms = node_fixture_now_ms();
    uint64_t left_ms = round_end_ms > now_ms ? round_end_ms - now_ms : 0;
    node_fixture_sleep_ms(left_ms < ms ? (unsigned)left_ms : ms);
}

static void *abuser_run(void *context)
{
    bench_abuser *abuser = context;
    const struct sched_param idle = {.sched_priority = 0};
    if (sched_setscheduler(0, SCHED_IDLE, &idle) != 0) {
        perror("SCHED_IDLE");
    }
    unsigned pause_ms = abuser->kind == ABUSE_LARGE_BODY ? PAUSE_BIG_MS : PAUSE_MS;
    for (unsigned i = 0; i < ATTEMPTS_MAX && node_fixture_now_ms() < round_end_ms; i++) {
        abuser->attempts++;
        bool clear =
            abuser->well ? abuse_read_well(&node) : abuse_try(abuser->kind, &node, i, round_end_ms);
        abuser->clear += clear ? 1 : 0;
        /* A slow reader has one stream a round; so has its twin. */
        bench_pause(abuser->well ? ROUND_MS : pause_ms);
    }
    return NULL;
}

static void *worker_run(void *context)
{
    bench_worker *worker = context;
    char body[256];
    node_question question = {.path = "/v1/completions", .body = body, .sealed = true};
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"prompt\":\"A dog\",\"max_tokens\":4,\"stream\":true}",
                   node.model);
    worker->count = 0;
    while (worker->count < SAMPLES_MAX && node_fixture_now_ms() < round_end_ms) {
        node_answer answer;
        uint64_t start_ns = aver_time_monotonic_ns();
        node_ask(&worker->session, &question, &answer);
        worker->samples[worker->count++] = (double)(aver_time_monotonic_ns() - start_ns) / 1e6;
        worker->failed += answer.status == 200 && answer.done ? 0 : 1;
        node_answer_deinit(&answer);
    }
    return NULL;
}

static void bench_thread(pthread_t *thread, void *(*run)(void *context), void *context)
{
    if (pthread_create(thread, NULL, run, context) != 0) {
        (void)fprintf(stderr, "bench-abuse: no thread\n");
        exit(1);
    }
}

static int double_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double share_of(double *values, size_t count, double share)
{
    qsort(values, count, sizeof(*values), double_compare);
    size_t at = (size_t)((double)count * share);
    return values[at < count ? at : count - 1];
}

/* One round; its p50 and p99 of the well-behaved, and how many answers that were. */
static size_t bench_round(bool abused, double *ret_p50, double *ret_p99)
{
    static double all[WORKERS * SAMPLES_MAX];
    bench_abuser *others = abused ? abusers : twins;
    size_t others_count = abused ? abusers_count : twins_count;
    size_t count = 0;
    round_end_ms = node_fixture_now_ms() + ROUND_MS;
    for (size_t i = 0; i < others_count; i++) {
        bench_thread(&others[i].thread, abuser_run, &others[i]);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        bench_thread(&workers[i].thread, worker_run, &workers[i]);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        for (size_t k = 0; k < workers[i].count; k++) {
            all[count++] = workers[i].samples[k];
        }
    }
    for (size_t i = 0; i < others_count; i++) {
        (void)pthread_join(others[i].thread, NULL);
    }
    *ret_p50 = share_of(all, count, 0.50);
    *ret_p99 = share_of(all, count, 0.99);
    return count;
}

static void bench_setup(const char *words)
{
    static const char *const args[] = {"--slots", "8", NULL};
    (void)signal(SIGPIPE, SIG_IGN);
    aver_log_setup(AVER_LOG_ERROR, false);
    node_fixture_start(&node, args);
    for (size_t i = 0; i < WORKERS; i++) {
        node_session_open(&workers[i].session, &node, false);
    }
    for (int kind = 0; kind < ABUSE_KINDS; kind++) {
        bool wanted = strstr(abuse_name((abuse_kind)kind), words) != NULL;
        for (unsigned i = 0; wanted && i < bench_threads[kind] && abusers_count < THREADS_MAX;
             i++) {
            abusers[abusers_count++] = (bench_abuser){.kind = (abuse_kind)kind};
        }
    }
    bool streams = strstr(abuse_name(ABUSE_SLOW_READER), words) != NULL;
    for (unsigned i = 0; streams && i < bench_threads[ABUSE_SLOW_READER]; i++) {
        twins[twins_count++] = (bench_abuser){.kind = ABUSE_SLOW_READER, .well = true};
    }
}

/* What the abusers did, a line a kind; false if the node was not clear with one of them. */
static bool bench_print_abusers(void)
{
    bool clear_all = true;
    (void)printf("%-28s %8s %8s\n", "abusers", "attempts", "clear");
    for (int kind = 0; kind < ABUSE_KINDS; kind++) {
        unsigned attempts = 0;
        unsigned clear = 0;
        for (size_t i = 0; i < abusers_count; i++) {
            attempts += (int)abusers[i].kind == kind ? abusers[i].attempts : 0;
            clear += (int)abusers[i].kind == kind ? abusers[i].clear : 0;
        }
        if (attempts > 0) {
            (void)printf("%-28s %8u %8u\n", abuse_name((abuse_kind)kind), attempts, clear);
        }
        clear_all = clear_all && clear == attempts;
    }
    return clear_all;
}

static bool bench_finish(void)
{
    unsigned failed = 0;
    for (size_t i = 0; i < WORKERS; i++) {
        failed += workers[i].failed;
        node_session_close(&workers[i].session);
    }
    for (size_t i = 0; i < twins_count; i++) {
        failed += twins[i].attempts - twins[i].clear;
    }
    bool clear = bench_print_abusers() && abusers_count > 0;
    int status = node_fixture_stop(&node);
    if (failed > 0 || !clear || status != 0) {
        (void)fprintf(stderr,
                      "bench-abuse: %u good requests failed, abusers %s refused clearly, the node "
                      "ended with %d\n",
                      failed, clear ? "all" : "not all", status);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    double p50[2][ROUNDS];
    double p99[2][ROUNDS];
    size_t answers[2] = {0, 0};
    double ignored[2];
    bench_setup(argc > 1 ? argv[1] : "");
    (void)bench_round(false, &ignored[0], &ignored[1]);
    for (size_t i = 0; i < ROUNDS; i++) {
        /* Which kind comes first changes from pair to pair. */
        for (size_t turn = 0; turn < 2; turn++) {
            size_t abused = (i + turn) % 2;
            answers[abused] += bench_round(abused == 1, &p50[abused][i], &p99[abused][i]);
        }
    }
    bool good = bench_finish();
    double quiet = share_of(p99[0], ROUNDS, 0.5);
    double under = share_of(p99[1], ROUNDS, 0.5);
    (void)printf("%-28s %8s %8s %8s\n", "well-behaved", "answers", "p50 ms", "p99 ms");
    (void)printf("%-28s %8zu %8.2f %8.2f\n", "without abusers", answers[0],
                 share_of(p50[0], ROUNDS, 0.5), quiet);
    (void)printf("%-28s %8zu %8.2f %8.2f\n", "with abusers", answers[1],
                 share_of(p50[1], ROUNDS, 0.5), under);
    (void)printf("figure abuse_p99_ratio %.3f x goal <= %.1f %s\n", under / quiet, GOAL,
                 under / quiet <= GOAL ? "ok" : "short");
    return good ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contend: a node on a machine where every core is wanted by somebody else too: a process that
 * computes without end on each core, at the same priority. With one engine thread for each core the
 * node must not be much slower than with one: threads that wait for each other by spinning would
 * wait for whole time slices of the neighbours. Both nodes are up, and their rounds take turns.
 *
 *   bench-contend [streams]
 */
#include "base/log.h"
#include "base/sys.h"
#include "model/cores.h"
#include "support/load.h"
#include "support/node_client.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS         7
#define STREAMS        4
#define REQUESTS       12
#define TOKENS         64
#define WORDS          26
#define NEIGHBOURS_MAX 256
#define GOAL           0.8

static node_fixture nodes[2];
static node_session sessions[2];
static pid_t neighbours[NEIGHBOURS_MAX];
static unsigned neighbours_count;

static _Noreturn void bench_die(const char *what)
{
    (void)fprintf(stderr, "bench-contend: %s\n", what);
    exit(1);
}

static _Noreturn void neighbour_run(int core, pid_t parent)
{
    volatile unsigned count = 0;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (sched_setaffinity(0, sizeof(set), &set) != 0 || getppid() != parent) {
        _exit(1);
    }
    for (;;) {
        count = count + 1;
    }
}

/* One for each core that this process may use. */
static void bench_neighbours_start(void)
{
    cpu_set_t set;
    pid_t parent = getpid();
    if (sched_getaffinity(0, sizeof(set), &set) != 0) {
        bench_die("the cores cannot be counted");
    }
    for (int core = 0; core < CPU_SETSIZE && neighbours_count < NEIGHBOURS_MAX; core++) {
        if (!CPU_ISSET((size_t)core, &set)) {
            continue;
        }
        pid_t pid = fork();
        if (pid == 0) {
            neighbour_run(core, parent);
        }
        if (pid < 0) {
            bench_die("no process for a neighbour");
        }
        neighbours[neighbours_count++] = pid;
    }
}

static void bench_neighbours_stop(void)
{
    for (unsigned i = 0; i < neighbours_count; i++) {
        (void)kill(neighbours[i], SIGKILL);
        (void)waitpid(neighbours[i], NULL, 0);
    }
}

static double bench_round(size_t which, unsigned streams, unsigned seed)
{
    load_target target = {.port = nodes[which].port,
                          .tls = true,
                          .receipts = true,
                          .seal_key = sessions[which].keyset.keys[AVER_ROLE_SEAL].bytes,
                          .path = "/v1/completions",
                          .model = nodes[which].model,
                          .extra = ""};
    load_plan plan = {.streams = streams,
                      .requests = REQUESTS / STREAMS * streams,
                      .tokens = TOKENS,
                      .words = WORDS,
                      .seed = seed};
    load_result result;
    if (!load_run(&target, &plan, &result)) {
        bench_die("the load failed");
    }
    return result.tokens_per_s;
}

static int bench_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), bench_compare);
    return values[count / 2];
}

/* The medians with one thread and with one for each core. */
static void bench_measure(unsigned streams, double ret_medians[2])
{
    double values[2][ROUNDS];
    for (size_t which = 0; which < 2; which++) {
        (void)bench_round(which, streams, 99);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (size_t turn = 0; turn < 2; turn++) {
            size_t which = (turn + i) % 2;
            values[which][i] = bench_round(which, streams, i + 1);
        }
    }
    for (size_t which = 0; which < 2; which++) {
        ret_medians[which] = bench_median(values[which], ROUNDS);
    }
}

int main(int argc, char **argv)
{
    unsigned streams = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : STREAMS;
    char threads[16];
    double alone[2], contended[2];
    if (streams == 0 || streams > LOAD_STREAMS_MAX) {
        bench_die("1 to 256 streams");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    aver_log_setup(AVER_LOG_ERROR, false);
    (void)snprintf(threads, sizeof(threads), "%u", aver_cores_count());
    for (size_t which = 0; which < 2; which++) {
        const char *const args[] = {
            "--threads", which == 0 ? "1" : threads, "--slots", "8", "--log-level", "warn", NULL};
        node_fixture_start(&nodes[which], args);
        node_session_open(&sessions[which], &nodes[which], false);
    }
    bench_measure(streams, alone);
    bench_neighbours_start();
    bench_measure(streams, contended);
    bench_neighbours_stop();
    for (size_t which = 0; which < 2; which++) {
        node_session_close(&sessions[which]);
        if (node_fixture_stop(&nodes[which]) != 0) {
            bench_die("a node did not end as it should");
        }
    }
    double ratio = contended[1] / contended[0];
    (void)printf("%u streams, tokens/s   1 thread  %s threads\n", streams, threads);
    (void)printf("  alone             %10.0f %10.0f\n", alone[0], alone[1]);
    (void)printf("  %u busy neighbours %10.0f %10.0f\n", neighbours_count, contended[0],
                 contended[1]);
    (void)printf("figure contend_ratio %.3f x goal >= %.2f %s\n", ratio, GOAL,
                 ratio >= GOAL ? "ok" : "short");
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve: our node with TLS 1.3, sealed bodies and receipts against llama-server with plain HTTP:
 * the same build of llama.cpp, model, threads, context for each stream, prompts, and 64 tokens for
 * each answer at temperature 0, streamed over kept connections to the same endpoint.
 * llama-batched-bench with as many prompt tokens is the limit: no server, no sampler, no text.
 *
 * All servers of a level are up at once, and their rounds take turns, so that what else the machine
 * does hits all alike; figures are medians of the rounds. Load and servers share the cores.
 * llama-server is told ignore_eos; our node has no such member, and its few answers that end early
 * are counted and shown: only tokens that came count in a figure. llama-server runs without its
 * cache of prompts: nothing in this load repeats, it would only cost it time and memory. Neither
 * side finds more of a prompt in a slot than the one or two words that two prompts begin with by
 * chance; the node's callers name no scope, so that it remembers nothing. The time to the first
 * token includes sealing the request. Memory is PSS in the middle of a round, keeper and engine
 * together.
 *
 * Where the kernel groups processes by session (autogroup), those of other sessions take their
 * share whatever their priority is, and threads that wait for each other by spinning stand still
 * meanwhile: such a machine must be idle, or this session's group be preferred
 * (/proc/self/autogroup).
 *
 *   bench-serve [--model story|random] [--streams N] [--rounds N] [--endpoint chat|completions]
 *               [--threads N]
 */
#include "base/log.h"
#include "base/sys.h"
#include "model/cores.h"
#include "support/load.h"
#include "support/node_client.h"
#include "support/peer.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS_MAX     9
#define CONTEXT_TOKENS 256
#define TOKENS         64
#define WORDS          26
#define PROMPT_WORDS   190 /* of the load that measures the reading of prompts */
#define PROMPT_LEVEL   16
#define PAUSE_MS       400 /* idle threads of llama-server spin for some 100 ms before they sleep */

typedef enum side {
    SIDE_FAST,
    SIDE_VERIFIED,
    SIDE_SERVER,
    SIDES,
} side;

typedef struct bench_level {
    unsigned streams;
    unsigned requests; /* of a round */
} bench_level;

typedef struct bench_model {
    const char *name;
    const char *file;
    bench_level levels[4];
    unsigned prompt_requests;
} bench_model;

static const bench_model models[] = {
    {"story", "stories15M-q8_0.gguf", {{1, 16}, {4, 48}, {16, 96}, {64, 192}}, 64},
    {"random", "random88M-q8_0.gguf", {{1, 4}, {4, 12}, {16, 32}, {64, 64}}, 16},
};
static const char *const side_names[SIDES] = {"node fast", "node verified", "llama-server"};

typedef struct bench_options {
    const char *model;    /* NULL: all */
    const char *endpoint; /* path */
    unsigned streams;     /* 0: all */
    unsigned rounds;
    unsigned threads;
} bench_options;

/* The servers of one level. */
typedef struct bench_stage {
    node_fixture nodes[2];
    node_session sessions[2];
    peer_server server;
    load_target targets[SIDES];
    peer_plan peer;
    uint64_t memory_bytes[SIDES];
    side measured; /* the side whose round runs */
} bench_stage;

/* The medians over the rounds. */
typedef struct bench_row {
    double tokens_per_s, first_ms_p50, first_ms_p99, all_ms_p50, client_share;
    double prompt_tokens_per_s;
    unsigned shorter;
} bench_row;

static bench_options options = {.endpoint = "/v1/completions", .rounds = 5, .threads = 0};
static bench_stage stage;

static _Noreturn void bench_die(const char *what)
{
    (void)fprintf(stderr, "bench-serve: %s\n", what);
    exit(1);
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
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void bench_measure_memory(void *context)
{
    (void)context;
    if (stage.measured == SIDE_SERVER) {
        stage.memory_bytes[SIDE_SERVER] = peer_memory_bytes(stage.server.pid);
        return;
    }
    const node_fixture *node = &stage.nodes[stage.measured];
    stage.memory_bytes[stage.measured] =
        peer_memory_bytes(node->pid) + peer_memory_bytes(node_fixture_engine(node));
}

static void bench_start_node(side which, const char *threads, const char *slots)
{
    char context[16];
    (void)snprintf(context, sizeof(context), "%d", CONTEXT_TOKENS);
    const char *const args[] = {
        "--threads",   threads,   "--slots", slots,       "--context",
        context,       "--queue", "256",     "--profile", which == SIDE_FAST ? "fast" : "verified",
        "--log-level", "warn",    NULL};
    node_fixture_start(&stage.nodes[which], args);
    node_session_open(&stage.sessions[which], &stage.nodes[which], false);
    stage.targets[which] =
        (load_target){.port = stage.nodes[which].port,
                      .tls = true,
                      .receipts = true,
                      .seal_key = stage.sessions[which].keyset.keys[AVER_ROLE_SEAL].bytes,
                      .path = options.endpoint,
                      .model = stage.nodes[which].model,
                      .extra = ""};
}

/* One answer of each node is checked in full before anything is measured. */
static void bench_check_node(side which)
{
    char body[256];
    node_question question = {.path = "/v1/completions", .body = body, .sealed = true};
    node_answer answer;
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"prompt\":\"A dog\",\"max_tokens\":8,\"stream\":true}",
                   stage.nodes[which].model);
    node_ask(&stage.sessions[which], &question, &answer);
    if (answer.status != 200 || !answer.done || !answer.sealed ||
        !node_answer_check(&stage.sessions[which], &question, &answer)) {
        bench_die("the node's answer does not prove what it must");
    }
    node_answer_deinit(&answer);
}

static void bench_stage_start(const char *model, unsigned streams)
{
    static const char *const server_args[] = {"--cache-ram", "0", NULL};
    char threads[16];
    char slots[16];
    (void)snprintf(threads, sizeof(threads), "%u", options.threads);
    (void)snprintf(slots, sizeof(slots), "%u", streams);
    if (setenv("AVER_TEST_MODEL", model, 1) != 0) {
        bench_die("out of memory");
    }
    bench_start_node(SIDE_FAST, threads, slots);
    bench_start_node(SIDE_VERIFIED, threads, slots);
    stage.peer = (peer_plan){.model = model,
                             .streams = streams,
                             .context_tokens = CONTEXT_TOKENS,
                             .threads = options.threads};
    peer_server_start(&stage.server, &stage.peer, server_args);
    stage.targets[SIDE_SERVER] = (load_target){.port = stage.server.port,
                                               .path = options.endpoint,
                                               .model = "any",
                                               .extra = ",\"ignore_eos\":true"};
    bench_check_node(SIDE_FAST);
    bench_check_node(SIDE_VERIFIED);
}

static void bench_stage_stop(void)
{
    for (int which = 0; which < 2; which++) {
        node_session_close(&stage.sessions[which]);
        if (node_fixture_stop(&stage.nodes[which]) != 0) {
            bench_die("a node did not end as it should");
        }
    }
    peer_server_stop(&stage.server);
}

static load_result bench_round(side which, const load_plan *plan)
{
    load_result result;
    stage.measured = which;
    node_fixture_sleep_ms(PAUSE_MS);
    if (!load_run(&stage.targets[which], plan, &result)) {
        (void)fprintf(stderr, "bench-serve: %s\n", side_names[which]);
        bench_die("the load failed");
    }
    return result;
}

/* Every slot has answered once before the clock runs, so that its memory is there. */
static void bench_warm(unsigned streams)
{
    load_plan plan = {.streams = streams, .requests = streams, .tokens = 8, .words = 8, .seed = 99};
    for (int which = 0; which < SIDES; which++) {
        (void)bench_round((side)which, &plan);
    }
}

static bench_row bench_row_of(const load_result *results, unsigned count)
{
    double values[6][ROUNDS_MAX];
    bench_row row = {.shorter = 0};
    for (unsigned i = 0; i < count; i++) {
        const load_result *result = &results[i];
        values[0][i] = result->tokens_per_s;
        values[1][i] = result->first_ms_p50;
        values[2][i] = result->first_ms_p99;
        values[3][i] = result->all_ms_p50;
        values[4][i] = result->client_s / result->seconds;
        values[5][i] = result->prompt_tokens_per_s;
        row.shorter += result->shorter;
    }
    row.tokens_per_s = bench_median(values[0], count);
    row.first_ms_p50 = bench_median(values[1], count);
    row.first_ms_p99 = bench_median(values[2], count);
    row.all_ms_p50 = bench_median(values[3], count);
    row.client_share = bench_median(values[4], count);
    row.prompt_tokens_per_s = bench_median(values[5], count);
    return row;
}

static void bench_print(const bench_level *level, const bench_row *rows, double limit,
                        double prompt_tokens)
{
    const bench_row *peer = &rows[SIDE_SERVER];
    (void)printf("%u streams, %.0f + %d tokens, %u threads, limit %.0f tokens/s\n", level->streams,
                 prompt_tokens, TOKENS, options.threads, limit);
    (void)printf("  %-14s %9s %7s %7s %9s %9s %9s %8s %7s %6s\n", "", "tokens/s", "x peer",
                 "x limit", "first p50", "first p99", "whole p50", "MB", "load", "short");
    for (int which = 0; which < SIDES; which++) {
        const bench_row *row = &rows[which];
        (void)printf("  %-14s %9.0f %7.2f %7.2f %9.1f %9.1f %9.0f %8.1f %6.0f%% %6u\n",
                     side_names[which], row->tokens_per_s, row->tokens_per_s / peer->tokens_per_s,
                     row->tokens_per_s / limit, row->first_ms_p50, row->first_ms_p99,
                     row->all_ms_p50, (double)stage.memory_bytes[which] / 1e6,
                     100.0 * row->client_share, row->shorter);
    }
    (void)fflush(stdout);
}

static void bench_figure(const char *model, const char *what, unsigned streams, double value,
                         bool at_least, double goal)
{
    bool good = at_least ? value >= goal : value <= goal;
    (void)printf("figure serve_%s_%u_%s %.3f x goal %s %.2f %s\n", model, streams, what, value,
                 at_least ? ">=" : "<=", goal, good ? "ok" : "short");
}

static void bench_figures(const bench_model *model, const bench_level *level, const bench_row *rows,
                          double limit)
{
    const bench_row *fast = &rows[SIDE_FAST];
    const bench_row *peer = &rows[SIDE_SERVER];
    unsigned streams = level->streams;
    bench_figure(model->name, "ratio", streams, fast->tokens_per_s / peer->tokens_per_s, true, 1.0);
    bench_figure(model->name, "ttft_p50", streams, fast->first_ms_p50 / peer->first_ms_p50, false,
                 1.0);
    if (streams >= 16) {
        bench_figure(model->name, "limit_ratio", streams, fast->tokens_per_s / limit, true, 0.75);
    }
    if (streams == 64) {
        bench_figure(model->name, "memory", streams,
                     (double)stage.memory_bytes[SIDE_FAST] /
                         (double)stage.memory_bytes[SIDE_SERVER],
                     false, 0.5);
    }
    if (streams == PROMPT_LEVEL) {
        bench_figure(model->name, "verified_generation_loss", streams,
                     1.0 - rows[SIDE_VERIFIED].tokens_per_s / fast->tokens_per_s, false, 0.10);
    }
}

/* Long prompts, one token each: what reading them costs in profile verified. */
static void bench_prompts(const bench_model *model, unsigned streams)
{
    load_result results[SIDES][ROUNDS_MAX];
    for (unsigned i = 0; i < options.rounds; i++) {
        load_plan plan = {.streams = streams,
                          .requests = model->prompt_requests,
                          .tokens = 1,
                          .words = PROMPT_WORDS,
                          .seed = 1000 + i};
        for (int turn = 0; turn < SIDES; turn++) {
            side which = (side)((unsigned)(turn + (int)i) % SIDES);
            results[which][i] = bench_round(which, &plan);
        }
    }
    double read[SIDES];
    (void)printf("  prompts of %.0f tokens, one token answered:", results[0][0].prompt_tokens);
    for (int which = 0; which < SIDES; which++) {
        read[which] = bench_row_of(results[which], options.rounds).prompt_tokens_per_s;
        (void)printf(" %s %.0f", side_names[which], read[which]);
    }
    (void)printf(" tokens/s\n");
    bench_figure(model->name, "verified_prompt_loss", streams,
                 1.0 - read[SIDE_VERIFIED] / read[SIDE_FAST], false, 0.35);
}

static void bench_run_level(const bench_model *model, const bench_level *level, const char *path)
{
    load_result results[SIDES][ROUNDS_MAX];
    double limits[ROUNDS_MAX];
    bench_row rows[SIDES];
    bench_stage_start(path, level->streams);
    bench_warm(level->streams);
    for (unsigned i = 0; i < options.rounds; i++) {
        load_plan plan = {.streams = level->streams,
                          .requests = level->requests,
                          .tokens = TOKENS,
                          .words = WORDS,
                          .seed = i + 1,
                          .on_half = bench_measure_memory};
        for (int turn = 0; turn < SIDES; turn++) {
            side which = (side)((unsigned)(turn + (int)i) % SIDES);
            results[which][i] = bench_round(which, &plan);
        }
        peer_work work = {.prompt_tokens = (unsigned)(results[SIDE_SERVER][i].prompt_tokens + 0.5),
                          .tokens = TOKENS,
                          .repeats = (level->requests + level->streams - 1) / level->streams};
        limits[i] = peer_limit(&stage.peer, &work);
    }
    for (int which = 0; which < SIDES; which++) {
        rows[which] = bench_row_of(results[which], options.rounds);
    }
    double limit = bench_median(limits, options.rounds);
    (void)printf("%s: ", model->name);
    bench_print(level, rows, limit, results[SIDE_SERVER][0].prompt_tokens);
    bench_figures(model, level, rows, limit);
    if (level->streams == PROMPT_LEVEL) {
        bench_prompts(model, level->streams);
    }
    bench_stage_stop();
}

static unsigned bench_number(const char *text, unsigned most)
{
    unsigned long value = strtoul(text, NULL, 10);
    if (value == 0 || value > most) {
        bench_die("such a number is out of bounds");
    }
    return (unsigned)value;
}

static void bench_arguments(int argc, char **argv)
{
    static const struct option table[] = {
        {"model", required_argument, NULL, 'm'},   {"streams", required_argument, NULL, 's'},
        {"rounds", required_argument, NULL, 'r'},  {"endpoint", required_argument, NULL, 'e'},
        {"threads", required_argument, NULL, 't'}, {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", table, NULL)) >= 0) {
        switch (option) {
        case 'm':
            options.model = optarg;
            break;
        case 's':
            options.streams = bench_number(optarg, 64);
            break;
        case 'r':
            options.rounds = bench_number(optarg, ROUNDS_MAX);
            break;
        case 'e':
            options.endpoint =
                strcmp(optarg, "chat") == 0 ? "/v1/chat/completions" : "/v1/completions";
            break;
        case 't':
            options.threads = bench_number(optarg, 64);
            break;
        default:
            exit(2);
        }
    }
    if (options.threads == 0) {
        options.threads = aver_cores_count();
    }
}

int main(int argc, char **argv)
{
    const char *story = node_fixture_model();
    char folder[4096];
    (void)signal(SIGPIPE, SIG_IGN);
    aver_log_setup(AVER_LOG_ERROR, false);
    bench_arguments(argc, argv);
    (void)peer_program("llama-server");
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(story, '/') - story), story);
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        const bench_model *model = &models[i];
        char path[8192];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, model->file);
        if (options.model != NULL && strcmp(options.model, model->name) != 0) {
            continue;
        }
        for (size_t k = 0; k < sizeof(model->levels) / sizeof(model->levels[0]); k++) {
            if (options.streams == 0 || options.streams == model->levels[k].streams) {
                bench_run_level(model, &model->levels[k], path);
            }
        }
    }
    return 0;
}

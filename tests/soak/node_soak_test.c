/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many requests to one node, 16 at a time: 5 % cut by the client at random points, 2 % malformed,
 * the rest sealed or not, streamed or not. Every one is accounted for by a receipt that holds or by
 * a clear 4xx, and memory does not grow. Then the engine is killed ten times in mid-stream.
 *
 *   usage: node_soak_test [REQUESTS]     default 10000
 */
#include "base/log.h"
#include "support/node_client.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOAK_REQUESTS   10000u
#define SOAK_WARM       1000u
#define SOAK_WORKERS    16
#define SOAK_KILLS      10
#define SOAK_STREAMS    4
#define SOAK_GROWTH_MAX 1.05
#define SOAK_BACK_MS    1000u
#define SOAK_BODY_BYTES 1024

typedef struct soak_totals {
    atomic_uint next, end;
    atomic_uint answered, malformed, cut, cut_finished, lost, wrong;
    atomic_uint under_way; /* streams whose engine is to die */
} soak_totals;

static node_fixture node;
static soak_totals totals;

/* A stream of numbers that any index leads to again. */
static uint32_t soak_random(uint32_t index, uint32_t salt)
{
    uint64_t x = ((uint64_t)index << 32 | salt) * 0x9e3779b97f4a7c15u;

    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9u;
    return (uint32_t)(x >> 32);
}

static void soak_wrong(uint32_t index, const char *what, const node_answer *answer)
{
    atomic_fetch_add(&totals.wrong, 1);
    (void)fprintf(stderr, "request %u: %s (err %d, status %u, code %s)\n", index, what,
                  (int)answer->err, answer->status, answer->code);
}

static void soak_malformed(node_session *session, uint32_t index, node_question *question)
{
    static const char *const bodies[] = {"",
                                         "{",
                                         "{\"model\":5}",
                                         "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
                                         "{\"model\":\"none\",\"prompt\":\"x\"}",
                                         "{\"prompt\":\"\xff\"}",
                                         "{\"model\":\"x\",\"prompt\":\"x\",\"max_tokens\":1e99}"};
    node_answer answer;

    question->body = bodies[soak_random(index, 5) % (sizeof(bodies) / sizeof(bodies[0]))];
    node_ask(session, question, &answer);
    if (answer.status < 400 || answer.status > 499 || answer.code[0] == '\0' ||
        answer.receipt.size > 0) {
        soak_wrong(index, "a malformed request was not refused clearly", &answer);
    } else {
        atomic_fetch_add(&totals.malformed, 1);
    }
    node_answer_deinit(&answer);
}

/* The receipt of a stream that was cut waits under the id of its opening. */
static bool soak_find_receipt(node_session *session, node_answer *answer)
{
    const uint8_t *key = session->keyset.keys[AVER_ROLE_RECEIPT].bytes;
    aver_opening opening;

    if (aver_opening_open(aver_buf_view(&answer->opening), key, &opening) != AVER_OK) {
        return false;
    }
    for (unsigned i = 0; i < 200; i++) {
        if (node_fetch_receipt(session, opening.receipt_id, answer)) {
            return aver_receipt_verify_signature(aver_buf_view(&answer->receipt), key) == AVER_OK &&
                   aver_receipt_decode_unverified(aver_buf_view(&answer->receipt), &answer->said) ==
                       AVER_OK &&
                   memcmp(answer->said.receipt_id, opening.receipt_id, 32) == 0;
        }
        node_fixture_sleep_ms(10);
    }
    return false;
}

static void soak_cut(node_session *session, uint32_t index, node_question *question)
{
    node_answer answer;

    question->cut_after_bytes = 1 + soak_random(index, 6) % 3000;
    node_ask(session, question, &answer);
    if (answer.err == AVER_OK && node_answer_check(session, question, &answer)) {
        atomic_fetch_add(&totals.cut_finished, 1);
    } else if (answer.err != AVER_E_AGAIN) {
        soak_wrong(index, "a cut request went wrong", &answer);
    } else if (answer.opening.size == 0) {
        /* Cut before the opening was whole: the node's own count has it. */
        atomic_fetch_add(&totals.lost, 1);
    } else if (!soak_find_receipt(session, &answer)) {
        soak_wrong(index, "a cut request has no receipt", &answer);
    } else {
        atomic_fetch_add(&totals.cut, 1);
    }
    node_answer_deinit(&answer);
}

static void soak_one(node_session *session, uint32_t index)
{
    uint32_t kind = soak_random(index, 1) % 100;
    uint32_t form = soak_random(index, 2);
    bool stream = (form & 1) != 0 || kind < 5;
    bool chat = (form & 2) != 0;
    char body[SOAK_BODY_BYTES];
    node_question question = {.path = chat ? "/v1/chat/completions" : "/v1/completions",
                              .body = body,
                              .sealed = (form & 4) != 0};
    node_answer answer;

    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",%s,\"max_tokens\":%u%s%s}", node.model,
                   chat ? "\"messages\":[{\"role\":\"user\",\"content\":\"A bird\"}]"
                        : "\"prompt\":\"A bird\"",
                   1 + soak_random(index, 3) % 12, stream ? ",\"stream\":true" : "",
                   (form & 8) != 0 ? ",\"aver\":{}" : "");
    if (kind < 5) {
        soak_cut(session, index, &question);
    } else if (kind < 7) {
        soak_malformed(session, index, &question);
    } else {
        node_ask(session, &question, &answer);
        if (answer.status != 200 || answer.done != stream ||
            !node_answer_check(session, &question, &answer)) {
            soak_wrong(index, "a good request went wrong", &answer);
        } else {
            atomic_fetch_add(&totals.answered, 1);
        }
        node_answer_deinit(&answer);
    }
}

static void *soak_work(void *context)
{
    node_session session;
    uint32_t index;

    (void)context;
    node_session_open(&session, &node, false);
    while ((index = atomic_fetch_add(&totals.next, 1)) < atomic_load(&totals.end)) {
        soak_one(&session, index);
    }
    node_session_close(&session);
    return NULL;
}

static void soak_run(uint32_t first, uint32_t end)
{
    pthread_t workers[SOAK_WORKERS];

    atomic_store(&totals.next, first);
    atomic_store(&totals.end, end);
    for (size_t i = 0; i < SOAK_WORKERS; i++) {
        if (pthread_create(&workers[i], NULL, soak_work, NULL) != 0) {
            exit(1);
        }
    }
    for (size_t i = 0; i < SOAK_WORKERS; i++) {
        (void)pthread_join(workers[i], NULL);
    }
}

static uint64_t soak_receipts(node_session *session)
{
    static const char *const finishes[] = {"stop", "length", "tool", "aborted", "error"};
    uint64_t sum = 0;

    for (size_t i = 0; i < sizeof(finishes) / sizeof(finishes[0]); i++) {
        char name[96];
        (void)snprintf(name, sizeof(name), "aver_receipts_total{finish=\"%s\"}", finishes[i]);
        sum += node_metric(session, name);
    }
    return sum;
}

typedef struct soak_stream {
    pthread_t thread;
    unsigned pieces;
} soak_stream;

/* Kills the engine, once, when every stream is under way. */
static void soak_kill(void *context)
{
    soak_stream *stream = context;

    if (++stream->pieces == 3 && atomic_fetch_add(&totals.under_way, 1) == SOAK_STREAMS - 1) {
        pid_t engine = node_fixture_engine(&node);
        if (engine > 0) {
            (void)kill(engine, SIGKILL);
        }
    }
}

static void *soak_stream_run(void *context)
{
    char body[SOAK_BODY_BYTES];
    node_question question = {.path = "/v1/completions",
                              .body = body,
                              .sealed = true,
                              .on_piece = soak_kill,
                              .context = context};
    node_session session;
    node_answer answer;

    node_session_open(&session, &node, false);
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"prompt\":\"One day\",\"max_tokens\":1800,"
                   "\"temperature\":2,\"seed\":2,\"stream\":true,\"aver\":{}}",
                   node.model);
    node_ask(&session, &question, &answer);
    if (answer.done || !node_answer_check(&session, &question, &answer) ||
        answer.said.finish != AVER_FINISH_ERROR) {
        soak_wrong(0, "a stream whose engine died has no error receipt", &answer);
    }
    node_answer_deinit(&answer);
    node_session_close(&session);
    return NULL;
}

/* Milliseconds from the death to the next good answer. */
static uint64_t soak_kill_once(void)
{
    char body[SOAK_BODY_BYTES];
    node_question question = {.path = "/v1/completions", .body = body, .sealed = true};
    soak_stream streams[SOAK_STREAMS] = {{.pieces = 0}};
    node_session session;
    node_answer answer;

    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",\"prompt\":\"One day\",\"max_tokens\":1}",
                   node.model);
    node_session_open(&session, &node, false);
    atomic_store(&totals.under_way, 0);
    for (size_t i = 0; i < SOAK_STREAMS; i++) {
        if (pthread_create(&streams[i].thread, NULL, soak_stream_run, &streams[i]) != 0) {
            exit(1);
        }
    }
    for (size_t i = 0; i < SOAK_STREAMS; i++) {
        (void)pthread_join(streams[i].thread, NULL);
    }
    uint64_t died_ms = node_fixture_now_ms();
    node_ask(&session, &question, &answer);
    uint64_t back_ms = node_fixture_now_ms() - died_ms;
    if (answer.status != 200 || !node_answer_check(&session, &question, &answer)) {
        soak_wrong(0, "there is no service after the engine died", &answer);
    }
    node_answer_deinit(&answer);
    node_session_close(&session);
    return back_ms;
}

static bool soak_figure(const char *name, double value, const char *unit, double goal)
{
    bool good = value <= goal;

    (void)printf("figure %s %.3f %s goal <= %.3f %s\n", name, value, unit, goal,
                 good ? "ok" : "short");
    return good;
}

int main(int argc, char **argv)
{
    uint32_t requests = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : SOAK_REQUESTS;
    uint32_t warm = requests / 2 < SOAK_WARM ? requests / 2 : SOAK_WARM;
    node_session watch;
    uint64_t back_ms = 0;

    /* Freed memory that the sanitizer keeps back is not the node's. */
    (void)setenv("ASAN_OPTIONS", "detect_container_overflow=0:quarantine_size_mb=4", 1);
    aver_log_setup(AVER_LOG_ERROR, false);
    node_fixture_start(&node,
                       (const char *const[]){"--context", "2048", "--receipts-max", "500", NULL});
    node_session_open(&watch, &node, false);
    soak_run(0, warm);
    uint64_t resident_warm = node_fixture_resident_bytes(&node);
    soak_run(warm, requests);
    uint64_t resident = node_fixture_resident_bytes(&node);
    uint32_t engaged = totals.answered + totals.cut + totals.cut_finished + totals.lost;
    uint64_t receipts = soak_receipts(&watch);
    (void)printf("%u answered, %u cut (%u of them finished, %u before their opening), %u "
                 "malformed, %u wrong; "
                 "%llu receipts\n",
                 totals.answered, totals.cut + totals.cut_finished + totals.lost,
                 totals.cut_finished, totals.lost, totals.malformed, totals.wrong,
                 (unsigned long long)receipts);
    for (unsigned i = 0; i < SOAK_KILLS; i++) {
        uint64_t once_ms = soak_kill_once();
        back_ms = once_ms > back_ms ? once_ms : back_ms;
    }
    bool good =
        soak_figure("soak_unaccounted",
                    (double)totals.wrong +
                        (double)(receipts > engaged ? receipts - engaged : engaged - receipts),
                    "requests", 0);
    good = soak_figure("soak_memory", (double)resident / (double)resident_warm, "x",
                       SOAK_GROWTH_MAX) &&
           good;
    good = soak_figure("soak_engine_back", (double)back_ms, "ms", SOAK_BACK_MS) && good;
    good = node_metric(&watch, "aver_engine_restarts_total") == SOAK_KILLS && good;
    node_session_close(&watch);
    return node_fixture_stop(&node) == 0 && good ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mixed day: every endpoint and every model of a node whose memory holds two of five, from twelve
 * clients at once, some of which go away in the middle; engines die now and then, and another
 * program takes memory and gives it back. Every answer is the model's own, every request that
 * reached an engine has its receipt, and memory stays within its budget.
 *
 *   usage: mixed_day_test [SECONDS]     default T of the environment, or 600
 */
#include "base/log.h"
#include "base/sys.h"
#include "support/made_model.h"
#include "support/node_client.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_SECONDS   600u
#define DAY_WORKERS   12
#define DAY_MODELS    4 /* that generate text */
#define DAY_BODY      1024
#define DAY_TEXT      512
#define DAY_SPEC      320
#define DAY_KILL_MS   20000u
#define DAY_LOOK_MS   500u
#define DAY_HOG_BYTES (192u << 20)
#define DAY_SLOP      (16ull << 20) /* of the processes themselves, and of receipts that are kept */

typedef struct day_totals {
    atomic_uint answered, refused, waited, failed, cut, cut_early, read, wrong;
    atomic_ulong tokens;
} day_totals;

static const char *const day_models[DAY_MODELS] = {"stories15M", "one", "two", "tuned"};
static char day_texts[DAY_MODELS][DAY_TEXT];
static made_models made;
static node_fixture node;
static day_totals totals;
static atomic_bool day_over;

/* splitmix64 of a worker's own. */
static uint32_t day_random(uint64_t *state, uint32_t below)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) >> 33) % below;
}

static void day_wrong(const char *what, const char *body, const node_answer *answer)
{
    atomic_fetch_add(&totals.wrong, 1);
    (void)fprintf(stderr, "%s: %.200s (err %d, status %u, code %s)\n", what, body, (int)answer->err,
                  answer->status, answer->code);
}

/* A receipt waits under the id of the opening of a stream that was cut. */
static bool day_find_receipt(node_session *session, node_answer *answer)
{
    const uint8_t *key = session->keyset.keys[AVER_ROLE_RECEIPT].bytes;
    aver_opening opening;

    if (aver_opening_open(aver_buf_view(&answer->opening), key, &opening) != AVER_OK) {
        return false;
    }
    for (unsigned i = 0; i < 1000; i++) {
        if (node_fetch_receipt(session, opening.receipt_id, answer)) {
            return aver_receipt_verify_signature(aver_buf_view(&answer->receipt), key) == AVER_OK;
        }
        node_fixture_sleep_ms(20);
    }
    return false;
}

static bool day_waited(const node_answer *answer)
{
    static const char *const codes[] = {"engine_loading", "engine_failed", "overloaded",
                                        "queue_full"};

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(answer->code, codes[i]) == 0 && answer->receipt.size == 0) {
            return answer->status == 503 || answer->status == 429;
        }
    }
    return false;
}

/* wanted: the text that it must be, NULL: any. */
static void day_ask(node_session *session, const node_question *question, const char *wanted)
{
    node_answer answer;
    aver_buf text;

    node_ask(session, question, &answer);
    if (question->cut_after_bytes > 0 && answer.err == AVER_E_AGAIN) {
        if (answer.opening.size == 0) {
            atomic_fetch_add(&totals.cut_early, 1);
        } else if (day_find_receipt(session, &answer)) {
            atomic_fetch_add(&totals.cut, 1);
        } else {
            day_wrong("a cut request has no receipt", question->body, &answer);
        }
    } else if (day_waited(&answer)) {
        atomic_fetch_add(&totals.waited, 1);
    } else if (!node_answer_check(session, question, &answer)) {
        day_wrong("no receipt that holds", question->body, &answer);
    } else if (answer.said.finish == AVER_FINISH_ERROR) {
        atomic_fetch_add(&totals.failed, 1);
    } else if (answer.status != 200) {
        day_wrong("a good request went wrong", question->body, &answer);
    } else {
        atomic_fetch_add(&totals.answered, 1);
        atomic_fetch_add(&totals.tokens, answer.said.prompt_tokens + answer.said.generated_tokens);
        if (wanted != NULL) {
            node_answer_text(&answer, &text);
            if (!aver_view_equal_text(aver_buf_view(&text), wanted)) {
                day_wrong("another text than this model's", question->body, &answer);
            }
            aver_buf_deinit(&text);
        }
    }
    node_answer_deinit(&answer);
}

static void day_generate(node_session *session, uint64_t *state)
{
    static const char *const paths[] = {"/v1/chat/completions", "/v1/completions", "/v1/responses"};
    static const char *const prompts[] = {
        "\"messages\":[{\"role\":\"user\",\"content\":\"A bird\"}],\"max_tokens\"",
        "\"prompt\":\"A bird\",\"max_tokens\"",
        "\"input\":\"A bird\",\"max_output_tokens\"",
    };
    uint32_t form = day_random(state, 3);
    bool stream = day_random(state, 2) == 0;
    bool cut = stream && day_random(state, 5) == 0;
    bool several = form != 2 && day_random(state, 6) == 0;
    char body[DAY_BODY];
    node_question question = {.path = paths[form],
                              .body = body,
                              .sealed = day_random(state, 2) == 0,
                              .cut_after_bytes = cut ? 1 + day_random(state, 4000) : 0};

    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",%s:%u%s%s}",
                   day_models[day_random(state, DAY_MODELS)], prompts[form],
                   1 + day_random(state, cut ? 150 : 20), stream ? ",\"stream\":true" : "",
                   several ? ",\"n\":2" : "");
    day_ask(session, &question, NULL);
}

/* The same words of the same model, whenever it is asked. */
static void day_repeat(node_session *session, uint64_t *state)
{
    uint32_t model = day_random(state, DAY_MODELS);
    char body[DAY_BODY];
    node_question question = {
        .path = "/v1/completions", .body = body, .sealed = day_random(state, 2) == 0};

    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"prompt\":\"Once\",\"max_tokens\":12,\"temperature\":0%s}",
                   day_models[model], day_random(state, 2) == 0 ? ",\"stream\":true" : "");
    day_ask(session, &question, day_texts[model]);
}

static void day_embed(node_session *session, uint64_t *state)
{
    char body[DAY_BODY];
    node_question question = {
        .path = "/v1/embeddings", .body = body, .sealed = day_random(state, 2) == 0};

    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"vectors\",\"input\":[\"a bird\",\"%u\",\"one more\"]%s}",
                   day_random(state, 1000),
                   day_random(state, 2) == 0 ? ",\"encoding_format\":\"base64\"" : "");
    day_ask(session, &question, NULL);
}

static void day_words(node_session *session, uint64_t *state)
{
    static const char *const paths[] = {"/tokenize", "/detokenize", "/apply-template"};
    static const char *const rests[] = {
        "\"content\":\"A bird sings\"", "\"tokens\":[300,301,302]",
        "\"messages\":[{\"role\":\"user\",\"content\":\"A bird\"}]"};
    uint32_t form = day_random(state, 3);
    char body[DAY_BODY];
    node_question question = {.path = paths[form], .body = body, .sealed = true};

    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",%s}",
                   day_models[day_random(state, DAY_MODELS)], rests[form]);
    day_ask(session, &question, NULL);
}

static void day_malformed(node_session *session, uint64_t *state)
{
    static const char *const bodies[] = {"",
                                         "{",
                                         "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
                                         "{\"model\":\"none\",\"prompt\":\"x\"}",
                                         "{\"model\":\"vectors\",\"prompt\":\"x\"}",
                                         "{\"model\":\"one\",\"prompt\":\"x\",\"colour\":1}"};
    node_question question = {.path = "/v1/completions",
                              .body = bodies[day_random(state, 6)],
                              .sealed = day_random(state, 2) == 0};
    node_answer answer;

    node_ask(session, &question, &answer);
    if (answer.status < 400 || answer.status > 499 || answer.code[0] == '\0' ||
        answer.receipt.size > 0) {
        day_wrong("a malformed request was not refused clearly", question.body, &answer);
    } else {
        atomic_fetch_add(&totals.refused, 1);
    }
    node_answer_deinit(&answer);
}

static void day_look(node_session *session, uint64_t *state)
{
    static const char *const paths[] = {"/v1/models", "/metrics", "/v1/attestation",
                                        "/.well-known/hpke-keys"};
    const char *path = paths[day_random(state, 4)];
    aver_buf body;

    aver_buf_init(&body, 4u << 20);
    if (node_get(session, path, &body) != 200 || body.size == 0) {
        atomic_fetch_add(&totals.wrong, 1);
        (void)fprintf(stderr, "%s cannot be read\n", path);
    }
    atomic_fetch_add(&totals.read, 1);
    aver_buf_deinit(&body);
}

static void *day_work(void *context)
{
    uint64_t state = 77 + (uint64_t)(uintptr_t)context;
    node_session session;

    node_session_open(&session, &node, false);
    while (!atomic_load(&day_over)) {
        uint32_t kind = day_random(&state, 100);

        if (kind < 40) {
            day_generate(&session, &state);
        } else if (kind < 60) {
            day_repeat(&session, &state);
        } else if (kind < 75) {
            day_embed(&session, &state);
        } else if (kind < 85) {
            day_words(&session, &state);
        } else if (kind < 92) {
            day_malformed(&session, &state);
        } else {
            day_look(&session, &state);
        }
    }
    node_session_close(&session);
    return NULL;
}

/* Another program that wants memory, and gives it back. */
static void *day_hog(void *context)
{
    (void)context;
    while (!atomic_load(&day_over)) {
        volatile uint8_t *bytes = malloc(DAY_HOG_BYTES);

        for (size_t i = 0; bytes != NULL && i < DAY_HOG_BYTES; i += 4096) {
            bytes[i] = 1;
        }
        node_fixture_sleep_ms(1000);
        free((void *)(uintptr_t)bytes);
        node_fixture_sleep_ms(2000);
    }
    return NULL;
}

static uint64_t day_receipts(node_session *session)
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

/* What each model says, and the two largest needs. */
static uint64_t day_prepare(void)
{
    uint64_t most = 0;
    uint64_t second = 0;
    node_session session;

    node_session_open(&session, &node, false);
    for (size_t i = 0; i < DAY_MODELS; i++) {
        char body[DAY_BODY], name[128];
        node_question question = {.path = "/v1/completions", .body = body, .sealed = true};
        node_answer answer;
        aver_buf text;

        (void)snprintf(body, sizeof(body),
                       "{\"model\":\"%s\",\"prompt\":\"Once\",\"max_tokens\":12,\"temperature\":0}",
                       day_models[i]);
        node_ask(&session, &question, &answer);
        node_answer_text(&answer, &text);
        (void)snprintf(day_texts[i], DAY_TEXT, "%.*s", (int)text.size, (const char *)text.data);
        aver_buf_deinit(&text);
        node_answer_deinit(&answer);
        (void)snprintf(name, sizeof(name), "aver_model_memory_bytes{model=\"%s\"}", day_models[i]);
        uint64_t need = node_metric(&session, name);
        second = need > most ? most : (need > second ? need : second);
        most = need > most ? need : most;
    }
    node_session_close(&session);
    return most + second;
}

/* Watches memory and kills an engine now and then; the most that was resident. */
static uint64_t day_watch(uint64_t seconds, unsigned *ret_kills)
{
    uint64_t end_ms = node_fixture_now_ms() + seconds * 1000;
    uint64_t kill_ms = node_fixture_now_ms() + DAY_KILL_MS;
    uint64_t most = 0;
    uint64_t state = 5;

    while (node_fixture_now_ms() < end_ms && node_fixture_alive(&node)) {
        uint64_t bytes = node_fixture_proportional_bytes(&node);
        pid_t engines[16];

        most = bytes > most ? bytes : most;
        if (node_fixture_now_ms() > kill_ms) {
            size_t count = node_fixture_engines(&node, engines, 16);
            if (count > 0 && kill(engines[day_random(&state, (uint32_t)count)], SIGKILL) == 0) {
                (*ret_kills)++;
            }
            kill_ms = node_fixture_now_ms() + DAY_KILL_MS;
        }
        node_fixture_sleep_ms(DAY_LOOK_MS);
    }
    return most;
}

static bool day_figure(const char *name, double value, const char *unit, const char *op,
                       double goal)
{
    bool good = op[0] == '<' ? value <= goal : value >= goal;

    (void)printf("figure %s %.3f %s goal %s %.3f %s\n", name, value, unit, op, goal,
                 good ? "ok" : "short");
    return good;
}

static void day_run(uint64_t seconds, uint64_t *ret_most, unsigned *ret_kills)
{
    pthread_t workers[DAY_WORKERS], hog;

    for (size_t i = 0; i < DAY_WORKERS; i++) {
        if (pthread_create(&workers[i], NULL, day_work, (void *)(uintptr_t)i) != 0) {
            exit(1);
        }
    }
    if (pthread_create(&hog, NULL, day_hog, NULL) != 0) {
        exit(1);
    }
    *ret_most = day_watch(seconds, ret_kills);
    atomic_store(&day_over, true);
    for (size_t i = 0; i < DAY_WORKERS; i++) {
        (void)pthread_join(workers[i], NULL);
    }
    (void)pthread_join(hog, NULL);
}

static bool day_judge(node_session *watch, uint64_t before, uint64_t most, uint64_t budget)
{
    uint64_t receipts = day_receipts(watch) - before;
    uint64_t least = totals.answered + totals.failed + totals.cut;
    uint64_t loads = 0;

    for (size_t i = 0; i < DAY_MODELS; i++) {
        char name[128];

        (void)snprintf(name, sizeof(name), "aver_model_loads_total{model=\"%s\"}", day_models[i]);
        loads += node_metric(watch, name);
    }
    (void)printf("%u answered, %u with an error receipt, %u cut, %u cut before their opening, "
                 "%u told to wait, %u refused, %u documents read, %lu tokens; %llu receipts, "
                 "%llu loads\n",
                 totals.answered, totals.failed, totals.cut, totals.cut_early, totals.waited,
                 totals.refused, totals.read, (unsigned long)totals.tokens,
                 (unsigned long long)receipts, (unsigned long long)loads);
    /* Who left before the opening may have reached the engine, or may have been waiting. */
    uint64_t lost = receipts < least ? least - receipts : 0;
    uint64_t more = receipts > least + totals.cut_early ? receipts - least - totals.cut_early : 0;
    bool good = day_figure("mixed_wrong", (double)totals.wrong, "requests", "<=", 0);
    good = day_figure("mixed_unaccounted", (double)(lost + more), "requests", "<=", 0) && good;
    good = day_figure("mixed_memory", (double)most / 1048576.0, "MiB",
                      "<=", (double)(budget + DAY_SLOP) / 1048576.0) &&
           good;
    good = day_figure("mixed_loads", (double)loads, "loads", ">=", 2 * DAY_MODELS) && good;
    return day_figure("mixed_answered", (double)totals.answered, "answers", ">=", 1) && good;
}

int main(int argc, char **argv)
{
    static char one[MADE_MODEL_PATH_BYTES], two[MADE_MODEL_PATH_BYTES], lora[MADE_MODEL_PATH_BYTES],
        vectors[MADE_MODEL_PATH_BYTES];
    static char specs[4][DAY_SPEC], memory[32];
    const char *text = argc > 1 ? argv[1] : getenv("T");
    uint64_t seconds = text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : DAY_SECONDS;
    uint64_t most = 0;
    unsigned kills = 0;
    node_session watch;

    aver_log_setup(AVER_LOG_ERROR, false);
    (void)node_fixture_model();
    made_models_init(&made);
    if (!made_models_text(&made, "one", 1, one) || !made_models_text(&made, "two", 2, two)) {
        made_models_deinit(&made);
        return 77;
    }
    made_models_lora(&made, "lora", one, 32, 3, lora);
    made_models_bert(&made, "vectors", 5, vectors);
    (void)snprintf(specs[0], DAY_SPEC, "%s,name=one", one);
    (void)snprintf(specs[1], DAY_SPEC, "%s,name=two", two);
    (void)snprintf(specs[2], DAY_SPEC, "%s,name=tuned,lora=%s:2", one, lora);
    (void)snprintf(specs[3], DAY_SPEC, "%s,name=vectors", vectors);
    const char *args[] = {"--model", specs[0],  "--model", specs[1],    "--model",
                          specs[2],  "--model", specs[3],  "--context", "256",
                          "--queue", "256",     NULL,      NULL,        NULL};
    node_fixture_start(&node, args);
    uint64_t budget = day_prepare();
    (void)node_fixture_stop(&node);
    (void)snprintf(memory, sizeof(memory), "%llu", (unsigned long long)budget);
    args[12] = "--memory";
    args[13] = memory;
    node_fixture_start(&node, args);
    node_session_open(&watch, &node, false);
    uint64_t before = day_receipts(&watch);
    day_run(seconds, &most, &kills);
    bool good = node_fixture_alive(&node) && day_judge(&watch, before, most, budget);
    (void)printf("%u engines killed\n", kills);
    node_session_close(&watch);
    good = node_fixture_stop(&node) == 0 && good;
    made_models_deinit(&made);
    return good ? 0 : 1;
}

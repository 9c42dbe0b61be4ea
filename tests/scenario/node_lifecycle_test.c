/* SPDX-License-Identifier: Apache-2.0 */
/* What a node does when its engine dies, its queue is full, its clients go away, and it is told to
 * end. */
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
#include <string.h>
#include <unistd.h>

#define LIFE_STREAMS 4
#define LIFE_CROWD   8

static const char life_path[] = "/v1/completions";
/* A context far beyond the story model's own: the text is poor, and the answer long. */
static const char *const life_long_args[] = {"--context", "8192", NULL};

static void life_body(const node_fixture *node, char *ret_body, size_t size, unsigned max_tokens,
                      bool stream)
{
    (void)snprintf(ret_body, size,
                   "{\"model\":\"%s\",\"prompt\":\"One day\",\"max_tokens\":%u,"
                   "\"temperature\":2,\"seed\":2,\"logit_bias\":{\"1\":-100,\"2\":-100}%s}",
                   node->model, max_tokens, stream ? ",\"stream\":true,\"aver\":{}" : "");
}

static void life_alive(const node_fixture *node)
{
    char body[256];
    node_question question = {.path = life_path, .body = body, .sealed = true};
    node_session session;
    node_answer answer;

    node_session_open(&session, node, false);
    life_body(node, body, sizeof(body), 3, true);
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(answer.done);
    assert_true(node_answer_check(&session, &question, &answer));
    node_answer_deinit(&answer);
    node_session_close(&session);
}

/* One client in a thread. */
typedef struct life_client {
    pthread_t thread;
    node_fixture *node;
    node_session session;
    char body[256];
    node_question question;
    node_answer answer;
} life_client;

static void *life_run(void *context)
{
    life_client *client = context;

    node_ask(&client->session, &client->question, &client->answer);
    return NULL;
}

static void life_begin(life_client *client, node_fixture *node, unsigned max_tokens, bool stream)
{
    *client = (life_client){.node = node};
    node_session_open(&client->session, node, false);
    life_body(node, client->body, sizeof(client->body), max_tokens, stream);
    client->question = (node_question){.path = life_path, .body = client->body, .sealed = true};
}

static void life_go(life_client *client)
{
    assert_int_equal(pthread_create(&client->thread, NULL, life_run, client), 0);
}

static void life_end(life_client *client)
{
    node_answer_deinit(&client->answer);
    node_session_close(&client->session);
}

typedef struct life_killer {
    node_fixture *node;
    atomic_uint *under_way;
    unsigned pieces;
} life_killer;

/* Kills the engine, once, when every stream is under way. */
static void life_kill_engine(void *context)
{
    life_killer *killer = context;

    if (++killer->pieces == 3 && atomic_fetch_add(killer->under_way, 1) == LIFE_STREAMS - 1) {
        pid_t engine = node_fixture_engine(killer->node);
        if (engine > 0) {
            (void)kill(engine, SIGKILL);
        }
    }
}

static void test_engine_killed_in_mid_stream(void **state)
{
    node_fixture node;
    life_client clients[LIFE_STREAMS + 1];
    node_session watch;
    life_killer killers[LIFE_STREAMS + 1];
    atomic_uint under_way = 0;

    (void)state;
    node_fixture_start(&node, (const char *const[]){"--context", "8192", "--slots", "8", NULL});
    node_session_open(&watch, &node, false);
    for (size_t i = 0; i <= LIFE_STREAMS; i++) {
        life_begin(&clients[i], &node, 8000, i < LIFE_STREAMS);
        killers[i] = (life_killer){.node = &node, .under_way = &under_way};
        clients[i].question.on_piece = life_kill_engine;
        clients[i].question.context = &killers[i];
    }
    /* The whole answer first: the streams kill the engine within milliseconds. */
    life_go(&clients[LIFE_STREAMS]);
    for (unsigned i = 0; i < 2000 && node_metric(&watch, "aver_jobs") == 0; i++) {
        node_fixture_sleep_ms(5);
    }
    for (size_t i = 0; i < LIFE_STREAMS; i++) {
        life_go(&clients[i]);
    }
    for (size_t i = 0; i <= LIFE_STREAMS; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
        node_answer *answer = &clients[i].answer;
        assert_int_equal(answer->err, AVER_OK);
        assert_int_equal(answer->status, i < LIFE_STREAMS ? 200 : 500);
        assert_false(answer->done);
        assert_string_equal(answer->code, "engine_failed");
        assert_true(node_answer_check(&clients[i].session, &clients[i].question, answer));
        assert_int_equal(answer->said.finish, AVER_FINISH_ERROR);
        life_end(&clients[i]);
    }
    uint64_t before = node_fixture_now_ms();
    life_alive(&node);
    uint64_t back_ms = node_fixture_now_ms() - before;
    (void)printf("service was back after %llu ms\n", (unsigned long long)back_ms);
    assert_true(back_ms < 5000);
    assert_int_equal(node_metric(&watch, "aver_engine_restarts_total"), 1);
    node_session_close(&watch);
    assert_int_equal(node_fixture_stop(&node), 0);
}

static void test_full_queue_says_429(void **state)
{
    const char *const args[] = {"--slots", "1", "--queue", "1", "--context", "2048", NULL};
    life_client clients[LIFE_CROWD];
    node_fixture node;
    unsigned answered = 0, turned_away = 0;

    (void)state;
    node_fixture_start(&node, args);
    for (size_t i = 0; i < LIFE_CROWD; i++) {
        life_begin(&clients[i], &node, 1000, false);
    }
    for (size_t i = 0; i < LIFE_CROWD; i++) {
        life_go(&clients[i]);
    }
    for (size_t i = 0; i < LIFE_CROWD; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
        node_answer *answer = &clients[i].answer;
        if (answer->status == 200) {
            assert_true(node_answer_check(&clients[i].session, &clients[i].question, answer));
            answered++;
        } else {
            assert_int_equal(answer->status, 429);
            assert_string_equal(answer->code, "queue_full");
            assert_string_not_equal(answer->retry_after, "");
            turned_away++;
        }
        life_end(&clients[i]);
    }
    assert_true(answered >= 2);
    assert_true(turned_away >= 1);
    life_alive(&node);
    assert_int_equal(node_fixture_stop(&node), 0);
}

static bool life_wait_metric(node_session *session, const char *name, uint64_t value,
                             unsigned timeout_ms)
{
    for (uint64_t end = node_fixture_now_ms() + timeout_ms; node_fixture_now_ms() < end;) {
        if (node_metric(session, name) == value) {
            return true;
        }
        node_fixture_sleep_ms(20);
    }
    return false;
}

/* The id of a stream that was cut, from its opening; its receipt says that it was aborted. */
static void life_expect_aborted(node_session *session, node_answer *answer)
{
    const uint8_t *key = session->keyset.keys[AVER_ROLE_RECEIPT].bytes;
    aver_opening opening;
    aver_receipt receipt;

    assert_int_equal(aver_opening_open(aver_buf_view(&answer->opening), key, &opening), AVER_OK);
    assert_true(node_fetch_receipt(session, opening.receipt_id, answer));
    aver_view message = aver_buf_view(&answer->receipt);
    assert_int_equal(aver_receipt_verify_signature(message, key), AVER_OK);
    assert_int_equal(aver_receipt_decode_unverified(message, &receipt), AVER_OK);
    assert_int_equal(receipt.finish, AVER_FINISH_ABORTED);
    assert_memory_equal(receipt.receipt_id, opening.receipt_id, 32);
    assert_true(receipt.generated_tokens < 24000);
}

static const char life_aborted[] = "aver_receipts_total{finish=\"aborted\"}";

/* What a client may be waiting for when it goes away; %s: the model. */
static const struct {
    const char *path;
    const char *pattern;
} life_left[] = {
    {"/v1/completions",
     "{\"model\":\"%s\",\"prompt\":\"One day\",\"max_tokens\":7000,\"stream\":true,"
     "\"logit_bias\":{\"1\":-100,\"2\":-100}}"},
    {"/v1/chat/completions", "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"One "
                             "day\"}],\"n\":3,\"stream\":"
                             "true,\"logprobs\":true,\"logit_bias\":{\"1\":-100,\"2\":-100}}"},
    {"/v1/responses", "{\"model\":\"%s\",\"input\":\"One day\",\"stream\":true}"},
};

static void test_client_gone(void **state)
{
    char body[512];
    node_fixture node;
    node_session watch, session;
    node_answer answer;

    (void)state;
    node_fixture_start(&node, life_long_args);
    node_session_open(&watch, &node, false);
    for (size_t i = 0; i < sizeof(life_left) / sizeof(life_left[0]); i++) {
        node_question question = {
            .path = life_left[i].path, .body = body, .sealed = true, .cut_after_bytes = 3000};
        const char *at = strstr(life_left[i].pattern, "%s");

        (void)snprintf(body, sizeof(body), "%.*s%s%s", (int)(at - life_left[i].pattern),
                       life_left[i].pattern, node.model, at + 2);
        node_session_open(&session, &node, false);
        node_ask(&session, &question, &answer);
        assert_int_equal(answer.err, AVER_E_AGAIN);
        assert_true(life_wait_metric(&watch, life_aborted, i + 1, 20000));
        assert_int_equal(node_metric(&watch, "aver_jobs"), 0);
        life_expect_aborted(&watch, &answer);
        node_answer_deinit(&answer);
        node_session_close(&session);
    }
    node_session_close(&watch);
    life_alive(&node);
    assert_int_equal(node_fixture_stop(&node), 0);
}

/* Holds the reader still until the node has cut it. */
static void life_stand_still(void *context)
{
    node_session *watch = context;

    if (node_metric(watch, life_aborted) == 0) {
        assert_true(life_wait_metric(watch, life_aborted, 1, 120000));
    }
}

static void test_slow_reader_is_cut(void **state)
{
    node_fixture node;
    node_session watch;
    life_client client;

    (void)state;
    /* A long name makes each event large: the limit is reached within the answer. */
    node_fixture_start(
        &node, (const char *const[]){"--context", "8192", "--model-name",
                                     "a-name-of-more-than-a-hundred-bytes-that-stands-in-each-"
                                     "event-of-the-stream-and-so-fills-the-buffers-of-a-reader-"
                                     "who-stands",
                                     NULL});
    node_session_open(&watch, &node, false);
    life_begin(&client, &node, 8000, true);
    client.question.on_piece = life_stand_still;
    client.question.context = &watch;
    (void)life_run(&client);
    assert_int_not_equal(client.answer.err, AVER_OK);
    assert_false(client.answer.done);
    life_expect_aborted(&watch, &client.answer);
    life_end(&client);
    node_session_close(&watch);
    life_alive(&node);
    assert_int_equal(node_fixture_stop(&node), 0);
}

typedef struct life_ender {
    pid_t pid;
    atomic_bool sent;
} life_ender;

static void life_end_node(void *context)
{
    life_ender *ender = context;

    if (!atomic_exchange(&ender->sent, true)) {
        (void)kill(ender->pid, SIGTERM);
    }
}

static void test_drain_lets_answers_finish(void **state)
{
    node_fixture node;
    node_session late;
    life_client client;
    node_answer refused;
    aver_buf health;

    (void)state;
    node_fixture_start(&node, (const char *const[]){"--context", "4096", NULL});
    node_session_open(&late, &node, false);
    life_begin(&client, &node, 1000, true);
    life_ender ender = {.pid = node.pid};
    client.question.on_piece = life_end_node;
    client.question.context = &ender;
    life_go(&client);
    for (unsigned i = 0; i < 500 && !node_fixture_log_has(&node, "node.drain"); i++) {
        node_fixture_sleep_ms(5);
    }
    aver_buf_init(&health, 4096);
    assert_int_equal(node_get(&late, "/health", &health), 503);
    assert_non_null(memmem(health.data, health.size, "draining", 8));
    aver_buf_deinit(&health);
    node_ask(&late, &client.question, &refused);
    assert_int_equal(refused.status, 503);
    assert_string_equal(refused.code, "draining");
    node_answer_deinit(&refused);
    assert_int_equal(pthread_join(client.thread, NULL), 0);
    assert_true(client.answer.done);
    assert_true(node_answer_check(&client.session, &client.question, &client.answer));
    assert_int_equal(node_fixture_wait(&node, 5000), 0);
    life_end(&client);
    node_session_close(&late);
    node_fixture_remove(&node);
}

static void test_second_signal_ends_at_once(void **state)
{
    node_fixture node;
    life_client client;

    (void)state;
    node_fixture_start(&node, life_long_args);
    life_begin(&client, &node, 8000, true);
    life_ender ender = {.pid = node.pid};
    client.question.on_piece = life_end_node;
    client.question.context = &ender;
    life_go(&client);
    for (unsigned i = 0; i < 500 && !node_fixture_log_has(&node, "node.drain"); i++) {
        node_fixture_sleep_ms(5);
    }
    assert_int_equal(kill(node.pid, SIGTERM), 0);
    assert_int_equal(node_fixture_wait(&node, 3000), 0);
    assert_int_equal(pthread_join(client.thread, NULL), 0);
    assert_false(client.answer.done);
    life_end(&client);
    node_fixture_remove(&node);
}

static void test_single_process(void **state)
{
    char body[256];
    node_question question = {.path = life_path, .body = body, .sealed = true};
    node_fixture node;
    node_session session;
    node_answer answer;

    (void)state;
    node_fixture_start(&node, (const char *const[]){"--single-process", NULL});
    assert_int_equal(node_fixture_engine(&node), 0);
    node_session_open(&session, &node, false);
    life_body(&node, body, sizeof(body), 5, true);
    node_ask(&session, &question, &answer);
    assert_true(node_answer_check(&session, &question, &answer));
    assert_int_equal(answer.said.process_model, AVER_PROCESS_SINGLE);
    node_answer_deinit(&answer);
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_killed_in_mid_stream),
        cmocka_unit_test(test_full_queue_says_429),
        cmocka_unit_test(test_client_gone),
        cmocka_unit_test(test_slow_reader_is_cut),
        cmocka_unit_test(test_drain_lets_answers_finish),
        cmocka_unit_test(test_second_signal_ends_at_once),
        cmocka_unit_test(test_single_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

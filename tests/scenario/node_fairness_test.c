/* SPDX-License-Identifier: Apache-2.0 */
/* One token floods a node, with as many cache keys as requests; another one asks once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/node_client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAIR_FLOOD 5 /* places: one slot and a queue of four */
#define FAIR_LOUD  "Authorization: Bearer loud-caller"
#define FAIR_QUIET "Authorization: Bearer quiet-caller"

static const char fair_tokens[] = "loud-caller\nquiet-caller\n";
static const unsigned fair_tokens_wanted[FAIR_FLOOD] = {800, 1, 300, 1, 1};

typedef struct fair_client {
    pthread_t thread;
    node_session session;
    char body[512];
    node_question question;
    node_answer answer;
    atomic_bool heard;
} fair_client;

static void fair_hear(void *context)
{
    fair_client *client = context;

    atomic_store(&client->heard, true);
}

static void *fair_run(void *context)
{
    fair_client *client = context;

    node_ask(&client->session, &client->question, &client->answer);
    return NULL;
}

static void fair_begin(fair_client *client, const node_fixture *node, const char *bearer,
                       unsigned number, unsigned max_tokens)
{
    node_session_open(&client->session, node, false);
    (void)snprintf(client->body, sizeof(client->body),
                   "{\"model\":\"%s\",\"prompt\":\"One day\",\"max_tokens\":%u,\"temperature\":2,"
                   "\"seed\":2,\"logit_bias\":{\"1\":-100,\"2\":-100},\"prompt_cache_key\":\"k%u\","
                   "\"stream\":true,\"aver\":{}}",
                   node->model, max_tokens, number);
    client->question = (node_question){.path = "/v1/completions",
                                       .body = client->body,
                                       .sealed = true,
                                       .bearer = bearer,
                                       .on_piece = fair_hear,
                                       .context = client};
    atomic_init(&client->heard, false);
}

static void fair_go(fair_client *client)
{
    assert_int_equal(pthread_create(&client->thread, NULL, fair_run, client), 0);
}

static void fair_join(fair_client *client)
{
    assert_int_equal(pthread_join(client->thread, NULL), 0);
}

static void fair_end(fair_client *client)
{
    node_answer_deinit(&client->answer);
    node_session_close(&client->session);
}

static void fair_wait_for_jobs(node_session *watch, uint64_t count)
{
    for (unsigned i = 0; i < 2000 && node_metric(watch, "aver_jobs") != count; i++) {
        node_fixture_sleep_ms(5);
    }
    assert_int_equal(node_metric(watch, "aver_jobs"), count);
}

static void fair_expect_429(fair_client *client, const char *code)
{
    (void)fair_run(client);
    assert_int_equal(client->answer.status, 429);
    assert_string_equal(client->answer.code, code);
    assert_string_not_equal(client->answer.retry_after, "");
    node_answer_deinit(&client->answer);
}

static void fair_start(node_fixture *node)
{
    char tokens[] = "/tmp/aver-tokens-XXXXXX";
    const char *const args[] = {"--token-file", tokens, "--slots", "1", "--queue", "4",
                                "--context",    "8192", NULL};
    int fd = mkstemp(tokens);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, fair_tokens, sizeof(fair_tokens) - 1), sizeof(fair_tokens) - 1);
    (void)close(fd);
    node_fixture_start(node, args);
    (void)unlink(tokens);
}

/* The first of the flood has the slot for long, and so will the third. The quiet one is behind the
 * second, whose turn it was before. */
static void who_asks_once_is_served_beside_a_flood(void **state)
{
    fair_client loud[FAIR_FLOOD], more, quiet;
    node_session watch;
    node_fixture node;
    unsigned heard = 0;

    (void)state;
    fair_start(&node);
    node_session_open(&watch, &node, false);
    fair_begin(&more, &node, FAIR_LOUD, FAIR_FLOOD, 3);
    fair_begin(&quiet, &node, FAIR_QUIET, 0, 3);
    for (unsigned i = 0; i < FAIR_FLOOD; i++) {
        fair_begin(&loud[i], &node, FAIR_LOUD, i, fair_tokens_wanted[i]);
    }
    for (unsigned i = 0; i < FAIR_FLOOD; i++) {
        fair_go(&loud[i]);
        fair_wait_for_jobs(&watch, i + 1);
    }
    fair_expect_429(&more, "queue_full");
    fair_go(&quiet);
    fair_wait_for_jobs(&watch, FAIR_FLOOD + 1);
    fair_expect_429(&more, "share_full");
    fair_join(&quiet);
    for (unsigned i = 0; i < FAIR_FLOOD; i++) {
        heard += atomic_load(&loud[i].heard) ? 1 : 0;
    }
    assert_int_equal(quiet.answer.status, 200);
    assert_true(node_answer_check(&quiet.session, &quiet.question, &quiet.answer));
    /* The third may begin while we look. */
    assert_in_range(heard, 1, 3);
    for (unsigned i = 0; i < FAIR_FLOOD; i++) {
        fair_join(&loud[i]);
        fair_end(&loud[i]);
    }
    fair_end(&quiet);
    node_session_close(&more.session);
    node_session_close(&watch);
    assert_int_equal(node_fixture_stop(&node), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_once_is_served_beside_a_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aver proxy before an honest node: answers and streams with their verdicts, capsules that verify
 * offline, many streams at once, clients that go away, a node that starts again, and what the proxy
 * refuses by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "support/carrier.h"
#include "support/node_client.h"
#include "support/proxy_run.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STREAMS 64
#define CHAT    "/v1/chat/completions"

static node_fixture node;
static cli_run run;
static proxy_run proxy;

/* A question of so many tokens; owned by the caller of the test until its next. */
static const char *question(unsigned tokens, bool stream)
{
    static _Thread_local char text[512];
    (void)snprintf(text, sizeof(text),
                   "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"Once upon\"}],"
                   "\"temperature\":0,\"max_tokens\":%u,\"stream\":%s}",
                   node.model, tokens, stream ? "true" : "false");
    return text;
}

static void open_proxy(const char *policy)
{
    const char *const words[] = {"--url", node.url, NULL};
    proxy_run_start(&proxy, &run, policy, words);
}

static void close_proxy(void)
{
    assert_int_equal(proxy_run_stop(&proxy), 0);
}

/* The capsule of this name: judged offline by aver verify, and computed again by aver recheck. */
static void assert_capsule_holds(const char *name)
{
    char path[CLI_RUN_PATH_BYTES + 64];
    (void)snprintf(path, sizeof(path), "%s/%s", proxy.store, name);
    assert_int_equal(access(path, R_OK), 0);
    const char *const verify[] = {"verify",     path,     "--policy", run.policy,
                                  "--sim-root", run.root, NULL};
    assert_int_equal(cli_run_words(&run, verify), 0);
    const char *const recheck[] = {"recheck", path, "--model", node_fixture_model(), NULL};
    assert_int_equal(cli_run_words(&run, recheck), 0);
}

static void a_whole_answer_comes_with_its_verdict(void **state)
{
    (void)state;
    proxy_answer answer = {.status = 0};
    open_proxy(NULL);
    proxy_ask(&proxy, CHAT, question(12, false), &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.verdict, "accepted");
    assert_non_null(strstr(answer.checks, "fail=0"));
    assert_true(strlen(answer.receipt) > 100);
    assert_true(proxy_answer_has(&answer, "\"object\":\"chat.completion\""));
    assert_capsule_holds(answer.capsule);
    /* The page names the capsule, and gives it out. */
    proxy_answer page = {.status = 0};
    proxy_ask(&proxy, "/", NULL, &page);
    assert_true(proxy_answer_has(&page, answer.capsule));
    assert_true(proxy_answer_has(&page, "SIMULATED"));
    assert_false(proxy_answer_has(&page, "Once upon"));
    proxy_answer_deinit(&page);
    char path[128];
    (void)snprintf(path, sizeof(path), "/aver/capsules/%s", answer.capsule);
    proxy_ask(&proxy, path, NULL, &page);
    assert_int_equal(page.status, 200);
    assert_true(page.body.size > 1000);
    proxy_answer_deinit(&page);
    proxy_ask(&proxy, "/aver/capsules/../policy.json", NULL, &page);
    assert_true(page.status == 404 || page.status == 400);
    proxy_answer_deinit(&page);
    proxy_answer_deinit(&answer);
    close_proxy();
}

/* The name behind ": aver-capsule ". */
static void stream_capsule(const proxy_answer *answer, char ret_name[64])
{
    const char *at = strstr((const char *)answer->body.data, ": aver-capsule ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, ": aver-capsule %63s", ret_name), 1);
}

static void assert_stream_good(const proxy_answer *answer)
{
    const char *body = (const char *)answer->body.data;
    const char *verdict = strstr(body, ": aver-verdict accepted ");
    const char *done = strstr(body, "data: [DONE]\n\n");
    const char *finish = strstr(body, "\"finish_reason\":\"");
    assert_int_equal(answer->err, AVER_OK);
    assert_int_equal(answer->status, 200);
    assert_non_null(verdict);
    assert_non_null(done);
    assert_non_null(finish);
    assert_true(finish < verdict && verdict < done);
    assert_string_equal(done, "data: [DONE]\n\n");
}

static void a_stream_ends_with_its_verdict(void **state)
{
    (void)state;
    proxy_answer answer = {.status = 0};
    char name[64];
    open_proxy(NULL);
    proxy_ask(&proxy, CHAT, question(12, true), &answer);
    assert_string_equal(answer.verdict, "pending");
    assert_stream_good(&answer);
    stream_capsule(&answer, name);
    assert_capsule_holds(name);
    proxy_answer_deinit(&answer);
    close_proxy();
}

static void a_held_stream_has_its_verdict_in_the_head(void **state)
{
    (void)state;
    const char *const words[] = {"--unix", node.unix_socket, "--hold", NULL};
    proxy_answer answer = {.status = 0};
    proxy_run_start(&proxy, &run, NULL, words);
    proxy_ask(&proxy, CHAT, question(12, true), &answer);
    assert_string_equal(answer.verdict, "accepted");
    assert_stream_good(&answer);
    proxy_answer_deinit(&answer);
    close_proxy();
}

/* Each of the node's endpoints that gives an answer gives one that can be verified. */
static void every_endpoint_has_its_verdict(void **state)
{
    (void)state;
    static const char *const asked[][2] = {
        {"/v1/completions", "\"prompt\":\"Once\",\"max_tokens\":4"},
        {CHAT, "\"messages\":[{\"role\":\"user\",\"content\":\"Once\"}],\"max_tokens\":4,\"n\":3"},
        {"/v1/responses", "\"input\":\"Once\",\"max_output_tokens\":16"},
        {"/tokenize", "\"content\":\"Once upon\""},
        {"/detokenize", "\"tokens\":[1,2,3]"},
        {"/apply-template", "\"messages\":[{\"role\":\"user\",\"content\":\"Once\"}]"},
    };
    char body[512];
    proxy_answer answer = {.status = 0};
    open_proxy(NULL);
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",%s}", node.model, asked[i][1]);
        proxy_ask(&proxy, asked[i][0], body, &answer);
        if (answer.status != 200 || strcmp(answer.verdict, "accepted") != 0) {
            fail_msg("%s: %u %s", asked[i][0], answer.status, (const char *)answer.body.data);
        }
        proxy_answer_deinit(&answer);
    }
    close_proxy();
}

/* Streams with named events have no [DONE]: their last event waits for the verdict. */
static void a_stream_of_responses_ends_with_its_verdict(void **state)
{
    (void)state;
    char body[256];
    proxy_answer answer = {.status = 0};
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"input\":\"Once\",\"max_output_tokens\":16,\"stream\":true}",
                   node.model);
    open_proxy(NULL);
    proxy_ask(&proxy, "/v1/responses", body, &answer);
    assert_int_equal(answer.err, AVER_OK);
    const char *last = strstr((const char *)answer.body.data, "event: response.incomplete\n");
    const char *verdict = strstr((const char *)answer.body.data, ": aver-verdict accepted");
    assert_non_null(last);
    assert_non_null(verdict);
    assert_true(last < verdict);
    assert_false(proxy_answer_has(&answer, "[DONE]"));
    proxy_answer_deinit(&answer);
    close_proxy();
}

static void the_nodes_own_errors_come_through(void **state)
{
    (void)state;
    proxy_answer answer = {.status = 0};
    open_proxy(NULL);
    proxy_ask(&proxy, CHAT,
              "{\"model\":\"nobody\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
              &answer);
    assert_int_equal(answer.status, 404);
    assert_true(proxy_answer_has(&answer, "model_not_found"));
    assert_string_equal(answer.verdict, "none");
    proxy_answer_deinit(&answer);
    proxy_ask(&proxy, "/v1/no/such/path", "{}", &answer);
    assert_int_equal(answer.status, 404);
    assert_string_equal(answer.type, "application/json");
    proxy_answer_deinit(&answer);
    proxy_ask(&proxy, "/v1/models", NULL, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.source, "node");
    assert_true(proxy_answer_has(&answer, node.model));
    proxy_answer_deinit(&answer);
    close_proxy();
}

static void bodies_that_cannot_be_sealed_are_refused(void **state)
{
    (void)state;
    static char large[4 * 1024 * 1024 + 1];
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "{\"a\":1,\"a\":2}",
                                      "{\"aver\":1}",
                                      "{\"aver\":{\"nonce\":\"00\"}}",
                                      "{\"aver\":{\"more\":1}}"};
    proxy_answer answer = {.status = 0};
    open_proxy(NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        proxy_ask(&proxy, CHAT, bad[i], &answer);
        assert_int_equal(answer.status, 400);
        proxy_answer_deinit(&answer);
    }
    memset(large, ' ', sizeof(large) - 1);
    proxy_ask(&proxy, CHAT, large, &answer);
    assert_int_equal(answer.status, 413);
    proxy_answer_deinit(&answer);
    close_proxy();
}

static void assert_status(const char *path, const char *body, const char *const *headers,
                          uint32_t status)
{
    proxy_answer answer = {.status = 0};
    proxy_ask_headers(&proxy, path, body, headers, &answer);
    assert_int_equal(answer.status, status);
    assert_string_equal(answer.cors, "");
    proxy_answer_deinit(&answer);
}

static void pages_of_web_sites_are_not_served(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    static const char *const origin[] = {"Origin: https://elsewhere.example", NULL};
    static const char *const host[] = {"Host: elsewhere.example", NULL};
    static const char *const port[] = {"Host: localhost:8008.elsewhere.example", NULL};
    static const char *const image[] = {"Sec-Fetch-Site: cross-site", NULL};
    open_proxy(NULL);
    assert_status("/v1/models", NULL, none, 200);
    assert_status(CHAT, question(4, false), origin, 403);
    assert_status("/", NULL, host, 403);
    assert_status("/v1/models", NULL, port, 403);
    assert_status("/v1/models", NULL, image, 403);
    close_proxy();
}

/* Whoever knows it may come by any name of this machine; pages of others are still none. */
static void a_token_stands_for_the_host(void **state)
{
    (void)state;
    static const char bearer[] = "Authorization: Bearer 0123456789abcdef";
    static const char *const none[] = {"Host: proxy.example", NULL};
    static const char *const token[] = {"Host: proxy.example", bearer, NULL};
    static const char *const origin[] = {"Host: proxy.example", bearer,
                                         "Origin: https://elsewhere.example", NULL};
    char path[CLI_RUN_PATH_BYTES];
    cli_run_path(&run, "tokens", path);
    assert_int_equal(aver_file_write(path, AVER_VIEW_LITERAL("0123456789abcdef\n"), 0600), AVER_OK);
    const char *const words[] = {"--url", node.url, "--client-token-file", path, NULL};
    proxy_run_start(&proxy, &run, NULL, words);
    assert_status("/v1/models", NULL, none, 401);
    assert_status("/v1/models", NULL, token, 200);
    assert_status("/v1/models", NULL, origin, 403);
    close_proxy();
}

/* Refused before anything listens. */
static void other_machines_are_not_served_without_a_token(void **state)
{
    (void)state;
    const char *const foreign[] = {"proxy",           "--url",           node.url,
                                   "--policy",        run.policy,        "--listen",
                                   "tcp:192.0.2.1:0", "--plain-network", NULL};
    const char *const silent[] = {"proxy",    "--url",    node.url,        "--policy",
                                  run.policy, "--listen", "tcp:0.0.0.0:0", NULL};
    assert_int_equal(cli_run_words(&run, foreign), 2);
    assert_non_null(strstr(run.err, "--plain-network needs a --client-token-file"));
    assert_int_equal(cli_run_words(&run, silent), 2);
}

/* The answer is none the worse for it, and its reader learns it. */
static void a_capsule_that_is_not_stored_is_told(void **state)
{
    (void)state;
    proxy_answer answer = {.status = 0};
    char moved[CLI_RUN_PATH_BYTES + 8];
    open_proxy(NULL);
    (void)snprintf(moved, sizeof(moved), "%s-moved", proxy.store);
    assert_int_equal(rename(proxy.store, moved), 0);
    proxy_ask(&proxy, CHAT, question(2, false), &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.verdict, "accepted");
    assert_string_equal(answer.capsule, "not-stored");
    proxy_answer_deinit(&answer);
    proxy_ask(&proxy, CHAT, question(2, true), &answer);
    assert_stream_good(&answer);
    assert_true(proxy_answer_has(&answer, ": aver-capsule not-stored\n\n"));
    proxy_answer_deinit(&answer);
    proxy_ask(&proxy, "/", NULL, &answer);
    assert_true(proxy_answer_has(&answer, "not stored"));
    assert_true(proxy_answer_has(&answer, "<p>0 capsules are stored"));
    proxy_answer_deinit(&answer);
    assert_int_equal(rename(moved, proxy.store), 0);
    close_proxy();
}

/* What the policy does not allow is never asked. */
static void a_refused_node_gets_no_prompt(void **state)
{
    (void)state;
    node_session session;
    char policy[CLI_RUN_PATH_BYTES];
    proxy_answer answer = {.status = 0};
    cli_run_path(&run, "nothing.json", policy);
    assert_int_equal(aver_file_write(policy, AVER_VIEW_LITERAL("{\"version\":1}"), 0600), AVER_OK);
    node_session_open(&session, &node, false);
    uint64_t before = node_metric(&session, "aver_sealed_requests_total");
    open_proxy(policy);
    for (int i = 0; i < 2; i++) {
        proxy_ask(&proxy, CHAT, question(4, i == 1), &answer);
        assert_int_equal(answer.status, 502);
        assert_string_equal(answer.verdict, "refused");
        assert_true(proxy_answer_has(&answer, "\"code\":\"verification_failed\""));
        assert_true(proxy_answer_has(&answer, "\"param\":\"platform.allowed\""));
        proxy_answer_deinit(&answer);
    }
    assert_true(proxy_run_log_has(&proxy, "proxy.blocked"));
    proxy_ask(&proxy, "/", NULL, &answer);
    assert_true(proxy_answer_has(&answer, "REFUSED: nothing is sent"));
    proxy_answer_deinit(&answer);
    close_proxy();
    assert_int_equal(node_metric(&session, "aver_sealed_requests_total"), before);
    node_session_close(&session);
}

static void *ask_in_thread(void *context)
{
    proxy_ask(&proxy, CHAT, question(60, true), context);
    return NULL;
}

static void many_streams_run_at_once(void **state)
{
    (void)state;
    static proxy_answer answers[STREAMS];
    pthread_t threads[STREAMS];
    open_proxy(NULL);
    for (size_t i = 0; i < STREAMS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_in_thread, &answers[i]), 0);
    }
    for (size_t i = 0; i < STREAMS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (size_t i = 0; i < STREAMS; i++) {
        assert_stream_good(&answers[i]);
        proxy_answer_deinit(&answers[i]);
    }
    close_proxy();
}

/* While a client takes nothing of its stream, another gets all of his. */
static void ask_meanwhile(void *context)
{
    bool *asked = context;
    if (!*asked) {
        proxy_answer other = {.status = 0};
        *asked = true;
        proxy_ask(&proxy, CHAT, question(12, true), &other);
        assert_stream_good(&other);
        proxy_answer_deinit(&other);
    }
}

static void streams_do_not_wait_for_one_another(void **state)
{
    (void)state;
    bool asked = false;
    proxy_answer answer = {.on_piece = ask_meanwhile, .context = &asked};
    open_proxy(NULL);
    proxy_ask(&proxy, CHAT, question(100, true), &answer);
    assert_true(asked);
    assert_stream_good(&answer);
    proxy_answer_deinit(&answer);
    close_proxy();
}

/* A node with room for an answer of seconds; the same root as that of the others. */
static void patient_start(node_fixture *patient)
{
    char key[CLI_RUN_PATH_BYTES + 16];
    (void)snprintf(key, sizeof(key), "sim:key=%s", node.key);
    const char *const own[] = {"--platform", key, "--context", "8192", NULL};
    node_fixture_start(patient, own);
}

/* It would end by its length, if nobody told the node that its reader left. */
static const char *long_question(bool stream)
{
    static _Thread_local char text[512];
    (void)snprintf(text, sizeof(text),
                   "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"Once upon\"}],"
                   "\"temperature\":0,\"max_tokens\":8000,\"logit_bias\":{\"1\":-100,\"2\":-100},"
                   "\"stream\":%s}",
                   node.model, stream ? "true" : "false");
    return text;
}

static void assert_ends_aborted(const node_fixture *patient)
{
    node_session session;
    node_session_open(&session, patient, false);
    while (node_metric(&session, "aver_jobs") != 0) {
        node_fixture_sleep_ms(20);
    }
    assert_int_equal(node_metric(&session, "aver_receipts_total{finish=\"aborted\"}"), 1);
    node_session_close(&session);
}

static void a_client_that_leaves_ends_the_nodes_work(void **state)
{
    (void)state;
    static node_fixture patient;
    proxy_answer answer = {.leave_after_bytes = 1};
    patient_start(&patient);
    const char *const words[] = {"--url", patient.url, NULL};
    proxy_run_start(&proxy, &run, NULL, words);
    proxy_ask(&proxy, CHAT, long_question(true), &answer);
    assert_int_not_equal(answer.err, AVER_OK);
    assert_ends_aborted(&patient);
    proxy_answer_deinit(&answer);
    close_proxy();
    assert_int_equal(node_fixture_stop(&patient), 0);
}

/* The same for one who waits for a whole answer, of which nothing has come yet. */
static void a_client_that_leaves_before_its_answer_ends_the_nodes_work(void **state)
{
    (void)state;
    static node_fixture patient;
    char path[CLI_RUN_PATH_BYTES], address[CLI_RUN_PATH_BYTES + 8], request[1024];
    node_session session;
    patient_start(&patient);
    cli_run_path(&run, "clients", path);
    (void)snprintf(address, sizeof(address), "unix:%s", path);
    const char *const words[] = {"--url", patient.url, "--listen", address, NULL};
    proxy_run_start_at(&proxy, &run, words);
    node_session_open(&session, &patient, false);
    const char *body = long_question(false);
    (void)snprintf(request, sizeof(request),
                   "POST " CHAT " HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(body), body);
    int fd = carrier_connect(path);
    carrier_put(fd, aver_view_text(request));
    while (node_metric(&session, "aver_jobs") == 0) {
        node_fixture_sleep_ms(5);
    }
    (void)close(fd);
    node_session_close(&session);
    assert_ends_aborted(&patient);
    close_proxy();
    assert_int_equal(node_fixture_stop(&patient), 0);
}

static void kill_node(void *context)
{
    node_fixture *dying = context;
    if (dying->pid > 0) {
        (void)kill(dying->pid, SIGKILL);
    }
}

static void a_node_that_dies_leaves_no_stream_that_looks_whole(void **state)
{
    (void)state;
    static node_fixture dying;
    char key[CLI_RUN_PATH_BYTES + 16];
    proxy_answer answer = {.on_piece = kill_node, .context = &dying};
    (void)snprintf(key, sizeof(key), "sim:key=%s", node.key);
    const char *const own[] = {"--platform", key, NULL};
    node_fixture_start(&dying, own);
    const char *const words[] = {"--url", dying.url, NULL};
    proxy_run_start(&proxy, &run, NULL, words);
    proxy_ask(&proxy, CHAT, question(240, true), &answer);
    assert_int_not_equal(answer.err, AVER_OK);
    assert_int_equal(answer.status, 200);
    assert_true(proxy_answer_has(&answer, "\"code\":\"verification_failed\""));
    assert_true(proxy_answer_has(&answer, "\"param\":\"receipt.format\""));
    assert_false(proxy_answer_has(&answer, "[DONE]"));
    proxy_answer_deinit(&answer);
    close_proxy();
    (void)node_fixture_wait(&dying, 60000);
    node_fixture_remove(&dying);
}

/* Half of what the policy allows is half a second: some later request finds the verdict too old. */
static void an_old_verdict_is_made_anew(void **state)
{
    (void)state;
    char policy[CLI_RUN_PATH_BYTES];
    node_session session;
    aver_buf text;
    proxy_answer answer = {.status = 0};
    aver_buf_init(&text, 65536);
    assert_int_equal(aver_file_read(run.policy, 65536, &text), AVER_OK);
    uint8_t *age = memmem(text.data, text.size, "\"max_evidence_age_s\": 300", 25);
    assert_non_null(age);
    memcpy(age, "\"max_evidence_age_s\":   1", 25);
    cli_run_path(&run, "young.json", policy);
    assert_int_equal(aver_file_write(policy, aver_buf_view(&text), 0600), AVER_OK);
    aver_buf_deinit(&text);
    node_session_open(&session, &node, false);
    open_proxy(policy);
    uint64_t before = node_metric(&session, "aver_quotes_total");
    while (node_metric(&session, "aver_quotes_total") < before + 3) {
        proxy_ask(&proxy, CHAT, question(2, false), &answer);
        assert_string_equal(answer.verdict, "accepted");
        proxy_answer_deinit(&answer);
        node_fixture_sleep_ms(50);
    }
    close_proxy();
    node_session_close(&session);
}

/* Another process at the same address, by the same root: other keys, so it is verified anew. */
static void a_node_that_starts_again_is_verified_again(void **state)
{
    (void)state;
    static node_fixture first, second;
    char key[CLI_RUN_PATH_BYTES], platform[CLI_RUN_PATH_BYTES + 16], listen[64];
    proxy_answer answer = {.status = 0};
    cli_run_path(&run, "key", key);
    (void)snprintf(platform, sizeof(platform), "sim:key=%s", key);
    aver_buf bytes;
    aver_buf_init(&bytes, 64);
    assert_int_equal(aver_file_read(node.key, 64, &bytes), AVER_OK);
    assert_int_equal(aver_file_write(key, aver_buf_view(&bytes), 0600), AVER_OK);
    aver_buf_deinit(&bytes);
    const char *const own[] = {"--platform", platform, NULL};
    node_fixture_start(&first, own);
    const char *const words[] = {"--url", first.url, NULL};
    proxy_run_start(&proxy, &run, NULL, words);
    proxy_ask(&proxy, CHAT, question(4, false), &answer);
    assert_string_equal(answer.verdict, "accepted");
    proxy_answer_deinit(&answer);
    (void)snprintf(listen, sizeof(listen), "tcp:127.0.0.1:%u", first.port);
    assert_int_equal(node_fixture_stop(&first), 0);
    proxy_ask(&proxy, CHAT, question(4, false), &answer);
    assert_int_equal(answer.status, 502);
    assert_true(proxy_answer_has(&answer, "node_unreachable"));
    proxy_answer_deinit(&answer);
    const char *const again[] = {"--platform", platform, "--listen", listen, NULL};
    node_fixture_start(&second, again);
    for (int i = 0; i < 2; i++) {
        proxy_ask(&proxy, CHAT, question(4, i == 1), &answer);
        assert_int_equal(answer.status, 200);
        assert_true(i == 1 || strcmp(answer.verdict, "accepted") == 0);
        proxy_answer_deinit(&answer);
    }
    close_proxy();
    assert_int_equal(node_fixture_stop(&second), 0);
}

static void the_store_keeps_no_more_than_it_was_told(void **state)
{
    (void)state;
    const char *const words[] = {"--url", node.url, "--store-files", "2", NULL};
    proxy_answer answer = {.status = 0};
    char last[64] = "", path[CLI_RUN_PATH_BYTES + 64];
    unsigned files = 0;
    proxy_run_start(&proxy, &run, NULL, words);
    for (int i = 0; i < 4; i++) {
        proxy_ask(&proxy, CHAT, question(2, false), &answer);
        (void)snprintf(last, sizeof(last), "%s", answer.capsule);
        proxy_answer_deinit(&answer);
    }
    DIR *dir = opendir(proxy.store);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        files += entry->d_name[0] != '.';
    }
    (void)closedir(dir);
    assert_int_equal(files, 2);
    (void)snprintf(path, sizeof(path), "%s/%s", proxy.store, last);
    assert_int_equal(access(path, R_OK), 0);
    close_proxy();
}

static int set_up(void **state)
{
    static const char *const args[] = {"--slots", "8", NULL};
    (void)state;
    cli_run_start(&run, &node, args);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return cli_run_stop(&run, &node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_answer_comes_with_its_verdict),
        cmocka_unit_test(a_stream_ends_with_its_verdict),
        cmocka_unit_test(a_held_stream_has_its_verdict_in_the_head),
        cmocka_unit_test(every_endpoint_has_its_verdict),
        cmocka_unit_test(a_stream_of_responses_ends_with_its_verdict),
        cmocka_unit_test(the_nodes_own_errors_come_through),
        cmocka_unit_test(bodies_that_cannot_be_sealed_are_refused),
        cmocka_unit_test(pages_of_web_sites_are_not_served),
        cmocka_unit_test(a_token_stands_for_the_host),
        cmocka_unit_test(other_machines_are_not_served_without_a_token),
        cmocka_unit_test(a_capsule_that_is_not_stored_is_told),
        cmocka_unit_test(a_refused_node_gets_no_prompt),
        cmocka_unit_test(many_streams_run_at_once),
        cmocka_unit_test(streams_do_not_wait_for_one_another),
        cmocka_unit_test(a_client_that_leaves_ends_the_nodes_work),
        cmocka_unit_test(a_client_that_leaves_before_its_answer_ends_the_nodes_work),
        cmocka_unit_test(a_node_that_dies_leaves_no_stream_that_looks_whole),
        cmocka_unit_test(an_old_verdict_is_made_anew),
        cmocka_unit_test(a_node_that_starts_again_is_verified_again),
        cmocka_unit_test(the_store_keeps_no_more_than_it_was_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Bad input: each kind gets its own clear error, and the node goes on answering. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/text.h"
#include "support/node_client.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REFUSAL_TOKEN "Authorization: Bearer correct-horse"

static node_fixture node;

static int refusal_setup(void **state)
{
    static char tokens[] = "/tmp/aver-tokens-XXXXXX";
    const char *const args[] = {"--token-file", tokens, NULL};
    int fd = mkstemp(tokens);

    (void)state;
    if (fd < 0 || write(fd, "# who may ask\ncorrect-horse\n", 28) != 28) {
        return -1;
    }
    (void)close(fd);
    node_fixture_start(&node, args);
    (void)unlink(tokens);
    return 0;
}

static int refusal_teardown(void **state)
{
    (void)state;
    return node_fixture_stop(&node) == 0 ? 0 : -1;
}

/* A good request is still answered. */
static void refusal_alive(node_session *session)
{
    char body[256];
    node_question question = {
        .path = "/v1/completions", .body = body, .sealed = true, .bearer = REFUSAL_TOKEN};
    node_answer answer;

    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",\"prompt\":\"A cat\",\"max_tokens\":2}",
                   node.model);
    node_ask(session, &question, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(node_answer_check(session, &question, &answer));
    node_answer_deinit(&answer);
}

typedef struct refusal_case {
    const char *path;
    const char *body; /* %M becomes the model's name */
    uint32_t status;
    const char *code;  /* NULL: any, but there is one */
    const char *param; /* NULL: any */
} refusal_case;

#define CHAT       "/v1/chat/completions"
#define TEXT       "/v1/completions"
#define RESPONSES  "/v1/responses"
#define EMBEDDINGS "/v1/embeddings"
#define HEXES      "0000000000000000000000000000000000000000000000000000000000000000"

static const refusal_case refusal_cases[] = {
    {TEXT, "", 400, NULL, NULL},
    {TEXT, "{", 400, NULL, NULL},
    {TEXT, "[]", 400, NULL, NULL},
    {TEXT, "null", 400, NULL, NULL},
    {TEXT, "{\"model\":\"%M\"}", 400, NULL, "prompt"},
    {CHAT, "{\"model\":\"%M\"}", 400, NULL, "messages"},
    {CHAT, "{\"model\":\"%M\",\"messages\":[]}", 400, NULL, NULL},
    {CHAT, "{\"model\":\"%M\",\"messages\":[{\"role\":\"wizard\",\"content\":\"x\"}]}", 400, NULL,
     NULL},
    {CHAT, "{\"model\":\"%M\",\"messages\":[{\"role\":\"user\",\"content\":5}]}", 400, NULL, NULL},
    {TEXT, "{\"prompt\":\"x\"}", 400, NULL, "model"},
    {TEXT, "{\"model\":\"another\",\"prompt\":\"x\"}", 404, "model_not_found", "model"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"unheard_of\":1}", 400, "unknown_parameter",
     "unheard_of"},
    {CHAT, "{\"model\":\"%M\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":[{}]}",
     400, NULL, "tools[0].type"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"n\":17}", 400, "invalid_value", "n"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"logit_bias\":{\"32000\":1}}", 400, "invalid_value",
     "logit_bias"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"suffix\":\"y\"}", 400, "unsupported_parameter",
     "suffix"},
    {RESPONSES, "{\"model\":\"%M\",\"input\":\"x\",\"previous_response_id\":\"resp_1\"}", 400,
     "unsupported_parameter", "previous_response_id"},
    {RESPONSES, "{\"model\":\"another\",\"input\":\"x\"}", 404, "model_not_found", "model"},
    {EMBEDDINGS, "{\"model\":\"%M\",\"input\":[1,2]}", 400, "unsupported_value", "input"},
    {EMBEDDINGS, "{\"model\":\"%M\",\"input\":\"x\"}", 400, "unsupported_value", "model"},
    {"/tokenize", "{\"content\":5}", 400, "invalid_value", "content"},
    {"/tokenize", "{\"content\":\"x\",\"model\":\"another\"}", 404, "model_not_found", "model"},
    {"/detokenize", "{\"tokens\":[-1]}", 400, "invalid_value", "tokens"},
    {"/apply-template", "{\"messages\":[]}", 400, "invalid_value", "messages"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"max_tokens\":\"many\"}", 400, NULL, "max_tokens"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"max_tokens\":-1}", 400, NULL, "max_tokens"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"max_tokens\":99999999999999999999}", 400, NULL,
     NULL},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"temperature\":1e308}", 400, NULL, "temperature"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"temperature\":3}", 400, NULL, "temperature"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"top_p\":true}", 400, NULL, "top_p"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"seed\":-5}", 400, NULL, "seed"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"prompt\":\"y\"}", 400, NULL, NULL},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"\xff\xfe\"}", 400, NULL, NULL},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"\\ud800\"}", 400, NULL, NULL},
    {TEXT,
     "{\"model\":\"%M\",\"prompt\":\"x\",\"aver\":{\"method\":\"POST\",\"path\":\"/v1/other\"}}",
     400, "route_mismatch", "aver"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"aver\":{\"keyset\":\"" HEXES "\"}}", 409,
     "wrong_keyset", "aver"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"aver\":{\"evidence\":\"" HEXES "\"}}", 409,
     "unknown_evidence", "aver"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"aver\":{\"deadline_ms\":1000}}", 400,
     "deadline_passed", "aver"},
    {TEXT, "{\"model\":\"%M\",\"prompt\":\"x\",\"aver\":{\"colour\":1}}", 400, NULL, NULL},
    {"/v1/receipts", "{\"id\":\"12\"}", 400, "invalid_value", "id"},
    {"/v1/receipts", "{\"id\":\"" HEXES "\"}", 404, "no_receipt", "id"},
    {"/v1/nothing", "{}", 404, "no_such_path", NULL},
    {"/v1/models", "{}", 405, "wrong_method", NULL},
};

static void refusal_fill(char *ret_body, size_t size, const char *pattern)
{
    const char *at = strstr(pattern, "%M");

    if (at == NULL) {
        (void)snprintf(ret_body, size, "%s", pattern);
    } else {
        (void)snprintf(ret_body, size, "%.*s%s%s", (int)(at - pattern), pattern, node.model,
                       at + 2);
    }
}

static void refusal_expect(node_session *session, const refusal_case *one, bool sealed)
{
    char body[2048];
    node_question question = {
        .path = one->path, .body = body, .sealed = sealed, .bearer = REFUSAL_TOKEN};
    node_answer answer;

    refusal_fill(body, sizeof(body), one->body);
    node_ask(session, &question, &answer);
    if (answer.status != one->status ||
        (one->code != NULL && strcmp(answer.code, one->code) != 0) ||
        (one->param != NULL && strcmp(answer.param, one->param) != 0) || answer.code[0] == '\0') {
        fail_msg("%s %s: %u %s %s (%.*s)", one->path, body, answer.status, answer.code,
                 answer.param, (int)answer.body.size, (const char *)answer.body.data);
    }
    assert_int_equal(answer.receipt.size, 0);
    /* What was opened is answered under the same seal. */
    assert_int_equal(answer.sealed,
                     sealed && strcmp(one->code != NULL ? one->code : "", "no_such_path") != 0 &&
                         one->status != 405);
    node_answer_deinit(&answer);
}

static void test_each_bad_request_has_its_error(void **state)
{
    node_session session;

    (void)state;
    node_session_open(&session, &node, false);
    for (size_t i = 0; i < sizeof(refusal_cases) / sizeof(refusal_cases[0]); i++) {
        refusal_expect(&session, &refusal_cases[i], false);
        refusal_expect(&session, &refusal_cases[i], true);
    }
    refusal_alive(&session);
    node_session_close(&session);
}

static void test_deep_and_large_bodies(void **state)
{
    size_t size = 5u * 1024 * 1024;
    char *body = malloc(size + 1);
    node_question question = {.path = TEXT, .body = body, .bearer = REFUSAL_TOKEN};
    node_session session;
    node_answer answer;

    (void)state;
    assert_non_null(body);
    node_session_open(&session, &node, false);
    memset(body, '[', 200000);
    body[200000] = '\0';
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 400);
    node_answer_deinit(&answer);
    memset(body, ' ', size);
    body[size] = '\0';
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 413);
    node_answer_deinit(&answer);
    node_session_close(&session);
    node_session_open(&session, &node, false);
    refusal_alive(&session);
    node_session_close(&session);
    free(body);
}

static void test_prompt_longer_than_context(void **state)
{
    size_t size = 20000;
    char *body = malloc(size + 256);
    node_question question = {.path = TEXT, .body = body, .sealed = true, .bearer = REFUSAL_TOKEN};
    node_session session;
    node_answer answer;

    (void)state;
    assert_non_null(body);
    node_session_open(&session, &node, false);
    int used = snprintf(body, 256, "{\"model\":\"%s\",\"prompt\":\"", node.model);
    for (size_t i = 0; i < size; i += 4) {
        memcpy(body + used + i, "dog ", 4);
    }
    (void)snprintf(body + (size_t)used + size, 3, "\"}");
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 400);
    assert_string_equal(answer.code, "prompt_refused");
    /* It reached the engine: there is a receipt, also of this. */
    assert_true(node_answer_check(&session, &question, &answer));
    assert_int_equal(answer.said.finish, AVER_FINISH_ERROR);
    node_answer_deinit(&answer);
    refusal_alive(&session);
    node_session_close(&session);
    free(body);
}

static void test_tokens_are_asked_for(void **state)
{
    static const char *const wrong[] = {
        NULL, "Authorization: Bearer wrong-horse", "Authorization: Basic abc",
        "Authorization: Bearer correct-hors", "Authorization: correct-horse"};
    char body[256];
    node_question question = {.path = TEXT, .body = body, .sealed = true};
    node_session session;
    node_answer answer;

    (void)state;
    node_session_open(&session, &node, false);
    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",\"prompt\":\"A cat\",\"max_tokens\":2}",
                   node.model);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        question.bearer = wrong[i];
        node_ask(&session, &question, &answer);
        assert_int_equal(answer.status, 401);
        assert_string_equal(answer.code, "invalid_api_key");
        node_answer_deinit(&answer);
    }
    refusal_alive(&session);
    node_session_close(&session);
}

static void test_plain_channels_carry_no_prompts(void **state)
{
    char body[256];
    node_question question = {.path = TEXT, .body = body, .bearer = REFUSAL_TOKEN};
    node_session session;
    node_answer answer;

    (void)state;
    node_session_open(&session, &node, true);
    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",\"prompt\":\"A cat\",\"max_tokens\":2}",
                   node.model);
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 403);
    assert_string_equal(answer.code, "plain_channel");
    node_answer_deinit(&answer);
    refusal_alive(&session);
    node_session_close(&session);
}

static void test_seals(void **state)
{
    char body[256];
    node_question question = {.path = TEXT, .body = body, .sealed = true, .bearer = REFUSAL_TOKEN};
    node_session session;
    node_answer first, answer;

    (void)state;
    node_session_open(&session, &node, false);
    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",\"prompt\":\"A cat\",\"max_tokens\":2}",
                   node.model);
    node_ask(&session, &question, &first);
    assert_int_equal(first.status, 200);

    question.enc_hex = first.enc_hex;
    question.sealed_body = aver_buf_view(&first.sent);
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 409);
    assert_string_equal(answer.code, "repeated_seal");
    node_answer_deinit(&answer);

    /* Another encapsulation over the same bytes: a tag that cannot hold. */
    question.enc_hex = "0900000000000000000000000000000000000000000000000000000000000000";
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 422);
    node_answer_deinit(&answer);
    question.enc_hex = "xyz";
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 400);
    assert_string_equal(answer.code, "bad_seal");
    node_answer_deinit(&answer);
    node_answer_deinit(&first);
    refusal_alive(&session);
    node_session_close(&session);
}

static void test_attestation_queries(void **state)
{
    static const char *const wrong[] = {"nonce=", "nonce=00", "other=1", "nonce=zz" HEXES,
                                        "nonce=" HEXES "00"};
    node_session session;

    (void)state;
    node_session_open(&session, &node, false);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char path[256];
        aver_buf body;

        aver_buf_init(&body, 1 << 20);
        (void)snprintf(path, sizeof(path), "/v1/attestation?%s", wrong[i]);
        assert_int_equal(node_get(&session, path, &body), 400);
        aver_buf_deinit(&body);
    }
    node_session_close(&session);
}

/* The handshake's outcome with at most this version of TLS. */
static int refusal_handshake(int version_max)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)node.port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *ssl = SSL_new(context);

    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(SSL_set_max_proto_version(ssl, version_max), 1);
    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    int outcome = SSL_connect(ssl);
    SSL_free(ssl);
    SSL_CTX_free(context);
    (void)close(fd);
    return outcome;
}

static void test_old_tls_is_refused(void **state)
{
    (void)state;
    assert_int_not_equal(refusal_handshake(TLS1_2_VERSION), 1);
    assert_int_equal(refusal_handshake(TLS1_3_VERSION), 1);
}

/* Secrets of requests never reach the log. */
static void test_log_has_no_secrets(void **state)
{
    (void)state;
    assert_false(node_fixture_log_has(&node, "correct-horse"));
    assert_false(node_fixture_log_has(&node, "A cat"));
    assert_true(node_fixture_log_has(&node, "SIMULATED TEE: proves nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_bad_request_has_its_error),
        cmocka_unit_test(test_deep_and_large_bodies),
        cmocka_unit_test(test_prompt_longer_than_context),
        cmocka_unit_test(test_tokens_are_asked_for),
        cmocka_unit_test(test_plain_channels_carry_no_prompts),
        cmocka_unit_test(test_seals),
        cmocka_unit_test(test_attestation_queries),
        cmocka_unit_test(test_old_tls_is_refused),
        cmocka_unit_test(test_log_has_no_secrets),
    };
    return cmocka_run_group_tests(tests, refusal_setup, refusal_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A running node answers: sealed or not, streamed or whole, chat or completion, each with a receipt
 * that holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "codec/text.h"
#include "support/node_client.h"

#include <stdio.h>
#include <string.h>

static node_fixture node;

static int answer_setup(void **state)
{
    (void)state;
    node_fixture_start(&node, NULL);
    return 0;
}

static int answer_teardown(void **state)
{
    (void)state;
    return node_fixture_stop(&node) == 0 ? 0 : -1;
}

static void answer_body(char *ret_body, size_t size, const char *path, bool stream,
                        const char *more)
{
    bool chat = strstr(path, "chat") != NULL;

    (void)snprintf(ret_body, size, "{\"model\":\"%s\",%s,\"max_tokens\":24,\"seed\":7%s%s}",
                   node.model,
                   chat ? "\"messages\":[{\"role\":\"user\",\"content\":\"Once upon a time\"}]"
                        : "\"prompt\":\"Once upon a time\"",
                   stream ? ",\"stream\":true" : "", more);
}

/* Asks and checks; the text of the answer, owned by the caller. */
static void answer_expect(node_session *session, const char *path, bool sealed, bool stream,
                          const char *more, aver_buf *ret_text)
{
    char body[1024];
    node_question question = {.path = path, .body = body, .sealed = sealed};
    node_answer answer;

    answer_body(body, sizeof(body), path, stream, more);
    node_ask(session, &question, &answer);
    assert_int_equal(answer.err, AVER_OK);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.streamed, stream);
    assert_int_equal(answer.done, stream);
    assert_int_equal(answer.sealed, sealed);
    assert_true(node_answer_check(session, &question, &answer));
    assert_true(answer.said.finish == AVER_FINISH_LENGTH || answer.said.finish == AVER_FINISH_STOP);
    assert_int_equal(answer.said.seed, 7);
    assert_true(answer.said.generated_tokens >= 1 && answer.said.generated_tokens <= 24);
    assert_true(answer.said.has_step_digest);
    assert_int_equal(answer.tokens.size > 0, stream && strstr(more, "aver") != NULL);
    node_answer_text(&answer, ret_text);
    assert_true(ret_text->size > 0);
    node_answer_deinit(&answer);
}

/* The same seed gives the same text, whichever way it travels. */
static void test_every_way_gives_one_text(void **state)
{
    static const char *const paths[] = {"/v1/completions", "/v1/chat/completions"};
    node_session tls, plain;

    (void)state;
    node_session_open(&tls, &node, false);
    node_session_open(&plain, &node, true);
    for (size_t i = 0; i < 2; i++) {
        aver_buf first, other;

        answer_expect(&tls, paths[i], false, false, "", &first);
        for (unsigned way = 0; way < 8; way++) {
            bool sealed = (way & 1) != 0 || (way & 4) != 0;

            answer_expect((way & 4) != 0 ? &plain : &tls, paths[i], sealed, (way & 2) != 0,
                          (way & 1) != 0 ? ",\"aver\":{}" : "", &other);
            assert_true(aver_view_equal(aver_buf_view(&first), aver_buf_view(&other)));
            aver_buf_deinit(&other);
        }
        aver_buf_deinit(&first);
    }
    node_session_close(&tls);
    node_session_close(&plain);
}

static void test_claims_are_taken_into_the_receipt(void **state)
{
    char body[2048], keyset[65], evidence[65], nonce[65];
    const uint8_t chosen[32] = {1, 2, 3};
    node_session session;
    node_answer answer;

    (void)state;
    node_session_open(&session, &node, false);
    aver_hex_encode(AVER_VIEW_OF(session.keyset_digest), keyset);
    aver_hex_encode(AVER_VIEW_OF(session.evidence_digest), evidence);
    aver_hex_encode(AVER_VIEW_OF(chosen), nonce);
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"prompt\":\"A "
                   "dog\",\"max_tokens\":4,\"stream\":true,\"aver\":{\"method\":"
                   "\"POST\",\"path\":\"/v1/"
                   "completions\",\"keyset\":\"%s\",\"evidence\":\"%s\",\"nonce\":\"%s\","
                   "\"deadline_ms\":%llu}}",
                   node.model, keyset, evidence, nonce,
                   (unsigned long long)(aver_time_wall_ms() + 60000));
    node_question question = {.path = "/v1/completions", .body = body, .sealed = true};
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(node_answer_check(&session, &question, &answer));
    assert_memory_equal(answer.said.evidence_digest, session.evidence_digest, 32);
    assert_true(answer.said.has_client_nonce);
    assert_memory_equal(answer.said.client_nonce, chosen, 32);
    node_answer_deinit(&answer);
    node_session_close(&session);
}

/* 64 events bring a signed head over exactly those that came before it. */
static void test_long_streams_carry_heads(void **state)
{
    char body[512];
    node_question question = {.path = "/v1/completions", .body = body, .sealed = true};
    node_session session;
    node_answer answer;
    aver_head head;
    aver_opening opening;

    (void)state;
    node_session_open(&session, &node, false);
    const uint8_t *key = session.keyset.keys[AVER_ROLE_RECEIPT].bytes;
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"prompt\":\"One "
                   "day\",\"max_tokens\":150,\"temperature\":0,\"stream\":true}",
                   node.model);
    node_ask(&session, &question, &answer);
    assert_true(node_answer_check(&session, &question, &answer));
    assert_true(answer.said.stream_size > 64);
    assert_true(answer.heads >= answer.said.stream_size / 64 && answer.heads > 0);
    assert_int_equal(aver_head_open(aver_buf_view(&answer.head), key, &head), AVER_OK);
    assert_memory_equal(head.receipt_id, answer.said.receipt_id, 32);
    assert_true(head.size <= answer.said.stream_size);
    assert_int_equal(aver_opening_open(aver_buf_view(&answer.opening), key, &opening), AVER_OK);
    assert_memory_equal(opening.request_commitment, answer.said.request_commitment, 32);
    node_answer_deinit(&answer);
    node_session_close(&session);
}

static void test_receipts_can_be_fetched_again(void **state)
{
    char body[512];
    node_question question = {.path = "/v1/completions", .body = body, .sealed = true};
    const uint8_t unknown[32] = {9};
    node_session session;
    node_answer answer;
    aver_receipt first;

    (void)state;
    node_session_open(&session, &node, true);
    answer_body(body, sizeof(body), question.path, false, "");
    node_ask(&session, &question, &answer);
    assert_true(node_answer_check(&session, &question, &answer));
    first = answer.said;
    assert_true(node_fetch_receipt(&session, first.receipt_id, &answer));
    assert_true(answer.tokens.size > 0);
    assert_true(node_answer_check(&session, &question, &answer));
    assert_memory_equal(answer.said.receipt_id, first.receipt_id, 32);
    assert_false(node_fetch_receipt(&session, unknown, &answer));
    node_answer_deinit(&answer);
    node_session_close(&session);
}

static void test_node_prefix_is_not_signed(void **state)
{
    char body[512], path[160] = "/n/";
    node_session session;
    node_answer answer;
    node_question question = {.path = path, .body = body, .sealed = true};

    (void)state;
    node_session_open(&session, &node, false);
    aver_hex_encode(AVER_VIEW_OF(session.keyset.node_id), path + 3);
    (void)snprintf(path + 67, sizeof(path) - 67, "/v1/completions");
    answer_body(body, sizeof(body), path, false, "");
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 200);
    question.path = "/v1/completions";
    assert_true(node_answer_check(&session, &question, &answer));
    node_answer_deinit(&answer);

    path[3] = path[3] == '0' ? '1' : '0';
    question.path = path;
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 404);
    assert_string_equal(answer.code, "wrong_node");
    node_answer_deinit(&answer);
    node_session_close(&session);
}

static void test_public_documents(void **state)
{
    static const char *const paths[] = {"/health", "/v1/models", "/metrics",
                                        "/.well-known/hpke-keys", "/v1/attestation"};
    uint8_t seal_key[32];
    node_session session;
    aver_buf body;

    (void)state;
    node_session_open(&session, &node, true);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        aver_buf_init(&body, 1 << 20);
        assert_int_equal(node_get(&session, paths[i], &body), 200);
        assert_true(body.size > 0);
        if (strstr(paths[i], "hpke") != NULL) {
            assert_int_equal(aver_seal_key_config_parse(aver_buf_view(&body), seal_key), AVER_OK);
            assert_memory_equal(seal_key, session.keyset.keys[AVER_ROLE_SEAL].bytes, 32);
        }
        aver_buf_deinit(&body);
    }
    node_session_close(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_way_gives_one_text),
        cmocka_unit_test(test_claims_are_taken_into_the_receipt),
        cmocka_unit_test(test_long_streams_carry_heads),
        cmocka_unit_test(test_receipts_can_be_fetched_again),
        cmocka_unit_test(test_node_prefix_is_not_signed),
        cmocka_unit_test(test_public_documents),
    };
    return cmocka_run_group_tests(tests, answer_setup, answer_teardown);
}

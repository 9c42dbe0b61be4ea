/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of every form, computed again from what a client has of them: the tokens, the text, the
 * calls. Whole and streamed; one choice and several; each way of asking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/review.h"
#include "support/node_client.h"

#include <stdio.h>
#include <string.h>

#define BODY_MAX 8192

#define CHAT "\"messages\":[{\"role\":\"user\",\"content\":\"Once upon a time\"}]"
#define TOOLS                                                                                      \
    ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"clock\",\"parameters\":"          \
    "{\"type\":\"object\",\"properties\":{\"zone\":{\"type\":\"string\",\"maxLength\":9}},"        \
    "\"required\":[\"zone\"]}}}],\"tool_choice\":\"required\",\"parallel_tool_calls\":false"
#define FLAT_TOOLS                                                                                 \
    ",\"tools\":[{\"type\":\"function\",\"name\":\"clock\",\"parameters\":{\"type\":\"object\","   \
    "\"properties\":{\"zone\":{\"type\":\"string\",\"maxLength\":9}},\"required\":[\"zone\"]}}],"  \
    "\"tool_choice\":\"required\",\"parallel_tool_calls\":false"

static node_fixture node;
static node_session session;

static int node_open(void **state)
{
    (void)state;
    node_fixture_start(&node, (const char *const[]){"--context", "1024", NULL});
    node_session_open(&session, &node, false);
    return 0;
}

static int node_close(void **state)
{
    (void)state;
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
    return 0;
}

/* Asks, and puts all that a client has of the answer into a capsule. */
static void answer_capsule(const char *path, const char *members, aver_buf *ret_capsule)
{
    char body[BODY_MAX];
    node_answer answer;
    node_question question = {.path = path, .body = body, .sealed = true};
    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",%s}", node.model, members);
    node_ask(&session, &question, &answer);
    if (answer.status != 200) {
        fail_msg("%u: %.*s", answer.status, (int)answer.body.size, answer.body.data);
    }
    assert_true(node_answer_check(&session, &question, &answer));
    uint8_t id[32];
    memcpy(id, answer.said.receipt_id, sizeof(id));
    assert_true(node_fetch_receipt(&session, id, &answer));
    aver_capsule capsule = {
        .receipt = aver_buf_view(&answer.receipt),
        .bundle = aver_buf_view(&session.bundle),
        .has_salt = true,
        .has_request = true,
        .has_response = true,
        .has_tokens = true,
        .request = aver_view_text(body),
        .response = aver_buf_view(&answer.body),
        .tokens = aver_buf_view(&answer.tokens),
    };
    memcpy(capsule.salt, answer.salt, sizeof(capsule.salt));
    aver_buf_init(ret_capsule, AVER_CAPSULE_BYTES_MAX);
    assert_int_equal(aver_capsule_encode(&capsule, ret_capsule), AVER_OK);
    node_answer_deinit(&answer);
}

static void assert_same(const char *path, const char *members)
{
    aver_buf capsule;
    aver_review review;
    answer_capsule(path, members, &capsule);
    aver_review_options options = {
        .capsule = aver_buf_view(&capsule), .model_path = node_fixture_model(), .threads = 1};
    assert_int_equal(aver_review_run(&options, &review), AVER_OK);
    if (!review.judged || review.result.outcome != AVER_RECHECK_SAME) {
        fail_msg("%s: %s %s", members, review.why, review.judged ? review.result.detail : "");
    }
    aver_buf_deinit(&capsule);
}

static void plain_answers_of_several_choices_are_the_same(void **state)
{
    (void)state;
    assert_same("/v1/chat/completions", CHAT ",\"max_tokens\":12,\"n\":3");
    assert_same("/v1/chat/completions", CHAT ",\"max_tokens\":12,\"n\":3,\"stream\":true");
    assert_same("/v1/completions", "\"prompt\":\"The cat\",\"max_tokens\":12,\"n\":2");
    assert_same("/v1/completions",
                "\"prompt\":\"The cat\",\"max_tokens\":12,\"n\":2,\"stream\":true");
    assert_same("/v1/completions", "\"prompt\":[1,300,400],\"max_tokens\":12");
    assert_same("/v1/completions", "\"prompt\":[1,300,400],\"max_tokens\":12,\"stream\":true");
}

static void answers_that_call_tools_are_the_same(void **state)
{
    (void)state;
    assert_same("/v1/chat/completions", CHAT TOOLS ",\"max_tokens\":100");
    assert_same("/v1/chat/completions", CHAT TOOLS ",\"max_tokens\":100,\"stream\":true");
    assert_same("/v1/chat/completions", CHAT TOOLS ",\"max_tokens\":100,\"n\":2");
    assert_same("/v1/chat/completions", CHAT TOOLS ",\"max_tokens\":100,\"n\":2,\"stream\":true");
    /* Cut before the name is whole, and in the arguments. */
    assert_same("/v1/chat/completions", CHAT TOOLS ",\"max_tokens\":4");
    assert_same("/v1/chat/completions", CHAT TOOLS ",\"max_tokens\":40,\"stream\":true");
}

static void answers_under_a_schema_are_the_same(void **state)
{
    (void)state;
    assert_same("/v1/chat/completions",
                CHAT ",\"max_tokens\":100,\"response_format\":{\"type\":\"json_schema\","
                     "\"json_schema\":{\"name\":\"s\",\"schema\":{\"type\":\"object\","
                     "\"properties\":{\"a\":{\"type\":\"string\",\"maxLength\":9}},\"required\":"
                     "[\"a\"],\"additionalProperties\":false}}}");
}

static void responses_are_the_same(void **state)
{
    (void)state;
    assert_same("/v1/responses", "\"input\":\"Once upon a time\",\"max_output_tokens\":12");
    assert_same("/v1/responses",
                "\"input\":\"Once upon a time\",\"max_output_tokens\":12,\"stream\":true");
    assert_same("/v1/responses",
                "\"input\":\"Once upon a time\",\"max_output_tokens\":100" FLAT_TOOLS);
    assert_same("/v1/responses", "\"input\":\"Once upon a time\",\"max_output_tokens\":100,"
                                 "\"stream\":true" FLAT_TOOLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_answers_of_several_choices_are_the_same),
        cmocka_unit_test(answers_that_call_tools_are_the_same),
        cmocka_unit_test(answers_under_a_schema_are_the_same),
        cmocka_unit_test(responses_are_the_same),
    };
    (void)node_fixture_model();
    return cmocka_run_group_tests(tests, node_open, node_close);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tools from a client's message to a client's answer: all is the real thing but the tokens, which
 * are those that the prompt tells the engine to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json.h"
#include "support/node_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHAT     "/v1/chat/completions"
#define BODY_MAX 16384
/* Of the script of calls, up to somewhere in the first call's arguments. */
#define CUT_TOKENS 16u

#define TOOLS                                                                                      \
    ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"parameters\":"        \
    "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":"           \
    "[\"city\"]}}},{\"type\":\"function\",\"function\":{\"name\":\"clock\"}}]"
#define CALLS                                                                                      \
    "{\\\"tool_calls\\\":[{\\\"name\\\":\\\"weather\\\",\\\"arguments\\\":{\\\"city\\\":"          \
    "\\\"Rome\\\"}},{\\\"name\\\":\\\"clock\\\",\\\"arguments\\\":{}}]}"

static node_fixture node;
static node_session session;

static int node_open(void **state)
{
    char program[4096];
    const char *bin = getenv("AVER_BIN");
    (void)state;
    (void)snprintf(program, sizeof(program), "%s/aver-scripted-engine", bin != NULL ? bin : ".");
    assert_int_equal(access(program, X_OK), 0);
    node_fixture_start(&node,
                       (const char *const[]){"--sim-engine", program, "--context", "1024", NULL});
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

static void ask(const char *messages, const char *members, node_answer *ret_answer)
{
    char body[BODY_MAX];
    node_question question = {.path = CHAT, .body = body, .sealed = true};
    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",\"messages\":[%s]%s}", node.model,
                   messages, members);
    node_ask(&session, &question, ret_answer);
    if (ret_answer->status != 200) {
        fail_msg("%u: %.*s", ret_answer->status, (int)ret_answer->body.size, ret_answer->body.data);
    }
    assert_true(node_answer_check(&session, &question, ret_answer));
}

static json_t *choice_of(const node_answer *answer, size_t index)
{
    json_t *json = NULL;
    assert_int_equal(aver_json_parse(aver_buf_view(&answer->body), BODY_MAX, &json, NULL), AVER_OK);
    json_t *choice = json_incref(json_array_get(json_object_get(json, "choices"), index));
    json_decref(json);
    assert_non_null(choice);
    return choice;
}

static const char *text_in(const json_t *json, const char *outer, const char *inner)
{
    return json_string_value(json_object_get(json_object_get(json, outer), inner));
}

static void a_turn_of_calls_and_results_is_played(void **state)
{
    (void)state;
    static const char first[] =
        "{\"role\":\"user\",\"content\":\"say:" CALLS "\\n---\\nIt is warm.\"}";
    char messages[BODY_MAX / 2];
    node_answer answer;
    ask(first, TOOLS, &answer);
    assert_int_equal(answer.said.finish, AVER_FINISH_TOOL);
    json_t *choice = choice_of(&answer, 0);
    json_t *message = json_object_get(choice, "message");
    const json_t *calls = json_object_get(message, "tool_calls");
    assert_string_equal(json_string_value(json_object_get(choice, "finish_reason")), "tool_calls");
    assert_int_equal(json_array_size(calls), 2);
    assert_string_equal(text_in(json_array_get(calls, 0), "function", "name"), "weather");
    assert_string_equal(text_in(json_array_get(calls, 0), "function", "arguments"),
                        "{\"city\":\"Rome\"}");
    assert_string_equal(text_in(json_array_get(calls, 1), "function", "name"), "clock");
    /* The very message comes back with the results, as clients do it. */
    char *said = json_dumps(message, JSON_COMPACT);
    const char *id = json_string_value(json_object_get(json_array_get(calls, 0), "id"));
    (void)snprintf(messages, sizeof(messages),
                   "%s,%s,{\"role\":\"tool\",\"tool_call_id\":\"%s\",\"content\":\"30 C\"}", first,
                   said, id);
    free(said);
    json_decref(choice);
    node_answer_deinit(&answer);
    ask(messages, TOOLS, &answer);
    assert_int_equal(answer.said.finish, AVER_FINISH_STOP);
    choice = choice_of(&answer, 0);
    assert_string_equal(text_in(choice, "message", "content"), "It is warm.");
    assert_null(json_object_get(json_object_get(choice, "message"), "tool_calls"));
    json_decref(choice);
    node_answer_deinit(&answer);
}

static void streams_carry_text_at_once_and_calls_whole(void **state)
{
    (void)state;
    node_answer answer;
    ask("{\"role\":\"user\",\"content\":\"say:" CALLS "\"}", TOOLS ",\"stream\":true", &answer);
    assert_true(answer.done);
    assert_int_equal(answer.said.finish, AVER_FINISH_TOOL);
    assert_non_null(memmem(answer.body.data, answer.body.size, "\"weather\"", 9));
    aver_buf text;
    node_answer_text(&answer, &text);
    assert_int_equal(text.size, 0);
    aver_buf_deinit(&text);
    node_answer_deinit(&answer);
    ask("{\"role\":\"user\",\"content\":\"say:No {call} is in this.\"}", TOOLS ",\"stream\":true",
        &answer);
    assert_int_equal(answer.said.finish, AVER_FINISH_STOP);
    node_answer_text(&answer, &text);
    assert_true(aver_view_equal_text(aver_buf_view(&text), "No {call} is in this."));
    aver_buf_deinit(&text);
    node_answer_deinit(&answer);
}

static void bad_calls_reach_the_client_as_text(void **state)
{
    (void)state;
    node_answer answer;
    ask("{\"role\":\"user\",\"content\":\"say:{\\\"tool_calls\\\":[{\\\"name\\\":\\\"nobody\\\"}]}"
        "\"}",
        TOOLS, &answer);
    assert_int_equal(answer.said.finish, AVER_FINISH_STOP);
    json_t *choice = choice_of(&answer, 0);
    assert_string_equal(text_in(choice, "message", "content"),
                        "{\"tool_calls\":[{\"name\":\"nobody\"}]}");
    json_decref(choice);
    node_answer_deinit(&answer);
}

/* For each length at which the answer may be cut: no part of a call is text. */
static void what_is_cut_of_a_call_is_no_text(void **state)
{
    static const char last[] = "{\"city\":\"Rome\"}";
    char members[512];
    bool named = false;
    bool begun = false;

    (void)state;
    for (unsigned tokens = 1; tokens <= 24; tokens++) {
        node_answer answer;
        (void)snprintf(members, sizeof(members), TOOLS ",\"max_tokens\":%u", tokens);
        ask("{\"role\":\"user\",\"content\":\"say:" CALLS "\"}", members, &answer);
        json_t *choice = choice_of(&answer, 0);
        const json_t *message = json_object_get(choice, "message");
        const json_t *calls = json_object_get(message, "tool_calls");
        const char *content = json_string_value(json_object_get(message, "content"));
        assert_true(content == NULL || content[0] == '\0');
        if (answer.said.finish == AVER_FINISH_LENGTH) {
            assert_string_equal(json_string_value(json_object_get(choice, "finish_reason")),
                                "length");
        }
        if (answer.said.finish == AVER_FINISH_LENGTH && json_array_size(calls) == 1) {
            const char *arguments = text_in(json_array_get(calls, 0), "function", "arguments");
            named = true;
            begun = begun || (arguments[0] != '\0' && strlen(arguments) < strlen(last));
            assert_memory_equal(arguments, last, strlen(arguments));
            assert_string_equal(text_in(json_array_get(calls, 0), "function", "name"), "weather");
        }
        json_decref(choice);
        node_answer_deinit(&answer);
    }
    assert_true(named && begun);
}

static void a_stream_has_what_is_cut_of_a_call(void **state)
{
    char members[512];
    node_answer answer;

    (void)state;
    (void)snprintf(members, sizeof(members), TOOLS ",\"stream\":true,\"max_tokens\":%u",
                   CUT_TOKENS);
    ask("{\"role\":\"user\",\"content\":\"say:" CALLS "\"}", members, &answer);
    aver_buf text;
    assert_int_equal(answer.said.finish, AVER_FINISH_LENGTH);
    assert_non_null(memmem(answer.body.data, answer.body.size, "\"weather\"", 9));
    assert_non_null(memmem(answer.body.data, answer.body.size, "\"finish_reason\":\"length\"", 24));
    node_answer_text(&answer, &text);
    assert_int_equal(text.size, 0);
    aver_buf_deinit(&text);
    node_answer_deinit(&answer);
}

static void one_call_is_enough_where_no_more_are_wanted(void **state)
{
    (void)state;
    node_answer answer;
    ask("{\"role\":\"user\",\"content\":\"say:" CALLS "\"}",
        TOOLS ",\"parallel_tool_calls\":false,\"n\":2", &answer);
    for (size_t i = 0; i < 2; i++) {
        json_t *choice = choice_of(&answer, i);
        const json_t *message = json_object_get(choice, "message");
        assert_int_equal(json_array_size(json_object_get(message, "tool_calls")), 1);
        json_decref(choice);
    }
    node_answer_deinit(&answer);
}

static void what_a_schema_cannot_keep_is_refused_with_a_receipt(void **state)
{
    (void)state;
    char body[BODY_MAX];
    node_answer answer;
    node_question question = {.path = CHAT, .body = body, .sealed = true};
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
                   "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"s\","
                   "\"schema\":{\"type\":\"array\",\"uniqueItems\":true}}}}",
                   node.model);
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 400);
    assert_string_equal(answer.code, "prompt_refused");
    assert_non_null(memmem(answer.body.data, answer.body.size, "uniqueItems", 11));
    assert_true(node_answer_check(&session, &question, &answer));
    node_answer_deinit(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_of_calls_and_results_is_played),
        cmocka_unit_test(streams_carry_text_at_once_and_calls_whole),
        cmocka_unit_test(bad_calls_reach_the_client_as_text),
        cmocka_unit_test(what_is_cut_of_a_call_is_no_text),
        cmocka_unit_test(a_stream_has_what_is_cut_of_a_call),
        cmocka_unit_test(one_call_is_enough_where_no_more_are_wanted),
        cmocka_unit_test(what_a_schema_cannot_keep_is_refused_with_a_receipt),
    };
    (void)node_fixture_model();
    return cmocka_run_group_tests(tests, node_open, node_close);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A genuine keeper hears engines that follow a script: what they may say becomes the answer that
 * OpenAI's clients know; what they may not say ends them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json.h"
#include "codec/text.h"
#include "crypto/hash.h"
#include "engine/link.h"
#include "support/answer_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMPLETION "/v1/completions"
#define CHAT       "/v1/chat/completions"
#define RESPONSES  "/v1/responses"
#define EMBEDDINGS "/v1/embeddings"
#define TOKENIZE   "/tokenize"
#define TEMPLATE   "/apply-template"
#define BODY_MAX   65536
#define EVENTS_MAX 12

#define PROMPT(more)  "\"prompt\":\"%s\"" more
#define ASK(more)     "\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]" more
#define INPUT(more)   "\"input\":\"%s\"" more
#define INPUTS(more)  "\"input\":[\"%s\",\"second\"]" more
#define CONTENT(more) "\"content\":\"%s\"" more
#define TOOLS                                                                                      \
    ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},{\"type\":\"function\","    \
    "\"function\":{\"name\":\"g\"}}]"
#define FLAT_TOOLS ",\"tools\":[{\"type\":\"function\",\"name\":\"f\"}]"

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }

static const int32_t script_ids[] = {1, 2, 3};
static const float script_floats[] = {0.5f, -1.25f, 1e-9f};
static const aver_logprob script_logprobs[] = {{5, -100, TEXT("x")},
                                               {6, -50, TEXT("y")},
                                               {7, -60, TEXT("z")},
                                               {1000, -70, TEXT("w")},
                                               {8, -40, TEXT("v")}};

#define STARTED                                                                                    \
    {                                                                                              \
        .kind = AVER_EVENT_STARTED, .prompt_ids = script_ids, .prompt_count = 3                    \
    }
#define TOKEN(number, said)                                                                        \
    {                                                                                              \
        .kind = AVER_EVENT_TOKEN, .choice = (number), .token = 5, .text = TEXT(said)               \
    }
#define LIKELY(first, count)                                                                       \
    {                                                                                              \
        .kind = AVER_EVENT_TOKEN, .token = 5, .text = TEXT("x"),                                   \
        .logprobs = script_logprobs + (first), .logprobs_count = (count)                           \
    }
#define CALLED(number, place, name, arguments)                                                     \
    {                                                                                              \
        .kind = AVER_EVENT_CALL, .choice = (number), .call_index = (place),                        \
        .call_name = TEXT(name), .call_arguments = TEXT(arguments)                                 \
    }
#define CHOICE(number, how, count)                                                                 \
    {                                                                                              \
        .kind = AVER_EVENT_CHOICE, .choice = (number), .finish = AVER_FINISH_##how,                \
        .generated_count = (count)                                                                 \
    }
#define DONE(how, count)                                                                           \
    {                                                                                              \
        .kind = AVER_EVENT_DONE, .finish = AVER_FINISH_##how, .generated_count = (count),          \
        .has_step_digest = true                                                                    \
    }
#define DONE_BARE                                                                                  \
    {                                                                                              \
        .kind = AVER_EVENT_DONE, .finish = AVER_FINISH_STOP                                        \
    }
#define VECTOR(number, count)                                                                      \
    {                                                                                              \
        .kind = AVER_EVENT_VECTOR, .choice = (number), .vector = script_floats,                    \
        .vector_count = (count)                                                                    \
    }
#define SAID(said)                                                                                 \
    {                                                                                              \
        .kind = AVER_EVENT_TEXT, .text = TEXT(said)                                                \
    }
#define READ(count)                                                                                \
    {                                                                                              \
        .kind = AVER_EVENT_READ, .read_count = (count)                                             \
    }

typedef struct script {
    const char *name;
    const char *path;
    const char *pattern; /* members of the body behind the model; %s: the events */
    aver_event events[EVENTS_MAX];
} script;

/* What was answered; json is the whole body, or the events of a stream. */
typedef struct heard {
    uint32_t status;
    char code[64];
    bool done;
    aver_receipt said;
    json_t *json;
} heard;

static void script_start(node_fixture *node, const char *engine)
{
    char program[4096];
    const char *bin = getenv("AVER_BIN");

    (void)snprintf(program, sizeof(program), "%s/%s", bin != NULL ? bin : ".", engine);
    assert_int_equal(access(program, X_OK), 0);
    node_fixture_start(node, (const char *const[]){"--sim-engine", program, NULL});
}

static void script_body(const node_fixture *node, const script *play, const char *more,
                        char *ret_body)
{
    char members[BODY_MAX / 2];
    aver_buf bytes, hex;

    aver_buf_init(&bytes, BODY_MAX);
    aver_buf_init(&hex, BODY_MAX);
    for (size_t i = 0; i < EVENTS_MAX && play->events[i].kind != 0; i++) {
        aver_link_put_event(&bytes, &play->events[i]);
    }
    aver_hex_append(&hex, aver_buf_view(&bytes));
    aver_buf_append_byte(&hex, '\0');
    assert_int_equal(aver_buf_status(&hex), AVER_OK);
    const char *at = strstr(play->pattern, "%s");
    assert_non_null(at);
    (void)snprintf(members, sizeof(members), "%.*s%s%s", (int)(at - play->pattern), play->pattern,
                   (const char *)hex.data, at + 2);
    (void)snprintf(ret_body, BODY_MAX, "{\"model\":\"%s\",%s%s}", node->model, members, more);
    aver_buf_deinit(&bytes);
    aver_buf_deinit(&hex);
}

/* Asks; whatever comes back has a receipt that holds. */
static heard script_ask(node_session *session, const node_fixture *node, const script *play,
                        bool sealed, bool stream)
{
    static char body[BODY_MAX];
    node_question question = {.path = play->path, .body = body, .sealed = sealed};
    heard answer = {.status = 0};
    node_answer got;

    script_body(node, play, stream ? ",\"stream\":true" : "", body);
    node_ask(session, &question, &got);
    if (!node_answer_check(session, &question, &got)) {
        fail_msg("%s: status %u code %s param %s", play->name, got.status, got.code, got.param);
    }
    answer.status = got.status;
    answer.done = got.done;
    answer.said = got.said;
    (void)snprintf(answer.code, sizeof(answer.code), "%s", got.code);
    answer.json = answer_json(&got, NULL);
    node_answer_deinit(&got);
    return answer;
}

/* The id that the page promises for a call. */
static void call_id(const heard *answer, uint32_t choice, uint32_t index, char ret_id[static 65])
{
    uint8_t place[8], digest[32];

    aver_be32_write(place, choice);
    aver_be32_write(place + 4, index);
    aver_sha256_tagged("aver/call/1", AVER_VIEW_OF(answer->said.receipt_id), AVER_VIEW_OF(place),
                       digest);
    memcpy(ret_id, "call_", 5);
    aver_hex_encode(aver_view_make(digest, 12), ret_id + 5);
}

static const script two_calls = {"two calls",
                                 CHAT,
                                 ASK(TOOLS),
                                 {STARTED, READ(1), READ(2), TOKEN(0, ""),
                                  CALLED(0, 0, "f", "{\"a\":[1]}"), CALLED(0, 1, "g", "{}"),
                                  CHOICE(0, TOOL, 1), DONE(TOOL, 1)}};

static void calls_reach_the_caller_whole(void **state)
{
    node_fixture node;
    node_session session;
    char id[65];

    (void)state;
    script_start(&node, "aver-script-engine");
    node_session_open(&session, &node, false);
    heard answer = script_ask(&session, &node, &two_calls, true, false);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.said.finish, AVER_FINISH_TOOL);
    assert_true(json_is_null(answer_at(answer.json, "choices.0.message.content")));
    assert_string_equal(answer_text_at(answer.json, "choices.0.finish_reason"), "tool_calls");
    assert_int_equal(json_array_size(answer_at(answer.json, "choices.0.message.tool_calls")), 2);
    const json_t *call = answer_at(answer.json, "choices.0.message.tool_calls.1");
    call_id(&answer, 0, 1, id);
    assert_string_equal(answer_text_at(call, "id"), id);
    assert_string_equal(answer_text_at(call, "function.name"), "g");
    assert_string_equal(answer_text_at(call, "function.arguments"), "{}");
    json_decref(answer.json);

    answer = script_ask(&session, &node, &two_calls, true, true);
    assert_true(answer.done);
    const json_t *first = answer_at(answer.json, "1.choices.0.delta.tool_calls.0");
    const json_t *second = answer_at(answer.json, "2.choices.0.delta.tool_calls.0");
    assert_int_equal(json_integer_value(answer_at(first, "index")), 0);
    assert_string_equal(answer_text_at(first, "function.arguments"), "{\"a\":[1]}");
    call_id(&answer, 0, 0, id);
    assert_string_equal(answer_text_at(first, "id"), id);
    assert_int_equal(json_integer_value(answer_at(second, "index")), 1);
    assert_string_equal(answer_text_at(answer.json, "3.choices.0.finish_reason"), "tool_calls");
    json_decref(answer.json);
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
}

static const script responses_call = {
    "a call of responses",
    RESPONSES,
    INPUT(FLAT_TOOLS ",\"tool_choice\":\"required\""),
    {STARTED, TOKEN(0, "Well"), CALLED(0, 0, "f", "{\"a\":1}"), CHOICE(0, TOOL, 1), DONE(TOOL, 1)}};

static void responses_have_calls_as_items(void **state)
{
    node_fixture node;
    node_session session;
    char id[65];

    (void)state;
    script_start(&node, "aver-script-engine");
    node_session_open(&session, &node, false);
    for (unsigned way = 0; way < 4; way++) {
        heard answer = script_ask(&session, &node, &responses_call, (way & 1) != 0, way >= 2);
        const json_t *response = answer.json;

        if (way >= 2) {
            size_t last = json_array_size(answer.json) - 1;

            assert_string_equal(answer_text_at(json_array_get(answer.json, last), "type"),
                                "response.completed");
            response = answer_at(json_array_get(answer.json, last), "response");
        }
        assert_false(answer.done);
        assert_string_equal(answer_text_at(response, "status"), "completed");
        assert_string_equal(answer_text_at(response, "output.0.content.0.text"), "Well");
        assert_string_equal(answer_text_at(response, "output.1.type"), "function_call");
        assert_string_equal(answer_text_at(response, "output.1.arguments"), "{\"a\":1}");
        call_id(&answer, 0, 0, id);
        assert_string_equal(answer_text_at(response, "output.1.call_id"), id);
        json_decref(answer.json);
    }
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
}

static const script cut_call = {"a call that is cut",
                                RESPONSES,
                                INPUT(FLAT_TOOLS),
                                {STARTED, TOKEN(0, "Well"), CALLED(0, 0, "f", "{\"a\":1"),
                                 CHOICE(0, LENGTH, 1), DONE(LENGTH, 1)}};

static void a_call_that_is_cut_is_an_item_that_is_incomplete(void **state)
{
    node_fixture node;
    node_session session;

    (void)state;
    script_start(&node, "aver-script-engine");
    node_session_open(&session, &node, false);
    for (unsigned way = 0; way < 2; way++) {
        heard answer = script_ask(&session, &node, &cut_call, true, way == 1);
        const json_t *response = answer.json;

        if (way == 1) {
            size_t last = json_array_size(answer.json) - 1;

            assert_string_equal(answer_text_at(json_array_get(answer.json, last), "type"),
                                "response.incomplete");
            response = answer_at(json_array_get(answer.json, last), "response");
        }
        assert_string_equal(answer_text_at(response, "status"), "incomplete");
        assert_string_equal(answer_text_at(response, "output.0.status"), "completed");
        assert_string_equal(answer_text_at(response, "output.1.type"), "function_call");
        assert_string_equal(answer_text_at(response, "output.1.status"), "incomplete");
        assert_string_equal(answer_text_at(response, "output.1.arguments"), "{\"a\":1");
        json_decref(answer.json);
    }
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
}

static const script script_breaches[] = {
    {"call without tools", CHAT, ASK(""), {STARTED, CALLED(0, 0, "f", "{}")}},
    {"call in a completion", COMPLETION, PROMPT(""), {STARTED, CALLED(0, 0, "f", "{}")}},
    {"call of an unknown tool", CHAT, ASK(TOOLS), {STARTED, CALLED(0, 0, "h", "{}")}},
    {"call that was forbidden",
     CHAT,
     ASK(TOOLS ",\"tool_choice\":\"none\""),
     {STARTED, CALLED(0, 0, "f", "{}")}},
    {"call of another tool than the one named",
     CHAT,
     ASK(TOOLS ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"g\"}}"),
     {STARTED, CALLED(0, 0, "f", "{}")}},
    {"a second call where one is allowed",
     CHAT,
     ASK(TOOLS ",\"parallel_tool_calls\":false"),
     {STARTED, CALLED(0, 0, "f", "{}"), CALLED(0, 1, "f", "{}")}},
    {"call out of turn", CHAT, ASK(TOOLS), {STARTED, CALLED(0, 1, "f", "{}")}},
    {"call of a choice not asked for", CHAT, ASK(TOOLS), {STARTED, CALLED(1, 0, "f", "{}")}},
    {"call after its choice",
     CHAT,
     ASK(TOOLS ",\"n\":2"),
     {STARTED, CHOICE(0, STOP, 0), CALLED(0, 0, "f", "{}")}},
    {"arguments that are no JSON", CHAT, ASK(TOOLS), {STARTED, CALLED(0, 0, "f", "{\"a\":}")}},
    {"arguments that are no object", CHAT, ASK(TOOLS), {STARTED, CALLED(0, 0, "f", "[1]")}},
    {"arguments with more behind them", CHAT, ASK(TOOLS), {STARTED, CALLED(0, 0, "f", "{}{}")}},
    {"an end by a tool after a call that is cut",
     CHAT,
     ASK(TOOLS),
     {STARTED, TOKEN(0, "x"), CALLED(0, 0, "f", "{\"a"), CHOICE(0, TOOL, 1)}},
    {"text after a call that is cut",
     CHAT,
     ASK(TOOLS),
     {STARTED, CALLED(0, 0, "f", "{\"a"), TOKEN(0, "x")}},
    {"a call after one that is cut",
     CHAT,
     ASK(TOOLS),
     {STARTED, CALLED(0, 0, "f", "{\"a"), CALLED(0, 1, "f", "{}")}},
    {"end by a tool without a call",
     CHAT,
     ASK(TOOLS),
     {STARTED, TOKEN(0, "x"), CHOICE(0, TOOL, 1)}},
    {"a third choice of two", COMPLETION, PROMPT(",\"n\":2"), {STARTED, TOKEN(2, "x")}},
    {"done before the second choice",
     COMPLETION,
     PROMPT(",\"n\":2"),
     {STARTED, TOKEN(0, "x"), CHOICE(0, STOP, 1), DONE(STOP, 1)}},
    {"sum of the tokens",
     COMPLETION,
     PROMPT(",\"n\":2"),
     {STARTED, TOKEN(0, "x"), CHOICE(0, STOP, 1), CHOICE(1, STOP, 0), DONE(STOP, 2)}},
    {"not the highest finish",
     COMPLETION,
     PROMPT(",\"n\":2"),
     {STARTED, TOKEN(0, "x"), CHOICE(0, LENGTH, 1), CHOICE(1, STOP, 0), DONE(STOP, 1)}},
    {"logprobs unasked", COMPLETION, PROMPT(""), {STARTED, LIKELY(0, 1)}},
    {"no logprobs", COMPLETION, PROMPT(",\"logprobs\":1"), {STARTED, TOKEN(0, "x")}},
    {"more logprobs than asked for",
     COMPLETION,
     PROMPT(",\"logprobs\":1"),
     {STARTED, LIKELY(0, 3)}},
    {"logprobs of another token", COMPLETION, PROMPT(",\"logprobs\":1"), {STARTED, LIKELY(1, 1)}},
    {"logprobs that rise", COMPLETION, PROMPT(",\"logprobs\":5"), {STARTED, LIKELY(0, 5)}},
    {"logprobs beyond the vocabulary",
     COMPLETION,
     PROMPT(",\"logprobs\":3"),
     {STARTED, LIKELY(0, 4)}},
    {"a vector of a text", COMPLETION, PROMPT(""), {STARTED, VECTOR(0, 3)}},
    {"read before the start", COMPLETION, PROMPT(""), {READ(1)}},
    {"the whole prompt read", COMPLETION, PROMPT(""), {STARTED, READ(3)}},
    {"the same part read twice", COMPLETION, PROMPT(""), {STARTED, READ(1), READ(1)}},
    {"less read than before", COMPLETION, PROMPT(""), {STARTED, READ(2), READ(1)}},
    {"what was cached read again",
     COMPLETION,
     PROMPT(""),
     {{.kind = AVER_EVENT_STARTED, .prompt_ids = script_ids, .prompt_count = 3, .cached_count = 2},
      READ(2)}},
    {"read after a token", COMPLETION, PROMPT(""), {STARTED, TOKEN(0, "x"), READ(1)}},
    {"reading where nothing is read", TOKENIZE, CONTENT(""), {STARTED, READ(1)}},
    {"an empty text", TEMPLATE, ASK(""), {STARTED, SAID("")}},
    {"a text that is no answer", COMPLETION, PROMPT(""), {STARTED, SAID("x")}},
    {"pieces unasked", TOKENIZE, CONTENT(""), {STARTED, LIKELY(0, 1)}},
    {"pieces that are missing", TOKENIZE, CONTENT(",\"with_pieces\":true"), {STARTED, DONE_BARE}},
    {"pieces of other tokens", TOKENIZE, CONTENT(",\"with_pieces\":true"), {STARTED, LIKELY(0, 1)}},
    {"a digest of nothing", TOKENIZE, CONTENT(""), {STARTED, DONE(STOP, 0)}},
    {"tokens of nothing",
     TOKENIZE,
     CONTENT(""),
     {STARTED, {.kind = AVER_EVENT_DONE, .finish = AVER_FINISH_LENGTH}}},
};

static const script vector_breaches[] = {
    {"a vector too few", EMBEDDINGS, INPUTS(""), {STARTED, VECTOR(0, 3), DONE(STOP, 0)}},
    {"a vector too many",
     EMBEDDINGS,
     INPUTS(""),
     {STARTED, VECTOR(0, 3), VECTOR(1, 3), VECTOR(2, 3)}},
    {"vectors out of order", EMBEDDINGS, INPUTS(""), {STARTED, VECTOR(1, 3)}},
    {"the same vector twice", EMBEDDINGS, INPUTS(""), {STARTED, VECTOR(0, 3), VECTOR(0, 3)}},
    {"a vector of another size", EMBEDDINGS, INPUTS(""), {STARTED, VECTOR(0, 2)}},
    {"an empty vector", EMBEDDINGS, INPUTS(""), {STARTED, VECTOR(0, 0)}},
    {"a token of an embedding", EMBEDDINGS, INPUTS(""), {STARTED, TOKEN(0, "x")}},
    {"a choice of an embedding", EMBEDDINGS, INPUTS(""), {STARTED, CHOICE(0, STOP, 0)}},
    {"vectors without a digest",
     EMBEDDINGS,
     INPUTS(""),
     {STARTED, VECTOR(0, 3), VECTOR(1, 3), DONE_BARE}},
    {"an embedding cut short",
     EMBEDDINGS,
     INPUTS(""),
     {STARTED, VECTOR(0, 3), VECTOR(1, 3), DONE(LENGTH, 0)}},
    {"no prompt", EMBEDDINGS, INPUTS(""), {{.kind = AVER_EVENT_STARTED}}},
};

static void breaches_end_the_engine(const char *engine, const script *breaches, size_t count,
                                    const script *good)
{
    node_fixture node;
    node_session session;

    script_start(&node, engine);
    node_session_open(&session, &node, false);
    for (size_t i = 0; i < count; i++) {
        heard answer = script_ask(&session, &node, &breaches[i], true, false);

        if (answer.status != 500 || strcmp(answer.code, "engine_failed") != 0 ||
            answer.said.finish != AVER_FINISH_ERROR) {
            fail_msg("%s: status %u code %s", breaches[i].name, answer.status, answer.code);
        }
        json_decref(answer.json);
        answer = script_ask(&session, &node, good, true, false);
        assert_int_equal(answer.status, 200);
        json_decref(answer.json);
    }
    assert_int_equal(node_metric(&session, "aver_engine_restarts_total"), count);
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
}

static void what_an_engine_may_not_say_ends_it(void **state)
{
    (void)state;
    breaches_end_the_engine("aver-script-engine", script_breaches,
                            sizeof(script_breaches) / sizeof(script_breaches[0]), &two_calls);
}

/* What an engine gives as its reason is cut between two characters. */
static void a_long_reason_is_cut_at_a_character(void **state)
{
    static char reason[] = "0123456789012345678901234567890123456789012345678901234567890123456789"
                           "0123456789012345678901234567890123456789012345678901234567890123456789"
                           "0123456789012345678901234567890123456789012345678901234567890123456789"
                           "01234567890123456789012345678\xc3\xa9 and more";
    static const script refusal = {
        "a long reason",
        COMPLETION,
        PROMPT(""),
        {{.kind = AVER_EVENT_REFUSED, .text = {(const uint8_t *)reason, sizeof(reason) - 1}}}};
    node_fixture node;
    node_session session;

    (void)state;
    script_start(&node, "aver-script-engine");
    node_session_open(&session, &node, false);
    heard answer = script_ask(&session, &node, &refusal, true, false);
    assert_int_equal(answer.status, 400);
    const char *message = answer_text_at(answer.json, "error.message");
    assert_int_equal(strlen(message), 239);
    assert_memory_equal(message, reason, 239);
    json_decref(answer.json);
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
}

static const script two_vectors = {
    "two vectors", EMBEDDINGS, INPUTS(""), {STARTED, VECTOR(0, 3), VECTOR(1, 3), DONE(STOP, 0)}};

static void bad_vectors_end_the_engine(void **state)
{
    (void)state;
    breaches_end_the_engine("aver-vector-engine", vector_breaches,
                            sizeof(vector_breaches) / sizeof(vector_breaches[0]), &two_vectors);
}

static void vectors_reach_the_caller(void **state)
{
    static const script encoded = {"base64",
                                   EMBEDDINGS,
                                   INPUT(",\"encoding_format\":\"base64\",\"dimensions\":3"),
                                   {STARTED, VECTOR(0, 3), DONE(STOP, 0)}};
    node_fixture node;
    node_session session;
    node_answer got;
    char body[256];
    uint8_t bytes[12];
    aver_buf vector;

    (void)state;
    script_start(&node, "aver-vector-engine");
    node_session_open(&session, &node, false);
    heard answer = script_ask(&session, &node, &two_vectors, false, false);
    assert_string_equal(answer_text_at(answer.json, "object"), "list");
    assert_int_equal(json_array_size(answer_at(answer.json, "data")), 2);
    assert_int_equal(json_integer_value(answer_at(answer.json, "data.1.index")), 1);
    for (size_t i = 0; i < 3; i++) {
        const json_t *number = json_array_get(answer_at(answer.json, "data.1.embedding"), i);
        assert_true((float)json_number_value(number) == script_floats[i]);
    }
    assert_int_equal(json_integer_value(answer_at(answer.json, "usage.prompt_tokens")), 3);
    json_decref(answer.json);

    answer = script_ask(&session, &node, &encoded, true, false);
    aver_buf_init(&vector, sizeof(bytes));
    assert_int_equal(aver_base64_decode(
                         aver_view_text(answer_text_at(answer.json, "data.0.embedding")), &vector),
                     AVER_OK);
    assert_int_equal(vector.size, sizeof(script_floats));
    assert_memory_equal(vector.data, script_floats, sizeof(script_floats));
    aver_buf_deinit(&vector);
    json_decref(answer.json);

    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",\"input\":\"x\",\"dimensions\":4}",
                   node.model);
    node_question question = {.path = EMBEDDINGS, .body = body, .sealed = true};
    node_ask(&session, &question, &got);
    assert_int_equal(got.status, 400);
    assert_string_equal(got.param, "dimensions");
    node_answer_deinit(&got);
    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",\"prompt\":\"x\"}", node.model);
    question.path = COMPLETION;
    node_ask(&session, &question, &got);
    assert_int_equal(got.status, 400);
    assert_string_equal(got.param, "model");
    node_answer_deinit(&got);
    node_session_close(&session);
    assert_int_equal(node_fixture_stop(&node), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_reach_the_caller_whole),
        cmocka_unit_test(responses_have_calls_as_items),
        cmocka_unit_test(a_call_that_is_cut_is_an_item_that_is_incomplete),
        cmocka_unit_test(what_an_engine_may_not_say_ends_it),
        cmocka_unit_test(a_long_reason_is_cut_at_a_character),
        cmocka_unit_test(bad_vectors_end_the_engine),
        cmocka_unit_test(vectors_reach_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

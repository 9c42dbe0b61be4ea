/* SPDX-License-Identifier: Apache-2.0 */
/* A running node speaks the whole of OpenAI's interface: choices, logprobs, biases, responses,
 * tokens; sealed or not, streamed or whole, each answer with a receipt that holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json.h"
#include "codec/text.h"
#include "support/answer_json.h"
#include "support/made_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAT       "/v1/chat/completions"
#define COMPLETION "/v1/completions"
#define RESPONSES  "/v1/responses"
#define EMBEDDINGS "/v1/embeddings"
#define JSON_MAX   (8u << 20)

static node_fixture node;
static made_models made;

/* A model of random weights that gives vectors, beside the one that tells stories. */
static int surface_setup(void **state)
{
    char path[MADE_MODEL_PATH_BYTES], option[MADE_MODEL_PATH_BYTES + 16];

    (void)state;
    made_models_init(&made);
    made_models_bert(&made, "vectors", 7, path);
    (void)snprintf(option, sizeof(option), "%s,name=vectors", path);
    node_fixture_start(&node, (const char *const[]){"--model", option, NULL});
    return 0;
}

static int surface_teardown(void **state)
{
    (void)state;
    made_models_deinit(&made);
    return node_fixture_stop(&node) == 0 ? 0 : -1;
}

/* One good answer: checked, its tokens fetched and checked too. */
typedef struct surface_answer {
    aver_receipt said;
    aver_tokens tokens;
    json_t *json; /* of a whole answer; of a stream the array of its events */
    char names[ANSWER_JSON_NAMES_BYTES]; /* of the events, each with a space behind it */
    bool done;
} surface_answer;

/* pattern: the members of the body behind the model. */
static surface_answer surface_ask(const char *path, const char *members, bool sealed)
{
    char body[4096];
    node_question question = {.path = path, .body = body, .sealed = sealed};
    surface_answer answer = {.json = NULL};
    node_session session;
    node_answer got;

    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",%s}",
                   strcmp(path, EMBEDDINGS) == 0 ? "vectors" : node.model, members);
    node_session_open(&session, &node, false);
    node_ask(&session, &question, &got);
    if (got.status != 200) {
        fail_msg("%s %s: %u %s %s", path, body, got.status, got.code, got.param);
    }
    assert_true(node_answer_check(&session, &question, &got));
    answer.said = got.said;
    answer.done = got.done;
    answer.json = answer_json(&got, answer.names);
    assert_true(node_fetch_receipt(&session, answer.said.receipt_id, &got));
    assert_true(node_answer_check(&session, &question, &got));
    assert_int_equal(aver_tokens_decode(aver_buf_view(&got.tokens), &answer.tokens), AVER_OK);
    assert_int_equal(answer.tokens.prompt_count, answer.said.prompt_tokens);
    assert_int_equal(aver_tokens_generated(&answer.tokens), answer.said.generated_tokens);
    node_answer_deinit(&got);
    node_session_close(&session);
    return answer;
}

static void surface_free(surface_answer *answer)
{
    json_decref(answer->json);
    aver_tokens_deinit(&answer->tokens);
}

static json_int_t number_at(const json_t *json, const char *path)
{
    return json_integer_value(answer_at(json, path));
}

/* Joins what the events of a stream say of one choice. member: "text" or "delta.content". */
static void stream_text(const json_t *events, json_int_t choice, const char *member, char *ret_text,
                        size_t size)
{
    ret_text[0] = '\0';
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *one = answer_at(json_array_get(events, i), "choices.0");
        size_t used = strlen(ret_text);

        if (one != NULL && number_at(one, "index") == choice) {
            (void)snprintf(ret_text + used, size - used, "%s", answer_text_at(one, member));
        }
    }
}

/* Choices draw apart from each other, and the same ones whole and streamed, sealed and not. */
static void choices_are_several_answers(void **state)
{
    static const char members[] =
        "\"prompt\":\"The little dog\",\"n\":3,\"max_tokens\":24,\"seed\":11,\"temperature\":1.5";
    char streamed[sizeof(members) + 32], text[4096];

    (void)state;
    (void)snprintf(streamed, sizeof(streamed), "%s,\"stream\":true", members);
    surface_answer whole = surface_ask(COMPLETION, members, true);
    surface_answer events = surface_ask(COMPLETION, streamed, false);
    assert_int_equal(json_array_size(answer_at(whole.json, "choices")), 3);
    assert_int_equal(whole.tokens.choices_count, 3);
    assert_true(events.done);
    assert_string_not_equal(answer_text_at(whole.json, "choices.0.text"),
                            answer_text_at(whole.json, "choices.1.text"));
    assert_string_not_equal(answer_text_at(whole.json, "choices.1.text"),
                            answer_text_at(whole.json, "choices.2.text"));
    for (unsigned i = 0; i < 3; i++) {
        char path[32];

        (void)snprintf(path, sizeof(path), "choices.%u.text", i);
        stream_text(events.json, i, "text", text, sizeof(text));
        assert_string_equal(text, answer_text_at(whole.json, path));
        assert_true(whole.tokens.counts[i] > 0 && whole.tokens.counts[i] <= 24);
        assert_int_equal(whole.tokens.counts[i], events.tokens.counts[i]);
    }
    assert_int_equal(number_at(whole.json, "usage.completion_tokens"),
                     aver_tokens_generated(&whole.tokens));
    assert_memory_equal(whole.said.step_digest, events.said.step_digest, 32);
    surface_free(&whole);
    surface_free(&events);
}

/* The first of several is the answer that comes alone. */
static void the_first_choice_is_the_only_one(void **state)
{
    (void)state;
    surface_answer one = surface_ask(
        CHAT,
        "\"messages\":[{\"role\":\"user\",\"content\":\"One day\"}],\"max_tokens\":8,\"seed\":3",
        false);
    surface_answer two = surface_ask(CHAT,
                                     "\"messages\":[{\"role\":\"user\",\"content\":\"One day\"}],"
                                     "\"max_tokens\":8,\"seed\":3,\"n\":2",
                                     true);
    assert_string_equal(answer_text_at(one.json, "choices.0.message.content"),
                        answer_text_at(two.json, "choices.0.message.content"));
    surface_free(&one);
    surface_free(&two);
}

static void logprobs_fall_and_are_probabilities(void **state)
{
    (void)state;
    surface_answer answer = surface_ask(CHAT,
                                        "\"messages\":[{\"role\":\"user\",\"content\":\"Once\"}],"
                                        "\"max_tokens\":5,\"temperature\":0,\"logprobs\":true,"
                                        "\"top_logprobs\":20",
                                        true);
    const json_t *steps = answer_at(answer.json, "choices.0.logprobs.content");
    assert_int_equal(json_array_size(steps), answer.said.generated_tokens);
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        const json_t *top = answer_at(step, "top_logprobs");
        double sum = 0, last = 0;

        assert_int_equal(json_array_size(top), 20);
        for (size_t j = 0; j < 20; j++) {
            double logprob = json_number_value(answer_at(json_array_get(top, j), "logprob"));

            assert_true(logprob <= last);
            last = logprob;
            sum += exp(logprob);
        }
        assert_true(sum > 0 && sum <= 1.0001);
        /* Temperature 0 takes the likeliest. */
        assert_string_equal(answer_text_at(step, "token"), answer_text_at(top, "0.token"));
        assert_true(json_number_value(answer_at(step, "logprob")) ==
                    json_number_value(answer_at(top, "0.logprob")));
    }
    surface_free(&answer);
}

static void completions_have_logprobs_in_columns(void **state)
{
    static const char members[] =
        "\"prompt\":\"Once upon\",\"max_tokens\":6,\"temperature\":0,\"logprobs\":2";
    char streamed[sizeof(members) + 32];

    (void)state;
    (void)snprintf(streamed, sizeof(streamed), "%s,\"stream\":true", members);
    surface_answer whole = surface_ask(COMPLETION, members, false);
    surface_answer events = surface_ask(COMPLETION, streamed, true);
    const json_t *columns = answer_at(whole.json, "choices.0.logprobs");
    size_t step = 0;
    assert_int_equal(json_array_size(answer_at(columns, "tokens")), 6);
    assert_int_equal(json_array_size(answer_at(columns, "text_offset")), 6);
    assert_int_equal(json_object_size(answer_at(columns, "top_logprobs.5")), 2);
    for (size_t i = 0; i < json_array_size(events.json); i++) {
        const json_t *mine = answer_at(json_array_get(events.json, i), "choices.0.logprobs");

        if (json_is_object(mine)) {
            assert_string_equal(
                answer_text_at(mine, "tokens.0"),
                json_string_value(json_array_get(answer_at(columns, "tokens"), step)));
            assert_int_equal(
                number_at(mine, "text_offset.0"),
                json_integer_value(json_array_get(answer_at(columns, "text_offset"), step)));
            step++;
        }
    }
    assert_int_equal(step, 6);
    surface_free(&whole);
    surface_free(&events);
}

/* What is forbidden is not said; what is made certain is all that is said. */
static void biases_bind(void **state)
{
    char members[256];

    (void)state;
    surface_answer free_one = surface_ask(
        COMPLETION, "\"prompt\":\"Once upon a\",\"max_tokens\":1,\"temperature\":0", false);
    int32_t token = free_one.tokens.ids[free_one.tokens.prompt_count];
    (void)snprintf(members, sizeof(members),
                   "\"prompt\":\"Once upon a\",\"max_tokens\":4,\"temperature\":0,"
                   "\"logit_bias\":{\"%d\":-100}",
                   token);
    surface_answer forbidden = surface_ask(COMPLETION, members, true);
    for (size_t i = 0; i < forbidden.tokens.counts[0]; i++) {
        assert_int_not_equal(forbidden.tokens.ids[forbidden.tokens.prompt_count + i], token);
    }
    (void)snprintf(members, sizeof(members),
                   "\"prompt\":\"Once upon a\",\"max_tokens\":4,\"temperature\":0,"
                   "\"logit_bias\":{\"%d\":100}",
                   token);
    surface_answer forced = surface_ask(COMPLETION, members, true);
    assert_int_equal(forced.tokens.counts[0], 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(forced.tokens.ids[forced.tokens.prompt_count + i], token);
    }
    surface_free(&free_one);
    surface_free(&forbidden);
    surface_free(&forced);
}

/* The same words by two paths: the same answer. */
static void responses_say_what_chat_says(void **state)
{
    static const char input[] =
        "\"input\":\"Once upon a time\",\"max_output_tokens\":12,\"seed\":5";
    char streamed[sizeof(input) + 32];

    (void)state;
    (void)snprintf(streamed, sizeof(streamed), "%s,\"stream\":true", input);
    surface_answer chat = surface_ask(CHAT,
                                      "\"messages\":[{\"role\":\"user\",\"content\":\"Once upon a "
                                      "time\"}],\"max_tokens\":12,\"seed\":5",
                                      false);
    for (unsigned way = 0; way < 4; way++) {
        surface_answer answer =
            surface_ask(RESPONSES, (way & 1) != 0 ? streamed : input, (way & 2) != 0);
        size_t last = json_array_size(answer.json) - 1;
        const json_t *response =
            (way & 1) != 0 ? answer_at(json_array_get(answer.json, last), "response") : answer.json;

        assert_false(answer.done);
        assert_string_equal(answer_text_at(response, "status"), "incomplete");
        assert_string_equal(answer_text_at(response, "output.0.content.0.text"),
                            answer_text_at(chat.json, "choices.0.message.content"));
        assert_int_equal(number_at(response, "usage.output_tokens"), 12);
        assert_memory_equal(answer.said.step_digest, chat.said.step_digest, 32);
        if ((way & 1) != 0) {
            assert_non_null(strstr(answer.names, "response.created response.in_progress "
                                                 "response.output_item.added "));
            assert_string_equal(answer.names + strlen(answer.names) - 20, "response.incomplete ");
        }
        surface_free(&answer);
    }
    surface_free(&chat);
}

static void usage_comes_last_where_it_is_asked_for(void **state)
{
    (void)state;
    surface_answer answer = surface_ask(CHAT,
                                        "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
                                        "\"max_tokens\":3,\"n\":2,\"stream\":true,"
                                        "\"stream_options\":{\"include_usage\":true}",
                                        true);
    size_t count = json_array_size(answer.json);
    const json_t *last = json_array_get(answer.json, count - 1);
    unsigned finishes = 0;
    for (size_t i = 0; i + 1 < count; i++) {
        const json_t *event = json_array_get(answer.json, i);

        assert_true(json_is_null(answer_at(event, "usage")));
        finishes += json_is_string(answer_at(event, "choices.0.finish_reason")) ? 1 : 0;
    }
    assert_int_equal(finishes, 2);
    assert_int_equal(json_array_size(answer_at(last, "choices")), 0);
    assert_int_equal(number_at(last, "usage.completion_tokens"), answer.said.generated_tokens);
    surface_free(&answer);
}

/* A prompt is remembered for whoever named the same key, and for nobody else. */
static void prompts_are_remembered_by_key(void **state)
{
    static const char pattern[] =
        "\"prompt\":\"A long prompt that is worth remembering: there was a little girl who went "
        "into the wood to look for a rabbit, and found a fox that could speak and sing\","
        "\"max_tokens\":2,\"temperature\":0%s%s%s";
    static const struct {
        const char *key;
        bool remembered;
    } asks[] = {{"", false}, {"", false}, {"mine", false}, {"mine", true}, {"other", false}};
    char members[512], first[64] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        bool keyed = asks[i].key[0] != '\0';

        (void)snprintf(members, sizeof(members), pattern, keyed ? ",\"prompt_cache_key\":\"" : "",
                       asks[i].key, keyed ? "\"" : "");
        surface_answer answer = surface_ask(COMPLETION, members, true);
        json_int_t cached = number_at(answer.json, "usage.prompt_tokens_details.cached_tokens");
        if ((cached > 0) != asks[i].remembered) {
            fail_msg("ask %zu: %lld tokens remembered", i, (long long)cached);
        }
        if (i == 0) {
            (void)snprintf(first, sizeof(first), "%s",
                           answer_text_at(answer.json, "choices.0.text"));
        }
        assert_string_equal(answer_text_at(answer.json, "choices.0.text"), first);
        surface_free(&answer);
    }
}

static void tokens_go_and_come_back(void **state)
{
    char members[512];

    (void)state;
    surface_answer tokens =
        surface_ask("/tokenize", "\"content\":\" Once upon a \xc3\xa9 time\"", true);
    surface_answer pieces = surface_ask(
        "/tokenize", "\"content\":\" Once upon a \xc3\xa9 time\",\"with_pieces\":true", false);
    const json_t *ids = answer_at(tokens.json, "tokens");
    assert_true(json_array_size(ids) > 3);
    assert_int_equal(json_array_size(answer_at(pieces.json, "tokens")), json_array_size(ids));
    assert_int_equal(number_at(pieces.json, "tokens.0.id"), number_at(tokens.json, "tokens.0"));
    char *list = json_dumps(ids, JSON_COMPACT);
    assert_non_null(list);
    (void)snprintf(members, sizeof(members), "\"tokens\":%s", list);
    free(list);
    surface_answer text = surface_ask("/detokenize", members, true);
    assert_non_null(strstr(answer_text_at(text.json, "content"), "Once upon a \xc3\xa9 time"));
    surface_answer prompt = surface_ask("/apply-template",
                                        "\"messages\":[{\"role\":\"user\",\"content\":\"A\"},{"
                                        "\"role\":\"user\",\"content\":\"B\"}]",
                                        false);
    assert_string_equal(answer_text_at(prompt.json, "prompt"), "A\nB");
    assert_false(prompt.said.has_step_digest);
    assert_int_equal(prompt.said.finish, AVER_FINISH_STOP);
    surface_free(&tokens);
    surface_free(&pieces);
    surface_free(&text);
    surface_free(&prompt);
}

/* The ids of a text are the same prompt as the text. */
static void a_prompt_may_be_its_token_ids(void **state)
{
    char members[1024] = "\"max_tokens\":8,\"seed\":7,\"n\":2,\"prompt\":[";
    node_question question = {.path = COMPLETION, .body = members};
    node_session session;
    node_answer got;

    (void)state;
    surface_answer text = surface_ask(
        COMPLETION, "\"max_tokens\":8,\"seed\":7,\"n\":2,\"prompt\":\"Once upon a time\"", true);
    for (size_t i = 0; i < text.tokens.prompt_count; i++) {
        size_t used = strlen(members);

        (void)snprintf(members + used, sizeof(members) - used, "%d%s", (int)text.tokens.ids[i],
                       i + 1 < text.tokens.prompt_count ? "," : "]");
    }
    surface_answer ids = surface_ask(COMPLETION, members, true);
    assert_int_equal(ids.tokens.prompt_count, text.tokens.prompt_count);
    assert_memory_equal(ids.tokens.ids, text.tokens.ids,
                        text.tokens.prompt_count * sizeof(*text.tokens.ids));
    assert_memory_equal(ids.said.step_digest, text.said.step_digest, 32);
    assert_string_equal(answer_text_at(ids.json, "choices.1.text"),
                        answer_text_at(text.json, "choices.1.text"));
    surface_free(&ids);
    surface_free(&text);

    (void)snprintf(members, sizeof(members), "{\"model\":\"%s\",\"prompt\":[1,2000000000]}",
                   node.model);
    node_session_open(&session, &node, false);
    node_ask(&session, &question, &got);
    assert_int_equal(got.status, 400);
    assert_string_equal(got.code, "invalid_value");
    assert_string_equal(got.param, "prompt");
    node_answer_deinit(&got);
    node_session_close(&session);
}

/* The form is forced: a model that knows stories only fills it in. */
static void a_schema_is_kept_to(void **state)
{
    static const char pattern[] =
        "\"messages\":[{\"role\":\"user\",\"content\":\"Once\"}],\"max_tokens\":150,"
        "\"temperature\":0,\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
        "\"answer\",\"strict\":true,\"schema\":{\"type\":\"object\",\"properties\":{\"z\":{"
        "\"enum\":["
        "\"red\",\"blue\"]},\"a\":{\"type\":\"boolean\"}},\"required\":[\"z\",\"a\"],"
        "\"additionalProperties\":false}}}%s";
    char members[1024], text[4096];
    json_t *json = NULL;

    (void)state;
    for (unsigned way = 0; way < 2; way++) {
        (void)snprintf(members, sizeof(members), pattern, way == 1 ? ",\"stream\":true" : "");
        surface_answer answer = surface_ask(CHAT, members, way == 0);
        if (way == 0) {
            (void)snprintf(text, sizeof(text), "%s",
                           answer_text_at(answer.json, "choices.0.message.content"));
        } else {
            stream_text(answer.json, 0, "delta.content", text, sizeof(text));
        }
        assert_int_equal(answer.said.finish, AVER_FINISH_STOP);
        assert_int_equal(aver_json_parse(aver_view_text(text), JSON_MAX, &json, NULL), AVER_OK);
        assert_int_equal(json_object_size(json), 2);
        assert_true(strcmp(answer_text_at(json, "z"), "red") == 0 ||
                    strcmp(answer_text_at(json, "z"), "blue") == 0);
        assert_true(json_is_boolean(answer_at(json, "a")));
        json_decref(json);
        surface_free(&answer);
    }
}

static void a_call_can_be_forced(void **state)
{
    static const char pattern[] =
        "\"%s,\"max_%stokens\":150,\"temperature\":0,\"parallel_tool_calls\":false,"
        "\"tool_choice\":\"required\",\"tools\":[{\"type\":\"function\",%s\"name\":\"paint\","
        "\"parameters\":{\"type\":\"object\",\"properties\":{\"colour\":{\"enum\":[\"red\","
        "\"blue\"]}},\"required\":[\"colour\"],\"additionalProperties\":false}%s}]";
    char members[1024];
    json_t *json = NULL;

    (void)state;
    for (unsigned way = 0; way < 2; way++) {
        (void)snprintf(members, sizeof(members), pattern,
                       way == 0 ? "messages\":[{\"role\":\"user\",\"content\":\"Paint\"}]"
                                : "input\":\"Paint\"",
                       way == 0 ? "" : "output_", way == 0 ? "\"function\":{" : "",
                       way == 0 ? "}" : "");
        surface_answer answer = surface_ask(way == 0 ? CHAT : RESPONSES, members, true);
        const json_t *call = way == 0
                                 ? answer_at(answer.json, "choices.0.message.tool_calls.0.function")
                                 : answer_at(answer.json, "output.0");
        assert_int_equal(answer.said.finish, AVER_FINISH_TOOL);
        assert_string_equal(answer_text_at(call, "name"), "paint");
        assert_int_equal(aver_json_parse(aver_view_text(answer_text_at(call, "arguments")),
                                         JSON_MAX, &json, NULL),
                         AVER_OK);
        assert_true(strcmp(answer_text_at(json, "colour"), "red") == 0 ||
                    strcmp(answer_text_at(json, "colour"), "blue") == 0);
        json_decref(json);
        surface_free(&answer);
    }
}

/* A text has its vector, alone or in company, sealed or not, in either encoding. */
static void vectors_are_those_of_their_texts(void **state)
{
    aver_buf bytes;

    (void)state;
    surface_answer both =
        surface_ask(EMBEDDINGS, "\"input\":[\"a red fox\",\"the blue sea\"]", true);
    surface_answer one = surface_ask(EMBEDDINGS, "\"input\":\"the blue sea\"", false);
    surface_answer encoded =
        surface_ask(EMBEDDINGS, "\"input\":\"the blue sea\",\"encoding_format\":\"base64\"", true);
    const json_t *vector = answer_at(one.json, "data.0.embedding");
    assert_int_equal(json_array_size(vector), 64);
    assert_true(json_equal(vector, answer_at(both.json, "data.1.embedding")));
    assert_false(json_equal(vector, answer_at(both.json, "data.0.embedding")));
    aver_buf_init(&bytes, 4096);
    assert_int_equal(aver_base64_decode(
                         aver_view_text(answer_text_at(encoded.json, "data.0.embedding")), &bytes),
                     AVER_OK);
    assert_int_equal(bytes.size, 64 * sizeof(float));
    for (size_t i = 0; i < 64; i++) {
        float number;

        memcpy(&number, bytes.data + 4 * i, sizeof(number));
        assert_true(number == (float)json_number_value(json_array_get(vector, i)));
    }
    aver_buf_deinit(&bytes);
    assert_memory_equal(one.said.step_digest, encoded.said.step_digest, 32);
    assert_true(both.said.prompt_tokens > one.said.prompt_tokens);
    assert_int_equal(both.said.generated_tokens, 0);
    assert_string_equal(answer_text_at(both.json, "model"), "vectors");
    surface_free(&both);
    surface_free(&one);
    surface_free(&encoded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_are_several_answers),
        cmocka_unit_test(the_first_choice_is_the_only_one),
        cmocka_unit_test(logprobs_fall_and_are_probabilities),
        cmocka_unit_test(completions_have_logprobs_in_columns),
        cmocka_unit_test(biases_bind),
        cmocka_unit_test(responses_say_what_chat_says),
        cmocka_unit_test(usage_comes_last_where_it_is_asked_for),
        cmocka_unit_test(prompts_are_remembered_by_key),
        cmocka_unit_test(tokens_go_and_come_back),
        cmocka_unit_test(a_prompt_may_be_its_token_ids),
        cmocka_unit_test(a_schema_is_kept_to),
        cmocka_unit_test(a_call_can_be_forced),
        cmocka_unit_test(vectors_are_those_of_their_texts),
    };
    return cmocka_run_group_tests(tests, surface_setup, surface_teardown);
}

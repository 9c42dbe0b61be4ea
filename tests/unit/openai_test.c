/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json.h"
#include "node/bodies.h"
#include "node/logprobs.h"
#include "node/openai.h"

#include <string.h>

static aver_openai_options openai_options(aver_endpoint endpoint, bool usage)
{
    return (aver_openai_options){.endpoint = endpoint,
                                 .model = "a \"quoted\" model",
                                 .fingerprint = "aver-0",
                                 .created_s = 1700000000,
                                 .include_usage = usage,
                                 .id = {1, 2, 3}};
}

/* The JSON of the one event in out, which must be "data: {...}\n\n" without another line end. */
static json_t *openai_event(const aver_buf *out)
{
    json_t *json;
    aver_view view = aver_buf_view(out);

    assert_true(view.size > 8);
    assert_memory_equal(view.data, "data: ", 6);
    assert_memory_equal(view.data + view.size - 2, "\n\n", 2);
    view = aver_view_slice(view, 6, view.size - 8);
    assert_null(memchr(view.data, '\n', view.size));
    assert_int_equal(aver_json_parse(view, 1 << 20, &json, NULL), AVER_OK);
    assert_string_equal(json_string_value(json_object_get(json, "model")), "a \"quoted\" model");
    return json;
}

static const json_t *openai_choice(const json_t *json)
{
    return json_array_get(json_object_get(json, "choices"), 0);
}

typedef struct openai_run {
    aver_openai openai;
    aver_buf out;
    uint64_t characters;
} openai_run;

static void run_open(openai_run *run, aver_endpoint endpoint, bool usage)
{
    aver_openai_options options = openai_options(endpoint, usage);

    *run = (openai_run){.characters = 0};
    aver_buf_init(&run->out, 1 << 20);
    assert_int_equal(aver_openai_init(&run->openai, &options), AVER_OK);
}

static void run_close(openai_run *run)
{
    aver_openai_deinit(&run->openai);
    aver_buf_deinit(&run->out);
}

/* The event that was written last. */
static json_t *run_event(openai_run *run)
{
    json_t *json = openai_event(&run->out);

    aver_buf_clear(&run->out);
    return json;
}

static const char *text_at(const json_t *json, const char *first, const char *second)
{
    const json_t *at = json_object_get(json, first);

    return json_string_value(second != NULL ? json_object_get(at, second) : at);
}

static const aver_logprob openai_step[] = {
    {7, -1500000, {(const uint8_t *)"\xc3\xa9", sizeof("\xc3\xa9") - 1}},
    {9, -250001, {(const uint8_t *)"\xff", sizeof("\xff") - 1}},
    {8, -2000000000, {(const uint8_t *)"\xfe", sizeof("\xfe") - 1}},
};

static void chat_events_have_openais_form(void **state)
{
    openai_run run;
    json_t *json;

    (void)state;
    run_open(&run, AVER_ENDPOINT_CHAT, true);
    aver_openai_put_role(&run.openai, 2, &run.out);
    json = run_event(&run);
    assert_string_equal(text_at(json, "object", NULL), "chat.completion.chunk");
    assert_string_equal(text_at(openai_choice(json), "delta", "role"), "assistant");
    assert_int_equal(json_integer_value(json_object_get(openai_choice(json), "index")), 2);
    json_decref(json);
    aver_openai_put_piece(
        &run.openai,
        &(aver_openai_piece){.text = AVER_VIEW_LITERAL("line\nend \"x\" \x01 \xc3\xa9")},
        &run.characters, &run.out);
    json = run_event(&run);
    assert_string_equal(text_at(openai_choice(json), "delta", "content"),
                        "line\nend \"x\" \x01 \xc3\xa9");
    assert_true(json_is_null(json_object_get(json, "usage")));
    assert_true(json_is_null(json_object_get(openai_choice(json), "logprobs")));
    json_decref(json);
    aver_openai_put_finish(&run.openai, 1, AVER_FINISH_LENGTH, &run.out);
    json = run_event(&run);
    assert_string_equal(text_at(openai_choice(json), "finish_reason", NULL), "length");
    json_decref(json);
    aver_openai_put_usage(
        &run.openai, &(aver_usage){.prompt_tokens = 3, .cached_tokens = 2, .generated_tokens = 4},
        &run.out);
    json = run_event(&run);
    const json_t *usage = json_object_get(json, "usage");
    assert_int_equal(json_array_size(json_object_get(json, "choices")), 0);
    assert_int_equal(json_integer_value(json_object_get(usage, "total_tokens")), 7);
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(usage, "prompt_tokens_details"), "cached_tokens")),
                     2);
    json_decref(json);
    run_close(&run);
}

static void calls_have_openais_form(void **state)
{
    aver_openai_call call = {.choice = 1,
                             .index = 3,
                             .id = "call_0123456789abcdef01234567",
                             .name = AVER_VIEW_LITERAL("get_weather"),
                             .arguments = AVER_VIEW_LITERAL("{\"city\":\"Os\\nlo\"}")};
    openai_run run;

    (void)state;
    run_open(&run, AVER_ENDPOINT_CHAT, false);
    aver_openai_put_call(&run.openai, &call, &run.out);
    json_t *json = run_event(&run);
    const json_t *delta = json_object_get(openai_choice(json), "delta");
    const json_t *said = json_array_get(json_object_get(delta, "tool_calls"), 0);
    assert_int_equal(json_integer_value(json_object_get(said, "index")), 3);
    assert_string_equal(text_at(said, "id", NULL), "call_0123456789abcdef01234567");
    assert_string_equal(text_at(said, "type", NULL), "function");
    assert_string_equal(text_at(said, "function", "name"), "get_weather");
    assert_string_equal(text_at(said, "function", "arguments"), "{\"city\":\"Os\\nlo\"}");
    json_decref(json);
    run_close(&run);
}

static void chat_logprobs_have_openais_form(void **state)
{
    openai_run run;

    (void)state;
    run_open(&run, AVER_ENDPOINT_CHAT, false);
    aver_openai_put_piece(&run.openai,
                          &(aver_openai_piece){.logprobs = openai_step, .logprobs_count = 3},
                          &run.characters, &run.out);
    json_t *json = run_event(&run);
    const json_t *logprobs = json_object_get(openai_choice(json), "logprobs");
    const json_t *step = json_array_get(json_object_get(logprobs, "content"), 0);
    assert_string_equal(text_at(step, "token", NULL), "\xc3\xa9");
    assert_true(json_real_value(json_object_get(step, "logprob")) == -1.5);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(step, "bytes"), 1)), 0xa9);
    const json_t *top = json_object_get(step, "top_logprobs");
    assert_int_equal(json_array_size(top), 2);
    assert_string_equal(text_at(json_array_get(top, 0), "token", NULL), "\xef\xbf\xbd");
    assert_true(json_real_value(json_object_get(json_array_get(top, 0), "logprob")) == -0.250001);
    assert_int_equal(
        json_integer_value(json_array_get(json_object_get(json_array_get(top, 1), "bytes"), 0)),
        0xfe);
    assert_true(json_real_value(json_object_get(json_array_get(top, 1), "logprob")) == -2000.0);
    json_decref(json);
    run_close(&run);
}

/* Offsets go on from event to event; candidates of one text appear once. */
static void completion_logprobs_have_openais_form(void **state)
{
    openai_run run;

    (void)state;
    run_open(&run, AVER_ENDPOINT_COMPLETION, false);
    for (int64_t i = 0; i < 2; i++) {
        aver_openai_put_piece(&run.openai,
                              &(aver_openai_piece){.text = AVER_VIEW_LITERAL("\xc3\xa9"),
                                                   .logprobs = openai_step,
                                                   .logprobs_count = 3},
                              &run.characters, &run.out);
        json_t *json = run_event(&run);
        const json_t *logprobs = json_object_get(openai_choice(json), "logprobs");
        const json_t *top = json_array_get(json_object_get(logprobs, "top_logprobs"), 0);
        assert_string_equal(
            json_string_value(json_array_get(json_object_get(logprobs, "tokens"), 0)), "\xc3\xa9");
        assert_true(json_real_value(
                        json_array_get(json_object_get(logprobs, "token_logprobs"), 0)) == -1.5);
        assert_int_equal(
            json_integer_value(json_array_get(json_object_get(logprobs, "text_offset"), 0)), i);
        assert_int_equal(json_object_size(top), 2);
        assert_true(json_real_value(json_object_get(top, "\xef\xbf\xbd")) == -0.250001);
        json_decref(json);
    }
    run_close(&run);
}

static void whole_bodies_have_openais_form(void **state)
{
    static const aver_endpoint endpoints[] = {AVER_ENDPOINT_CHAT, AVER_ENDPOINT_COMPLETION};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        aver_choice choices[2];
        openai_run run;
        json_t *json;

        run_open(&run, endpoints[i], false);
        for (size_t j = 0; j < 2; j++) {
            aver_choice_init(&choices[j], 1 << 16);
            aver_buf_append_text(&choices[j].text, j == 0 ? "text" : "other");
            aver_logprobs_store(&choices[j].logprobs, openai_step, 3);
            aver_logprobs_store(&choices[j].logprobs, openai_step, 1);
            choices[j].finish = j == 0 ? AVER_FINISH_STOP : AVER_FINISH_LENGTH;
        }
        aver_openai_put_whole(&run.openai, choices, 2, true,
                              &(aver_usage){.prompt_tokens = 5, .generated_tokens = 6}, &run.out);
        assert_int_equal(aver_json_parse(aver_buf_view(&run.out), 1 << 20, &json, NULL), AVER_OK);
        const json_t *second = json_array_get(json_object_get(json, "choices"), 1);
        const json_t *logprobs = json_object_get(second, "logprobs");
        assert_string_equal(i == 0 ? text_at(second, "message", "content")
                                   : text_at(second, "text", NULL),
                            "other");
        assert_string_equal(text_at(openai_choice(json), "finish_reason", NULL), "stop");
        assert_string_equal(text_at(second, "finish_reason", NULL), "length");
        assert_int_equal(json_array_size(json_object_get(logprobs, i == 0 ? "content" : "tokens")),
                         2);
        assert_string_equal(text_at(json, "object", NULL),
                            i == 0 ? "chat.completion" : "text_completion");
        assert_int_equal(json_integer_value(
                             json_object_get(json_object_get(json, "usage"), "completion_tokens")),
                         6);
        json_decref(json);
        for (size_t j = 0; j < 2; j++) {
            aver_choice_deinit(&choices[j]);
        }
        run_close(&run);
    }
}

/* Whoever only called tools said nothing: null, not an empty text. */
static void a_whole_body_has_its_calls(void **state)
{
    aver_openai_call call = {
        .id = "call_a", .name = AVER_VIEW_LITERAL("f"), .arguments = AVER_VIEW_LITERAL("{}")};
    aver_choice choice;
    openai_run run;
    json_t *json;

    (void)state;
    run_open(&run, AVER_ENDPOINT_CHAT, false);
    aver_choice_init(&choice, 1 << 16);
    aver_openai_put_call_item(&call, &choice.calls);
    aver_openai_put_call_item(&call, &choice.calls);
    choice.calls_count = 2;
    choice.finish = AVER_FINISH_TOOL;
    aver_openai_put_whole(&run.openai, &choice, 1, false, &(aver_usage){0}, &run.out);
    assert_int_equal(aver_json_parse(aver_buf_view(&run.out), 1 << 20, &json, NULL), AVER_OK);
    const json_t *message = json_object_get(openai_choice(json), "message");
    assert_true(json_is_null(json_object_get(message, "content")));
    assert_int_equal(json_array_size(json_object_get(message, "tool_calls")), 2);
    assert_string_equal(text_at(openai_choice(json), "finish_reason", NULL), "tool_calls");
    assert_true(json_is_null(json_object_get(openai_choice(json), "logprobs")));
    json_decref(json);
    aver_choice_deinit(&choice);
    run_close(&run);
}

/* The longest numbers that a vector may hold, against what is refused beforehand. */
static void the_bound_of_vectors_is_one(void **state)
{
    enum { SIZE = 512, INPUTS = 3 };
    float vector[SIZE];
    aver_buf vectors, out;

    (void)state;
    for (size_t i = 0; i < SIZE; i++) {
        vector[i] = -1.23456789e-38f * 1.0000001f;
    }
    for (int base64 = 0; base64 <= 1; base64++) {
        aver_buf_init(&vectors, 1 << 20);
        aver_buf_init(&out, 1 << 20);
        for (uint32_t i = 0; i < INPUTS; i++) {
            aver_bodies_put_vector(2045 + i, vector, SIZE, base64 != 0, &vectors);
        }
        aver_bodies_put_embeddings(aver_buf_view(&vectors), "m", UINT64_MAX, &out);
        uint64_t most = aver_bodies_embeddings_bytes_max(INPUTS, SIZE, base64 != 0);
        assert_int_equal(aver_buf_status(&out), AVER_OK);
        assert_true(out.size <= most && most < out.size + 5000);
        aver_buf_deinit(&vectors);
        aver_buf_deinit(&out);
    }
    assert_true(aver_bodies_embeddings_bytes_max(2048, 4096, false) > 32u << 20);
    assert_true(aver_bodies_embeddings_bytes_max(2048, 2048, true) < 32u << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chat_events_have_openais_form),
        cmocka_unit_test(calls_have_openais_form),
        cmocka_unit_test(chat_logprobs_have_openais_form),
        cmocka_unit_test(completion_logprobs_have_openais_form),
        cmocka_unit_test(whole_bodies_have_openais_form),
        cmocka_unit_test(a_whole_body_has_its_calls),
        cmocka_unit_test(the_bound_of_vectors_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json.h"
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

static void test_chat_events(void **state)
{
    aver_openai_options options = openai_options(AVER_ENDPOINT_CHAT, true);
    aver_openai openai;
    aver_buf out;
    json_t *json;

    (void)state;
    aver_buf_init(&out, 1 << 20);
    assert_int_equal(aver_openai_init(&openai, &options), AVER_OK);
    aver_openai_put_role(&openai, &out);
    json = openai_event(&out);
    assert_string_equal(json_string_value(json_object_get(json, "object")),
                        "chat.completion.chunk");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(openai_choice(json), "delta"), "role")),
        "assistant");
    json_decref(json);
    aver_buf_clear(&out);
    aver_openai_put_text(&openai, AVER_VIEW_LITERAL("line\nend \"x\" \x01 \xc3\xa9"), &out);
    json = openai_event(&out);
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(openai_choice(json), "delta"), "content")),
                        "line\nend \"x\" \x01 \xc3\xa9");
    assert_true(json_is_null(json_object_get(json, "usage")));
    json_decref(json);
    aver_buf_clear(&out);
    aver_openai_put_finish(&openai, AVER_FINISH_LENGTH, &out);
    json = openai_event(&out);
    assert_string_equal(json_string_value(json_object_get(openai_choice(json), "finish_reason")),
                        "length");
    json_decref(json);
    aver_buf_clear(&out);
    aver_openai_put_usage(&openai, &(aver_usage){.prompt_tokens = 3, .generated_tokens = 4}, &out);
    json = openai_event(&out);
    assert_int_equal(json_array_size(json_object_get(json, "choices")), 0);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(json, "usage"), "total_tokens")), 7);
    json_decref(json);
    aver_openai_deinit(&openai);
    aver_buf_deinit(&out);
}

static void test_whole_bodies(void **state)
{
    static const aver_endpoint endpoints[] = {AVER_ENDPOINT_CHAT, AVER_ENDPOINT_COMPLETION};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        aver_openai_options options = openai_options(endpoints[i], false);
        aver_openai openai;
        aver_buf out;
        json_t *json;

        aver_buf_init(&out, 1 << 20);
        assert_int_equal(aver_openai_init(&openai, &options), AVER_OK);
        aver_openai_put_whole(&openai, AVER_VIEW_LITERAL("text"), AVER_FINISH_STOP,
                              &(aver_usage){.prompt_tokens = 5, .generated_tokens = 6}, &out);
        assert_int_equal(aver_json_parse(aver_buf_view(&out), 1 << 20, &json, NULL), AVER_OK);
        const json_t *choice = openai_choice(json);
        const json_t *where = i == 0 ? json_object_get(choice, "message") : choice;
        assert_string_equal(json_string_value(json_object_get(where, i == 0 ? "content" : "text")),
                            "text");
        assert_string_equal(json_string_value(json_object_get(choice, "finish_reason")), "stop");
        assert_string_equal(json_string_value(json_object_get(json, "object")),
                            i == 0 ? "chat.completion" : "text_completion");
        assert_int_equal(json_integer_value(
                             json_object_get(json_object_get(json, "usage"), "completion_tokens")),
                         6);
        json_decref(json);
        aver_openai_deinit(&openai);
        aver_buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chat_events),
        cmocka_unit_test(test_whole_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

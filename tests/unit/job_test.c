/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/link.h"
#include "support/job_read.h"

#define HELLO      "\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]"
#define CHAT       AVER_ENDPOINT_CHAT
#define COMPLETION AVER_ENDPOINT_COMPLETION

static void a_chat_request_has_openai_defaults(void **state)
{
    (void)state;
    aver_job job = job_take(CHAT, "{" HELLO "}");
    assert_true(aver_view_equal_text(aver_buf_view(&job.model), "m"));
    assert_true(aver_view_equal_text(aver_buf_view(&job.prompt),
                                     "[{\"content\":\"Hello\",\"role\":\"user\"}]"));
    assert_int_equal(job.max_tokens, 0);
    assert_int_equal(job.sampling.temperature_ppm, 1000000);
    assert_int_equal(job.sampling.top_p_ppm, 1000000);
    assert_int_equal(job.sampling.repetition_penalty_ppm, 1000000);
    assert_int_equal(job.sampling.top_k, 0);
    assert_false(job.has_seed);
    assert_false(job.stream);
    assert_false(job.claims.present);
    aver_job_deinit(&job);
}

static void every_supported_member_is_read(void **state)
{
    (void)state;
    aver_job job = job_take(
        CHAT,
        "{" HELLO
        ",\"max_tokens\":7,\"max_completion_tokens\":7,\"temperature\":0.7,\"top_p\":0.95,"
        "\"top_k\":40,\"min_p\":0.05,\"repetition_penalty\":1.1,\"frequency_penalty\":-0.3,"
        "\"presence_penalty\":2,\"seed\":9007199254740991,\"stop\":[\"a\",\"\\n\"],\"stream\":true,"
        "\"stream_options\":{\"include_usage\":true,\"include_obfuscation\":false},\"n\":3,"
        "\"logprobs\":true,\"top_logprobs\":20,\"logit_bias\":{\"50\":-100,\"7\":0.5},"
        "\"response_format\":{\"type\":\"json_object\"},\"prompt_cache_key\":\"k\"}");
    assert_int_equal(job.max_tokens, 7);
    assert_int_equal(job.sampling.temperature_ppm, 700000);
    assert_int_equal(job.sampling.top_p_ppm, 950000);
    assert_int_equal(job.sampling.top_k, 40);
    assert_int_equal(job.sampling.min_p_ppm, 50000);
    assert_int_equal(job.sampling.repetition_penalty_ppm, 1100000);
    assert_int_equal(job.sampling.frequency_penalty_ppm, -300000);
    assert_int_equal(job.sampling.presence_penalty_ppm, 2000000);
    assert_true(job.has_seed);
    assert_true(job.sampling.seed == 9007199254740991u);
    assert_int_equal(job.stops_count, 2);
    assert_true(aver_view_equal_text(aver_buf_view(&job.stops[1]), "\n"));
    assert_true(job.stream);
    assert_true(job.include_usage);
    assert_int_equal(job.choices_count, 3);
    assert_true(job.has_logprobs);
    assert_int_equal(job.top_logprobs, 20);
    assert_int_equal(job.biases_count, 2);
    assert_int_equal(job.biases[0].token, 7);
    assert_int_equal(job.biases[0].bias_ppm, 500000);
    assert_int_equal(job.biases[1].token, 50);
    assert_int_equal(job.biases[1].bias_ppm, -100000000);
    assert_int_equal(job.format, AVER_FORMAT_JSON_OBJECT);
    assert_true(aver_view_equal_text(aver_buf_view(&job.cache_key), "k"));
    aver_job_deinit(&job);
}

static void harmless_members_are_taken_without_effect(void **state)
{
    (void)state;
    static const char *const members[] = {
        "\"user\":\"u\"",
        "\"store\":true",
        "\"store\":false",
        "\"metadata\":{\"a\":\"b\"}",
        "\"service_tier\":\"auto\"",
        "\"service_tier\":\"default\"",
        "\"safety_identifier\":\"s\"",
        "\"prompt_cache_retention\":\"in_memory\"",
        "\"verbosity\":\"medium\"",
        "\"reasoning_effort\":\"none\"",
        "\"modalities\":[\"text\"]",
        "\"tools\":[]",
        "\"functions\":[]",
        "\"logit_bias\":{}",
        "\"tool_choice\":\"none\"",
        "\"tool_choice\":\"auto\"",
        "\"logprobs\":false",
        "\"response_format\":{\"type\":\"text\"}",
    };
    aver_buf wanted, found;
    aver_job plain = job_take(CHAT, "{" HELLO "}");
    aver_buf_init(&wanted, AVER_LINK_FRAME_BYTES_MAX + 64);
    aver_buf_init(&found, AVER_LINK_FRAME_BYTES_MAX + 64);
    aver_link_put_submit(&wanted, 1, &plain);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        char body[256];
        (void)snprintf(body, sizeof(body), "{" HELLO ",%s}", members[i]);
        aver_job job = job_take(CHAT, body);
        /* The engine is told the very same. */
        aver_buf_clear(&found);
        job.tool_choice = AVER_TOOL_CHOICE_AUTO; /* says nothing where there are no tools */
        aver_link_put_submit(&found, 1, &job);
        assert_true(aver_view_equal(aver_buf_view(&found), aver_buf_view(&wanted)));
        aver_job_deinit(&job);
    }
    aver_job_deinit(&plain);
    aver_buf_deinit(&wanted);
    aver_buf_deinit(&found);
}

static void fractions_become_the_nearest_millionth(void **state)
{
    (void)state;
    for (uint32_t ppm = 1; ppm <= 2000000; ppm += 997) {
        char body[256];
        (void)snprintf(body, sizeof(body), "{" HELLO ",\"temperature\":%u.%06u}", ppm / 1000000,
                       ppm % 1000000);
        aver_job job = job_take(CHAT, body);
        assert_int_equal(job.sampling.temperature_ppm, ppm);
        aver_job_deinit(&job);
    }
    aver_job job = job_take(CHAT, "{" HELLO ",\"temperature\":0.0000004,\"top_p\":0}");
    assert_int_equal(job.sampling.temperature_ppm, 0);
    assert_int_equal(job.sampling.top_p_ppm, 1);
    aver_job_deinit(&job);
}

static void nulls_mean_the_default(void **state)
{
    (void)state;
    static const char *const names[] = {
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "user",
        "n",
        "logprobs",
        "top_logprobs",
        "tools",
        "tool_choice",
        "functions",
        "response_format",
        "logit_bias",
        "audio",
        "modalities",
        "metadata",
        "service_tier",
        "store",
        "reasoning_effort",
        "parallel_tool_calls",
        "presence_penalty",
        "frequency_penalty",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char body[256];
        (void)snprintf(body, sizeof(body), "{" HELLO ",\"%s\":null}", names[i]);
        aver_job job = job_take(CHAT, body);
        assert_int_equal(job.sampling.temperature_ppm, 1000000);
        aver_job_deinit(&job);
    }
    job_refused(CHAT, "{\"model\":null,\"messages\":[]}", "invalid_value", "model");
    job_refused(CHAT, "{\"model\":\"m\",\"messages\":null}", "invalid_value", "messages");
}

static void messages_take_text_parts_and_names(void **state)
{
    (void)state;
    aver_job job = job_take(
        CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"text\","
              "\"text\":\"a\"},"
              "{\"text\":\"b\\n\\u00e9\",\"type\":\"text\"}]},{\"content\":\"\",\"name\":\"Bo\","
              "\"role\":\"user\"},"
              "{\"role\":\"assistant\",\"content\":\"x\",\"refusal\":null,\"tool_calls\":[]}]}");
    assert_true(aver_view_equal_text(aver_buf_view(&job.prompt),
                                     "[{\"content\":\"ab\\n\xc3\xa9\",\"role\":\"system\"},{"
                                     "\"content\":\"\",\"name\":\"Bo\",\"role\":\"user\"},"
                                     "{\"content\":\"x\",\"role\":\"assistant\"}]"));
    aver_job_deinit(&job);
}

static void bad_messages_are_refused_by_place(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        const char *code;
        const char *param;
    } cases[] = {
        {"{\"role\":\"king\",\"content\":\"x\"}", "invalid_value", "messages[0].role"},
        {"{\"content\":\"x\"}", "invalid_value", "messages[0].role"},
        {"{\"role\":7,\"content\":\"x\"}", "invalid_value", "messages[0].role"},
        {"{\"role\":\"function\",\"content\":\"x\"}", "unsupported_value", "messages[0].role"},
        {"{\"role\":\"tool\",\"content\":\"x\"}", "missing_parameter", "messages[0].tool_call_id"},
        {"{\"role\":\"tool\",\"content\":\"x\",\"tool_call_id\":\"\"}", "invalid_value",
         "messages[0].tool_call_id"},
        {"{\"role\":\"user\",\"content\":\"x\",\"tool_call_id\":\"c\"}", "invalid_value",
         "messages[0].tool_call_id"},
        {"{\"role\":\"assistant\",\"content\":null}", "invalid_value", "messages[0].content"},
        {"{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[]}", "invalid_value",
         "messages[0].content"},
        {"{\"role\":\"user\",\"content\":\"x\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\","
         "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}",
         "invalid_value", "messages[0].tool_calls"},
        {"{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\","
         "\"function\":{\"name\":\"f g\",\"arguments\":\"{}\"}}]}",
         "invalid_value", "messages[0].tool_calls"},
        {"{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"\",\"type\":\"function\","
         "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}",
         "invalid_value", "messages[0].tool_calls"},
        {"{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"custom\","
         "\"custom\":{\"name\":\"f\",\"input\":\"{}\"}}]}",
         "unsupported_value", "messages[0].tool_calls"},
        {"{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\","
         "\"function\":{\"name\":\"f\",\"arguments\":{}}}]}",
         "invalid_value", "messages[0].tool_calls"},
        {"{\"role\":\"user\"}", "invalid_value", "messages[0].content"},
        {"{\"role\":\"user\",\"content\":null}", "invalid_value", "messages[0].content"},
        {"{\"role\":\"user\",\"content\":[]}", "invalid_value", "messages[0].content"},
        {"{\"role\":\"user\",\"content\":[1]}", "invalid_value", "messages[0].content"},
        {"{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}", "invalid_value",
         "messages[0].content"},
        {"{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]}",
         "unsupported_value", "messages[0].content"},
        {"{\"role\":\"user\",\"content\":\"x\",\"mood\":1}", "unknown_parameter",
         "messages[0].mood"},
        {"{\"role\":\"user\",\"content\":\"x\",\"name\":5}", "invalid_value", "messages[0].name"},
        {"{\"role\":\"assistant\",\"content\":\"x\",\"tool_calls\":[1]}", "invalid_value",
         "messages[0].tool_calls"},
        {"{\"role\":\"assistant\",\"content\":\"x\",\"refusal\":\"no\"}", "unsupported_parameter",
         "messages[0].refusal"},
        {"{\"role\":\"user\",\"content\":\"x\",\"parsed\":null}", "unknown_parameter",
         "messages[0].parsed"},
        {"7", "invalid_value", "messages"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[512];
        (void)snprintf(body, sizeof(body), "{\"model\":\"m\",\"messages\":[%s]}", cases[i].message);
        job_refused(CHAT, body, cases[i].code, cases[i].param);
    }
    job_refused(CHAT, "{\"model\":\"m\",\"messages\":[]}", "invalid_value", "messages");
    job_refused(CHAT, "{\"model\":\"m\",\"messages\":{}}", "invalid_value", "messages");
}

static const struct {
    const char *name;
    const char *value;
} bad_values[] = {
    {"temperature", "2.1"},
    {"temperature", "-0.1"},
    {"temperature", "\"1\""},
    {"temperature", "true"},
    {"top_p", "1.0001"},
    {"top_k", "-1"},
    {"top_k", "1.5"},
    {"min_p", "2"},
    {"max_tokens", "0"},
    {"max_tokens", "-5"},
    {"max_tokens", "131073"},
    {"max_tokens", "1.0"},
    {"max_tokens", "[]"},
    {"seed", "-1"},
    {"seed", "9007199254740992"},
    {"seed", "1e3"},
    {"stop", "\"\""},
    {"stop", "[1]"},
    {"stop", "7"},
    {"stream", "1"},
    {"stream", "\"true\""},
    {"n", "0"},
    {"n", "17"},
    {"n", "1.5"},
    {"logprobs", "3"},
    {"top_logprobs", "21"},
    {"top_logprobs", "-1"},
    {"logit_bias", "[]"},
    {"logit_bias", "{\"5\":101}"},
    {"logit_bias", "{\"5\":\"1\"}"},
    {"logit_bias", "{\"05\":1}"},
    {"logit_bias", "{\"-5\":1}"},
    {"logit_bias", "{\"\":1}"},
    {"logit_bias", "{\"2147483648\":1}"},
    {"logit_bias", "{\"5x\":1}"},
    {"tools", "{}"},
    {"tools", "[1]"},
    {"tool_choice", "7"},
    {"tool_choice", "\"any\""},
    {"tool_choice", "\"required\""},
    {"tool_choice", "{\"type\":\"function\"}"},
    {"tool_choice", "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}"},
    {"parallel_tool_calls", "1"},
    {"response_format", "\"json\""},
    {"response_format", "{\"type\":\"json_schema\"}"},
    {"response_format", "{\"type\":\"json_object\",\"schema\":{}}"},
    {"store", "1"},
    {"metadata", "{\"a\":1}"},
    {"service_tier", "1"},
    {"prompt_cache_key", "\"\""},
    {"safety_identifier", "5"},
    {"user", "5"},
    {"repetition_penalty", "0.09"},
    {"frequency_penalty", "2.01"},
    {"presence_penalty", "-3"},
    {"stop", "[\"1\",\"2\",\"3\",\"4\",\"5\"]"},
    {"model", "5"},
    {"model", "\"\""},
    {"aver", "5"},
};

static void bad_values_are_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
        char body[512];
        const char *model = strcmp(bad_values[i].name, "model") == 0 ? "" : "\"model\":\"m\",";
        (void)snprintf(body, sizeof(body),
                       "{%s\"%s\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", model,
                       bad_values[i].name, bad_values[i].value);
        job_refused(CHAT, body, "invalid_value", bad_values[i].name);
    }
}

static void what_is_not_supported_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value;
    } cases[] = {
        {"functions", "[{}]"},
        {"function_call", "\"auto\""},
        {"modalities", "[\"text\",\"audio\"]"},
        {"audio", "{}"},
        {"reasoning_effort", "\"low\""},
        {"service_tier", "\"flex\""},
        {"prediction", "{}"},
        {"web_search_options", "{}"},
        {"verbosity", "\"low\""},
        {"prompt_cache_retention", "\"24h\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[512];
        (void)snprintf(body, sizeof(body), "{" HELLO ",\"%s\":%s}", cases[i].name, cases[i].value);
        job_refused(CHAT, body, "unsupported_parameter", cases[i].name);
    }
}

static void unknown_and_missing_members_are_refused(void **state)
{
    (void)state;
    job_refused(CHAT, "{" HELLO ",\"temprature\":1}", "unknown_parameter", "temprature");
    job_refused(CHAT, "{" HELLO ",\"a\\nb\":1}", "unknown_parameter", "a?b");
    job_refused(CHAT, "{" HELLO ",\"prompt\":\"x\"}", "unknown_parameter", "prompt");
    job_refused(COMPLETION, "{" HELLO "}", "unknown_parameter", "messages");
    job_refused(CHAT, "{" HELLO ",\"stream\":true,\"stream_options\":{\"x\":1}}",
                "unknown_parameter", "stream_options.x");
    job_refused(CHAT, "{" HELLO ",\"stream_options\":{\"include_usage\":true}}", "invalid_value",
                "stream_options");
    job_refused(CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", "missing_parameter",
                "model");
    job_refused(CHAT, "{\"model\":\"m\"}", "missing_parameter", "messages");
    job_refused(COMPLETION, "{\"model\":\"m\"}", "missing_parameter", "prompt");
    job_refused(CHAT, "{" HELLO ",\"max_tokens\":1,\"max_completion_tokens\":2}", "invalid_value",
                "max_completion_tokens");
}

static void bodies_that_are_no_json_objects_are_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "{",
        "[]",
        "7",
        "null",
        "{" HELLO "}x",
        "{" HELLO ",\"seed\":1,\"seed\":2}",
        "{" HELLO ",\"seed\":123456789012345678901234567890}",
        "{\"model\":\"\xff\"}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        job_refused(CHAT, bodies[i], "invalid_json", "");
    }
}

static void completions_take_one_prompt(void **state)
{
    (void)state;
    aver_job job = job_take(COMPLETION, "{\"model\":\"m\",\"prompt\":\"a\\tb\"}");
    assert_true(aver_view_equal_text(aver_buf_view(&job.prompt), "a\tb"));
    assert_int_equal(job.max_tokens, 16);
    aver_job_deinit(&job);
    job = job_take(
        COMPLETION,
        "{\"model\":\"m\",\"prompt\":[\"x\"],\"echo\":false,\"best_of\":1,\"logprobs\":null,"
        "\"suffix\":null,\"max_tokens\":3}");
    assert_true(aver_view_equal_text(aver_buf_view(&job.prompt), "x"));
    assert_int_equal(job.max_tokens, 3);
    aver_job_deinit(&job);
    job_refused(COMPLETION, "{\"model\":\"m\",\"prompt\":[\"x\",\"y\"]}", "unsupported_parameter",
                "prompt");
    static const char *const ids[] = {"[1,260]", "[[1,260]]"};
    for (size_t i = 0; i < 2; i++) {
        char body[128];
        (void)snprintf(body, sizeof(body), "{\"model\":\"m\",\"prompt\":%s}", ids[i]);
        job = job_take(COMPLETION, body);
        assert_int_equal(job.inputs_count, 2);
        assert_int_equal(job.prompt.size, 8);
        assert_memory_equal(job.prompt.data, "\0\0\0\1\0\0\1\4", 8);
        aver_job_deinit(&job);
    }
    static const char *const wrong[] = {"[-1]",         "[1.5]",   "[1,\"x\"]", "[[]]",
                                        "[2147483648]", "[[[1]]]", "[null]",    "{}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char body[128];
        (void)snprintf(body, sizeof(body), "{\"model\":\"m\",\"prompt\":%s}", wrong[i]);
        job_refused(COMPLETION, body, "invalid_value", "prompt");
    }
    job_refused(COMPLETION, "{\"model\":\"m\",\"prompt\":[[1],[2]]}", "unsupported_parameter",
                "prompt");
    job_refused(COMPLETION, "{\"model\":\"m\",\"prompt\":[]}", "invalid_value", "prompt");
    job_refused(COMPLETION, "{\"model\":\"m\",\"prompt\":\"x\",\"echo\":true}",
                "unsupported_parameter", "echo");
    job_refused(COMPLETION, "{\"model\":\"m\",\"prompt\":\"x\",\"best_of\":2}",
                "unsupported_parameter", "best_of");
    job_refused(COMPLETION, "{\"model\":\"m\",\"prompt\":\"x\",\"n\":3,\"best_of\":2}",
                "unsupported_parameter", "best_of");
    job_refused(COMPLETION, "{\"model\":\"m\",\"prompt\":\"x\",\"logprobs\":6}", "invalid_value",
                "logprobs");
    job_refused(COMPLETION, "{\"model\":\"m\",\"prompt\":\"x\",\"logprobs\":true}", "invalid_value",
                "logprobs");
    job_refused(COMPLETION, "{\"model\":\"m\",\"prompt\":\"x\",\"tools\":[]}", "unknown_parameter",
                "tools");
    job = job_take(COMPLETION,
                   "{\"model\":\"m\",\"prompt\":\"x\",\"best_of\":4,\"n\":4,\"logprobs\":0,"
                   "\"logit_bias\":{\"0\":1}}");
    assert_int_equal(job.choices_count, 4);
    assert_true(job.has_logprobs);
    assert_int_equal(job.top_logprobs, 0);
    assert_int_equal(job.biases_count, 1);
    aver_job_deinit(&job);
    job = job_take(COMPLETION, "{\"model\":\"m\",\"prompt\":\"x\",\"logprobs\":false}");
    assert_false(job.has_logprobs);
    aver_job_deinit(&job);
}

#define DIGITS "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static void claims_are_read_strictly(void **state)
{
    (void)state;
    aver_job job =
        job_take(CHAT, "{" HELLO ",\"aver\":{\"method\":\"POST\",\"path\":\"/v1/chat/completions\","
                       "\"keyset\":\"" DIGITS "\",\"nonce\":\"" DIGITS "\",\"evidence\":\"" DIGITS
                       "\",\"deadline_ms\":1767225600000}}");
    assert_true(job.claims.present && job.claims.has_method_path && job.claims.has_keyset);
    assert_true(job.claims.has_nonce && job.claims.has_evidence && job.claims.has_deadline);
    assert_string_equal(job.claims.path, "/v1/chat/completions");
    assert_int_equal(job.claims.nonce[31], 0xff);
    assert_true(job.claims.deadline_ms == 1767225600000u);
    aver_job_deinit(&job);
    job = job_take(CHAT, "{" HELLO ",\"aver\":{}}");
    assert_true(job.claims.present);
    assert_false(job.claims.has_nonce);
    aver_job_deinit(&job);
    job_refused(CHAT, "{" HELLO ",\"aver\":{\"nonce\":\"00\"}}", "invalid_value", "aver.nonce");
    job_refused(CHAT, "{" HELLO ",\"aver\":{\"nonce\":null}}", "invalid_value", "aver.nonce");
    job_refused(CHAT, "{" HELLO ",\"aver\":{\"deadline_ms\":-1}}", "invalid_value",
                "aver.deadline_ms");
    job_refused(CHAT, "{" HELLO ",\"aver\":{\"method\":\"POST\"}}", "invalid_value", "aver.method");
    job_refused(CHAT, "{" HELLO ",\"aver\":{\"surprise\":1}}", "unknown_parameter",
                "aver.surprise");
    job_refused(CHAT, "{" HELLO ",\"aver\":null}", "invalid_value", "aver");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chat_request_has_openai_defaults),
        cmocka_unit_test(every_supported_member_is_read),
        cmocka_unit_test(fractions_become_the_nearest_millionth),
        cmocka_unit_test(harmless_members_are_taken_without_effect),
        cmocka_unit_test(nulls_mean_the_default),
        cmocka_unit_test(messages_take_text_parts_and_names),
        cmocka_unit_test(bad_messages_are_refused_by_place),
        cmocka_unit_test(bad_values_are_refused_by_name),
        cmocka_unit_test(what_is_not_supported_is_refused_by_name),
        cmocka_unit_test(unknown_and_missing_members_are_refused),
        cmocka_unit_test(bodies_that_are_no_json_objects_are_refused),
        cmocka_unit_test(completions_take_one_prompt),
        cmocka_unit_test(claims_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

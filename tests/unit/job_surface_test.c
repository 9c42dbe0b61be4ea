/* SPDX-License-Identifier: Apache-2.0 */
/* job_surface: tools, formats, and the endpoints beside chat and completions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/job_read.h"

#include <stdlib.h>

#define CHAT       AVER_ENDPOINT_CHAT
#define EMBEDDINGS AVER_ENDPOINT_EMBEDDINGS
#define RESPONSES  AVER_ENDPOINT_RESPONSES
#define TOKENIZE   AVER_ENDPOINT_TOKENIZE
#define DETOKENIZE AVER_ENDPOINT_DETOKENIZE
#define TEMPLATE   AVER_ENDPOINT_APPLY_TEMPLATE
#define HELLO      "\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]"
#define INPUT      "\"model\":\"m\",\"input\":\"Hello\""

#define TOOL(members) "{\"type\":\"function\",\"function\":{" members "}}"

typedef struct refused_case {
    const char *members;
    const char *code;
    const char *param;
} refused_case;

/* Each of the members after the others of a good body. */
static void refuse_all(aver_endpoint endpoint, const char *rest, const refused_case *cases,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char body[1024];
        (void)snprintf(body, sizeof(body), "{%s%s%s}", rest, rest[0] != '\0' ? "," : "",
                       cases[i].members);
        job_refused(endpoint, body, cases[i].code, cases[i].param);
    }
}

static void tools_keep_the_order_of_their_parameters(void **state)
{
    (void)state;
    aver_job job = job_take(
        CHAT,
        "{" HELLO ",\"tools\":[" TOOL(
            "\"strict\":true,\"parameters\":{\"type\":\"object\",\"properties\":{\"z\":{},"
            "\"a\":{}}"
            "},\"name\":\"get_weather\",\"description\":\"d\\n\"") "," TOOL("\"name\":\"B-2\","
                                                                            "\"description\":"
                                                                            "null") "],\"tool_"
                                                                                    "choice\":{"
                                                                                    "\"type\":"
                                                                                    "\"function"
                                                                                    "\","
                                                                                    "\"function"
                                                                                    "\":{"
                                                                                    "\"name\":"
                                                                                    "\"B-2\"}},"
                                                                                    "\"parallel"
                                                                                    "_tool_"
                                                                                    "calls\":"
                                                                                    "false}");
    assert_true(aver_view_equal_text(
        aver_buf_view(&job.tools),
        "[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"description\":\"d\\n\","
        "\"parameters\":{\"type\":\"object\",\"properties\":{\"z\":{},\"a\":{}}},\"strict\":true}},"
        "{\"type\":\"function\",\"function\":{\"name\":\"B-2\",\"parameters\":{\"type\":\"object\","
        "\"properties\":{}}}}]"));
    assert_int_equal(job.tool_choice, AVER_TOOL_CHOICE_NAMED);
    assert_string_equal(job.tool_name, "B-2");
    assert_false(job.parallel_tool_calls);
    aver_job_deinit(&job);
}

static void tool_choices_have_their_words(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        aver_tool_choice choice;
    } cases[] = {{"auto", AVER_TOOL_CHOICE_AUTO},
                 {"none", AVER_TOOL_CHOICE_NONE},
                 {"required", AVER_TOOL_CHOICE_REQUIRED}};
    for (size_t i = 0; i < 3; i++) {
        char body[512];
        (void)snprintf(body, sizeof(body),
                       "{\"tool_choice\":\"%s\"," HELLO ",\"tools\":[" TOOL("\"name\":\"f\"") "]}",
                       cases[i].word);
        aver_job job = job_take(CHAT, body);
        assert_int_equal(job.tool_choice, cases[i].choice);
        aver_job_deinit(&job);
    }
}

static void bad_tools_are_refused_by_place(void **state)
{
    (void)state;
    static const refused_case cases[] = {
        {"\"tools\":[{}]", "invalid_value", "tools[0].type"},
        {"\"tools\":[{\"type\":\"web_search\"}]", "unsupported_value", "tools[0].type"},
        {"\"tools\":[{\"type\":\"custom\",\"custom\":{}}]", "unsupported_value", "tools[0].type"},
        {"\"tools\":[{\"type\":\"function\"}]", "invalid_value", "tools[0].function"},
        {"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"},\"x\":1}]",
         "invalid_value", "tools[0]"},
        {"\"tools\":[" TOOL("") "]", "missing_parameter", "tools[0].function.name"},
        {"\"tools\":[" TOOL("\"name\":\"\"") "]", "invalid_value", "tools[0].function.name"},
        {"\"tools\":[" TOOL("\"name\":\"a b\"") "]", "invalid_value", "tools[0].function.name"},
        {"\"tools\":[" TOOL("\"name\":\"12345678901234567890123456789012345678901234567890123456"
                            "789012345\"") "]",
         "invalid_value", "tools[0].function.name"},
        {"\"tools\":[" TOOL("\"name\":\"f\",\"parameters\":[]") "]", "invalid_value",
         "tools[0].function.parameters"},
        {"\"tools\":[" TOOL("\"name\":\"f\",\"parameters\":{\"type\":\"array\"}") "]",
         "invalid_value", "tools[0].function.parameters"},
        {"\"tools\":[" TOOL("\"name\":\"f\",\"strict\":1") "]", "invalid_value",
         "tools[0].function.strict"},
        {"\"tools\":[" TOOL("\"name\":\"f\",\"description\":1") "]", "invalid_value",
         "tools[0].function.description"},
        {"\"tools\":[" TOOL("\"name\":\"f\",\"mood\":1") "]", "unknown_parameter",
         "tools[0].function.mood"},
        {"\"tools\":[" TOOL("\"name\":\"f\"") "," TOOL("\"name\":\"f\"") "]", "invalid_value",
         "tools"},
        {"\"tools\":[" TOOL("\"name\":\"f\"") "],\"tool_choice\":{\"type\":\"function\","
                                              "\"function\":{\"name\":\"g\"}}",
         "invalid_value", "tool_choice"},
        {"\"tools\":[" TOOL("\"name\":\"f\"") "],\"tool_choice\":{\"type\":\"allowed_tools\","
                                              "\"allowed_tools\":{}}",
         "unsupported_value", "tool_choice"},
    };
    refuse_all(CHAT, HELLO, cases, sizeof(cases) / sizeof(cases[0]));
}

static void tools_are_bounded_in_number_and_size(void **state)
{
    (void)state;
    const size_t size_max = 3u << 20;
    for (unsigned count = AVER_JOB_TOOLS_MAX; count <= AVER_JOB_TOOLS_MAX + 1; count++) {
        aver_buf body;
        aver_buf_init(&body, size_max);
        aver_buf_append_text(&body, "{" HELLO ",\"tools\":[");
        for (unsigned i = 0; i < count; i++) {
            aver_buf_append_format(&body,
                                   "%s{\"type\":\"function\",\"function\":{\"name\":\"f%u\"}}",
                                   i == 0 ? "" : ",", i);
        }
        aver_buf_append_text(&body, "]}");
        aver_buf_append_byte(&body, 0);
        if (count == AVER_JOB_TOOLS_MAX) {
            aver_job job = job_take(CHAT, (const char *)body.data);
            aver_job_deinit(&job);
        } else {
            job_refused(CHAT, (const char *)body.data, "invalid_value", "tools");
        }
        aver_buf_deinit(&body);
    }
    for (size_t bytes = AVER_JOB_SCHEMA_BYTES_MAX - 10; bytes <= AVER_JOB_SCHEMA_BYTES_MAX + 10;
         bytes += 20) {
        aver_buf body;
        aver_buf_init(&body, size_max);
        aver_buf_append_text(&body, "{" HELLO ",\"tools\":[{\"type\":\"function\",\"function\":{"
                                    "\"name\":\"f\",\"parameters\":{\"a\":\"");
        for (size_t i = 8; i < bytes; i++) {
            aver_buf_append_byte(&body, 'x');
        }
        aver_buf_append_text(&body, "\"}}}]}");
        aver_buf_append_byte(&body, 0);
        if (bytes < AVER_JOB_SCHEMA_BYTES_MAX) {
            aver_job job = job_take(CHAT, (const char *)body.data);
            aver_job_deinit(&job);
        } else {
            job_refused(CHAT, (const char *)body.data, "invalid_value", "tools[0]");
        }
        aver_buf_deinit(&body);
    }
}

static void conversations_with_tools_are_read(void **state)
{
    (void)state;
    job_prompts(
        CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Q\"},"
        "{\"role\":\"assistant\",\"content\":null,\"refusal\":null,\"parsed\":null,\"tool_calls\":["
        "{\"id\":"
        "\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":"
        "1}\",\"parsed_arguments\":{\"a\":1}}},{\"type\":\"function\",\"id\":\"call_2\","
        "\"function\":{\"arguments\":\"\","
        "\"name\":\"g\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":[{\"type\":"
        "\"text\",\"text\":\"A\"}]},{\"role\":\"assistant\",\"content\":\"t\",\"tool_calls\":[{"
        "\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}]"
        "}",
        "[{\"content\":\"Q\",\"role\":\"user\"},{\"content\":\"\",\"role\":\"assistant\","
        "\"tool_calls\":[{\"function\":{\"arguments\":\"{\\\"a\\\":1}\",\"name\":\"f\"},\"id\":"
        "\"call_1\",\"type\":\"function\"},{\"function\":{\"arguments\":\"\",\"name\":\"g\"},"
        "\"id\":\"call_2\",\"type\":\"function\"}]},{\"content\":\"A\",\"role\":\"tool\","
        "\"tool_call_id\":\"call_1\"},{\"content\":\"t\",\"role\":\"assistant\",\"tool_calls\":[{"
        "\"function\":{\"arguments\":\"{}\",\"name\":\"f\"},\"id\":\"c\",\"type\":\"function\"}]}"
        "]");
}

static void a_schema_is_kept_as_it_came(void **state)
{
    (void)state;
    static const refused_case cases[] = {
        {"\"response_format\":{\"type\":\"grammar\"}", "unsupported_value", "response_format"},
        {"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{}}}",
         "missing_parameter", "response_format.json_schema.name"},
        {"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\"}}",
         "missing_parameter", "response_format.json_schema.schema"},
        {"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n o\"}}",
         "invalid_value", "response_format.json_schema.name"},
        {"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":true}}",
         "invalid_value", "response_format.json_schema.schema"},
        {"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"x\":1}}",
         "unknown_parameter", "response_format.json_schema.x"},
        {"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"strict\":\"y\"}}",
         "invalid_value", "response_format.json_schema.strict"},
    };
    refuse_all(CHAT, HELLO, cases, sizeof(cases) / sizeof(cases[0]));
    aver_job job = job_take(
        CHAT, "{" HELLO ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
              "\"answer\",\"strict\":true,\"description\":\"d\",\"schema\":{\"type\":\"object\","
              "\"properties\":{\"z\":{\"type\":\"integer\"},\"a\":{}}}}}}");
    assert_int_equal(job.format, AVER_FORMAT_JSON_SCHEMA);
    assert_string_equal(job.schema_name, "answer");
    assert_true(aver_view_equal_text(
        aver_buf_view(&job.schema),
        "{\"type\":\"object\",\"properties\":{\"z\":{\"type\":\"integer\"},\"a\":{}}}"));
    aver_job_deinit(&job);
    job_refused(CHAT, "{" HELLO ",\"top_logprobs\":3}", "invalid_value", "top_logprobs");
    job_refused(CHAT, "{" HELLO ",\"logprobs\":false,\"top_logprobs\":0}", "invalid_value",
                "top_logprobs");
}

static uint32_t tokens_of(aver_endpoint endpoint, const char *body)
{
    aver_job job = job_take(endpoint, body);
    uint32_t tokens = job.max_tokens;
    aver_job_deinit(&job);
    return tokens;
}

/* What an answer has no room for is refused before it is computed. */
static void candidates_have_a_bound(void **state)
{
    (void)state;
    static const char asked[] = "\"logprobs\":true,\"top_logprobs\":20";
    static const char included[] =
        "\"include\":[\"message.output_text.logprobs\"],\"top_logprobs\":20";
    char body[512];
    (void)snprintf(body, sizeof(body), "{" HELLO ",%s,\"n\":16,\"max_tokens\":390}", asked);
    assert_int_equal(tokens_of(CHAT, body), 390);
    (void)snprintf(body, sizeof(body), "{" HELLO ",%s,\"n\":16,\"max_tokens\":391}", asked);
    job_refused(CHAT, body, "invalid_value", "max_tokens");
    (void)snprintf(body, sizeof(body), "{" HELLO ",%s}", asked);
    assert_int_equal(tokens_of(CHAT, body), 131072 / 21);
    assert_int_equal(tokens_of(CHAT, "{" HELLO "}"), 0);
    (void)snprintf(body, sizeof(body), "{" INPUT ",%s,\"max_output_tokens\":1560,\"stream\":true}",
                   included);
    assert_int_equal(tokens_of(RESPONSES, body), 1560);
    (void)snprintf(body, sizeof(body), "{" INPUT ",%s,\"max_output_tokens\":1561,\"stream\":true}",
                   included);
    job_refused(RESPONSES, body, "invalid_value", "max_output_tokens");
    (void)snprintf(body, sizeof(body), "{" INPUT ",%s,\"max_output_tokens\":6241}", included);
    assert_int_equal(tokens_of(RESPONSES, body), 6241);
}

static void embeddings_take_texts(void **state)
{
    (void)state;
    static const refused_case cases[] = {
        {"\"input\":\"\"", "invalid_value", "input"},
        {"\"input\":[]", "invalid_value", "input"},
        {"\"input\":7", "invalid_value", "input"},
        {"\"input\":[\"a\",\"\"]", "invalid_value", "input[1]"},
        {"\"input\":[\"a\",null]", "invalid_value", "input[1]"},
        {"\"input\":[1,2]", "unsupported_value", "input"},
        {"\"input\":[[1,2]]", "unsupported_value", "input"},
        {"\"input\":\"a\",\"encoding_format\":\"hex\"", "invalid_value", "encoding_format"},
        {"\"input\":\"a\",\"dimensions\":0", "invalid_value", "dimensions"},
        {"\"input\":\"a\",\"temperature\":1", "unknown_parameter", "temperature"},
        {"\"user\":\"u\"", "missing_parameter", "input"},
    };
    refuse_all(EMBEDDINGS, "\"model\":\"m\"", cases, sizeof(cases) / sizeof(cases[0]));
    job_refused(EMBEDDINGS, "{\"input\":\"a\"}", "missing_parameter", "model");
    job_prompts(EMBEDDINGS, "{\"model\":\"m\",\"input\":\"a\\\"\"}", "[\"a\\\"\"]");
    job_prompts(EMBEDDINGS, "{\"model\":\"m\",\"input\":[\"a\"]}", "[\"a\"]");
    aver_job job = job_take(EMBEDDINGS, "{\"model\":\"m\",\"input\":[\"a\",\"\xc3\xa9\\n\"],"
                                        "\"encoding_format\":\"base64\",\"dimensions\":384,"
                                        "\"user\":\"u\"}");
    assert_true(aver_view_equal_text(aver_buf_view(&job.prompt), "[\"a\",\"\xc3\xa9\\n\"]"));
    assert_true(job.base64_vectors);
    assert_int_equal(job.dimensions, 384);
    assert_int_equal(job.inputs_count, 2);
    aver_job_deinit(&job);
    job = job_take(EMBEDDINGS, "{\"model\":\"m\",\"input\":\"a\",\"encoding_format\":\"float\"}");
    assert_false(job.base64_vectors);
    aver_job_deinit(&job);
}

static void responses_are_conversations(void **state)
{
    (void)state;
    job_prompts(RESPONSES, "{" INPUT "}", "[{\"content\":\"Hello\",\"role\":\"user\"}]");
    job_prompts(RESPONSES, "{" INPUT ",\"instructions\":\"Be brief\"}",
                "[{\"content\":\"Be brief\",\"role\":\"system\"},{\"content\":\"Hello\",\"role\":"
                "\"user\"}]");
    job_prompts(
        RESPONSES,
        "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
        "\"text\":\"Q\"}]},{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","
        "\"status\":\"completed\",\"content\":[{\"type\":\"output_text\",\"text\":\"T\","
        "\"annotations\":[],\"logprobs\":[],\"parsed\":{\"x\":1}}]},"
        "{\"type\":\"function_call\",\"id\":\"fc_1\",\"parsed_arguments\":{},"
        "\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{}\",\"status\":\"completed\"},"
        "{\"type\":\"function_call\",\"call_id\":\"c2\",\"name\":\"g\",\"arguments\":\"{\\\"b\\\":"
        "2}\"},{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"A\"},"
        "{\"type\":\"function_call_output\",\"call_id\":\"c2\",\"output\":[{\"type\":"
        "\"input_text\",\"text\":\"B\"}]},{\"type\":\"function_call\",\"call_id\":\"c3\","
        "\"name\":\"f\",\"arguments\":\"\"}]}",
        "[{\"content\":\"Q\",\"role\":\"user\"},{\"content\":\"T\",\"role\":\"assistant\","
        "\"tool_calls\":[{\"function\":{\"arguments\":\"{}\",\"name\":\"f\"},\"id\":\"c1\","
        "\"type\":\"function\"},{\"function\":{\"arguments\":\"{\\\"b\\\":2}\",\"name\":\"g\"},"
        "\"id\":\"c2\",\"type\":\"function\"}]},{\"content\":\"A\",\"role\":\"tool\","
        "\"tool_call_id\":\"c1\"},{\"content\":\"B\",\"role\":\"tool\",\"tool_call_id\":\"c2\"},"
        "{\"content\":\"\",\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"arguments\":"
        "\"\",\"name\":\"f\"},\"id\":\"c3\",\"type\":\"function\"}]}]");
}

static void responses_have_their_own_members(void **state)
{
    (void)state;
    aver_job job = job_take(
        RESPONSES,
        "{" INPUT ",\"max_output_tokens\":9,\"tools\":[{\"type\":\"function\",\"name\":\"f\","
        "\"parameters\":{\"type\":\"object\"},\"strict\":true,\"description\":\"d\"}],"
        "\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"},\"parallel_tool_calls\":false,"
        "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"b\":1,"
        "\"a\":2},\"strict\":true},\"verbosity\":\"medium\"},\"stream\":true,\"store\":true,"
        "\"metadata\":{},\"include\":[\"message.output_text.logprobs\"],\"top_logprobs\":2,"
        "\"truncation\":\"disabled\",\"background\":false,\"reasoning\":{\"effort\":null},"
        "\"stream_options\":{\"include_obfuscation\":false},\"previous_response_id\":null,"
        "\"prompt_cache_key\":\"k\",\"temperature\":0,\"seed\":3}");
    assert_int_equal(job.max_tokens, 9);
    assert_true(aver_view_equal_text(
        aver_buf_view(&job.tools),
        "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\","
        "\"parameters\":{\"type\":\"object\"},\"strict\":true}}]"));
    assert_int_equal(job.tool_choice, AVER_TOOL_CHOICE_NAMED);
    assert_string_equal(job.tool_name, "f");
    assert_false(job.parallel_tool_calls);
    assert_int_equal(job.format, AVER_FORMAT_JSON_SCHEMA);
    assert_true(aver_view_equal_text(aver_buf_view(&job.schema), "{\"b\":1,\"a\":2}"));
    assert_true(job.stream && job.has_logprobs && job.has_seed);
    assert_int_equal(job.top_logprobs, 2);
    aver_job_deinit(&job);
}

static void bad_responses_are_refused_by_place(void **state)
{
    (void)state;
    static const refused_case cases[] = {
        {"\"input\":[]", "invalid_value", "input"},
        {"\"input\":{}", "invalid_value", "input"},
        {"\"input\":[7]", "invalid_value", "input[0]"},
        {"\"input\":[{\"role\":\"tool\",\"content\":\"x\"}]", "invalid_value", "input[0].role"},
        {"\"input\":[{\"role\":\"user\"}]", "invalid_value", "input[0].content"},
        {"\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\"}]}]",
         "unsupported_value", "input[0].content"},
        {"\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"x\","
         "\"y\":1}]}]",
         "invalid_value", "input[0].content"},
        {"\"input\":[{\"role\":\"user\",\"content\":\"x\",\"mood\":1}]", "unknown_parameter",
         "input[0].mood"},
        {"\"input\":[{\"type\":\"reasoning\",\"summary\":[]}]", "unsupported_value",
         "input[0].type"},
        {"\"input\":[{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"\"}]",
         "invalid_value", "input[0].call_id"},
        {"\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f g\","
         "\"arguments\":\"\"}]",
         "invalid_value", "input[0].name"},
        {"\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\"}]",
         "invalid_value", "input[0].arguments"},
        {"\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\"}]", "invalid_value",
         "input[0].output"},
        {"\"instructions\":\"x\"", "missing_parameter", "input"},
        {"\"input\":\"x\",\"instructions\":[]", "invalid_value", "instructions"},
        {"\"input\":\"x\",\"previous_response_id\":\"resp_1\"", "unsupported_parameter",
         "previous_response_id"},
        {"\"input\":\"x\",\"conversation\":\"c\"", "unsupported_parameter", "conversation"},
        {"\"input\":\"x\",\"background\":true", "unsupported_parameter", "background"},
        {"\"input\":\"x\",\"truncation\":\"auto\"", "unsupported_parameter", "truncation"},
        {"\"input\":\"x\",\"prompt\":{\"id\":\"p\"}", "unsupported_parameter", "prompt"},
        {"\"input\":\"x\",\"reasoning\":{\"effort\":\"high\"}", "unsupported_parameter",
         "reasoning"},
        {"\"input\":\"x\",\"include\":[\"file_search_call.results\"]", "unsupported_value",
         "include"},
        {"\"input\":\"x\",\"top_logprobs\":2", "invalid_value", "top_logprobs"},
        {"\"input\":\"x\",\"text\":{\"verbosity\":\"low\"}", "unsupported_parameter",
         "text.verbosity"},
        {"\"input\":\"x\",\"text\":{\"format\":{\"type\":\"json_schema\",\"schema\":{}}}",
         "missing_parameter", "text.format.name"},
        {"\"input\":\"x\",\"text\":{\"colour\":1}", "unknown_parameter", "text.colour"},
        {"\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]",
         "unknown_parameter", "tools[0].function"},
        {"\"input\":\"x\",\"tools\":[{\"type\":\"web_search\"}]", "unsupported_value",
         "tools[0].type"},
        {"\"input\":\"x\",\"n\":2", "unknown_parameter", "n"},
        {"\"input\":\"x\",\"max_tokens\":2", "unknown_parameter", "max_tokens"},
        {"\"input\":\"x\",\"stream\":true,\"stream_options\":{\"include_usage\":true}",
         "unknown_parameter", "stream_options.include_usage"},
    };
    refuse_all(RESPONSES, "\"model\":\"m\"", cases, sizeof(cases) / sizeof(cases[0]));
}

static void tokens_travel_both_ways(void **state)
{
    (void)state;
    static const refused_case tokenize[] = {
        {"\"content\":7", "invalid_value", "content"},
        {"\"content\":[\"x\"]", "invalid_value", "content"},
        {"\"model\":\"m\"", "missing_parameter", "content"},
        {"\"content\":\"x\",\"parse_special\":true", "unsupported_parameter", "parse_special"},
        {"\"content\":\"x\",\"add_special\":1", "invalid_value", "add_special"},
        {"\"content\":\"x\",\"with_pieces\":1", "invalid_value", "with_pieces"},
        {"\"content\":\"x\",\"stream\":false", "unknown_parameter", "stream"},
    };
    static const refused_case detokenize[] = {
        {"\"tokens\":\"x\"", "invalid_value", "tokens"},
        {"\"tokens\":[-1]", "invalid_value", "tokens"},
        {"\"tokens\":[1.5]", "invalid_value", "tokens"},
        {"\"tokens\":[2147483648]", "invalid_value", "tokens"},
        {"\"content\":\"x\"", "unknown_parameter", "content"},
        {"\"model\":\"m\"", "missing_parameter", "tokens"},
    };
    refuse_all(TOKENIZE, "", tokenize, sizeof(tokenize) / sizeof(tokenize[0]));
    refuse_all(DETOKENIZE, "", detokenize, sizeof(detokenize) / sizeof(detokenize[0]));
    aver_job job = job_take(TOKENIZE, "{\"content\":\"a b\",\"add_special\":true,"
                                      "\"with_pieces\":true,\"parse_special\":false}");
    assert_true(job.add_special && job.has_logprobs);
    assert_true(aver_view_equal_text(aver_buf_view(&job.prompt), "a b"));
    aver_job_deinit(&job);
    job_prompts(TOKENIZE, "{\"content\":\"\",\"model\":\"m\"}", "");
    job_prompts(DETOKENIZE, "{\"tokens\":[1,2147483647,0]}", "[1,2147483647,0]");
    job_prompts(DETOKENIZE, "{\"tokens\":[]}", "[]");
    job_prompts(TEMPLATE, "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":[]}",
                "[{\"content\":\"x\",\"role\":\"user\"}]");
    job_refused(TEMPLATE, "{\"tools\":[]}", "missing_parameter", "messages");
    job_refused(TEMPLATE, "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"n\":1}",
                "unknown_parameter", "n");
}

static void every_endpoint_has_its_path(void **state)
{
    (void)state;
    aver_endpoint found = AVER_ENDPOINT_CHAT;
    for (unsigned i = AVER_ENDPOINT_CHAT; i <= AVER_ENDPOINT_APPLY_TEMPLATE; i++) {
        assert_true(aver_endpoint_find(aver_endpoint_path((aver_endpoint)i), &found));
        assert_int_equal(found, i);
    }
    assert_false(aver_endpoint_find("/v1/models", &found));
    assert_false(aver_endpoint_find("", &found));
}

/* DEL takes six bytes when it is written anew: the body fits, what the engine would get does not.
 */
static void what_grows_beyond_its_bound_is_refused(void **state)
{
    (void)state;
    const size_t count = 2u << 20;
    char *body = malloc(count + 64);
    size_t size = (size_t)snprintf(body, 64, "{\"model\":\"m\",\"input\":\"");
    memset(body + size, 0x7f, count);
    (void)snprintf(body + size + count, 8, "\"}");
    job_refused(EMBEDDINGS, body, "invalid_value", "input");
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tools_keep_the_order_of_their_parameters),
        cmocka_unit_test(tool_choices_have_their_words),
        cmocka_unit_test(bad_tools_are_refused_by_place),
        cmocka_unit_test(tools_are_bounded_in_number_and_size),
        cmocka_unit_test(conversations_with_tools_are_read),
        cmocka_unit_test(a_schema_is_kept_as_it_came),
        cmocka_unit_test(candidates_have_a_bound),
        cmocka_unit_test(embeddings_take_texts),
        cmocka_unit_test(responses_are_conversations),
        cmocka_unit_test(responses_have_their_own_members),
        cmocka_unit_test(bad_responses_are_refused_by_place),
        cmocka_unit_test(tokens_travel_both_ways),
        cmocka_unit_test(every_endpoint_has_its_path),
        cmocka_unit_test(what_grows_beyond_its_bound_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

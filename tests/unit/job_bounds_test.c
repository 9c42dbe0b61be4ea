/* SPDX-License-Identifier: Apache-2.0 */
/* job_bounds: members of requests at their bounds and one beyond, and one case for each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/job_read.h"

#include <stdlib.h>

#define CHAT       AVER_ENDPOINT_CHAT
#define COMPLETION AVER_ENDPOINT_COMPLETION
#define EMBEDDINGS AVER_ENDPOINT_EMBEDDINGS
#define RESPONSES  AVER_ENDPOINT_RESPONSES
#define HELLO      "\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]"
#define PROMPT     "\"model\":\"m\",\"prompt\":\"Hello\""
#define INPUT      "\"model\":\"m\",\"input\":\"Hello\""
#define BODY_MAX   (2u << 20)

/* head, then count bytes of x, then tail. */
static char *body_long(const char *head, size_t count, const char *tail)
{
    size_t size = strlen(head);
    char *body = malloc(BODY_MAX);
    assert_non_null(body);
    assert_true(size + count + strlen(tail) < BODY_MAX);
    memcpy(body, head, size);
    memset(body + size, 'x', count);
    memcpy(body + size + count, tail, strlen(tail) + 1);
    return body;
}

/* head, then count times middle parted by commas, each @ in it its number, then tail. */
static char *body_many(const char *head, const char *middle, size_t count, const char *tail)
{
    char *body = body_long(head, 0, "");
    size_t size = strlen(body);
    for (size_t i = 0; i < count; i++) {
        size += (size_t)snprintf(body + size, BODY_MAX - size, "%s", i == 0 ? "" : ",");
        for (const char *at = middle; *at != '\0'; at++) {
            size += *at == '@' ? (size_t)snprintf(body + size, BODY_MAX - size, "%zu", i)
                               : (size_t)snprintf(body + size, BODY_MAX - size, "%c", *at);
        }
        assert_true(size + strlen(tail) < BODY_MAX);
    }
    (void)snprintf(body + size, BODY_MAX - size, "%s", tail);
    return body;
}

static void take_free(aver_endpoint endpoint, char *body)
{
    aver_job job = job_take(endpoint, body);
    aver_job_deinit(&job);
    free(body);
}

static void refuse_free(aver_endpoint endpoint, char *body, const char *param)
{
    job_refused(endpoint, body, "invalid_value", param);
    free(body);
}

#define CALL(id, name)                                                                             \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name                      \
    "\",\"arguments\":\"{}\"}}"
#define SAID(calls)                                                                                \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"x\",\"tool_calls\":"     \
    "[" calls
#define ITEM(type, members) "{\"model\":\"m\",\"input\":[{\"type\":\"" type "\"," members

static const struct {
    aver_endpoint endpoint;
    const char *head, *tail;
    size_t least, most;
    const char *param;
} texts[] = {
    {CHAT, "{\"model\":\"", "\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 1, 256,
     "model"},
    {CHAT, "{" HELLO ",\"user\":\"", "\"}", 0, 1024, "user"},
    {CHAT, "{" HELLO ",\"safety_identifier\":\"", "\"}", 0, 1024, "safety_identifier"},
    {CHAT, "{" HELLO ",\"prompt_cache_key\":\"", "\"}", 1, 256, "prompt_cache_key"},
    {CHAT, "{" HELLO ",\"stop\":\"", "\"}", 1, 256, "stop"},
    {CHAT, "{" HELLO ",\"metadata\":{\"a\":\"", "\"}}", 0, 512, "metadata"},
    {CHAT, "{" HELLO ",\"metadata\":{\"", "\":\"a\"}}", 0, 64, "metadata"},
    {CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"name\":\"",
     "\"}]}", 0, 256, "messages[0].name"},
    {CHAT,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"content\":\"x\",\"tool_call_id\":\"",
     "\"}]}", 1, 256, "messages[0].tool_call_id"},
    {CHAT, SAID("{\"id\":\""),
     "\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}]}", 1, 256,
     "messages[0].tool_calls"},
    {CHAT, "{" HELLO ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"", "\"}}]}", 1,
     64, "tools[0].function.name"},
    {CHAT,
     "{" HELLO ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"",
     "\"}}]}", 0, 65536, "tools[0].function.description"},
    {CHAT,
     "{" HELLO ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{},"
     "\"name\":\"n\",\"description\":\"",
     "\"}}}", 0, 65536, "response_format.json_schema.description"},
    {CHAT,
     "{" HELLO ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
     "\"schema\":{\"title\":\"",
     "\"}}}}", 0, 256 * 1024 - 12, "response_format.json_schema.schema"},
    {CHAT, "{" HELLO ",\"aver\":{\"path\":\"/\",\"method\":\"", "\"}}", 1, 7, "aver.method"},
    {CHAT, "{" HELLO ",\"aver\":{\"method\":\"GET\",\"path\":\"", "\"}}", 1, 255, "aver.path"},
    {RESPONSES, ITEM("message", "\"role\":\"user\",\"content\":\"x\",\"id\":\""), "\"}]}", 0, 256,
     "input[0].id"},
    {RESPONSES, ITEM("function_call", "\"name\":\"f\",\"arguments\":\"\",\"call_id\":\""), "\"}]}",
     1, 256, "input[0].call_id"},
    {RESPONSES, ITEM("function_call_output", "\"output\":\"\",\"call_id\":\""), "\"}]}", 1, 256,
     "input[0].call_id"},
};

static void texts_end_at_their_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *head = texts[i].head;
        const char *tail = texts[i].tail;
        take_free(texts[i].endpoint, body_long(head, texts[i].most, tail));
        take_free(texts[i].endpoint, body_long(head, texts[i].least, tail));
        refuse_free(texts[i].endpoint, body_long(head, texts[i].most + 1, tail), texts[i].param);
        if (texts[i].least > 0) {
            refuse_free(texts[i].endpoint, body_long(head, texts[i].least - 1, tail),
                        texts[i].param);
        }
    }
}

static const struct {
    aver_endpoint endpoint;
    const char *head, *middle, *tail;
    size_t least, most;
    const char *param;
} counts[] = {
    {CHAT, "{\"model\":\"m\",\"messages\":[", "{\"role\":\"user\",\"content\":\"x\"}", "]}", 1,
     4096, "messages"},
    {CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[",
     "{\"type\":\"text\",\"text\":\"x\"}", "]}]}", 1, 256, "messages[0].content"},
    {CHAT, SAID(""), CALL("c@", "f"), "]}]}", 0, 128, "messages[0].tool_calls"},
    {CHAT, "{" HELLO ",\"stop\":[", "\"@\"", "]}", 0, 4, "stop"},
    {CHAT, "{" HELLO ",\"logit_bias\":{", "\"@\":1", "}}", 0, 1024, "logit_bias"},
    {CHAT, "{" HELLO ",\"metadata\":{", "\"@\":\"\"", "}}", 0, 16, "metadata"},
    {CHAT, "{" HELLO ",\"tools\":[", "{\"type\":\"function\",\"function\":{\"name\":\"f@\"}}", "]}",
     0, 128, "tools"},
    {RESPONSES, "{\"model\":\"m\",\"input\":[", "{\"role\":\"user\",\"content\":\"x\"}", "]}", 1,
     4096, "input"},
    {RESPONSES, "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[",
     "{\"type\":\"input_text\",\"text\":\"x\"}", "]}]}", 1, 256, "input[0].content"},
    {EMBEDDINGS, "{\"model\":\"m\",\"input\":[", "\"@\"", "]}", 1, 2048, "input"},
};

static void counts_end_at_their_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        const char *head = counts[i].head;
        const char *middle = counts[i].middle;
        const char *tail = counts[i].tail;
        take_free(counts[i].endpoint, body_many(head, middle, counts[i].most, tail));
        take_free(counts[i].endpoint, body_many(head, middle, counts[i].least, tail));
        refuse_free(counts[i].endpoint, body_many(head, middle, counts[i].most + 1, tail),
                    counts[i].param);
        if (counts[i].least > 0) {
            refuse_free(counts[i].endpoint, body_many(head, middle, 0, tail), counts[i].param);
        }
    }
}

static const struct {
    aver_endpoint endpoint;
    const char *name;
    const char *in[3], *out[4];
} numbers[] = {
    {CHAT, "max_tokens", {"1", "131072"}, {"0", "131073", "1.0"}},
    {CHAT, "max_completion_tokens", {"1", "131072"}, {"0", "131073", "\"1\""}},
    {RESPONSES, "max_output_tokens", {"1", "131072"}, {"0", "131073", "true"}},
    {CHAT, "temperature", {"0", "2", "2.0"}, {"-0.000001", "2.000001", "\"0\""}},
    {CHAT, "top_p", {"0", "1"}, {"-0.000001", "1.000001"}},
    {CHAT, "min_p", {"0", "1"}, {"-0.000001", "1.000001"}},
    {CHAT, "top_k", {"0", "1000000"}, {"-1", "1000001", "1.0"}},
    {CHAT, "repetition_penalty", {"0.1", "10"}, {"0.099999", "10.000001"}},
    {CHAT, "frequency_penalty", {"-2", "2"}, {"-2.000001", "2.000001"}},
    {CHAT, "presence_penalty", {"-2", "2"}, {"-2.000001", "2.000001"}},
    {CHAT, "seed", {"0", "9007199254740991"}, {"-1", "9007199254740992"}},
    {CHAT, "n", {"1", "16"}, {"0", "17"}},
    {COMPLETION, "logprobs", {"0", "5", "false"}, {"-1", "6", "true"}},
    {COMPLETION, "best_of", {"1"}, {"0", "129"}},
    {CHAT, "logprobs\":true,\"top_logprobs", {"0", "20"}, {"-1", "21"}},
    {CHAT, "logit_bias", {"{\"5\":-100}", "{\"5\":100}"}, {"{\"5\":-100.5}", "{\"5\":100.5}"}},
    {EMBEDDINGS, "dimensions", {"1", "1048576"}, {"0", "1048577"}},
};

static void numbers_end_at_their_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        aver_endpoint endpoint = numbers[i].endpoint;
        const char *last = strrchr(numbers[i].name, '"');
        const char *rest = endpoint == CHAT ? HELLO : endpoint == COMPLETION ? PROMPT : INPUT;
        char body[512];
        for (size_t j = 0; j < 3 && numbers[i].in[j] != NULL; j++) {
            (void)snprintf(body, sizeof(body), "{%s,\"%s\":%s}", rest, numbers[i].name,
                           numbers[i].in[j]);
            aver_job job = job_take(endpoint, body);
            aver_job_deinit(&job);
        }
        for (size_t j = 0; j < 4 && numbers[i].out[j] != NULL; j++) {
            (void)snprintf(body, sizeof(body), "{%s,\"%s\":%s}", rest, numbers[i].name,
                           numbers[i].out[j]);
            job_refused(endpoint, body, "invalid_value", last != NULL ? last + 1 : numbers[i].name);
        }
    }
    job_refused(COMPLETION, "{" PROMPT ",\"best_of\":128}", "unsupported_parameter", "best_of");
}

typedef struct refused_case {
    const char *members;
    const char *code;
    const char *param;
} refused_case;

/* Each of the members between head and tail. */
static void refuse_all(aver_endpoint endpoint, const char *head, const char *tail,
                       const refused_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char body[1024];
        (void)snprintf(body, sizeof(body), "%s%s%s", head, cases[i].members, tail);
        job_refused(endpoint, body, cases[i].code, cases[i].param);
    }
}

#define REFUSED(endpoint, head, tail, ...)                                                         \
    refuse_all(endpoint, head, tail, (const refused_case[]){__VA_ARGS__},                          \
               sizeof((const refused_case[]){__VA_ARGS__}) / sizeof(refused_case))

static void parts_of_another_shape_are_refused(void **state)
{
    (void)state;
    const char *chat = "messages[0].content";
    REFUSED(CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":", "}]}",
            {"[{\"text\":\"x\",\"kind\":\"text\"}]", "invalid_value", chat},
            {"[{\"type\":\"text\",\"text\":7}]", "invalid_value", chat},
            {"[{\"type\":\"text\",\"words\":\"x\"}]", "invalid_value", chat},
            {"[{\"type\":\"text\",\"text\":\"x\",\"more\":1}]", "invalid_value", chat},
            {"{\"type\":\"text\",\"text\":\"x\"}", "invalid_value", chat});
    const char *input = "input[0].content";
    REFUSED(RESPONSES, "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":", "}]}",
            {"[{\"text\":\"x\"}]", "invalid_value", input},
            {"[{\"type\":7,\"text\":\"x\"}]", "invalid_value", input},
            {"[{\"type\":\"input_text\"}]", "invalid_value", input},
            {"[{\"type\":\"input_text\",\"text\":7}]", "invalid_value", input},
            {"[{\"type\":\"input_text\",\"text\":\"x\",\"more\":1}]", "invalid_value", input},
            {"[{\"more\":1,\"type\":\"input_text\",\"text\":\"x\"}]", "invalid_value", input},
            {"[{\"type\":\"input_image\"}]", "unsupported_value", input},
            {"{\"type\":\"input_text\",\"text\":\"x\"}", "invalid_value", input},
            {"[]", "invalid_value", input});
}

static void calls_of_another_shape_are_refused(void **state)
{
    (void)state;
    REFUSED(CHAT,
            "{\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"content\":\"x\",\"tool_call_id\":"
            "\"c\",",
            "}]}", {"\"mood\":1", "unknown_parameter", "messages[0].mood"});
    const char *calls = "messages[0].tool_calls";
    const char *function = "\"function\":{\"name\":\"f\",\"arguments\":\"\"}";
    char three[256];
    (void)snprintf(three, sizeof(three), "{\"id\":\"c\",\"type\":\"function\",%s,\"index\":0}",
                   function);
    char untyped[256];
    (void)snprintf(untyped, sizeof(untyped), "{\"id\":\"c\",\"type\":7,%s}", function);
    char kind[256];
    (void)snprintf(kind, sizeof(kind), "{\"id\":\"c\",\"kind\":\"function\",%s}", function);
    REFUSED(CHAT, SAID(""), "]}]}", {three, "invalid_value", calls},
            {untyped, "invalid_value", calls}, {kind, "invalid_value", calls},
            {"{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\","
             "\"strict\":true}}",
             "invalid_value", calls},
            {"{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\","
             "\"parsed_arguments\":{},\"strict\":true}}",
             "invalid_value", calls});
    REFUSED(CHAT,
            "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"x\",\"tool_"
            "calls\":",
            "}]}", {"{}", "invalid_value", calls}, {"\"x\"", "invalid_value", calls});
    REFUSED(CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\",", "}]}",
            {"\"tool_calls\":{}", "invalid_value", calls},
            {"\"tool_call_id\":\"\"", "invalid_value", "messages[0].tool_call_id"});
    REFUSED(CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"x\",",
            "}]}", {"\"tool_call_id\":\"c\"", "invalid_value", "messages[0].tool_call_id"});
    REFUSED(CHAT, "{\"model\":\"m\",\"messages\":", "}",
            {"{\"role\":\"user\",\"content\":\"x\"}", "invalid_value", "messages"});
}

/* What clients repeat from answers says nothing. */
static void empty_members_of_messages_are_taken(void **state)
{
    (void)state;
    job_prompts(CHAT,
                "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[" CALL(
                    "c", "f") "]}]}",
                "[{\"content\":\"\",\"role\":\"assistant\",\"tool_calls\":[{\"function\":{"
                "\"arguments\":\"{}\",\"name\":\"f\"},\"id\":\"c\",\"type\":\"function\"}]}]");
    job_prompts(
        CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"tool_calls\":"
        "null,\"tool_call_id\":null,\"annotations\":[]},{\"role\":\"user\",\"content\":"
        "\"x\",\"tool_calls\":[],\"refusal\":null}]}",
        "[{\"content\":\"x\",\"role\":\"user\"},{\"content\":\"x\",\"role\":\"user\"}]");
    job_prompts(RESPONSES,
                "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"x\",\"id\":null,"
                "\"status\":null}]}",
                "[{\"content\":\"x\",\"role\":\"user\"}]");
    REFUSED(RESPONSES, "{\"model\":\"m\",\"input\":[{\"content\":\"x\",", "}]}",
            {"\"role\":\"user\",\"status\":7", "invalid_value", "input[0].status"},
            {"\"id\":\"a\"", "invalid_value", "input[0].role"},
            {"\"role\":7", "invalid_value", "input[0].role"});
    REFUSED(RESPONSES, "{" INPUT ",\"include\":", "}", {"{}", "invalid_value", "include"},
            {"\"message.output_text.logprobs\"", "invalid_value", "include"},
            {"[7]", "unsupported_value", "include"});
}

static void forms_and_tools_of_another_shape_are_refused(void **state)
{
    (void)state;
    REFUSED(CHAT, "{" HELLO ",\"response_format\":", "}",
            {"{\"type\":\"text\",\"more\":1}", "invalid_value", "response_format"},
            {"{\"type\":\"json_object\",\"more\":1}", "invalid_value", "response_format"},
            {"{\"type\":7}", "invalid_value", "response_format"},
            {"{\"kind\":\"text\"}", "invalid_value", "response_format"},
            {"{\"type\":\"grammar\"}", "unsupported_value", "response_format"},
            {"{\"type\":\"json_schema\",\"json_schema\":[]}", "invalid_value", "response_format"},
            {"{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{}},\"more\":1}",
             "invalid_value", "response_format"},
            {"{\"type\":\"json_schema\",\"json_schema\":{\"type\":\"json_schema\",\"name\":\"n\","
             "\"schema\":{}}}",
             "unknown_parameter", "response_format.json_schema.type"},
            {"{\"type\":\"json_schema\",\"json_schema\":{\"name\":null,\"schema\":{}}}",
             "invalid_value", "response_format.json_schema.name"});
    aver_job job = job_take(CHAT, "{" HELLO ",\"response_format\":{\"type\":\"json_schema\","
                                  "\"json_schema\":{\"name\":\"n\",\"schema\":{},\"strict\":null,"
                                  "\"description\":null}}}");
    aver_job_deinit(&job);
    job = job_take(RESPONSES, "{" INPUT ",\"text\":{\"format\":null,\"verbosity\":null}}");
    aver_job_deinit(&job);
    REFUSED(RESPONSES, "{" INPUT ",\"text\":", "}", {"[]", "invalid_value", "text"},
            {"\"x\"", "invalid_value", "text"},
            {"{\"format\":{\"type\":\"text\",\"more\":1}}", "invalid_value", "text.format"});
    REFUSED(CHAT, "{" HELLO ",\"tools\":[", "]}",
            {"{\"type\":\"function\",\"function\":{\"name\":\"f\",\"type\":\"function\"}}",
             "unknown_parameter", "tools[0].function.type"});
    REFUSED(CHAT,
            "{" HELLO ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"
            "\"tool_choice\":",
            "}", {"{\"kind\":1,\"function\":{\"name\":\"f\"}}", "invalid_value", "tool_choice"},
            {"{\"type\":7,\"function\":{\"name\":\"f\"}}", "invalid_value", "tool_choice"},
            {"{\"type\":\"function\",\"function\":{\"name\":\"f\"},\"more\":1}", "invalid_value",
             "tool_choice"},
            {"{\"type\":\"function\",\"function\":\"f\"}", "invalid_value", "tool_choice"},
            {"{\"type\":\"function\",\"function\":{\"name\":\"f\",\"more\":1}}", "invalid_value",
             "tool_choice"});
}

static void plain_members_of_another_shape_are_refused(void **state)
{
    (void)state;
    REFUSED(CHAT, "{" HELLO ",", "}", {"\"metadata\":[]", "invalid_value", "metadata"},
            {"\"metadata\":{\"a\":1,\"b\":\"\"}", "invalid_value", "metadata"},
            {"\"modalities\":[\"audio\"]", "unsupported_parameter", "modalities"},
            {"\"functions\":7", "unsupported_parameter", "functions"},
            {"\"functions\":{\"a\":1}", "unsupported_parameter", "functions"},
            {"\"stop\":{\"a\":1}", "invalid_value", "stop"},
            {"\"stream\":true,\"stream_options\":[]", "invalid_value", "stream_options"},
            {"\"stream\":true,\"stream_options\":{\"include_obfuscation\":true}",
             "unsupported_parameter", "stream_options.include_obfuscation"});
    REFUSED(RESPONSES, "{" INPUT ",\"reasoning\":", "}", {"[]", "invalid_value", "reasoning"},
            {"{\"effort\":\"low\"}", "unsupported_parameter", "reasoning"},
            {"{\"summary\":\"none\"}", "unsupported_parameter", "reasoning"});
    aver_job job = job_take(RESPONSES, "{" INPUT ",\"reasoning\":{\"effort\":\"none\"}}");
    aver_job_deinit(&job);
    job = job_take(CHAT, "{" HELLO ",\"functions\":{}}");
    aver_job_deinit(&job);
    REFUSED(EMBEDDINGS, "{\"model\":\"m\",\"input\":", "}", {"[true]", "invalid_value", "input[0]"},
            {"[\"a\",{}]", "invalid_value", "input[1]"});
    job_refused(CHAT, "{" HELLO ",\"a\\u007fb\":1}", "unknown_parameter", "a?b");
    REFUSED(CHAT,
            "{" HELLO ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
            "{\"schema\":{},\"name\":",
            "}}}", {"\"a{\"", "invalid_value", "response_format.json_schema.name"},
            {"\"a[\"", "invalid_value", "response_format.json_schema.name"},
            {"\"a:\"", "invalid_value", "response_format.json_schema.name"});
}

static void claims_of_another_shape_are_refused(void **state)
{
    (void)state;
    REFUSED(CHAT, "{" HELLO ",\"aver\":", "}", {"{\"nonce\":7}", "invalid_value", "aver.nonce"},
            {"{\"nonce\":\"00\"}", "invalid_value", "aver.nonce"},
            {"{\"method\":7,\"path\":\"/\"}", "invalid_value", "aver.method"},
            {"{\"method\":\"GET\",\"path\":[]}", "invalid_value", "aver.path"},
            {"{\"method\":\"GET\"}", "invalid_value", "aver.method"},
            {"{\"path\":\"/\"}", "invalid_value", "aver.method"},
            {"{\"deadline_ms\":1.0}", "invalid_value", "aver.deadline_ms"},
            {"{\"deadline_ms\":-1}", "invalid_value", "aver.deadline_ms"},
            {"{\"deadline_ms\":9007199254740992}", "invalid_value", "aver.deadline_ms"});
    aver_job job = job_take(CHAT, "{" HELLO ",\"aver\":{\"deadline_ms\":9007199254740991}}");
    assert_true(job.claims.deadline_ms == 9007199254740991u);
    aver_job_deinit(&job);
}

/* Each tool is within its bound; the fifth is not within that of all. */
static void all_tools_end_at_their_bound(void **state)
{
    (void)state;
    char *one = body_long(
        "{\"type\":\"function\",\"function\":{\"name\":\"f@\",\"parameters\":{\"title\":\"", 250000,
        "\"}}}");
    take_free(CHAT, body_many("{" HELLO ",\"tools\":[", one, 4, "]}"));
    refuse_free(CHAT, body_many("{" HELLO ",\"tools\":[", one, 5, "]}"), "tools[4]");
    free(one);
}

static void any_of_the_tools_can_be_chosen(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        char tail[128];
        (void)snprintf(tail, sizeof(tail),
                       "],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f%d\"}}}",
                       i);
        char *body = body_many("{" HELLO ",\"tools\":[",
                               "{\"type\":\"function\",\"function\":{\"name\":\"f@\"}}", 2, tail);
        if (i < 2) {
            take_free(CHAT, body);
        } else {
            refuse_free(CHAT, body, "tool_choice");
        }
    }
}

static void inputs_are_counted(void **state)
{
    (void)state;
    static const char *const inputs[] = {"\"a\"", "[\"a\"]", "[\"a\",\"b\"]"};
    for (size_t i = 0; i < 3; i++) {
        char body[128];
        (void)snprintf(body, sizeof(body), "{\"model\":\"m\",\"input\":%s}", inputs[i]);
        aver_job job = job_take(EMBEDDINGS, body);
        assert_int_equal(job.inputs_count, i == 2 ? 2 : 1);
        aver_job_deinit(&job);
    }
}

/* Biases come in the order of their tokens, wherever they stood. */
static void biases_are_put_in_order(void **state)
{
    (void)state;
    char *body = body_many("{" HELLO ",\"logit_bias\":{\"9\":1,\"3\":1,\"700\":1,\"8\":1,\"1\":1,"
                           "\"50\":1",
                           "", 0, "}}");
    aver_job job = job_take(CHAT, body);
    for (size_t i = 1; i < job.biases_count; i++) {
        assert_true(job.biases[i - 1].token < job.biases[i].token);
    }
    assert_int_equal(job.biases_count, 6);
    aver_job_deinit(&job);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_end_at_their_bounds),
        cmocka_unit_test(counts_end_at_their_bounds),
        cmocka_unit_test(numbers_end_at_their_bounds),
        cmocka_unit_test(parts_of_another_shape_are_refused),
        cmocka_unit_test(calls_of_another_shape_are_refused),
        cmocka_unit_test(empty_members_of_messages_are_taken),
        cmocka_unit_test(forms_and_tools_of_another_shape_are_refused),
        cmocka_unit_test(plain_members_of_another_shape_are_refused),
        cmocka_unit_test(claims_of_another_shape_are_refused),
        cmocka_unit_test(all_tools_end_at_their_bound),
        cmocka_unit_test(any_of_the_tools_can_be_chosen),
        cmocka_unit_test(inputs_are_counted),
        cmocka_unit_test(biases_are_put_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

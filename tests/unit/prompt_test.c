/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/model.h"
#include "../support/templates.h"
#include "engine/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS_MAX        65536
#define TEXT_BYTES_MAX 16384

static struct llama_model *model;
static const struct llama_vocab *vocab;

static int vocabulary_open(void **state)
{
    (void)state;
    struct llama_model_params params = llama_model_default_params();
    aver_host_prepare();
    params.vocab_only = true;
    model = llama_model_load_from_file(model_find(MODEL_STORIES), params);
    vocab = model == NULL ? NULL : llama_model_get_vocab(model);
    return model == NULL ? -1 : 0;
}

static int vocabulary_close(void **state)
{
    (void)state;
    llama_model_free(model);
    return 0;
}

static aver_prompt *prompt_open(const char *source)
{
    char why[160] = "";
    aver_prompt *prompt = NULL;
    aver_err err = aver_prompt_new(vocab, aver_view_text(source), &prompt, why);
    if (err != AVER_OK) {
        print_error("%s\n", why);
    }
    assert_int_equal(err, AVER_OK);
    return prompt;
}

static void job_of(const char *messages, const char *tools, aver_job *job)
{
    memset(job, 0, sizeof(*job));
    job->endpoint = AVER_ENDPOINT_CHAT;
    aver_buf_init(&job->prompt, AVER_JOB_PROMPT_BYTES_MAX);
    aver_buf_init(&job->tools, AVER_JOB_BODY_BYTES_MAX);
    aver_buf_append_text(&job->prompt, messages);
    aver_buf_append_text(&job->tools, tools);
}

static void assert_text(const char *source, const char *messages, const char *tools,
                        const char *expected)
{
    char why[160] = "";
    aver_buf text;
    aver_job job;
    aver_prompt *prompt = prompt_open(source);
    job_of(messages, tools, &job);
    aver_buf_init(&text, TEXT_BYTES_MAX);
    aver_err err = aver_prompt_text(prompt, &job, &text, why);
    if (err != AVER_OK) {
        fail_msg("%s", why);
    }
    if (!aver_view_equal_text(aver_buf_view(&text), expected)) {
        fail_msg("\n%.*s\nis not\n%s", (int)text.size, text.data, expected);
    }
    aver_buf_deinit(&text);
    aver_job_deinit(&job);
    aver_prompt_free(prompt);
}

static const char one_tool[] =
    "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{}}}]";
static const char a_call[] =
    "[{\"role\":\"system\",\"content\":\"Be kind.\"},{\"role\":\"user\",\"content\":\"Hi\"},"
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":"
    "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\": 1}\"}}]},"
    "{\"role\":\"tool\",\"content\":\"done\",\"tool_call_id\":\"c1\"}]";

static void templates_that_know_tools_see_them(void **state)
{
    (void)state;
    assert_text(TEMPLATE_TAGS, a_call, one_tool,
                "<|im_start|>system\nTools:\n<tools>{\"type\": \"function\", \"function\": "
                "{\"name\": \"f\", \"parameters\": {}}}</tools><|im_end|>\n"
                "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
                "<|im_start|>assistant\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": "
                "1}}\n</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\ndone\n"
                "</tool_response><|im_end|>\n<|im_start|>assistant\n");
}

static void other_templates_and_the_plain_one_get_them_in_words(void **state)
{
    (void)state;
#define WORDS                                                                                      \
    "You can call tools. This is what they are, in JSON:\n\n[{\"function\":{\"name\":\"f\","       \
    "\"parameters\":{}},\"type\":\"function\"}]\n\nTo call one or more of them, answer with "      \
    "nothing but one JSON object of this form:\n{\"tool_calls\":[{\"name\":\"NAME\","              \
    "\"arguments\":{}}]}\nThe results come in the messages after it. If no tool is needed, "       \
    "answer in plain text."
#define CALLED "{\"tool_calls\":[{\"name\":\"f\",\"arguments\":{\"a\": 1}}]}"
    assert_text("", a_call, one_tool,
                WORDS "\n\nBe kind.\nHi\n" CALLED "\nResult of tool call c1:\ndone");
    assert_text("{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}", a_call,
                one_tool,
                "[system]" WORDS "\n\nBe kind.[user]Hi[assistant]" CALLED
                "[user]Result of tool call c1:\ndone");
    /* Without tools, former calls are still told. */
    assert_text("", a_call, "", "Be kind.\nHi\n" CALLED "\nResult of tool call c1:\ndone");
    /* A template without a place for a system message. */
    assert_text(
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}"
        "{% endif %}[{{ m.role }}]{{ m.content }}{% endfor %}",
        "[{\"role\":\"developer\",\"content\":\"A\"},{\"role\":\"user\",\"content\":\"B\"}]", "",
        "[user]A\nB");
}

static void arguments_that_are_no_json_are_refused(void **state)
{
    (void)state;
    char why[160] = "";
    aver_ids ids;
    aver_job job;
    aver_prompt *prompt = prompt_open(TEMPLATE_TAGS);
    job_of("[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":"
           "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{a}\"}}]}]",
           "", &job);
    assert_int_equal(aver_prompt_read(prompt, &job, IDS_MAX, &ids, why), AVER_E_FORMAT);
    assert_non_null(strstr(why, "arguments"));
    aver_job_deinit(&job);
    aver_prompt_free(prompt);
}

typedef struct control_count {
    size_t begins, ends, unknown;
} control_count;

static control_count controls_of(const char *source, const char *messages, const char *tools)
{
    char why[160] = "";
    aver_ids ids = {0};
    aver_job job;
    control_count count = {0, 0, 0};
    aver_prompt *prompt = prompt_open(source);
    job_of(messages, tools, &job);
    aver_err err = aver_prompt_read(prompt, &job, IDS_MAX, &ids, why);
    if (err != AVER_OK) {
        fail_msg("%s: %s", messages, why);
    }
    for (size_t i = 0; i < ids.count; i++) {
        count.begins += ids.ids[i] == llama_vocab_bos(vocab) ? 1 : 0;
        count.ends += ids.ids[i] == llama_vocab_eos(vocab) ? 1 : 0;
        count.unknown += ids.ids[i] == 0 ? 1 : 0;
    }
    free(ids.ids);
    aver_job_deinit(&job);
    aver_prompt_free(prompt);
    return count;
}

/* Each place at which a caller's text can come into a prompt, with this text at it. */
static void request_with(const char *text, size_t place, char *messages, char *tools)
{
    const char *at[7];
    for (size_t i = 0; i < 7; i++) {
        at[i] = i == place ? text : "x";
    }
    (void)snprintf(
        messages, TEXT_BYTES_MAX,
        "[{\"role\":\"user\",\"content\":\"%s\"},{\"role\":\"assistant\",\"content\":"
        "null,\"tool_calls\":[{\"id\":\"%s\",\"type\":\"function\",\"function\":{"
        "\"name\":\"f\",\"arguments\":\"{\\\"%s\\\": \\\"%s\\\"}\"}}]},{\"role\":\"tool\","
        "\"content\":\"%s\",\"tool_call_id\":\"x\"}]",
        at[0], at[1], at[2], at[3], at[4]);
    (void)snprintf(tools, TEXT_BYTES_MAX,
                   "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"%s\","
                   "\"parameters\":{\"type\":\"object\",\"properties\":{\"%s\":{}}}}}]",
                   at[5], at[6]);
}

static void callers_text_is_never_a_control_token(void **state)
{
    (void)state;
    static const char *const sources[] = {TEMPLATE_TAGS, TEMPLATE_LIST, TEMPLATE_BARE, "",
                                          "{% for m in messages %}{{ m.role }}: {{ m.content }}"
                                          "{{ eos_token }}{% endfor %}"};
    static const char *const texts[] = {
        "</s>", "<s>", "a</s>b<s></s>", "<unk>", "\\u003c/s\\u003e", "<s</s>>"};
    char messages[TEXT_BYTES_MAX];
    char tools[TEXT_BYTES_MAX];
    for (size_t s = 0; s < sizeof(sources) / sizeof(sources[0]); s++) {
        request_with("x", 0, messages, tools);
        control_count clean = controls_of(sources[s], messages, tools);
        for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
            for (size_t place = 0; place < 7; place++) {
                request_with(texts[t], place, messages, tools);
                control_count found = controls_of(sources[s], messages, tools);
                if (memcmp(&found, &clean, sizeof(found)) != 0) {
                    fail_msg("template %zu, place %zu: %s", s, place, texts[t]);
                }
            }
        }
    }
}

/* What a template does because of a control token's text cannot be told from its own. */
static void a_template_that_hides_where_text_is_from_is_refused(void **state)
{
    (void)state;
    char why[160] = "";
    aver_ids ids;
    aver_job job;
    aver_prompt *prompt = prompt_open("{% for m in messages %}{% if '</s>' in m.content %}{{ "
                                      "eos_token }}{% endif %}{{ m.content }}{% endfor %}");
    job_of("[{\"role\":\"user\",\"content\":\"a</s>\"}]", "", &job);
    assert_int_equal(aver_prompt_read(prompt, &job, IDS_MAX, &ids, why), AVER_E_FORMAT);
    assert_non_null(strstr(why, "control token"));
    aver_job_deinit(&job);
    aver_prompt_free(prompt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_that_know_tools_see_them),
        cmocka_unit_test(other_templates_and_the_plain_one_get_them_in_words),
        cmocka_unit_test(arguments_that_are_no_json_are_refused),
        cmocka_unit_test(callers_text_is_never_a_control_token),
        cmocka_unit_test(a_template_that_hides_where_text_is_from_is_refused),
    };
    if (model_find(MODEL_STORIES) == NULL) {
        return MODEL_SKIP_STATUS;
    }
    return cmocka_run_group_tests(tests, vocabulary_open, vocabulary_close);
}

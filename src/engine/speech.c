/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/speech.h"

#include "codec/json.h"
#include "engine/grammar_json.h"
#include "engine/speech_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_BYTES 160
/* Of the schemas that llama-common's own converter is given, all tools together: it has no bounds
 * of its own, and takes about a millisecond a KiB. */
#define NATIVE_SCHEMA_BYTES_MAX   (32u * 1024)
#define NATIVE_SCHEMA_MEMBERS_MAX 64

typedef struct plan_maker {
    const aver_native *native;
    const aver_job *job;
    aver_speech_plan *plan;
    json_t *schema; /* owned; NULL: none asked for */
    char *why;
} plan_maker;

static aver_err maker_fail(plan_maker *maker, aver_err err, const char *words)
{
    if (maker->why[0] == '\0') {
        (void)snprintf(maker->why, WHY_BYTES, "%s", words);
    }
    return err;
}

/* The tools that may be called; where one is named, that one. */
static aver_err maker_tools(plan_maker *maker)
{
    const aver_job *job = maker->job;
    json_t *tools = NULL;
    if (job->tools.size == 0 || job->tool_choice == AVER_TOOL_CHOICE_NONE) {
        return AVER_OK;
    }
    aver_err err =
        aver_json_parse(aver_buf_view(&job->tools), AVER_JOB_BODY_BYTES_MAX, &tools, NULL);
    if (err != AVER_OK) {
        return maker_fail(maker, err, "the tools cannot be read");
    }
    for (size_t i = json_array_size(tools); job->tool_choice == AVER_TOOL_CHOICE_NAMED && i > 0;
         i--) {
        const json_t *function = json_object_get(json_array_get(tools, i - 1), "function");
        const char *name = json_string_value(json_object_get(function, "name"));
        if (name == NULL || strcmp(name, job->tool_name) != 0) {
            (void)json_array_remove(tools, i - 1);
        }
    }
    if (json_array_size(tools) == 0) {
        json_decref(tools);
        return maker_fail(maker, AVER_E_FORMAT, "tool_choice names no tool");
    }
    maker->plan->tools = tools;
    return AVER_OK;
}

static bool must_call(const aver_job *job)
{
    return job->tool_choice == AVER_TOOL_CHOICE_REQUIRED ||
           job->tool_choice == AVER_TOOL_CHOICE_NAMED;
}

/* How many members the largest object has, at any depth. */
static size_t json_widest(const json_t *json)
{
    size_t widest = json_object_size(json);
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)json, key, member)
    {
        size_t inner = json_widest(member);
        widest = inner > widest ? inner : widest;
    }
    for (size_t i = 0; i < json_array_size(json); i++) {
        size_t inner = json_widest(json_array_get(json, i));
        widest = inner > widest ? inner : widest;
    }
    return widest;
}

/* Whether a schema is one that we keep ourselves, and small. *budget: bytes that all may have. */
static bool schema_is_tame(const json_t *schema, size_t *budget)
{
    char why[AVER_GRAMMAR_WHY_BYTES];
    aver_grammar_builder *builder = NULL;
    aver_grammar_item item;
    char *text = json_dumps(schema, JSON_COMPACT);
    size_t size = text == NULL ? SIZE_MAX : strlen(text);
    bool tame = size <= *budget && json_widest(schema) <= NATIVE_SCHEMA_MEMBERS_MAX &&
                aver_grammar_builder_new(&builder) == AVER_OK &&
                aver_grammar_schema_read(builder, schema, &item, why) == AVER_OK;
    aver_grammar_builder_free(builder);
    free(text);
    *budget -= tame ? size : 0;
    return tame;
}

/* The tools for llama-common: schemas that it might choke on become "any object". */
static json_t *tools_tamed(const json_t *tools)
{
    size_t budget = NATIVE_SCHEMA_BYTES_MAX;
    json_t *tamed = json_deep_copy(tools);
    for (size_t i = 0; i < json_array_size(tamed); i++) {
        json_t *function = json_object_get(json_array_get(tamed, i), "function");
        const json_t *parameters = json_object_get(function, "parameters");
        if (parameters != NULL && json_object_size(parameters) != 0 &&
            !schema_is_tame(parameters, &budget)) {
            (void)json_object_set_new(function, "parameters", json_pack("{s:s}", "type", "object"));
        }
    }
    return tamed;
}

static aver_err maker_native(plan_maker *maker)
{
    aver_speech_plan *plan = maker->plan;
    if (plan->tools == NULL || maker->native == NULL) {
        return AVER_OK;
    }
    json_t *tools = tools_tamed(plan->tools);
    /* With a format besides, the answer is a call or of the format: the grammar of answers that
     * must call is then one half of it. */
    bool required = must_call(maker->job) || maker->job->format != AVER_FORMAT_TEXT;
    aver_native_need need = {tools, required, plan->parallel};
    plan->native = tools == NULL ? NULL : aver_native_parser_new(maker->native, &need);
    json_decref(tools);
    if (plan->native == NULL) {
        return maker_fail(maker, AVER_E_UNSUPPORTED,
                          "the chat template has no way to call these tools");
    }
    plan->marks_count = aver_native_marks(plan->native, plan->marks);
    return AVER_OK;
}

static aver_err maker_schema(plan_maker *maker)
{
    if (maker->job->format != AVER_FORMAT_JSON_SCHEMA) {
        return AVER_OK;
    }
    aver_err err = aver_json_parse(aver_buf_view(&maker->job->schema), AVER_JOB_SCHEMA_BYTES_MAX,
                                   &maker->schema, NULL);
    return err == AVER_OK ? AVER_OK : maker_fail(maker, err, "the schema cannot be read");
}

/* An alternative for answers of the format: after before, where the other one begins with it. */
static aver_err maker_add_format(plan_maker *maker, aver_grammar_builder *builder, aver_view before,
                                 uint32_t root)
{
    aver_grammar_item items[2];
    aver_err err = AVER_OK;
    if (maker->schema != NULL) {
        err = aver_grammar_schema_read(builder, maker->schema, &items[1], maker->why);
    } else {
        (void)aver_grammar_json_value(builder, &items[1]);
    }
    items[0] = aver_grammar_literal(builder, before);
    if (err == AVER_OK) {
        aver_grammar_rule_items(builder, root, items, 2);
    }
    return err;
}

/* An alternative for answers that call tools. */
static aver_err maker_add_calls(plan_maker *maker, aver_grammar_builder *builder, uint32_t root)
{
    aver_speech_plan *plan = maker->plan;
    aver_grammar_item item = {true, 0};
    aver_err err = AVER_OK;
    if (plan->native != NULL) {
        bool lazy = false;
        aver_view before;
        aver_view text = aver_native_grammar(plan->native, &lazy, &before);
        err = text.size == 0 ? maker_fail(maker, AVER_E_UNSUPPORTED,
                                          "calls cannot be forced with this chat template")
                             : aver_grammar_text_read(builder, text, &item.value, maker->why);
    } else {
        err = aver_own_grammar(builder, plan->tools, plan->parallel, &item, maker->why);
    }
    if (err == AVER_OK) {
        aver_grammar_rule_items(builder, root, &item, 1);
    }
    return err;
}

static bool grammar_begins(const aver_grammar *grammar, aver_view text)
{
    aver_grammar_run *run = NULL;
    bool begins = aver_grammar_run_new(grammar, &run) == AVER_OK &&
                  aver_grammar_run_take(run, text) == AVER_OK;
    aver_grammar_run_free(run);
    return begins;
}

/* Builds the grammar of answers; before stands in front of each in it. */
static aver_err maker_build(plan_maker *maker, bool calls, bool format, aver_view before,
                            aver_grammar **ret_grammar)
{
    aver_grammar_builder *builder = NULL;
    aver_err err = aver_grammar_builder_new(&builder);
    if (err != AVER_OK) {
        return err;
    }
    uint32_t root = aver_grammar_rule(builder);
    err = calls ? maker_add_calls(maker, builder, root) : AVER_OK;
    err = err == AVER_OK && format ? maker_add_format(maker, builder, before, root) : err;
    err = err == AVER_OK ? aver_grammar_builder_finish(builder, root, ret_grammar) : err;
    aver_grammar_builder_free(builder);
    return err == AVER_OK ? AVER_OK
                          : maker_fail(maker, err,
                                       "the tools or the schema are too large, or "
                                       "allow no answer");
}

/* What native calls have read of the prompt before the answer begins, if they have. */
static aver_err maker_before(plan_maker *maker)
{
    aver_speech_plan *plan = maker->plan;
    aver_grammar *calls = NULL;
    aver_view before;
    bool lazy = false;
    (void)aver_native_grammar(plan->native, &lazy, &before);
    aver_err err = maker_build(maker, true, false, before, &calls);
    if (err == AVER_OK && before.size != 0 && grammar_begins(calls, before)) {
        plan->before = before;
    }
    aver_grammar_free(calls);
    return err;
}

static aver_err maker_grammar(plan_maker *maker)
{
    aver_speech_plan *plan = maker->plan;
    bool format = maker->job->format != AVER_FORMAT_TEXT;
    bool calls = plan->tools != NULL && (format || must_call(maker->job));
    format = format && !must_call(maker->job);
    aver_err err = maker_schema(maker);
    if (err == AVER_OK && calls && plan->native != NULL) {
        err = maker_before(maker);
    }
    if (err == AVER_OK && (calls || format)) {
        err = maker_build(maker, calls, format, plan->before, &plan->grammar);
    }
    return err;
}

/* Calls that the model begins of itself are held to their grammar from there on; one that cannot
 * be read is not kept to. */
static void maker_calls_grammar(plan_maker *maker)
{
    aver_speech_plan *plan = maker->plan;
    char why[WHY_BYTES] = "";
    plan_maker quiet = *maker;
    bool lazy = false;
    aver_view before;
    quiet.why = why;
    if (plan->native == NULL || plan->grammar != NULL || plan->marks_count == 0) {
        return;
    }
    aver_view text = aver_native_grammar(plan->native, &lazy, &before);
    if (lazy && text.size != 0 &&
        maker_build(&quiet, true, false, before, &plan->calls_grammar) != AVER_OK) {
        plan->calls_grammar = NULL;
    }
}

aver_err aver_speech_plan_new(const aver_host *host, const aver_job *job,
                              aver_speech_plan **ret_plan, char ret_why[160])
{
    return aver_speech_plan_make(aver_prompt_native(aver_host_prompt(host)), job, ret_plan,
                                 ret_why);
}

aver_err aver_speech_plan_make(const aver_native *native, const aver_job *job,
                               aver_speech_plan **ret_plan, char ret_why[160])
{
    bool tools = job->tools.size != 0 && job->tool_choice != AVER_TOOL_CHOICE_NONE;
    *ret_plan = NULL;
    ret_why[0] = '\0';
    if (!tools && job->format == AVER_FORMAT_TEXT) {
        return AVER_OK;
    }
    aver_speech_plan *plan = calloc(1, sizeof(*plan));
    if (plan == NULL) {
        return AVER_E_NOMEM;
    }
    plan->parallel = job->parallel_tool_calls;
    plan_maker maker = {native, job, plan, NULL, ret_why};
    aver_err err = maker_tools(&maker);
    err = err == AVER_OK ? maker_native(&maker) : err;
    err = err == AVER_OK ? maker_grammar(&maker) : err;
    if (err == AVER_OK) {
        maker_calls_grammar(&maker);
    }
    json_decref(maker.schema);
    if (err != AVER_OK) {
        aver_speech_plan_free(plan);
        return err;
    }
    *ret_plan = plan;
    return AVER_OK;
}

void aver_speech_plan_free(aver_speech_plan *plan)
{
    if (plan != NULL) {
        json_decref(plan->tools);
        aver_native_parser_free(plan->native);
        aver_grammar_free(plan->grammar);
        aver_grammar_free(plan->calls_grammar);
        free(plan);
    }
}

const aver_grammar *aver_speech_grammar(const aver_speech_plan *plan, aver_view *ret_before)
{
    *ret_before = plan->before;
    return plan->grammar;
}

const aver_grammar *aver_speech_grammar_of_calls(const aver_speech_plan *plan)
{
    return plan->calls_grammar;
}

size_t aver_speech_marks(const aver_speech_plan *plan, const aver_view **ret_marks)
{
    *ret_marks = plan->marks;
    return plan->marks_count;
}

bool aver_speech_is_native(const aver_speech_plan *plan)
{
    return plan->native != NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* job_tools: the functions that a model may call, and whether it may. */
#include "engine/job_parse.h"

#include <stdio.h>
#include <string.h>

#define TOOL_DESCRIPTION_BYTES_MAX 65536

/* What a tool says of its function, wherever the members lie. */
typedef struct tool_function {
    char name[AVER_JOB_TOOL_NAME_BYTES_MAX + 1];
    const json_t *description; /* NULL: none */
    const json_t *parameters;  /* NULL: none */
    bool has_strict;
    bool strict;
} tool_function;

/* prefix: "tools[3]" or "tools[3].function". */
static const char *tool_param(char param[static AVER_JOB_PARAM_BYTES], const char *prefix,
                              const char *member)
{
    (void)snprintf(param, AVER_JOB_PARAM_BYTES, "%.40s.%s", prefix, member);
    return param;
}

static aver_err tool_member(job_parse *parse, const char *prefix, const char *key,
                            const json_t *value, tool_function *function)
{
    char param[AVER_JOB_PARAM_BYTES];
    aver_view text;
    (void)tool_param(param, prefix, key);
    if (strcmp(key, "name") == 0) {
        return aver_job_read_name(parse, param, value, function->name);
    }
    if (json_is_null(value)) {
        return AVER_OK;
    }
    if (strcmp(key, "description") == 0) {
        function->description = value;
        return aver_job_read_text(parse, param, value, 0, TOOL_DESCRIPTION_BYTES_MAX, &text);
    }
    if (strcmp(key, "parameters") == 0) {
        const json_t *type = json_object_get(value, "type");
        bool object =
            json_is_object(value) && (!json_is_string(type) || aver_job_is_text(type, "object"));
        function->parameters = value;
        return object ? AVER_OK : aver_job_refuse_value(parse, param, "an object of type object");
    }
    function->has_strict = true;
    return aver_job_read_bool(parse, param, value, &function->strict);
}

static aver_err tool_function_read(job_parse *parse, const char *prefix, const json_t *object,
                                   bool flat, tool_function *function)
{
    static const char *const known[] = {"name", "description", "parameters", "strict"};
    char param[AVER_JOB_PARAM_BYTES];
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (flat && strcmp(key, "type") == 0) {
            continue;
        }
        if (!aver_job_is_one_of(key, known, 4)) {
            return aver_job_refuse_unknown(parse, tool_param(param, prefix, ""), key);
        }
        aver_err err = tool_member(parse, prefix, key, value, function);
        if (err != AVER_OK) {
            return err;
        }
    }
    if (function->name[0] == '\0') {
        return aver_job_refuse(parse, AVER_E_FORMAT, "missing_parameter",
                               tool_param(param, prefix, "name"), "%s is missing", param);
    }
    return AVER_OK;
}

/* In the order in which OpenAI writes them, which is what models were shown. */
static aver_err tool_put(job_parse *parse, size_t index, const tool_function *function)
{
    char param[AVER_JOB_PARAM_BYTES];
    aver_buf *out = &parse->job.tools;
    aver_buf_append_text(out, index == 0 ? "[" : ",");
    aver_buf_append_format(out, "{\"type\":\"function\",\"function\":{\"name\":\"%s\"",
                           function->name);
    if (function->description != NULL) {
        aver_buf_append_text(out, ",\"description\":");
        aver_json_append(out, function->description);
    }
    aver_buf_append_text(out, ",\"parameters\":");
    size_t before = out->size;
    if (function->parameters != NULL) {
        aver_json_append_ordered(out, function->parameters);
    } else {
        aver_buf_append_text(out, "{\"type\":\"object\",\"properties\":{}}");
    }
    if (out->size - before > AVER_JOB_SCHEMA_BYTES_MAX || out->failure == AVER_E_LIMIT) {
        return aver_job_refuse_value(parse, aver_job_param(param, "tools", index, ""),
                                     "less than 256 KiB of parameters, all tools 1 MiB");
    }
    if (function->has_strict) {
        aver_buf_append_text(out, function->strict ? ",\"strict\":true" : ",\"strict\":false");
    }
    aver_buf_append_text(out, "}}");
    return aver_buf_status(out);
}

/* RESPONSES has the members of the function beside "type", the others in an object of their own. */
static aver_err tool_read(job_parse *parse, size_t index, const json_t *tool)
{
    bool flat = parse->job.endpoint == AVER_ENDPOINT_RESPONSES;
    char param[AVER_JOB_PARAM_BYTES];
    char prefix[AVER_JOB_PARAM_BYTES];
    tool_function function = {.name = ""};
    const json_t *type = json_object_get(tool, "type");
    if (!json_is_string(type)) {
        return aver_job_refuse_value(parse, aver_job_param(param, "tools", index, "type"),
                                     "function");
    }
    if (!aver_job_is_text(type, "function")) {
        return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_value",
                               aver_job_param(param, "tools", index, "type"),
                               "tools other than functions are not supported here");
    }
    const json_t *object = flat ? tool : json_object_get(tool, "function");
    (void)aver_job_param(prefix, "tools", index, flat ? "" : "function");
    if (!json_is_object(object)) {
        return aver_job_refuse_value(parse, prefix, "an object");
    }
    if (!flat && json_object_size(tool) != 2) {
        return aver_job_refuse_value(parse, aver_job_param(param, "tools", index, ""),
                                     "{\"type\",\"function\"}");
    }
    aver_err err = tool_function_read(parse, prefix, object, flat, &function);
    return err == AVER_OK ? tool_put(parse, index, &function) : err;
}

aver_err aver_job_tools(job_parse *parse, const char *key, const json_t *value)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count > AVER_JOB_TOOLS_MAX) {
        return aver_job_refuse_value(parse, key, "an array of at most 128 tools");
    }
    aver_err err = AVER_OK;
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        const json_t *tool = json_array_get(value, i);
        err = json_is_object(tool) ? tool_read(parse, i, tool)
                                   : aver_job_refuse_value(parse, key, "an array of objects");
    }
    if (err == AVER_OK && count > 0) {
        aver_buf_append_byte(&parse->job.tools, ']');
        parse->tools = value;
        err = aver_buf_status(&parse->job.tools);
    }
    return err;
}

static aver_err choice_word(job_parse *parse, const char *key, const json_t *value)
{
    static const struct {
        const char *word;
        aver_tool_choice choice;
    } words[] = {
        {"auto", AVER_TOOL_CHOICE_AUTO},
        {"none", AVER_TOOL_CHOICE_NONE},
        {"required", AVER_TOOL_CHOICE_REQUIRED},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (aver_job_is_text(value, words[i].word)) {
            parse->job.tool_choice = words[i].choice;
            return AVER_OK;
        }
    }
    return aver_job_refuse_value(parse, key, "none, auto, required or a function");
}

aver_err aver_job_tool_choice(job_parse *parse, const char *key, const json_t *value)
{
    bool flat = parse->job.endpoint == AVER_ENDPOINT_RESPONSES;
    if (!json_is_object(value)) {
        return choice_word(parse, key, value);
    }
    const json_t *type = json_object_get(value, "type");
    const json_t *holder = flat ? value : json_object_get(value, "function");
    if (json_is_string(type) && !aver_job_is_text(type, "function")) {
        return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_value", key,
                               "a tool_choice of this type is not supported here");
    }
    if (!json_is_string(type) || json_object_size(value) != 2 || !json_is_object(holder) ||
        json_object_size(holder) != (flat ? 2 : 1)) {
        return aver_job_refuse_value(parse, key,
                                     flat ? "{\"type\":\"function\",\"name\"}"
                                          : "{\"type\":\"function\",\"function\":{\"name\"}}");
    }
    parse->job.tool_choice = AVER_TOOL_CHOICE_NAMED;
    return aver_job_read_name(parse, flat ? "tool_choice.name" : "tool_choice.function.name",
                              json_object_get(holder, "name"), parse->job.tool_name);
}

aver_err aver_job_parallel(job_parse *parse, const char *key, const json_t *value)
{
    return aver_job_read_bool(parse, key, value, &parse->job.parallel_tool_calls);
}

/* The name of a tool that was read already. */
static const char *tool_name(const job_parse *parse, size_t index)
{
    const json_t *tool = json_array_get(parse->tools, index);
    const json_t *holder =
        parse->job.endpoint == AVER_ENDPOINT_RESPONSES ? tool : json_object_get(tool, "function");
    return json_string_value(json_object_get(holder, "name"));
}

aver_err aver_job_tools_complete(job_parse *parse)
{
    const aver_job *job = &parse->job;
    bool found = false;
    size_t count = json_array_size(parse->tools);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(tool_name(parse, i), tool_name(parse, j)) == 0) {
                return aver_job_refuse(parse, AVER_E_FORMAT, "invalid_value", "tools",
                                       "two tools have the name %s", tool_name(parse, i));
            }
        }
        found = found || strcmp(tool_name(parse, i), job->tool_name) == 0;
    }
    if (job->tool_choice == AVER_TOOL_CHOICE_NAMED && !found) {
        return aver_job_refuse_value(parse, "tool_choice", "one of tools");
    }
    if (job->tool_choice == AVER_TOOL_CHOICE_REQUIRED && count == 0) {
        return aver_job_refuse(parse, AVER_E_FORMAT, "invalid_value", "tool_choice",
                               "tool_choice is allowed only with tools");
    }
    return AVER_OK;
}

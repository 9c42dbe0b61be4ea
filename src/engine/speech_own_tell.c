/* SPDX-License-Identifier: Apache-2.0 */
/* What a model is told of tools, and the grammar of answers that call them. */
#include "codec/json.h"
#include "engine/grammar_json.h"
#include "engine/speech_own.h"

#include <string.h>

#define TEXT_BYTES_MAX ((size_t)64 * 1024 * 1024)

static const char instructions[] = "You can call tools. This is what they are, in JSON:\n\n";
static const char instructions_end[] =
    "\n\nTo call one or more of them, answer with nothing but one JSON object of this form:\n"
    "{\"tool_calls\":[{\"name\":\"NAME\",\"arguments\":{}}]}\n"
    "The results come in the messages after it. If no tool is needed, answer in plain text.";

static aver_err message_new(const char *role, const aver_buf *text, json_t *messages)
{
    aver_err err = aver_buf_status(text);
    if (err != AVER_OK) {
        return err;
    }
    json_t *content = json_stringn((const char *)text->data, text->size);
    json_t *message = json_pack("{s:s,s:o}", "role", role, "content", content);
    return message == NULL || json_array_append_new(messages, message) != 0 ? AVER_E_NOMEM
                                                                            : AVER_OK;
}

static void text_append(aver_buf *text, const json_t *string)
{
    aver_buf_append(text, aver_view_make(json_string_value(string), json_string_length(string)));
}

/* The calls of a former answer, as the model would have written them. */
static void calls_append(aver_buf *text, const json_t *calls)
{
    aver_buf_append_text(text, text->size == 0 ? "" : "\n");
    aver_buf_append_text(text, "{\"tool_calls\":[");
    for (size_t i = 0; i < json_array_size(calls); i++) {
        const json_t *function = json_object_get(json_array_get(calls, i), "function");
        const json_t *arguments = json_object_get(function, "arguments");
        aver_buf_append_text(text, i == 0 ? "{\"name\":" : ",{\"name\":");
        aver_json_append(text, json_object_get(function, "name"));
        aver_buf_append_text(text, ",\"arguments\":");
        text_append(text, arguments);
        aver_buf_append_text(text, "}");
    }
    aver_buf_append_text(text, "]}");
}

static aver_err message_reword(const json_t *message, aver_buf *text, json_t *messages)
{
    const char *role = json_string_value(json_object_get(message, "role"));
    const json_t *calls = json_object_get(message, "tool_calls");
    const json_t *id = json_object_get(message, "tool_call_id");
    if (strcmp(role, "tool") != 0 && json_array_size(calls) == 0) {
        json_t *same = json_deep_copy(message);
        return json_array_append_new(messages, same) != 0 ? AVER_E_NOMEM : AVER_OK;
    }
    aver_buf_clear(text);
    if (strcmp(role, "tool") == 0) {
        aver_buf_append_text(text, "Result of tool call ");
        text_append(text, id);
        aver_buf_append_text(text, ":\n");
    }
    text_append(text, json_object_get(message, "content"));
    if (json_array_size(calls) != 0) {
        calls_append(text, calls);
    }
    return message_new(strcmp(role, "tool") == 0 ? "user" : role, text, messages);
}

/* Our words and the tools go first, before what the caller tells the model. */
static aver_err system_message(const json_t *messages, const json_t *tools, aver_buf *text,
                               json_t *made, size_t *ret_used)
{
    const json_t *first = json_array_get(messages, 0);
    const char *role = json_string_value(json_object_get(first, "role"));
    bool has_own = role != NULL && strcmp(role, "system") == 0;
    aver_buf_append_text(text, instructions);
    aver_json_append(text, tools);
    aver_buf_append_text(text, instructions_end);
    if (has_own) {
        aver_buf_append_text(text, "\n\n");
        text_append(text, json_object_get(first, "content"));
    }
    *ret_used = has_own ? 1 : 0;
    return message_new("system", text, made);
}

aver_err aver_own_messages(const json_t *messages, const json_t *tools, json_t **ret_messages)
{
    aver_buf text;
    size_t used = 0;
    aver_buf_init(&text, TEXT_BYTES_MAX);
    json_t *made = json_array();
    aver_err err = made == NULL ? AVER_E_NOMEM : AVER_OK;
    if (err == AVER_OK && json_array_size(tools) != 0) {
        err = system_message(messages, tools, &text, made, &used);
    }
    for (size_t i = used; i < json_array_size(messages) && err == AVER_OK; i++) {
        err = message_reword(json_array_get(messages, i), &text, made);
    }
    aver_buf_deinit(&text);
    if (err != AVER_OK) {
        json_decref(made);
        return err;
    }
    *ret_messages = made;
    return AVER_OK;
}

/* {"name":"NAME","arguments":...} */
static aver_err call_grammar(aver_grammar_builder *builder, const json_t *function,
                             aver_grammar_item space, uint32_t rule, char *why)
{
    const json_t *parameters = json_object_get(function, "parameters");
    const json_t *name = json_object_get(function, "name");
    aver_buf text;
    aver_grammar_item arguments;
    aver_err err = AVER_OK;
    bool described = json_is_object(parameters) && json_object_size(parameters) != 0;
    if (described) {
        err = aver_grammar_schema_read(builder, parameters, &arguments, why);
    }
    bool kept = described && err == AVER_OK;
    /* A schema that cannot be kept whole is kept as "any object", unless it must be. */
    if (!kept && aver_grammar_builder_status(builder) == AVER_OK &&
        !json_is_true(json_object_get(function, "strict"))) {
        (void)aver_grammar_json_value(builder, &arguments);
        err = AVER_OK;
    }
    if (err != AVER_OK) {
        return err;
    }
    aver_buf_init(&text, AVER_OWN_CALL_BYTES_MAX);
    aver_json_append(&text, name);
    err = aver_buf_status(&text);
    aver_grammar_item items[] = {
        aver_grammar_literal(builder, AVER_VIEW_LITERAL("{\"name\":")),
        space,
        aver_grammar_literal(builder, aver_buf_view(&text)),
        AVER_GRAMMAR_BYTE(','),
        space,
        aver_grammar_literal(builder, AVER_VIEW_LITERAL("\"arguments\":")),
        space,
        arguments,
        AVER_GRAMMAR_BYTE('}'),
    };
    aver_buf_deinit(&text);
    aver_grammar_rule_items(builder, rule, items, sizeof(items) / sizeof(items[0]));
    return err;
}

aver_err aver_own_grammar(aver_grammar_builder *builder, const json_t *tools, bool parallel,
                          aver_grammar_item *ret_item, char ret_why[AVER_GRAMMAR_WHY_BYTES])
{
    uint32_t whole = aver_grammar_rule(builder);
    uint32_t call = aver_grammar_rule(builder);
    uint32_t more = aver_grammar_rule(builder);
    aver_grammar_item space = aver_grammar_json_space(builder);
    aver_err err = AVER_OK;
    for (size_t i = 0; i < json_array_size(tools) && err == AVER_OK; i++) {
        const json_t *function = json_object_get(json_array_get(tools, i), "function");
        err = call_grammar(builder, function, space, call, ret_why);
    }
    if (err != AVER_OK) {
        return err;
    }
    aver_grammar_item next[] = {AVER_GRAMMAR_BYTE(','), space, AVER_GRAMMAR_RULE(call)};
    aver_grammar_rule_items(builder, more, next, 3);
    aver_grammar_item items[] = {
        aver_grammar_literal(builder, AVER_VIEW_LITERAL("{\"tool_calls\":")),
        space,
        AVER_GRAMMAR_BYTE('['),
        AVER_GRAMMAR_RULE(call),
        aver_grammar_repeat(builder, AVER_GRAMMAR_RULE(more), 0,
                            parallel ? AVER_GRAMMAR_NO_MAX : 0),
        aver_grammar_literal(builder, AVER_VIEW_LITERAL("]}")),
    };
    aver_grammar_rule_items(builder, whole, items, sizeof(items) / sizeof(items[0]));
    *ret_item = AVER_GRAMMAR_RULE(whole);
    return AVER_OK;
}

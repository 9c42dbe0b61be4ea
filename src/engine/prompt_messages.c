/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/prompt_messages.h"

#include "codec/json.h"
#include "engine/speech_own.h"

#include <stdio.h>
#include <string.h>

#define WHY_BYTES      160
#define JSON_BYTES_MAX ((size_t)64 * 1024 * 1024)

static aver_err messages_fail(char *why, const char *words)
{
    (void)snprintf(why, WHY_BYTES, "%s", words);
    return AVER_E_FORMAT;
}

void aver_prompt_messages_deinit(aver_prompt_messages *messages)
{
    json_decref(messages->messages);
    json_decref(messages->tools);
    memset(messages, 0, sizeof(*messages));
}

/* Role developer is system; content that is missing is empty. */
static aver_err message_settle(json_t *message)
{
    const char *role = json_string_value(json_object_get(message, "role"));
    const json_t *content = json_object_get(message, "content");
    int failed = 0;
    if (role == NULL || (content != NULL && !json_is_string(content) && !json_is_null(content))) {
        return AVER_E_FORMAT;
    }
    if (strcmp(role, "developer") == 0) {
        failed |= json_object_set_new(message, "role", json_string("system"));
    }
    if (!json_is_string(content)) {
        failed |= json_object_set_new(message, "content", json_string(""));
    }
    return failed != 0 ? AVER_E_NOMEM : AVER_OK;
}

/* Arguments come as JSON text; some templates want the object that it means. */
static aver_err message_arguments(const json_t *message, char *why)
{
    const json_t *calls = json_object_get(message, "tool_calls");
    for (size_t i = 0; i < json_array_size(calls); i++) {
        json_t *function = json_object_get(json_array_get(calls, i), "function");
        const json_t *text = json_object_get(function, "arguments");
        json_t *arguments = NULL;
        aver_view bytes = aver_view_make(json_string_value(text), json_string_length(text));
        if (!json_is_string(text)) {
            continue;
        }
        if (aver_json_parse(bytes, JSON_BYTES_MAX, &arguments, NULL) != AVER_OK) {
            return messages_fail(why, "the arguments of a tool call are not JSON");
        }
        if (json_object_set_new(function, "arguments", arguments) != 0) {
            return AVER_E_NOMEM;
        }
    }
    return AVER_OK;
}

static aver_err message_set_content(json_t *message, aver_view content)
{
    json_t *text = json_stringn((const char *)content.data, content.size);
    return text == NULL || json_object_set_new(message, "content", text) != 0 ? AVER_E_NOMEM
                                                                              : AVER_OK;
}

/* A first message that the template has no place for goes before the second one. */
static aver_err messages_merge_system(json_t *messages)
{
    const json_t *first = json_array_get(messages, 0);
    json_t *second = json_array_get(messages, 1);
    if (strcmp(json_string_value(json_object_get(first, "role")), "system") != 0) {
        return AVER_OK;
    }
    if (second == NULL) {
        return json_object_set_new((json_t *)(uintptr_t)first, "role", json_string("user")) != 0
                   ? AVER_E_NOMEM
                   : AVER_OK;
    }
    aver_buf text;
    aver_buf_init(&text, JSON_BYTES_MAX);
    aver_buf_append_text(&text, json_string_value(json_object_get(first, "content")));
    aver_buf_append_text(&text, "\n");
    aver_buf_append_text(&text, json_string_value(json_object_get(second, "content")));
    aver_err err = aver_buf_status(&text);
    err = err == AVER_OK ? message_set_content(second, aver_buf_view(&text)) : err;
    aver_buf_deinit(&text);
    if (err == AVER_OK && json_array_remove(messages, 0) != 0) {
        err = AVER_E_NOMEM;
    }
    return err;
}

/* Content as a list of one part. */
static aver_err message_type_content(json_t *message)
{
    json_t *text = json_incref(json_object_get(message, "content"));
    json_t *part = json_pack("[{s:s,s:o}]", "type", "text", "text", text);
    return part == NULL || json_object_set_new(message, "content", part) != 0 ? AVER_E_NOMEM
                                                                              : AVER_OK;
}

static aver_err messages_fit(const aver_template_abilities *able, json_t *messages, char *why)
{
    aver_err err = able->system ? AVER_OK : messages_merge_system(messages);
    for (size_t i = 0; i < json_array_size(messages) && err == AVER_OK; i++) {
        json_t *message = json_array_get(messages, i);
        if (able->object_arguments) {
            err = message_arguments(message, why);
        }
        if (err == AVER_OK && able->typed_content) {
            err = message_type_content(message);
        }
    }
    return err;
}

static aver_err messages_read(const aver_job *job, json_t **ret_messages, json_t **ret_tools,
                              char *why)
{
    aver_err err = aver_json_parse(aver_buf_view(&job->prompt), JSON_BYTES_MAX, ret_messages, NULL);
    for (size_t i = 0; i < json_array_size(*ret_messages) && err == AVER_OK; i++) {
        err = message_settle(json_array_get(*ret_messages, i));
    }
    if (err == AVER_OK && job->tools.size != 0 && job->tool_choice != AVER_TOOL_CHOICE_NONE) {
        err = aver_json_parse(aver_buf_view(&job->tools), JSON_BYTES_MAX, ret_tools, NULL);
    }
    if (err != AVER_OK) {
        (void)messages_fail(why, "the messages or tools cannot be read");
    }
    return err;
}

aver_err aver_prompt_messages_make(const aver_template_abilities *able, const aver_job *job,
                                   aver_prompt_messages *ret_messages, char ret_why[160])
{
    aver_prompt_messages made = {NULL, NULL};
    aver_err err = messages_read(job, &made.messages, &made.tools, ret_why);
    if (err == AVER_OK && (able == NULL || !able->tools)) {
        json_t *worded = NULL;
        err = aver_own_messages(made.messages, made.tools, &worded);
        if (err == AVER_OK) {
            json_decref(made.messages);
            json_decref(made.tools);
            made.messages = worded;
            made.tools = NULL;
        }
    }
    if (err == AVER_OK && able != NULL) {
        err = messages_fit(able, made.messages, ret_why);
    }
    if (err != AVER_OK) {
        aver_prompt_messages_deinit(&made);
        return err;
    }
    *ret_messages = made;
    return AVER_OK;
}

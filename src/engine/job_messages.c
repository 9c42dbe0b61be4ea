/* SPDX-License-Identifier: Apache-2.0 */
/* job_messages: conversations of /v1/chat/completions, and the form in which engines read them. */
#include "engine/job_parse.h"

#include <stdio.h>
#include <string.h>

#define NAME_BYTES_MAX    256
#define CALL_ID_BYTES_MAX 256

static const char *message_param(char param[static AVER_JOB_PARAM_BYTES], size_t index,
                                 const char *member)
{
    return aver_job_param(param, "messages", index, member);
}

aver_err aver_job_message_put(job_parse *parse, const job_message *message)
{
    aver_buf *out = &parse->job.prompt;
    if (out->size > 1) {
        aver_buf_append_byte(out, ',');
    }
    aver_buf_append_text(out, "{\"content\":");
    aver_json_append_string(out, message->content);
    if (message->name != NULL) {
        aver_buf_append_text(out, ",\"name\":");
        aver_json_append(out, message->name);
    }
    aver_buf_append_format(out, ",\"role\":\"%s\"", message->role);
    if (message->tool_call_id.size != 0) {
        aver_buf_append_text(out, ",\"tool_call_id\":");
        aver_json_append_string(out, message->tool_call_id);
    }
    if (message->tool_calls.size != 0) {
        aver_buf_append_text(out, ",\"tool_calls\":");
        aver_buf_append(out, message->tool_calls);
    }
    aver_buf_append_byte(out, '}');
    return aver_buf_status(out);
}

aver_err aver_job_call_put(aver_buf *calls, const char *name, aver_view arguments, aver_view id)
{
    aver_buf_append_text(calls, calls->size > 1 ? ",{\"function\":{\"arguments\":"
                                                : "{\"function\":{\"arguments\":");
    aver_json_append_string(calls, arguments);
    aver_buf_append_format(calls, ",\"name\":\"%s\"},\"id\":", name);
    aver_json_append_string(calls, id);
    aver_buf_append_text(calls, ",\"type\":\"function\"}");
    return aver_buf_status(calls);
}

/* The role's constant name in ret_role. */
static aver_err message_role(job_parse *parse, size_t index, const json_t *message,
                             const char **ret_role)
{
    static const char *const known[] = {"system", "developer", "user", "assistant", "tool"};
    char param[AVER_JOB_PARAM_BYTES];
    const json_t *role = json_object_get(message, "role");
    (void)message_param(param, index, "role");
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (aver_job_is_text(role, known[i])) {
            *ret_role = known[i];
            return AVER_OK;
        }
    }
    if (aver_job_is_text(role, "function")) {
        return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_value", param,
                               "role function is not supported here");
    }
    return aver_job_refuse_value(parse, param, "system, developer, user, assistant or tool");
}

/* One {"type":"text","text":...}; its text is appended. */
static aver_err message_part(job_parse *parse, const char *param, const json_t *part,
                             aver_buf *text)
{
    const char *type = json_string_value(json_object_get(part, "type"));
    const json_t *value = json_object_get(part, "text");
    if (type != NULL && strcmp(type, "text") != 0) {
        return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_value", param,
                               "content parts other than text are not supported here");
    }
    if (type == NULL || !json_is_string(value) || json_object_size(part) != 2) {
        return aver_job_refuse_value(parse, param,
                                     "a string or an array of {\"type\":\"text\",\"text\":...}");
    }
    aver_buf_append(text, aver_view_make(json_string_value(value), json_string_length(value)));
    return aver_buf_status(text);
}

static aver_err message_content(job_parse *parse, size_t index, const json_t *content,
                                aver_buf *text)
{
    char param[AVER_JOB_PARAM_BYTES];
    (void)message_param(param, index, "content");
    return aver_job_read_content(parse, param, content, message_part, text);
}

/* One {"id","type":"function","function":{"name","arguments"}}; the function may carry what a
 * client read the arguments as, which says nothing more. */
static aver_err message_call(job_parse *parse, const char *param, const json_t *call,
                             aver_buf *calls)
{
    const json_t *function = json_object_get(call, "function");
    const json_t *arguments = json_object_get(function, "arguments");
    size_t wanted = json_object_get(function, "parsed_arguments") != NULL ? 3 : 2;
    char name[AVER_JOB_TOOL_NAME_BYTES_MAX + 1];
    aver_view id;
    if (json_is_object(call) && json_is_string(json_object_get(call, "type")) &&
        !aver_job_is_text(json_object_get(call, "type"), "function")) {
        return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_value", param,
                               "calls of other tools than functions are not supported here");
    }
    if (json_object_size(call) != 3 || json_object_size(function) != wanted ||
        !json_is_string(json_object_get(call, "type")) || !json_is_string(arguments)) {
        return aver_job_refuse_value(
            parse, param, "an array of {\"id\",\"type\",\"function\":{\"name\",\"arguments\"}}");
    }
    aver_err err =
        aver_job_read_text(parse, param, json_object_get(call, "id"), 1, CALL_ID_BYTES_MAX, &id);
    err = err == AVER_OK ? aver_job_read_name(parse, param, json_object_get(function, "name"), name)
                         : err;
    aver_view words = aver_view_make(json_string_value(arguments), json_string_length(arguments));
    return err == AVER_OK ? aver_job_call_put(calls, name, words, id) : err;
}

static aver_err message_calls(job_parse *parse, size_t index, const json_t *value, aver_buf *calls)
{
    char param[AVER_JOB_PARAM_BYTES];
    size_t count = json_array_size(value);
    (void)message_param(param, index, "tool_calls");
    if (!json_is_array(value) || count > AVER_JOB_TOOLS_MAX) {
        return aver_job_refuse_value(parse, param, "an array of at most 128 calls");
    }
    if (count == 0) {
        return AVER_OK;
    }
    aver_err err = AVER_OK;
    aver_buf_append_byte(calls, '[');
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        err = message_call(parse, param, json_array_get(value, i), calls);
    }
    aver_buf_append_byte(calls, ']');
    return err == AVER_OK ? aver_buf_status(calls) : err;
}

/* Members of a message and who may say them; what clients repeat from answers comes as null. */
static aver_err message_member(job_parse *parse, size_t index, const char *key, const json_t *value,
                               job_message *message)
{
    static const char *const refused[] = {"function_call", "audio", "refusal", "annotations",
                                          "reasoning_content"};
    char param[AVER_JOB_PARAM_BYTES];
    aver_view text;
    (void)message_param(param, index, key);
    if (strcmp(key, "name") == 0) {
        message->name = value;
        return aver_job_read_text(parse, param, value, 0, NAME_BYTES_MAX, &text);
    }
    if (strcmp(key, "parsed") == 0 && strcmp(message->role, "assistant") == 0) {
        return AVER_OK; /* what a client read the content as */
    }
    bool nothing = json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0);
    if (strcmp(key, "tool_call_id") == 0 && strcmp(message->role, "tool") == 0) {
        return aver_job_read_text(parse, param, value, 1, CALL_ID_BYTES_MAX,
                                  &message->tool_call_id);
    }
    if (strcmp(key, "tool_calls") == 0 || strcmp(key, "tool_call_id") == 0) {
        return nothing ||
                       (strcmp(key, "tool_calls") == 0 && strcmp(message->role, "assistant") == 0)
                   ? AVER_OK
                   : aver_job_refuse_value(parse, param, "absent from a message of this role");
    }
    if (!aver_job_is_one_of(key, refused, sizeof(refused) / sizeof(refused[0]))) {
        return aver_job_refuse_unknown(parse, aver_job_prefix(param, "messages", index), key);
    }
    return nothing ? AVER_OK : aver_job_refuse_unsupported(parse, param);
}

static aver_err message_members(job_parse *parse, size_t index, const json_t *json,
                                job_message *message)
{
    char param[AVER_JOB_PARAM_BYTES];
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        if (strcmp(key, "role") == 0 || strcmp(key, "content") == 0) {
            continue;
        }
        aver_err err = message_member(parse, index, key, value, message);
        if (err != AVER_OK) {
            return err;
        }
    }
    if (strcmp(message->role, "tool") == 0 && message->tool_call_id.size == 0) {
        return aver_job_refuse(parse, AVER_E_FORMAT, "missing_parameter",
                               message_param(param, index, "tool_call_id"), "%s is missing", param);
    }
    return AVER_OK;
}

static aver_err message_read(job_parse *parse, size_t index, const json_t *json, aver_buf *text,
                             aver_buf *calls)
{
    job_message message = {.role = NULL};
    const json_t *content = json_object_get(json, "content");
    aver_err err = message_role(parse, index, json, &message.role);
    err = err == AVER_OK ? message_members(parse, index, json, &message) : err;
    const json_t *said = json_object_get(json, "tool_calls");
    if (err == AVER_OK && said != NULL && !json_is_null(said)) {
        err = message_calls(parse, index, said, calls);
    }
    /* Whoever called a tool need not have said anything. */
    bool silent = (content == NULL || json_is_null(content)) && calls->size != 0;
    if (err == AVER_OK && !silent) {
        err = message_content(parse, index, content, text);
    }
    message.content = aver_buf_view(text);
    message.tool_calls = aver_buf_view(calls);
    return err == AVER_OK ? aver_job_message_put(parse, &message) : err;
}

aver_err aver_job_messages(job_parse *parse, const char *key, const json_t *value)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count == 0 || count > AVER_JOB_MESSAGES_MAX) {
        return aver_job_refuse_value(parse, key, "an array of 1 to 4096 messages");
    }
    aver_err err = AVER_OK;
    aver_buf text, calls;
    aver_buf_init(&text, AVER_JOB_BODY_BYTES_MAX);
    aver_buf_init(&calls, AVER_JOB_PROMPT_BYTES_MAX);
    aver_buf_append_byte(&parse->job.prompt, '[');
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        const json_t *message = json_array_get(value, i);
        err = json_is_object(message) ? message_read(parse, i, message, &text, &calls)
                                      : aver_job_refuse_value(parse, key, "an array of objects");
        aver_buf_clear(&text);
        aver_buf_clear(&calls);
    }
    aver_buf_append_byte(&parse->job.prompt, ']');
    aver_buf_wipe(&text);
    aver_buf_deinit(&text);
    aver_buf_wipe(&calls);
    aver_buf_deinit(&calls);
    parse->has_prompt = true;
    return err == AVER_OK ? aver_buf_status(&parse->job.prompt) : err;
}

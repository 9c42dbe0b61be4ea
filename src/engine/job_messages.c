/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job_parse.h"

#include <stdio.h>
#include <string.h>

#define PARTS_MAX      256
#define NAME_BYTES_MAX 256
#define PARAM_BYTES    64

/* "messages[3].content" */
static const char *message_param(char param[static PARAM_BYTES], size_t index, const char *member)
{
    (void)snprintf(param, PARAM_BYTES, "messages[%zu].%s", index, member);
    return param;
}

static bool text_is_one_of(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static aver_err message_role(job_parse *parse, size_t index, const json_t *message)
{
    static const char *const known[] = {"system", "developer", "user", "assistant"};
    static const char *const refused[] = {"tool", "function"};
    char param[PARAM_BYTES];
    const char *role = json_string_value(json_object_get(message, "role"));
    (void)message_param(param, index, "role");
    if (role != NULL && text_is_one_of(role, refused, 2)) {
        return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_value", param,
                               "role %s is not supported here", role);
    }
    if (role == NULL || !text_is_one_of(role, known, 4)) {
        return aver_job_refuse_value(parse, param, "system, developer, user or assistant");
    }
    return AVER_OK;
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
    char param[PARAM_BYTES];
    (void)message_param(param, index, "content");
    if (json_is_string(content)) {
        aver_buf_append(text,
                        aver_view_make(json_string_value(content), json_string_length(content)));
        return aver_buf_status(text);
    }
    size_t count = json_array_size(content);
    if (!json_is_array(content) || count == 0 || count > PARTS_MAX) {
        return aver_job_refuse_value(parse, param, "a string or an array of 1 to 256 text parts");
    }
    aver_err err = AVER_OK;
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        err = message_part(parse, param, json_array_get(content, i), text);
    }
    return err;
}

/* Members beside role and content: name; and those that clients send as null. */
static aver_err message_members(job_parse *parse, size_t index, const json_t *message)
{
    static const char *const refused[] = {"tool_calls", "tool_call_id", "function_call",    "audio",
                                          "refusal",    "annotations",  "reasoning_content"};
    char param[PARAM_BYTES];
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)message, key, value)
    {
        if (strcmp(key, "role") == 0 || strcmp(key, "content") == 0) {
            continue;
        }
        if (strcmp(key, "name") == 0) {
            if (json_is_string(value) && json_string_length(value) <= NAME_BYTES_MAX) {
                continue;
            }
            return aver_job_refuse_value(parse, message_param(param, index, "name"),
                                         "a string of at most 256 bytes");
        }
        if (!text_is_one_of(key, refused, sizeof(refused) / sizeof(refused[0]))) {
            (void)snprintf(param, sizeof(param), "messages[%zu].", index);
            return aver_job_refuse_unknown(parse, param, key);
        }
        if (!json_is_null(value) && !(json_is_array(value) && json_array_size(value) == 0)) {
            return aver_job_refuse_unsupported(parse, message_param(param, index, key));
        }
    }
    return AVER_OK;
}

/* Appends {"content":...,"name":...,"role":...}, the name only where there is one. */
static aver_err message_append(job_parse *parse, size_t index, const json_t *message)
{
    aver_buf text;
    aver_buf *out = &parse->job.prompt;
    aver_buf_init(&text, AVER_JOB_BODY_BYTES_MAX);
    aver_err err = message_role(parse, index, message);
    err = err == AVER_OK ? message_members(parse, index, message) : err;
    err = err == AVER_OK ? message_content(parse, index, json_object_get(message, "content"), &text)
                         : err;
    if (err == AVER_OK) {
        aver_buf_append_text(out, "{\"content\":");
        aver_json_append_string(out, aver_buf_view(&text));
        if (json_object_get(message, "name") != NULL) {
            aver_buf_append_text(out, ",\"name\":");
            aver_json_append(out, json_object_get(message, "name"));
        }
        aver_buf_append_text(out, ",\"role\":");
        aver_json_append(out, json_object_get(message, "role"));
        aver_buf_append_text(out, "}");
        err = aver_buf_status(out);
    }
    aver_buf_deinit(&text);
    return err;
}

aver_err aver_job_messages(job_parse *parse, const char *key, const json_t *value)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count == 0 || count > AVER_JOB_MESSAGES_MAX) {
        return aver_job_refuse_value(parse, key, "an array of 1 to 4096 messages");
    }
    aver_err err = AVER_OK;
    aver_buf_append_byte(&parse->job.prompt, '[');
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        const json_t *message = json_array_get(value, i);
        if (i != 0) {
            aver_buf_append_byte(&parse->job.prompt, ',');
        }
        err = json_is_object(message) ? message_append(parse, i, message)
                                      : aver_job_refuse_value(parse, key, "an array of objects");
    }
    aver_buf_append_byte(&parse->job.prompt, ']');
    parse->has_prompt = true;
    return err == AVER_OK ? aver_buf_status(&parse->job.prompt) : err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_responses: the items of /v1/responses, made into the conversation that the same words would
 * be in /v1/chat/completions. A call of a function and what the assistant said before it are one
 * message, as are several calls in a row.
 */
#include "engine/job_parse.h"

#include <stdio.h>
#include <string.h>

#define CALL_ID_BYTES_MAX 256
#define ITEM_ID_BYTES_MAX 256

/* The assistant's message that more calls may still join. */
typedef struct responses_turn {
    bool open;
    aver_buf text;
    aver_buf calls;
} responses_turn;

static const char *item_param(char param[static AVER_JOB_PARAM_BYTES], size_t index,
                              const char *member)
{
    return aver_job_param(param, "input", index, member);
}

static aver_err turn_close(job_parse *parse, responses_turn *turn)
{
    if (!turn->open) {
        return AVER_OK;
    }
    if (turn->calls.size != 0) {
        aver_buf_append_byte(&turn->calls, ']');
    }
    job_message message = {.role = "assistant",
                           .content = aver_buf_view(&turn->text),
                           .tool_calls = aver_buf_view(&turn->calls)};
    aver_err err = aver_buf_status(&turn->text);
    err = err == AVER_OK ? aver_buf_status(&turn->calls) : err;
    err = err == AVER_OK ? aver_job_message_put(parse, &message) : err;
    aver_buf_clear(&turn->text);
    aver_buf_clear(&turn->calls);
    turn->open = false;
    return err;
}

/* One {"type":"input_text"|"output_text"|"text","text"}; annotations and logprobs of answers that
 * come back, and what a client read the text as, are left aside. */
static aver_err part_read(job_parse *parse, const char *param, const json_t *part, aver_buf *text)
{
    static const char *const types[] = {"input_text", "output_text", "text"};
    static const char *const known[] = {"type", "text", "annotations", "logprobs", "parsed"};
    const char *type = json_string_value(json_object_get(part, "type"));
    const json_t *value = json_object_get(part, "text");
    const char *key;
    json_t *member;
    if (type != NULL && !aver_job_is_one_of(type, types, 3)) {
        return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_value", param,
                               "content parts other than text are not supported here");
    }
    bool valid = type != NULL && json_is_string(value);
    json_object_foreach((json_t *)(uintptr_t)part, key, member)
    {
        valid = valid && aver_job_is_one_of(key, known, 5);
    }
    if (!valid) {
        return aver_job_refuse_value(
            parse, param, "a string or an array of {\"type\":\"input_text\",\"text\":...}");
    }
    aver_buf_append(text, aver_view_make(json_string_value(value), json_string_length(value)));
    return aver_buf_status(text);
}

static aver_err content_read(job_parse *parse, size_t index, const char *member,
                             const json_t *content, aver_buf *text)
{
    char param[AVER_JOB_PARAM_BYTES];
    (void)item_param(param, index, member);
    return aver_job_read_content(parse, param, content, part_read, text);
}

/* Members that an item may have besides wanted: what an answer had that now comes back. */
static aver_err item_members(job_parse *parse, size_t index, const json_t *item,
                             const char *const *wanted, size_t count)
{
    static const char *const carried[] = {"type", "id", "status"};
    char param[AVER_JOB_PARAM_BYTES];
    aver_view text;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)item, key, value)
    {
        if (aver_job_is_one_of(key, wanted, count)) {
            continue;
        }
        if (!aver_job_is_one_of(key, carried, 3)) {
            return aver_job_refuse_unknown(parse, aver_job_prefix(param, "input", index), key);
        }
        aver_err err = json_is_null(value)
                           ? AVER_OK
                           : aver_job_read_text(parse, item_param(param, index, key), value, 0,
                                                ITEM_ID_BYTES_MAX, &text);
        if (err != AVER_OK) {
            return err;
        }
    }
    return AVER_OK;
}

static aver_err message_read(job_parse *parse, size_t index, const json_t *item,
                             responses_turn *turn)
{
    static const char *const wanted[] = {"role", "content"};
    static const char *const known[] = {"system", "developer", "user", "assistant"};
    char param[AVER_JOB_PARAM_BYTES];
    const char *role = json_string_value(json_object_get(item, "role"));
    if (role == NULL || !aver_job_is_one_of(role, known, 4)) {
        return aver_job_refuse_value(parse, item_param(param, index, "role"),
                                     "system, developer, user or assistant");
    }
    aver_err err = item_members(parse, index, item, wanted, 2);
    err = err == AVER_OK ? turn_close(parse, turn) : err;
    if (err == AVER_OK) {
        err = content_read(parse, index, "content", json_object_get(item, "content"), &turn->text);
    }
    if (err == AVER_OK && strcmp(role, "assistant") != 0) {
        job_message message = {.role = role, .content = aver_buf_view(&turn->text)};
        err = aver_job_message_put(parse, &message);
        aver_buf_clear(&turn->text);
        return err;
    }
    turn->open = true;
    return err;
}

static aver_err call_read(job_parse *parse, size_t index, const json_t *item, responses_turn *turn)
{
    static const char *const wanted[] = {"call_id", "name", "arguments", "parsed_arguments"};
    char param[AVER_JOB_PARAM_BYTES];
    char name[AVER_JOB_TOOL_NAME_BYTES_MAX + 1];
    aver_view id, arguments;
    aver_err err = item_members(parse, index, item, wanted, 4);
    err = err == AVER_OK
              ? aver_job_read_text(parse, item_param(param, index, "call_id"),
                                   json_object_get(item, "call_id"), 1, CALL_ID_BYTES_MAX, &id)
              : err;
    err = err == AVER_OK ? aver_job_read_name(parse, item_param(param, index, "name"),
                                              json_object_get(item, "name"), name)
                         : err;
    err = err == AVER_OK ? aver_job_read_text(parse, item_param(param, index, "arguments"),
                                              json_object_get(item, "arguments"), 0,
                                              AVER_JOB_BODY_BYTES_MAX, &arguments)
                         : err;
    if (err != AVER_OK) {
        return err;
    }
    if (turn->calls.size == 0) {
        aver_buf_append_byte(&turn->calls, '[');
    }
    turn->open = true;
    return aver_job_call_put(&turn->calls, name, arguments, id);
}

static aver_err output_read(job_parse *parse, size_t index, const json_t *item,
                            responses_turn *turn)
{
    static const char *const wanted[] = {"call_id", "output"};
    char param[AVER_JOB_PARAM_BYTES];
    job_message message = {.role = "tool"};
    aver_err err = item_members(parse, index, item, wanted, 2);
    err = err == AVER_OK ? aver_job_read_text(parse, item_param(param, index, "call_id"),
                                              json_object_get(item, "call_id"), 1,
                                              CALL_ID_BYTES_MAX, &message.tool_call_id)
                         : err;
    err = err == AVER_OK ? turn_close(parse, turn) : err;
    err = err == AVER_OK
              ? content_read(parse, index, "output", json_object_get(item, "output"), &turn->text)
              : err;
    message.content = aver_buf_view(&turn->text);
    err = err == AVER_OK ? aver_job_message_put(parse, &message) : err;
    aver_buf_clear(&turn->text);
    return err;
}

static aver_err item_read(job_parse *parse, size_t index, const json_t *item, responses_turn *turn)
{
    char param[AVER_JOB_PARAM_BYTES];
    const json_t *type = json_object_get(item, "type");
    if (!json_is_object(item)) {
        return aver_job_refuse_value(parse, item_param(param, index, ""), "an object");
    }
    if (aver_job_is_text(type, "function_call")) {
        return call_read(parse, index, item, turn);
    }
    if (aver_job_is_text(type, "function_call_output")) {
        return output_read(parse, index, item, turn);
    }
    if (type == NULL || aver_job_is_text(type, "message")) {
        return message_read(parse, index, item, turn);
    }
    return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_value",
                           item_param(param, index, "type"),
                           "items other than message, function_call and function_call_output are "
                           "not supported here");
}

static aver_err items_read(job_parse *parse, const json_t *input)
{
    responses_turn turn = {.open = false};
    aver_err err = AVER_OK;
    aver_buf_init(&turn.text, AVER_JOB_BODY_BYTES_MAX);
    aver_buf_init(&turn.calls, AVER_JOB_PROMPT_BYTES_MAX);
    for (size_t i = 0; i < json_array_size(input) && err == AVER_OK; i++) {
        err = item_read(parse, i, json_array_get(input, i), &turn);
    }
    err = err == AVER_OK ? turn_close(parse, &turn) : err;
    aver_buf_wipe(&turn.text);
    aver_buf_deinit(&turn.text);
    aver_buf_wipe(&turn.calls);
    aver_buf_deinit(&turn.calls);
    return err;
}

aver_err aver_job_responses_input(job_parse *parse, const char *key, const json_t *value)
{
    size_t count = json_array_size(value);
    if (!json_is_string(value) && (count == 0 || count > AVER_JOB_MESSAGES_MAX)) {
        return aver_job_refuse_value(parse, key, "a string or an array of 1 to 4096 items");
    }
    parse->input = value;
    parse->has_prompt = true;
    return AVER_OK;
}

aver_err aver_job_instructions(job_parse *parse, const char *key, const json_t *value)
{
    parse->instructions = value;
    return json_is_string(value) ? AVER_OK : aver_job_refuse_value(parse, key, "a string");
}

aver_err aver_job_include(job_parse *parse, const char *key, const json_t *value)
{
    if (!json_is_array(value)) {
        return aver_job_refuse_value(parse, key, "an array");
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *name = json_array_get(value, i);
        if (aver_job_is_text(name, "message.output_text.logprobs")) {
            parse->job.has_logprobs = true;
        } else if (!aver_job_is_text(name, "reasoning.encrypted_content")) {
            /* There is no reasoning to encrypt: asking for it asks for nothing. */
            return aver_job_refuse(parse, AVER_E_UNSUPPORTED, "unsupported_value", key,
                                   "this part of include is not supported here");
        }
    }
    return AVER_OK;
}

static aver_err text_put(job_parse *parse, const char *role, const json_t *text)
{
    job_message message = {
        .role = role,
        .content = aver_view_make(json_string_value(text), json_string_length(text)),
    };
    return aver_job_message_put(parse, &message);
}

aver_err aver_job_responses_complete(job_parse *parse)
{
    aver_err err = AVER_OK;
    aver_buf_append_byte(&parse->job.prompt, '[');
    if (parse->instructions != NULL) {
        err = text_put(parse, "system", parse->instructions);
    }
    if (err == AVER_OK) {
        err = json_is_string(parse->input) ? text_put(parse, "user", parse->input)
                                           : items_read(parse, parse->input);
    }
    aver_buf_append_byte(&parse->job.prompt, ']');
    return err == AVER_OK ? aver_buf_status(&parse->job.prompt) : err;
}

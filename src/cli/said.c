/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/said.h"

#include "aver/stream.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

static aver_err said_new(aver_said *said)
{
    said->choices = calloc(AVER_JOB_CHOICES_MAX, sizeof(*said->choices));
    said->choices_count = 1;
    if (said->choices == NULL) {
        return AVER_E_NOMEM;
    }
    for (size_t i = 0; i < AVER_JOB_CHOICES_MAX; i++) {
        aver_buf_init(&said->choices[i].text, AVER_SAID_BYTES_MAX);
    }
    return AVER_OK;
}

void aver_said_deinit(aver_said *said)
{
    for (size_t i = 0; said->choices != NULL && i < AVER_JOB_CHOICES_MAX; i++) {
        aver_said_choice *choice = &said->choices[i];
        for (size_t c = 0; c < choice->calls_count; c++) {
            free((void *)(uintptr_t)choice->calls[c].name.data);
            free((void *)(uintptr_t)choice->calls[c].arguments.data);
        }
        aver_buf_wipe(&choice->text);
        aver_buf_deinit(&choice->text);
    }
    free(said->choices);
    memset(said, 0, sizeof(*said));
}

static aver_err view_copy(const json_t *string, aver_view *ret_view)
{
    size_t size = json_string_length(string);
    uint8_t *bytes = malloc(size + 1);
    if (bytes == NULL) {
        return AVER_E_NOMEM;
    }
    memcpy(bytes, json_string_value(string), size + 1);
    *ret_view = aver_view_make(bytes, size);
    return AVER_OK;
}

static aver_err choice_add_call(aver_said_choice *choice, const json_t *name,
                                const json_t *arguments)
{
    if (!json_is_string(name) || !json_is_string(arguments)) {
        return AVER_E_FORMAT;
    }
    if (choice->calls_count == AVER_SPEECH_CALLS_MAX) {
        return AVER_E_LIMIT;
    }
    aver_speech_call *call = &choice->calls[choice->calls_count++];
    aver_err err = view_copy(name, &call->name);
    return err == AVER_OK ? view_copy(arguments, &call->arguments) : err;
}

/* Text that is absent or null adds nothing. */
static aver_err choice_add_text(aver_said_choice *choice, const json_t *text)
{
    if (text == NULL || json_is_null(text)) {
        return AVER_OK;
    }
    if (!json_is_string(text)) {
        return AVER_E_FORMAT;
    }
    aver_buf_append(&choice->text,
                    aver_view_make(json_string_value(text), json_string_length(text)));
    return aver_buf_status(&choice->text);
}

static aver_err choice_set_finish(aver_said_choice *choice, const json_t *reason)
{
    static const struct {
        const char *word;
        aver_finish finish;
    } words[] = {{"stop", AVER_FINISH_STOP},
                 {"length", AVER_FINISH_LENGTH},
                 {"tool_calls", AVER_FINISH_TOOL}};
    const char *word = json_string_value(reason);
    if (reason == NULL || json_is_null(reason)) {
        return AVER_OK;
    }
    for (size_t i = 0; word != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i].word) == 0) {
            choice->finish = words[i].finish;
            choice->ended = true;
            return AVER_OK;
        }
    }
    return AVER_E_FORMAT;
}

/* One element of choices, whole or a piece of it. */
static aver_err choice_read(aver_said *said, const json_t *json, const char *holder_name)
{
    json_int_t index = json_integer_value(json_object_get(json, "index"));
    if (!json_is_object(json) || index < 0 || index >= AVER_JOB_CHOICES_MAX) {
        return AVER_E_FORMAT;
    }
    aver_said_choice *choice = &said->choices[index];
    size_t count = (size_t)index + 1;
    said->choices_count = count > said->choices_count ? count : said->choices_count;
    const json_t *holder = holder_name == NULL ? json : json_object_get(json, holder_name);
    if (!json_is_object(holder)) {
        return AVER_E_FORMAT;
    }
    aver_err err =
        choice_add_text(choice, json_object_get(holder, holder_name == NULL ? "text" : "content"));
    const json_t *calls = json_object_get(holder, "tool_calls");
    for (size_t i = 0; i < json_array_size(calls) && err == AVER_OK; i++) {
        const json_t *function = json_object_get(json_array_get(calls, i), "function");
        err = choice_add_call(choice, json_object_get(function, "name"),
                              json_object_get(function, "arguments"));
    }
    return err == AVER_OK ? choice_set_finish(choice, json_object_get(json, "finish_reason")) : err;
}

static aver_err choices_read(aver_said *said, const json_t *document, const char *holder_name)
{
    const json_t *choices = json_object_get(document, "choices");
    aver_err err = json_is_array(choices) ? AVER_OK : AVER_E_FORMAT;
    if (json_is_object(json_object_get(document, "error"))) {
        return AVER_OK; /* an error says nothing */
    }
    for (size_t i = 0; i < json_array_size(choices) && err == AVER_OK; i++) {
        err = choice_read(said, json_array_get(choices, i), holder_name);
    }
    return err;
}

static bool type_is(const json_t *json, const char *type)
{
    const char *found = json_string_value(json_object_get(json, "type"));
    return found != NULL && strcmp(found, type) == 0;
}

static aver_err item_read(aver_said_choice *choice, const json_t *item, bool with_text)
{
    aver_err err = AVER_OK;
    if (type_is(item, "function_call")) {
        return choice_add_call(choice, json_object_get(item, "name"),
                               json_object_get(item, "arguments"));
    }
    const json_t *content = json_object_get(item, "content");
    for (size_t i = 0; with_text && i < json_array_size(content) && err == AVER_OK; i++) {
        err = choice_add_text(choice, json_object_get(json_array_get(content, i), "text"));
    }
    return err;
}

/* Of responses the state tells the end; calls make it one by tool. */
static void response_finish(aver_said_choice *choice, const json_t *response)
{
    const char *status = json_string_value(json_object_get(response, "status"));
    if (status != NULL && strcmp(status, "incomplete") == 0) {
        choice->finish = AVER_FINISH_LENGTH;
        choice->ended = true;
    } else if (status != NULL && strcmp(status, "completed") == 0) {
        choice->finish = choice->calls_count != 0 ? AVER_FINISH_TOOL : AVER_FINISH_STOP;
        choice->ended = true;
    }
}

static aver_err response_read(aver_said *said, const json_t *response)
{
    const json_t *output = json_object_get(response, "output");
    aver_err err = json_is_array(output) ? AVER_OK : AVER_E_FORMAT;
    if (json_is_object(json_object_get(response, "error"))) {
        return AVER_OK;
    }
    for (size_t i = 0; i < json_array_size(output) && err == AVER_OK; i++) {
        err = item_read(&said->choices[0], json_array_get(output, i), true);
    }
    response_finish(&said->choices[0], response);
    return err;
}

static aver_err response_event_read(aver_said *said, const json_t *event)
{
    aver_said_choice *choice = &said->choices[0];
    if (type_is(event, "response.output_text.delta")) {
        return choice_add_text(choice, json_object_get(event, "delta"));
    }
    if (type_is(event, "response.output_item.done")) {
        return item_read(choice, json_object_get(event, "item"), false);
    }
    if (type_is(event, "response.completed") || type_is(event, "response.incomplete")) {
        response_finish(choice, json_object_get(event, "response"));
    }
    return json_is_object(event) ? AVER_OK : AVER_E_FORMAT;
}

static aver_err said_read(aver_said *said, aver_view json, aver_endpoint endpoint, bool event)
{
    json_t *document = NULL;
    aver_err err = aver_json_parse(json, AVER_SAID_BYTES_MAX, &document, NULL);
    if (err != AVER_OK) {
        return err;
    }
    switch (endpoint) {
    case AVER_ENDPOINT_CHAT:
        err = choices_read(said, document, event ? "delta" : "message");
        break;
    case AVER_ENDPOINT_COMPLETION:
        err = choices_read(said, document, NULL);
        break;
    case AVER_ENDPOINT_RESPONSES:
        err = event ? response_event_read(said, document) : response_read(said, document);
        break;
    case AVER_ENDPOINT_EMBEDDINGS:
    case AVER_ENDPOINT_TOKENIZE:
    case AVER_ENDPOINT_DETOKENIZE:
    case AVER_ENDPOINT_APPLY_TEMPLATE:
        err = AVER_E_UNSUPPORTED;
    }
    json_decref(document);
    return err;
}

aver_err aver_said_body(aver_view json, aver_endpoint endpoint, aver_said *ret_said)
{
    aver_said said;
    aver_err err = said_new(&said);
    err = err == AVER_OK ? said_read(&said, json, endpoint, false) : err;
    if (err != AVER_OK) {
        aver_said_deinit(&said);
        return err;
    }
    *ret_said = said;
    return AVER_OK;
}

typedef struct said_stream {
    aver_said said;
    aver_endpoint endpoint;
} said_stream;

static aver_err said_item(const aver_stream_item *item, void *context)
{
    said_stream *stream = context;
    return item->kind == AVER_STREAM_EVENT
               ? said_read(&stream->said, item->value, stream->endpoint, true)
               : AVER_E_FORMAT;
}

aver_err aver_said_events(aver_view events, aver_endpoint endpoint, aver_said *ret_said)
{
    said_stream stream = {.endpoint = endpoint};
    aver_stream_reader *reader = NULL;
    aver_err err = said_new(&stream.said);
    err = err == AVER_OK ? aver_stream_reader_new(said_item, &stream, &reader) : err;
    err = err == AVER_OK ? aver_stream_reader_feed(reader, events) : err;
    err = err == AVER_OK ? aver_stream_reader_end(reader) : err;
    aver_stream_reader_free(reader);
    if (err != AVER_OK) {
        aver_said_deinit(&stream.said);
        return err;
    }
    *ret_said = stream.said;
    return AVER_OK;
}

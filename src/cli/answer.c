/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/answer.h"

#include "aver/stream.h"
#include "codec/json.h"
#include "net/seal.h"

#include <stdio.h>
#include <string.h>

bool aver_answer_endpoint(const char *path, aver_endpoint *ret_endpoint)
{
    if (strcmp(path, aver_answer_path(AVER_ENDPOINT_CHAT)) == 0) {
        *ret_endpoint = AVER_ENDPOINT_CHAT;
        return true;
    }
    if (strcmp(path, aver_answer_path(AVER_ENDPOINT_COMPLETION)) == 0) {
        *ret_endpoint = AVER_ENDPOINT_COMPLETION;
        return true;
    }
    return false;
}

const char *aver_answer_path(aver_endpoint endpoint)
{
    return endpoint == AVER_ENDPOINT_CHAT ? "/v1/chat/completions" : "/v1/completions";
}

static void answer_printable(const char *text, size_t size, char *ret_text)
{
    size_t kept = 0;
    for (size_t i = 0; i < size && kept + 1 < AVER_ANSWER_ERROR_BYTES_MAX; i++) {
        char c = text[i];
        if (c == '\n' || c == '\r') {
            break;
        }
        ret_text[kept++] = (c >= 0x20 && c < 0x7f) ? c : '?';
    }
    ret_text[kept] = '\0';
}

/* True if the document is an error in OpenAI's form. */
static bool answer_is_error(const json_t *document, char *ret_error)
{
    const json_t *error = json_object_get(document, "error");
    if (!json_is_object(error)) {
        return false;
    }
    const json_t *message = json_object_get(error, "message");
    const char *text =
        json_is_string(message) ? json_string_value(message) : "an error without words";
    answer_printable(text, strlen(text), ret_error);
    return true;
}

/* member[0] of the choice, or of an object inside it; NULL if it has no text. */
static aver_err answer_choice_text(const json_t *document, const char *object, const char *member,
                                   aver_view *ret_text)
{
    const json_t *choices = json_object_get(document, "choices");
    if (!json_is_array(choices)) {
        return AVER_E_FORMAT;
    }
    *ret_text = (aver_view){NULL, 0};
    const json_t *holder = json_array_get(choices, 0);
    if (holder == NULL) {
        return AVER_OK;
    }
    if (object != NULL) {
        holder = json_object_get(holder, object);
    }
    if (!json_is_object(holder)) {
        return AVER_E_FORMAT;
    }
    const json_t *text = json_object_get(holder, member);
    if (json_is_string(text)) {
        *ret_text = aver_view_make(json_string_value(text), json_string_length(text));
    } else if (text != NULL && !json_is_null(text)) {
        return AVER_E_FORMAT;
    }
    return AVER_OK;
}

static aver_err answer_take(aver_view json, aver_endpoint endpoint, const char *object,
                            aver_buf *text, char *ret_error)
{
    json_t *document = NULL;
    aver_err err = aver_json_parse(json, AVER_ANSWER_TEXT_BYTES_MAX, &document, NULL);
    if (err != AVER_OK) {
        return err;
    }
    aver_view piece = {NULL, 0};
    bool chat = endpoint == AVER_ENDPOINT_CHAT;
    if (!answer_is_error(document, ret_error)) {
        err = answer_choice_text(document, chat ? object : NULL, chat ? "content" : "text", &piece);
    }
    if (err == AVER_OK) {
        aver_buf_append(text, piece);
        err = aver_buf_status(text);
    }
    json_decref(document);
    return err;
}

aver_err aver_answer_event(aver_view json, aver_endpoint endpoint, aver_buf *text, char *ret_error)
{
    return answer_take(json, endpoint, "delta", text, ret_error);
}

aver_err aver_answer_body(aver_view json, aver_endpoint endpoint, aver_buf *text, char *ret_error)
{
    return answer_take(json, endpoint, "message", text, ret_error);
}

typedef struct answer_join {
    aver_endpoint endpoint;
    aver_buf *text;
} answer_join;

static aver_err answer_join_item(const aver_stream_item *item, void *context)
{
    answer_join *join = context;
    char error[AVER_ANSWER_ERROR_BYTES_MAX];
    if (item->kind != AVER_STREAM_EVENT) {
        return AVER_E_FORMAT;
    }
    return aver_answer_event(item->value, join->endpoint, join->text, error);
}

aver_err aver_answer_events(aver_view events, aver_endpoint endpoint, aver_buf *text)
{
    answer_join join = {endpoint, text};
    aver_stream_reader *reader = NULL;
    aver_err err = aver_stream_reader_new(answer_join_item, &join, &reader);
    if (err != AVER_OK) {
        return err;
    }
    err = aver_stream_reader_feed(reader, events);
    if (err == AVER_OK) {
        err = aver_stream_reader_end(reader);
    }
    aver_stream_reader_free(reader);
    return err;
}

void aver_answer_error(aver_view body, char ret_error[AVER_ANSWER_ERROR_BYTES_MAX])
{
    json_t *document = NULL;
    if (aver_json_parse(body, AVER_ANSWER_TEXT_BYTES_MAX, &document, NULL) == AVER_OK) {
        bool found = answer_is_error(document, ret_error);
        json_decref(document);
        if (found) {
            return;
        }
    }
    answer_printable((const char *)body.data, body.size, ret_error);
}

static bool answer_member_is(const json_t *object, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL && strcmp(text, value) == 0;
}

bool aver_answer_outdated(uint32_t status, aver_view body)
{
    json_t *document = NULL;
    if ((status != AVER_SEAL_PROBLEM_STATUS && status != 409) ||
        aver_json_parse(body, AVER_ANSWER_TEXT_BYTES_MAX, &document, NULL) != AVER_OK) {
        return false;
    }
    bool outdated;
    if (status == 409) {
        const json_t *error = json_object_get(document, "error");
        outdated = answer_member_is(error, "code", "wrong_keyset") ||
                   answer_member_is(error, "code", "unknown_evidence");
    } else {
        outdated = answer_member_is(document, "type", AVER_SEAL_PROBLEM_TYPE);
    }
    json_decref(document);
    return outdated;
}

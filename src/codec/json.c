/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/json.h"

#include "codec/text.h"

#include <stdio.h>
#include <string.h>

static void json_why(char *ret_why, const char *what)
{
    if (ret_why) {
        (void)snprintf(ret_why, AVER_JSON_WHY_BYTES, "%s", what);
    }
}

/* What bounds the work and memory of a parser. */
typedef struct json_shape {
    size_t deepest; /* nesting of brackets */
    size_t marks;   /* opening brackets, commas, colons: no fewer than keys and values, but one */
} json_shape;

/*
 * Counted outside strings. Malformed text gives some numbers as well; they are never less than what
 * a parser meets before it finds the fault.
 */
static json_shape json_measure(aver_view text)
{
    json_shape shape = {0};
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (in_string) {
            i += byte == '\\' ? 1 : 0;
            in_string = byte != '"';
        } else if (byte == '"') {
            in_string = true;
        } else if (byte == '[' || byte == '{') {
            depth++;
            shape.marks++;
            shape.deepest = depth > shape.deepest ? depth : shape.deepest;
        } else if (byte == ',' || byte == ':') {
            shape.marks++;
        } else if ((byte == ']' || byte == '}') && depth > 0) {
            depth--;
        }
    }
    return shape;
}

/* jansson quotes at the end, after " near " or as " '\\u": no input may get into logs. */
static void json_why_parser(char *ret_why, const json_error_t *error)
{
    if (!ret_why) {
        return;
    }
    const char *near = strstr(error->text, " near ");
    const char *escape = strstr(error->text, " '\\");
    const char *end = escape && (!near || escape < near) ? escape : near;
    size_t length = end ? (size_t)(end - error->text) : strlen(error->text);
    bool quotes_input = json_error_code(error) == json_error_duplicate_key;
    (void)snprintf(ret_why, AVER_JSON_WHY_BYTES, "line %d column %d: %.*s", error->line,
                   error->column, quotes_input ? 20 : (int)(length < 80 ? length : 80),
                   quotes_input ? "duplicate object key" : error->text);
}

aver_err aver_json_parse_large(aver_view text, size_t size_max, size_t marks_max, json_t **ret_json,
                               char ret_why[AVER_JSON_WHY_BYTES])
{
    if (text.size > size_max) {
        json_why(ret_why, "the JSON text is too large");
        return AVER_E_LIMIT;
    }
    if (text.size == 0) {
        json_why(ret_why, "the JSON text is empty");
        return AVER_E_FORMAT;
    }
    if (!aver_utf8_valid(text)) {
        json_why(ret_why, "the JSON text is not valid UTF-8");
        return AVER_E_FORMAT;
    }
    json_shape shape = json_measure(text);
    if (shape.deepest > AVER_JSON_DEPTH_MAX) {
        json_why(ret_why, "the JSON text is nested too deeply");
        return AVER_E_LIMIT;
    }
    if (shape.marks > marks_max) {
        json_why(ret_why, "the JSON text has too many values");
        return AVER_E_LIMIT;
    }
    json_error_t error;
    json_t *json = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        json_why_parser(ret_why, &error);
        /* Whatever is wrong with a text has words; where memory ended there often are none. */
        bool no_memory =
            json_error_code(&error) == json_error_out_of_memory || error.text[0] == '\0';
        return no_memory ? AVER_E_NOMEM : AVER_E_FORMAT;
    }
    *ret_json = json;
    return AVER_OK;
}

aver_err aver_json_parse(aver_view text, size_t size_max, json_t **ret_json,
                         char ret_why[AVER_JSON_WHY_BYTES])
{
    return aver_json_parse_large(text, size_max, AVER_JSON_MARKS_MAX, ret_json, ret_why);
}

/* The short escape of a byte, or NULL. */
static const char *json_escape(uint8_t byte)
{
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

void aver_json_append_string(aver_buf *out, aver_view text)
{
    aver_buf_append_byte(out, '"');
    size_t plain = 0; /* text[plain, i) needs no escape and is not yet appended */
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        bool pair = byte == 0xc2 && i + 1 < text.size && text.data[i + 1] >= 0x80 &&
                    text.data[i + 1] <= 0x9f;
        if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f && !pair) {
            continue;
        }
        aver_buf_append(out, aver_view_slice(text, plain, i - plain));
        if (pair) {
            byte = text.data[++i];
        }
        plain = i + 1;
        const char *escape = json_escape(byte);
        if (escape) {
            aver_buf_append_text(out, escape);
        } else {
            aver_buf_append_format(out, "\\u%04x", byte);
        }
    }
    aver_buf_append(out, aver_view_slice(text, plain, text.size - plain));
    aver_buf_append_byte(out, '"');
}

static int json_dump_append(const char *text, size_t size, void *context)
{
    aver_buf *out = context;
    aver_buf_append(out, aver_view_make(text, size));
    return aver_buf_status(out) == AVER_OK ? 0 : -1;
}

static void json_dump(aver_buf *out, const json_t *json, size_t flags)
{
    flags |= JSON_COMPACT | JSON_ENCODE_ANY;
    if (json_dump_callback(json, json_dump_append, out, flags) != 0 && out->failure == AVER_OK) {
        out->failure = AVER_E_NOMEM;
    }
}

void aver_json_append(aver_buf *out, const json_t *json)
{
    json_dump(out, json, JSON_SORT_KEYS);
}

void aver_json_append_ordered(aver_buf *out, const json_t *json)
{
    json_dump(out, json, 0);
}

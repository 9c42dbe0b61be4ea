/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/jcs.h"

#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

#define JCS_NUMBER_MAX INT64_C(9007199254740991) /* 2^53 - 1, as RFC 8785 and RFC 7493 bound them  \
                                                  */

/* An object or array that is being written. */
typedef struct jcs_frame {
    json_t *value;
    const char **names; /* of an object, sorted; owned */
    size_t count, at;
} jcs_frame;

/*
 * The order of UTF-16 code units is that of UTF-8 bytes but for one thing: characters beyond the
 * first plane (F0 and above) are surrogates, which come before E000 to FFFF (EE and EF).
 */
static unsigned jcs_rank(uint8_t byte)
{
    return byte >= 0xf0 ? byte - 2U : byte >= 0xee ? byte + 16U : byte;
}

static int jcs_compare(const void *a, const void *b)
{
    const uint8_t *left = (const uint8_t *)*(const char *const *)a;
    const uint8_t *right = (const uint8_t *)*(const char *const *)b;
    while (*left != 0 && *left == *right) {
        left++;
        right++;
    }
    unsigned first = jcs_rank(*left);
    unsigned second = jcs_rank(*right);
    return (first > second) - (first < second);
}

static aver_err jcs_enter(jcs_frame *frame, json_t *value)
{
    *frame = (jcs_frame){.value = value};
    if (json_is_array(value)) {
        frame->count = json_array_size(value);
        return AVER_OK;
    }
    frame->count = json_object_size(value);
    frame->names = calloc(frame->count + 1, sizeof *frame->names);
    if (frame->names == NULL) {
        return AVER_E_NOMEM;
    }
    size_t i = 0;
    for (void *at = json_object_iter(value); at != NULL && i < frame->count;
         at = json_object_iter_next(value, at)) {
        frame->names[i++] = json_object_iter_key(at);
    }
    qsort(frame->names, frame->count, sizeof *frame->names, jcs_compare);
    return AVER_OK;
}

static void jcs_append_string(aver_buf *out, aver_view text)
{
    static const char shorts[] = "\b\t\n\f\r\"\\";
    static const char letters[] = "btnfr\"\\";
    size_t plain = 0;
    aver_buf_append_byte(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            continue;
        }
        aver_buf_append(out, aver_view_slice(text, plain, i - plain));
        plain = i + 1;
        const char *found = byte != 0 ? strchr(shorts, byte) : NULL;
        if (found != NULL) {
            aver_buf_append_byte(out, '\\');
            aver_buf_append_byte(out, (uint8_t)letters[found - shorts]);
        } else {
            aver_buf_append_format(out, "\\u%04x", byte);
        }
    }
    aver_buf_append(out, aver_view_slice(text, plain, text.size - plain));
    aver_buf_append_byte(out, '"');
}

static aver_err jcs_append_plain(aver_buf *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        jcs_append_string(out, aver_view_make(json_string_value(value), json_string_length(value)));
        return AVER_OK;
    case JSON_INTEGER: {
        int64_t number = json_integer_value(value);
        if (number > JCS_NUMBER_MAX || number < -JCS_NUMBER_MAX) {
            return AVER_E_FORMAT;
        }
        aver_buf_append_format(out, "%lld", (long long)number);
        return AVER_OK;
    }
    case JSON_TRUE:
        aver_buf_append_text(out, "true");
        return AVER_OK;
    case JSON_FALSE:
        aver_buf_append_text(out, "false");
        return AVER_OK;
    case JSON_NULL:
        aver_buf_append_text(out, "null");
        return AVER_OK;
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_REAL:
    default:
        return AVER_E_FORMAT;
    }
}

/* Writes what stands before the next value of a frame, and gives that value; NULL at its end. */
static json_t *jcs_next(aver_buf *out, jcs_frame *frame)
{
    bool object = frame->names != NULL;
    if (frame->at == frame->count) {
        aver_buf_append_byte(out, object ? '}' : ']');
        free(frame->names);
        frame->names = NULL;
        return NULL;
    }
    size_t place = frame->at++;
    if (place > 0) {
        aver_buf_append_byte(out, ',');
    }
    if (!object) {
        return json_array_get(frame->value, place);
    }
    jcs_append_string(out, aver_view_text(frame->names[place]));
    aver_buf_append_byte(out, ':');
    return json_object_get(frame->value, frame->names[place]);
}

static aver_err jcs_put(aver_buf *out, json_t *value, jcs_frame *frames, size_t *depth)
{
    if (!json_is_object(value) && !json_is_array(value)) {
        return jcs_append_plain(out, value);
    }
    if (*depth == AVER_JSON_DEPTH_MAX) {
        return AVER_E_LIMIT;
    }
    aver_err err = jcs_enter(&frames[*depth], value);
    if (err == AVER_OK) {
        aver_buf_append_byte(out, json_is_object(value) ? '{' : '[');
        *depth += 1;
    }
    return err;
}

aver_err aver_jcs_append(aver_buf *out, json_t *json)
{
    jcs_frame frames[AVER_JSON_DEPTH_MAX];
    size_t depth = 0;
    aver_err err = jcs_put(out, json, frames, &depth);
    while (depth > 0 && err == AVER_OK) {
        json_t *value = jcs_next(out, &frames[depth - 1]);
        if (value == NULL) {
            depth--;
        } else {
            err = jcs_put(out, value, frames, &depth);
        }
    }
    while (depth > 0) {
        free(frames[--depth].names);
    }
    return err == AVER_OK ? aver_buf_status(out) : err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a model says: whether it calls, and what. */
#include "engine/speech_own.h"

#include "codec/json.h"

#include <string.h>

#define HELD_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define DEPTH_MAX      64

void aver_own_init(aver_own_reader *reader, const json_t *tools)
{
    memset(reader, 0, sizeof(*reader));
    reader->tools = tools;
    aver_buf_init(&reader->held, HELD_BYTES_MAX);
    aver_buf_init(&reader->begun, HELD_BYTES_MAX);
}

void aver_own_deinit(aver_own_reader *reader)
{
    aver_buf_deinit(&reader->held);
    aver_buf_deinit(&reader->begun);
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

static size_t spaces_at(aver_view text, size_t at)
{
    while (at < text.size && is_space(text.data[at])) {
        at++;
    }
    return at;
}

static bool tool_known(const json_t *tools, aver_view name)
{
    for (size_t i = 0; i < json_array_size(tools); i++) {
        const json_t *function = json_object_get(json_array_get(tools, i), "function");
        const char *known = json_string_value(json_object_get(function, "name"));
        if (known != NULL && aver_view_equal_text(name, known)) {
            return true;
        }
    }
    return false;
}

/* The end of the value at this place in valid JSON. */
static size_t value_end(aver_view text, size_t at)
{
    size_t depth = 0;
    bool in_string = false;
    for (; at < text.size; at++) {
        uint8_t byte = text.data[at];
        if (in_string) {
            at += byte == '\\' ? 1 : 0;
            in_string = byte != '"';
        } else if (byte == '"') {
            in_string = true;
        } else if (byte == '{' || byte == '[') {
            depth++;
        } else if ((byte == ',' || byte == '}' || byte == ']') && depth == 0) {
            return at;
        } else if (byte == '}' || byte == ']') {
            depth--;
        }
    }
    return text.size;
}

/* The text of a member's value in a valid JSON object without names that are escaped. */
static aver_view member_text(aver_view object, const char *name)
{
    size_t size = strlen(name);
    size_t at = spaces_at(object, 1);
    while (at < object.size && object.data[at] == '"') {
        size_t key = at + 1;
        size_t colon = at + 1;
        while (colon < object.size && object.data[colon] != '"') {
            colon += object.data[colon] == '\\' ? 2 : 1;
        }
        bool found = colon - key == size && memcmp(object.data + key, name, size) == 0;
        size_t start = spaces_at(object, spaces_at(object, colon + 1) + 1);
        size_t end = value_end(object, start);
        if (found) {
            while (end > start && is_space(object.data[end - 1])) {
                end--;
            }
            return aver_view_slice(object, start, end - start);
        }
        at = spaces_at(object, end + 1);
    }
    return (aver_view){NULL, 0};
}

/* One element of the list. FORMAT if it is no call of a tool. */
static aver_err call_read(const aver_own_reader *reader, aver_view text, aver_own_call_fn *on_call,
                          void *context)
{
    json_t *call = NULL;
    aver_err err = aver_json_parse(text, AVER_OWN_CALL_BYTES_MAX, &call, NULL);
    if (err != AVER_OK) {
        return AVER_E_FORMAT;
    }
    const json_t *name = json_object_get(call, "name");
    const json_t *arguments = json_object_get(call, "arguments");
    aver_view raw = member_text(text, "arguments");
    bool valid = json_is_string(name) && json_is_object(arguments) && json_object_size(call) == 2 &&
                 tool_known(reader->tools, aver_view_text(json_string_value(name))) &&
                 raw.size != 0;
    err = valid ? on_call(aver_view_text(json_string_value(name)), raw, context) : AVER_E_FORMAT;
    json_decref(call);
    return err;
}

static aver_err reader_plain(aver_own_reader *reader, aver_buf *plain)
{
    reader->state = AVER_OWN_PLAIN;
    if (!reader->called) {
        aver_buf_append(plain, aver_buf_view(&reader->begun));
        aver_buf_clear(&reader->begun);
    }
    aver_buf_append(plain, aver_buf_view(&reader->held));
    aver_buf_clear(&reader->held);
    reader->scanned = 0;
    return aver_buf_status(plain);
}

static void reader_consume(aver_own_reader *reader, size_t size)
{
    if (!reader->called) {
        aver_buf_append(&reader->begun, aver_view_make(reader->held.data, size));
    }
    aver_buf_consume(&reader->held, size);
}

/* { "tool_calls" : [ with white space anywhere between. False: it is something else. */
static bool reader_begins(aver_own_reader *reader, bool *ret_begun)
{
    static const char *const parts[] = {"{", "\"tool_calls\"", ":", "["};
    aver_view text = aver_buf_view(&reader->held);
    size_t at = 0;
    *ret_begun = false;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t size = strlen(parts[i]);
        at = spaces_at(text, at);
        size_t there = text.size - at < size ? text.size - at : size;
        if (memcmp(text.data + at, parts[i], there) != 0) {
            return false;
        }
        if (there < size) {
            return true;
        }
        at += size;
    }
    reader_consume(reader, at);
    *ret_begun = true;
    return true;
}

/* Between calls. False: neither a call nor the end of the list. */
static bool reader_between(aver_own_reader *reader)
{
    aver_view text = aver_buf_view(&reader->held);
    size_t at = spaces_at(text, 0);
    if (at == text.size) {
        return true;
    }
    uint8_t byte = text.data[at];
    if (byte == ',' && reader->comma) {
        reader->comma = false;
        reader_consume(reader, at + 1);
        return true;
    }
    if (byte == ']') {
        reader->state = AVER_OWN_AFTER;
        reader_consume(reader, at + 1);
        return true;
    }
    if (byte != '{' || reader->comma) {
        return false;
    }
    reader_consume(reader, at);
    reader->state = AVER_OWN_CALL;
    reader->scanned = 0;
    reader->depth = 0;
    reader->in_string = false;
    reader->escaped = false;
    return true;
}

/* Looks for the end of the call; 0: not there yet. */
static size_t reader_call_end(aver_own_reader *reader)
{
    while (reader->scanned < reader->held.size) {
        uint8_t byte = reader->held.data[reader->scanned++];
        if (reader->escaped) {
            reader->escaped = false;
        } else if (reader->in_string) {
            reader->escaped = byte == '\\';
            reader->in_string = byte != '"';
        } else if (byte == '"') {
            reader->in_string = true;
        } else if (byte == '{' || byte == '[') {
            reader->depth++;
        } else if ((byte == '}' || byte == ']') && --reader->depth == 0) {
            return reader->scanned;
        }
    }
    return 0;
}

/* Goes on as far as the held text allows. *ret_more: call it again. */
static aver_err reader_step(aver_own_reader *reader, aver_buf *plain, aver_own_call_fn *on_call,
                            void *context, bool *ret_more)
{
    size_t before = reader->held.size;
    aver_own_state state = reader->state;
    bool begun = false;
    bool good = true;
    size_t end = 0;
    switch (reader->state) {
    case AVER_OWN_BEFORE:
        good = reader_begins(reader, &begun);
        reader->state = begun ? AVER_OWN_BETWEEN : reader->state;
        break;
    case AVER_OWN_BETWEEN:
        good = reader_between(reader);
        break;
    case AVER_OWN_CALL:
        end = reader_call_end(reader);
        good = reader->depth <= DEPTH_MAX;
        if (good && end != 0) {
            good = call_read(reader, aver_view_make(reader->held.data, end), on_call, context) ==
                   AVER_OK;
        }
        if (good && end != 0) {
            aver_buf_consume(&reader->held, end);
            reader->called = true;
            reader->state = AVER_OWN_BETWEEN;
            reader->comma = true;
        }
        break;
    case AVER_OWN_AFTER:
    case AVER_OWN_ENDED:
        end = spaces_at(aver_buf_view(&reader->held), 0);
        if (end < reader->held.size) {
            good = reader->state == AVER_OWN_AFTER && reader->held.data[end] == '}';
            reader->state = AVER_OWN_ENDED;
            reader_consume(reader, good ? end + 1 : 0);
        }
        break;
    case AVER_OWN_PLAIN:
        good = false;
        break;
    }
    *ret_more =
        good && reader->held.size != 0 && (reader->state != state || reader->held.size != before);
    return good ? AVER_OK : reader_plain(reader, plain);
}

aver_err aver_own_push(aver_own_reader *reader, aver_view text, aver_buf *plain,
                       aver_own_call_fn *on_call, void *context)
{
    aver_err err = AVER_OK;
    bool more = true;
    aver_buf_append(&reader->held, text);
    if (aver_buf_status(&reader->held) != AVER_OK) {
        return AVER_E_LIMIT;
    }
    while (err == AVER_OK && more) {
        err = reader_step(reader, plain, on_call, context, &more);
    }
    return err == AVER_OK && reader->held.size + reader->begun.size > AVER_OWN_HELD_BYTES_MAX
               ? reader_plain(reader, plain)
               : err;
}

aver_err aver_own_flush(aver_own_reader *reader, aver_buf *plain)
{
    if (reader->state == AVER_OWN_ENDED && reader->called &&
        spaces_at(aver_buf_view(&reader->held), 0) == reader->held.size) {
        aver_buf_clear(&reader->held);
    }
    return reader_plain(reader, plain);
}

typedef struct own_part {
    aver_view name;      /* NULL: not whole yet */
    aver_view arguments; /* as far as they came */
    bool bad;            /* this cannot become a call */
} own_part;

/* A member of a call that is cut; value_ends: something follows the value. */
static void part_member(own_part *part, aver_view key, aver_view value, bool value_ends)
{
    if (aver_view_equal_text(key, "arguments") && part->arguments.data == NULL) {
        part->bad = value.size != 0 && value.data[0] != '{';
        part->arguments = value;
    } else if (aver_view_equal_text(key, "name") && part->name.data == NULL) {
        const uint8_t *quote = value.size < 2 ? NULL : memchr(value.data + 1, '"', value.size - 1);
        bool whole = quote != NULL && quote + 1 == value.data + value.size;
        part->bad = (value.size != 0 && value.data[0] != '"') || (value_ends && !whole);
        part->name = whole ? aver_view_slice(value, 1, value.size - 2) : part->name;
    } else {
        part->bad = true;
    }
}

/* One member from its name on; the size of text if it is not whole. */
static size_t part_step(aver_view text, size_t at, own_part *part)
{
    const uint8_t *quote = NULL;
    if (at < text.size && text.data[at] == '"') {
        quote = memchr(text.data + at + 1, '"', text.size - at - 1);
    } else {
        part->bad = part->bad || at < text.size;
    }
    if (quote == NULL) {
        return text.size;
    }
    size_t key_end = (size_t)(quote - text.data);
    size_t colon = spaces_at(text, key_end + 1);
    if (colon == text.size || text.data[colon] != ':') {
        part->bad = colon != text.size;
        return text.size;
    }
    size_t start = spaces_at(text, colon + 1);
    size_t end = value_end(text, start);
    size_t value = end;
    while (end < text.size && value > start && is_space(text.data[value - 1])) {
        value--;
    }
    part_member(part, aver_view_slice(text, at + 1, key_end - at - 1),
                aver_view_slice(text, start, value - start), end < text.size);
    return end < text.size && text.data[end] == ',' ? spaces_at(text, end + 1) : text.size;
}

/* What there is of a call that is cut. FORMAT if it can be none. */
static aver_err call_read_part(const aver_own_reader *reader, aver_own_call_fn *on_call,
                               void *context)
{
    aver_view text = aver_buf_view(&reader->held);
    own_part part = {0};
    size_t at = spaces_at(text, 1);
    while (at < text.size && !part.bad) {
        at = part_step(text, at, &part);
    }
    if (part.bad) {
        return AVER_E_FORMAT;
    }
    if (part.name.data == NULL) {
        return AVER_OK;
    }
    return tool_known(reader->tools, part.name) ? on_call(part.name, part.arguments, context)
                                                : AVER_E_FORMAT;
}

aver_err aver_own_cut(aver_own_reader *reader, aver_buf *plain, aver_own_call_fn *on_call,
                      void *context)
{
    bool only_spaces = spaces_at(aver_buf_view(&reader->held), 0) == reader->held.size;
    bool part = false;
    switch (reader->state) {
    case AVER_OWN_BEFORE:
        part = !only_spaces;
        break;
    case AVER_OWN_BETWEEN:
        part = true;
        break;
    case AVER_OWN_CALL:
        part = call_read_part(reader, on_call, context) == AVER_OK;
        break;
    case AVER_OWN_AFTER:
    case AVER_OWN_ENDED:
        part = reader->called && only_spaces;
        break;
    case AVER_OWN_PLAIN:
        break;
    }
    if (!part) {
        return aver_own_flush(reader, plain);
    }
    aver_buf_clear(&reader->begun);
    aver_buf_clear(&reader->held);
    return AVER_OK;
}

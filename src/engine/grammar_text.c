/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notation of grammars that llama-common writes: rules "name ::= ...", alternatives by |,
 * literals, classes of characters, groups, repetition by * + ? {m,n}, comments by #.
 */
#include "engine/grammar_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX       64 /* of groups */
#define NAME_BYTES_MAX  256
#define RANGES_MAX      512
#define REPEAT_MAX      65536
#define LITERAL_MAX     65536
#define CODE_POINT_LAST 0x10ffffu

typedef struct text_reader {
    aver_grammar_builder *builder;
    aver_view text;
    size_t at;
    json_t *names; /* name -> rule */
    json_t *known; /* names that have been defined */
    size_t depth;
    const char *why; /* NULL: nothing wrong yet */
} text_reader;

static void text_fail(text_reader *reader, const char *why)
{
    if (reader->why == NULL) {
        reader->why = why;
    }
}

static int text_peek(const text_reader *reader)
{
    return reader->at < reader->text.size ? reader->text.data[reader->at] : -1;
}

static bool text_take(text_reader *reader, const char *word)
{
    size_t size = strlen(word);
    if (reader->text.size - reader->at < size ||
        memcmp(reader->text.data + reader->at, word, size) != 0) {
        return false;
    }
    reader->at += size;
    return true;
}

static void text_space(text_reader *reader, bool newlines)
{
    for (int byte = text_peek(reader); byte >= 0; byte = text_peek(reader)) {
        if (byte == '#') {
            while (text_peek(reader) >= 0 && text_peek(reader) != '\n') {
                reader->at++;
            }
        } else if (byte == ' ' || byte == '\t' || (newlines && (byte == '\n' || byte == '\r'))) {
            reader->at++;
        } else {
            return;
        }
    }
}

static bool is_name_byte(int byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

static bool text_name(text_reader *reader, char name[static NAME_BYTES_MAX])
{
    size_t size = 0;
    while (is_name_byte(text_peek(reader)) && size + 1 < NAME_BYTES_MAX) {
        name[size++] = (char)reader->text.data[reader->at++];
    }
    name[size] = '\0';
    if (size == 0 || is_name_byte(text_peek(reader))) {
        text_fail(reader, "a name is missing or too long");
        return false;
    }
    return true;
}

static uint32_t text_rule(text_reader *reader, const char *name)
{
    const json_t *found = json_object_get(reader->names, name);
    if (found != NULL) {
        return (uint32_t)json_integer_value(found);
    }
    uint32_t rule = aver_grammar_rule(reader->builder);
    if (json_object_set_new(reader->names, name, json_integer(rule)) != 0) {
        text_fail(reader, "out of memory");
    }
    return rule;
}

static bool text_hex(text_reader *reader, size_t digits, uint32_t *ret_point)
{
    uint32_t point = 0;
    for (size_t i = 0; i < digits; i++) {
        int byte = text_peek(reader);
        int lower = byte | 0x20;
        uint32_t digit = byte >= '0' && byte <= '9'     ? (uint32_t)(byte - '0')
                         : lower >= 'a' && lower <= 'f' ? (uint32_t)(lower - 'a' + 10)
                                                        : 16;
        if (digit == 16) {
            return false;
        }
        point = point << 4 | digit;
        reader->at++;
    }
    *ret_point = point;
    return point <= CODE_POINT_LAST;
}

static bool text_escape(text_reader *reader, uint32_t *ret_point)
{
    int byte = text_peek(reader);
    reader->at++;
    switch (byte) {
    case 'x':
        return text_hex(reader, 2, ret_point);
    case 'u':
        return text_hex(reader, 4, ret_point);
    case 'U':
        return text_hex(reader, 8, ret_point);
    case 't':
        *ret_point = '\t';
        return true;
    case 'r':
        *ret_point = '\r';
        return true;
    case 'n':
        *ret_point = '\n';
        return true;
    case '\\':
    case '"':
    case '[':
    case ']':
    case '-':
        *ret_point = (uint32_t)byte;
        return true;
    default:
        return false;
    }
}

/* The next character of UTF-8, or an escaped one. */
static bool text_char(text_reader *reader, uint32_t *ret_point)
{
    int byte = text_peek(reader);
    if (byte < 0) {
        text_fail(reader, "the grammar ends within a literal or a class");
        return false;
    }
    reader->at++;
    if (byte == '\\') {
        bool ok = text_escape(reader, ret_point);
        if (!ok) {
            text_fail(reader, "an unknown escape");
        }
        return ok;
    }
    size_t more = byte < 0x80 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    uint32_t point = more == 0 ? (uint32_t)byte : (uint32_t)byte & (0x3fu >> more);
    for (size_t i = 0; i < more; i++) {
        int next = text_peek(reader);
        if (next < 0 || (next & 0xc0) != 0x80) {
            text_fail(reader, "bytes that are no UTF-8");
            return false;
        }
        point = point << 6 | ((uint32_t)next & 0x3f);
        reader->at++;
    }
    *ret_point = point;
    return true;
}

static void text_literal(text_reader *reader, aver_grammar_sequence *sequence)
{
    aver_buf bytes;
    aver_buf_init(&bytes, LITERAL_MAX);
    while (reader->why == NULL && !text_take(reader, "\"")) {
        uint32_t point = 0;
        uint8_t utf8[4];
        if (text_char(reader, &point)) {
            aver_buf_append(&bytes, aver_view_make(utf8, aver_grammar_utf8_write(point, utf8)));
        }
    }
    if (aver_buf_status(&bytes) != AVER_OK) {
        text_fail(reader, "a literal is too long");
    } else if (bytes.size <= 1) {
        aver_grammar_put_bytes(sequence, aver_buf_view(&bytes));
    } else {
        /* One item, so that repetition means all of it. */
        aver_grammar_put(sequence, aver_grammar_literal(reader->builder, aver_buf_view(&bytes)));
    }
    aver_buf_deinit(&bytes);
}

static void text_class(text_reader *reader, aver_grammar_sequence *sequence)
{
    aver_grammar_range ranges[RANGES_MAX];
    size_t count = 0;
    bool negate = text_take(reader, "^");
    while (reader->why == NULL && !text_take(reader, "]")) {
        aver_grammar_range range = {0, 0};
        if (count == RANGES_MAX) {
            text_fail(reader, "a class of too many ranges");
            return;
        }
        if (!text_char(reader, &range.first)) {
            return;
        }
        range.last = range.first;
        bool ranged = reader->text.size - reader->at >= 2 && text_peek(reader) == '-' &&
                      reader->text.data[reader->at + 1] != ']';
        if (ranged) {
            reader->at++;
            if (!text_char(reader, &range.last)) {
                return;
            }
        }
        ranges[count++] = range;
    }
    aver_grammar_put(sequence, aver_grammar_class(reader->builder, ranges, count, negate));
}

static bool text_number(text_reader *reader, uint32_t *ret_number)
{
    uint32_t number = 0;
    bool any = false;
    for (int byte = text_peek(reader); byte >= '0' && byte <= '9'; byte = text_peek(reader)) {
        number = number > REPEAT_MAX ? number : number * 10 + (uint32_t)(byte - '0');
        reader->at++;
        any = true;
    }
    *ret_number = number;
    return any;
}

/* What stands after {. */
static bool text_bounds(text_reader *reader, uint32_t *ret_min, uint32_t *ret_max)
{
    text_space(reader, true);
    bool has_min = text_number(reader, ret_min);
    text_space(reader, true);
    *ret_max = *ret_min;
    if (text_take(reader, ",")) {
        text_space(reader, true);
        if (!text_number(reader, ret_max)) {
            *ret_max = AVER_GRAMMAR_NO_MAX;
        }
        text_space(reader, true);
        has_min = true;
    }
    return text_take(reader, "}") && has_min;
}

static void text_repeat(text_reader *reader, aver_grammar_sequence *sequence)
{
    uint32_t min = 0;
    uint32_t max = AVER_GRAMMAR_NO_MAX;
    if (text_take(reader, "?")) {
        max = 1;
    } else if (text_take(reader, "+")) {
        min = 1;
    } else if (text_take(reader, "{")) {
        if (!text_bounds(reader, &min, &max) || (max != AVER_GRAMMAR_NO_MAX && max < min)) {
            text_fail(reader, "bad bounds of a repetition");
            return;
        }
    } else if (!text_take(reader, "*")) {
        return;
    }
    if (sequence->count == 0) {
        text_fail(reader, "nothing to repeat");
        return;
    }
    aver_grammar_item last = sequence->items[sequence->count - 1];
    sequence->items[sequence->count - 1] = aver_grammar_repeat(reader->builder, last, min, max);
}

static void text_alternatives(text_reader *reader, uint32_t rule, bool nested);

static void text_group(text_reader *reader, aver_grammar_sequence *sequence)
{
    if (reader->depth >= DEPTH_MAX) {
        text_fail(reader, "groups too deep");
        return;
    }
    uint32_t rule = aver_grammar_rule(reader->builder);
    reader->depth++;
    text_space(reader, true);
    text_alternatives(reader, rule, true);
    reader->depth--;
    if (!text_take(reader, ")")) {
        text_fail(reader, "a group is not closed");
    }
    aver_grammar_put_rule(sequence, rule);
}

static void text_any(text_reader *reader, aver_grammar_sequence *sequence)
{
    static const aver_grammar_range all = {0, CODE_POINT_LAST};
    aver_grammar_put(sequence, aver_grammar_class(reader->builder, &all, 1, false));
}

/* False at the end of a sequence. */
static bool text_symbol(text_reader *reader, aver_grammar_sequence *sequence)
{
    char name[NAME_BYTES_MAX];
    if (text_take(reader, "\"")) {
        size_t count = sequence->count;
        text_literal(reader, sequence);
        if (sequence->count == count) {
            return true; /* an empty literal: nothing that could be repeated */
        }
    } else if (text_take(reader, "[")) {
        text_class(reader, sequence);
    } else if (text_take(reader, "(")) {
        text_group(reader, sequence);
    } else if (text_take(reader, ".")) {
        text_any(reader, sequence);
    } else if (is_name_byte(text_peek(reader))) {
        if (text_name(reader, name)) {
            aver_grammar_put_rule(sequence, text_rule(reader, name));
        }
    } else {
        return false;
    }
    return true;
}

static void text_sequence(text_reader *reader, uint32_t rule, bool nested)
{
    aver_grammar_sequence *sequence = calloc(1, sizeof(*sequence));
    if (sequence == NULL) {
        text_fail(reader, "out of memory");
        return;
    }
    while (reader->why == NULL && text_symbol(reader, sequence)) {
        text_space(reader, nested);
        text_repeat(reader, sequence);
        text_space(reader, nested);
    }
    aver_grammar_rule_add(reader->builder, rule, sequence);
    free(sequence);
}

static void text_alternatives(text_reader *reader, uint32_t rule, bool nested)
{
    text_sequence(reader, rule, nested);
    while (reader->why == NULL && text_take(reader, "|")) {
        text_space(reader, true);
        text_sequence(reader, rule, nested);
    }
}

static void text_definition(text_reader *reader)
{
    char name[NAME_BYTES_MAX];
    if (!text_name(reader, name)) {
        return;
    }
    text_space(reader, false);
    if (!text_take(reader, "::=")) {
        text_fail(reader, "::= is missing");
        return;
    }
    if (json_object_get(reader->known, name) != NULL) {
        text_fail(reader, "a rule is defined twice");
        return;
    }
    if (json_object_set_new(reader->known, name, json_true()) != 0) {
        text_fail(reader, "out of memory");
    }
    text_space(reader, true);
    text_alternatives(reader, text_rule(reader, name), false);
    if (text_peek(reader) >= 0 && text_peek(reader) != '\n' && text_peek(reader) != '\r') {
        text_fail(reader, "something that is no part of a rule");
    }
    text_space(reader, true);
}

aver_err aver_grammar_text_read(aver_grammar_builder *builder, aver_view text, uint32_t *ret_root,
                                char ret_why[AVER_GRAMMAR_WHY_BYTES])
{
    text_reader reader = {
        .builder = builder, .text = text, .names = json_object(), .known = json_object()};
    if (reader.names == NULL || reader.known == NULL) {
        text_fail(&reader, "out of memory");
    }
    text_space(&reader, true);
    while (reader.why == NULL && text_peek(&reader) >= 0 &&
           aver_grammar_builder_status(builder) == AVER_OK) {
        text_definition(&reader);
    }
    aver_err err = aver_grammar_builder_status(builder);
    if (reader.why == NULL && err == AVER_OK &&
        json_object_size(reader.names) != json_object_size(reader.known)) {
        text_fail(&reader, "a rule is not defined");
    }
    const json_t *root = json_object_get(reader.known, "root");
    if (reader.why == NULL && err == AVER_OK && root == NULL) {
        text_fail(&reader, "no rule is named root");
    }
    if (reader.why == NULL && err == AVER_OK) {
        *ret_root = (uint32_t)json_integer_value(json_object_get(reader.names, "root"));
    } else {
        (void)snprintf(ret_why, AVER_GRAMMAR_WHY_BYTES, "the grammar cannot be read: %s",
                       reader.why != NULL ? reader.why : "it is too large");
        err = err == AVER_OK ? AVER_E_FORMAT : err;
    }
    json_decref(reader.names);
    json_decref(reader.known);
    return err;
}

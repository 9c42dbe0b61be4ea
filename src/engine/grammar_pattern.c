/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/grammar_json.h"

#include <stdio.h>
#include <string.h>

#define PATTERN_BYTES_MAX 1024
#define DEPTH_MAX         16
#define RANGES_MAX        128
#define REPEAT_MAX        1024
#define CODE_POINT_LAST   0x10ffffu

typedef struct pattern_reader {
    aver_grammar_builder *builder;
    aver_view text;
    size_t at;
    unsigned depth;
    const char *why;
    aver_err err;
} pattern_reader;

typedef struct pattern_ranges {
    aver_grammar_range ranges[RANGES_MAX];
    size_t count;
} pattern_ranges;

static void pattern_fail(pattern_reader *reader, aver_err err, const char *why)
{
    if (reader->err == AVER_OK) {
        reader->err = err;
        reader->why = why;
    }
}

static int pattern_peek(const pattern_reader *reader)
{
    return reader->at < reader->text.size ? reader->text.data[reader->at] : -1;
}

static bool pattern_take(pattern_reader *reader, char byte)
{
    if (pattern_peek(reader) != (uint8_t)byte) {
        return false;
    }
    reader->at++;
    return true;
}

/* One character; the pattern is valid UTF-8. */
static uint32_t pattern_char(pattern_reader *reader)
{
    uint32_t byte = reader->text.data[reader->at++];
    size_t more = byte < 0x80 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    uint32_t point = more == 0 ? byte : byte & (0x3fu >> more);
    while (more-- > 0 && pattern_peek(reader) >= 0) {
        point = point << 6 | (reader->text.data[reader->at++] & 0x3fu);
    }
    return point;
}

static void ranges_add(pattern_reader *reader, pattern_ranges *ranges, uint32_t first,
                       uint32_t last)
{
    if (ranges->count == RANGES_MAX) {
        pattern_fail(reader, AVER_E_LIMIT, "a class of too many ranges");
        return;
    }
    ranges->ranges[ranges->count++] = (aver_grammar_range){first, last};
}

/* \d \w \s; the opposites are what lies between. False for other letters. */
static bool ranges_add_named(pattern_reader *reader, pattern_ranges *ranges, uint32_t letter)
{
    static const aver_grammar_range digits[] = {{'0', '9'}};
    static const aver_grammar_range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    static const aver_grammar_range spaces[] = {
        {0x09, 0x0d},     {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
        {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};
    const aver_grammar_range *named = letter == 'd' || letter == 'D'   ? digits
                                      : letter == 'w' || letter == 'W' ? words
                                                                       : spaces;
    size_t count = named == digits ? 1 : named == words ? 4 : sizeof(spaces) / sizeof(spaces[0]);
    uint32_t next = 0;
    if (letter > 0x7f || strchr("dDwWsS", (int)letter) == NULL || letter == 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (letter >= 'a') {
            ranges_add(reader, ranges, named[i].first, named[i].last);
        } else {
            ranges_add(reader, ranges, next, named[i].first - 1);
            next = named[i].last + 1;
        }
    }
    if (letter < 'a') {
        ranges_add(reader, ranges, next, CODE_POINT_LAST);
    }
    return true;
}

static uint32_t pattern_hex(pattern_reader *reader, size_t digits)
{
    uint32_t point = 0;
    for (size_t i = 0; i < digits; i++) {
        int byte = pattern_peek(reader);
        int lower = byte | 0x20;
        if (byte >= '0' && byte <= '9') {
            point = point << 4 | (uint32_t)(byte - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            point = point << 4 | (uint32_t)(lower - 'a' + 10);
        } else {
            pattern_fail(reader, AVER_E_FORMAT, "an escape without its digits");
            return 0;
        }
        reader->at++;
    }
    return point;
}

/* What stands after a backslash and is one character. */
static uint32_t pattern_escape(pattern_reader *reader, uint32_t letter)
{
    switch (letter) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'f':
        return '\f';
    case 'v':
        return '\v';
    case 'x':
        return pattern_hex(reader, 2);
    case 'u':
        return pattern_hex(reader, 4);
    default:
        break;
    }
    bool letter_or_digit =
        (letter >= '0' && letter <= '9') || ((letter | 0x20) >= 'a' && (letter | 0x20) <= 'z');
    if (letter_or_digit && letter < 0x80) {
        pattern_fail(reader, AVER_E_UNSUPPORTED, "this escape is not supported");
    }
    return letter;
}

/* One character or named class, into ranges; *ret_single tells which. */
static void pattern_atom(pattern_reader *reader, pattern_ranges *ranges, bool *ret_single)
{
    uint32_t point = pattern_char(reader);
    *ret_single = true;
    if (point == '\\') {
        if (pattern_peek(reader) < 0) {
            pattern_fail(reader, AVER_E_FORMAT, "a backslash at the end");
            return;
        }
        point = pattern_char(reader);
        if (ranges_add_named(reader, ranges, point)) {
            *ret_single = false;
            return;
        }
        point = pattern_escape(reader, point);
    }
    ranges_add(reader, ranges, point, point);
}

/* After "[". */
static aver_grammar_item pattern_class(pattern_reader *reader)
{
    pattern_ranges ranges = {.count = 0};
    bool negate = pattern_take(reader, '^');
    while (reader->err == AVER_OK && !pattern_take(reader, ']')) {
        bool single = false;
        if (pattern_peek(reader) < 0) {
            pattern_fail(reader, AVER_E_FORMAT, "a class is not closed");
            break;
        }
        pattern_atom(reader, &ranges, &single);
        bool ranged = single && pattern_peek(reader) == '-' && reader->at + 1 < reader->text.size &&
                      reader->text.data[reader->at + 1] != ']' && ranges.count > 0;
        if (ranged) {
            size_t first = ranges.count - 1;
            reader->at++;
            pattern_atom(reader, &ranges, &single);
            if (reader->err == AVER_OK && single &&
                ranges.ranges[first].first <= ranges.ranges[first + 1].last) {
                ranges.ranges[first].last = ranges.ranges[first + 1].last;
                ranges.count--;
            } else {
                pattern_fail(reader, AVER_E_FORMAT, "a range of a class is not one");
            }
        }
    }
    if (ranges.count == 0 && !negate) {
        pattern_fail(reader, AVER_E_UNSUPPORTED, "an empty class");
    }
    return aver_grammar_json_char(reader->builder, ranges.ranges, ranges.count, negate);
}

/* Any character but line ends. */
static aver_grammar_item pattern_dot(pattern_reader *reader)
{
    static const aver_grammar_range ends[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
    return aver_grammar_json_char(reader->builder, ends, 3, true);
}

static void pattern_alternatives(pattern_reader *reader, uint32_t rule);

/* After "(". */
static aver_grammar_item pattern_group(pattern_reader *reader)
{
    uint32_t rule = aver_grammar_rule(reader->builder);
    if (pattern_take(reader, '?') && !pattern_take(reader, ':')) {
        pattern_fail(reader, AVER_E_UNSUPPORTED, "groups that look around or have names");
    }
    if (reader->depth >= DEPTH_MAX) {
        pattern_fail(reader, AVER_E_LIMIT, "groups too deep");
        return AVER_GRAMMAR_RULE(rule);
    }
    reader->depth++;
    pattern_alternatives(reader, rule);
    reader->depth--;
    if (!pattern_take(reader, ')')) {
        pattern_fail(reader, AVER_E_FORMAT, "a group is not closed");
    }
    return AVER_GRAMMAR_RULE(rule);
}

static aver_grammar_item pattern_symbol(pattern_reader *reader)
{
    pattern_ranges ranges = {.count = 0};
    bool single = false;
    if (pattern_take(reader, '(')) {
        return pattern_group(reader);
    }
    if (pattern_take(reader, '[')) {
        return pattern_class(reader);
    }
    if (pattern_take(reader, '.')) {
        return pattern_dot(reader);
    }
    if (memchr("*+?{}]^$", pattern_peek(reader), 8) != NULL) {
        pattern_fail(reader, AVER_E_UNSUPPORTED, "an anchor inside, or nothing to repeat");
        return AVER_GRAMMAR_BYTE('?');
    }
    pattern_atom(reader, &ranges, &single);
    return aver_grammar_json_char(reader->builder, ranges.ranges, ranges.count, false);
}

static uint32_t pattern_number(pattern_reader *reader, bool *ret_any)
{
    uint32_t number = 0;
    *ret_any = false;
    for (int byte = pattern_peek(reader); byte >= '0' && byte <= '9'; byte = pattern_peek(reader)) {
        number = number > REPEAT_MAX ? number : number * 10 + (uint32_t)(byte - '0');
        reader->at++;
        *ret_any = true;
    }
    return number;
}

/* After "{". */
static void pattern_bounds(pattern_reader *reader, uint32_t *ret_min, uint32_t *ret_max)
{
    bool any = false;
    *ret_min = pattern_number(reader, &any);
    *ret_max = *ret_min;
    if (!any) {
        pattern_fail(reader, AVER_E_FORMAT, "a repetition without its number");
    }
    if (pattern_take(reader, ',')) {
        *ret_max = pattern_number(reader, &any);
        *ret_max = any ? *ret_max : AVER_GRAMMAR_NO_MAX;
    }
    if (!pattern_take(reader, '}') || *ret_max < *ret_min) {
        pattern_fail(reader, AVER_E_FORMAT, "a repetition that is none");
    }
    if (*ret_min > REPEAT_MAX || (*ret_max != AVER_GRAMMAR_NO_MAX && *ret_max > REPEAT_MAX)) {
        pattern_fail(reader, AVER_E_LIMIT, "a repetition of more than 1024 times");
    }
}

static aver_grammar_item pattern_repeated(pattern_reader *reader)
{
    aver_grammar_item item = pattern_symbol(reader);
    uint32_t min = 0;
    uint32_t max = AVER_GRAMMAR_NO_MAX;
    if (pattern_take(reader, '?')) {
        max = 1;
    } else if (pattern_take(reader, '+')) {
        min = 1;
    } else if (pattern_take(reader, '{')) {
        pattern_bounds(reader, &min, &max);
    } else if (!pattern_take(reader, '*')) {
        return item;
    }
    (void)pattern_take(reader, '?'); /* whether it is lazy does not change what matches */
    return reader->err == AVER_OK ? aver_grammar_repeat(reader->builder, item, min, max) : item;
}

static aver_grammar_item pattern_anything(pattern_reader *reader)
{
    return aver_grammar_repeat(reader->builder, aver_grammar_json_any_char(reader->builder), 0,
                               AVER_GRAMMAR_NO_MAX);
}

/* One alternative, as a chain of rules: each holds one symbol and the rule after it. */
static void pattern_sequence(pattern_reader *reader, uint32_t rule)
{
    bool top = reader->depth == 0;
    bool open = top && !pattern_take(reader, '^');
    uint32_t first = aver_grammar_rule(reader->builder);
    uint32_t part = first;
    aver_grammar_item head[2] = {AVER_GRAMMAR_RULE(first), AVER_GRAMMAR_RULE(first)};
    if (open) {
        head[0] = pattern_anything(reader);
    }
    aver_grammar_rule_items(reader->builder, rule, head, open ? 2 : 1);
    while (reader->err == AVER_OK && aver_grammar_builder_status(reader->builder) == AVER_OK) {
        int byte = pattern_peek(reader);
        bool end =
            top && byte == '$' &&
            (reader->at + 1 == reader->text.size || reader->text.data[reader->at + 1] == '|');
        if (byte < 0 || byte == '|' || byte == ')' || end) {
            aver_grammar_item rest = AVER_GRAMMAR_BYTE('?');
            bool closed = !top || pattern_take(reader, '$');
            if (!closed) {
                rest = pattern_anything(reader);
            }
            aver_grammar_rule_items(reader->builder, part, &rest, closed ? 0 : 1);
            return;
        }
        uint32_t next = aver_grammar_rule(reader->builder);
        aver_grammar_item items[] = {pattern_repeated(reader), AVER_GRAMMAR_RULE(next)};
        aver_grammar_rule_items(reader->builder, part, items, 2);
        part = next;
    }
}

static void pattern_alternatives(pattern_reader *reader, uint32_t rule)
{
    do {
        pattern_sequence(reader, rule);
    } while (reader->err == AVER_OK && pattern_take(reader, '|'));
}

aver_err aver_grammar_pattern_read(aver_grammar_builder *builder, aver_view pattern,
                                   aver_grammar_item *ret_item,
                                   char ret_why[AVER_GRAMMAR_WHY_BYTES])
{
    pattern_reader reader = {.builder = builder, .text = pattern};
    uint32_t rule = aver_grammar_rule(builder);
    if (pattern.size > PATTERN_BYTES_MAX) {
        pattern_fail(&reader, AVER_E_LIMIT, "more than 1024 bytes");
    } else {
        pattern_alternatives(&reader, rule);
    }
    if (reader.err == AVER_OK && reader.at < pattern.size) {
        pattern_fail(&reader, AVER_E_FORMAT, "a group is closed that was not opened");
    }
    if (reader.err != AVER_OK) {
        (void)snprintf(ret_why, AVER_GRAMMAR_WHY_BYTES, "the pattern cannot be kept: %s",
                       reader.why);
        return reader.err;
    }
    *ret_item = AVER_GRAMMAR_RULE(rule);
    return aver_grammar_builder_status(builder);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include "codec/text.h"

#include <string.h>

enum { JSON_DEPTH_MAX = 16 };

static bool json_is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void json_space(aver_dcap_json *json)
{
    while (json->at < json->text.size && json_is_space(json->text.data[json->at])) {
        json->at++;
    }
}

/* The next byte that is no white space, not taken; 0 at the end or after a fault. */
static uint8_t json_peek(aver_dcap_json *json)
{
    json_space(json);
    return json->bad || json->at == json->text.size ? 0 : json->text.data[json->at];
}

static bool json_take(aver_dcap_json *json, uint8_t byte)
{
    if (json_peek(json) != byte) {
        json->bad = true;
        return false;
    }
    json->at++;
    return true;
}

void aver_dcap_json_open(aver_dcap_json *json, aver_view text)
{
    *json = (aver_dcap_json){.text = text, .bad = !aver_utf8_valid(text)};
}

bool aver_dcap_json_end(aver_dcap_json *json)
{
    json_space(json);
    return !json->bad && json->at == json->text.size;
}

bool aver_dcap_json_into(aver_dcap_json *json, uint8_t bracket)
{
    json->first = true;
    return json_take(json, bracket);
}

bool aver_dcap_json_more(aver_dcap_json *json, uint8_t bracket)
{
    uint8_t next = json_peek(json);
    bool first = json->first;
    json->first = false;
    if (json->bad || next == bracket) {
        json->at += json->bad ? 0 : 1;
        return false;
    }
    return first || json_take(json, ',');
}

bool aver_dcap_json_text(aver_dcap_json *json, aver_view *ret_text)
{
    if (!json_take(json, '"')) {
        return false;
    }
    size_t from = json->at;
    while (json->at < json->text.size && json->text.data[json->at] >= 0x20 &&
           json->text.data[json->at] != '"' && json->text.data[json->at] != '\\') {
        json->at++;
    }
    *ret_text = aver_view_slice(json->text, from, json->at - from);
    return json_take(json, '"');
}

/* Four hex digits of an ASCII character but NUL; 0 for every other. */
static uint8_t json_escape_number(aver_dcap_json *json)
{
    uint8_t number[2];
    if (json->text.size - json->at < 4 ||
        aver_hex_decode(aver_view_slice(json->text, json->at, 4), number, 2) != AVER_OK ||
        number[0] != 0 || number[1] >= 0x80) {
        return 0;
    }
    json->at += 4;
    return number[1];
}

/* What a backslash and what is behind it stand for; 0 for what is not taken here. */
static uint8_t json_escape(aver_dcap_json *json)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    if (json->at == json->text.size) {
        return 0;
    }
    uint8_t byte = json->text.data[json->at++];
    const char *found = byte != 0 ? strchr(from, byte) : NULL;
    if (found != NULL) {
        return (uint8_t)to[found - from];
    }
    return byte == 'u' ? json_escape_number(json) : 0;
}

bool aver_dcap_json_unescape(aver_dcap_json *json, uint8_t *into, aver_view *ret_text)
{
    size_t size = 0;
    if (!json_take(json, '"')) {
        return false;
    }
    while (json->at < json->text.size && json->text.data[json->at] != '"' && !json->bad) {
        uint8_t byte = json->text.data[json->at++];
        json->bad = byte < 0x20;
        if (byte == '\\') {
            byte = json_escape(json);
            json->bad = byte == 0;
        }
        into[size++] = byte;
    }
    *ret_text = aver_view_make(into, size);
    return json_take(json, '"');
}

static bool json_name(aver_dcap_json *json, aver_view *ret_name)
{
    return aver_dcap_json_text(json, ret_name) && json_take(json, ':');
}

size_t aver_dcap_json_member(aver_dcap_json *json, const char *const *names, uint32_t *seen)
{
    aver_view name;
    if (!json_name(json, &name)) {
        return SIZE_MAX;
    }
    for (size_t i = 0; names[i] != NULL; i++) {
        if (aver_view_equal_text(name, names[i])) {
            json->bad = (*seen & 1u << i) != 0;
            *seen |= 1u << i;
            return i;
        }
    }
    return SIZE_MAX;
}

bool aver_dcap_json_number(aver_dcap_json *json, uint32_t max, uint32_t *ret_number)
{
    uint64_t number = 0;
    size_t from = 0;
    (void)json_peek(json);
    from = json->at;
    while (!json->bad && json->at < json->text.size && json->text.data[json->at] >= '0' &&
           json->text.data[json->at] <= '9') {
        number = number * 10 + (json->text.data[json->at++] - '0');
        json->bad = number > max || (json->at - from > 1 && json->text.data[from] == '0');
    }
    json->bad = json->bad || json->at == from;
    if (!json->bad) {
        *ret_number = (uint32_t)number;
    }
    return !json->bad;
}

bool aver_dcap_json_hex(aver_dcap_json *json, uint8_t *ret_bytes, size_t size)
{
    aver_view text;
    if (!aver_dcap_json_text(json, &text) || aver_hex_decode(text, ret_bytes, size) != AVER_OK) {
        json->bad = true;
    }
    return !json->bad;
}

static bool json_skip_string(aver_dcap_json *json)
{
    json->at++;
    while (json->at < json->text.size && json->text.data[json->at] != '"') {
        if (json->text.data[json->at] < 0x20) {
            return false;
        }
        json->at += json->text.data[json->at] == '\\' ? 2 : 1;
    }
    if (json->at >= json->text.size) {
        return false;
    }
    json->at++;
    return true;
}

/* A number, true, false or null: whatever ends at a bracket, comma or white space. */
static bool json_skip_word(aver_dcap_json *json)
{
    size_t from = json->at;
    while (json->at < json->text.size &&
           memchr(",:[]{}\" \t\r\n", json->text.data[json->at], 11) == NULL) {
        json->at++;
    }
    return json->at > from;
}

/* What nobody asks for: its strings end, and its brackets fit. */
void aver_dcap_json_skip(aver_dcap_json *json)
{
    uint8_t open[JSON_DEPTH_MAX];
    size_t depth = 0;
    do {
        uint8_t next = json_peek(json);
        if (next == '{' || next == '[') {
            json->bad = depth == JSON_DEPTH_MAX;
            if (!json->bad) {
                open[depth++] = next == '{' ? '}' : ']';
                json->at++;
            }
        } else if (next == '}' || next == ']') {
            json->bad = depth == 0 || open[--depth] != next;
            json->at += json->bad ? 0 : 1;
        } else if (next == '"') {
            json->bad = !json_skip_string(json);
        } else if ((next == ',' || next == ':') && depth > 0) {
            json->at++;
        } else {
            json->bad = json->bad || !json_skip_word(json);
        }
    } while (!json->bad && depth > 0);
}

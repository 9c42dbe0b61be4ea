/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/xml_words.h"

#include "codec/text.h"

#include <string.h>

static bool xml_is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool xml_is_name_start(uint8_t byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_';
}

static bool xml_is_name(uint8_t byte)
{
    return xml_is_name_start(byte) || (byte >= '0' && byte <= '9') || byte == '-' || byte == '.';
}

uint8_t aver_xml_peek(const aver_xml_reader *reader)
{
    return reader->at < reader->text.size ? reader->text.data[reader->at] : 0;
}

bool aver_xml_take_word(aver_xml_reader *reader, const char *word)
{
    size_t size = strlen(word);
    if (reader->text.size - reader->at < size ||
        memcmp(reader->text.data + reader->at, word, size) != 0) {
        return false;
    }
    reader->at += size;
    return true;
}

bool aver_xml_skip_space(aver_xml_reader *reader)
{
    size_t from = reader->at;
    while (xml_is_space(aver_xml_peek(reader))) {
        reader->at++;
    }
    return reader->at > from;
}

static bool xml_take_part(aver_xml_reader *reader, aver_view *ret_part)
{
    size_t from = reader->at;
    if (!xml_is_name_start(aver_xml_peek(reader))) {
        return false;
    }
    while (xml_is_name(aver_xml_peek(reader))) {
        reader->at++;
    }
    *ret_part = aver_view_slice(reader->text, from, reader->at - from);
    return true;
}

bool aver_xml_take_name(aver_xml_reader *reader, aver_xml_name *ret_name)
{
    size_t from = reader->at;
    ret_name->prefix = aver_view_make(NULL, 0);
    ret_name->space = aver_view_make(NULL, 0);
    if (!xml_take_part(reader, &ret_name->local)) {
        return false;
    }
    if (aver_xml_peek(reader) == ':') {
        reader->at++;
        ret_name->prefix = ret_name->local;
        if (!xml_take_part(reader, &ret_name->local)) {
            return false;
        }
    }
    ret_name->full = aver_view_slice(reader->text, from, reader->at - from);
    return true;
}

static void xml_put(aver_xml *xml, uint8_t byte)
{
    xml->decoded[xml->decoded_size++] = byte;
}

/* A character that XML allows, as UTF-8: never longer than its reference. */
static bool xml_put_character(aver_xml *xml, uint32_t code)
{
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff ||
        (code < 0x20 && code != 0x09 && code != 0x0a && code != 0x0d)) {
        return false;
    }
    if (code < 0x80) {
        xml_put(xml, (uint8_t)code);
    } else if (code < 0x800) {
        xml_put(xml, (uint8_t)(0xc0 | code >> 6));
        xml_put(xml, (uint8_t)(0x80 | (code & 0x3f)));
    } else {
        xml_put(xml, (uint8_t)(code < 0x10000 ? 0xe0 | code >> 12 : 0xf0 | code >> 18));
        if (code >= 0x10000) {
            xml_put(xml, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
        }
        xml_put(xml, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        xml_put(xml, (uint8_t)(0x80 | (code & 0x3f)));
    }
    return true;
}

static bool xml_take_number(aver_xml_reader *reader)
{
    uint32_t base = aver_xml_peek(reader) == 'x' ? 16 : 10;
    uint32_t code = 0;
    size_t digits = 0;
    reader->at += base == 16 ? 1 : 0;
    for (; aver_xml_peek(reader) != ';'; digits++) {
        int digit = aver_hex_digit(aver_xml_peek(reader));
        if (digit < 0 || (uint32_t)digit >= base || digits == 8) {
            return false;
        }
        code = code * base + (uint32_t)digit;
        reader->at++;
    }
    reader->at++;
    return digits > 0 && xml_put_character(reader->xml, code);
}

/* &amp; and its like, behind the ampersand. */
static bool xml_take_reference(aver_xml_reader *reader)
{
    static const struct {
        const char *word;
        char byte;
    } entities[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
    if (aver_xml_take_word(reader, "#")) {
        return xml_take_number(reader);
    }
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        if (aver_xml_take_word(reader, entities[i].word)) {
            xml_put(reader->xml, (uint8_t)entities[i].byte);
            return true;
        }
    }
    return false;
}

bool aver_xml_decode(aver_xml_reader *reader, uint8_t stop, aver_view *ret_value)
{
    aver_xml *xml = reader->xml;
    size_t from = xml->decoded_size;
    bool attribute = stop == '"' || stop == '\'';
    while (reader->at < reader->text.size && aver_xml_peek(reader) != stop) {
        uint8_t byte = reader->text.data[reader->at++];
        if (byte == '&') {
            if (!xml_take_reference(reader)) {
                return false;
            }
            continue;
        }
        if (byte == '\r') {
            reader->at += aver_xml_peek(reader) == '\n' ? 1 : 0;
            byte = '\n';
        }
        if ((byte < 0x20 && byte != '\t' && byte != '\n') || (attribute && byte == '<') ||
            (byte == '>' && !attribute && reader->at >= 3 &&
             memcmp(reader->text.data + reader->at - 3, "]]>", 3) == 0)) {
            return false;
        }
        xml_put(xml, attribute && (byte == '\t' || byte == '\n') ? ' ' : byte);
    }
    *ret_value = aver_view_make(xml->decoded + from, xml->decoded_size - from);
    return reader->at < reader->text.size;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/xml.h"

#include "codec/text.h"

#include <stdlib.h>
#include <string.h>

#define XML_NAMESPACES "http://www.w3.org/2000/xmlns/"
#define XML_OWN        "http://www.w3.org/XML/1998/namespace"

/* What is being read: at is the next byte, open the innermost element that is not closed. */
typedef struct xml_reader {
    aver_view text;
    size_t at;
    aver_xml *xml;
    size_t open;
    size_t depth;
} xml_reader;

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

/* The byte that comes, 0 at the end: no document holds one. */
static uint8_t xml_peek(const xml_reader *reader)
{
    return reader->at < reader->text.size ? reader->text.data[reader->at] : 0;
}

static bool xml_take_word(xml_reader *reader, const char *word)
{
    size_t size = strlen(word);
    if (reader->text.size - reader->at < size ||
        memcmp(reader->text.data + reader->at, word, size) != 0) {
        return false;
    }
    reader->at += size;
    return true;
}

/* Returns whether there was any. */
static bool xml_skip_space(xml_reader *reader)
{
    size_t from = reader->at;
    while (xml_is_space(xml_peek(reader))) {
        reader->at++;
    }
    return reader->at > from;
}

static bool xml_take_part(xml_reader *reader, aver_view *ret_part)
{
    size_t from = reader->at;
    if (!xml_is_name_start(xml_peek(reader))) {
        return false;
    }
    while (xml_is_name(xml_peek(reader))) {
        reader->at++;
    }
    *ret_part = aver_view_slice(reader->text, from, reader->at - from);
    return true;
}

static bool xml_take_name(xml_reader *reader, aver_xml_name *ret_name)
{
    size_t from = reader->at;
    ret_name->prefix = aver_view_make(NULL, 0);
    ret_name->space = aver_view_make(NULL, 0);
    if (!xml_take_part(reader, &ret_name->local)) {
        return false;
    }
    if (xml_peek(reader) == ':') {
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

static bool xml_take_number(xml_reader *reader)
{
    uint32_t base = xml_peek(reader) == 'x' ? 16 : 10;
    uint32_t code = 0;
    size_t digits = 0;
    reader->at += base == 16 ? 1 : 0;
    for (; xml_peek(reader) != ';'; digits++) {
        int digit = aver_hex_digit(xml_peek(reader));
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
static bool xml_take_reference(xml_reader *reader)
{
    static const struct {
        const char *word;
        char byte;
    } entities[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
    if (xml_take_word(reader, "#")) {
        return xml_take_number(reader);
    }
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        if (xml_take_word(reader, entities[i].word)) {
            xml_put(reader->xml, (uint8_t)entities[i].byte);
            return true;
        }
    }
    return false;
}

/* Decodes up to stop, or up to the end of the text for 0. White space in an attribute (stop is a
 * quote) becomes blanks, the end of a line a line feed elsewhere. */
static bool xml_decode(xml_reader *reader, uint8_t stop, aver_view *ret_value)
{
    aver_xml *xml = reader->xml;
    size_t from = xml->decoded_size;
    bool attribute = stop == '"' || stop == '\'';
    while (reader->at < reader->text.size && xml_peek(reader) != stop) {
        uint8_t byte = reader->text.data[reader->at++];
        if (byte == '&') {
            if (!xml_take_reference(reader)) {
                return false;
            }
            continue;
        }
        if (byte == '\r') {
            reader->at += xml_peek(reader) == '\n' ? 1 : 0;
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

/* Splits xmlns and xmlns:prefix off from other attributes. */
static bool xml_declaration_fits(aver_xml_attribute *attribute)
{
    aver_xml_name *name = &attribute->name;
    if (name->prefix.size == 0 && aver_view_equal_text(name->local, "xmlns")) {
        attribute->declares = true;
        name->local = aver_view_make(NULL, 0);
    } else if (aver_view_equal_text(name->prefix, "xmlns")) {
        attribute->declares = true;
        if (attribute->value.size == 0 || aver_view_equal_text(name->local, "xml") ||
            aver_view_equal_text(name->local, "xmlns")) {
            return false;
        }
    }
    return !attribute->declares || (!aver_view_equal_text(attribute->value, XML_NAMESPACES) &&
                                    !aver_view_equal_text(attribute->value, XML_OWN));
}

static bool xml_take_attribute(xml_reader *reader)
{
    aver_xml *xml = reader->xml;
    aver_xml_attribute attribute = {.declares = false};
    aver_xml_node *node = &xml->nodes[reader->open];
    if (node->attributes_count == AVER_XML_ATTRIBUTES_EACH_MAX ||
        !xml_take_name(reader, &attribute.name)) {
        return false;
    }
    (void)xml_skip_space(reader);
    if (!xml_take_word(reader, "=")) {
        return false;
    }
    (void)xml_skip_space(reader);
    uint8_t quote = xml_peek(reader);
    if (quote != '"' && quote != '\'') {
        return false;
    }
    reader->at++;
    if (!xml_decode(reader, quote, &attribute.value)) {
        return false;
    }
    reader->at++;
    if (!xml_declaration_fits(&attribute)) {
        return false;
    }
    xml->attributes[xml->attributes_count++] = attribute;
    node->attributes_count++;
    return true;
}

/* The namespace of a prefix where a node stands. False if it is not declared. */
static bool xml_space_of(const aver_xml *xml, size_t node, aver_view prefix, aver_view *ret_space)
{
    for (; node != AVER_XML_NONE; node = xml->nodes[node].parent) {
        const aver_xml_node *at = &xml->nodes[node];
        for (size_t i = 0; i < at->attributes_count; i++) {
            const aver_xml_attribute *attribute = &xml->attributes[at->attributes + i];
            if (attribute->declares && aver_view_equal(attribute->name.local, prefix)) {
                *ret_space = attribute->value;
                return true;
            }
        }
    }
    *ret_space = aver_view_make(NULL, 0);
    return prefix.size == 0;
}

static bool xml_same_attribute(const aver_xml_attribute *a, const aver_xml_attribute *b)
{
    return aver_view_equal(a->name.full, b->name.full) ||
           (a->declares == b->declares && aver_view_equal(a->name.space, b->name.space) &&
            aver_view_equal(a->name.local, b->name.local));
}

/* Gives element and attributes their namespaces, once all declarations were read. */
static bool xml_resolve(aver_xml *xml, size_t index)
{
    aver_xml_node *node = &xml->nodes[index];
    aver_xml_attribute *list = xml->attributes + node->attributes;
    if (!xml_space_of(xml, index, node->name.prefix, &node->name.space)) {
        return false;
    }
    for (size_t i = 0; i < node->attributes_count; i++) {
        if (!list[i].declares && list[i].name.prefix.size > 0 &&
            !xml_space_of(xml, index, list[i].name.prefix, &list[i].name.space)) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (xml_same_attribute(&list[i], &list[k])) {
                return false;
            }
        }
    }
    return true;
}

static aver_err xml_take_element(xml_reader *reader)
{
    aver_xml *xml = reader->xml;
    size_t index = xml->nodes_count++;
    aver_xml_node *node = &xml->nodes[index];
    *node = (aver_xml_node){.parent = reader->open, .attributes = xml->attributes_count};
    if (!xml_take_name(reader, &node->name)) {
        return AVER_E_FORMAT;
    }
    if (++reader->depth > AVER_XML_DEPTH_MAX) {
        return AVER_E_LIMIT;
    }
    reader->open = index;
    bool space = xml_skip_space(reader);
    while (xml_peek(reader) != '>' && xml_peek(reader) != '/') {
        if (!space || !xml_take_attribute(reader)) {
            return AVER_E_FORMAT;
        }
        space = xml_skip_space(reader);
    }
    bool empty = xml_take_word(reader, "/");
    if (!xml_take_word(reader, ">") || !xml_resolve(xml, index)) {
        return AVER_E_FORMAT;
    }
    if (empty) {
        node->end = xml->nodes_count;
        reader->open = node->parent;
        reader->depth--;
    }
    return AVER_OK;
}

/* Behind "</". */
static aver_err xml_take_end(xml_reader *reader)
{
    aver_xml_node *node = &reader->xml->nodes[reader->open];
    aver_xml_name name;
    if (!xml_take_name(reader, &name) || !aver_view_equal(name.full, node->name.full)) {
        return AVER_E_FORMAT;
    }
    (void)xml_skip_space(reader);
    if (!xml_take_word(reader, ">")) {
        return AVER_E_FORMAT;
    }
    node->end = reader->xml->nodes_count;
    reader->open = node->parent;
    reader->depth--;
    return AVER_OK;
}

static aver_err xml_take_text(xml_reader *reader)
{
    aver_xml *xml = reader->xml;
    size_t index = xml->nodes_count++;
    aver_xml_node *node = &xml->nodes[index];
    *node = (aver_xml_node){.is_text = true, .parent = reader->open, .end = index + 1};
    return xml_decode(reader, '<', &node->text) ? AVER_OK : AVER_E_FORMAT;
}

/* <?xml version="1.0" encoding="UTF-8"?>, where there is one. */
static bool xml_take_declaration(xml_reader *reader)
{
    static const char *const forms[] = {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<?xml version='1.0' encoding='UTF-8'?>",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>", "<?xml version=\"1.0\"?>"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (xml_take_word(reader, forms[i])) {
            return true;
        }
    }
    return !xml_take_word(reader, "<?");
}

static aver_err xml_read(xml_reader *reader)
{
    if (!xml_take_declaration(reader)) {
        return AVER_E_FORMAT;
    }
    (void)xml_skip_space(reader);
    aver_err err = xml_take_word(reader, "<") ? xml_take_element(reader) : AVER_E_FORMAT;
    while (err == AVER_OK && reader->open != AVER_XML_NONE) {
        if (xml_take_word(reader, "</")) {
            err = xml_take_end(reader);
        } else if (xml_take_word(reader, "<")) {
            err = xml_take_element(reader);
        } else {
            err = xml_take_text(reader);
        }
    }
    (void)xml_skip_space(reader);
    return err == AVER_OK && reader->at < reader->text.size ? AVER_E_FORMAT : err;
}

/* Places for all that the text can hold: a node for each '<' and one for the text behind it, an
 * attribute for each '='. */
static aver_err xml_reserve(aver_view text, aver_xml *xml)
{
    size_t nodes = 0;
    size_t attributes = 0;
    for (size_t i = 0; i < text.size; i++) {
        nodes += text.data[i] == '<' ? 2 : 0;
        attributes += text.data[i] == '=' ? 1 : 0;
    }
    if (nodes > AVER_XML_NODES_MAX || attributes > AVER_XML_ATTRIBUTES_MAX) {
        return AVER_E_LIMIT;
    }
    xml->nodes = calloc(nodes + 1, sizeof *xml->nodes);
    xml->attributes = calloc(attributes + 1, sizeof *xml->attributes);
    xml->decoded = malloc(text.size + 1);
    return xml->nodes == NULL || xml->attributes == NULL || xml->decoded == NULL ? AVER_E_NOMEM
                                                                                 : AVER_OK;
}

/* UTF-8 without the two characters that are none: U+FFFE and U+FFFF. */
static bool xml_is_text(aver_view text)
{
    for (size_t i = 2; i < text.size; i++) {
        if (text.data[i] >= 0xbe && text.data[i - 1] == 0xbf && text.data[i - 2] == 0xef) {
            return false;
        }
    }
    return aver_utf8_valid(text);
}

aver_err aver_xml_parse(aver_view text, aver_xml *ret_xml)
{
    aver_xml xml = {.nodes_count = 0};
    if (text.size > AVER_XML_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    if (!xml_is_text(text)) {
        return AVER_E_FORMAT;
    }
    aver_err err = xml_reserve(text, &xml);
    if (err == AVER_OK) {
        xml_reader reader = {.text = text, .xml = &xml, .open = AVER_XML_NONE};
        err = xml_read(&reader);
    }
    if (err != AVER_OK) {
        aver_xml_deinit(&xml);
        return err;
    }
    *ret_xml = xml;
    return AVER_OK;
}

void aver_xml_deinit(aver_xml *xml)
{
    free(xml->nodes);
    free(xml->attributes);
    free(xml->decoded);
    *xml = (aver_xml){.nodes_count = 0};
}

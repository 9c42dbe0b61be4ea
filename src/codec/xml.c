/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/xml_words.h"

#include "codec/text.h"

#include <stdlib.h>
#include <string.h>

#define XML_NAMESPACES "http://www.w3.org/2000/xmlns/"
#define XML_OWN        "http://www.w3.org/XML/1998/namespace"

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

static bool xml_take_attribute(aver_xml_reader *reader)
{
    aver_xml *xml = reader->xml;
    aver_xml_attribute attribute = {.declares = false};
    aver_xml_node *node = &xml->nodes[reader->open];
    if (node->attributes_count == AVER_XML_ATTRIBUTES_EACH_MAX ||
        !aver_xml_take_name(reader, &attribute.name)) {
        return false;
    }
    (void)aver_xml_skip_space(reader);
    if (!aver_xml_take_word(reader, "=")) {
        return false;
    }
    (void)aver_xml_skip_space(reader);
    uint8_t quote = aver_xml_peek(reader);
    if (quote != '"' && quote != '\'') {
        return false;
    }
    reader->at++;
    if (!aver_xml_decode(reader, quote, &attribute.value)) {
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

static aver_err xml_take_element(aver_xml_reader *reader)
{
    aver_xml *xml = reader->xml;
    size_t index = xml->nodes_count++;
    aver_xml_node *node = &xml->nodes[index];
    *node = (aver_xml_node){.parent = reader->open, .attributes = xml->attributes_count};
    if (!aver_xml_take_name(reader, &node->name)) {
        return AVER_E_FORMAT;
    }
    if (++reader->depth > AVER_XML_DEPTH_MAX) {
        return AVER_E_LIMIT;
    }
    reader->open = index;
    bool space = aver_xml_skip_space(reader);
    while (aver_xml_peek(reader) != '>' && aver_xml_peek(reader) != '/') {
        if (!space || !xml_take_attribute(reader)) {
            return AVER_E_FORMAT;
        }
        space = aver_xml_skip_space(reader);
    }
    bool empty = aver_xml_take_word(reader, "/");
    if (!aver_xml_take_word(reader, ">") || !xml_resolve(xml, index)) {
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
static aver_err xml_take_end(aver_xml_reader *reader)
{
    aver_xml_node *node = &reader->xml->nodes[reader->open];
    aver_xml_name name;
    if (!aver_xml_take_name(reader, &name) || !aver_view_equal(name.full, node->name.full)) {
        return AVER_E_FORMAT;
    }
    (void)aver_xml_skip_space(reader);
    if (!aver_xml_take_word(reader, ">")) {
        return AVER_E_FORMAT;
    }
    node->end = reader->xml->nodes_count;
    reader->open = node->parent;
    reader->depth--;
    return AVER_OK;
}

static aver_err xml_take_text(aver_xml_reader *reader)
{
    aver_xml *xml = reader->xml;
    size_t index = xml->nodes_count++;
    aver_xml_node *node = &xml->nodes[index];
    *node = (aver_xml_node){.is_text = true, .parent = reader->open, .end = index + 1};
    return aver_xml_decode(reader, '<', &node->text) ? AVER_OK : AVER_E_FORMAT;
}

/* <?xml version="1.0" encoding="UTF-8"?>, where there is one. */
static bool xml_take_declaration(aver_xml_reader *reader)
{
    static const char *const forms[] = {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<?xml version='1.0' encoding='UTF-8'?>",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>", "<?xml version=\"1.0\"?>"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (aver_xml_take_word(reader, forms[i])) {
            return true;
        }
    }
    return !aver_xml_take_word(reader, "<?");
}

static aver_err xml_read(aver_xml_reader *reader)
{
    if (!xml_take_declaration(reader)) {
        return AVER_E_FORMAT;
    }
    (void)aver_xml_skip_space(reader);
    aver_err err = aver_xml_take_word(reader, "<") ? xml_take_element(reader) : AVER_E_FORMAT;
    while (err == AVER_OK && reader->open != AVER_XML_NONE) {
        if (aver_xml_take_word(reader, "</")) {
            err = xml_take_end(reader);
        } else if (aver_xml_take_word(reader, "<")) {
            err = xml_take_element(reader);
        } else {
            err = xml_take_text(reader);
        }
    }
    (void)aver_xml_skip_space(reader);
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
        aver_xml_reader reader = {.text = text, .xml = &xml, .open = AVER_XML_NONE};
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

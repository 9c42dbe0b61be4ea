/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/xml.h"

#include <string.h>

/* What an element writes, in the order in which it does: namespaces by prefix, then attributes by
 * namespace and name. */
typedef struct xml_list {
    const aver_xml_attribute *entries[AVER_XML_ATTRIBUTES_EACH_MAX * AVER_XML_DEPTH_MAX];
    size_t count;
} xml_list;

static int xml_order(aver_view a, aver_view b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int xml_attribute_order(const aver_xml_attribute *a, const aver_xml_attribute *b)
{
    int order = xml_order(a->name.space, b->name.space);
    return order != 0 ? order : xml_order(a->name.local, b->name.local);
}

/* Keeps the list sorted. */
static void xml_list_add(xml_list *list, const aver_xml_attribute *attribute)
{
    size_t at = list->count++;
    while (at > 0 && xml_attribute_order(attribute, list->entries[at - 1]) < 0) {
        list->entries[at] = list->entries[at - 1];
        at--;
    }
    list->entries[at] = attribute;
}

/* The declaration of a prefix that counts where a node stands, or NULL. */
static const aver_xml_attribute *xml_declared(const aver_xml *xml, size_t node, aver_view prefix)
{
    for (; node != AVER_XML_NONE; node = xml->nodes[node].parent) {
        const aver_xml_node *at = &xml->nodes[node];
        for (size_t i = 0; i < at->attributes_count; i++) {
            const aver_xml_attribute *attribute = &xml->attributes[at->attributes + i];
            if (attribute->declares && aver_view_equal(attribute->name.local, prefix)) {
                return attribute;
            }
        }
    }
    return NULL;
}

/* The namespaces of the element that is canonicalised: all that it stands in. */
static void xml_spaces_top(const aver_xml *xml, size_t top, xml_list *list)
{
    for (size_t node = top; node != AVER_XML_NONE; node = xml->nodes[node].parent) {
        const aver_xml_node *at = &xml->nodes[node];
        for (size_t i = 0; i < at->attributes_count; i++) {
            const aver_xml_attribute *attribute = &xml->attributes[at->attributes + i];
            if (attribute->declares && attribute->value.size > 0 &&
                xml_declared(xml, top, attribute->name.local) == attribute) {
                xml_list_add(list, attribute);
            }
        }
    }
}

/* Those of an element inside: what it declares otherwise than the element around it has it. */
static void xml_spaces_inner(const aver_xml *xml, size_t node, xml_list *list)
{
    const aver_xml_node *at = &xml->nodes[node];
    for (size_t i = 0; i < at->attributes_count; i++) {
        const aver_xml_attribute *attribute = &xml->attributes[at->attributes + i];
        if (!attribute->declares) {
            continue;
        }
        const aver_xml_attribute *around = xml_declared(xml, at->parent, attribute->name.local);
        if (around != NULL ? !aver_view_equal(around->value, attribute->value)
                           : attribute->value.size > 0) {
            xml_list_add(list, attribute);
        }
    }
}

static void xml_escape(aver_view text, bool attribute, aver_buf *out)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        const char *word = byte == '&'                 ? "&amp;"
                           : byte == '<'               ? "&lt;"
                           : byte == '\r'              ? "&#xD;"
                           : byte == '>' && !attribute ? "&gt;"
                           : byte == '"' && attribute  ? "&quot;"
                           : byte == '\t' && attribute ? "&#x9;"
                           : byte == '\n' && attribute ? "&#xA;"
                                                       : NULL;
        if (word != NULL) {
            aver_buf_append_text(out, word);
        } else {
            aver_buf_append_byte(out, byte);
        }
    }
}

static void xml_put_list(const xml_list *list, aver_buf *out)
{
    for (size_t i = 0; i < list->count; i++) {
        aver_buf_append_byte(out, ' ');
        aver_buf_append(out, list->entries[i]->name.full);
        aver_buf_append_text(out, "=\"");
        xml_escape(list->entries[i]->value, true, out);
        aver_buf_append_byte(out, '"');
    }
}

static void xml_put_start(const aver_xml *xml, size_t node, size_t top, aver_buf *out)
{
    const aver_xml_node *at = &xml->nodes[node];
    xml_list list = {.count = 0};
    aver_buf_append_byte(out, '<');
    aver_buf_append(out, at->name.full);
    if (node == top) {
        xml_spaces_top(xml, top, &list);
    } else {
        xml_spaces_inner(xml, node, &list);
    }
    xml_put_list(&list, out);
    list.count = 0;
    for (size_t i = 0; i < at->attributes_count; i++) {
        if (!xml->attributes[at->attributes + i].declares) {
            xml_list_add(&list, &xml->attributes[at->attributes + i]);
        }
    }
    xml_put_list(&list, out);
    aver_buf_append_byte(out, '>');
}

static void xml_put_end(const aver_xml *xml, size_t node, aver_buf *out)
{
    aver_buf_append_text(out, "</");
    aver_buf_append(out, xml->nodes[node].name.full);
    aver_buf_append_byte(out, '>');
}

void aver_xml_canonical(const aver_xml *xml, size_t node, size_t without, aver_buf *out)
{
    size_t open = AVER_XML_NONE;
    for (size_t i = node; i < xml->nodes[node].end;) {
        if (i == without) {
            i = xml->nodes[i].end;
        } else if (xml->nodes[i].is_text) {
            xml_escape(xml->nodes[i].text, false, out);
            i++;
        } else {
            xml_put_start(xml, i, node, out);
            open = i;
            i++;
        }
        /* Everything that ends here, the innermost first. */
        while (open != AVER_XML_NONE && xml->nodes[open].end <= i) {
            xml_put_end(xml, open, out);
            open = open == node ? AVER_XML_NONE : xml->nodes[open].parent;
        }
    }
}

bool aver_xml_is(const aver_xml *xml, size_t node, const char *space, const char *local)
{
    return !xml->nodes[node].is_text && aver_view_equal_text(xml->nodes[node].name.local, local) &&
           aver_view_equal_text(xml->nodes[node].name.space, space);
}

size_t aver_xml_child(const aver_xml *xml, size_t node, size_t after)
{
    size_t at = after == 0 ? node + 1 : xml->nodes[after].end;
    while (at < xml->nodes[node].end && xml->nodes[at].is_text) {
        at++;
    }
    return at < xml->nodes[node].end ? at : AVER_XML_NONE;
}

bool aver_xml_attribute_get(const aver_xml *xml, size_t node, const char *space, const char *local,
                            aver_view *ret_value)
{
    const aver_xml_node *at = &xml->nodes[node];
    for (size_t i = 0; i < at->attributes_count; i++) {
        const aver_xml_attribute *attribute = &xml->attributes[at->attributes + i];
        if (!attribute->declares && aver_view_equal_text(attribute->name.local, local) &&
            aver_view_equal_text(attribute->name.space, space)) {
            *ret_value = attribute->value;
            return true;
        }
    }
    return false;
}

aver_err aver_xml_text(const aver_xml *xml, size_t node, aver_view *ret_text)
{
    const aver_xml_node *at = &xml->nodes[node];
    aver_view text = aver_view_make(NULL, 0);
    if (aver_xml_child(xml, node, 0) != AVER_XML_NONE) {
        return AVER_E_FORMAT;
    }
    if (at->end > node + 1) {
        text = xml->nodes[node + 1].text;
    }
    *ret_text = text;
    return AVER_OK;
}

bool aver_xml_no_text(const aver_xml *xml, size_t node)
{
    for (size_t i = node + 1; i < xml->nodes[node].end; i = xml->nodes[i].end) {
        for (size_t k = 0; xml->nodes[i].is_text && k < xml->nodes[i].text.size; k++) {
            if (strchr(" \t\r\n", xml->nodes[i].text.data[k]) == NULL) {
                return false;
            }
        }
    }
    return true;
}

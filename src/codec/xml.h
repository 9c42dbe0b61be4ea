/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CODEC_XML_H
#define AVER_CODEC_XML_H

/*
 * xml: the part of XML 1.0 with namespaces that signed reference values are written in, and its
 * canonical form (Canonical XML 1.1, without comments). It is read here, not by a library at large:
 * what can be written in a document, and cannot be refused there, is where signatures are passed
 * by; and this needs no file, no network and no environment.
 *
 *   read:     elements, attributes, namespaces, text, the five entities, character references, an
 *             XML declaration of version 1.0 and UTF-8
 *   refused:  DOCTYPE and so every other entity, comments, processing instructions, CDATA,
 *             attributes xml:..., prefixes that are not declared, names beyond ASCII, an attribute
 *             twice by its name or by its namespace
 *
 *   nodes   [ root | text | child | its text ... | child | ... ]      in the order of the document;
 *           node.end is the index behind the last node inside
 *
 * Ownership: aver_xml_deinit; views point into the document's own copy of decoded text, or into the
 *            text that was parsed, which must stay.
 * Limits:    AVER_XML_BYTES_MAX, AVER_XML_NODES_MAX, AVER_XML_ATTRIBUTES_MAX, AVER_XML_DEPTH_MAX.
 *            No recursion.
 */

#include "aver/bytes.h"

#define AVER_XML_BYTES_MAX      (256ul * 1024)
#define AVER_XML_NODES_MAX      4096
#define AVER_XML_ATTRIBUTES_MAX 4096
#define AVER_XML_DEPTH_MAX      16

#define AVER_XML_ATTRIBUTES_EACH_MAX 128 /* of one element */

typedef struct aver_xml_name {
    aver_view full;   /* as written: prefix:local */
    aver_view prefix; /* empty if there is none */
    aver_view local;
    aver_view space; /* the namespace; empty if it is in none */
} aver_xml_name;

typedef struct aver_xml_attribute {
    aver_xml_name name;
    aver_view value;
    bool declares; /* xmlns or xmlns:prefix; name.local is the prefix, empty for the default */
} aver_xml_attribute;

typedef struct aver_xml_node {
    bool is_text;
    aver_view text;     /* of a text node */
    aver_xml_name name; /* of an element */
    size_t attributes, attributes_count;
    size_t parent; /* AVER_XML_NONE for the root */
    size_t end;
} aver_xml_node;

#define AVER_XML_NONE ((size_t)-1)

typedef struct aver_xml {
    aver_xml_node *nodes;
    size_t nodes_count;
    aver_xml_attribute *attributes;
    size_t attributes_count;
    uint8_t *decoded; /* never more than was parsed */
    size_t decoded_size;
} aver_xml;

/* FORMAT, LIMIT, NOMEM. Node 0 is the root element. */
AVER_MUST_USE aver_err aver_xml_parse(aver_view text, aver_xml *ret_xml);
void aver_xml_deinit(aver_xml *xml);

bool aver_xml_is(const aver_xml *xml, size_t node, const char *space, const char *local);
/*
 * The child elements of a node, one after the other: 0 gives the first, else the one after that
 * child. AVER_XML_NONE where there are no more.
 */
size_t aver_xml_child(const aver_xml *xml, size_t node, size_t after);
/* An attribute; space "" for none. False if it is not there. */
bool aver_xml_attribute_get(const aver_xml *xml, size_t node, const char *space, const char *local,
                            aver_view *ret_value);
/* The text of an element that holds nothing else; empty if it is empty. FORMAT if it holds an
 * element. */
AVER_MUST_USE aver_err aver_xml_text(const aver_xml *xml, size_t node, aver_view *ret_text);
/* True if there is only white space among the children of the element. */
bool aver_xml_no_text(const aver_xml *xml, size_t node);

/* Appends the canonical form of the element and all in it, but for without and all in that
 * (AVER_XML_NONE: all). A node other than the root gets the namespaces that it stands in. */
void aver_xml_canonical(const aver_xml *xml, size_t node, size_t without, aver_buf *out);

#endif

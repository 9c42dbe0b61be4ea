/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CODEC_XML_WORDS_H
#define AVER_CODEC_XML_WORDS_H

/* xml_words: the smallest parts of XML (see xml.h): white space, names, text with its references.
 * Each takes from the reader's text, and may leave it anywhere where it fails. */

#include "codec/xml.h"

/* What is being read: at is the next byte, open the innermost element that is not closed. */
typedef struct aver_xml_reader {
    aver_view text;
    size_t at;
    aver_xml *xml;
    size_t open;
    size_t depth;
} aver_xml_reader;

/* The byte that comes, 0 at the end: no document holds one. */
uint8_t aver_xml_peek(const aver_xml_reader *reader);
bool aver_xml_take_word(aver_xml_reader *reader, const char *word);
/* Returns whether there was any. */
bool aver_xml_skip_space(aver_xml_reader *reader);
bool aver_xml_take_name(aver_xml_reader *reader, aver_xml_name *ret_name);
/* Decodes up to stop, a quote or '<', which must come. White space in an attribute (up to a quote)
 * becomes blanks, the end of a line a line feed elsewhere. */
bool aver_xml_decode(aver_xml_reader *reader, uint8_t stop, aver_view *ret_value);

#endif

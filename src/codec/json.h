/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CODEC_JSON_H
#define AVER_CODEC_JSON_H

/*
 * json: jansson behind bounds. Size, depth, UTF-8 and, since a parsed value takes a hundred times
 * the bytes of "{},", the number of values are checked before the parser sees a byte. Duplicate
 * keys, trailing bytes, NUL in strings, integers beyond 64 bits and a top that is neither object
 * nor array are refused.
 *
 * Ownership: aver_json_parse gives a reference that the caller drops by json_decref.
 */

#include "aver/bytes.h"

#include <jansson.h>

#define AVER_JSON_DEPTH_MAX 32
/* Opening brackets, commas and colons outside strings. */
#define AVER_JSON_MARKS_MAX 65536
#define AVER_JSON_WHY_BYTES 128

/*
 * On failure ret_why (may be NULL) says in words what and where, without quoting the input: it may
 * be logged. LIMIT for size, depth or number, else FORMAT.
 */
AVER_MUST_USE aver_err aver_json_parse(aver_view text, size_t size_max, json_t **ret_json,
                                       char ret_why[AVER_JSON_WHY_BYTES]);
/* The same for a file of the reader's own, with marks_max in the place of AVER_JSON_MARKS_MAX:
 * memory is bounded by about 100 bytes a mark. */
AVER_MUST_USE aver_err aver_json_parse_large(aver_view text, size_t size_max, size_t marks_max,
                                             json_t **ret_json, char ret_why[AVER_JSON_WHY_BYTES]);
/* Appends text as a JSON string with its quotes; the text must be valid UTF-8. Every control
 * character is escaped, DEL and U+0080 to U+009F too: a terminal may show it. */
void aver_json_append_string(aver_buf *out, aver_view text);
/* Appends a jansson value in compact form with sorted keys. NOMEM shows in the buffer's status. */
void aver_json_append(aver_buf *out, const json_t *json);
/* The same with the keys in the order in which they came, where that order means something. */
void aver_json_append_ordered(aver_buf *out, const json_t *json);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CODEC_JCS_H
#define AVER_CODEC_JCS_H

/*
 * jcs: the one canonical text of a JSON value (RFC 8785), over which others hash and sign: no white
 * space, members sorted by the UTF-16 code units of their names, strings with no escape but those
 * that JSON demands. Numbers are whole and of at most 53 bits: fractions have many texts in many
 * languages, and are refused.
 * Memory: pointers to the names of the objects on the way, beside the text itself.
 */

#include "aver/bytes.h"

#include <jansson.h>

/* Appends the canonical text. FORMAT for a number that is not whole or beyond 2^53 - 1, LIMIT for
 * values nested deeper than AVER_JSON_DEPTH_MAX, NOMEM; out then holds a part of it. */
AVER_MUST_USE aver_err aver_jcs_append(aver_buf *out, json_t *json);

#endif

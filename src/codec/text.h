/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CODEC_TEXT_H
#define AVER_CODEC_TEXT_H

/*
 * text: hex, base64 (RFC 4648, standard and URL-safe without padding) and UTF-8.
 * Decoders are strict: no white space, no odd digits, no non-zero spare bits, exact sizes; they
 * give FORMAT, or LIMIT where the buffer has no room, and then leave the buffer as it was.
 */

#include "aver/bytes.h"

/* Lower-case; ret_text must hold 2 * size + 1. */
void aver_hex_encode(aver_view bytes, char *ret_text);
void aver_hex_append(aver_buf *out, aver_view bytes);
/* The value of a digit of either case, or -1. */
int aver_hex_digit(uint8_t digit);
/* Either case. Exactly size bytes. */
AVER_MUST_USE aver_err aver_hex_decode(aver_view text, uint8_t *ret_bytes, size_t size);
AVER_MUST_USE aver_err aver_hex_decode_buf(aver_view text, aver_buf *ret_bytes);

void aver_base64_append(aver_buf *out, aver_view bytes);    /* padded */
void aver_base64url_append(aver_buf *out, aver_view bytes); /* not padded */
AVER_MUST_USE aver_err aver_base64_decode(aver_view text, aver_buf *ret_bytes);
AVER_MUST_USE aver_err aver_base64url_decode(aver_view text, aver_buf *ret_bytes);

/* True if the bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
bool aver_utf8_valid(aver_view text);
/*
 * The longest prefix that does not end inside a character: what a stream may send now. Bytes that
 * can never become valid count as whole (the caller replaces them).
 */
size_t aver_utf8_complete(aver_view text);
/* Appends text, each maximal malformed part replaced by one U+FFFD, as WHATWG decoders do. */
void aver_utf8_append_clean(aver_buf *out, aver_view text);

/*
 * Cuts the first piece off a list with commas, in place: a comma that stands twice is one of the
 * piece. *rest is what follows, NULL after the last piece; NULL then.
 */
char *aver_list_cut(char **rest);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NET_HTTP_H
#define AVER_NET_HTTP_H

/*
 * http: a strict, incremental reader of one HTTP/1.1 request (RFC 9112). Pure: bytes in, a request
 * or a refusal out.
 *
 * What two readers could understand in two ways is refused: bare CR or LF, folded lines, white
 * space before a colon, two lengths, a length beside a transfer coding, codings other than chunked,
 * singular headers given twice, targets with a fragment, a NUL, an escaped slash, a dot segment or
 * bytes that are no UTF-8.
 *
 *   HEAD --(empty line)--> BODY (length) ---------------------> DONE
 *                     \--> CHUNK_LINE <-> CHUNK -> TRAILER --/
 *
 * Ownership: init/deinit; strings and the body live until deinit.
 * Limits:    head_bytes_max for the head and again for trailers, body_bytes_max,
 *            AVER_HTTP_HEADERS_MAX headers.
 */

#include "aver/bytes.h"

#define AVER_HTTP_HEADERS_MAX      100
#define AVER_HTTP_METHOD_BYTES_MAX 24

typedef enum aver_http_state {
    AVER_HTTP_HEAD,
    AVER_HTTP_BODY,
    AVER_HTTP_CHUNK_LINE,
    AVER_HTTP_CHUNK,
    AVER_HTTP_CHUNK_END,
    AVER_HTTP_TRAILER,
    AVER_HTTP_DONE,
    AVER_HTTP_FAILED,
} aver_http_state;

typedef struct aver_http_field {
    const char *name;
    const char *value;
} aver_http_field;

typedef struct aver_http {
    aver_http_state state;
    aver_buf head; /* the head's bytes, cut into terminated strings once it is whole */
    aver_buf body;
    const char *method;
    const char *path;  /* decoded; "*" for the server as a whole */
    const char *query; /* raw, "" if there is none */
    aver_http_field fields[AVER_HTTP_HEADERS_MAX];
    size_t fields_count;
    bool version_0;        /* HTTP/1.0: no chunked answers, one request a connection */
    bool keep;             /* the client lets the connection live on */
    bool expects_continue; /* and has not sent its body yet */
    uint64_t left;         /* bytes of the body or of the chunk still to come */
    size_t line_bytes;     /* of the line under way, without its end */
    size_t trailer_bytes;  /* blanks before the head; of a chunk's line; of trailers */
    uint8_t last;          /* the byte before, for line ends */
    bool chunk_digits_end; /* the size is over, an extension runs */
    uint32_t status;       /* once FAILED: what to answer, and why in words */
    const char *why;
} aver_http;

void aver_http_init(aver_http *http, size_t head_bytes_max, size_t body_bytes_max);
void aver_http_deinit(aver_http *http);
/*
 * Takes bytes up to the end of the request; *ret_used says how many. FORMAT, LIMIT, UNSUPPORTED or
 * NOMEM: the request is refused, status and why are set, and nothing more may be fed.
 */
AVER_MUST_USE aver_err aver_http_feed(aver_http *http, aver_view bytes, size_t *ret_used);
/* The first header of that name (any case), NULL if absent. After the head. */
const char *aver_http_header(const aver_http *http, const char *name);

/* For http_head.c and http.c: refuses the request. */
aver_err aver_http_refuse(aver_http *http, aver_err err, uint32_t status, const char *why);
/* Reads the whole head in http->head (its last byte is the LF of the empty line); sets the next
 * state. */
AVER_MUST_USE aver_err aver_http_head_read(aver_http *http);
/* The next bytes are a chunk's size line. */
void aver_http_chunks_begin(aver_http *http);
/* A header's name or a method: one or more token characters. */
bool aver_http_token_valid(const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NET_FETCH_H
#define AVER_NET_FETCH_H

/*
 * fetch: one document of a public service over HTTPS, the server's certificate judged by the usual
 * authorities. Only a 200 with a whole body counts: redirects are not followed, no proxy and no
 * password file of the environment is used, sizes and the whole time are bounded.
 * What came is nobody's word yet: the caller judges it by the signatures inside.
 * Threads: calls block; any number at once.
 */

#include "aver/bytes.h"

#define AVER_FETCH_WHY_BYTES        256
#define AVER_FETCH_HEADERS_MAX      4
#define AVER_FETCH_HEAD_BYTES_MAX   (64u * 1024)
#define AVER_FETCH_HEADER_BYTES_MAX (32u * 1024)

/* A header of the answer that is wanted; appended to value, once. */
typedef struct aver_fetch_header {
    const char *name;
    aver_buf *value;
} aver_fetch_header;

typedef struct aver_fetch_request {
    const char *base;    /* "https://host[:port][/path]", see aver_fetch_base_valid */
    const char *path;    /* "/..." with its query */
    const char *ca_file; /* authorities, PEM; NULL: the system's */
    uint32_t timeout_ms; /* for all of it */
    aver_fetch_header headers[AVER_FETCH_HEADERS_MAX];
    size_t headers_count;
} aver_fetch_request;

/* https, a host, and neither a user, a query nor a fragment. */
bool aver_fetch_base_valid(const char *base);
/* IO: no connection, no good certificate, cut or too slow; PEER: another status than 200; LIMIT: a
 * body beyond the buffer's maximum, or too many headers. Words in ret_why. */
AVER_MUST_USE aver_err aver_fetch(const aver_fetch_request *request, aver_buf *ret_body,
                                  char ret_why[AVER_FETCH_WHY_BYTES]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TEST_HTTPS_MAKE_H
#define AVER_TEST_HTTPS_MAKE_H

/*
 * https_make: a server on loopback that answers as a test tells it, with a certificate of a test
 * authority: whole answers, late, cut, changed or too long ones. One connection after the other, in
 * a thread of its own; any failure of its own aborts the test.
 */

#include "aver/bytes.h"

typedef enum https_fault {
    HTTPS_GOOD,
    HTTPS_SILENT,   /* takes the request, and says nothing */
    HTTPS_CUT,      /* ends in the middle of the body */
    HTTPS_CHANGED,  /* one bit of the middle of the body */
    HTTPS_HUGE,     /* the body, then 2 MiB more */
    HTTPS_HEADS,    /* 128 KiB of headers */
    HTTPS_REDIRECT, /* 302 to another path that answers rightly */
    HTTPS_MISSING,  /* 404 */
    HTTPS_EMPTY,
} https_fault;

typedef struct https_route {
    const char *path;   /* the whole request target; NULL ends a list */
    const char *header; /* name of a header, or NULL */
    aver_view value;    /* of it, URL-encoded on its way */
    aver_view body;
} https_route;

typedef struct https_server https_server;

/* routes stay the caller's, and may be changed between requests. */
https_server *https_start(const https_route *routes);
void https_stop(https_server *server);
/* "https://127.0.0.1:PORT". */
const char *https_base(const https_server *server);
/* The authority, in a file. */
const char *https_ca_file(const https_server *server);
/* From now on; for the path that holds this text alone, or all where it is NULL. */
void https_fail(https_server *server, https_fault fault, const char *path);
/* Requests so far. */
unsigned https_requests(https_server *server);

#endif

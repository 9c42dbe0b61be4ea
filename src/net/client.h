/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NET_CLIENT_H
#define AVER_NET_CLIENT_H

/*
 * client: one HTTP request after the other over libcurl, TLS 1.3 only, the certificate judged by
 * the caller (RA-TLS).
 *
 * There is no CA check: on_certificate decides alone, during the handshake, before anything is
 * sent; without it every TLS connection is refused. Redirects are not followed, proxies of the
 * environment are not used.
 * Threads: one owner; calls block.
 */

#include "aver/bytes.h"

#include <stdatomic.h>

typedef struct aver_client aver_client;

/* der: the server's own certificate. A result other than OK ends the handshake. */
typedef aver_err aver_client_certificate_fn(aver_view der, void *context);

typedef struct aver_client_options {
    const char *url; /* "https://127.0.0.1:8000", "http://localhost" with unix_socket, ... */
    const char *unix_socket;     /* path, or NULL */
    const char *bearer;          /* token, or NULL */
    uint32_t connect_timeout_ms; /* 0: 10000 */
    uint32_t total_timeout_ms;   /* 0: none */
    uint32_t stall_timeout_ms;   /* no byte for so long: 0: 120000 */
    size_t body_bytes_max;       /* 0: 64 MiB */
    aver_client_certificate_fn *on_certificate;
    void *context;
} aver_client_options;

/* Response so far; valid inside the callbacks. */
typedef struct aver_response {
    uint32_t status;
    aver_client *client;
} aver_response;
/* Both may return an error to end the transfer, which aver_client_send then returns. */
typedef aver_err aver_response_head_fn(const aver_response *response, void *context);
typedef aver_err aver_response_body_fn(aver_view bytes, void *context);

typedef struct aver_client_request {
    const char *method;         /* "GET", "POST" */
    const char *path;           /* "/v1/..." with its query */
    const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
    aver_view body;
    uint32_t timeout_ms; /* of this request alone; 0: total_timeout_ms */
    bool no_bearer;      /* without the token: for what is asked before the server is judged */
    const atomic_bool
        *stop; /* or NULL; once another thread sets it, the transfer ends in a second */
    aver_response_head_fn *on_head; /* may be NULL */
    aver_response_body_fn *on_body; /* may be NULL */
    void *context;
} aver_client_request;

AVER_MUST_USE aver_err aver_client_new(const aver_client_options *options,
                                       aver_client **ret_client);
void aver_client_free(aver_client *client);
/*
 * IO: could not connect, was cut, or fell silent; PROOF: on_certificate said no; PEER: protocol;
 * LIMIT: a body beyond body_bytes_max, or half a MiB of headers and trailers. on_body never runs
 * before on_head. Words in aver_client_why.
 */
AVER_MUST_USE aver_err aver_client_send(aver_client *client, const aver_client_request *request,
                                        uint32_t *ret_status);
/* Header of the last response, NULL if absent. */
const char *aver_client_header(const aver_client *client, const char *name);
const char *aver_client_why(const aver_client *client);
/* The last send ended because a timeout of the caller's passed. */
bool aver_client_timed_out(const aver_client *client);
/* TLS exporter of the connection, from inside a callback or right after a send. */
AVER_MUST_USE aver_err aver_client_export(aver_client *client, const char *label, aver_view context,
                                          uint8_t *ret_bytes, size_t size);
/* SHA-256 of the certificate's SubjectPublicKeyInfo; ABSENT on plain connections. */
AVER_MUST_USE aver_err aver_client_peer_digest(const aver_client *client,
                                               uint8_t ret_digest[static 32]);
/* What the server sent as the issuer of its certificate, in DER, appended; ABSENT if it sent none.
 */
AVER_MUST_USE aver_err aver_client_peer_issuer(const aver_client *client, aver_buf *ret_der);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NET_SERVER_H
#define AVER_NET_SERVER_H

/*
 * server: HTTP/1.1 over TCP, Unix sockets and vsock, with or without TLS 1.3, on one libevent loop.
 * The protocol is read by net/http, not by evhttp: that one answers its own HTML errors, has no
 * deadline for a whole request, and stops watching the client while an answer is in work.
 *
 * An exchange is one request and its one answer. The handler runs when the whole request is there;
 * it answers at once or later, whole or as a stream, always from the loop's thread. If the client
 * goes away first, on_gone runs once and the exchange must then only be released.
 *
 * Limits are refused with a status and an error body in OpenAI's form: 431 header, 413 body, 408
 * too slow to arrive, 503 too many connections or bodies too large together. A reader slower than
 * its stream is cut when output_bytes_max is unsent, or when it takes less than write_bytes_min. A
 * client that ends its side of the connection before its answer is complete counts as gone.
 * Signals: SIGPIPE is ignored from the first server on.
 * Threads: the loop's thread only.
 */

#include "aver/bytes.h"

struct event_base;
struct ssl_ctx_st;

typedef struct aver_server aver_server;
typedef struct aver_exchange aver_exchange;
typedef void aver_exchange_fn(aver_exchange *exchange, void *context);

typedef struct aver_server_limits {
    uint32_t connections_max;  /* 1024 */
    uint32_t header_bytes_max; /* 16 KiB */
    uint32_t body_bytes_max;   /* 4 MiB + frame overhead */
    /* 256 MiB of all bodies, arriving or with the handler; beyond it those are refused that are
     * larger than their share, which is this divided by connections_max. */
    uint32_t bodies_bytes_max;
    uint32_t idle_timeout_ms;    /* 60000: a connection without a request */
    uint32_t request_timeout_ms; /* 20000: from the first byte of a request to its last */
    uint32_t output_bytes_max;   /* 1 MiB unsent: the reader is too slow */
    /* While output waits, a client takes at least write_bytes_min in each write_timeout_ms. */
    uint32_t write_timeout_ms; /* 30000 */
    uint32_t write_bytes_min;  /* 1: any progress will do */
} aver_server_limits;

typedef struct aver_server_options {
    struct event_base *base;   /* borrowed */
    struct ssl_ctx_st *tls;    /* borrowed; NULL: plain listeners only */
    aver_server_limits limits; /* zero members take the defaults above */
    aver_exchange_fn *on_request;
    void *context;
} aver_server_options;

AVER_MUST_USE aver_err aver_server_new(const aver_server_options *options,
                                       aver_server **ret_server);
/*
 * "tcp:127.0.0.1:8000" (port 0: any), "tcp:[::1]:8000", "unix:/run/aver.sock", "vsock:5005". TLS on
 * each listener if secure. ret_bound, if not NULL, gets the same text with the real port (128
 * bytes).
 */
AVER_MUST_USE aver_err aver_server_listen(aver_server *server, const char *address, bool secure,
                                          char ret_bound[128]);
/*
 * Stops accepting; connections without a running exchange are closed; running ones go on, and close
 * after their answer. Every answer is out when aver_server_connections is 0.
 */
void aver_server_drain(aver_server *server);
uint32_t aver_server_exchanges(const aver_server *server); /* running now */
uint32_t aver_server_connections(const aver_server *server);
/*
 * Not from inside a callback of the server. Running exchanges are told by on_gone, and released by
 * the handler as ever.
 */
void aver_server_free(aver_server *server);

const char *aver_exchange_method(const aver_exchange *exchange); /* "GET", "POST", ... */
const char *aver_exchange_path(const aver_exchange *exchange);   /* decoded, without query */
const char *aver_exchange_query(const aver_exchange *exchange);  /* raw, "" if none */
/* NULL if absent. */
const char *aver_exchange_header(const aver_exchange *exchange, const char *name);
aver_view aver_exchange_body(const aver_exchange *exchange);
/* Moves the body out: the exchange has none any more, and its memory is still counted. */
aver_buf aver_exchange_body_take(aver_exchange *exchange);
bool aver_exchange_secure(const aver_exchange *exchange);
/* Where it came from: equal bytes for equal IPv4 addresses, IPv6 networks of 64 bits, or vsock
 * CIDs; none for a Unix socket. */
aver_view aver_exchange_peer(const aver_exchange *exchange);
/* RFC 8446 exporter of this connection. USAGE on a plain one, PEER once the client is gone. */
AVER_MUST_USE aver_err aver_exchange_export(const aver_exchange *exchange, const char *label,
                                            aver_view context, uint8_t *ret_bytes, size_t size);

/* Called once if the client goes away before the answer is complete. */
void aver_exchange_on_gone(aver_exchange *exchange, aver_exchange_fn *on_gone, void *context);
/* Called each time when all that was written to a stream has left for the client. */
void aver_exchange_on_room(aver_exchange *exchange, aver_exchange_fn *on_room, void *context);
/* Bytes of a stream that wait for the client to take them. */
size_t aver_exchange_unsent(const aver_exchange *exchange);
/* Adds a response header; before reply or stream_begin. A value with control bytes is left out
 * (logged). */
void aver_exchange_set_header(aver_exchange *exchange, const char *name, const char *value);
/* Each of the next three ends or releases the exchange exactly once: the pointer is dead
 * afterwards. */
void aver_exchange_reply(aver_exchange *exchange, uint32_t status, const char *content_type,
                         aver_view body);
void aver_exchange_stream_end(aver_exchange *exchange);
void aver_exchange_release(aver_exchange *exchange); /* after on_gone, or to cut the connection */
void aver_exchange_stream_begin(aver_exchange *exchange, uint32_t status, const char *content_type);
/* LIMIT: the reader is too slow; PEER: it is gone. The caller then releases. */
AVER_MUST_USE aver_err aver_exchange_stream_write(aver_exchange *exchange, aver_view bytes);
/* What is still to be written has a bound that its writer keeps: like a whole answer it may wait
 * for its reader, however much of it. */
void aver_exchange_stream_bounded(aver_exchange *exchange);

/* {"error":{"message","type","code","param"}}; param and code may be NULL. */
void aver_error_body(aver_buf *out, uint32_t status, const char *code, const char *param,
                     const char *message);

#endif

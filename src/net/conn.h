/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NET_CONN_H
#define AVER_NET_CONN_H

/*
 * conn: one accepted connection, and the server and exchange structs; for conn.c, exchange.c and
 * server.c alone.
 *
 *   HANDSHAKE -> IDLE -> RECEIVING -> RUNNING -> FLUSHING --keep--> IDLE
 *                           |(refused)              |
 *                           +-------> FLUSHING -----+--close--> LINGER -> closed
 *
 *   HANDSHAKE  TLS only                          at most request_timeout
 *   IDLE       no byte of a request yet          at most idle_timeout
 *   RECEIVING  from its first byte to its last   at most request_timeout, however bytes trickle
 *   RUNNING    the handler has it                while output waits: write_bytes_min of it leave in
 *                                                each write_timeout
 *   FLUSHING   the answer is whole, not sent     the same
 *   LINGER     all is sent; what comes is thrown away, since the reset that unread bytes cause
 *              would destroy the answer          2 s, 16 MiB
 *
 * Sockets are read in every state: that is how a client that went away is seen. Bytes that come
 * before the answer to an earlier request is out are kept, up to 64 KiB, then the client is cut.
 *
 * Ownership: a conn owns its wire, and its exchange until that one runs; a running exchange belongs
 *            to the handler and survives its conn. Closing inside a callback of the conn itself
 *            only marks it dead; holds says how deep we are.
 */

#include "net/http.h"
#include "net/listen.h"
#include "net/server.h"
#include "net/wire.h"

#define AVER_SERVER_LISTENERS_MAX 8

struct event;
struct evbuffer;

typedef enum aver_conn_state {
    AVER_CONN_HANDSHAKE,
    AVER_CONN_IDLE,
    AVER_CONN_RECEIVING,
    AVER_CONN_RUNNING,
    AVER_CONN_FLUSHING,
    AVER_CONN_LINGER,
} aver_conn_state;

typedef struct aver_conn {
    struct aver_server *server;
    struct aver_conn *previous;
    struct aver_conn *next;
    aver_wire wire;
    aver_peer peer;
    bool secure;
    bool refused;       /* one too many: gets 503 */
    bool keep;          /* another request may follow the answer under way */
    bool ended;         /* the client sent its end */
    bool stalled;       /* output waits, its timer runs */
    size_t taken_bytes; /* of that output, since the timer was set */
    bool dead;
    unsigned holds;
    aver_conn_state state;
    size_t lingered_bytes;
    size_t body_bytes; /* memory of the exchange's body, as counted in the server */
    struct event *read_event;
    struct event *write_event;
    struct event *timer;
    struct evbuffer *output;
    aver_buf ahead;
    struct aver_exchange *exchange; /* RECEIVING, RUNNING */
} aver_conn;

typedef struct aver_listener {
    struct aver_server *server;
    int fd;
    bool secure;
    struct event *event;
    char bound[AVER_LISTEN_TEXT_BYTES];
} aver_listener;

struct aver_server {
    aver_server_options options;
    aver_listener listeners[AVER_SERVER_LISTENERS_MAX];
    size_t listeners_count;
    struct event *resume; /* after the system had no descriptor left */
    aver_conn *conns;
    uint32_t conns_count;
    uint32_t exchanges_count;
    size_t bodies_bytes; /* the sum over its connections */
    bool draining;
};

struct aver_exchange {
    aver_conn *conn; /* NULL once the client is gone */
    aver_http http;
    aver_buf headers; /* of the answer */
    aver_exchange_fn *on_gone;
    void *context;
    aver_exchange_fn *on_room;
    void *room_context;
    aver_peer peer;
    bool secure;
    bool running;
    bool streaming;
    bool bounded; /* by its writer: no bound here on what waits */
    bool chunked;
    bool bodiless; /* HEAD, 204, 304 */
};

/* Takes fd. */
void aver_conn_open(aver_server *server, int fd, bool secure, bool refused);
/* Cuts the connection; a running exchange is told. */
void aver_conn_gone(aver_conn *conn);
/* Cuts the connection; its running exchange is the caller's and is not told. */
void aver_conn_cut(aver_conn *conn);
/* The running exchange's answer is whole in output. */
void aver_conn_answered(aver_conn *conn, bool keep);
/* Output has grown: it is sent at the end of this turn of the loop. */
void aver_conn_wake(aver_conn *conn);
/* Sends what it can now. PEER: the connection is broken, and the loop will say so by on_gone. */
AVER_MUST_USE aver_err aver_conn_send_now(aver_conn *conn);

AVER_MUST_USE aver_err aver_exchange_new(aver_conn *conn, aver_exchange **ret_exchange);
void aver_exchange_free(aver_exchange *exchange);
/* An error answer without a handler; the connection closes after it. */
AVER_MUST_USE aver_err aver_exchange_refuse_append(struct evbuffer *output, uint32_t status,
                                                   const char *message);
#endif

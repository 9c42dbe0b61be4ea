/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"

#include "base/check.h"
#include "base/log.h"
#include "base/secret.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>

enum {
    CONN_READ_BYTES = 16 * 1024,
    CONN_READS_MAX = 8, /* one turn of the loop gives each connection this many */
    CONN_AHEAD_BYTES_MAX = 64 * 1024,
    CONN_LINGER_MS = 2000,
    CONN_LINGER_BYTES_MAX = 16 * 1024 * 1024,
    CONN_REFUSED_MS = 5000, /* how long one too many may take to be told so */
};

static void conn_timer_set(aver_conn *conn, uint32_t timeout_ms)
{
    struct timeval timeout = {.tv_sec = timeout_ms / 1000,
                              .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
    evtimer_add(conn->timer, &timeout);
}

static void conn_free(aver_conn *conn)
{
    if (conn->read_event) {
        event_free(conn->read_event);
    }
    if (conn->write_event) {
        event_free(conn->write_event);
    }
    if (conn->timer) {
        event_free(conn->timer);
    }
    if (conn->output) {
        evbuffer_free(conn->output);
    }
    aver_wire_close(&conn->wire);
    aver_buf_wipe(&conn->ahead);
    aver_buf_deinit(&conn->ahead);
    free(conn);
}

static void conn_hold(aver_conn *conn)
{
    conn->holds++;
}

static void conn_unhold(aver_conn *conn)
{
    if (--conn->holds == 0 && conn->dead) {
        conn_free(conn);
    }
}

static void conn_close(aver_conn *conn)
{
    aver_server *server = conn->server;
    AVER_ASSERT(!conn->dead && !conn->exchange);
    conn->dead = true;
    event_del(conn->read_event);
    event_del(conn->write_event);
    event_del(conn->timer);
    aver_wire_close(&conn->wire);
    if (conn->previous) {
        conn->previous->next = conn->next;
    } else {
        server->conns = conn->next;
    }
    if (conn->next) {
        conn->next->previous = conn->previous;
    }
    server->conns_count--;
    if (conn->holds == 0) {
        conn_free(conn);
    }
}

/*
 * Bodies hold too much together, and this is one of the large ones: those within their share still
 * come through, so that a few cannot shut out all others.
 */
static bool conn_body_excessive(const aver_conn *conn)
{
    const aver_server_limits *limits = &conn->server->options.limits;
    return conn->server->bodies_bytes > limits->bodies_bytes_max &&
           conn->body_bytes > limits->bodies_bytes_max / limits->connections_max;
}

/* The body of the exchange under way now holds so much; 0 at its end. */
static void conn_body_count(aver_conn *conn, size_t size)
{
    conn->server->bodies_bytes += size;
    conn->server->bodies_bytes -= conn->body_bytes;
    conn->body_bytes = size;
}

void aver_conn_cut(aver_conn *conn)
{
    aver_exchange *exchange = conn->exchange;
    conn->exchange = NULL;
    conn_body_count(conn, 0);
    if (exchange) {
        exchange->conn = NULL;
        if (exchange->running) {
            conn->server->exchanges_count--;
        } else {
            aver_exchange_free(exchange);
        }
    }
    conn_close(conn);
}

void aver_conn_gone(aver_conn *conn)
{
    aver_exchange *running = conn->exchange && conn->exchange->running ? conn->exchange : NULL;
    aver_conn_cut(conn);
    if (running && running->on_gone) {
        aver_exchange_fn *on_gone = running->on_gone;
        running->on_gone = NULL;
        on_gone(running, running->context);
    }
}

/* Everything is sent: say so, and wait a little until the client has read it. */
static void conn_linger(aver_conn *conn)
{
    if (conn->ended) {
        aver_conn_cut(conn);
        return;
    }
    aver_wire_finish(&conn->wire);
    conn->state = AVER_CONN_LINGER;
    conn_timer_set(conn, CONN_LINGER_MS);
    event_add(conn->read_event, NULL);
}

static void conn_linger_read(aver_conn *conn)
{
    size_t size = 0;
    aver_err err = aver_wire_discard(&conn->wire, &size);
    conn->lingered_bytes += size;
    if (err != AVER_E_AGAIN || conn->lingered_bytes > CONN_LINGER_BYTES_MAX) {
        aver_conn_cut(conn);
    }
}

static void conn_refuse(aver_conn *conn, uint32_t status, const char *why)
{
    aver_log(AVER_LOG_DEBUG, "net.refuse", "%u: %s", (unsigned)status, why);
    conn_body_count(conn, 0);
    if (aver_exchange_refuse_append(conn->output, status, why) != AVER_OK) {
        aver_conn_cut(conn);
        return;
    }
    aver_exchange_free(conn->exchange);
    conn->exchange = NULL;
    conn->keep = false;
    conn->state = AVER_CONN_FLUSHING;
    event_del(conn->timer);
    aver_conn_wake(conn);
}

static void conn_idle_begin(aver_conn *conn)
{
    const aver_server_limits *limits = &conn->server->options.limits;
    conn->state = AVER_CONN_IDLE;
    conn_timer_set(conn, conn->refused ? CONN_REFUSED_MS : limits->idle_timeout_ms);
}

static bool conn_receiving_begin(aver_conn *conn)
{
    if (conn->refused) {
        conn_refuse(conn, 503, "too many connections");
        return false;
    }
    if (aver_exchange_new(conn, &conn->exchange) != AVER_OK) {
        conn_refuse(conn, 503, "out of memory");
        return false;
    }
    conn->state = AVER_CONN_RECEIVING;
    conn_timer_set(conn, conn->server->options.limits.request_timeout_ms);
    return true;
}

static void conn_run(aver_conn *conn)
{
    const aver_server_options *options = &conn->server->options;
    aver_exchange *exchange = conn->exchange;
    conn->state = AVER_CONN_RUNNING;
    event_del(conn->timer);
    exchange->running = true;
    conn->server->exchanges_count++;
    options->on_request(exchange, options->context);
}

/* Feeds the request under way. *bytes loses what was used. */
static void conn_receive(aver_conn *conn, aver_view *bytes)
{
    size_t used = 0;
    aver_http *http = &conn->exchange->http;
    if (aver_http_feed(http, *bytes, &used) != AVER_OK) {
        conn_refuse(conn, http->status, http->why);
        return;
    }
    *bytes = aver_view_slice(*bytes, used, bytes->size - used);
    conn_body_count(conn, http->body.capacity);
    if (conn_body_excessive(conn)) {
        conn_refuse(conn, 503, "too much is being asked at once");
        return;
    }
    if (http->expects_continue && http->state != AVER_HTTP_HEAD) {
        http->expects_continue = false;
        if (http->body.size == 0 && http->state != AVER_HTTP_DONE) {
            evbuffer_add_printf(conn->output, "HTTP/1.1 100 Continue\r\n\r\n");
            aver_conn_wake(conn);
        }
    }
    if (http->state == AVER_HTTP_DONE) {
        conn_run(conn);
    }
}

/* Bytes that came before the answer to an earlier request was out. */
static void conn_keep_ahead(aver_conn *conn, aver_view bytes)
{
    if (conn->state == AVER_CONN_FLUSHING && !conn->keep) {
        return;
    }
    aver_buf_append(&conn->ahead, bytes);
    if (aver_buf_status(&conn->ahead) != AVER_OK) {
        aver_conn_gone(conn);
    }
}

static void conn_take(aver_conn *conn, aver_view bytes)
{
    while (bytes.size > 0 && !conn->dead) {
        if (conn->state != AVER_CONN_IDLE && conn->state != AVER_CONN_RECEIVING) {
            conn_keep_ahead(conn, bytes);
            return;
        }
        if (conn->state == AVER_CONN_IDLE && !conn_receiving_begin(conn)) {
            return;
        }
        conn_receive(conn, &bytes);
    }
}

/* The whole answer is out. */
static void conn_flushed(aver_conn *conn)
{
    if (!conn->keep || conn->ended || conn->server->draining) {
        conn_linger(conn);
        return;
    }
    conn_idle_begin(conn);
    aver_buf ahead = aver_buf_take(&conn->ahead);
    conn_take(conn, aver_buf_view(&ahead));
    aver_buf_wipe(&ahead);
    aver_buf_deinit(&ahead);
}

/* A reader who takes less than write_bytes_min of what waits in each write_timeout is cut: the
 * rate, not the last byte, so that nobody holds an answer by sips. */
static void conn_stall_mark(aver_conn *conn, size_t taken, bool waits)
{
    const aver_server_limits *limits = &conn->server->options.limits;
    if (conn->state != AVER_CONN_RUNNING && conn->state != AVER_CONN_FLUSHING) {
        return;
    }
    conn->taken_bytes += taken;
    if (!waits) {
        event_del(conn->timer);
    } else if (!conn->stalled || conn->taken_bytes >= limits->write_bytes_min) {
        conn->taken_bytes = 0;
        conn_timer_set(conn, limits->write_timeout_ms);
    }
    conn->stalled = waits;
}

aver_err aver_conn_send_now(aver_conn *conn)
{
    size_t before = evbuffer_get_length(conn->output);
    aver_err err = aver_wire_write(&conn->wire, conn->output);
    size_t after = evbuffer_get_length(conn->output);
    conn_stall_mark(conn, before - after, after > 0);
    if (err == AVER_E_AGAIN && !conn->wire.write_wants_read) {
        event_add(conn->write_event, NULL);
    }
    if (err == AVER_E_PEER) {
        event_active(conn->write_event, EV_WRITE, 0);
    }
    return err == AVER_E_AGAIN ? AVER_OK : err;
}

/* The client has taken all of a stream so far: there is room for more. Last in its turn, since the
 * handler may end the exchange. */
static void conn_room(aver_conn *conn)
{
    aver_exchange *exchange = conn->exchange;
    if (exchange && exchange->running && exchange->streaming && exchange->on_room) {
        exchange->on_room(exchange, exchange->room_context);
    }
}

static void conn_flush(aver_conn *conn)
{
    if (conn->state == AVER_CONN_HANDSHAKE || conn->state == AVER_CONN_LINGER) {
        return;
    }
    if (aver_conn_send_now(conn) != AVER_OK) {
        aver_conn_gone(conn);
        return;
    }
    if (evbuffer_get_length(conn->output) > 0) {
        return;
    }
    if (conn->state == AVER_CONN_FLUSHING) {
        conn_flushed(conn);
    } else if (conn->state == AVER_CONN_RUNNING) {
        conn_room(conn);
    }
}

static void conn_end_seen(aver_conn *conn)
{
    if (conn->state == AVER_CONN_FLUSHING) {
        conn->ended = true;
        event_del(conn->read_event);
        return;
    }
    aver_conn_gone(conn);
}

/* False when there is nothing more to read now. */
static bool conn_read_once(aver_conn *conn)
{
    uint8_t bytes[CONN_READ_BYTES];
    size_t size = 0;
    aver_err err = conn->wire.shaken ? aver_wire_read(&conn->wire, bytes, sizeof(bytes), &size)
                                     : aver_wire_handshake(&conn->wire);
    if (err == AVER_E_AGAIN) {
        if (conn->wire.read_wants_write) {
            event_add(conn->write_event, NULL);
        }
        return false;
    }
    if (conn->state == AVER_CONN_HANDSHAKE) {
        if (err != AVER_OK) {
            conn_linger(conn); /* so that the alert arrives */
            return false;
        }
        conn_idle_begin(conn);
        return true;
    }
    if (err != AVER_OK) {
        conn_end_seen(conn);
        return false;
    }
    conn_take(conn, aver_view_make(bytes, size));
    aver_wipe(bytes, size);
    return true;
}

static void conn_read(aver_conn *conn)
{
    for (int i = 0; i < CONN_READS_MAX; i++) {
        if (conn->state == AVER_CONN_LINGER) {
            conn_linger_read(conn);
            return;
        }
        if (!conn_read_once(conn) || conn->dead || conn->ended) {
            return;
        }
    }
    /* TLS may hold decrypted bytes that the socket will never announce. */
    event_active(conn->read_event, EV_READ, 0);
}

static void conn_on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    aver_conn *conn = context;
    conn_hold(conn);
    if (conn->wire.write_wants_read) {
        conn_flush(conn);
    }
    if (!conn->dead && !conn->ended) {
        conn_read(conn);
    }
    conn_unhold(conn);
}

static void conn_on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    aver_conn *conn = context;
    conn_hold(conn);
    if (conn->wire.read_wants_write) {
        conn_read(conn);
    }
    if (!conn->dead) {
        conn_flush(conn);
    }
    conn_unhold(conn);
}

static void conn_on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    aver_conn *conn = context;
    conn_hold(conn);
    switch (conn->state) {
    case AVER_CONN_IDLE:
        conn_linger(conn);
        break;
    case AVER_CONN_RECEIVING:
        conn_refuse(conn, 408, "the request took too long to arrive");
        break;
    case AVER_CONN_HANDSHAKE:
    case AVER_CONN_RUNNING:
    case AVER_CONN_FLUSHING:
    case AVER_CONN_LINGER:
        aver_conn_gone(conn);
        break;
    }
    conn_unhold(conn);
}

void aver_conn_wake(aver_conn *conn)
{
    if (!event_pending(conn->write_event, EV_WRITE, NULL)) {
        event_active(conn->write_event, EV_WRITE, 0);
    }
}

void aver_conn_answered(aver_conn *conn, bool keep)
{
    AVER_ASSERT(conn->state == AVER_CONN_RUNNING);
    conn->exchange = NULL;
    conn_body_count(conn, 0);
    conn->server->exchanges_count--;
    conn->keep = keep;
    conn->state = AVER_CONN_FLUSHING;
    aver_conn_wake(conn);
}

static aver_err conn_events_new(aver_conn *conn)
{
    struct event_base *base = conn->server->options.base;
    conn->read_event = event_new(base, conn->wire.fd, EV_READ | EV_PERSIST, conn_on_readable, conn);
    conn->write_event = event_new(base, conn->wire.fd, EV_WRITE, conn_on_writable, conn);
    conn->timer = evtimer_new(base, conn_on_timer, conn);
    conn->output = evbuffer_new();
    if (!conn->read_event || !conn->write_event || !conn->timer || !conn->output ||
        event_add(conn->read_event, NULL) != 0) {
        return AVER_E_NOMEM;
    }
    return AVER_OK;
}

void aver_conn_open(aver_server *server, int fd, bool secure, bool refused)
{
    aver_conn *conn = calloc(1, sizeof(*conn));
    aver_wire wire;
    aver_err err = aver_wire_open(&wire, fd, secure ? server->options.tls : NULL);
    if (!conn || err != AVER_OK) {
        if (err == AVER_OK) {
            aver_wire_close(&wire);
        }
        free(conn);
        return;
    }
    *conn = (aver_conn){.server = server,
                        .wire = wire,
                        .peer = aver_listen_peer(fd),
                        .secure = secure,
                        .refused = refused};
    aver_buf_init(&conn->ahead, CONN_AHEAD_BYTES_MAX);
    if (conn_events_new(conn) != AVER_OK) {
        conn_free(conn);
        return;
    }
    conn->next = server->conns;
    if (conn->next) {
        conn->next->previous = conn;
    }
    server->conns = conn;
    server->conns_count++;
    if (secure) {
        conn->state = AVER_CONN_HANDSHAKE;
        conn_timer_set(conn, server->options.limits.request_timeout_ms);
    } else {
        conn_idle_begin(conn);
    }
}

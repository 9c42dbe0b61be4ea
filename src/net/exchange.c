/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"

#include "base/check.h"
#include "base/log.h"

#include <event2/buffer.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXCHANGE_HEADERS_BYTES_MAX = 64 * 1024,
    EXCHANGE_ERROR_BYTES_MAX = 16 * 1024,
};

static const char *exchange_reason(uint32_t status)
{
    static const struct {
        uint32_t status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status) {
            return reasons[i].text;
        }
    }
    return "Other";
}

aver_err aver_exchange_new(aver_conn *conn, aver_exchange **ret_exchange)
{
    const aver_server_limits *limits = &conn->server->options.limits;
    aver_exchange *exchange = calloc(1, sizeof(*exchange));
    if (!exchange) {
        return AVER_E_NOMEM;
    }
    exchange->conn = conn;
    exchange->secure = conn->secure;
    exchange->peer = conn->peer;
    aver_http_init(&exchange->http, limits->header_bytes_max, limits->body_bytes_max);
    aver_buf_init(&exchange->headers, EXCHANGE_HEADERS_BYTES_MAX);
    *ret_exchange = exchange;
    return AVER_OK;
}

void aver_exchange_free(aver_exchange *exchange)
{
    if (exchange) {
        aver_http_deinit(&exchange->http);
        aver_buf_deinit(&exchange->headers);
        free(exchange);
    }
}

const char *aver_exchange_method(const aver_exchange *exchange)
{
    return exchange->http.method;
}

const char *aver_exchange_path(const aver_exchange *exchange)
{
    return exchange->http.path;
}

const char *aver_exchange_query(const aver_exchange *exchange)
{
    return exchange->http.query;
}

const char *aver_exchange_header(const aver_exchange *exchange, const char *name)
{
    return aver_http_header(&exchange->http, name);
}

aver_view aver_exchange_body(const aver_exchange *exchange)
{
    return aver_buf_view(&exchange->http.body);
}

aver_buf aver_exchange_body_take(aver_exchange *exchange)
{
    return aver_buf_take(&exchange->http.body);
}

bool aver_exchange_secure(const aver_exchange *exchange)
{
    return exchange->secure;
}

aver_view aver_exchange_peer(const aver_exchange *exchange)
{
    return aver_view_make(exchange->peer.bytes, exchange->peer.size);
}

aver_err aver_exchange_export(const aver_exchange *exchange, const char *label, aver_view context,
                              uint8_t *ret_bytes, size_t size)
{
    if (!exchange->secure) {
        return AVER_E_USAGE;
    }
    if (!exchange->conn || !exchange->conn->wire.ssl) {
        return AVER_E_PEER;
    }
    if (SSL_export_keying_material(exchange->conn->wire.ssl, ret_bytes, size, label, strlen(label),
                                   context.data, context.size, 1) != 1) {
        return AVER_E_CRYPTO;
    }
    return AVER_OK;
}

void aver_exchange_on_gone(aver_exchange *exchange, aver_exchange_fn *on_gone, void *context)
{
    exchange->on_gone = on_gone;
    exchange->context = context;
}

void aver_exchange_on_room(aver_exchange *exchange, aver_exchange_fn *on_room, void *context)
{
    exchange->on_room = on_room;
    exchange->room_context = context;
}

size_t aver_exchange_unsent(const aver_exchange *exchange)
{
    return exchange->conn ? evbuffer_get_length(exchange->conn->output) : 0;
}

static bool exchange_value_valid(const char *value)
{
    for (const char *at = value; *at; at++) {
        uint8_t byte = (uint8_t)*at;
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

void aver_exchange_set_header(aver_exchange *exchange, const char *name, const char *value)
{
    AVER_ASSERT(!exchange->streaming && aver_http_token_valid(name));
    if (!exchange_value_valid(value)) {
        aver_log(AVER_LOG_WARN, "net.header", "%s: its value holds a control byte, left out", name);
        return;
    }
    size_t size = strlen(name) + strlen(value) + 4;
    if (aver_buf_reserve(&exchange->headers, size) != AVER_OK) {
        aver_log(AVER_LOG_WARN, "net.header", "%s: too large, left out", name);
        return;
    }
    aver_buf_append_text(&exchange->headers, name);
    aver_buf_append_text(&exchange->headers, ": ");
    aver_buf_append_text(&exchange->headers, value);
    aver_buf_append_text(&exchange->headers, "\r\n");
}

/* Ends an exchange whose client is gone, or whose connection must not go on. */
void aver_exchange_release(aver_exchange *exchange)
{
    if (exchange->conn) {
        aver_conn_cut(exchange->conn);
    }
    aver_exchange_free(exchange);
}

static bool exchange_keeps(const aver_exchange *exchange)
{
    return exchange->http.keep && !exchange->conn->server->draining;
}

/* Status line and headers, all but Content-Length, Transfer-Encoding and the empty line. */
static int exchange_head_append(const aver_exchange *exchange, struct evbuffer *out,
                                uint32_t status, const char *content_type)
{
    if (evbuffer_add_printf(out, "HTTP/1.1 %u %s\r\n", (unsigned)status, exchange_reason(status)) <
        0) {
        return -1;
    }
    if (content_type && evbuffer_add_printf(out, "Content-Type: %s\r\n", content_type) < 0) {
        return -1;
    }
    if (!exchange_keeps(exchange) && evbuffer_add_printf(out, "Connection: close\r\n") < 0) {
        return -1;
    }
    return evbuffer_add(out, exchange->headers.data, exchange->headers.size);
}

static bool exchange_bodiless(const aver_exchange *exchange, uint32_t status)
{
    return strcmp(exchange->http.method, "HEAD") == 0 || status == 204 || status == 304;
}

void aver_exchange_reply(aver_exchange *exchange, uint32_t status, const char *content_type,
                         aver_view body)
{
    aver_conn *conn = exchange->conn;
    AVER_ASSERT(!exchange->streaming);
    if (!conn) {
        aver_exchange_release(exchange);
        return;
    }
    struct evbuffer *out = conn->output;
    int failed = exchange_head_append(exchange, out, status, content_type);
    if (status == 204 || status == 304) {
        failed |= evbuffer_add(out, "\r\n", 2);
    } else {
        failed |= evbuffer_add_printf(out, "Content-Length: %zu\r\n\r\n", body.size) < 0;
    }
    if (!exchange_bodiless(exchange, status)) {
        failed |= evbuffer_add(out, body.data, body.size);
    }
    if (failed) {
        aver_exchange_release(exchange);
        return;
    }
    aver_conn_answered(conn, exchange_keeps(exchange));
    aver_exchange_free(exchange);
}

void aver_exchange_stream_begin(aver_exchange *exchange, uint32_t status, const char *content_type)
{
    AVER_ASSERT(!exchange->streaming);
    exchange->streaming = true;
    if (!exchange->conn) {
        return;
    }
    exchange->bodiless = exchange_bodiless(exchange, status);
    exchange->chunked = !exchange->http.version_0 && !exchange->bodiless;
    struct evbuffer *out = exchange->conn->output;
    int failed = exchange_head_append(exchange, out, status, content_type);
    if (exchange->chunked) {
        failed |= evbuffer_add_printf(out, "Transfer-Encoding: chunked\r\n") < 0;
    }
    failed |= evbuffer_add(out, "\r\n", 2);
    if (failed) {
        aver_conn_cut(exchange->conn);
        return;
    }
    aver_conn_wake(exchange->conn);
}

static int exchange_chunk_append(const aver_exchange *exchange, aver_view bytes)
{
    struct evbuffer *out = exchange->conn->output;
    int failed = 0;
    if (exchange->chunked) {
        failed |= evbuffer_add_printf(out, "%zx\r\n", bytes.size) < 0;
    }
    failed |= evbuffer_add(out, bytes.data, bytes.size);
    if (exchange->chunked) {
        failed |= evbuffer_add(out, "\r\n", 2);
    }
    return failed;
}

aver_err aver_exchange_stream_write(aver_exchange *exchange, aver_view bytes)
{
    AVER_ASSERT(exchange->streaming);
    aver_conn *conn = exchange->conn;
    if (!conn) {
        return AVER_E_PEER;
    }
    if (bytes.size == 0 || exchange->bodiless) {
        return AVER_OK;
    }
    size_t output_max = conn->server->options.limits.output_bytes_max;
    if (evbuffer_get_length(conn->output) + bytes.size > output_max) {
        /* Perhaps the loop only had no turn yet to send it. */
        aver_err err = aver_conn_send_now(conn);
        if (err != AVER_OK) {
            return err;
        }
        size_t unsent = evbuffer_get_length(conn->output);
        if (!exchange->bounded && unsent > 0 && unsent + bytes.size > output_max) {
            return AVER_E_LIMIT;
        }
    }
    if (exchange_chunk_append(exchange, bytes) != 0) {
        return AVER_E_NOMEM;
    }
    aver_conn_wake(conn);
    return AVER_OK;
}

void aver_exchange_stream_bounded(aver_exchange *exchange)
{
    exchange->bounded = true;
}

void aver_exchange_stream_end(aver_exchange *exchange)
{
    AVER_ASSERT(exchange->streaming);
    aver_conn *conn = exchange->conn;
    if (!conn || (exchange->chunked && evbuffer_add(conn->output, "0\r\n\r\n", 5) != 0)) {
        aver_exchange_release(exchange);
        return;
    }
    aver_conn_answered(conn, exchange_keeps(exchange));
    aver_exchange_free(exchange);
}

aver_err aver_exchange_refuse_append(struct evbuffer *output, uint32_t status, const char *message)
{
    aver_buf body;
    aver_buf_init(&body, EXCHANGE_ERROR_BYTES_MAX);
    aver_error_body(&body, status, NULL, NULL, message);
    aver_err err = aver_buf_status(&body);
    if (err == AVER_OK &&
        (evbuffer_add_printf(output,
                             "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\n"
                             "Connection: close\r\nContent-Length: %zu\r\n\r\n",
                             (unsigned)status, exchange_reason(status), body.size) < 0 ||
         evbuffer_add(output, body.data, body.size) != 0)) {
        err = AVER_E_NOMEM;
    }
    aver_buf_deinit(&body);
    return err;
}

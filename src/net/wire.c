/* SPDX-License-Identifier: Apache-2.0 */
#include "net/wire.h"

#include "base/log.h"

#include <errno.h>
#include <event2/buffer.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

/* One turn of the loop gives each connection this many records. */
enum { WIRE_WRITES_MAX = 16, WIRE_DISCARDS_MAX = 16, WIRE_RECORD_BYTES = 16 * 1024 };

aver_err aver_wire_open(aver_wire *wire, int fd, struct ssl_ctx_st *tls)
{
    *wire = (aver_wire){.fd = fd, .shaken = !tls};
    if (!tls) {
        return AVER_OK;
    }
    wire->ssl = SSL_new(tls);
    if (!wire->ssl || SSL_set_fd(wire->ssl, fd) != 1) {
        aver_wire_close(wire);
        return AVER_E_NOMEM;
    }
    SSL_set_accept_state(wire->ssl);
    SSL_set_mode(wire->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
    return AVER_OK;
}

/* What an SSL call that did not succeed means. */
static aver_err wire_ssl_result(aver_wire *wire, int result, bool *ret_want_read,
                                bool *ret_want_write)
{
    int why = SSL_get_error(wire->ssl, result);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        *ret_want_read = why == SSL_ERROR_WANT_READ;
        *ret_want_write = why == SSL_ERROR_WANT_WRITE;
        return AVER_E_AGAIN;
    }
    if (why != SSL_ERROR_ZERO_RETURN) {
        unsigned long code = ERR_peek_error();
        const char *reason = code ? ERR_reason_error_string(code) : NULL;
        aver_log(AVER_LOG_DEBUG, "net.tls", "%s", reason ? reason : "connection lost");
        wire->broken = true;
    }
    ERR_clear_error();
    return AVER_E_PEER;
}

aver_err aver_wire_handshake(aver_wire *wire)
{
    bool want_read = false;
    ERR_clear_error();
    int result = SSL_accept(wire->ssl);
    wire->read_wants_write = false;
    if (result == 1) {
        wire->shaken = true;
        return AVER_OK;
    }
    return wire_ssl_result(wire, result, &want_read, &wire->read_wants_write);
}

aver_err aver_wire_read(aver_wire *wire, uint8_t *ret_bytes, size_t size_max, size_t *ret_size)
{
    wire->read_wants_write = false;
    if (wire->ssl) {
        bool want_read = false;
        ERR_clear_error();
        int result = SSL_read_ex(wire->ssl, ret_bytes, size_max, ret_size);
        return result == 1 ? AVER_OK
                           : wire_ssl_result(wire, result, &want_read, &wire->read_wants_write);
    }
    ssize_t size = recv(wire->fd, ret_bytes, size_max, 0);
    if (size > 0) {
        *ret_size = (size_t)size;
        return AVER_OK;
    }
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? AVER_E_AGAIN : AVER_E_PEER;
}

/* One write of what lies at the front, removed from output as far as it went. */
static aver_err wire_write_once(aver_wire *wire, struct evbuffer *output)
{
    if (!wire->ssl) {
        int size = evbuffer_write(output, wire->fd);
        return size >= 0 ? AVER_OK : errno == EAGAIN || errno == EINTR ? AVER_E_AGAIN : AVER_E_PEER;
    }
    struct evbuffer_iovec front;
    if (evbuffer_peek(output, -1, NULL, &front, 1) < 1) {
        return AVER_E_PEER;
    }
    size_t size = front.iov_len < WIRE_RECORD_BYTES ? front.iov_len : WIRE_RECORD_BYTES;
    size_t written = 0;
    bool want_write = false;
    ERR_clear_error();
    int result = SSL_write_ex(wire->ssl, front.iov_base, size, &written);
    if (result != 1) {
        return wire_ssl_result(wire, result, &wire->write_wants_read, &want_write);
    }
    evbuffer_drain(output, written);
    return AVER_OK;
}

aver_err aver_wire_write(aver_wire *wire, struct evbuffer *output)
{
    wire->write_wants_read = false;
    for (int i = 0; i < WIRE_WRITES_MAX; i++) {
        if (evbuffer_get_length(output) == 0) {
            return AVER_OK;
        }
        aver_err err = wire_write_once(wire, output);
        if (err != AVER_OK) {
            return err;
        }
    }
    return evbuffer_get_length(output) == 0 ? AVER_OK : AVER_E_AGAIN;
}

void aver_wire_finish(aver_wire *wire)
{
    if (wire->ssl && wire->shaken && !wire->broken) {
        ERR_clear_error();
        (void)SSL_shutdown(wire->ssl);
        ERR_clear_error();
    }
    SSL_free(wire->ssl);
    wire->ssl = NULL;
    shutdown(wire->fd, SHUT_WR);
}

aver_err aver_wire_discard(aver_wire *wire, size_t *ret_size)
{
    uint8_t bytes[WIRE_RECORD_BYTES];
    *ret_size = 0;
    for (int i = 0; i < WIRE_DISCARDS_MAX; i++) {
        ssize_t size = recv(wire->fd, bytes, sizeof(bytes), 0);
        if (size <= 0) {
            return size < 0 && (errno == EAGAIN || errno == EINTR) ? AVER_E_AGAIN : AVER_E_PEER;
        }
        *ret_size += (size_t)size;
    }
    return AVER_E_AGAIN;
}

void aver_wire_close(aver_wire *wire)
{
    SSL_free(wire->ssl);
    wire->ssl = NULL;
    if (wire->fd >= 0) {
        close(wire->fd);
    }
    wire->fd = -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server.h"

#include "base/check.h"
#include "base/log.h"
#include "net/conn.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SERVER_ACCEPTS_MAX = 64, /* one turn of the loop */
    SERVER_REFUSED_MAX = 64, /* beyond connections_max: told 503; beyond these: closed unheard */
    SERVER_RESUME_MS = 100,  /* pause when the system has no descriptor left */
    SERVER_UNSENT_BYTES = 128 * 1024,
    SERVER_KEEPALIVE_IDLE_S = 60,
    SERVER_KEEPALIVE_INTERVAL_S = 15,
    SERVER_KEEPALIVE_COUNT = 4,
};

static void server_default(uint32_t *value, uint32_t fallback)
{
    if (*value == 0) {
        *value = fallback;
    }
}

static void server_limits_complete(aver_server_limits *limits)
{
    server_default(&limits->connections_max, 1024);
    server_default(&limits->header_bytes_max, 16 * 1024);
    server_default(&limits->body_bytes_max, 4 * 1024 * 1024 + 64 * 1024);
    server_default(&limits->bodies_bytes_max, 256 * 1024 * 1024);
    server_default(&limits->idle_timeout_ms, 60000);
    server_default(&limits->request_timeout_ms, 20000);
    server_default(&limits->output_bytes_max, 1024 * 1024);
    server_default(&limits->write_timeout_ms, 30000);
    server_default(&limits->write_bytes_min, 1);
}

static void server_listeners_enable(aver_server *server, bool enable)
{
    for (size_t i = 0; i < server->listeners_count; i++) {
        if (enable) {
            event_add(server->listeners[i].event, NULL);
        } else {
            event_del(server->listeners[i].event);
        }
    }
}

static void server_on_resume(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    server_listeners_enable(context, true);
}

static void server_pause(aver_server *server)
{
    struct timeval timeout = {.tv_usec = SERVER_RESUME_MS * 1000};
    aver_log(AVER_LOG_WARN, "net.accept", "%s", strerror(errno));
    server_listeners_enable(server, false);
    evtimer_add(server->resume, &timeout);
}

static void server_option_set(int fd, int level, int name, int value)
{
    /* Where it is no TCP socket, this says no, and that is fine. */
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* Small events leave at once; what waits, waits here and not in the kernel; dead hosts are found.
 */
static void server_socket_setup(int fd)
{
    server_option_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    server_option_set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, SERVER_UNSENT_BYTES);
    server_option_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    server_option_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, SERVER_KEEPALIVE_IDLE_S);
    server_option_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, SERVER_KEEPALIVE_INTERVAL_S);
    server_option_set(fd, IPPROTO_TCP, TCP_KEEPCNT, SERVER_KEEPALIVE_COUNT);
}

static void server_take(aver_listener *listener, int fd)
{
    aver_server *server = listener->server;
    uint32_t max = server->options.limits.connections_max;
    if (server->conns_count >= max + SERVER_REFUSED_MAX) {
        close(fd);
        return;
    }
    server_socket_setup(fd);
    aver_conn_open(server, fd, listener->secure, server->conns_count >= max);
}

static void server_on_accept(evutil_socket_t socket_fd, short what, void *context)
{
    (void)what;
    aver_listener *listener = context;
    for (int i = 0; i < SERVER_ACCEPTS_MAX; i++) {
        int fd = accept4(socket_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            server_take(listener, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            server_pause(listener->server);
            return;
        }
        if (errno == EAGAIN) {
            return;
        }
        /* ECONNABORTED and the like concern one connection only. */
    }
}

aver_err aver_server_new(const aver_server_options *options, aver_server **ret_server)
{
    AVER_ASSERT(options->base && options->on_request);
    aver_server *server = calloc(1, sizeof(*server));
    if (!server) {
        return AVER_E_NOMEM;
    }
    server->options = *options;
    server_limits_complete(&server->options.limits);
    server->resume = evtimer_new(options->base, server_on_resume, server);
    if (!server->resume) {
        free(server);
        return AVER_E_NOMEM;
    }
    signal(SIGPIPE, SIG_IGN);
    *ret_server = server;
    return AVER_OK;
}

aver_err aver_server_listen(aver_server *server, const char *address, bool secure,
                            char ret_bound[128])
{
    if (server->listeners_count == AVER_SERVER_LISTENERS_MAX) {
        return AVER_E_LIMIT;
    }
    if (secure && !server->options.tls) {
        return AVER_E_USAGE;
    }
    aver_listener *listener = &server->listeners[server->listeners_count];
    *listener = (aver_listener){.server = server, .secure = secure};
    aver_err err = aver_listen_open(address, &listener->fd, listener->bound);
    if (err != AVER_OK) {
        return err;
    }
    listener->event = event_new(server->options.base, listener->fd, EV_READ | EV_PERSIST,
                                server_on_accept, listener);
    if (!listener->event || event_add(listener->event, NULL) != 0) {
        if (listener->event) {
            event_free(listener->event);
        }
        close(listener->fd);
        return AVER_E_NOMEM;
    }
    server->listeners_count++;
    if (ret_bound) {
        memcpy(ret_bound, listener->bound, sizeof(listener->bound));
    }
    return AVER_OK;
}

static void server_listeners_close(aver_server *server)
{
    event_del(server->resume);
    for (size_t i = 0; i < server->listeners_count; i++) {
        aver_listener *listener = &server->listeners[i];
        event_free(listener->event);
        close(listener->fd);
        if (strncmp(listener->bound, "unix:", 5) == 0) {
            unlink(listener->bound + 5);
        }
    }
    server->listeners_count = 0;
}

void aver_server_drain(aver_server *server)
{
    server_listeners_close(server);
    server->draining = true;
    aver_conn *next = NULL;
    for (aver_conn *conn = server->conns; conn; conn = next) {
        next = conn->next;
        if (conn->state != AVER_CONN_RUNNING && conn->state != AVER_CONN_FLUSHING &&
            conn->state != AVER_CONN_LINGER) {
            aver_conn_cut(conn);
        }
    }
}

uint32_t aver_server_exchanges(const aver_server *server)
{
    return server->exchanges_count;
}

uint32_t aver_server_connections(const aver_server *server)
{
    return server->conns_count;
}

void aver_server_free(aver_server *server)
{
    if (!server) {
        return;
    }
    server_listeners_close(server);
    server->draining = true;
    while (server->conns) {
        aver_conn_gone(server->conns);
    }
    event_free(server->resume);
    free(server);
}

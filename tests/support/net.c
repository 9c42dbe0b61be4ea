/* SPDX-License-Identifier: Apache-2.0 */
#include "support/net.h"

#include "base/check.h"
#include "base/log.h"
#include "base/sys.h"
#include "codec/text.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NET_TICK_MS = 5, NET_EVENTS = 5, NET_PIECE_BYTES = 16384 };

typedef enum net_command {
    NET_NONE,
    NET_DRAIN,
    NET_RENEW,
    NET_RENEW_KEY,
    NET_STOP,
} net_command;

struct test_server {
    struct event_base *base;
    struct event *tick;
    struct ssl_ctx_st *tls;
    aver_tls_key *key;
    aver_server *server;
    char bound[128];
    pthread_t thread;
    _Atomic int command;
    _Atomic unsigned requests, gones, slow, exchanges, connections;
};

/* A handler's work that goes on after its return. */
typedef struct net_work {
    test_server *test;
    aver_exchange *exchange;
    struct event *timer;
    unsigned left;
} net_work;

void test_sleep_ms(unsigned timeout_ms)
{
    usleep(timeout_ms * 1000);
}

static void net_work_free(net_work *work)
{
    if (work->timer) {
        event_free(work->timer);
    }
    free(work);
}

static void net_on_gone(aver_exchange *exchange, void *context)
{
    net_work *work = context;
    work->test->gones++;
    net_work_free(work);
    aver_exchange_release(exchange);
}

static void net_echo(aver_exchange *exchange)
{
    const char *token = aver_exchange_header(exchange, "authorization");
    aver_exchange_set_header(exchange, "Seen-Method", aver_exchange_method(exchange));
    aver_exchange_set_header(exchange, "Seen-Path", aver_exchange_path(exchange));
    aver_exchange_set_header(exchange, "Seen-Query", aver_exchange_query(exchange));
    aver_exchange_set_header(exchange, "Seen-Token", token ? token : "none");
    aver_exchange_reply(exchange, 200, "text/plain", aver_exchange_body(exchange));
}

static void net_timer_set(net_work *work, unsigned timeout_ms)
{
    struct timeval timeout = {.tv_usec = (suseconds_t)timeout_ms * 1000};
    evtimer_add(work->timer, &timeout);
}

static void net_on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    net_work *work = context;
    aver_exchange *exchange = work->exchange;
    if (strcmp(aver_exchange_path(exchange), "/later") == 0) {
        net_work_free(work);
        net_echo(exchange);
        return;
    }
    char text[64];
    snprintf(text, sizeof(text), "data: %u\n\n", NET_EVENTS - work->left);
    if (work->left == 0) {
        net_work_free(work);
        aver_exchange_stream_end(exchange);
        return;
    }
    work->left--;
    if (aver_exchange_stream_write(exchange, aver_view_text(text)) != AVER_OK) {
        net_work_free(work);
        aver_exchange_release(exchange);
        return;
    }
    net_timer_set(work, NET_TICK_MS);
}

static void net_on_flood(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    net_work *work = context;
    static const uint8_t zeros[16384];
    aver_err err = aver_exchange_stream_write(work->exchange, AVER_VIEW_OF(zeros));
    if (err != AVER_OK) {
        work->test->slow += err == AVER_E_LIMIT;
        aver_exchange_release(work->exchange);
        net_work_free(work);
        return;
    }
    net_timer_set(work, 0);
}

static net_work *net_work_new(test_server *test, aver_exchange *exchange,
                              event_callback_fn callback)
{
    net_work *work = calloc(1, sizeof(*work));
    AVER_ASSERT(work);
    work->test = test;
    work->exchange = exchange;
    work->left = NET_EVENTS;
    work->timer = evtimer_new(test->base, callback, work);
    aver_exchange_on_gone(exchange, net_on_gone, work);
    return work;
}

static void net_reply_export(aver_exchange *exchange)
{
    uint8_t bytes[32];
    char text[65] = "none";
    if (aver_exchange_export(exchange, "EXPORTER-test", AVER_VIEW_LITERAL("abc"), bytes,
                             sizeof(bytes)) == AVER_OK) {
        aver_hex_encode(AVER_VIEW_OF(bytes), text);
    }
    aver_exchange_reply(exchange, 200, "text/plain", aver_view_text(text));
}

static void net_reply_big(aver_exchange *exchange)
{
    uint8_t *bytes = calloc(1, TEST_NET_BIG_BYTES);
    AVER_ASSERT(bytes);
    aver_exchange_reply(exchange, 200, "text/plain", aver_view_make(bytes, TEST_NET_BIG_BYTES));
    free(bytes);
}

/* One more piece for a client that has taken all others. */
static void net_on_room(aver_exchange *exchange, void *context)
{
    static const uint8_t zeros[NET_PIECE_BYTES];
    net_work *work = context;
    AVER_ASSERT(aver_exchange_unsent(exchange) == 0);
    if (work->left == 0) {
        net_work_free(work);
        aver_exchange_stream_end(exchange);
        return;
    }
    work->left--;
    AVER_ASSERT(aver_exchange_stream_write(exchange, AVER_VIEW_OF(zeros)) == AVER_OK);
    AVER_ASSERT(aver_exchange_unsent(exchange) > 0);
}

static void net_pump(test_server *test, aver_exchange *exchange)
{
    net_work *work = net_work_new(test, exchange, net_on_timer);
    work->left = TEST_NET_BIG_BYTES / NET_PIECE_BYTES;
    aver_exchange_on_room(exchange, net_on_room, work);
    aver_exchange_stream_begin(exchange, 200, "application/octet-stream");
}

static void net_reply_taken(aver_exchange *exchange)
{
    aver_buf body = aver_exchange_body_take(exchange);
    AVER_ASSERT(aver_exchange_body(exchange).size == 0);
    aver_exchange_reply(exchange, 200, "text/plain", aver_buf_view(&body));
    aver_buf_deinit(&body);
}

static void net_reply_absent(aver_exchange *exchange)
{
    aver_buf body;
    aver_buf_init(&body, 4096);
    aver_error_body(&body, 404, "not_found", NULL, aver_exchange_path(exchange));
    aver_exchange_reply(exchange, 404, "application/json", aver_buf_view(&body));
    aver_buf_deinit(&body);
}

/* The paths that answer before the handler returns. */
static bool net_answer_now(aver_exchange *exchange, const char *path)
{
    if (strcmp(path, "/echo") == 0 || strcmp(path, "*") == 0) {
        net_echo(exchange);
    } else if (strcmp(path, "/export") == 0) {
        net_reply_export(exchange);
    } else if (strcmp(path, "/big") == 0) {
        net_reply_big(exchange);
    } else if (strcmp(path, "/take") == 0) {
        net_reply_taken(exchange);
    } else if (strcmp(path, "/header") == 0) {
        aver_exchange_set_header(exchange, "Split", "a\r\nInjected: b");
        net_echo(exchange);
    } else {
        return false;
    }
    return true;
}

static void net_on_request(aver_exchange *exchange, void *context)
{
    test_server *test = context;
    const char *path = aver_exchange_path(exchange);
    test->requests++;
    if (net_answer_now(exchange, path)) {
        return;
    }
    if (strcmp(path, "/later") == 0) {
        net_timer_set(net_work_new(test, exchange, net_on_timer), 20);
        return;
    }
    if (strcmp(path, "/pump") == 0) {
        net_pump(test, exchange);
        return;
    }
    if (strcmp(path, "/hang") == 0) {
        (void)net_work_new(test, exchange, net_on_timer);
        return;
    }
    bool flood = strcmp(path, "/flood") == 0;
    bool hang = strcmp(path, "/hang-stream") == 0;
    bool cut = strcmp(path, "/cut") == 0;
    if (!flood && !hang && !cut && strcmp(path, "/events") != 0) {
        net_reply_absent(exchange);
        return;
    }
    net_work *work = net_work_new(test, exchange, flood ? net_on_flood : net_on_timer);
    aver_exchange_stream_begin(exchange, 200, "text/event-stream");
    if (hang || cut) {
        (void)!aver_exchange_stream_write(exchange, AVER_VIEW_LITERAL("data: only\n\n"));
    }
    if (cut) {
        net_work_free(work);
        aver_exchange_release(exchange);
    } else if (!hang) {
        net_timer_set(work, NET_TICK_MS);
    }
}

static void net_renew(test_server *test, bool new_key)
{
    if (new_key) {
        aver_tls_key_free(test->key);
        AVER_ASSERT(aver_tls_key_new(&test->key) == AVER_OK);
    }
    AVER_ASSERT(aver_tls_server_renew(test->tls, test->key, "aver", AVER_VIEW_LITERAL("renewed")) ==
                AVER_OK);
}

static void net_on_tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    test_server *test = context;
    int command = atomic_load(&test->command);
    if (command == NET_DRAIN) {
        aver_server_drain(test->server);
    } else if (command == NET_RENEW || command == NET_RENEW_KEY) {
        net_renew(test, command == NET_RENEW_KEY);
    } else if (command == NET_STOP) {
        event_base_loopbreak(test->base);
    }
    test->exchanges = aver_server_exchanges(test->server);
    test->connections = aver_server_connections(test->server);
    atomic_store(&test->command, NET_NONE);
}

static void *net_run(void *context)
{
    test_server *test = context;
    event_base_dispatch(test->base);
    return NULL;
}

static void net_command_do(test_server *test, net_command command)
{
    atomic_store(&test->command, (int)command);
    while (atomic_load(&test->command) != NET_NONE) {
        usleep(500);
    }
}

static void net_free(test_server *test)
{
    aver_server_free(test->server);
    event_free(test->tick);
    aver_tls_free(test->tls);
    aver_tls_key_free(test->key);
    event_base_free(test->base);
    free(test);
}

test_server *test_server_try(const aver_server_limits *limits, const char *address, bool secure)
{
    test_server *test = calloc(1, sizeof(*test));
    AVER_ASSERT(test);
    aver_log_setup(AVER_LOG_SILENT, false);
    test->base = event_base_new();
    AVER_ASSERT(test->base);
    AVER_ASSERT(aver_tls_key_new(&test->key) == AVER_OK);
    AVER_ASSERT(aver_tls_server_new(test->key, "aver", AVER_VIEW_LITERAL("evidence"), &test->tls) ==
                AVER_OK);
    const aver_server_options options = {.base = test->base,
                                         .tls = test->tls,
                                         .limits = limits ? *limits : (aver_server_limits){0},
                                         .on_request = net_on_request,
                                         .context = test};
    AVER_ASSERT(aver_server_new(&options, &test->server) == AVER_OK);
    struct timeval tick = {.tv_usec = 2000};
    test->tick = event_new(test->base, -1, EV_PERSIST, net_on_tick, test);
    AVER_ASSERT(test->tick && event_add(test->tick, &tick) == 0);
    if (aver_server_listen(test->server, address, secure, test->bound) != AVER_OK) {
        net_free(test);
        return NULL;
    }
    AVER_ASSERT(pthread_create(&test->thread, NULL, net_run, test) == 0);
    return test;
}

test_server *test_server_start(const aver_server_limits *limits, const char *address, bool secure)
{
    test_server *test = test_server_try(limits, address, secure);
    AVER_ASSERT(test);
    return test;
}

void test_server_stop(test_server *server)
{
    net_command_do(server, NET_STOP);
    pthread_join(server->thread, NULL);
    net_free(server);
}

void test_server_drain(test_server *server)
{
    net_command_do(server, NET_DRAIN);
}

void test_server_renew(test_server *server, bool new_key)
{
    net_command_do(server, new_key ? NET_RENEW_KEY : NET_RENEW);
}

const char *test_server_bound(const test_server *server)
{
    return server->bound;
}

unsigned test_server_port(const test_server *server)
{
    const char *colon = strrchr(server->bound, ':');
    return colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}

test_counts test_server_counts(test_server *server)
{
    return (test_counts){server->requests, server->gones, server->slow, server->exchanges,
                         server->connections};
}

void test_server_digest(const test_server *server, uint8_t ret_digest[static 32])
{
    aver_tls_key_digest(server->key, ret_digest);
}

static bool net_counts_fit(test_counts have, test_counts wanted, test_counts mask)
{
    return (!mask.requests || have.requests == wanted.requests) &&
           (!mask.gones || have.gones == wanted.gones) &&
           (!mask.slow || have.slow == wanted.slow) &&
           (!mask.exchanges || have.exchanges == wanted.exchanges) &&
           (!mask.connections || have.connections == wanted.connections);
}

bool test_server_wait(test_server *server, test_counts wanted, test_counts mask)
{
    for (int i = 0; i < 1500; i++) {
        if (net_counts_fit(test_server_counts(server), wanted, mask)) {
            return true;
        }
        test_sleep_ms(2);
    }
    return false;
}

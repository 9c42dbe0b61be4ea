/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_proxy.h"

#include "aver/bundle.h"
#include "net/client.h"
#include "net/server.h"
#include "net/tls.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEMO_PROXY_BODY_BYTES_MAX (8u * 1024 * 1024)
#define DEMO_PROXY_HEADERS_MAX    8
#define DEMO_PROXY_HEADER_BYTES   2048
#define DEMO_PROXY_TICK_US        20000
#define DEMO_PROXY_FRAMES_MAX     65536
#define DEMO_PROXY_CUT_TICKS      5 /* until what was written is on its way */

struct aver_demo_proxy {
    aver_demo_tamper tamper;
    char upstream[AVER_DEMO_PATH_MAX];
    aver_view evidence;
    struct event_base *base;
    struct event *tick;
    struct ssl_ctx_st *tls;
    aver_tls_key *key;
    aver_server *server;
    pthread_t thread;
    bool running;
    aver_exchange *cutting; /* written, and cut when the ticks have passed */
    unsigned cutting_ticks;
    atomic_bool stop;
    atomic_uint posts;
};

/* One answer of the node on its way back. */
typedef struct demo_proxy_answer {
    aver_client *client;
    aver_buf body;
    uint32_t status;
} demo_proxy_answer;

static aver_err demo_proxy_on_body(aver_view bytes, void *context)
{
    demo_proxy_answer *answer = context;
    aver_buf_append(&answer->body, bytes);
    return aver_buf_status(&answer->body);
}

static aver_err demo_proxy_forward(const aver_demo_proxy *proxy, const aver_exchange *exchange,
                                   demo_proxy_answer *answer)
{
    static const char *const names[] = {"Content-Type", "Accept", "Ehbp-Encapsulated-Key",
                                        "Authorization"};
    char lines[sizeof names / sizeof names[0]][DEMO_PROXY_HEADER_BYTES];
    const char *headers[DEMO_PROXY_HEADERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = aver_exchange_header(exchange, names[i]);
        if (value != NULL) {
            (void)snprintf(lines[count], sizeof lines[count], "%s: %s", names[i], value);
            headers[count] = lines[count];
            count++;
        }
    }
    headers[count] = NULL;
    char path[1024];
    const char *query = aver_exchange_query(exchange);
    (void)snprintf(path, sizeof path, "%s%s%s", aver_exchange_path(exchange),
                   query[0] != '\0' ? "?" : "", query);
    aver_client_request request = {
        .method = aver_exchange_method(exchange),
        .path = path,
        .headers = headers,
        .body = aver_exchange_body(exchange),
        .on_body = demo_proxy_on_body,
        .context = answer,
    };
    aver_client_options options = {.url = "http://localhost", .unix_socket = proxy->upstream};
    aver_err err = aver_client_new(&options, &answer->client);
    return err == AVER_OK ? aver_client_send(answer->client, &request, &answer->status) : err;
}

/* Where the sealed frame begins that is `back` frames before the end. */
static size_t demo_proxy_frame(aver_view body, size_t back)
{
    size_t count = 0;
    size_t *starts = calloc(DEMO_PROXY_FRAMES_MAX, sizeof *starts);
    if (starts == NULL) {
        return 0;
    }
    for (size_t at = 0; at + 4 <= body.size && count < DEMO_PROXY_FRAMES_MAX;) {
        starts[count++] = at;
        at += 4 + (size_t)aver_be32_read(body.data + at);
    }
    size_t start = count > back ? starts[count - back] : 0;
    free(starts);
    return start;
}

static void demo_proxy_copy_headers(aver_exchange *exchange, const aver_client *client)
{
    static const char *const names[] = {"Ehbp-Response-Nonce", "Aver-Receipt"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = aver_client_header(client, names[i]);
        if (value != NULL) {
            aver_exchange_set_header(exchange, names[i], value);
        }
    }
}

static void demo_proxy_on_gone(aver_exchange *exchange, void *context)
{
    aver_demo_proxy *proxy = context;
    proxy->cutting = NULL;
    aver_exchange_release(exchange);
}

/* Begins an answer that will not be ended. */
static void demo_proxy_cut(aver_demo_proxy *proxy, aver_exchange *exchange, uint32_t status,
                           const char *type, aver_view part)
{
    aver_exchange_on_gone(exchange, demo_proxy_on_gone, proxy);
    aver_exchange_stream_begin(exchange, status, type);
    if (aver_exchange_stream_write(exchange, part) != AVER_OK) {
        aver_exchange_release(exchange);
        return;
    }
    proxy->cutting = exchange;
    proxy->cutting_ticks = DEMO_PROXY_CUT_TICKS;
}

static void demo_proxy_answer_back(aver_demo_proxy *proxy, aver_exchange *exchange,
                                   const demo_proxy_answer *answer)
{
    const char *type = aver_client_header(answer->client, "Content-Type");
    aver_view body = aver_buf_view(&answer->body);
    bool post = strcmp(aver_exchange_method(exchange), "POST") == 0;
    demo_proxy_copy_headers(exchange, answer->client);
    type = type != NULL ? type : "application/octet-stream";
    if (post && proxy->tamper == AVER_DEMO_CUT) {
        demo_proxy_cut(proxy, exchange, answer->status, type,
                       aver_view_slice(body, 0, body.size / 5 * 4));
        return;
    }
    if (post && proxy->tamper == AVER_DEMO_STRIP) {
        body = aver_view_slice(body, 0, demo_proxy_frame(body, 1));
    }
    aver_exchange_reply(exchange, answer->status, type, body);
}

static void demo_proxy_on_request(aver_exchange *exchange, void *context)
{
    aver_demo_proxy *proxy = context;
    bool post = strcmp(aver_exchange_method(exchange), "POST") == 0;
    if (post) {
        (void)atomic_fetch_add(&proxy->posts, 1);
    }
    if (!post && proxy->tamper == AVER_DEMO_REPLAY) {
        aver_exchange_reply(exchange, 200, AVER_BUNDLE_MEDIA_TYPE, proxy->evidence);
        return;
    }
    demo_proxy_answer answer = {0};
    aver_buf_init(&answer.body, DEMO_PROXY_BODY_BYTES_MAX);
    if (demo_proxy_forward(proxy, exchange, &answer) == AVER_OK) {
        if (post && proxy->tamper == AVER_DEMO_FLIP && answer.body.size > 0) {
            answer.body.data[answer.body.size / 5 * 4] ^= 1;
        }
        demo_proxy_answer_back(proxy, exchange, &answer);
    } else {
        aver_exchange_release(exchange);
    }
    aver_client_free(answer.client);
    aver_buf_deinit(&answer.body);
}

static void demo_proxy_on_tick(evutil_socket_t fd, short what, void *context)
{
    aver_demo_proxy *proxy = context;
    (void)fd;
    (void)what;
    if (proxy->cutting != NULL && proxy->cutting_ticks-- == 0) {
        aver_exchange *exchange = proxy->cutting;
        proxy->cutting = NULL;
        aver_exchange_release(exchange);
    }
    if (atomic_load(&proxy->stop)) {
        (void)event_base_loopbreak(proxy->base);
    }
}

static void *demo_proxy_thread(void *context)
{
    aver_demo_proxy *proxy = context;
    (void)event_base_dispatch(proxy->base);
    return NULL;
}

static aver_err demo_proxy_listen(aver_demo_proxy *proxy, const char *path,
                                  char ret_address[AVER_DEMO_PATH_MAX])
{
    char address[AVER_DEMO_PATH_MAX + 8] = "tcp:127.0.0.1:0";
    char bound[128] = "";
    aver_err err = AVER_OK;
    if (path == NULL) {
        err = aver_tls_key_new(&proxy->key);
        if (err == AVER_OK) {
            err = aver_tls_server_new(proxy->key, "localhost", (aver_view){NULL, 0}, &proxy->tls);
        }
    } else {
        (void)snprintf(address, sizeof address, "unix:%s", path);
    }
    aver_server_options options = {.base = proxy->base,
                                   .tls = proxy->tls,
                                   .on_request = demo_proxy_on_request,
                                   .context = proxy};
    if (err == AVER_OK) {
        err = aver_server_new(&options, &proxy->server);
    }
    if (err == AVER_OK) {
        err = aver_server_listen(proxy->server, address, path == NULL, bound);
    }
    if (err == AVER_OK) {
        const char *text = path != NULL ? path : bound + strlen("tcp:");
        (void)snprintf(ret_address, AVER_DEMO_PATH_MAX, "%s%s", path != NULL ? "" : "https://",
                       text);
    }
    return err;
}

aver_err aver_demo_proxy_start(aver_demo_tamper tamper, const char *upstream, const char *path,
                               aver_view evidence, char ret_address[AVER_DEMO_PATH_MAX],
                               aver_demo_proxy **ret_proxy)
{
    aver_demo_proxy *proxy = calloc(1, sizeof *proxy);
    if (proxy == NULL) {
        return AVER_E_NOMEM;
    }
    proxy->tamper = tamper;
    proxy->evidence = evidence;
    (void)snprintf(proxy->upstream, sizeof proxy->upstream, "%s", upstream);
    proxy->base = event_base_new();
    const struct timeval tick = {.tv_usec = DEMO_PROXY_TICK_US};
    aver_err err = proxy->base != NULL ? AVER_OK : AVER_E_NOMEM;
    if (err == AVER_OK) {
        err = demo_proxy_listen(proxy, path, ret_address);
    }
    if (err == AVER_OK) {
        proxy->tick = event_new(proxy->base, -1, EV_PERSIST, demo_proxy_on_tick, proxy);
        err = proxy->tick != NULL && event_add(proxy->tick, &tick) == 0 ? AVER_OK : AVER_E_NOMEM;
    }
    if (err == AVER_OK) {
        proxy->running = pthread_create(&proxy->thread, NULL, demo_proxy_thread, proxy) == 0;
        err = proxy->running ? AVER_OK : AVER_E_IO;
    }
    if (err != AVER_OK) {
        aver_demo_proxy_stop(proxy, NULL);
        return err;
    }
    *ret_proxy = proxy;
    return AVER_OK;
}

void aver_demo_proxy_stop(aver_demo_proxy *proxy, unsigned *ret_posts)
{
    if (proxy->running) {
        atomic_store(&proxy->stop, true);
        (void)pthread_join(proxy->thread, NULL);
    }
    if (ret_posts != NULL) {
        *ret_posts = atomic_load(&proxy->posts);
    }
    if (proxy->server != NULL) {
        aver_server_free(proxy->server);
    }
    if (proxy->tick != NULL) {
        event_free(proxy->tick);
    }
    if (proxy->base != NULL) {
        event_base_free(proxy->base);
    }
    if (proxy->tls != NULL) {
        aver_tls_free(proxy->tls);
    }
    aver_tls_key_free(proxy->key);
    free(proxy);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "net/client.h"
#include "support/bytes.h"
#include "support/net.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP "tcp:127.0.0.1:0"

/* What the callbacks saw, and what they should say. */
typedef struct client_seen {
    unsigned certificates;
    uint8_t digest[32];
    aver_err certificate_verdict;
    unsigned heads;
    uint32_t status;
    aver_err head_verdict;
    aver_buf body;
    aver_err body_verdict;
} client_seen;

static aver_err seen_certificate(aver_view der, void *context)
{
    client_seen *seen = context;
    seen->certificates++;
    assert_ok(aver_tls_certificate_digest(der, seen->digest));
    return seen->certificate_verdict;
}

static aver_err seen_head(const aver_response *response, void *context)
{
    client_seen *seen = context;
    seen->heads++;
    seen->status = response->status;
    assert_non_null(aver_client_header(response->client, "content-type"));
    return seen->head_verdict;
}

static aver_err seen_body(aver_view bytes, void *context)
{
    client_seen *seen = context;
    aver_buf_append(&seen->body, bytes);
    return seen->body_verdict;
}

static aver_client *client_open(const test_server *server, bool secure, client_seen *seen)
{
    char url[64];
    aver_client *client = NULL;
    snprintf(url, sizeof(url), "%s://127.0.0.1:%u/", secure ? "https" : "http",
             test_server_port(server));
    *seen = (client_seen){0};
    aver_buf_init(&seen->body, 8 * 1024 * 1024);
    const aver_client_options options = {
        .url = url, .bearer = "secret", .on_certificate = seen_certificate, .context = seen};
    assert_ok(aver_client_new(&options, &client));
    return client;
}

static void client_close(aver_client *client, client_seen *seen)
{
    aver_client_free(client);
    aver_buf_deinit(&seen->body);
}

static aver_err client_do(aver_client *client, client_seen *seen, const char *method,
                          const char *path, const char *body, uint32_t *status)
{
    static const char *const headers[] = {"Content-Type: text/plain", "X-Some: thing", NULL};
    const aver_client_request request = {.method = method,
                                         .path = path,
                                         .headers = headers,
                                         .body = aver_view_text(body),
                                         .on_head = seen_head,
                                         .on_body = seen_body,
                                         .context = seen};
    aver_buf_clear(&seen->body);
    return aver_client_send(client, &request, status);
}

static void test_client_exchanges(void **state)
{
    (void)state;
    for (int secure = 0; secure <= 1; secure++) {
        client_seen seen;
        uint32_t status = 0;
        test_server *server = test_server_start(NULL, TCP, secure);
        aver_client *client = client_open(server, secure, &seen);
        assert_ok(client_do(client, &seen, "POST", "/echo?a=b", "hello", &status));
        assert_int_equal(status, 200);
        assert_int_equal(seen.status, 200);
        assert_int_equal(seen.heads, 1);
        assert_true(aver_view_equal_text(aver_buf_view(&seen.body), "hello"));
        assert_string_equal(aver_client_header(client, "seen-method"), "POST");
        assert_string_equal(aver_client_header(client, "Seen-Query"), "a=b");
        assert_string_equal(aver_client_header(client, "Seen-Token"), "Bearer secret");
        assert_null(aver_client_header(client, "Absent"));
        assert_ok(client_do(client, &seen, "GET", "/later", NULL, &status));
        assert_string_equal(aver_client_header(client, "Seen-Method"), "GET");
        assert_ok(client_do(client, &seen, "POST", "/echo", "", &status));
        assert_string_equal(aver_client_header(client, "Seen-Method"), "POST");
        assert_ok(client_do(client, &seen, "GET", "/events", NULL, &status));
        assert_true(aver_view_equal_text(
            aver_buf_view(&seen.body), "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n"));
        assert_ok(client_do(client, &seen, "GET", "/no", NULL, &status));
        assert_int_equal(status, 404);
        assert_ok(client_do(client, &seen, "DELETE", "/echo", NULL, &status));
        assert_string_equal(aver_client_header(client, "Seen-Method"), "DELETE");
        assert_ok(client_do(client, &seen, "GET", "/big", NULL, &status));
        assert_int_equal(seen.body.size, TEST_NET_BIG_BYTES);
        /* All on one connection, its certificate judged once. */
        assert_int_equal(seen.certificates, secure);
        client_close(client, &seen);
        test_server_stop(server);
    }
}

static void test_client_knows_its_peer(void **state)
{
    (void)state;
    client_seen seen;
    uint32_t status = 0;
    uint8_t digest[32];
    uint8_t expected[32];
    uint8_t exported[32];
    char hex[65];
    test_server *server = test_server_start(NULL, TCP, true);
    aver_client *client = client_open(server, true, &seen);
    assert_err(aver_client_peer_digest(client, digest), AVER_E_ABSENT);
    assert_ok(client_do(client, &seen, "GET", "/export", NULL, &status));
    test_server_digest(server, expected);
    assert_ok(aver_client_peer_digest(client, digest));
    assert_memory_equal(digest, expected, 32);
    assert_memory_equal(seen.digest, expected, 32);
    assert_ok(aver_client_export(client, "EXPORTER-test", AVER_VIEW_LITERAL("abc"), exported, 32));
    aver_hex_encode(AVER_VIEW_OF(exported), hex);
    assert_true(aver_view_equal_text(aver_buf_view(&seen.body), hex));
    assert_ok(aver_client_export(client, "EXPORTER-test", AVER_VIEW_LITERAL("abd"), exported, 32));
    aver_hex_encode(AVER_VIEW_OF(exported), hex);
    assert_false(aver_view_equal_text(aver_buf_view(&seen.body), hex));
    client_close(client, &seen);
    test_server_stop(server);
    /* A plain connection has neither. */
    server = test_server_start(NULL, TCP, false);
    client = client_open(server, false, &seen);
    assert_ok(client_do(client, &seen, "GET", "/export", NULL, &status));
    assert_true(aver_view_equal_text(aver_buf_view(&seen.body), "none"));
    assert_err(aver_client_peer_digest(client, digest), AVER_E_ABSENT);
    assert_err(aver_client_export(client, "EXPORTER-test", AVER_VIEW_LITERAL("abc"), exported, 32),
               AVER_E_ABSENT);
    client_close(client, &seen);
    test_server_stop(server);
}

static void test_client_sends_nothing_to_a_refused_certificate(void **state)
{
    (void)state;
    client_seen seen;
    uint32_t status = 0;
    test_server *server = test_server_start(NULL, TCP, true);
    aver_client *client = client_open(server, true, &seen);
    seen.certificate_verdict = AVER_E_FORMAT;
    assert_err(client_do(client, &seen, "POST", "/echo", "prompt", &status), AVER_E_PROOF);
    assert_string_equal(aver_client_why(client), "the server's certificate was not accepted");
    assert_int_equal(seen.certificates, 1);
    assert_int_equal(seen.heads, 0);
    assert_int_equal(status, 0);
    assert_true(test_server_wait(server, (test_counts){0}, (test_counts){.connections = 1}));
    assert_int_equal(test_server_counts(server).requests, 0);
    /* The verdict is asked anew on each connection. */
    seen.certificate_verdict = AVER_OK;
    assert_ok(client_do(client, &seen, "POST", "/echo", "prompt", &status));
    assert_int_equal(seen.certificates, 2);
    client_close(client, &seen);
    /* Nobody to judge: refused. */
    char url[64];
    snprintf(url, sizeof(url), "https://127.0.0.1:%u", test_server_port(server));
    const aver_client_options options = {.url = url};
    assert_ok(aver_client_new(&options, &client));
    const aver_client_request request = {.method = "GET", .path = "/echo"};
    assert_err(aver_client_send(client, &request, &status), AVER_E_PROOF);
    assert_int_equal(test_server_counts(server).requests, 1);
    aver_client_free(client);
    test_server_stop(server);
}

static void test_client_judges_each_connection_anew(void **state)
{
    (void)state;
    client_seen seen;
    uint32_t status = 0;
    uint8_t digest[32];
    uint8_t expected[32];
    const aver_server_limits limits = {.idle_timeout_ms = 100};
    test_server *server = test_server_start(&limits, TCP, true);
    aver_client *client = client_open(server, true, &seen);
    assert_ok(client_do(client, &seen, "GET", "/echo", NULL, &status));
    assert_int_equal(seen.certificates, 1);
    /* The connection ends, and its server has another key when the client comes back: no session
     * that resumes can hide that. */
    test_server_renew(server, true);
    assert_true(test_server_wait(server, (test_counts){0}, (test_counts){.connections = 1}));
    assert_ok(client_do(client, &seen, "GET", "/echo", NULL, &status));
    assert_int_equal(seen.certificates, 2);
    test_server_digest(server, expected);
    assert_ok(aver_client_peer_digest(client, digest));
    assert_memory_equal(digest, expected, 32);
    assert_memory_equal(seen.digest, expected, 32);
    test_server_renew(server, true);
    assert_true(test_server_wait(server, (test_counts){0}, (test_counts){.connections = 1}));
    seen.certificate_verdict = AVER_E_PROOF;
    assert_err(client_do(client, &seen, "GET", "/echo", NULL, &status), AVER_E_PROOF);
    assert_int_equal(test_server_counts(server).requests, 2);
    client_close(client, &seen);
    test_server_stop(server);
}

static void test_client_ends_where_callbacks_say(void **state)
{
    (void)state;
    client_seen seen;
    uint32_t status = 0;
    test_server *server = test_server_start(NULL, TCP, true);
    aver_client *client = client_open(server, true, &seen);
    seen.head_verdict = AVER_E_UNSUPPORTED;
    assert_err(client_do(client, &seen, "GET", "/echo", NULL, &status), AVER_E_UNSUPPORTED);
    assert_int_equal(seen.body.size, 0);
    seen.head_verdict = AVER_OK;
    seen.body_verdict = AVER_E_PROOF;
    assert_err(client_do(client, &seen, "GET", "/events", NULL, &status), AVER_E_PROOF);
    seen.body_verdict = AVER_OK;
    assert_ok(client_do(client, &seen, "GET", "/echo", NULL, &status));
    client_close(client, &seen);
    test_server_stop(server);
}

static void test_client_sees_cuts_and_silence(void **state)
{
    (void)state;
    for (int secure = 0; secure <= 1; secure++) {
        char url[64];
        client_seen seen;
        uint32_t status = 0;
        test_server *server = test_server_start(NULL, TCP, secure);
        aver_client *client = client_open(server, secure, &seen);
        assert_err(client_do(client, &seen, "GET", "/cut", NULL, &status), AVER_E_IO);
        client_close(client, &seen);
        snprintf(url, sizeof(url), "%s://127.0.0.1:%u", secure ? "https" : "http",
                 test_server_port(server));
        client_seen other = {0};
        const aver_client_options options = {.url = url,
                                             .stall_timeout_ms = 200,
                                             .on_certificate = seen_certificate,
                                             .context = &other};
        assert_ok(aver_client_new(&options, &client));
        const aver_client_request request = {.method = "GET", .path = "/hang-stream"};
        assert_err(aver_client_send(client, &request, &status), AVER_E_IO);
        assert_string_equal(aver_client_why(client), "the server fell silent");
        aver_client_free(client);
        assert_true(test_server_wait(server, (test_counts){.gones = 1},
                                     (test_counts){.gones = 1, .connections = 1}));
        test_server_stop(server);
    }
}

typedef struct client_stopper {
    test_server *server;
    atomic_bool stop;
} client_stopper;

static void *client_stop_when_asked(void *context)
{
    client_stopper *stopper = context;
    assert_true(test_server_wait(stopper->server, (test_counts){.requests = 1},
                                 (test_counts){.requests = 1}));
    atomic_store(&stopper->stop, true);
    return NULL;
}

static void test_client_is_stopped_by_another_thread(void **state)
{
    (void)state;
    static const char *const paths[] = {"/hang", "/hang-stream"};
    for (size_t i = 0; i < 2; i++) {
        client_seen seen;
        uint32_t status = 0;
        pthread_t thread;
        client_stopper stopper = {.server = test_server_start(NULL, TCP, true)};
        aver_client *client = client_open(stopper.server, true, &seen);
        const aver_client_request request = {
            .method = "GET", .path = paths[i], .stop = &stopper.stop};
        assert_int_equal(pthread_create(&thread, NULL, client_stop_when_asked, &stopper), 0);
        assert_err(aver_client_send(client, &request, &status), AVER_E_IO);
        assert_string_equal(aver_client_why(client), "ended by its caller");
        assert_false(aver_client_timed_out(client));
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(
            test_server_wait(stopper.server, (test_counts){.gones = 1}, (test_counts){.gones = 1}));
        /* Nothing of that is left in the next one. */
        assert_ok(client_do(client, &seen, "GET", "/echo", NULL, &status));
        client_close(client, &seen);
        test_server_stop(stopper.server);
    }
}

static void test_client_bounds_bodies_and_time(void **state)
{
    (void)state;
    char url[64];
    uint32_t status = 0;
    aver_client *client = NULL;
    test_server *server = test_server_start(NULL, TCP, false);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", test_server_port(server));
    const aver_client_options patient = {.url = url, .body_bytes_max = 100000};
    assert_ok(aver_client_new(&patient, &client));
    const aver_client_request big = {.method = "GET", .path = "/big"};
    assert_err(aver_client_send(client, &big, &status), AVER_E_LIMIT);
    aver_client_free(client);
    const aver_client_options options = {.url = url, .total_timeout_ms = 300};
    assert_ok(aver_client_new(&options, &client));
    const aver_client_request hang = {.method = "GET", .path = "/hang"};
    assert_err(aver_client_send(client, &hang, &status), AVER_E_IO);
    aver_client_free(client);
    unsigned port = test_server_port(server);
    test_server_stop(server);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    assert_ok(aver_client_new(&options, &client));
    assert_err(aver_client_send(client, &hang, &status), AVER_E_IO);
    assert_true(strlen(aver_client_why(client)) > 0);
    aver_client_free(client);
}

static void test_client_speaks_over_unix_sockets(void **state)
{
    (void)state;
    char folder[] = "/tmp/aver-test-XXXXXX";
    char address[128];
    uint32_t status = 0;
    client_seen seen = {0};
    aver_client *client = NULL;
    assert_non_null(mkdtemp(folder));
    snprintf(address, sizeof(address), "unix:%s/socket", folder);
    for (int secure = 0; secure <= 1; secure++) {
        test_server *server = test_server_start(NULL, address, secure);
        const aver_client_options options = {.url = secure ? "https://node" : "http://node",
                                             .unix_socket = address + 5,
                                             .on_certificate = seen_certificate,
                                             .context = &seen};
        assert_ok(aver_client_new(&options, &client));
        const aver_client_request request = {.method = "GET", .path = "/echo"};
        assert_ok(aver_client_send(client, &request, &status));
        assert_int_equal(status, 200);
        aver_client_free(client);
        test_server_stop(server);
    }
    rmdir(folder);
}

static void test_client_refuses_what_cannot_be_sent(void **state)
{
    (void)state;
    uint32_t status = 0;
    aver_client *client = NULL;
    static const char *const urls[] = {"", "127.0.0.1:1", "ftp://a", "file:///etc/passwd",
                                       "http://a\r\nb"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        const aver_client_options options = {.url = urls[i]};
        assert_err(aver_client_new(&options, &client), AVER_E_USAGE);
    }
    const aver_client_options split = {.url = "http://a", .bearer = "a\r\nX: b"};
    assert_err(aver_client_new(&split, &client), AVER_E_USAGE);
    test_server *server = test_server_start(NULL, TCP, false);
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", test_server_port(server));
    const aver_client_options options = {.url = url};
    assert_ok(aver_client_new(&options, &client));
    static const char *const headers[] = {"X: a\r\nY: b", NULL};
    const aver_client_request header = {.method = "GET", .path = "/echo", .headers = headers};
    assert_err(aver_client_send(client, &header, &status), AVER_E_USAGE);
    const aver_client_request path = {.method = "GET", .path = "echo"};
    assert_err(aver_client_send(client, &path, &status), AVER_E_USAGE);
    const aver_client_request line = {.method = "GET", .path = "/a HTTP/1.1\r\nX: b"};
    assert_err(aver_client_send(client, &line, &status), AVER_E_USAGE);
    assert_int_equal(test_server_counts(server).requests, 0);
    aver_client_free(client);
    test_server_stop(server);
}

/* A server that answers any one request with these bytes, then ends. */
typedef struct client_fake {
    int fd;
    const char *answer;
    unsigned port;
    pthread_t thread;
} client_fake;

static void *fake_run(void *context)
{
    client_fake *fake = context;
    char bytes[4096];
    int fd = accept(fake->fd, NULL, NULL);
    if (fd >= 0 && recv(fd, bytes, sizeof(bytes), 0) > 0) {
        (void)!write(fd, fake->answer, strlen(fake->answer));
    }
    close(fd);
    return NULL;
}

static void fake_start(client_fake *fake, const char *answer)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(in);
    fake->answer = answer;
    fake->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fake->fd, (struct sockaddr *)&in, size), 0);
    assert_int_equal(listen(fake->fd, 1), 0);
    assert_int_equal(getsockname(fake->fd, (struct sockaddr *)&in, &size), 0);
    fake->port = ntohs(in.sin_port);
    assert_int_equal(pthread_create(&fake->thread, NULL, fake_run, fake), 0);
}

static aver_err fake_on_body(aver_view bytes, void *context)
{
    *(size_t *)context += bytes.size;
    return AVER_OK;
}

/* Without a final status there is no answer: its bytes reach nobody, and it is no success. */
static void test_client_takes_no_body_without_a_head(void **state)
{
    (void)state;
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                                 "Connection: Upgrade\r\n\r\nbytes";
    client_fake fake;
    char url[64];
    aver_client *client = NULL;
    uint32_t status = 0;
    size_t received = 0;
    fake_start(&fake, answer);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", fake.port);
    const aver_client_options options = {.url = url};
    assert_ok(aver_client_new(&options, &client));
    const aver_client_request request = {
        .method = "GET", .path = "/", .on_body = fake_on_body, .context = &received};
    assert_err(aver_client_send(client, &request, &status), AVER_E_PEER);
    assert_int_equal(received, 0);
    assert_int_equal(status, 0);
    assert_non_null(strstr(aver_client_why(client), "no final status"));
    aver_client_free(client);
    pthread_join(fake.thread, NULL);
    close(fake.fd);
}

static aver_err fake_ask(const char *answer, uint32_t *status, bool *ret_located)
{
    client_fake fake;
    char url[64];
    aver_client *client = NULL;
    fake_start(&fake, answer);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", fake.port);
    const aver_client_options options = {.url = url};
    assert_ok(aver_client_new(&options, &client));
    const aver_client_request request = {.method = "GET", .path = "/"};
    aver_err err = aver_client_send(client, &request, status);
    *ret_located = aver_client_header(client, "Location") != NULL;
    aver_client_free(client);
    pthread_join(fake.thread, NULL);
    close(fake.fd);
    return err;
}

static void test_client_bounds_heads_and_trailers(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    static const char line[] =
        "Trailer: 0123456789abcdef0123456789abcdef0123456789abcdef01234567\r\n";
    static char answer[1024 * 1024];
    uint32_t status = 0;
    bool located = false;
    for (size_t bytes = 300 * 1024; bytes < sizeof(answer); bytes += 400 * 1024) {
        size_t size = sizeof(head) - 1;
        memcpy(answer, head, size);
        for (; size < bytes; size += sizeof(line) - 1) {
            memcpy(answer + size, line, sizeof(line) - 1);
        }
        memcpy(answer + size, "\r\n", 3);
        assert_err(fake_ask(answer, &status, &located),
                   bytes < 512 * 1024 ? AVER_OK : AVER_E_LIMIT);
    }
}

static void test_client_judges_odd_answers(void **state)
{
    (void)state;
    uint32_t status = 0;
    bool located = false;
    /* A redirect is an answer like any other. */
    assert_ok(
        fake_ask("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
                 &status, &located));
    assert_int_equal(status, 302);
    assert_true(located);
    assert_ok(fake_ask("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                       &status, &located));
    assert_int_equal(status, 200);
    assert_err(fake_ask("no HTTP at all", &status, &located), AVER_E_PEER);
    assert_err(fake_ask("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", &status, &located),
               AVER_E_IO);
    assert_err(fake_ask("", &status, &located), AVER_E_IO);
    assert_ok(fake_ask("HTTP/1.1 204 None\nX: y\n\n", &status, &located));
    assert_int_equal(status, 204);
    assert_err(
        fake_ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", &status, &located),
        AVER_E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_exchanges),
        cmocka_unit_test(test_client_knows_its_peer),
        cmocka_unit_test(test_client_sends_nothing_to_a_refused_certificate),
        cmocka_unit_test(test_client_judges_each_connection_anew),
        cmocka_unit_test(test_client_ends_where_callbacks_say),
        cmocka_unit_test(test_client_sees_cuts_and_silence),
        cmocka_unit_test(test_client_is_stopped_by_another_thread),
        cmocka_unit_test(test_client_bounds_bodies_and_time),
        cmocka_unit_test(test_client_speaks_over_unix_sockets),
        cmocka_unit_test(test_client_refuses_what_cannot_be_sent),
        cmocka_unit_test(test_client_judges_odd_answers),
        cmocka_unit_test(test_client_takes_no_body_without_a_head),
        cmocka_unit_test(test_client_bounds_heads_and_trailers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

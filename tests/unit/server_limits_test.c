/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "base/sys.h"
#include "support/net.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TCP       "tcp:127.0.0.1:0"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

enum { TIMEOUT_MS = 6000 };

static uint64_t limits_elapsed_ms(uint64_t since_ns)
{
    return (aver_time_monotonic_ns() - since_ns) / 1000000;
}

/* The answer has this status, is an error in OpenAI's form, and the connection ends behind it. */
static void assert_refused(test_raw *raw, const char *status)
{
    char line[64];
    snprintf(line, sizeof(line), "HTTP/1.1 %s ", status);
    assert_true(test_raw_read(raw, NULL, TIMEOUT_MS));
    assert_true(strncmp(raw->text, line, strlen(line)) == 0);
    assert_non_null(strstr(raw->text, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(raw->text, "Connection: close\r\n"));
    assert_non_null(strstr(raw->text, "\r\n\r\n{\"error\":{\"message\":\""));
    assert_non_null(strstr(raw->text, "\"param\":null}}"));
}

static void assert_request_refused(const test_server *server, bool secure, const char *request,
                                   const char *status)
{
    test_raw raw = test_raw_open(server, secure);
    test_raw_text(&raw, request);
    assert_refused(&raw, status);
    test_raw_close(&raw);
}

/* The server still serves others. */
static void assert_alive(const test_server *server, bool secure)
{
    test_raw raw = test_raw_open(server, secure);
    test_raw_text(&raw, GET("/echo"));
    assert_false(test_raw_read(&raw, "\r\n\r\n", TIMEOUT_MS));
    assert_non_null(strstr(raw.text, "HTTP/1.1 200 OK"));
    test_raw_close(&raw);
}

static void test_limits_refuse_malformed_requests(void **state)
{
    (void)state;
    for (int secure = 0; secure <= 1; secure++) {
        test_server *server = test_server_start(NULL, TCP, secure);
        assert_request_refused(server, secure, "nonsense\r\n\r\n", "400");
        assert_request_refused(server, secure, "GET / HTTP/1.1\r\n\r\n", "400");
        assert_request_refused(server, secure, "GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505");
        assert_request_refused(
            server, secure, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501");
        assert_request_refused(server, secure,
                               "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
                               "413");
        assert_alive(server, secure);
        assert_int_equal(test_server_counts(server).requests, 1);
        test_server_stop(server);
    }
}

static void test_limits_hold_for_heads(void **state)
{
    (void)state;
    static char big[40000];
    const aver_server_limits limits = {.header_bytes_max = 8192};
    test_server *server = test_server_start(&limits, TCP, false);
    int size = snprintf(big, sizeof(big), "GET / HTTP/1.1\r\nHost: a\r\nX: %0*d\r\n\r\n", 8192, 0);
    assert_request_refused(server, false, big, "431");
    /* More follows than the server ever reads: the answer still arrives. */
    size = snprintf(big, sizeof(big), "GET / HTTP/1.1\r\nHost: a\r\nX: %0*d", 39000, 0);
    assert_true(size > 0);
    assert_request_refused(server, false, big, "431");
    assert_alive(server, false);
    test_server_stop(server);
}

static void test_limits_hold_for_bodies(void **state)
{
    (void)state;
    const aver_server_limits limits = {.body_bytes_max = 1000};
    for (int secure = 0; secure <= 1; secure++) {
        test_server *server = test_server_start(&limits, TCP, secure);
        assert_request_refused(
            server, secure, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\nabc", "413");
        assert_request_refused(
            server, secure,
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", "413");
        /* The client sends the whole too large body before it reads. */
        static char body[512 * 1024];
        test_raw raw = test_raw_open(server, secure);
        test_raw_text(&raw, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 524288\r\n\r\n");
        (void)test_raw_try(&raw, body, sizeof(body));
        assert_refused(&raw, "413");
        test_raw_close(&raw);
        test_server_stop(server);
    }
}

/* Sends a head and as much of its body. */
static test_raw limits_post_begin(const test_server *server, const char *path, size_t length,
                                  size_t sent)
{
    static char body[64 * 1024];
    char head[128];
    test_raw raw = test_raw_open(server, false);
    snprintf(head, sizeof(head),
             "POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
             path, length);
    memset(body, 'x', sizeof(body));
    test_raw_text(&raw, head);
    test_raw_send(&raw, body, sent);
    return raw;
}

static void test_limits_hold_for_all_bodies_together(void **state)
{
    (void)state;
    const aver_server_limits limits = {.bodies_bytes_max = 100000, .connections_max = 10};
    test_server *server = test_server_start(&limits, TCP, false);
    test_raw first = limits_post_begin(server, "/echo", 60000, 50000);
    test_sleep_ms(50);
    test_raw second = limits_post_begin(server, "/echo", 60000, 50000);
    assert_refused(&second, "503");
    test_raw_close(&second);
    /* A small one is within its share. */
    test_raw small = limits_post_begin(server, "/echo", 100, 100);
    assert_true(test_raw_read(&small, NULL, TIMEOUT_MS));
    assert_non_null(strstr(small.text, "200 OK"));
    test_raw_close(&small);
    /* What is answered, or gone, no longer counts. */
    test_raw_send(&first, (char[10000]){0}, 10000);
    assert_true(test_raw_read(&first, NULL, TIMEOUT_MS));
    assert_non_null(strstr(first.text, "200 OK"));
    test_raw_close(&first);
    for (size_t i = 0; i < 3; i++) {
        test_raw gone = limits_post_begin(server, "/echo", 60000, 50000);
        test_sleep_ms(20);
        test_raw_close(&gone);
    }
    assert_true(test_server_wait(server, (test_counts){0}, (test_counts){.connections = 1}));
    /* One that the handler has does. */
    test_raw held = limits_post_begin(server, "/hang", 50000, 50000);
    assert_true(
        test_server_wait(server, (test_counts){.exchanges = 1}, (test_counts){.exchanges = 1}));
    second = limits_post_begin(server, "/echo", 50000, 50000);
    assert_refused(&second, "503");
    test_raw_close(&second);
    test_raw_close(&held);
    assert_true(test_server_wait(server, (test_counts){0}, (test_counts){.connections = 1}));
    test_raw whole = limits_post_begin(server, "/echo", 50000, 50000);
    assert_true(test_raw_read(&whole, NULL, TIMEOUT_MS));
    assert_non_null(strstr(whole.text, "200 OK"));
    test_raw_close(&whole);
    test_server_stop(server);
}

static void test_limits_hold_for_slow_requests(void **state)
{
    (void)state;
    const aver_server_limits limits = {.request_timeout_ms = 300, .idle_timeout_ms = 150};
    for (int secure = 0; secure <= 1; secure++) {
        test_server *server = test_server_start(&limits, TCP, secure);
        test_raw raw = test_raw_open(server, secure);
        uint64_t begin = aver_time_monotonic_ns();
        /* Each byte comes soon after the last; the whole never does. */
        const char *text = "GET /echo HTTP/1.1\r\nX-Slow: 0123456789012345678901234567890123456789";
        for (const char *at = text; *at && limits_elapsed_ms(begin) < 600; at++) {
            if (!test_raw_try(&raw, at, 1)) {
                break;
            }
            test_sleep_ms(10);
        }
        assert_refused(&raw, "408");
        test_raw_close(&raw);
        /* Neither does a slow body. */
        raw = test_raw_open(server, secure);
        begin = aver_time_monotonic_ns();
        test_raw_text(&raw, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
        assert_refused(&raw, "408");
        assert_in_range(limits_elapsed_ms(begin), 250, 1500);
        test_raw_close(&raw);
        test_server_stop(server);
    }
}

static void test_limits_hold_for_idle_connections(void **state)
{
    (void)state;
    const aver_server_limits limits = {.request_timeout_ms = 300, .idle_timeout_ms = 150};
    test_server *server = test_server_start(&limits, TCP, false);
    test_raw raw = test_raw_open(server, false);
    uint64_t begin = aver_time_monotonic_ns();
    assert_true(test_raw_read(&raw, NULL, TIMEOUT_MS));
    assert_in_range(limits_elapsed_ms(begin), 100, 1000);
    assert_int_equal(raw.size, 0);
    test_raw_close(&raw);
    /* Kept alive, then idle again. */
    raw = test_raw_open(server, false);
    test_raw_text(&raw, GET("/echo"));
    assert_true(test_raw_read(&raw, NULL, TIMEOUT_MS));
    assert_non_null(strstr(raw.text, "200 OK"));
    test_raw_close(&raw);
    test_server_stop(server);
    /* TLS: a handshake that never comes. */
    server = test_server_start(&limits, TCP, true);
    raw = test_raw_open(server, false);
    begin = aver_time_monotonic_ns();
    assert_true(test_raw_read(&raw, NULL, TIMEOUT_MS));
    assert_in_range(limits_elapsed_ms(begin), 250, 1500);
    test_raw_close(&raw);
    assert_alive(server, true);
    test_server_stop(server);
}

static void test_limits_hold_for_connections(void **state)
{
    (void)state;
    const aver_server_limits limits = {.connections_max = 4};
    for (int secure = 0; secure <= 1; secure++) {
        test_raw held[4];
        test_server *server = test_server_start(&limits, TCP, secure);
        for (size_t i = 0; i < 4; i++) {
            held[i] = test_raw_open(server, secure);
        }
        assert_true(test_server_wait(server, (test_counts){.connections = 4},
                                     (test_counts){.connections = 1}));
        assert_request_refused(server, secure, GET("/echo"), "503");
        test_raw_text(&held[3], GET("/echo"));
        assert_false(test_raw_read(&held[3], "\r\n\r\n", TIMEOUT_MS));
        assert_non_null(strstr(held[3].text, "200 OK"));
        test_raw_close(&held[0]);
        assert_true(test_server_wait(server, (test_counts){.connections = 3},
                                     (test_counts){.connections = 1}));
        assert_alive(server, secure);
        for (size_t i = 1; i < 4; i++) {
            test_raw_close(&held[i]);
        }
        test_server_stop(server);
    }
}

static void test_limits_close_a_crowd_unheard(void **state)
{
    (void)state;
    const aver_server_limits limits = {.connections_max = 1};
    test_server *server = test_server_start(&limits, TCP, false);
    test_raw crowd[80];
    unsigned ended = 0;
    for (size_t i = 0; i < 80; i++) {
        crowd[i] = test_raw_open(server, false);
    }
    assert_true(test_server_wait(server, (test_counts){.connections = 65},
                                 (test_counts){.connections = 1}));
    for (size_t i = 0; i < 80; i++) {
        ended += i >= 65 && test_raw_read(&crowd[i], NULL, 100) ? 1 : 0;
        test_raw_close(&crowd[i]);
    }
    assert_int_equal(ended, 15);
    assert_true(test_server_wait(server, (test_counts){0}, (test_counts){.connections = 1}));
    assert_alive(server, false);
    test_server_stop(server);
}

static void test_limits_hold_for_slow_readers(void **state)
{
    (void)state;
    const aver_server_limits limits = {.output_bytes_max = 64 * 1024, .write_timeout_ms = 400};
    for (int secure = 0; secure <= 1; secure++) {
        test_server *server = test_server_start(&limits, TCP, secure);
        /* A stream that nobody reads ends by LIMIT, and its connection is cut. */
        test_raw raw = test_raw_open(server, secure);
        test_raw_text(&raw, GET("/flood"));
        assert_true(test_server_wait(server, (test_counts){.slow = 1},
                                     (test_counts){.slow = 1, .connections = 1}));
        test_raw_close(&raw);
        /* A whole answer that nobody reads: cut after write_timeout. */
        raw = test_raw_open(server, secure);
        int small = 4096;
        setsockopt(raw.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        test_raw_text(&raw, GET("/big"));
        assert_true(
            test_server_wait(server, (test_counts){.requests = 2}, (test_counts){.requests = 1}));
        assert_true(test_server_wait(server, (test_counts){0}, (test_counts){.connections = 1}));
        test_raw_close(&raw);
        assert_alive(server, secure);
        test_server_stop(server);
    }
}

/* Bytes leave all the time, and too few of them. */
static void test_limits_hold_for_readers_in_sips(void **state)
{
    (void)state;
    const aver_server_limits limits = {.write_timeout_ms = 400,
                                       .write_bytes_min = 2 * TEST_NET_BIG_BYTES};
    for (int secure = 0; secure <= 1; secure++) {
        test_server *server = test_server_start(&limits, TCP, secure);
        test_raw raw = test_raw_open(server, secure);
        int small = 64 * 1024;
        setsockopt(raw.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        test_raw_text(&raw, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        while (test_raw_sip(&raw, TIMEOUT_MS) > 0) {
            test_sleep_ms(10);
        }
        assert_true(raw.total > 0 && raw.total < TEST_NET_BIG_BYTES);
        test_raw_close(&raw);
        test_server_stop(server);
    }
}

static void test_limits_let_a_steady_reader_finish(void **state)
{
    (void)state;
    const aver_server_limits limits = {.write_timeout_ms = 500};
    for (int secure = 0; secure <= 1; secure++) {
        test_server *server = test_server_start(&limits, TCP, secure);
        test_raw raw = test_raw_open(server, secure);
        test_raw_text(&raw, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        int small = 128 * 1024;
        setsockopt(raw.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        uint64_t begin = aver_time_monotonic_ns();
        /* Longer than write_timeout in all, never so long without a byte. */
        while (test_raw_sip(&raw, TIMEOUT_MS) > 0) {
            test_sleep_ms(4);
        }
        assert_true(raw.total > TEST_NET_BIG_BYTES);
        assert_true(limits_elapsed_ms(begin) > limits.write_timeout_ms);
        test_raw_close(&raw);
        test_server_stop(server);
    }
}

static void test_limits_hold_for_what_is_sent_ahead(void **state)
{
    (void)state;
    static char ahead[256 * 1024];
    test_server *server = test_server_start(NULL, TCP, false);
    test_raw raw = test_raw_open(server, false);
    test_raw_text(&raw, GET("/hang"));
    (void)test_raw_try(&raw, ahead, sizeof(ahead));
    assert_true(test_server_wait(server, (test_counts){.gones = 1},
                                 (test_counts){.gones = 1, .connections = 1}));
    test_raw_close(&raw);
    test_server_stop(server);
}

static void test_limits_refuse_tls_below_1_3(void **state)
{
    (void)state;
    test_server *server = test_server_start(NULL, TCP, true);
    test_raw raw = test_raw_open(server, false);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION), 1);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, raw.fd);
    ERR_clear_error();
    assert_int_not_equal(SSL_connect(ssl), 1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
    ERR_clear_error();
    SSL_free(ssl);
    SSL_CTX_free(context);
    test_raw_close(&raw);
    /* Neither plain HTTP nor rubbish on a TLS listener gets anything but an end. */
    raw = test_raw_open(server, false);
    test_raw_text(&raw, GET("/echo"));
    assert_true(test_raw_read(&raw, NULL, TIMEOUT_MS));
    assert_null(strstr(raw.text, "200"));
    test_raw_close(&raw);
    assert_alive(server, true);
    assert_true(test_server_wait(server, (test_counts){0}, (test_counts){.connections = 1}));
    test_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_refuse_malformed_requests),
        cmocka_unit_test(test_limits_hold_for_heads),
        cmocka_unit_test(test_limits_hold_for_bodies),
        cmocka_unit_test(test_limits_hold_for_all_bodies_together),
        cmocka_unit_test(test_limits_hold_for_slow_requests),
        cmocka_unit_test(test_limits_hold_for_idle_connections),
        cmocka_unit_test(test_limits_hold_for_connections),
        cmocka_unit_test(test_limits_close_a_crowd_unheard),
        cmocka_unit_test(test_limits_hold_for_slow_readers),
        cmocka_unit_test(test_limits_hold_for_readers_in_sips),
        cmocka_unit_test(test_limits_let_a_steady_reader_finish),
        cmocka_unit_test(test_limits_hold_for_what_is_sent_ahead),
        cmocka_unit_test(test_limits_refuse_tls_below_1_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

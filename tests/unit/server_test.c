/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "support/net.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define TCP             "tcp:127.0.0.1:0"
#define GET(path)       "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_CLOSE(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

enum { TIMEOUT_MS = 5000 };

/* One request on a connection of its own; the answer's whole text. */
static void exchange_once(const test_server *server, bool secure, const char *request,
                          char *ret_text, size_t size)
{
    test_raw raw = test_raw_open(server, secure);
    assert_true(raw.fd >= 0);
    test_raw_text(&raw, request);
    assert_true(test_raw_read(&raw, NULL, TIMEOUT_MS));
    snprintf(ret_text, size, "%s", raw.text);
    test_raw_close(&raw);
}

static void assert_answers(const test_server *server, bool secure)
{
    char text[2048];
    exchange_once(server, secure, GET_CLOSE("/echo?a=1"), text, sizeof(text));
    assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(text, "Seen-Path: /echo\r\n"));
    assert_non_null(strstr(text, "Seen-Query: a=1\r\n"));
    assert_non_null(strstr(text, "Connection: close\r\n"));
    exchange_once(server, secure, GET_CLOSE("/later"), text, sizeof(text));
    assert_non_null(strstr(text, "Seen-Path: /later\r\n"));
    exchange_once(server, secure, GET_CLOSE("/events"), text, sizeof(text));
    assert_non_null(strstr(text, "Transfer-Encoding: chunked\r\n"));
    assert_non_null(strstr(text, "\r\n9\r\ndata: 0\n\n\r\n"));
    assert_non_null(strstr(text, "data: 4\n\n\r\n0\r\n\r\n"));
    exchange_once(server, secure, GET_CLOSE("/absent"), text, sizeof(text));
    assert_non_null(strstr(text, "HTTP/1.1 404 Not Found\r\n"));
    assert_non_null(strstr(text,
                           "{\"error\":{\"message\":\"/absent\",\"type\":"
                           "\"invalid_request_error\",\"code\":\"not_found\",\"param\":null}}"));
}

static void test_server_answers_over_tcp(void **state)
{
    (void)state;
    test_server *server = test_server_start(NULL, TCP, false);
    assert_answers(server, false);
    test_server_stop(server);
}

static void test_server_answers_over_tls(void **state)
{
    (void)state;
    test_server *server = test_server_start(NULL, TCP, true);
    assert_answers(server, true);
    test_server_stop(server);
}

static void test_server_answers_over_unix_sockets(void **state)
{
    (void)state;
    char folder[] = "/tmp/aver-test-XXXXXX";
    char address[128];
    struct stat info;
    assert_non_null(mkdtemp(folder));
    snprintf(address, sizeof(address), "unix:%s/socket", folder);
    test_server *server = test_server_start(NULL, address, false);
    assert_answers(server, false);
    assert_int_equal(stat(address + 5, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    /* Somebody is there: no second one takes its place. */
    assert_null(test_server_try(NULL, address, false));
    assert_answers(server, false);
    test_server_stop(server);
    assert_int_not_equal(stat(address + 5, &info), 0);
    /* Nobody is there: a socket left behind is replaced, another file is not. */
    server = test_server_start(NULL, address, true);
    assert_answers(server, true);
    test_server_stop(server);
    FILE *file = fopen(address + 5, "w");
    assert_non_null(file);
    fclose(file);
    assert_null(test_server_try(NULL, address, false));
    unlink(address + 5);
    rmdir(folder);
}

static void test_server_replaces_a_dead_unix_socket(void **state)
{
    (void)state;
    char folder[] = "/tmp/aver-test-XXXXXX";
    char address[128];
    struct sockaddr_storage storage = {.ss_family = AF_UNIX};
    assert_non_null(mkdtemp(folder));
    snprintf(address, sizeof(address), "unix:%s/socket", folder);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy((char *)&storage + sizeof(sa_family_t), address + 5, strlen(address + 5) + 1);
    assert_int_equal(bind(dead, (struct sockaddr *)&storage, sizeof(sa_family_t) + 100), 0);
    close(dead);
    test_server *server = test_server_start(NULL, address, false);
    assert_answers(server, false);
    test_server_stop(server);
    rmdir(folder);
}

static void test_server_answers_over_vsock(void **state)
{
    (void)state;
    test_server *server = test_server_try(NULL, "vsock:0", false);
    test_raw raw = {.fd = -1};
    if (server) {
        raw = test_raw_open(server, false);
    }
    if (raw.fd < 0) {
        printf("SKIP no vsock loopback on this machine\n");
        test_raw_close(&raw);
        if (server) {
            test_server_stop(server);
        }
        skip();
    }
    test_raw_close(&raw);
    assert_answers(server, false);
    test_server_stop(server);
}

static void test_server_refuses_addresses(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "tcp:",
        "tcp:127.0.0.1",
        "tcp:127.0.0.1:",
        "tcp:127.0.0.1:65536",
        "tcp:::1:0",
        "tcp:localhost:0",
        "tcp:[::1:0",
        "unix:",
        "vsock:",
        "vsock:-1",
        "vsock:4294967296",
        "http://a",
        "tcp:1.2.3.4:+80",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_null(test_server_try(NULL, wrong[i], false));
    }
}

static void test_server_keeps_and_pipelines(void **state)
{
    (void)state;
    for (int secure = 0; secure <= 1; secure++) {
        test_server *server = test_server_start(NULL, TCP, secure);
        test_raw raw = test_raw_open(server, secure);
        test_raw_text(&raw, GET("/echo?1") GET("/later?2") GET("/events?3") GET_CLOSE("/echo?4"));
        assert_true(test_raw_read(&raw, NULL, TIMEOUT_MS));
        const char *first = strstr(raw.text, "Seen-Query: 1");
        const char *second = first ? strstr(first, "Seen-Query: 2") : NULL;
        const char *third = second ? strstr(second, "data: 4\n\n\r\n0\r\n\r\n") : NULL;
        assert_non_null(third);
        assert_non_null(strstr(third, "Seen-Query: 4"));
        test_raw_close(&raw);
        assert_true(
            test_server_wait(server, (test_counts){.requests = 4},
                             (test_counts){.requests = 1, .connections = 1, .exchanges = 1}));
        test_server_stop(server);
    }
}

static void test_server_reads_bodies(void **state)
{
    (void)state;
    char text[2048];
    test_server *server = test_server_start(NULL, TCP, false);
    exchange_once(server, false,
                  "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                  text, sizeof(text));
    assert_non_null(strstr(text, "Content-Length: 5\r\n"));
    assert_non_null(strstr(text, "\r\n\r\nabcde"));
    exchange_once(server, false, "POST /echo HTTP/1.0\r\nContent-Length: 3\r\n\r\nxyz", text,
                  sizeof(text));
    assert_non_null(strstr(text, "\r\n\r\nxyz"));
    exchange_once(server, false, "GET /events HTTP/1.0\r\n\r\n", text, sizeof(text));
    assert_null(strstr(text, "chunked"));
    assert_non_null(strstr(text, "\r\n\r\ndata: 0\n\ndata: 1\n\n"));
    exchange_once(server, false,
                  "HEAD /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                  "Content-Length: 3\r\n\r\nxyz",
                  text, sizeof(text));
    assert_non_null(strstr(text, "Content-Length: 3\r\n\r\n"));
    assert_null(strstr(text, "xyz"));
    exchange_once(server, false, "HEAD /events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                  text, sizeof(text));
    assert_null(strstr(text, "data:"));
    test_server_stop(server);
}

static void test_server_continues_when_asked(void **state)
{
    (void)state;
    test_server *server = test_server_start(NULL, TCP, false);
    test_raw raw = test_raw_open(server, false);
    test_raw_text(&raw, "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                        "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_false(test_raw_read(&raw, "HTTP/1.1 100 Continue\r\n\r\n", TIMEOUT_MS));
    assert_non_null(strstr(raw.text, "100 Continue"));
    test_raw_text(&raw, "abc");
    assert_true(test_raw_read(&raw, NULL, TIMEOUT_MS));
    assert_non_null(strstr(raw.text, "\r\n\r\nabc"));
    test_raw_close(&raw);
    test_server_stop(server);
}

static void test_server_leaves_out_split_headers(void **state)
{
    (void)state;
    char text[2048];
    test_server *server = test_server_start(NULL, TCP, false);
    exchange_once(server, false, GET_CLOSE("/header"), text, sizeof(text));
    assert_non_null(strstr(text, "200 OK"));
    assert_null(strstr(text, "Injected"));
    test_server_stop(server);
}

static void test_server_cuts_streams_without_an_end(void **state)
{
    (void)state;
    for (int secure = 0; secure <= 1; secure++) {
        char text[2048];
        test_server *server = test_server_start(NULL, TCP, secure);
        exchange_once(server, secure, GET("/cut"), text, sizeof(text));
        assert_null(strstr(text, "\r\n0\r\n"));
        assert_true(test_server_wait(server, (test_counts){0},
                                     (test_counts){.connections = 1, .exchanges = 1}));
        test_server_stop(server);
    }
}

/* path: what hangs. ending 0: a close; 1: a reset; 2: half a close. */
static void assert_gone_seen(bool secure, const char *request, const char *until, int ending)
{
    test_server *server = test_server_start(NULL, TCP, secure);
    test_raw raw = test_raw_open(server, secure);
    test_raw_text(&raw, request);
    if (until) {
        assert_false(test_raw_read(&raw, until, TIMEOUT_MS));
    }
    assert_true(test_server_wait(server, (test_counts){.exchanges = 1, .connections = 1},
                                 (test_counts){.exchanges = 1, .connections = 1}));
    assert_int_equal(test_server_counts(server).gones, 0);
    if (ending == 1) {
        struct linger linger = {.l_onoff = 1};
        setsockopt(raw.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    if (ending == 2) {
        shutdown(raw.fd, SHUT_WR);
    } else {
        test_raw_close(&raw);
    }
    assert_true(test_server_wait(server, (test_counts){.gones = 1},
                                 (test_counts){.gones = 1, .exchanges = 1, .connections = 1}));
    if (ending == 2) {
        test_raw_close(&raw);
    }
    test_server_stop(server);
}

/* Four MiB through an output of 64 KiB, and a body that was moved away. */
static void test_server_tells_when_a_stream_has_room(void **state)
{
    (void)state;
    const aver_server_limits limits = {.output_bytes_max = 64 * 1024};
    for (int secure = 0; secure <= 1; secure++) {
        test_server *server = test_server_start(&limits, "tcp:127.0.0.1:0", secure);
        test_raw raw = test_raw_open(server, secure);
        test_raw_text(&raw, "GET /pump HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_true(test_raw_read(&raw, NULL, 20000));
        assert_true(raw.total > TEST_NET_BIG_BYTES);
        test_raw_close(&raw);
        raw = test_raw_open(server, secure);
        test_raw_text(&raw, "POST /take HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                            "Content-Length: 5\r\n\r\ntaken");
        assert_true(test_raw_read(&raw, NULL, 5000));
        assert_non_null(strstr(raw.text, "\r\n\r\ntaken"));
        test_raw_close(&raw);
        assert_int_equal(test_server_counts(server).gones, 0);
        test_server_stop(server);
    }
}

static void test_server_sees_who_goes_away(void **state)
{
    (void)state;
    for (int secure = 0; secure <= 1; secure++) {
        for (int ending = 0; ending <= 2; ending++) {
            assert_gone_seen(secure, GET("/hang"), NULL, ending);
            assert_gone_seen(secure, GET("/hang-stream"), "only", ending);
        }
    }
}

static void test_server_sees_a_tls_close_notify(void **state)
{
    (void)state;
    test_server *server = test_server_start(NULL, TCP, true);
    test_raw raw = test_raw_open(server, true);
    test_raw_text(&raw, GET("/hang"));
    assert_true(
        test_server_wait(server, (test_counts){.exchanges = 1}, (test_counts){.exchanges = 1}));
    SSL_shutdown(raw.ssl);
    assert_true(test_server_wait(server, (test_counts){.gones = 1},
                                 (test_counts){.gones = 1, .connections = 1}));
    test_raw_close(&raw);
    test_server_stop(server);
}

static void test_server_drains(void **state)
{
    (void)state;
    for (int secure = 0; secure <= 1; secure++) {
        test_server *server = test_server_start(NULL, TCP, secure);
        test_raw idle = test_raw_open(server, secure);
        test_raw busy = test_raw_open(server, secure);
        test_raw half = test_raw_open(server, secure);
        test_raw_text(&half, "GET /ec");
        test_raw_text(&busy, GET("/events"));
        assert_true(test_server_wait(server, (test_counts){.exchanges = 1, .connections = 3},
                                     (test_counts){.exchanges = 1, .connections = 1}));
        test_server_drain(server);
        assert_true(test_raw_read(&idle, NULL, TIMEOUT_MS));
        assert_true(test_raw_read(&half, NULL, TIMEOUT_MS));
        assert_true(test_raw_read(&busy, NULL, TIMEOUT_MS));
        assert_non_null(strstr(busy.text, "data: 4\n\n\r\n0\r\n\r\n"));
        test_raw_close(&idle);
        test_raw_close(&half);
        test_raw_close(&busy);
        assert_true(test_server_wait(server, (test_counts){0},
                                     (test_counts){.connections = 1, .exchanges = 1}));
        test_raw late = test_raw_open(server, false);
        assert_int_equal(late.fd, -1);
        test_raw_close(&late);
        test_server_stop(server);
    }
}

static void test_server_frees_what_runs(void **state)
{
    (void)state;
    test_server *server = test_server_start(NULL, TCP, false);
    test_raw raw = test_raw_open(server, false);
    test_raw_text(&raw, GET("/hang"));
    assert_true(
        test_server_wait(server, (test_counts){.exchanges = 1}, (test_counts){.exchanges = 1}));
    test_server_stop(server);
    assert_true(test_raw_read(&raw, NULL, TIMEOUT_MS));
    test_raw_close(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_answers_over_tcp),
        cmocka_unit_test(test_server_answers_over_tls),
        cmocka_unit_test(test_server_answers_over_unix_sockets),
        cmocka_unit_test(test_server_replaces_a_dead_unix_socket),
        cmocka_unit_test(test_server_answers_over_vsock),
        cmocka_unit_test(test_server_refuses_addresses),
        cmocka_unit_test(test_server_keeps_and_pipelines),
        cmocka_unit_test(test_server_reads_bodies),
        cmocka_unit_test(test_server_continues_when_asked),
        cmocka_unit_test(test_server_leaves_out_split_headers),
        cmocka_unit_test(test_server_cuts_streams_without_an_end),
        cmocka_unit_test(test_server_tells_when_a_stream_has_room),
        cmocka_unit_test(test_server_sees_who_goes_away),
        cmocka_unit_test(test_server_sees_a_tls_close_notify),
        cmocka_unit_test(test_server_drains),
        cmocka_unit_test(test_server_frees_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "net/http.h"

#include <stdio.h>
#include <string.h>

enum { HTTP_HEAD_MAX = 1024, HTTP_BODY_MAX = 64 };

/* Feeds a text at once, or byte by byte; the status it is refused with, 0 if it is whole, 1 if not.
 */
static uint32_t http_feed_text(aver_http *http, aver_view text, size_t step)
{
    aver_http_init(http, HTTP_HEAD_MAX, HTTP_BODY_MAX);
    while (text.size > 0 && http->state != AVER_HTTP_DONE) {
        size_t size = text.size < step ? text.size : step;
        size_t used = 0;
        if (aver_http_feed(http, aver_view_slice(text, 0, size), &used) != AVER_OK) {
            assert_int_equal(http->state, AVER_HTTP_FAILED);
            assert_non_null(http->why);
            return http->status;
        }
        assert_true(used > 0 && used <= size);
        text = aver_view_slice(text, used, text.size - used);
    }
    return http->state == AVER_HTTP_DONE ? 0 : 1;
}

/* The same result however the bytes are cut. */
static uint32_t http_status_of(aver_view text)
{
    aver_http http;
    uint32_t whole = http_feed_text(&http, text, SIZE_MAX);
    aver_http_deinit(&http);
    for (size_t step = 1; step <= 3; step++) {
        assert_int_equal(http_feed_text(&http, text, step), whole);
        aver_http_deinit(&http);
    }
    return whole;
}

#define assert_status(text, status)                                                                \
    assert_int_equal(http_status_of(AVER_VIEW_LITERAL(text)), status)
#define GET_WITH(lines)  "GET / HTTP/1.1\r\nHost: a\r\n" lines "\r\n"
#define POST_WITH(lines) "POST / HTTP/1.1\r\nHost: a\r\n" lines

static void test_http_reads_a_whole_request(void **state)
{
    (void)state;
    static const char text[] =
        "\r\nPOST /v1/a%20b%2Dc?x=%2F%31&y HTTP/1.1\r\nHost: example\r\n"
        "X-One: \t two words \t\r\nX-Empty:\r\nContent-Length: 5\r\n\r\nhelloGET ";
    for (size_t step = 1; step < sizeof(text); step++) {
        aver_http http;
        assert_int_equal(http_feed_text(&http, AVER_VIEW_LITERAL("\r\n"), 1), 1);
        aver_http_deinit(&http);
        assert_int_equal(http_feed_text(&http, aver_view_text(text), step), 0);
        assert_string_equal(http.method, "POST");
        assert_string_equal(http.path, "/v1/a b-c");
        assert_string_equal(http.query, "x=%2F%31&y");
        assert_string_equal(aver_http_header(&http, "x-one"), "two words");
        assert_string_equal(aver_http_header(&http, "X-EMPTY"), "");
        assert_null(aver_http_header(&http, "X-Absent"));
        assert_true(aver_view_equal_text(aver_buf_view(&http.body), "hello"));
        assert_true(http.keep);
        aver_http_deinit(&http);
    }
}

static void test_http_stops_at_the_end_of_a_request(void **state)
{
    (void)state;
    aver_http http;
    size_t used = 0;
    aver_http_init(&http, HTTP_HEAD_MAX, HTTP_BODY_MAX);
    aver_view two = AVER_VIEW_LITERAL(GET_WITH("") GET_WITH(""));
    assert_int_equal(aver_http_feed(&http, two, &used), AVER_OK);
    assert_int_equal(http.state, AVER_HTTP_DONE);
    assert_int_equal(used, two.size / 2);
    aver_http_deinit(&http);
}

static void test_http_reads_chunks(void **state)
{
    (void)state;
    static const char text[] =
        POST_WITH("Transfer-Encoding: Chunked\r\n\r\n") "5;name=\"v\"\r\nhello\r\n00A\r\n, and "
                                                        "more!\r\n0\r\nTrailer: x\r\n\r\n";
    aver_http http;
    assert_int_equal(http_feed_text(&http, aver_view_text(text), 1), 400);
    aver_http_deinit(&http);
    static const char right[] =
        POST_WITH("Transfer-Encoding: Chunked\r\n\r\n") "5;name=\"v\"\r\nhello\r\n00b\r\n, and "
                                                        "more!\r\n0\r\nTrailer: x\r\n\r\n";
    for (size_t step = 1; step < sizeof(right); step++) {
        assert_int_equal(http_feed_text(&http, aver_view_text(right), step), 0);
        assert_true(aver_view_equal_text(aver_buf_view(&http.body), "hello, and more!"));
        assert_null(aver_http_header(&http, "Trailer"));
        aver_http_deinit(&http);
    }
}

static void test_http_refuses_malformed_lines(void **state)
{
    (void)state;
    assert_status("GET / HTTP/1.1\nHost: a\n\n", 400);
    assert_status("GET / HTTP/1.1\r\nHost: a\n\r\n", 400);
    assert_status("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400);
    assert_status("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 400);
    assert_status("GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n", 400);
    assert_status("\x16\x03\x01\x02", 400);
    assert_status("\r\n\r\n\r\n\r\n\r\n\r\n", 400);
    assert_status("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("\r\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("\n\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    assert_status("GET /\r\n\r\n", 400);
    assert_status("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET / a HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status(GET_WITH("X: a\r\n folded\r\n"), 400);
    assert_status(GET_WITH("X : a\r\n"), 400);
    assert_status(GET_WITH(": a\r\n"), 400);
    assert_status(GET_WITH("no colon\r\n"), 400);
    assert_status(GET_WITH("X(: a\r\n"), 400);
    assert_status(GET_WITH("X: obs \xff text\r\n"), 0);
}

static void test_http_refuses_versions(void **state)
{
    (void)state;
    assert_status("GET / HTTP/1.0\r\n\r\n", 0);
    assert_status("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505);
    assert_status("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505);
    assert_status("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
    assert_status("GET / http/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET / XTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1\r\nHost: a\r\n\r\n", 501);
    assert_status("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 0);
}

static void test_http_refuses_targets(void **state)
{
    (void)state;
    assert_status("GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /.. HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /a/./b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /a/%2e%2E/b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /a%2f..%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /a%0ab HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /a%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /a% HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /a%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET http://a?x=/b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    assert_status("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    assert_status("GET /.../a..b/..c HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    assert_status("GET http://a:1/b HTTP/1.1\r\nHost: a\r\n\r\n", 0);
}

static void test_http_refuses_ambiguous_lengths(void **state)
{
    (void)state;
    assert_status(POST_WITH("Content-Length: 1\r\nContent-Length: 1\r\n\r\na"), 400);
    assert_status(POST_WITH("Content-Length: 1, 1\r\n\r\na"), 400);
    assert_status(POST_WITH("Content-Length: +1\r\n\r\na"), 400);
    assert_status(POST_WITH("Content-Length: -1\r\n\r\na"), 400);
    assert_status(POST_WITH("Content-Length: 0x1\r\n\r\na"), 400);
    assert_status(POST_WITH("Content-Length:\r\n\r\n"), 400);
    assert_status(POST_WITH("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
    assert_status(POST_WITH("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
                  400);
    assert_status(POST_WITH("Transfer-Encoding: gzip, chunked\r\n\r\n"), 501);
    assert_status(POST_WITH("Transfer-Encoding: identity\r\n\r\n"), 501);
    assert_status(POST_WITH("Transfer-Encoding: \r\n\r\n"), 501);
    assert_status("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
    assert_status(POST_WITH("Content-Length: 000005\r\n\r\nhello"), 0);
    assert_status(POST_WITH("Content-Length: 0\r\n\r\n"), 0);
}

static void test_http_refuses_singular_headers_twice(void **state)
{
    (void)state;
    assert_status("GET / HTTP/1.1\r\n\r\n", 400);
    assert_status(GET_WITH("Host: b\r\n"), 400);
    assert_status(GET_WITH("Authorization: a\r\nauthorization: b\r\n"), 400);
    assert_status(GET_WITH("Content-Type: a\r\nContent-Type: b\r\n"), 400);
    assert_status(GET_WITH("Ehbp-Encapsulated-Key: a\r\nEHBP-ENCAPSULATED-KEY: b\r\n"), 400);
    assert_status(GET_WITH("Accept: a\r\nAccept: b\r\n"), 0);
    assert_status(GET_WITH("Expect: 200-ok\r\n"), 417);
    assert_status(GET_WITH("Expect: 100-continue\r\n"), 0);
}

static void test_http_refuses_bad_chunks(void **state)
{
    (void)state;
#define CHUNKED(body) POST_WITH("Transfer-Encoding: chunked\r\n\r\n" body)
    assert_status(CHUNKED("0\r\n\r\n"), 0);
    assert_status(CHUNKED("\r\n"), 400);
    assert_status(CHUNKED(";a\r\n"), 400);
    assert_status(CHUNKED("0x1\r\na\r\n"), 400);
    assert_status(CHUNKED("-1\r\n"), 400);
    assert_status(CHUNKED("1 \r\na\r\n"), 400);
    assert_status(CHUNKED("1\na\r\n"), 400);
    assert_status(CHUNKED("1\r\nab\r\n"), 400);
    assert_status(CHUNKED("1\r\na\n"), 400);
    assert_status(CHUNKED("000000001\r\na\r\n"), 400);
    assert_status(CHUNKED("ffffffff\r\n"), 413);
    assert_status(CHUNKED("40\r\n"), 1);
    assert_status(CHUNKED("41\r\n"), 413);
    assert_status(CHUNKED("1\r\na\r\n40\r\n"), 413);
    assert_status(CHUNKED("0\r\nA: b\n\r\n"), 400);
}

static void test_http_bounds_heads_and_trailers(void **state)
{
    (void)state;
    char text[4 * HTTP_HEAD_MAX];
    int size = snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n", HTTP_HEAD_MAX, 0);
    assert_int_equal(http_status_of(aver_view_make(text, (size_t)size)), 431);
    size = snprintf(text, sizeof(text), "%s0\r\nA: %0*d\r\n",
                    POST_WITH("Transfer-Encoding: chunked\r\n\r\n"), HTTP_HEAD_MAX, 0);
    assert_int_equal(http_status_of(aver_view_make(text, (size_t)size)), 431);
    size = snprintf(text, sizeof(text), "%s1;%0*d\r\n",
                    POST_WITH("Transfer-Encoding: chunked\r\n\r\n"), 300, 0);
    assert_int_equal(http_status_of(aver_view_make(text, (size_t)size)), 400);
    size = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 1; i < AVER_HTTP_HEADERS_MAX; i++) {
        size += snprintf(text + size, sizeof(text) - (size_t)size, "A:%d\r\n", i % 10);
    }
    memcpy(text + size, "\r\n", 2);
    assert_int_equal(http_status_of(aver_view_make(text, (size_t)size + 2)), 0);
    memcpy(text + size, "A:1\r\n\r\n", 7);
    assert_int_equal(http_status_of(aver_view_make(text, (size_t)size + 7)), 431);
}

static void test_http_bounds_bodies(void **state)
{
    (void)state;
    char text[512];
    int size =
        snprintf(text, sizeof(text), "%s%0*d", POST_WITH("Content-Length: 64\r\n\r\n"), 64, 0);
    assert_int_equal(http_status_of(aver_view_make(text, (size_t)size)), 0);
    assert_status(POST_WITH("Content-Length: 65\r\n\r\n"), 413);
    assert_status(POST_WITH("Content-Length: 18446744073709551617\r\n\r\n"), 413);
    assert_status(POST_WITH("Content-Length: 99999999999999999999999999999999999\r\n\r\n"), 413);
}

static void test_http_keeps_connections_only_as_asked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool keep;
    } cases[] = {
        {GET_WITH(""), true},
        {GET_WITH("Connection: keep-alive\r\n"), true},
        {GET_WITH("Connection: foo, Close\r\n"), false},
        {GET_WITH("Connection: closed\r\n"), true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        aver_http http;
        assert_int_equal(http_feed_text(&http, aver_view_text(cases[i].text), SIZE_MAX), 0);
        assert_int_equal(http.keep, cases[i].keep);
        aver_http_deinit(&http);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_reads_a_whole_request),
        cmocka_unit_test(test_http_stops_at_the_end_of_a_request),
        cmocka_unit_test(test_http_reads_chunks),
        cmocka_unit_test(test_http_refuses_malformed_lines),
        cmocka_unit_test(test_http_refuses_versions),
        cmocka_unit_test(test_http_refuses_targets),
        cmocka_unit_test(test_http_refuses_ambiguous_lengths),
        cmocka_unit_test(test_http_refuses_singular_headers_twice),
        cmocka_unit_test(test_http_refuses_bad_chunks),
        cmocka_unit_test(test_http_bounds_heads_and_trailers),
        cmocka_unit_test(test_http_bounds_bodies),
        cmocka_unit_test(test_http_keeps_connections_only_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

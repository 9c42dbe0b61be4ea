/* SPDX-License-Identifier: Apache-2.0 */
#include "support/abusers.h"

#include "aver/bytes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ABUSE_WAIT_S       5
#define ABUSE_TOKENS       48
#define ABUSE_DEPTH        100000u
#define ABUSE_CHUNK_BYTES  (64u * 1024)
#define ABUSE_CHUNKS       80u /* 5 MiB, more than a body may have */
#define ABUSE_HEADERS      120u
#define ABUSE_SIP_BYTES    64
#define ABUSE_SIP_MS       20u
#define ABUSE_SMALL_BUFFER 4096
#define ABUSE_BODY_MAX     (1024u * 1024)

typedef struct abuse_conn {
    int fd;
    SSL *ssl; /* NULL before the handshake */
} abuse_conn;

static SSL_CTX *abuse_contexts[2]; /* any version; at most TLS 1.2 */
static pthread_once_t abuse_once = PTHREAD_ONCE_INIT;

static void abuse_prepare(void)
{
    for (size_t i = 0; i < 2; i++) {
        abuse_contexts[i] = SSL_CTX_new(TLS_client_method());
        if (abuse_contexts[i] == NULL) {
            abort();
        }
    }
    (void)SSL_CTX_set_max_proto_version(abuse_contexts[1], TLS1_2_VERSION);
}

static bool abuse_connect(const node_fixture *node, abuse_conn *ret_conn)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)node->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval wait = {.tv_sec = ABUSE_WAIT_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        (void)close(fd);
        return false;
    }
    *ret_conn = (abuse_conn){.fd = fd};
    return true;
}

static bool abuse_handshake(abuse_conn *conn, size_t context)
{
    (void)pthread_once(&abuse_once, abuse_prepare);
    conn->ssl = SSL_new(abuse_contexts[context]);
    return conn->ssl != NULL && SSL_set_fd(conn->ssl, conn->fd) == 1 && SSL_connect(conn->ssl) == 1;
}

static void abuse_close(abuse_conn *conn)
{
    SSL_free(conn->ssl);
    (void)close(conn->fd);
}

static bool abuse_open(const node_fixture *node, abuse_conn *ret_conn)
{
    if (!abuse_connect(node, ret_conn)) {
        return false;
    }
    if (!abuse_handshake(ret_conn, 0)) {
        abuse_close(ret_conn);
        return false;
    }
    return true;
}

static bool abuse_send(abuse_conn *conn, aver_view bytes)
{
    size_t sent = 0;
    return bytes.size == 0 || SSL_write_ex(conn->ssl, bytes.data, bytes.size, &sent) == 1;
}

/* The status of the answer, 0 if none came. */
static unsigned abuse_status(abuse_conn *conn)
{
    char line[64] = "";
    size_t size = 0;
    unsigned status = 0;
    if (SSL_read_ex(conn->ssl, line, sizeof(line) - 1, &size) != 1 ||
        sscanf(line, "HTTP/1.1 %3u", &status) != 1) {
        return 0;
    }
    return status;
}

/* Sends these bytes, as far as they are taken, and expects this status. */
static bool abuse_exchange(const node_fixture *node, const aver_buf *bytes, unsigned wanted)
{
    abuse_conn conn;
    if (aver_buf_status(bytes) != AVER_OK || !abuse_open(node, &conn)) {
        return false;
    }
    (void)abuse_send(&conn, aver_buf_view(bytes));
    bool clear = abuse_status(&conn) == wanted;
    abuse_close(&conn);
    return clear;
}

static bool abuse_post(const node_fixture *node, aver_view body, unsigned wanted)
{
    aver_buf bytes;
    aver_buf_init(&bytes, ABUSE_BODY_MAX);
    aver_buf_append_format(&bytes,
                           "POST /v1/completions HTTP/1.1\r\nHost: node\r\nContent-Type: "
                           "application/json\r\nContent-Length: %zu\r\n\r\n",
                           body.size);
    aver_buf_append(&bytes, body);
    bool clear = abuse_exchange(node, &bytes, wanted);
    aver_buf_deinit(&bytes);
    return clear;
}

static bool abuse_bad_json(const node_fixture *node, unsigned number)
{
    static const char *const bodies[] = {"{\"model\":", "{]", "{\"a\":1,\"a\":2}", "nonsense", ""};
    return abuse_post(node, aver_view_text(bodies[number % 5]), 400);
}

static bool abuse_deep_json(const node_fixture *node)
{
    char *body = malloc(ABUSE_DEPTH);
    if (body == NULL) {
        return false;
    }
    memset(body, '[', ABUSE_DEPTH);
    bool clear = abuse_post(node, aver_view_make(body, ABUSE_DEPTH), 400);
    free(body);
    return clear;
}

static bool abuse_huge_numbers(const node_fixture *node, unsigned number)
{
    static const char *const numbers[] = {
        "\"max_tokens\":1e308", "\"max_tokens\":99999999999999999999999999999999",
        "\"temperature\":1e999", "\"seed\":-9223372036854775809", "\"top_k\":18446744073709551616"};
    char body[256];
    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",\"prompt\":\"x\",%s}", node->model,
                   numbers[number % 5]);
    return abuse_post(node, aver_view_text(body), 400);
}

static bool abuse_bad_utf8(const node_fixture *node, unsigned number)
{
    static const char *const texts[] = {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80"};
    char body[256];
    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",\"prompt\":\"%s\"}", node->model,
                   texts[number % 4]);
    return abuse_post(node, aver_view_text(body), 400);
}

/* One that is refused by its size alone, and one that must be read to know. */
static bool abuse_long_prompt(const node_fixture *node, unsigned number)
{
    size_t words = number % 2 == 0 ? 2000 : 100000;
    aver_buf body;
    aver_buf_init(&body, ABUSE_BODY_MAX);
    aver_buf_append_format(&body, "{\"model\":\"%s\",\"prompt\":\"", node->model);
    for (size_t i = 0; i < words; i++) {
        aver_buf_append_text(&body, i % 3 == 0 ? "dog " : "a ");
    }
    aver_buf_append_text(&body, "\"}");
    bool clear = abuse_post(node, aver_buf_view(&body), 400);
    aver_buf_deinit(&body);
    return clear;
}

/* A body without a length that does not end; the node answers before it has all. */
static bool abuse_large_body(const node_fixture *node)
{
    static const char head[] = "POST /v1/completions HTTP/1.1\r\nHost: node\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    abuse_conn conn;
    aver_buf chunk;
    if (!abuse_open(node, &conn)) {
        return false;
    }
    aver_buf_init(&chunk, 2 * ABUSE_CHUNK_BYTES);
    aver_buf_append_format(&chunk, "%x\r\n", ABUSE_CHUNK_BYTES);
    for (size_t i = 0; i < ABUSE_CHUNK_BYTES; i++) {
        aver_buf_append_byte(&chunk, 'x');
    }
    aver_buf_append_text(&chunk, "\r\n");
    bool taken = abuse_send(&conn, aver_view_text(head));
    for (unsigned i = 0; taken && i < ABUSE_CHUNKS; i++) {
        taken = abuse_send(&conn, aver_buf_view(&chunk));
    }
    bool clear = abuse_status(&conn) == 413;
    aver_buf_deinit(&chunk);
    abuse_close(&conn);
    return clear;
}

/* More headers than there may be, or one that is too long. */
static bool abuse_header_flood(const node_fixture *node, unsigned number)
{
    unsigned headers = number % 2 == 0 ? ABUSE_HEADERS : 1;
    size_t size = number % 2 == 0 ? 8 : ABUSE_CHUNK_BYTES;
    aver_buf bytes;
    aver_buf_init(&bytes, ABUSE_BODY_MAX);
    aver_buf_append_text(&bytes, "GET /health HTTP/1.1\r\nHost: node\r\n");
    for (unsigned i = 0; i < headers; i++) {
        aver_buf_append_format(&bytes, "X-%u: ", i);
        for (size_t k = 0; k < size; k++) {
            aver_buf_append_byte(&bytes, 'x');
        }
        aver_buf_append_text(&bytes, "\r\n");
    }
    aver_buf_append_text(&bytes, "\r\n");
    bool clear = abuse_exchange(node, &bytes, 431);
    aver_buf_deinit(&bytes);
    return clear;
}

static bool abuse_old_tls(const node_fixture *node)
{
    abuse_conn conn;
    if (!abuse_connect(node, &conn)) {
        return false;
    }
    bool clear = !abuse_handshake(&conn, 1);
    abuse_close(&conn);
    return clear;
}

static void abuse_hold(uint64_t end_ms)
{
    while (node_fixture_now_ms() < end_ms) {
        node_fixture_sleep_ms(ABUSE_SIP_MS);
    }
}

static bool abuse_silent(const node_fixture *node, uint64_t end_ms)
{
    abuse_conn conn;
    if (!abuse_connect(node, &conn)) {
        return false;
    }
    abuse_hold(end_ms);
    abuse_close(&conn);
    return true;
}

static bool abuse_half_head(const node_fixture *node, uint64_t end_ms)
{
    abuse_conn conn;
    if (!abuse_open(node, &conn)) {
        return false;
    }
    bool taken = abuse_send(&conn, AVER_VIEW_LITERAL("POST /v1/completions HTTP/1.1\r\nHos"));
    abuse_hold(end_ms);
    abuse_close(&conn);
    return taken;
}

/* A stream of ABUSE_TOKENS tokens, asked for. */
static bool abuse_stream_open(const node_fixture *node, bool small_buffer, abuse_conn *ret_conn)
{
    int size = ABUSE_SMALL_BUFFER;
    char body[256];
    char bytes[512];
    if (!abuse_open(node, ret_conn)) {
        return false;
    }
    if (small_buffer) {
        (void)setsockopt(ret_conn->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"prompt\":\"One day\",\"max_tokens\":%d,\"stream\":true}",
                   node->model, ABUSE_TOKENS);
    (void)snprintf(bytes, sizeof(bytes),
                   "POST /v1/completions HTTP/1.1\r\nHost: node\r\nConnection: close\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   strlen(body), body);
    return abuse_send(ret_conn, aver_view_text(bytes));
}

static bool abuse_slow_reader(const node_fixture *node, uint64_t end_ms)
{
    abuse_conn conn;
    char sip[ABUSE_SIP_BYTES];
    size_t size = 0;
    if (!abuse_stream_open(node, true, &conn)) {
        return false;
    }
    bool clear = SSL_read_ex(conn.ssl, sip, sizeof(sip), &size) == 1;
    while (clear && node_fixture_now_ms() < end_ms) {
        node_fixture_sleep_ms(ABUSE_SIP_MS);
        if (SSL_read_ex(conn.ssl, sip, sizeof(sip), &size) != 1) {
            break;
        }
    }
    abuse_close(&conn);
    return clear;
}

bool abuse_read_well(const node_fixture *node)
{
    abuse_conn conn;
    char bytes[ABUSE_SMALL_BUFFER];
    size_t size = 0;
    size_t total = 0;
    if (!abuse_stream_open(node, false, &conn)) {
        return false;
    }
    while (SSL_read_ex(conn.ssl, bytes, sizeof(bytes), &size) == 1) {
        total += size;
    }
    abuse_close(&conn);
    return total > ABUSE_TOKENS;
}

const char *abuse_name(abuse_kind kind)
{
    static const char *const names[ABUSE_KINDS] = {
        [ABUSE_SILENT] = "connects, says nothing",
        [ABUSE_HALF_HEAD] = "half a request",
        [ABUSE_SLOW_READER] = "slow reader",
        [ABUSE_BAD_JSON] = "malformed JSON",
        [ABUSE_DEEP_JSON] = "deep JSON",
        [ABUSE_HUGE_NUMBERS] = "huge numbers",
        [ABUSE_BAD_UTF8] = "bad UTF-8",
        [ABUSE_LONG_PROMPT] = "prompt beyond the context",
        [ABUSE_LARGE_BODY] = "body beyond its limit",
        [ABUSE_HEADER_FLOOD] = "flood of headers",
        [ABUSE_OLD_TLS] = "TLS 1.2",
    };
    return names[kind];
}

bool abuse_try(abuse_kind kind, const node_fixture *node, unsigned number, uint64_t end_ms)
{
    switch (kind) {
    case ABUSE_SILENT:
        return abuse_silent(node, end_ms);
    case ABUSE_HALF_HEAD:
        return abuse_half_head(node, end_ms);
    case ABUSE_SLOW_READER:
        return abuse_slow_reader(node, end_ms);
    case ABUSE_BAD_JSON:
        return abuse_bad_json(node, number);
    case ABUSE_DEEP_JSON:
        return abuse_deep_json(node);
    case ABUSE_HUGE_NUMBERS:
        return abuse_huge_numbers(node, number);
    case ABUSE_BAD_UTF8:
        return abuse_bad_utf8(node, number);
    case ABUSE_LONG_PROMPT:
        return abuse_long_prompt(node, number);
    case ABUSE_LARGE_BODY:
        return abuse_large_body(node);
    case ABUSE_HEADER_FLOOD:
        return abuse_header_flood(node, number);
    case ABUSE_OLD_TLS:
        return abuse_old_tls(node);
    case ABUSE_KINDS:
        break;
    }
    return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "support/load.h"

#include "base/sys.h"
#include "net/seal.h"
#include "support/load_stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES    ((size_t)65536)
#define REQUEST_BYTES ((size_t)16384)
#define SILENCE_MS    60000
#define EPOLL_EVENTS  64

typedef struct load_conn {
    struct load_run_state *run;
    int fd;
    SSL *ssl;
    bool asked;      /* an answer is awaited */
    bool fresh;      /* connected for this very request */
    unsigned number; /* of the request under way */
    uint64_t asked_ns;
    uint64_t first_ns;
    aver_buf request;
    load_stream stream;
} load_conn;

typedef struct load_run_state {
    const load_target *target;
    const load_plan *plan;
    SSL_CTX *tls;
    int epoll;
    load_conn conns[LOAD_STREAMS_MAX];
    unsigned next; /* request to be sent */
    unsigned done;
    bool failed;
    uint64_t prompt_tokens;
    uint64_t generated_tokens;
    double first_ms[LOAD_REQUESTS_MAX];
    double all_ms[LOAD_REQUESTS_MAX];
    load_result result;
} load_run_state;

static bool load_fail(load_run_state *run, const char *what)
{
    if (!run->failed) {
        (void)fprintf(stderr, "load: %s\n", what);
    }
    run->failed = true;
    return false;
}

static uint64_t load_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t value = *state;
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static void load_put_prompt(const load_plan *plan, unsigned number, aver_buf *out)
{
    static const char *const words[] = {
        "the", "dog", "cat",  "girl", "boy",  "went", "to",    "a",   "park", "big",  "house",
        "red", "and", "then", "saw",  "tree", "toy",  "happy", "sad", "play", "ball", "small"};
    uint64_t state = plan->seed * 1000003u + number;
    for (unsigned i = 0; i < plan->words; i++) {
        size_t at = load_random(&state) % (sizeof(words) / sizeof(words[0]));
        aver_buf_append_text(out, i == 0 ? "" : " ");
        aver_buf_append_text(out, words[at]);
    }
}

static void load_put_body(const load_run_state *run, unsigned number, aver_buf *out)
{
    const load_target *target = run->target;
    bool chat = strstr(target->path, "chat") != NULL;
    aver_buf_append_format(out,
                           "{\"model\":\"%s\",\"max_tokens\":%u,\"temperature\":0,"
                           "\"stream\":true,\"stream_options\":{\"include_usage\":true}%s,",
                           target->model, run->plan->tokens, target->extra);
    aver_buf_append_text(out, chat ? "\"messages\":[{\"role\":\"user\",\"content\":\""
                                   : "\"prompt\":\"");
    load_put_prompt(run->plan, number, out);
    aver_buf_append_text(out, chat ? "\"}]}" : "\"}");
}

/* Head and body of the next request, sealed if the target has a key. */
static bool load_prepare(load_run_state *run, load_conn *conn)
{
    const load_target *target = run->target;
    char enc_hex[65] = "";
    aver_seal *seal = NULL;
    aver_buf plain, sealed;
    aver_err err = AVER_OK;
    aver_buf_init(&plain, REQUEST_BYTES);
    aver_buf_init(&sealed, REQUEST_BYTES);
    load_put_body(run, conn->number, &plain);
    aver_view body = aver_buf_view(&plain);
    if (target->seal_key != NULL) {
        err = aver_seal_offer(target->seal_key, body, enc_hex, &sealed, &seal);
        body = aver_buf_view(&sealed);
    }
    aver_buf_clear(&conn->request);
    aver_buf_append_format(&conn->request,
                           "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json"
                           "\r\nContent-Length: %zu\r\n",
                           target->path, body.size);
    if (target->seal_key != NULL) {
        aver_buf_append_format(&conn->request, "Ehbp-Encapsulated-Key: %s\r\n", enc_hex);
    }
    aver_buf_append_text(&conn->request, "\r\n");
    aver_buf_append(&conn->request, body);
    load_stream_begin(&conn->stream, seal);
    aver_buf_deinit(&plain);
    aver_buf_deinit(&sealed);
    return err == AVER_OK && aver_buf_status(&conn->request) == AVER_OK
               ? true
               : load_fail(run, "a request cannot be made");
}

/* Blocking: connections are made before the clock runs. */
static bool load_connect(load_run_state *run, load_conn *conn)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)run->target->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    int yes = 1;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        return load_fail(run, "no connection");
    }
    (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (run->tls != NULL) {
        conn->ssl = SSL_new(run->tls);
        if (conn->ssl == NULL || SSL_set_fd(conn->ssl, conn->fd) != 1 ||
            SSL_connect(conn->ssl) != 1) {
            return load_fail(run, "no TLS connection");
        }
    }
    if (fcntl(conn->fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(run->epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0) {
        return load_fail(run, "no connection");
    }
    conn->fresh = true;
    return true;
}

static void load_disconnect(load_conn *conn)
{
    SSL_free(conn->ssl);
    conn->ssl = NULL;
    if (conn->fd >= 0) {
        (void)close(conn->fd);
    }
    conn->fd = -1;
}

/* A request is far smaller than what a socket takes at once. */
static bool load_write(load_run_state *run, const load_conn *conn)
{
    aver_view bytes = aver_buf_view(&conn->request);
    ssize_t put = conn->ssl != NULL ? SSL_write(conn->ssl, bytes.data, (int)bytes.size)
                                    : send(conn->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
    return put == (ssize_t)bytes.size ? true : load_fail(run, "a request cannot be sent");
}

static bool load_ask(load_run_state *run, load_conn *conn)
{
    if (run->next == run->plan->requests) {
        conn->asked = false;
        return true;
    }
    conn->number = run->next++;
    conn->asked = true;
    conn->first_ns = 0;
    conn->asked_ns = aver_time_monotonic_ns();
    return load_prepare(run, conn) && load_write(run, conn);
}

/* The server closed a connection that it had kept until then: the request goes over another one. */
static bool load_again(load_run_state *run, load_conn *conn)
{
    if (conn->fresh || conn->stream.status != 0) {
        return load_fail(run, "an answer was cut");
    }
    load_disconnect(conn);
    return load_connect(run, conn) && load_write(run, conn);
}

static bool load_answered(load_run_state *run, load_conn *conn)
{
    const load_stream *stream = &conn->stream;
    double all_ms = (double)(aver_time_monotonic_ns() - conn->asked_ns) / 1e6;
    if (stream->status != 200 || !stream->done || !stream->has_usage ||
        (run->target->receipts && !stream->has_receipt)) {
        (void)fprintf(stderr, "load: status %u, done %d, usage %d, receipt %d: %.300s\n",
                      stream->status, stream->done, stream->has_usage, stream->has_receipt,
                      stream->last);
        return load_fail(run, "an answer is not whole");
    }
    run->prompt_tokens += stream->prompt_tokens;
    run->generated_tokens += stream->generated_tokens;
    if (stream->generated_tokens == run->plan->tokens) {
        run->result.answered++;
    } else {
        run->result.shorter++;
    }
    run->first_ms[run->done] =
        conn->first_ns == 0 ? all_ms : (double)(conn->first_ns - conn->asked_ns) / 1e6;
    run->all_ms[run->done] = all_ms;
    run->done++;
    if (run->done == (run->plan->requests + 1) / 2 && run->plan->on_half != NULL) {
        run->plan->on_half(run->plan->context);
    }
    conn->fresh = false;
    load_stream_end(&conn->stream);
    return load_ask(run, conn);
}

static bool load_take(load_run_state *run, load_conn *conn, aver_view bytes)
{
    if (!load_stream_feed(&conn->stream, bytes)) {
        return load_fail(run, "an answer cannot be read");
    }
    if (conn->first_ns == 0 && conn->stream.has_text) {
        conn->first_ns = aver_time_monotonic_ns();
    }
    return conn->stream.ended ? load_answered(run, conn) : true;
}

static bool load_readable(load_run_state *run, load_conn *conn)
{
    static uint8_t bytes[READ_BYTES];
    for (;;) {
        ssize_t got = conn->ssl != NULL ? SSL_read(conn->ssl, bytes, (int)sizeof(bytes))
                                        : recv(conn->fd, bytes, sizeof(bytes), 0);
        if (got > 0) {
            /* Without a request under way it can only be the empty line behind the last answer. */
            if (conn->asked && !load_take(run, conn, aver_view_make(bytes, (size_t)got))) {
                return false;
            }
            /* More of it would be announced again; decrypted bytes would not. */
            if (conn->ssl == NULL || SSL_pending(conn->ssl) == 0) {
                return true;
            }
            continue;
        }
        bool later = conn->ssl != NULL ? SSL_get_error(conn->ssl, (int)got) == SSL_ERROR_WANT_READ
                                       : got < 0 && (errno == EAGAIN || errno == EINTR);
        if (later) {
            return true;
        }
        if (!conn->asked) {
            load_disconnect(conn);
            return true;
        }
        return load_again(run, conn);
    }
}

static bool load_loop(load_run_state *run)
{
    struct epoll_event events[EPOLL_EVENTS];
    while (run->done < run->plan->requests) {
        int count = epoll_wait(run->epoll, events, EPOLL_EVENTS, SILENCE_MS);
        if (count == 0 || (count < 0 && errno != EINTR)) {
            return load_fail(run, "the server is silent");
        }
        for (int i = 0; i < count; i++) {
            load_conn *conn = events[i].data.ptr;
            if (conn->fd >= 0 && !load_readable(run, conn)) {
                return false;
            }
        }
    }
    return true;
}

static int load_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double load_share(double *values, size_t count, double share)
{
    qsort(values, count, sizeof(*values), load_compare);
    size_t at = (size_t)((double)count * share);
    return values[at < count ? at : count - 1];
}

static double load_processor_s(void)
{
    struct timespec used;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void load_sum(load_run_state *run, double seconds)
{
    load_result *result = &run->result;
    unsigned count = run->done;
    result->seconds = seconds;
    result->tokens_per_s = (double)run->generated_tokens / seconds;
    result->prompt_tokens_per_s = (double)run->prompt_tokens / seconds;
    result->prompt_tokens = (double)run->prompt_tokens / count;
    result->first_ms_p50 = load_share(run->first_ms, count, 0.50);
    result->first_ms_p99 = load_share(run->first_ms, count, 0.99);
    result->all_ms_p50 = load_share(run->all_ms, count, 0.50);
    result->all_ms_p99 = load_share(run->all_ms, count, 0.99);
}

static bool load_open(load_run_state *run)
{
    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (run->target->tls) {
        run->tls = SSL_CTX_new(TLS_client_method());
        if (run->tls == NULL || SSL_CTX_set_min_proto_version(run->tls, TLS1_3_VERSION) != 1) {
            return load_fail(run, "no TLS");
        }
        /* Bodies are sealed to the key of the verified keyset, whoever ends the connection. */
        SSL_CTX_set_verify(run->tls, SSL_VERIFY_NONE, NULL);
    }
    for (unsigned i = 0; i < run->plan->streams; i++) {
        run->conns[i].run = run;
        run->conns[i].fd = -1;
        aver_buf_init(&run->conns[i].request, 2 * REQUEST_BYTES);
        load_stream_init(&run->conns[i].stream);
    }
    for (unsigned i = 0; i < run->plan->streams; i++) {
        if (!load_connect(run, &run->conns[i])) {
            return false;
        }
    }
    return true;
}

static void load_close(load_run_state *run)
{
    for (unsigned i = 0; i < run->plan->streams; i++) {
        load_disconnect(&run->conns[i]);
        aver_buf_deinit(&run->conns[i].request);
        load_stream_deinit(&run->conns[i].stream);
    }
    SSL_CTX_free(run->tls);
    (void)close(run->epoll);
}

bool load_run(const load_target *target, const load_plan *plan, load_result *ret_result)
{
    static load_run_state run;
    run = (load_run_state){.target = target, .plan = plan, .epoll = -1};
    if (plan->streams > LOAD_STREAMS_MAX || plan->requests > LOAD_REQUESTS_MAX ||
        plan->requests == 0) {
        return load_fail(&run, "such a plan is too large");
    }
    bool good = load_open(&run);
    double used_s = load_processor_s();
    uint64_t start_ns = aver_time_monotonic_ns();
    for (unsigned i = 0; good && i < plan->streams; i++) {
        good = load_ask(&run, &run.conns[i]);
    }
    good = good && load_loop(&run);
    double seconds = (double)(aver_time_monotonic_ns() - start_ns) / 1e9;
    run.result.client_s = load_processor_s() - used_s;
    if (good) {
        load_sum(&run, seconds);
        *ret_result = run.result;
    }
    load_close(&run);
    return good;
}

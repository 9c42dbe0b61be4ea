/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever only carries the bytes of aver ask: evidence passes through, and instead of an answer
 * comes text of the carrier's own, unsealed. None of it may reach the reader as an answer, and no
 * token may reach the carrier before the node is judged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "support/cli_run.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CARRIER_TEXT_BYTES 65536
#define CARRIER_HALF_BYTES 2000

typedef struct carrier_state {
    int listener;
    pthread_t thread;
    unsigned status; /* of what the carrier answers to POST */
    const char *type;
    bool silent;                   /* POST gets no answer */
    bool half;                     /* POST gets the beginning of the node's answer */
    char seen[CARRIER_TEXT_BYTES]; /* what came from the client, one request after the other */
    size_t seen_size;
} carrier_state;

static node_fixture node;
static cli_run run;
static carrier_state carrier;

static const char carrier_body[] = "data: {\"choices\":[{\"index\":0,\"text\":\"words of the "
                                   "carrier\"}]}\n\ndata: [DONE]\n\n";

static int carrier_socket(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof(address->sun_path));
    memcpy(address->sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    return fd;
}

static void carrier_put(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = send(fd, bytes, size, MSG_NOSIGNAL);
        if (put <= 0) {
            return;
        }
        bytes += put;
        size -= (size_t)put;
    }
}

/*
 * The request to the node with one more header, and its answer back until the node ends it. A node
 * id in the path is taken off: this node answers, whichever was asked for.
 */
static void carrier_pass(int client, const char *request)
{
    static const char closing[] = "\r\nConnection: close";
    static const char method[] = "GET ";
    const size_t id_size = 3 + 64;
    char bytes[16384];
    struct sockaddr_un address;
    int fd = carrier_socket(node.unix_socket, &address);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    const char *line_end = strstr(request, "\r\n");
    assert_non_null(line_end);
    if (strncmp(request, "GET /n/", 7) == 0) {
        request += id_size;
        carrier_put(fd, method, sizeof(method) - 1);
        request += sizeof(method) - 1;
    }
    carrier_put(fd, request, (size_t)(line_end - request));
    carrier_put(fd, closing, sizeof(closing) - 1);
    carrier_put(fd, line_end, strlen(line_end));
    for (ssize_t got = read(fd, bytes, sizeof(bytes)); got > 0;
         got = read(fd, bytes, sizeof(bytes))) {
        carrier_put(client, bytes, (size_t)got);
    }
    (void)close(fd);
}

static void carrier_answer(int client)
{
    char head[256];
    int size = snprintf(head, sizeof(head),
                        "HTTP/1.1 %u Carried\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                        "Connection: close\r\n\r\n",
                        carrier.status, carrier.type, sizeof(carrier_body) - 1);
    carrier_put(client, head, (size_t)size);
    carrier_put(client, carrier_body, sizeof(carrier_body) - 1);
}

/* The node's own answer, as far as it fits one piece; then nothing until the client gives up. */
static void carrier_pass_half(int client, const char *request, size_t size)
{
    char bytes[CARRIER_HALF_BYTES];
    size_t have = 0;
    struct sockaddr_un address;
    int fd = carrier_socket(node.unix_socket, &address);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    carrier_put(fd, request, size);
    while (have < sizeof(bytes)) {
        ssize_t got = read(fd, bytes + have, sizeof(bytes) - have);
        assert_true(got > 0);
        have += (size_t)got;
    }
    carrier_put(client, bytes, have);
    assert_true(read(client, bytes, sizeof(bytes)) <= 0);
    (void)close(fd);
}

/* Reads a request of at most one buffer: its head, and as much body as it announces. 0: none. */
static size_t carrier_take(int client, char *request, size_t room)
{
    size_t size = 0;
    size_t wanted = SIZE_MAX;
    while (size < wanted && size + 1 < room) {
        ssize_t got = read(client, request + size, room - 1 - size);
        if (got <= 0) {
            return 0;
        }
        size += (size_t)got;
        request[size] = '\0';
        const char *end = strstr(request, "\r\n\r\n");
        if (end != NULL) {
            const char *length = strstr(request, "Content-Length: ");
            wanted = (size_t)(end + 4 - request);
            wanted += length != NULL && length < end ? strtoul(length + 16, NULL, 10) : 0;
        }
    }
    return size;
}

static void *carrier_serve(void *context)
{
    static char request[CARRIER_TEXT_BYTES];
    (void)context;
    for (;;) {
        int client = accept(carrier.listener, NULL, NULL);
        if (client < 0) {
            return NULL;
        }
        size_t taken = carrier_take(client, request, sizeof(request));
        if (taken > 0) {
            int size = snprintf(carrier.seen + carrier.seen_size,
                                sizeof(carrier.seen) - carrier.seen_size, "%s", request);
            carrier.seen_size += (size_t)size;
            if (strncmp(request, "GET ", 4) == 0) {
                carrier_pass(client, request);
            } else if (carrier.half) {
                carrier_pass_half(client, request, taken);
            } else if (!carrier.silent) {
                carrier_answer(client);
            } else {
                /* Until the client gives up. */
                assert_int_equal(read(client, request, sizeof(request)), 0);
            }
        }
        (void)close(client);
    }
}

/* aver ask through the carrier, with a token and this policy. */
static int ask_carried_to(const char *url, const char *timeout, const char *policy)
{
    char path[CLI_RUN_PATH_BYTES];
    char token[CLI_RUN_PATH_BYTES];
    struct sockaddr_un address;
    cli_run_path(&run, "carrier", path);
    cli_run_path(&run, "token", token);
    (void)unlink(path);
    assert_int_equal(aver_file_write(token, AVER_VIEW_LITERAL("a-token-of-the-reader"), 0600),
                     AVER_OK);
    carrier.listener = carrier_socket(path, &address);
    assert_int_equal(bind(carrier.listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(carrier.listener, 8), 0);
    assert_int_equal(pthread_create(&carrier.thread, NULL, carrier_serve, NULL), 0);
    const char *const words[] = {"ask",
                                 "--unix",
                                 path,
                                 "--url",
                                 url,
                                 "--policy",
                                 policy,
                                 "--sim-root",
                                 run.root,
                                 "--token-file",
                                 token,
                                 "-n",
                                 "8",
                                 "--timeout",
                                 timeout,
                                 "--completion",
                                 "Once upon a time",
                                 NULL};
    int code = cli_run_words(&run, words);
    (void)shutdown(carrier.listener, SHUT_RDWR);
    assert_int_equal(pthread_join(carrier.thread, NULL), 0);
    (void)close(carrier.listener);
    return code;
}

static int ask_carried(unsigned status, const char *type, const char *policy)
{
    carrier = (carrier_state){.status = status, .type = type};
    return ask_carried_to("http://localhost", "60", policy);
}

static void unsealed_text_is_no_answer_whatever_its_status(void **state)
{
    (void)state;
    static const unsigned statuses[] = {200, 201, 226, 400, 503};
    static const char *const types[] = {"text/event-stream", "application/json"};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        for (size_t j = 0; j < sizeof(types) / sizeof(types[0]); j++) {
            assert_int_not_equal(ask_carried(statuses[i], types[j], run.policy), 0);
            assert_string_equal(run.out, "");
            if (statuses[i] >= 400) {
                assert_non_null(strstr(run.err, "may have written it"));
            }
            assert_non_null(strstr(carrier.seen, "POST /v1/completions"));
        }
    }
}

static void no_token_leaves_before_the_node_is_accepted(void **state)
{
    (void)state;
    char policy[CLI_RUN_PATH_BYTES];
    cli_run_path(&run, "nothing.json", policy);
    assert_int_equal(aver_file_write(policy, AVER_VIEW_LITERAL("{\"version\":1}"), 0600), AVER_OK);
    assert_int_equal(ask_carried(400, "text/plain", policy), 1);
    assert_non_null(strstr(carrier.seen, "GET /v1/attestation"));
    assert_null(strstr(carrier.seen, "POST "));
    assert_null(strstr(carrier.seen, "a-token-of-the-reader"));
    /* To a node that was accepted it goes, with the prompt. */
    assert_int_not_equal(ask_carried(400, "text/plain", run.policy), 0);
    assert_non_null(strstr(carrier.seen, "a-token-of-the-reader"));
}

/* The evidence is genuine and fresh, of another node than the one that was asked for. */
static void another_node_than_the_urls_gets_no_prompt(void **state)
{
    (void)state;
    char url[128];
    (void)snprintf(url, sizeof(url), "http://localhost/n/%064d", 7);
    carrier = (carrier_state){.status = 400, .type = "text/plain"};
    assert_int_equal(ask_carried_to(url, "60", run.policy), 1);
    assert_non_null(strstr(run.err, "REFUSED node.id"));
    assert_non_null(strstr(run.err, "The prompt was not sent"));
    assert_non_null(strstr(carrier.seen, "GET /n/"));
    assert_null(strstr(carrier.seen, "POST "));
    assert_null(strstr(carrier.seen, "a-token-of-the-reader"));
}

static void silence_ends_when_the_reader_said(void **state)
{
    (void)state;
    carrier = (carrier_state){.silent = true};
    uint64_t before_ns = aver_time_monotonic_ns();
    assert_int_equal(ask_carried_to("http://localhost", "2", run.policy), 4);
    assert_true(aver_time_monotonic_ns() - before_ns < 30000000000u);
    assert_non_null(strstr(run.err, "--timeout is 2 s"));
    assert_non_null(strstr(carrier.seen, "POST "));
    /* The same in the middle of an answer: what came is shown, and that it is not all of it. */
    carrier = (carrier_state){.half = true};
    assert_int_equal(ask_carried_to("http://localhost", "2", run.policy), 4);
    assert_non_null(strstr(run.err, "the answer broke off"));
    assert_non_null(strstr(run.err, "--timeout is 2 s"));
    assert_non_null(strstr(run.err, "REFUSED receipt.format"));
}

static int set_up(void **state)
{
    (void)state;
    node_fixture_start(&node, NULL);
    cli_run_open(&run, &node);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cli_run_close(&run);
    return node_fixture_stop(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsealed_text_is_no_answer_whatever_its_status),
        cmocka_unit_test(no_token_leaves_before_the_node_is_accepted),
        cmocka_unit_test(another_node_than_the_urls_gets_no_prompt),
        cmocka_unit_test(silence_ends_when_the_reader_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

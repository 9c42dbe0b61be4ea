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
#include "support/carrier.h"
#include "support/cli_run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CARRIER_TEXT_BYTES 65536
#define CARRIER_HALF_BYTES 2000
#define CARRIER_BODY                                                                               \
    "data: {\"choices\":[{\"index\":0,\"text\":\"words of the carrier\"}]}\n\ndata: [DONE]\n\n"

typedef struct carrier_state {
    carrier_server server;
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

/* A node id in the path is taken off: this node answers, whichever was asked for. */
static void carrier_get(int client, aver_view request)
{
    static const char named[] = "GET /n/";
    const size_t id_end = sizeof(named) - 1 + 64;
    aver_buf plain;
    aver_buf_init(&plain, CARRIER_TEXT_BYTES);
    if (request.size > id_end && memcmp(request.data, named, sizeof(named) - 1) == 0) {
        aver_buf_append_text(&plain, "GET ");
        request = aver_view_slice(request, id_end, request.size - id_end);
    }
    aver_buf_append(&plain, request);
    carrier_pass(client, node.unix_socket, aver_buf_view(&plain), NULL);
    aver_buf_deinit(&plain);
}

static void carrier_answer(int client)
{
    char head[256];
    int size = snprintf(head, sizeof(head),
                        "HTTP/1.1 %u Carried\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                        "Connection: close\r\n\r\n",
                        carrier.status, carrier.type, sizeof(CARRIER_BODY) - 1);
    carrier_put(client, aver_view_make((const uint8_t *)head, (size_t)size));
    carrier_put(client, AVER_VIEW_LITERAL(CARRIER_BODY));
}

/* The node's own answer, as far as it fits one piece; then nothing until the client gives up. */
static void carrier_pass_half(int client, aver_view request)
{
    uint8_t bytes[CARRIER_HALF_BYTES];
    size_t have = 0;
    int fd = carrier_connect(node.unix_socket);
    carrier_put(fd, request);
    while (have < sizeof(bytes)) {
        ssize_t got = read(fd, bytes + have, sizeof(bytes) - have);
        assert_true(got > 0);
        have += (size_t)got;
    }
    carrier_put(client, aver_view_make(bytes, have));
    assert_true(read(client, bytes, sizeof(bytes)) <= 0);
    (void)close(fd);
}

static void carrier_handle_one(int client, aver_view request)
{
    int size = snprintf(carrier.seen + carrier.seen_size, sizeof(carrier.seen) - carrier.seen_size,
                        "%.*s", (int)request.size, (const char *)request.data);
    carrier.seen_size += (size_t)size;
    assert_true(carrier.seen_size < sizeof(carrier.seen));
    if (request.size > 4 && memcmp(request.data, "GET ", 4) == 0) {
        carrier_get(client, request);
    } else if (carrier.half) {
        carrier_pass_half(client, request);
    } else if (!carrier.silent) {
        carrier_answer(client);
    } else {
        /* Until the client gives up. */
        char byte;
        assert_int_equal(read(client, &byte, 1), 0);
    }
}

/* aver ask through the carrier, with a token and this policy. */
static int ask_carried_to(const char *url, const char *timeout, const char *policy)
{
    char path[CLI_RUN_PATH_BYTES];
    char token[CLI_RUN_PATH_BYTES];
    cli_run_path(&run, "carrier", path);
    cli_run_path(&run, "token", token);
    assert_int_equal(aver_file_write(token, AVER_VIEW_LITERAL("a-token-of-the-reader"), 0600),
                     AVER_OK);
    carrier_start(&carrier.server, path, carrier_handle_one);
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
    carrier_stop(&carrier.server);
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
    cli_run_start(&run, &node, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return cli_run_stop(&run, &node);
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

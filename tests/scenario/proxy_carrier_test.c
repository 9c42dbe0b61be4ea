/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody tampers between aver proxy and a genuine node. Each tampering is refused by the check
 * that is there for it, and nothing of such an answer reaches the client as a success.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/bundle.h"
#include "base/sys.h"
#include "cli/demo_proxy.h"
#include "support/carrier.h"
#include "support/proxy_run.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX (4u * 1024 * 1024)
#define CHAT             "/v1/chat/completions"

typedef enum tampering {
    PASS = 1,
    PLAIN_WHOLE,   /* an answer of the carrier's own, unsealed */
    PLAIN_STREAM,  /* the same as a stream */
    PLAIN_ERROR,   /* an error of the carrier's own */
    NO_RECEIPT,    /* the header Aver-Receipt is left out */
    OTHER_RECEIPT, /* that of another answer stands there */
    FLIP_RECEIPT,  /* one character of it is another */
    FLIP_BODY,     /* one bit of the sealed body */
    CUT_BODY,      /* the sealed body is empty, its length says so */
    REPLAY,        /* the whole of an earlier answer */
    OTHER_NODE,    /* evidence of another node */
    OUTDATED,      /* a carrier says that the keys are old, again and again */
    OTHER_SUCCESS, /* a genuine answer, its status is 205 */
    ERROR_AS_GOOD, /* a genuine error, its status is 200 */
    NO_ERROR,      /* a status that is neither success nor error */
    PAGE,          /* documents are pages with a script */
} tampering;

static node_fixture node, other;
static cli_run run;
static proxy_run proxy;
static carrier_server server;
static atomic_int mode;
static atomic_uint posts, attestations;
static aver_buf earlier; /* a genuine answer to another request */

static aver_view header_value(aver_view answer, const char *name)
{
    const uint8_t *at = memmem(answer.data, answer.size, name, strlen(name));
    assert_non_null(at);
    at += strlen(name);
    const uint8_t *end = memchr(at, '\r', answer.size - (size_t)(at - answer.data));
    assert_non_null(end);
    return aver_view_make(at, (size_t)(end - at));
}

static size_t body_offset(aver_view answer)
{
    const uint8_t *at = memmem(answer.data, answer.size, "\r\n\r\n", 4);
    assert_non_null(at);
    return (size_t)(at - answer.data) + 4;
}

/* Writes with replace in the place of what, which points into answer. */
static void put_replaced(int client, aver_view answer, aver_view what, aver_view replace)
{
    size_t before = (size_t)(what.data - answer.data);
    carrier_put(client, aver_view_slice(answer, 0, before));
    carrier_put(client, replace);
    carrier_put(client,
                aver_view_slice(answer, before + what.size, answer.size - before - what.size));
}

static void put_no_receipt(int client, aver_view answer)
{
    static const char name[] = "Aver-Receipt: ";
    aver_view value = header_value(answer, name);
    value.data -= sizeof(name) - 1;
    value.size += sizeof(name) + 1;
    put_replaced(client, answer, value, (aver_view){NULL, 0});
}

static void put_cut(int client, aver_view answer)
{
    aver_view length = header_value(answer, "Content-Length: ");
    aver_view head = aver_view_slice(answer, 0, body_offset(answer));
    put_replaced(client, head, length, AVER_VIEW_LITERAL("0"));
}

/* With another status line. */
static void put_status(int client, aver_view answer, const char *status)
{
    const uint8_t *end = memchr(answer.data, '\r', answer.size);
    assert_non_null(end);
    put_replaced(client, answer, aver_view_slice(answer, 0, (size_t)(end - answer.data)),
                 aver_view_text(status));
}

static void put_tampered(int client, aver_buf *answer)
{
    aver_view bytes = aver_buf_view(answer);
    if (atomic_load(&mode) == OTHER_SUCCESS || atomic_load(&mode) == ERROR_AS_GOOD) {
        bool error = atomic_load(&mode) == ERROR_AS_GOOD;
        put_status(client, bytes, error ? "HTTP/1.1 200 OK" : "HTTP/1.1 205 Reset Content");
        return;
    }
    aver_view receipt = header_value(bytes, "Aver-Receipt: ");
    size_t at;
    switch (atomic_load(&mode)) {
    case NO_RECEIPT:
        put_no_receipt(client, bytes);
        return;
    case OTHER_RECEIPT:
        put_replaced(client, bytes, receipt,
                     header_value(aver_buf_view(&earlier), "Aver-Receipt: "));
        return;
    case FLIP_RECEIPT:
        at = (size_t)(receipt.data - answer->data) + 40;
        answer->data[at] = answer->data[at] == 'A' ? 'B' : 'A';
        break;
    case FLIP_BODY:
        answer->data[body_offset(bytes) + 20] ^= 1;
        break;
    case CUT_BODY:
        put_cut(client, bytes);
        return;
    case REPLAY:
        bytes = aver_buf_view(&earlier);
        break;
    default:
        break;
    }
    carrier_put(client, bytes);
}

/* The node's answer as it comes, without the client. */
static void node_answer_to(aver_view request, aver_buf *answer)
{
    int sink[2];
    assert_int_equal(pipe(sink), 0);
    (void)close(sink[0]);
    /* Nobody reads what carrier_pass writes: only the copy counts. */
    carrier_pass(sink[1], node.unix_socket, request, answer);
    (void)close(sink[1]);
    assert_int_equal(aver_buf_status(answer), AVER_OK);
}

static void put_own(int client, const char *head, const char *body)
{
    char text[1024];
    (void)snprintf(text, sizeof(text),
                   "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", head,
                   strlen(body), body);
    carrier_put(client, aver_view_text(text));
}

/* An answer is kept for later; what the proxy asks for its capsule is not. */
static void pass_kept(int client, aver_view request)
{
    static const char chat[] = "POST " CHAT " ";
    bool kept = memcmp(request.data, chat, sizeof(chat) - 1) == 0;
    if (kept) {
        aver_buf_clear(&earlier);
    }
    carrier_pass(client, node.unix_socket, request, kept ? &earlier : NULL);
}

static void handle_post(int client, aver_view request)
{
    aver_buf answer;
    (void)atomic_fetch_add(&posts, 1);
    switch (atomic_load(&mode)) {
    case PASS:
        pass_kept(client, request);
        return;
    case PLAIN_WHOLE:
        put_own(client, "200 OK\r\nContent-Type: application/json",
                "{\"choices\":[{\"message\":{\"content\":\"words of the carrier\"}}]}");
        return;
    case PLAIN_STREAM:
        put_own(client, "200 OK\r\nContent-Type: text/event-stream",
                "data: {\"words of the carrier\":1}\n\ndata: [DONE]\n\n");
        return;
    case PLAIN_ERROR:
        put_own(client, "429 Busy\r\nContent-Type: application/json\r\nRetry-After: 7",
                "{\"error\":{\"message\":\"words of the carrier\"}}");
        return;
    case NO_ERROR:
        put_own(client, "304 Not Modified\r\nContent-Type: application/json", "");
        return;
    case OUTDATED:
        put_own(client, "422 Keys\r\nContent-Type: application/problem+json",
                "{\"type\":\"urn:ietf:params:ehbp:error:key-config\",\"title\":\"words of the "
                "carrier\"}");
        return;
    default:
        aver_buf_init(&answer, ANSWER_BYTES_MAX);
        node_answer_to(request, &answer);
        put_tampered(client, &answer);
        aver_buf_deinit(&answer);
    }
}

static void handle(int client, aver_view request)
{
    static const char documents[] = "GET /v1/models ";
    if (memcmp(request.data, "POST ", 5) == 0) {
        handle_post(client, request);
    } else if (atomic_load(&mode) == PAGE &&
               memcmp(request.data, documents, sizeof(documents) - 1) == 0) {
        put_own(client, "200 OK\r\nContent-Type: text/html", "<script>read('/')</script>");
    } else {
        (void)atomic_fetch_add(&attestations, 1);
        carrier_pass(client,
                     atomic_load(&mode) == OTHER_NODE ? other.unix_socket : node.unix_socket,
                     request, NULL);
    }
}

static const char *question(bool stream)
{
    static char text[512];
    (void)snprintf(text, sizeof(text),
                   "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"Once upon\"}],"
                   "\"temperature\":0,\"max_tokens\":120,\"stream\":%s}",
                   node.model, stream ? "true" : "false");
    return text;
}

static void open_proxy(const char *path)
{
    const char *const words[] = {"--unix", path, NULL};
    proxy_run_start(&proxy, &run, NULL, words);
}

static void assert_refused(tampering kind, bool stream, const char *check)
{
    char param[96];
    proxy_answer answer = {.status = 0};
    atomic_store(&mode, (int)kind);
    proxy_ask(&proxy, CHAT, question(stream), &answer);
    (void)snprintf(param, sizeof(param), "\"param\":\"%s\"", check);
    if (answer.status != 502 || !proxy_answer_has(&answer, param)) {
        fail_msg("tampering %d: %u %s", (int)kind, answer.status, (const char *)answer.body.data);
    }
    assert_true(proxy_answer_has(&answer, "\"code\":\"verification_failed\""));
    assert_string_equal(answer.verdict, "refused");
    assert_string_equal(answer.receipt, "");
    assert_false(proxy_answer_has(&answer, "words of the carrier"));
    assert_false(proxy_answer_has(&answer, "\"choices\""));
    proxy_answer_deinit(&answer);
}

static void assert_accepted(void)
{
    proxy_answer answer = {.status = 0};
    atomic_store(&mode, PASS);
    proxy_ask(&proxy, CHAT, question(false), &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.verdict, "accepted");
    proxy_answer_deinit(&answer);
}

static void each_tampering_with_a_whole_answer_is_named(void **state)
{
    (void)state;
    char path[CLI_RUN_PATH_BYTES];
    cli_run_path(&run, "carrier", path);
    atomic_store(&mode, PASS);
    carrier_start(&server, path, handle);
    open_proxy(path);
    assert_accepted();
    assert_refused(PLAIN_WHOLE, false, "channel.seal");
    assert_refused(PLAIN_STREAM, true, "channel.seal");
    assert_refused(NO_RECEIPT, false, "receipt.format");
    assert_refused(OTHER_RECEIPT, false, "channel.seal");
    assert_refused(FLIP_RECEIPT, false, "channel.seal");
    assert_refused(FLIP_BODY, false, "channel.seal");
    assert_refused(CUT_BODY, false, "receipt.response");
    assert_refused(REPLAY, false, "channel.seal");
    assert_accepted();
    assert_int_equal(proxy_run_stop(&proxy), 0);
    carrier_stop(&server);
}

static void words_of_a_carrier_are_no_error_of_the_node(void **state)
{
    (void)state;
    char path[CLI_RUN_PATH_BYTES];
    proxy_answer answer = {.status = 0};
    cli_run_path(&run, "carrier", path);
    atomic_store(&mode, PLAIN_ERROR);
    carrier_start(&server, path, handle);
    open_proxy(path);
    proxy_ask(&proxy, CHAT, question(false), &answer);
    assert_int_equal(answer.status, 429);
    assert_string_equal(answer.verdict, "none");
    assert_true(proxy_answer_has(&answer, "unsealed_error"));
    assert_false(proxy_answer_has(&answer, "words of the carrier"));
    proxy_answer_deinit(&answer);
    assert_int_equal(proxy_run_stop(&proxy), 0);
    carrier_stop(&server);
}

/* No seal covers the status: what the client is told is what the receipt signs, or no success. */
static void the_status_is_not_the_carriers_to_choose(void **state)
{
    (void)state;
    static const char id[] =
        "{\"id\":\"0000000000000000000000000000000000000000000000000000000000000000\"}";
    char path[CLI_RUN_PATH_BYTES];
    proxy_answer answer = {.status = 0};
    cli_run_path(&run, "carrier", path);
    atomic_store(&mode, OTHER_SUCCESS);
    carrier_start(&server, path, handle);
    open_proxy(path);
    proxy_ask(&proxy, CHAT, question(false), &answer);
    assert_string_equal(answer.verdict, "accepted");
    assert_int_equal(answer.status, 200);
    assert_true(proxy_answer_has(&answer, "\"choices\""));
    proxy_answer_deinit(&answer);
    atomic_store(&mode, ERROR_AS_GOOD);
    proxy_ask(&proxy, "/v1/receipts", id, &answer);
    assert_int_equal(answer.status, 502);
    assert_string_equal(answer.verdict, "refused");
    proxy_answer_deinit(&answer);
    atomic_store(&mode, NO_ERROR);
    proxy_ask(&proxy, CHAT, question(false), &answer);
    assert_int_equal(answer.status, 502);
    assert_string_equal(answer.verdict, "none");
    assert_true(proxy_answer_has(&answer, "unsealed_error"));
    proxy_answer_deinit(&answer);
    assert_int_equal(proxy_run_stop(&proxy), 0);
    carrier_stop(&server);
}

/* A page from elsewhere, shown under the proxy's address, could read the reader's capsules. */
static void nothing_of_a_carrier_is_a_page_of_the_proxy(void **state)
{
    (void)state;
    char path[CLI_RUN_PATH_BYTES];
    proxy_answer answer = {.status = 0};
    cli_run_path(&run, "carrier", path);
    atomic_store(&mode, PAGE);
    carrier_start(&server, path, handle);
    open_proxy(path);
    proxy_ask(&proxy, "/v1/models", NULL, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.verdict, "none");
    assert_string_equal(answer.source, "carrier");
    assert_string_equal(answer.sniff, "nosniff");
    assert_string_equal(answer.page, "default-src 'none'; frame-ancestors 'none'; sandbox");
    proxy_answer_deinit(&answer);
    assert_int_equal(proxy_run_stop(&proxy), 0);
    carrier_stop(&server);
}

/* One verification more, one more attempt, and then no other. */
static void a_node_that_claims_other_keys_is_verified_once_more(void **state)
{
    (void)state;
    char path[CLI_RUN_PATH_BYTES];
    proxy_answer answer = {.status = 0};
    cli_run_path(&run, "carrier", path);
    atomic_store(&mode, OUTDATED);
    carrier_start(&server, path, handle);
    atomic_store(&attestations, 0);
    open_proxy(path);
    /* The verification that the proxy begins with. */
    while (atomic_load(&attestations) == 0) {
        node_fixture_sleep_ms(2);
    }
    atomic_store(&posts, 0);
    atomic_store(&attestations, 0);
    proxy_ask(&proxy, CHAT, question(false), &answer);
    assert_int_equal(answer.status, 422);
    assert_string_equal(answer.verdict, "none");
    assert_false(proxy_answer_has(&answer, "words of the carrier"));
    assert_int_equal(atomic_load(&posts), 2);
    assert_int_equal(atomic_load(&attestations), 1);
    proxy_answer_deinit(&answer);
    assert_int_equal(proxy_run_stop(&proxy), 0);
    carrier_stop(&server);
}

/* Its evidence is genuine, by a root that the reader does not trust. */
static void another_node_at_the_address_gets_no_prompt(void **state)
{
    (void)state;
    char path[CLI_RUN_PATH_BYTES];
    cli_run_path(&run, "carrier", path);
    atomic_store(&mode, OTHER_NODE);
    carrier_start(&server, path, handle);
    open_proxy(path);
    atomic_store(&posts, 0);
    assert_refused(OTHER_NODE, false, "platform.root");
    assert_refused(OTHER_NODE, true, "platform.root");
    assert_int_equal(atomic_load(&posts), 0);
    assert_accepted();
    assert_int_equal(proxy_run_stop(&proxy), 0);
    carrier_stop(&server);
}

/* A stream through somebody who spoils it late: what the client sees of it. */
static void ask_spoiled(aver_demo_tamper tamper, const char *check, const char *const *more)
{
    char path[CLI_RUN_PATH_BYTES], address[AVER_DEMO_PATH_MAX], param[96];
    const char *const words[] = {"--unix", path, more[0], NULL};
    aver_demo_proxy *spoiler = NULL;
    proxy_answer answer = {.status = 0};
    cli_run_path(&run, "spoiler", path);
    assert_int_equal(aver_demo_proxy_start(tamper, node.unix_socket, path, (aver_view){NULL, 0},
                                           address, &spoiler),
                     AVER_OK);
    proxy_run_start(&proxy, &run, NULL, words);
    proxy_ask(&proxy, CHAT, question(true), &answer);
    (void)snprintf(param, sizeof(param), "\"param\":\"%s\"", check);
    if (!proxy_answer_has(&answer, param)) {
        fail_msg("%s: %u %s", check, answer.status, (const char *)answer.body.data);
    }
    assert_true(proxy_answer_has(&answer, "\"code\":\"verification_failed\""));
    assert_false(proxy_answer_has(&answer, "[DONE]"));
    assert_false(proxy_answer_has(&answer, "\"finish_reason\":\""));
    if (more[0] == NULL) {
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer.verdict, "pending");
        assert_int_not_equal(answer.err, AVER_OK);
        assert_true(proxy_answer_has(&answer, ": aver-verdict refused"));
    } else {
        assert_int_equal(answer.status, 502);
        assert_false(proxy_answer_has(&answer, "\"choices\""));
    }
    proxy_answer_deinit(&answer);
    assert_int_equal(proxy_run_stop(&proxy), 0);
    aver_demo_proxy_stop(spoiler, NULL);
}

static void a_spoiled_stream_ends_with_an_error_and_a_cut(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    ask_spoiled(AVER_DEMO_FLIP, "channel.seal", none);
    ask_spoiled(AVER_DEMO_STRIP, "receipt.format", none);
    ask_spoiled(AVER_DEMO_CUT, "receipt.format", none);
}

static void nothing_of_a_held_stream_comes_through_when_it_is_spoiled(void **state)
{
    (void)state;
    static const char *const hold[] = {"--hold", NULL};
    ask_spoiled(AVER_DEMO_FLIP, "channel.seal", hold);
    ask_spoiled(AVER_DEMO_STRIP, "receipt.format", hold);
    ask_spoiled(AVER_DEMO_CUT, "receipt.format", hold);
}

/* TLS ends at somebody else: the evidence is the node's, the connection is not. */
static void a_foreign_tls_key_gets_no_prompt(void **state)
{
    (void)state;
    char address[AVER_DEMO_PATH_MAX];
    unsigned seen = 9;
    aver_demo_proxy *middle = NULL;
    assert_int_equal(aver_demo_proxy_start(AVER_DEMO_TLS, node.unix_socket, NULL,
                                           (aver_view){NULL, 0}, address, &middle),
                     AVER_OK);
    const char *const words[] = {"--url", address, NULL};
    proxy_run_start(&proxy, &run, NULL, words);
    proxy_answer answer = {.status = 0};
    proxy_ask(&proxy, CHAT, question(false), &answer);
    assert_int_equal(answer.status, 502);
    assert_true(proxy_answer_has(&answer, "\"param\":\"channel.tls\""));
    proxy_answer_deinit(&answer);
    assert_int_equal(proxy_run_stop(&proxy), 0);
    aver_demo_proxy_stop(middle, &seen);
    assert_int_equal(seen, 0);
}

static int set_up(void **state)
{
    (void)state;
    aver_buf_init(&earlier, ANSWER_BYTES_MAX);
    node_fixture_start(&other, NULL);
    cli_run_start(&run, &node, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aver_buf_deinit(&earlier);
    return cli_run_stop(&run, &node) + node_fixture_stop(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tampering_with_a_whole_answer_is_named),
        cmocka_unit_test(words_of_a_carrier_are_no_error_of_the_node),
        cmocka_unit_test(the_status_is_not_the_carriers_to_choose),
        cmocka_unit_test(nothing_of_a_carrier_is_a_page_of_the_proxy),
        cmocka_unit_test(a_node_that_claims_other_keys_is_verified_once_more),
        cmocka_unit_test(another_node_at_the_address_gets_no_prompt),
        cmocka_unit_test(a_spoiled_stream_ends_with_an_error_and_a_cut),
        cmocka_unit_test(nothing_of_a_held_stream_comes_through_when_it_is_spoiled),
        cmocka_unit_test(a_foreign_tls_key_gets_no_prompt),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

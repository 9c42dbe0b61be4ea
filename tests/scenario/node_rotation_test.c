/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node that replaces its seal key after sixteen sealed requests: nobody can fill its memory of
 * seals, what was sealed to a former key never opens, and readers that come at the wrong moment
 * verify again and get their answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "cli/cli.h"
#include "codec/text.h"
#include "net/tls.h"
#include "support/carrier.h"
#include "support/cli_run.h"
#include "support/node_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROTATION_USES       16
#define ROTATION_REQUESTS   100
#define ROTATION_WAIT_MS    20000u
#define ROTATION_ROUNDS     10
#define ROTATION_BODY_BYTES 512

static const char rotation_path[] = "/v1/completions";
static node_fixture node;
static cli_run run;

static void rotation_body(char ret_body[static ROTATION_BODY_BYTES], const char *claims)
{
    (void)snprintf(ret_body, ROTATION_BODY_BYTES,
                   "{\"model\":\"%s\",\"prompt\":\"A cat\",\"max_tokens\":1%s}", node.model,
                   claims);
}

static uint32_t rotation_ask(node_session *session, const char *claims, char ret_code[static 64])
{
    char body[ROTATION_BODY_BYTES];
    node_question question = {.path = rotation_path, .body = body, .sealed = true};
    node_answer answer;

    rotation_body(body, claims);
    node_ask(session, &question, &answer);
    assert_int_equal(answer.err, AVER_OK);
    if (answer.status == 200) {
        assert_true(node_answer_check(session, &question, &answer));
    }
    uint32_t status = answer.status;
    (void)snprintf(ret_code, 64, "%s", answer.code);
    node_answer_deinit(&answer);
    return status;
}

static uint64_t rotation_keys(node_session *session)
{
    uint64_t keys = node_metric(session, "aver_seal_keys_total");

    assert_true(keys != UINT64_MAX);
    return keys;
}

/* Uses the seal key up, and waits for the next. The session keeps the keyset that it had. */
static void rotation_force(node_session *session)
{
    node_session spender;
    char code[64];
    uint64_t keys = rotation_keys(session);
    uint64_t end = node_fixture_now_ms() + ROTATION_WAIT_MS;

    node_session_open(&spender, &node, false);
    for (unsigned i = 0; i < ROTATION_USES && rotation_keys(session) == keys; i++) {
        (void)rotation_ask(&spender, "", code);
    }
    while (rotation_keys(session) == keys) {
        assert_true(node_fixture_now_ms() < end);
        node_fixture_sleep_ms(2);
    }
    node_session_close(&spender);
}

static void test_many_sealed_requests_are_all_answered(void **state)
{
    node_session session;
    char code[64];
    unsigned again = 0;

    (void)state;
    node_session_open(&session, &node, false);
    uint64_t keys = rotation_keys(&session);
    for (unsigned i = 0; i < ROTATION_REQUESTS; i++) {
        uint32_t status = rotation_ask(&session, "", code);
        if (status == 422) {
            again++;
            node_session_close(&session);
            node_session_open(&session, &node, false);
            status = rotation_ask(&session, "", code);
        }
        assert_int_equal(status, 200);
    }
    (void)printf("%u sealed requests, %u verified again\n", ROTATION_REQUESTS, again);
    /* A few more than sixteen may pass while the evidence for the next key is made. */
    assert_true(rotation_keys(&session) >= keys + 3);
    assert_true(again >= 3);
    assert_true(node_metric(&session, "aver_seals_seen") < ROTATION_REQUESTS / 2);
    node_session_close(&session);
}

static void test_aver_ask_is_answered_and_verified(void **state)
{
    const char *const words[] = {
        "ask",        "--url",  node.url,       "--policy", run.policy,         "-n", "4",
        "--sim-root", run.root, "--completion", "--",       "Once upon a time", NULL};
    node_session watch;

    (void)state;
    node_session_open(&watch, &node, false);
    uint64_t keys = rotation_keys(&watch);
    for (unsigned i = 0; i < ROTATION_ROUNDS; i++) {
        if (i % 3 == 1) {
            rotation_force(&watch);
        }
        int code = cli_run_words(&run, words);
        if (code != 0) {
            (void)fprintf(stderr, "%s%s", run.out, run.err);
        }
        assert_int_equal(code, 0);
        assert_true(strlen(run.out) > 1);
    }
    assert_true(rotation_keys(&watch) >= keys + 3);
    node_session_close(&watch);
}

/* Keyset and evidence that the node gives to whoever brings no nonce. */
static void rotation_latest(node_session *session, uint8_t ret_keyset[static 32],
                            uint8_t ret_evidence[static 32])
{
    aver_buf cmw, bytes;
    aver_bundle bundle;

    aver_buf_init(&cmw, 4u << 20);
    aver_buf_init(&bytes, AVER_BUNDLE_BYTES_MAX);
    assert_int_equal(node_get(session, "/v1/attestation", &cmw), 200);
    assert_int_equal(aver_cmw_unwrap(aver_buf_view(&cmw), &bytes), AVER_OK);
    assert_int_equal(aver_bundle_decode(aver_buf_view(&bytes), &bundle), AVER_OK);
    aver_keyset_digest(bundle.keyset_bytes, ret_keyset);
    aver_evidence_digest(bundle.evidence, ret_evidence);
    aver_buf_deinit(&cmw);
    aver_buf_deinit(&bytes);
}

typedef struct rotation_certificate {
    bool seen;
    uint8_t keyset_digest[32];
} rotation_certificate;

static aver_err rotation_on_certificate(aver_view der, void *context)
{
    rotation_certificate *certificate = context;
    aver_buf cmw, bytes;
    aver_bundle bundle;

    aver_buf_init(&cmw, 4u << 20);
    aver_buf_init(&bytes, AVER_BUNDLE_BYTES_MAX);
    aver_err err = aver_tls_certificate_cmw(der, &cmw);
    if (err == AVER_OK) {
        err = aver_cmw_unwrap(aver_buf_view(&cmw), &bytes);
    }
    if (err == AVER_OK) {
        err = aver_bundle_decode(aver_buf_view(&bytes), &bundle);
    }
    if (err == AVER_OK) {
        aver_keyset_digest(bundle.keyset_bytes, certificate->keyset_digest);
        certificate->seen = true;
    }
    aver_buf_deinit(&cmw);
    aver_buf_deinit(&bytes);
    return err;
}

static void rotation_expect_certificate(const uint8_t keyset_digest[static 32])
{
    rotation_certificate certificate = {.seen = false};
    aver_client_options options = {
        .url = node.url, .on_certificate = rotation_on_certificate, .context = &certificate};
    aver_client_request request = {.method = "GET", .path = "/health"};
    aver_client *client;
    uint32_t status = 0;

    assert_int_equal(aver_client_new(&options, &client), AVER_OK);
    assert_int_equal(aver_client_send(client, &request, &status), AVER_OK);
    aver_client_free(client);
    assert_true(certificate.seen);
    assert_memory_equal(certificate.keyset_digest, keyset_digest, 32);
}

static void test_the_former_keyset_is_gone(void **state)
{
    node_session former, session;
    uint8_t keyset[32], evidence[32];
    char claims[160], hex[65], code[64];

    (void)state;
    node_session_open(&former, &node, false);
    rotation_force(&former);
    rotation_latest(&former, keyset, evidence);
    assert_memory_not_equal(keyset, former.keyset_digest, 32);
    assert_memory_not_equal(evidence, former.evidence_digest, 32);
    rotation_expect_certificate(keyset);
    assert_int_equal(rotation_ask(&former, "", code), 422);

    node_session_open(&session, &node, false);
    assert_memory_equal(session.keyset_digest, keyset, 32);
    assert_memory_equal(session.keyset.incarnation, former.keyset.incarnation, 32);
    assert_memory_equal(&session.keyset.keys[AVER_ROLE_RECEIPT],
                        &former.keyset.keys[AVER_ROLE_RECEIPT], sizeof(aver_key));
    /* Sealed to the right key, but made for the former keyset, or over its evidence. */
    aver_hex_encode(AVER_VIEW_OF(former.keyset_digest), hex);
    (void)snprintf(claims, sizeof(claims), ",\"aver\":{\"keyset\":\"%s\"}", hex);
    assert_int_equal(rotation_ask(&session, claims, code), 409);
    assert_string_equal(code, "wrong_keyset");
    aver_hex_encode(AVER_VIEW_OF(former.evidence_digest), hex);
    (void)snprintf(claims, sizeof(claims), ",\"aver\":{\"evidence\":\"%s\"}", hex);
    assert_int_equal(rotation_ask(&session, claims, code), 409);
    assert_string_equal(code, "unknown_evidence");
    aver_hex_encode(AVER_VIEW_OF(session.evidence_digest), hex);
    (void)snprintf(claims, sizeof(claims), ",\"aver\":{\"evidence\":\"%s\"}", hex);
    assert_int_equal(rotation_ask(&session, claims, code), 200);
    node_session_close(&session);
    node_session_close(&former);
}

static void test_a_recorded_request_never_opens_again(void **state)
{
    char body[ROTATION_BODY_BYTES];
    node_question question = {.path = rotation_path, .body = body, .sealed = true};
    node_session session;
    node_answer first, answer;

    (void)state;
    rotation_body(body, "");
    node_session_open(&session, &node, false);
    rotation_force(&session);
    node_session_close(&session);
    node_session_open(&session, &node, false);
    node_ask(&session, &question, &first);
    assert_int_equal(first.status, 200);
    question.enc_hex = first.enc_hex;
    question.sealed_body = aver_buf_view(&first.sent);
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 409);
    assert_string_equal(answer.code, "repeated_seal");
    node_answer_deinit(&answer);
    rotation_force(&session);
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 422);
    assert_int_equal(answer.receipt.size, 0);
    node_answer_deinit(&answer);
    node_answer_deinit(&first);
    node_session_close(&session);
}

typedef struct rotation_midway {
    node_session *watch;
    unsigned pieces;
    uint64_t jobs; /* in work when the new key was there */
} rotation_midway;

static void rotation_in_mid_stream(void *context)
{
    rotation_midway *midway = context;

    if (++midway->pieces == 3) {
        rotation_force(midway->watch);
        midway->jobs = node_metric(midway->watch, "aver_jobs");
    }
}

static void test_a_stream_in_work_ends_as_it_began(void **state)
{
    char body[ROTATION_BODY_BYTES];
    node_session session, watch;
    rotation_midway midway = {.watch = &watch};
    node_question question = {.path = rotation_path,
                              .body = body,
                              .sealed = true,
                              .on_piece = rotation_in_mid_stream,
                              .context = &midway};
    node_answer answer;

    (void)state;
    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"prompt\":\"One day\",\"max_tokens\":2500,"
                   "\"temperature\":2,\"seed\":2,\"stream\":true,\"aver\":{}}",
                   node.model);
    node_session_open(&watch, &node, false);
    rotation_force(&watch);
    node_session_open(&session, &node, false);
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(answer.done);
    assert_true(midway.jobs >= 1);
    /* The receipt names the keyset and the evidence that the reader verified. */
    assert_true(node_answer_check(&session, &question, &answer));
    node_answer_deinit(&answer);
    node_session_close(&session);
    node_session_close(&watch);
}

typedef enum rotation_trick {
    ROTATION_KEY_USED_UP = 1, /* the first POST arrives after a rotation */
    ROTATION_ALWAYS_422 = 2,  /* the carrier itself answers each POST */
    ROTATION_OLD_BUNDLE = 3,  /* so too, and the second GET gets what the first one got */
} rotation_trick;

/* Whoever carries the bytes between aver ask and the node. */
typedef struct rotation_carrier {
    carrier_server server;
    rotation_trick trick;
    node_session watch;
    unsigned gets, posts;
    aver_buf bundle; /* the whole answer to the first GET */
} rotation_carrier;

static rotation_carrier carrier;

static void carrier_refuse(int client)
{
    char text[512];
    aver_buf body;

    aver_buf_init(&body, 256);
    aver_seal_problem_body(&body, "another key");
    int size = snprintf(text, sizeof(text),
                        "HTTP/1.1 422 Carried\r\nContent-Type: application/problem+json\r\n"
                        "Content-Length: %zu\r\nConnection: close\r\n\r\n%.*s",
                        body.size, (int)body.size, (const char *)body.data);
    carrier_put(client, aver_view_make((const uint8_t *)text, (size_t)size));
    aver_buf_deinit(&body);
}

static void carrier_handle_one(int client, aver_view request)
{
    aver_buf answer;
    bool get = request.size > 4 && memcmp(request.data, "GET ", 4) == 0;

    aver_buf_init(&answer, 4u << 20);
    if (get && carrier.gets++ > 0 && carrier.trick == ROTATION_OLD_BUNDLE) {
        carrier_put(client, aver_buf_view(&carrier.bundle));
    } else if (!get && carrier.trick != ROTATION_KEY_USED_UP) {
        carrier.posts++;
        carrier_refuse(client);
    } else {
        if (!get && carrier.posts++ == 0) {
            rotation_force(&carrier.watch);
        }
        carrier_pass(client, node.unix_socket, request, &answer);
        if (get && carrier.gets == 1) {
            aver_buf_append(&carrier.bundle, aver_buf_view(&answer));
        }
    }
    aver_buf_deinit(&answer);
}

static int carrier_ask(rotation_trick trick)
{
    char path[CLI_RUN_PATH_BYTES];

    cli_run_path(&run, "carrier", path);
    carrier = (rotation_carrier){.trick = trick};
    node_session_open(&carrier.watch, &node, false);
    aver_buf_init(&carrier.bundle, 4u << 20);
    carrier_start(&carrier.server, path, carrier_handle_one);
    const char *const words[] = {"ask",      "--unix",       path,         "--policy",
                                 run.policy, "--sim-root",   run.root,     "-n",
                                 "4",        "--completion", "A red door", NULL};
    int code = cli_run_words(&run, words);
    carrier_stop(&carrier.server);
    node_session_close(&carrier.watch);
    aver_buf_deinit(&carrier.bundle);
    return code;
}

static void test_aver_ask_verifies_again_and_asks_once_more(void **state)
{
    (void)state;
    assert_int_equal(carrier_ask(ROTATION_KEY_USED_UP), AVER_EXIT_DONE);
    assert_true(strlen(run.out) > 1);
    assert_int_equal(carrier.gets, 2);
    assert_int_equal(carrier.posts, 2);
}

static void test_aver_ask_gives_up_after_that(void **state)
{
    (void)state;
    assert_int_equal(carrier_ask(ROTATION_ALWAYS_422), AVER_EXIT_PEER);
    assert_string_equal(run.out, "");
    assert_int_equal(carrier.gets, 2);
    assert_int_equal(carrier.posts, 2);
}

static void test_aver_ask_sends_nothing_to_evidence_that_is_not_fresh(void **state)
{
    (void)state;
    assert_int_equal(carrier_ask(ROTATION_OLD_BUNDLE), AVER_EXIT_REFUSED);
    assert_string_equal(run.out, "");
    assert_non_null(strstr(run.err, "The prompt was not sent again"));
    assert_int_equal(carrier.gets, 2);
    assert_int_equal(carrier.posts, 1);
}

static int rotation_set_up(void **state)
{
    static const char *const args[] = {"--seal-uses", "16", "--context", "4096",
                                       "--slots",     "4",  NULL};

    (void)state;
    node_fixture_start(&node, args);
    cli_run_open(&run, &node);
    return 0;
}

static int rotation_tear_down(void **state)
{
    (void)state;
    cli_run_close(&run);
    return node_fixture_stop(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_sealed_requests_are_all_answered),
        cmocka_unit_test(test_aver_ask_is_answered_and_verified),
        cmocka_unit_test(test_the_former_keyset_is_gone),
        cmocka_unit_test(test_a_recorded_request_never_opens_again),
        cmocka_unit_test(test_a_stream_in_work_ends_as_it_began),
        cmocka_unit_test(test_aver_ask_verifies_again_and_asks_once_more),
        cmocka_unit_test(test_aver_ask_gives_up_after_that),
        cmocka_unit_test(test_aver_ask_sends_nothing_to_evidence_that_is_not_fresh),
    };
    return cmocka_run_group_tests(tests, rotation_set_up, rotation_tear_down);
}

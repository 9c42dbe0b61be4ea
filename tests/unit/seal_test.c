/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "net/seal.h"
#include "support/bytes.h"

#include <stdio.h>

enum { SEAL_ROOM = 20 * 1024 * 1024, SEAL_PLAIN_MAX = 1024 * 1024 };

/* A client's and a server's end of one exchange, and the request between them. */
typedef struct seal_pair {
    aver_hpke_key *key;
    aver_seal *client;
    aver_seal *server;
    char enc[65];
    aver_buf body;
    aver_buf plain;
} seal_pair;

static seal_pair pair_make(aver_view plain)
{
    seal_pair pair = {0};
    assert_ok(aver_hpke_key_new(&pair.key));
    aver_buf_init(&pair.body, SEAL_ROOM);
    aver_buf_init(&pair.plain, SEAL_ROOM);
    assert_ok(
        aver_seal_offer(aver_hpke_key_public(pair.key), plain, pair.enc, &pair.body, &pair.client));
    assert_ok(aver_seal_accept(pair.key, pair.enc, aver_buf_view(&pair.body), SEAL_PLAIN_MAX,
                               &pair.plain, &pair.server));
    return pair;
}

static void pair_free(seal_pair *pair)
{
    aver_seal_free(pair->client);
    aver_seal_free(pair->server);
    aver_hpke_key_free(pair->key);
    aver_buf_deinit(&pair->body);
    aver_buf_deinit(&pair->plain);
}

/* A request that must not be opened: nothing is left in the buffer. */
static void assert_refused(const seal_pair *pair, const char *enc, aver_view body, aver_err err)
{
    aver_seal *seal = NULL;
    aver_buf plain;
    aver_buf_init(&plain, SEAL_ROOM);
    aver_buf_append_text(&plain, "before");
    assert_err(aver_seal_accept(pair->key, enc, body, SEAL_PLAIN_MAX, &plain, &seal), err);
    assert_null(seal);
    assert_true(aver_view_equal_text(aver_buf_view(&plain), "before"));
    assert_ok(aver_buf_status(&plain));
    aver_buf_deinit(&plain);
}

/* Three sealed chunks, one after the other, and where each begins. */
static void pair_respond(seal_pair *pair, aver_buf *out, size_t starts[4])
{
    char nonce[65];
    static const char *const texts[] = {"first", "second one", "third"};
    aver_buf_init(out, SEAL_ROOM);
    assert_ok(aver_seal_respond(pair->server, nonce));
    for (size_t i = 0; i < 3; i++) {
        starts[i] = out->size;
        assert_ok(aver_seal_chunk(pair->server, aver_view_text(texts[i]), out));
        assert_ok(aver_seal_chunk(pair->server, (aver_view){0}, out));
    }
    starts[3] = out->size;
    assert_ok(aver_seal_expect(pair->client, nonce));
}

static void test_seal_round_trip(void **state)
{
    (void)state;
    seal_pair pair = pair_make(AVER_VIEW_LITERAL("a prompt"));
    size_t starts[4];
    aver_buf response;
    assert_true(aver_view_equal_text(aver_buf_view(&pair.plain), "a prompt"));
    assert_int_equal(pair.body.size, 4 + 8 + 16);
    assert_memory_equal(aver_seal_enc(pair.client), aver_seal_enc(pair.server), 32);
    assert_memory_equal(aver_seal_salt(pair.client), aver_seal_salt(pair.server), 32);
    pair_respond(&pair, &response, starts);
    for (size_t step = 1; step <= response.size; step++) {
        /* The response's key is of this exchange alone: a client for each step of the same. */
        seal_pair other = pair_make(AVER_VIEW_LITERAL("a prompt"));
        aver_buf sealed;
        aver_buf out;
        pair_respond(&other, &sealed, starts);
        aver_buf_init(&out, SEAL_ROOM);
        for (size_t at = 0; at < sealed.size; at += step) {
            size_t size = sealed.size - at < step ? sealed.size - at : step;
            assert_ok(aver_seal_feed(other.client,
                                     aver_view_slice(aver_buf_view(&sealed), at, size), &out));
        }
        assert_ok(aver_seal_feed_end(other.client));
        assert_true(aver_view_equal_text(aver_buf_view(&out), "firstsecond onethird"));
        aver_buf_deinit(&sealed);
        aver_buf_deinit(&out);
        pair_free(&other);
    }
    aver_buf_deinit(&response);
    pair_free(&pair);
}

static void test_seal_requests_in_chunks_and_empty(void **state)
{
    (void)state;
    seal_pair pair = pair_make((aver_view){0});
    assert_int_equal(pair.body.size, 4 + 16);
    assert_int_equal(pair.plain.size, 0);
    pair_free(&pair);
    /* Empty chunks are skipped wherever they stand. */
    pair = pair_make(AVER_VIEW_LITERAL("x"));
    static const uint8_t zero[4] = {0};
    aver_buf padded;
    aver_seal *seal = NULL;
    aver_buf_init(&padded, 1024);
    aver_buf_append(&padded, AVER_VIEW_OF(zero));
    aver_buf_append(&padded, aver_buf_view(&pair.body));
    aver_buf_append(&padded, AVER_VIEW_OF(zero));
    aver_buf_clear(&pair.plain);
    assert_ok(aver_seal_accept(pair.key, pair.enc, aver_buf_view(&padded), 1, &pair.plain, &seal));
    assert_true(aver_view_equal_text(aver_buf_view(&pair.plain), "x"));
    aver_seal_free(seal);
    aver_buf_deinit(&padded);
    pair_free(&pair);
}

/* A seal in which nothing was sealed is anybody's: not even the key agreement is shown. */
static void test_seal_refuses_requests_without_a_seal(void **state)
{
    (void)state;
    static const uint8_t zeros[8] = {0};
    seal_pair pair = pair_make(AVER_VIEW_LITERAL("x"));
    for (size_t size = 0; size <= sizeof(zeros); size += 4) {
        aver_seal *seal = NULL;
        aver_buf_clear(&pair.plain);
        assert_err(aver_seal_accept(pair.key, pair.enc, aver_view_make(zeros, size), 1, &pair.plain,
                                    &seal),
                   AVER_E_FORMAT);
        assert_null(seal);
    }
    pair_free(&pair);
}

static void test_seal_splits_large_requests(void **state)
{
    (void)state;
    size_t size = AVER_SEAL_CHUNK_BYTES_MAX + 5;
    uint8_t *large = calloc(1, size);
    seal_pair pair = {0};
    assert_non_null(large);
    large[size - 1] = 7;
    assert_ok(aver_hpke_key_new(&pair.key));
    aver_buf_init(&pair.body, SEAL_ROOM);
    aver_buf_init(&pair.plain, SEAL_ROOM);
    assert_ok(aver_seal_offer(aver_hpke_key_public(pair.key), aver_view_make(large, size), pair.enc,
                              &pair.body, &pair.client));
    assert_int_equal(pair.body.size, size + 2 * (4 + 16));
    assert_err(aver_seal_accept(pair.key, pair.enc, aver_buf_view(&pair.body), size - 1,
                                &pair.plain, &pair.server),
               AVER_E_LIMIT);
    assert_int_equal(pair.plain.size, 0);
    assert_ok(aver_seal_accept(pair.key, pair.enc, aver_buf_view(&pair.body), size, &pair.plain,
                               &pair.server));
    assert_true(aver_view_equal(aver_buf_view(&pair.plain), aver_view_make(large, size)));
    free(large);
    pair_free(&pair);
}

static void test_seal_refuses_changed_requests(void **state)
{
    (void)state;
    seal_pair pair = pair_make(AVER_VIEW_LITERAL("a prompt"));
    for (size_t i = 4; i < pair.body.size; i++) {
        pair.body.data[i] ^= 0x01;
        assert_refused(&pair, pair.enc, aver_buf_view(&pair.body), AVER_E_PROOF);
        pair.body.data[i] ^= 0x01;
    }
    for (size_t i = 0; i < 4; i++) {
        pair.body.data[i] ^= 0x02;
        assert_refused(&pair, pair.enc, aver_buf_view(&pair.body), AVER_E_FORMAT);
        pair.body.data[i] ^= 0x02;
    }
    for (size_t size = 1; size < pair.body.size; size++) {
        assert_refused(&pair, pair.enc, aver_view_make(pair.body.data, size), AVER_E_FORMAT);
    }
    /* The same chunk twice: the second has another sequence number. */
    aver_buf twice;
    aver_buf_init(&twice, 1024);
    aver_buf_append(&twice, aver_buf_view(&pair.body));
    aver_buf_append(&twice, aver_buf_view(&pair.body));
    assert_refused(&pair, pair.enc, aver_buf_view(&twice), AVER_E_PROOF);
    aver_buf_deinit(&twice);
    pair_free(&pair);
}

static void test_seal_refuses_wrong_keys(void **state)
{
    (void)state;
    seal_pair pair = pair_make(AVER_VIEW_LITERAL("a prompt"));
    seal_pair other = pair_make(AVER_VIEW_LITERAL("another"));
    char enc[66];
    assert_refused(&other, pair.enc, aver_buf_view(&pair.body), AVER_E_PROOF);
    assert_refused(&pair, other.enc, aver_buf_view(&pair.body), AVER_E_PROOF);
    assert_refused(&pair, "", aver_buf_view(&pair.body), AVER_E_FORMAT);
    snprintf(enc, sizeof(enc), "%.63s", pair.enc);
    assert_refused(&pair, enc, aver_buf_view(&pair.body), AVER_E_FORMAT);
    snprintf(enc, sizeof(enc), "%s0", pair.enc);
    assert_refused(&pair, enc, aver_buf_view(&pair.body), AVER_E_FORMAT);
    memcpy(enc, pair.enc, sizeof(pair.enc));
    enc[0] = 'g';
    assert_refused(&pair, enc, aver_buf_view(&pair.body), AVER_E_FORMAT);
    /* A point of low order gives everybody the same secret. */
    aver_seal *seal = NULL;
    memset(enc, '0', 64);
    enc[64] = '\0';
    assert_int_not_equal(aver_seal_accept(pair.key, enc, aver_buf_view(&pair.body), SEAL_PLAIN_MAX,
                                          &pair.plain, &seal),
                         AVER_OK);
    assert_null(seal);
    pair_free(&other);
    pair_free(&pair);
}

/* A response that must not be opened; nothing is left, and nothing is opened afterwards. */
static void assert_feed_refused(aver_view sealed, seal_pair *pair, aver_err err)
{
    aver_buf out;
    aver_buf_init(&out, SEAL_ROOM);
    assert_err(aver_seal_feed(pair->client, sealed, &out), err);
    assert_int_equal(out.size, 0);
    assert_err(aver_seal_feed(pair->client, (aver_view){0}, &out), err);
    assert_err(aver_seal_feed_end(pair->client), err);
    aver_buf_deinit(&out);
}

static void test_seal_refuses_changed_responses(void **state)
{
    (void)state;
    size_t starts[4];
    aver_buf sealed;
    seal_pair first = pair_make(AVER_VIEW_LITERAL("p"));
    pair_respond(&first, &sealed, starts);
    size_t total = sealed.size;
    aver_buf_deinit(&sealed);
    pair_free(&first);
    for (size_t i = 0; i < total; i++) {
        seal_pair pair = pair_make(AVER_VIEW_LITERAL("p"));
        aver_buf out;
        pair_respond(&pair, &sealed, starts);
        sealed.data[i] ^= 0x80;
        aver_buf_init(&out, SEAL_ROOM);
        /* A frame that seems longer than all that came is not whole: that shows at the end. */
        if (aver_seal_feed(pair.client, aver_buf_view(&sealed), &out) == AVER_OK) {
            assert_err(aver_seal_feed_end(pair.client), AVER_E_FORMAT);
            assert_memory_equal(out.data, "firstsecond one", out.size);
        } else {
            assert_int_equal(out.size, 0);
        }
        aver_buf_deinit(&out);
        aver_buf_deinit(&sealed);
        pair_free(&pair);
    }
}

static void test_seal_refuses_reordered_responses(void **state)
{
    (void)state;
    /* Which chunks the client is given, in this order. */
    static const size_t orders[][3] = {{1, 0, 2}, {0, 0, 1}, {0, 2, 1}, {2, 1, 0}};
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        size_t starts[4];
        aver_buf sealed;
        aver_buf given;
        seal_pair pair = pair_make(AVER_VIEW_LITERAL("p"));
        pair_respond(&pair, &sealed, starts);
        aver_buf_init(&given, SEAL_ROOM);
        for (size_t j = 0; j < 3; j++) {
            size_t chunk = orders[i][j];
            aver_buf_append(&given, aver_view_slice(aver_buf_view(&sealed), starts[chunk],
                                                    starts[chunk + 1] - starts[chunk]));
        }
        assert_feed_refused(aver_buf_view(&given), &pair, AVER_E_PROOF);
        aver_buf_deinit(&given);
        aver_buf_deinit(&sealed);
        pair_free(&pair);
    }
}

static void test_seal_sees_truncation_inside_a_chunk(void **state)
{
    (void)state;
    size_t starts[4];
    aver_buf sealed;
    seal_pair probe = pair_make(AVER_VIEW_LITERAL("p"));
    pair_respond(&probe, &sealed, starts);
    size_t total = sealed.size;
    aver_buf_deinit(&sealed);
    pair_free(&probe);
    for (size_t size = 0; size <= total; size++) {
        seal_pair pair = pair_make(AVER_VIEW_LITERAL("p"));
        aver_buf out;
        pair_respond(&pair, &sealed, starts);
        aver_buf_init(&out, SEAL_ROOM);
        assert_ok(aver_seal_feed(pair.client, aver_view_make(sealed.data, size), &out));
        bool whole =
            size == starts[0] || size == starts[1] || size == starts[2] || size == starts[3];
        assert_err(aver_seal_feed_end(pair.client), whole ? AVER_OK : AVER_E_FORMAT);
        aver_buf_deinit(&out);
        aver_buf_deinit(&sealed);
        pair_free(&pair);
    }
}

static void test_seal_bounds_chunks(void **state)
{
    (void)state;
    static const uint8_t frames[][4] = {
        {0, 0, 0, 15}, {0, 0x80, 0, 17}, {0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 1}};
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        size_t starts[4];
        aver_buf sealed;
        seal_pair pair = pair_make(AVER_VIEW_LITERAL("p"));
        assert_refused(&pair, pair.enc, AVER_VIEW_OF(frames[i]), AVER_E_FORMAT);
        pair_respond(&pair, &sealed, starts);
        assert_feed_refused(AVER_VIEW_OF(frames[i]), &pair, AVER_E_FORMAT);
        aver_buf_deinit(&sealed);
        pair_free(&pair);
    }
    seal_pair pair = pair_make(AVER_VIEW_LITERAL("p"));
    char nonce[65];
    aver_buf out;
    uint8_t *large = calloc(1, AVER_SEAL_CHUNK_BYTES_MAX + 1);
    assert_non_null(large);
    aver_buf_init(&out, SEAL_ROOM);
    assert_ok(aver_seal_respond(pair.server, nonce));
    assert_err(
        aver_seal_chunk(pair.server, aver_view_make(large, AVER_SEAL_CHUNK_BYTES_MAX + 1), &out),
        AVER_E_LIMIT);
    assert_int_equal(out.size, 0);
    assert_ok(aver_seal_chunk(pair.server, aver_view_make(large, AVER_SEAL_CHUNK_BYTES_MAX), &out));
    assert_ok(aver_seal_expect(pair.client, nonce));
    aver_buf opened;
    aver_buf_init(&opened, SEAL_ROOM);
    assert_ok(aver_seal_feed(pair.client, aver_buf_view(&out), &opened));
    assert_int_equal(opened.size, AVER_SEAL_CHUNK_BYTES_MAX);
    free(large);
    aver_buf_deinit(&opened);
    aver_buf_deinit(&out);
    pair_free(&pair);
}

static void test_seal_has_an_order_of_use(void **state)
{
    (void)state;
    seal_pair pair = pair_make(AVER_VIEW_LITERAL("p"));
    char nonce[65];
    aver_buf out;
    aver_buf_init(&out, 1024);
    assert_err(aver_seal_chunk(pair.server, AVER_VIEW_LITERAL("a"), &out), AVER_E_USAGE);
    assert_err(aver_seal_feed(pair.client, AVER_VIEW_LITERAL("a"), &out), AVER_E_USAGE);
    assert_ok(aver_seal_respond(pair.server, nonce));
    assert_err(aver_seal_respond(pair.server, nonce), AVER_E_USAGE);
    assert_err(aver_seal_expect(pair.client, "00"), AVER_E_FORMAT);
    assert_ok(aver_seal_expect(pair.client, nonce));
    assert_err(aver_seal_expect(pair.client, nonce), AVER_E_USAGE);
    aver_buf_deinit(&out);
    pair_free(&pair);
}

static void test_seal_needs_the_right_nonce(void **state)
{
    (void)state;
    seal_pair pair = pair_make(AVER_VIEW_LITERAL("p"));
    char nonce[65];
    aver_buf sealed;
    aver_buf_init(&sealed, 1024);
    assert_ok(aver_seal_respond(pair.server, nonce));
    assert_ok(aver_seal_chunk(pair.server, AVER_VIEW_LITERAL("answer"), &sealed));
    nonce[0] = nonce[0] == '0' ? '1' : '0';
    assert_ok(aver_seal_expect(pair.client, nonce));
    assert_feed_refused(aver_buf_view(&sealed), &pair, AVER_E_PROOF);
    aver_buf_deinit(&sealed);
    pair_free(&pair);
}

static void test_seal_receipt_header(void **state)
{
    (void)state;
    seal_pair pair = pair_make(AVER_VIEW_LITERAL("p"));
    seal_pair other = pair_make(AVER_VIEW_LITERAL("p"));
    aver_buf text;
    aver_buf receipt;
    aver_buf_init(&text, 1024);
    aver_buf_init(&receipt, 1024);
    assert_ok(aver_seal_receipt_header(pair.server, AVER_VIEW_LITERAL("the receipt"), &text));
    /* Its key and nonce are spent. */
    assert_err(aver_seal_receipt_header(pair.server, AVER_VIEW_LITERAL("two"), &text),
               AVER_E_USAGE);
    aver_buf_append_byte(&text, 0);
    assert_ok(aver_seal_receipt_open(pair.client, (const char *)text.data, &receipt));
    assert_true(aver_view_equal_text(aver_buf_view(&receipt), "the receipt"));
    aver_buf_clear(&receipt);
    assert_err(aver_seal_receipt_open(other.client, (const char *)text.data, &receipt),
               AVER_E_PROOF);
    text.data[3] = text.data[3] == 'A' ? 'B' : 'A';
    assert_err(aver_seal_receipt_open(pair.client, (const char *)text.data, &receipt),
               AVER_E_PROOF);
    assert_err(aver_seal_receipt_open(pair.client, "AAAA", &receipt), AVER_E_FORMAT);
    assert_err(aver_seal_receipt_open(pair.client, "a+/=", &receipt), AVER_E_FORMAT);
    assert_int_equal(receipt.size, 0);
    aver_buf_deinit(&text);
    aver_buf_deinit(&receipt);
    pair_free(&other);
    pair_free(&pair);
}

static void test_seal_key_config(void **state)
{
    (void)state;
    uint8_t key[32];
    uint8_t parsed[32];
    aver_buf config;
    for (uint8_t i = 0; i < 32; i++) {
        key[i] = i;
    }
    aver_buf_init(&config, 1024);
    aver_seal_key_config(key, &config);
    test_assert_hex(aver_buf_view(&config),
                    "000020000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                    "000400010002");
    assert_ok(aver_seal_key_config_parse(aver_buf_view(&config), parsed));
    assert_memory_equal(parsed, key, 32);
    for (size_t size = 0; size < config.size; size++) {
        assert_err(aver_seal_key_config_parse(aver_view_make(config.data, size), parsed),
                   AVER_E_FORMAT);
    }
    config.data[40] = 3;
    assert_err(aver_seal_key_config_parse(aver_buf_view(&config), parsed), AVER_E_UNSUPPORTED);
    /* A second pair that is ours. */
    aver_buf_append_be16(&config, 1);
    aver_buf_append_be16(&config, 2);
    assert_err(aver_seal_key_config_parse(aver_buf_view(&config), parsed), AVER_E_FORMAT);
    config.data[36] = 8;
    assert_ok(aver_seal_key_config_parse(aver_buf_view(&config), parsed));
    config.data[2] = 0x10;
    assert_err(aver_seal_key_config_parse(aver_buf_view(&config), parsed), AVER_E_UNSUPPORTED);
    config.data[2] = 0x20;
    config.data[0] = 1;
    assert_err(aver_seal_key_config_parse(aver_buf_view(&config), parsed), AVER_E_UNSUPPORTED);
    aver_buf_deinit(&config);
}

static void test_seal_problem_body(void **state)
{
    (void)state;
    aver_buf body;
    aver_buf_init(&body, 1024);
    aver_seal_problem_body(&body, "a \"title\"");
    assert_true(aver_view_equal_text(aver_buf_view(&body),
                                     "{\"type\":\"urn:ietf:params:ehbp:error:key-config\","
                                     "\"title\":\"a \\\"title\\\"\"}"));
    aver_buf_deinit(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_round_trip),
        cmocka_unit_test(test_seal_requests_in_chunks_and_empty),
        cmocka_unit_test(test_seal_refuses_requests_without_a_seal),
        cmocka_unit_test(test_seal_splits_large_requests),
        cmocka_unit_test(test_seal_refuses_changed_requests),
        cmocka_unit_test(test_seal_refuses_wrong_keys),
        cmocka_unit_test(test_seal_refuses_changed_responses),
        cmocka_unit_test(test_seal_refuses_reordered_responses),
        cmocka_unit_test(test_seal_sees_truncation_inside_a_chunk),
        cmocka_unit_test(test_seal_bounds_chunks),
        cmocka_unit_test(test_seal_has_an_order_of_use),
        cmocka_unit_test(test_seal_needs_the_right_nonce),
        cmocka_unit_test(test_seal_receipt_header),
        cmocka_unit_test(test_seal_key_config),
        cmocka_unit_test(test_seal_problem_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

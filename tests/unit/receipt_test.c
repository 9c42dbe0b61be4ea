/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "receipt/show.h"
#include "support/forge.h"

#include <string.h>

static void a_receipt_comes_back_as_it_was(void **state)
{
    (void)state;
    static forge_state made;
    aver_receipt receipt;
    forge_init(&made);
    forge_build(&made);
    assert_int_equal(aver_receipt_decode_unverified(aver_buf_view(&made.receipt_bytes), &receipt),
                     AVER_OK);
    assert_int_equal(aver_receipt_verify_signature(aver_buf_view(&made.receipt_bytes),
                                                   aver_ed25519_public(made.receipt_key)),
                     AVER_OK);
    aver_buf again;
    aver_buf_init(&again, AVER_RECEIPT_BYTES_MAX);
    assert_int_equal(aver_receipt_sign(&receipt, made.receipt_key, &again), AVER_OK);
    assert_true(aver_view_equal(aver_buf_view(&again), aver_buf_view(&made.receipt_bytes)));
    assert_int_equal(receipt.seed, 0x1122334455667788);
    assert_int_equal(receipt.stream_size, FORGE_EVENTS);
    assert_string_equal(receipt.path, "/v1/chat/completions");
    assert_string_equal(aver_finish_text(receipt.finish), "stop");
    aver_buf_deinit(&again);
    forge_deinit(&made);
}

static void another_key_or_kind_does_not_verify(void **state)
{
    (void)state;
    static forge_state made;
    aver_opening opening;
    aver_head head;
    aver_receipt receipt;
    forge_init(&made);
    forge_build(&made);
    const uint8_t *key = aver_ed25519_public(made.receipt_key);
    aver_view opening_bytes = aver_buf_view(&made.opening_bytes);
    aver_view head_bytes = aver_buf_view(&made.head_bytes);
    assert_int_equal(aver_receipt_verify_signature(aver_buf_view(&made.receipt_bytes),
                                                   aver_ed25519_public(made.device_key)),
                     AVER_E_PROOF);
    assert_int_equal(aver_opening_open(opening_bytes, key, &opening), AVER_OK);
    assert_int_equal(aver_head_open(head_bytes, key, &head), AVER_OK);
    assert_int_equal(head.size, AVER_STREAM_HEAD_EVENTS);
    assert_memory_equal(opening.receipt_id, head.receipt_id, 32);
    assert_int_equal(
        aver_opening_open(opening_bytes, aver_ed25519_public(made.device_key), &opening),
        AVER_E_PROOF);
    assert_int_equal(aver_head_open(head_bytes, aver_ed25519_public(made.device_key), &head),
                     AVER_E_PROOF);
    /* One kind of signed message is never taken for another. */
    assert_int_not_equal(aver_head_open(opening_bytes, key, &head), AVER_OK);
    assert_int_not_equal(aver_opening_open(head_bytes, key, &opening), AVER_OK);
    assert_int_not_equal(aver_receipt_decode_unverified(head_bytes, &receipt), AVER_OK);
    assert_int_equal(aver_receipt_verify_signature(head_bytes, key), AVER_E_PROOF);
    forge_deinit(&made);
}

static void a_receipt_must_agree_with_itself(void **state)
{
    (void)state;
    static forge_state made;
    aver_buf bytes;
    forge_init(&made);
    forge_build(&made);
    aver_buf_init(&bytes, AVER_RECEIPT_BYTES_MAX);
    aver_receipt receipt = made.receipt;
    receipt.has_enc_digest = false;
    assert_int_equal(aver_receipt_sign(&receipt, made.receipt_key, &bytes), AVER_E_USAGE);
    receipt = made.receipt;
    receipt.finish = 6;
    assert_int_equal(aver_receipt_sign(&receipt, made.receipt_key, &bytes), AVER_E_USAGE);
    receipt = made.receipt;
    receipt.path[0] = '\0';
    assert_int_equal(aver_receipt_sign(&receipt, made.receipt_key, &bytes), AVER_E_USAGE);
    receipt = made.receipt;
    memset(receipt.path, 'x', sizeof receipt.path);
    assert_int_equal(aver_receipt_sign(&receipt, made.receipt_key, &bytes), AVER_E_USAGE);
    assert_int_equal(bytes.size, 0);
    aver_buf_deinit(&bytes);
    forge_deinit(&made);
}

static void the_identity_is_that_of_what_was_signed(void **state)
{
    (void)state;
    static forge_state made;
    uint8_t a[32];
    uint8_t b[32];
    forge_init(&made);
    forge_build(&made);
    assert_int_equal(aver_receipt_identity(aver_buf_view(&made.receipt_bytes), a), AVER_OK);
    made.receipt_bytes.data[made.receipt_bytes.size - 1] ^=
        1; /* in the signature, which is not part of it */
    assert_int_equal(aver_receipt_identity(aver_buf_view(&made.receipt_bytes), b), AVER_OK);
    assert_memory_equal(a, b, 32);
    made.receipt_bytes.data[made.receipt_bytes.size - 80] ^= 1;
    assert_int_equal(aver_receipt_identity(aver_buf_view(&made.receipt_bytes), b), AVER_OK);
    assert_memory_not_equal(a, b, 32);
    forge_deinit(&made);
}

static void commitments_differ_by_salt_and_kind(void **state)
{
    (void)state;
    uint8_t salts[2][32] = {{1}, {2}};
    uint8_t sums[5][32];
    aver_view text = AVER_VIEW_LITERAL("text");
    aver_commit commit;
    aver_commit_request(salts[0], text, sums[0]);
    aver_commit_response(salts[0], text, sums[1]);
    aver_commit_tokens(salts[0], text, sums[2]);
    aver_commit_response(salts[1], text, sums[3]);
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = i + 1; j < 4; j++) {
            assert_memory_not_equal(sums[i], sums[j], 32);
        }
    }
    aver_commit_response_init(&commit, salts[0]);
    aver_commit_update(&commit, AVER_VIEW_LITERAL("te"));
    aver_commit_update(&commit, AVER_VIEW_LITERAL(""));
    aver_commit_update(&commit, AVER_VIEW_LITERAL("xt"));
    aver_commit_final(&commit, sums[4]);
    assert_memory_equal(sums[4], sums[1], 32);
}

static void token_documents_keep_their_parts(void **state)
{
    (void)state;
    int32_t ids[] = {0, 23, 24, 65536, INT32_MAX, 7};
    aver_buf bytes;
    aver_tokens tokens = {.ids = ids, .prompt_count = 3, .choices_count = 3, .counts = {2, 0, 1}};
    aver_tokens back = {0};
    aver_buf_init(&bytes, AVER_TOKENS_BYTES_MAX);
    assert_int_equal(aver_tokens_encode(&tokens, &bytes), AVER_OK);
    assert_int_equal(aver_tokens_decode(aver_buf_view(&bytes), &back), AVER_OK);
    assert_int_equal(back.prompt_count, 3);
    assert_int_equal(back.choices_count, 3);
    assert_int_equal(back.counts[0], 2);
    assert_int_equal(back.counts[1], 0);
    assert_int_equal(back.counts[2], 1);
    assert_int_equal(aver_tokens_generated(&back), 3);
    assert_memory_equal(back.ids, ids, sizeof ids);
    aver_tokens_deinit(&back);
    aver_buf_clear(&bytes);
    ids[4] = -1;
    assert_int_equal(aver_tokens_encode(&tokens, &bytes), AVER_E_USAGE);
    assert_int_equal(bytes.size, 0);
    tokens = (aver_tokens){.choices_count = 1};
    assert_int_equal(aver_tokens_encode(&tokens, &bytes), AVER_OK);
    assert_int_equal(aver_tokens_decode(aver_buf_view(&bytes), &back), AVER_OK);
    assert_int_equal(back.prompt_count + aver_tokens_generated(&back), 0);
    aver_tokens_deinit(&back);
    aver_buf_deinit(&bytes);
}

static void token_documents_have_their_limits(void **state)
{
    (void)state;
    aver_buf bytes;
    aver_tokens tokens = {.choices_count = 0};
    aver_tokens back = {0};
    aver_buf_init(&bytes, AVER_TOKENS_BYTES_MAX);
    assert_int_equal(aver_tokens_encode(&tokens, &bytes), AVER_E_USAGE);
    tokens.choices_count = AVER_TOKENS_CHOICES_MAX + 1;
    assert_int_equal(aver_tokens_encode(&tokens, &bytes), AVER_E_LIMIT);
    tokens.choices_count = 2;
    tokens.prompt_count = 1;
    tokens.counts[0] = AVER_TOKENS_MAX - 1;
    tokens.counts[1] = 1;
    assert_int_equal(aver_tokens_encode(&tokens, &bytes), AVER_E_LIMIT);
    assert_int_equal(bytes.size, 0);
    tokens = (aver_tokens){.choices_count = AVER_TOKENS_CHOICES_MAX};
    assert_int_equal(aver_tokens_encode(&tokens, &bytes), AVER_OK);
    assert_int_equal(aver_tokens_decode(aver_buf_view(&bytes), &back), AVER_OK);
    assert_int_equal(back.choices_count, AVER_TOKENS_CHOICES_MAX);
    aver_tokens_deinit(&back);
    bytes.data[1]++; /* one choice more, and it is there */
    aver_buf_append_byte(&bytes, 0x80);
    assert_int_equal(aver_tokens_decode(aver_buf_view(&bytes), &back), AVER_E_LIMIT);
    aver_buf_deinit(&bytes);
}

static void damaged_token_documents_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"", 0},
        {"\x81\x80", 2},                         /* no choice */
        {"\x80", 1},                             /* nothing */
        {"\x83\x80\x80", 3},                     /* a choice that is not there */
        {"\x82\x80\x80\x00", 4},                 /* something after */
        {"\x82\x81\x20\x80", 4},                 /* a negative id */
        {"\x82\x81\x1a\x80\x00\x00\x00\x80", 8}, /* above INT32_MAX */
        {"\x82\x9a\xff\xff\xff\xff\x80", 7},     /* a length that is not there */
        {"\x82\x81\x18\x01\x80", 5},             /* a long head */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        aver_tokens tokens = {0};
        assert_int_not_equal(
            aver_tokens_decode(aver_view_make(cases[i].bytes, cases[i].size), &tokens), AVER_OK);
        assert_null(tokens.ids);
    }
}

static void expect_shown(aver_buf *out, const char *words)
{
    aver_buf_append_byte(out, 0);
    assert_int_equal(aver_buf_status(out), AVER_OK);
    if (!strstr((const char *)out->data, words)) {
        fail_msg("\"%s\" is not in \"%s\"", words, (const char *)out->data);
    }
    aver_buf_clear(out);
}

static void what_is_shown_is_what_the_bytes_say(void **state)
{
    (void)state;
    static forge_state made;
    static aver_bundle bundle;
    aver_buf out;
    forge_init(&made);
    forge_build(&made);
    aver_buf_init(&out, 65536);
    aver_receipt_show(&made.receipt, false, &out);
    expect_shown(&out, "issued_at            2026-03-01T11:59:58Z\n");
    aver_receipt_show(&made.receipt, true, &out);
    expect_shown(&out, "\"seed\":\"1234605616436508552\",\"channel\":\"sealed\"");
    assert_int_equal(aver_bundle_decode(aver_buf_view(&made.bundle), &bundle), AVER_OK);
    aver_bundle_show(&bundle, &made.keyset, false, &out);
    expect_shown(&out, "software             aver-node 0.1.0\n");
    aver_bundle_show(&bundle, &made.keyset, true, &out);
    expect_shown(&out, "\"models\":[{\"name\":\"story\",\"root\":\"");
    aver_bundle_show(&bundle, NULL, true, &out);
    expect_shown(&out, "{\"platform\":\"sim\",");
    const aver_claims claims = {.simulated = true, .tcb = 3};
    aver_claims_show(&claims, true, &out);
    expect_shown(&out, "{\"simulated\":true,\"debug\":false,\"tcb\":3,");
    aver_buf_deinit(&out);
    forge_deinit(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_comes_back_as_it_was),
        cmocka_unit_test(another_key_or_kind_does_not_verify),
        cmocka_unit_test(a_receipt_must_agree_with_itself),
        cmocka_unit_test(the_identity_is_that_of_what_was_signed),
        cmocka_unit_test(commitments_differ_by_salt_and_kind),
        cmocka_unit_test(token_documents_keep_their_parts),
        cmocka_unit_test(token_documents_have_their_limits),
        cmocka_unit_test(damaged_token_documents_are_refused),
        cmocka_unit_test(what_is_shown_is_what_the_bytes_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

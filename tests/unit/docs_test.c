/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs: the worked example of docs/receipts.md is recomputed from its own hex blocks, and the table
 * of docs/verifier.md is the program's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/sim_verify.h"
#include "aver/stream.h"
#include "aver/verify.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "model/gguf.h"
#include "support/docs_blocks.h"

#include <stdio.h>
#include <string.h>

static docs_page page;

static aver_view get(const char *name)
{
    return docs_page_get(&page, name);
}

static const uint8_t *get32(const char *name)
{
    return docs_page_get32(&page, name);
}

static void expect32(const char *name, const uint8_t found[static 32])
{
    docs_page_expect(&page, name, aver_view_make(found, 32));
}

static void expect_same(const char *name, const aver_buf *found)
{
    assert_int_equal(aver_buf_status(found), AVER_OK);
    docs_page_expect(&page, name, aver_buf_view(found));
}

static aver_keyset keyset;

static void names_and_keyset_follow_from_their_parts(void **state)
{
    (void)state;
    static const uint8_t operator_address[20] = {0xde, 0xad, 0xbe, 0xef};
    uint8_t digest[32];
    aver_buf bytes;
    aver_buf_init(&bytes, AVER_KEYSET_BYTES_MAX);
    aver_node_id(operator_address, "alpha", digest);
    expect32("node-id", digest);
    assert_int_equal(aver_keyset_decode(get("keyset"), &keyset), AVER_OK);
    assert_int_equal(aver_keyset_encode(&keyset, &bytes), AVER_OK);
    expect_same("keyset", &bytes);
    aver_keyset_digest(get("keyset"), digest);
    expect32("keyset-digest", digest);
    aver_config_digest(get("config"), digest);
    expect32("config-digest", digest);
    assert_memory_equal(keyset.config_digest, digest, 32);
    aver_sha256_of(aver_view_make(keyset.keys[AVER_ROLE_RECEIPT].bytes, 32), digest);
    assert_memory_equal(keyset.incarnation, digest, 32);
    aver_buf_deinit(&bytes);
}

static void nonce_and_binding_follow_from_their_parts(void **state)
{
    (void)state;
    uint8_t leaf[32];
    uint8_t root[32];
    uint8_t data[64];
    aver_nonce_leaf(get32("nonce"), leaf);
    expect32("nonce-leaf", leaf);
    aver_merkle_node(get32("nonce-path"), leaf, root);
    expect32("nonce-root", root);
    aver_binding(get32("keyset-digest"), root, (aver_view){0}, data);
    assert_true(aver_view_equal(get("report-data"), AVER_VIEW_OF(data)));
}

/* By hand from the text of the page, not by the library's own function. */
static void the_binding_is_what_the_page_says(void **state)
{
    (void)state;
    uint8_t data[64];
    aver_buf block;
    aver_buf_init(&block, 256);
    aver_buf_append_text(&block, "aver/bind/1");
    aver_buf_append_be32(&block, 32);
    aver_buf_append(&block, get("keyset-digest"));
    aver_buf_append_be32(&block, 32);
    aver_buf_append(&block, get("nonce-root"));
    aver_buf_append_be32(&block, 0);
    aver_sha512_of(aver_buf_view(&block), data);
    assert_true(aver_view_equal(get("report-data"), AVER_VIEW_OF(data)));
    aver_buf_deinit(&block);
}

static void the_bundle_is_made_of_its_parts(void **state)
{
    (void)state;
    static aver_bundle bundle;
    static aver_verdict verdict;
    aver_claims claims = {.tcb = 0};
    aver_roots roots = {.has_sim_root = true};
    uint8_t digest[32];
    bool readable = false;
    aver_buf bytes;
    aver_buf_init(&bytes, AVER_BUNDLE_BYTES_MAX);
    assert_int_equal(aver_bundle_decode(get("bundle"), &bundle), AVER_OK);
    assert_true(aver_view_equal(bundle.evidence, get("evidence")));
    assert_true(aver_view_equal(bundle.keyset_bytes, get("keyset")));
    assert_true(aver_view_equal(bundle.config, get("config")));
    assert_memory_equal(bundle.nonce_root, get32("nonce-root"), 32);
    assert_memory_equal(bundle.nonce_path[0], get32("nonce-path"), 32);
    assert_int_equal(aver_bundle_encode(&bundle, &bytes), AVER_OK);
    expect_same("bundle", &bytes);
    aver_evidence_digest(get("evidence"), digest);
    expect32("evidence-digest", digest);
    memcpy(roots.sim_root, get32("sim-root"), 32);
    aver_verdict_init(&verdict);
    const aver_platform_input input = {.bundle = &bundle, .roots = &roots};
    assert_int_equal(aver_platform_sim.judge(&input, &verdict, &claims, &readable), AVER_OK);
    assert_true(readable);
    assert_false(aver_verdict_failed(&verdict));
    assert_true(aver_view_equal(get("report-data"), AVER_VIEW_OF(claims.report_data)));
    aver_buf_deinit(&bytes);
}

static void the_receipt_is_signed_and_names_its_parts(void **state)
{
    (void)state;
    aver_receipt receipt;
    uint8_t digest[32];
    const uint8_t *salt = get32("salt");
    assert_int_equal(aver_keyset_decode(get("keyset"), &keyset), AVER_OK);
    assert_int_equal(
        aver_receipt_verify_signature(get("receipt"), keyset.keys[AVER_ROLE_RECEIPT].bytes),
        AVER_OK);
    assert_int_equal(aver_receipt_decode_unverified(get("receipt"), &receipt), AVER_OK);
    assert_int_equal(aver_receipt_identity(get("receipt"), digest), AVER_OK);
    expect32("receipt-identity", digest);
    expect32("keyset-digest", receipt.keyset_digest);
    expect32("evidence-digest", receipt.evidence_digest);
    aver_commit_request(salt, get("request"), digest);
    expect32("request-commitment", digest);
    assert_memory_equal(receipt.request_commitment, digest, 32);
    aver_commit_response(salt, get("response"), digest);
    expect32("response-commitment", digest);
    assert_memory_equal(receipt.response_commitment, digest, 32);
    aver_commit_tokens(salt, get("tokens"), digest);
    expect32("tokens-commitment", digest);
    assert_memory_equal(receipt.tokens_commitment, digest, 32);
    aver_sha256_of(get("enc"), digest);
    assert_memory_equal(receipt.enc_digest, digest, 32);
}

static void the_tokens_are_a_prompt_and_an_answer(void **state)
{
    (void)state;
    aver_tokens tokens = {0};
    assert_int_equal(aver_tokens_decode(get("tokens"), &tokens), AVER_OK);
    assert_int_equal(tokens.prompt_count, 1);
    assert_int_equal(tokens.choices_count, 1);
    assert_int_equal(tokens.counts[0], 3);
    assert_int_equal(tokens.ids[3], 261);
    aver_tokens_deinit(&tokens);
}

static void several_choices_stand_behind_one_prompt(void **state)
{
    (void)state;
    int32_t ids[] = {1, 403, 407, 403};
    const aver_tokens wanted = {
        .ids = ids, .prompt_count = 1, .choices_count = 3, .counts = {2, 0, 1}};
    aver_tokens tokens = {0};
    aver_buf bytes;
    aver_buf_init(&bytes, AVER_TOKENS_BYTES_MAX);
    assert_int_equal(aver_tokens_encode(&wanted, &bytes), AVER_OK);
    expect_same("tokens-choices", &bytes);
    assert_int_equal(aver_tokens_decode(get("tokens-choices"), &tokens), AVER_OK);
    assert_int_equal(tokens.choices_count, 3);
    assert_int_equal(tokens.counts[1], 0);
    assert_memory_equal(tokens.ids, ids, sizeof ids);
    aver_tokens_deinit(&tokens);
    aver_buf_deinit(&bytes);
}

static void a_leaf_begins_with_its_name(void **state)
{
    (void)state;
    static const uint8_t tag[1] = {0};
    uint64_t count = 0;
    uint8_t digest[32];
    aver_sha256 hash;
    assert_true(aver_view_equal_text(get("named-event"), "event: response.created\ndata: {}\n\n"));
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_OF(tag));
    aver_sha256_update(&hash, get("named-event"));
    aver_sha256_final(&hash, digest);
    expect32("named-leaf", digest);
    assert_int_equal(aver_stream_tree(get("named-event"), UINT64_MAX, &count, digest), AVER_OK);
    assert_int_equal(count, 1);
    expect32("named-leaf", digest);
}

static void opening_and_head_are_signed(void **state)
{
    (void)state;
    aver_opening opening;
    aver_head head;
    uint64_t count = 0;
    uint8_t root[32];
    assert_int_equal(aver_keyset_decode(get("keyset"), &keyset), AVER_OK);
    const uint8_t *key = keyset.keys[AVER_ROLE_RECEIPT].bytes;
    assert_int_equal(aver_opening_open(get("opening"), key, &opening), AVER_OK);
    assert_int_equal(aver_head_open(get("head"), key, &head), AVER_OK);
    expect32("keyset-digest", opening.keyset_digest);
    expect32("request-commitment", opening.request_commitment);
    assert_memory_equal(opening.receipt_id, head.receipt_id, 32);
    assert_int_equal(aver_stream_tree(get("stream-events"), UINT64_MAX, &count, root), AVER_OK);
    assert_int_equal(count, head.size);
    expect32("stream-root", root);
    assert_memory_equal(head.root, root, 32);
}

static void the_parts_make_the_golden_capsule(void **state)
{
    (void)state;
    aver_capsule capsule = {.receipt = get("receipt"),
                            .bundle = get("bundle"),
                            .has_salt = true,
                            .has_request = true,
                            .has_response = true,
                            .has_tokens = true,
                            .request = get("request"),
                            .response = get("response"),
                            .tokens = get("tokens"),
                            .has_enc = true};
    aver_buf bytes;
    aver_buf golden;
    aver_buf_init(&bytes, AVER_CAPSULE_BYTES_MAX);
    memcpy(capsule.salt, get32("salt"), 32);
    memcpy(capsule.enc, get32("enc"), 32);
    assert_int_equal(aver_capsule_encode(&capsule, &bytes), AVER_OK);
    docs_file_read("tests/golden", "whole.capsule", &golden);
    golden.size--; /* the NUL behind it */
    assert_true(aver_view_equal(aver_buf_view(&bytes), aver_buf_view(&golden)));
    aver_buf_clear(&bytes);
    assert_int_equal(aver_capsule_decode(get("capsule-cut"), &capsule), AVER_OK);
    assert_true(aver_view_equal_text(capsule.bundle, "b"));
    assert_true(aver_view_equal_text(capsule.opening, "o"));
    assert_int_equal(aver_capsule_encode(&capsule, &bytes), AVER_OK);
    expect_same("capsule-cut", &bytes);
    aver_buf_deinit(&bytes);
    aver_buf_deinit(&golden);
}

static void model_leaf(aver_merkle *tree, const char *letter, aver_view head, aver_view data)
{
    aver_buf leaf;
    aver_buf_init(&leaf, 1024);
    aver_buf_append_text(&leaf, letter);
    aver_buf_append(&leaf, head);
    aver_buf_append(&leaf, data);
    aver_merkle_append(tree, aver_buf_view(&leaf));
    aver_buf_deinit(&leaf);
}

static void the_model_root_is_what_the_page_says(void **state)
{
    (void)state;
    /* 24 bytes of header, an item of 8 + 20 + 4 + 8 + 5, a tensor entry of 8 + 1 + 4 + 8 + 4 + 8,
     * data at 128. */
    enum {
        ITEM_AT = 24,
        TENSOR_AT = ITEM_AT + 45,
        TABLE_END = TENSOR_AT + 33,
        DATA_AT = 128,
        DATA_BYTES = 16
    };
    static const uint8_t first_piece[8] = {0};
    aver_view file = get("gguf");
    aver_view none = {0};
    aver_merkle tree;
    uint8_t root[32];
    aver_merkle_init(&tree);
    model_leaf(&tree, "H", none, aver_view_slice(file, 0, ITEM_AT));
    model_leaf(&tree, "M", none, aver_view_slice(file, ITEM_AT, TENSOR_AT - ITEM_AT));
    model_leaf(&tree, "T", none, aver_view_slice(file, TENSOR_AT, TABLE_END - TENSOR_AT));
    model_leaf(&tree, "D", AVER_VIEW_OF(first_piece), aver_view_slice(file, DATA_AT, DATA_BYTES));
    aver_merkle_root(&tree, root);
    expect32("model-root", root);
    aver_gguf *gguf = NULL;
    char why[160];
    assert_int_equal(aver_gguf_open(file, &gguf, why), AVER_OK);
    assert_int_equal(aver_gguf_root(gguf, 1, root), AVER_OK);
    expect32("model-root", root);
    aver_gguf_close(gguf);
}

static void every_block_of_the_page_is_checked(void **state)
{
    (void)state;
    docs_page_expect_all_used(&page);
}

static void the_page_about_checks_has_the_programs_table(void **state)
{
    (void)state;
    aver_buf text;
    docs_file_read("docs", "verifier.md", &text);
    const char *at =
        strstr((const char *)text.data, "| check | meaning | fails when |\n|---|---|---|\n");
    assert_non_null(at);
    at = strstr(at, "---|\n") + strlen("---|\n");
    for (const aver_check_name *name = aver_check_names(); name->name; name++) {
        char row[256];
        int length = snprintf(row, sizeof row, "| `%s` | %s | ", name->name, name->meaning);
        assert_true(length > 0 && (size_t)length < sizeof row);
        if (strncmp(at, row, (size_t)length) != 0) {
            fail_msg("docs/verifier.md: \"%s\" is expected at \"%.60s\"", row, at);
        }
        at = strchr(at, '\n');
        assert_non_null(at);
        at++;
    }
    assert_int_equal(*at, '\n'); /* and no row more */
    aver_buf_deinit(&text);
}

static void the_page_says_what_no_verdict_claims(void **state)
{
    (void)state;
    aver_buf text;
    docs_file_read("docs", "verifier.md", &text);
    const char *limits = aver_verdict_limits();
    while (*limits) {
        char line[256];
        size_t size = strcspn(limits, "\n");
        (void)snprintf(line, sizeof line, "\n- %.*s\n", (int)size, limits);
        if (!strstr((const char *)text.data, line)) {
            fail_msg("docs/verifier.md does not say: %s", line);
        }
        limits += size + (limits[size] ? 1 : 0);
    }
    aver_buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_keyset_follow_from_their_parts),
        cmocka_unit_test(nonce_and_binding_follow_from_their_parts),
        cmocka_unit_test(the_binding_is_what_the_page_says),
        cmocka_unit_test(the_bundle_is_made_of_its_parts),
        cmocka_unit_test(the_receipt_is_signed_and_names_its_parts),
        cmocka_unit_test(the_tokens_are_a_prompt_and_an_answer),
        cmocka_unit_test(several_choices_stand_behind_one_prompt),
        cmocka_unit_test(a_leaf_begins_with_its_name),
        cmocka_unit_test(opening_and_head_are_signed),
        cmocka_unit_test(the_parts_make_the_golden_capsule),
        cmocka_unit_test(the_model_root_is_what_the_page_says),
        cmocka_unit_test(every_block_of_the_page_is_checked),
        cmocka_unit_test(the_page_about_checks_has_the_programs_table),
        cmocka_unit_test(the_page_says_what_no_verdict_claims),
    };
    docs_page_read(&page, "receipts.md");
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    docs_page_deinit(&page);
    return failures;
}

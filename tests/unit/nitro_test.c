/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/cbor.h"
#include "crypto/cose.h"
#include "crypto/hash.h"
#include "support/attest_cases.h"
#include "support/pki.h"

enum { DOCUMENT_BYTES_MAX = 32768, PCRS = 16 };

/* What a document is made of; the defaults hold. */
typedef struct recipe {
    int64_t algorithm;
    const char *leaf_name;
    pki_kind leaf_kind;
    bool leaf_ca, leaf_wrong_usage;
    uint64_t leaf_from_s, leaf_to_s, time_s;
    uint64_t middle_to_s;
    bool middle_not_ca;
    bool debug, pcr_twice, key_twice, short_pcr, no_pcr1, tag, indefinite, no_module, surplus_key;
    bool other_signer;
    const char *digest;
    const char *nonce;
    const char *user_data;
} recipe;

static const recipe recipe_good = {.algorithm = -35,
                                   .leaf_name = "i-1-enc2.test",
                                   .leaf_kind = PKI_P384,
                                   .leaf_from_s = PKI_NOW_S - 3600,
                                   .leaf_to_s = PKI_NOW_S + 3600,
                                   .time_s = PKI_NOW_S,
                                   .digest = "SHA384",
                                   .nonce = "the nonce"};

typedef struct evidence {
    pki_cert root, middle, leaf;
    aver_buf document;
    aver_buf payload;
} evidence;

static void put_pcrs(const recipe *r, aver_buf *out)
{
    static const uint8_t zero[64];
    aver_cbor_put_text(out, "pcrs");
    aver_cbor_put_map(out, (uint64_t)PCRS + (r->pcr_twice ? 1U : 0U) - (r->no_pcr1 ? 1U : 0U));
    for (uint8_t i = 0; i < PCRS; i++) {
        uint8_t pcr[48] = {(uint8_t)(i + 1)};
        if (i == 1 && r->no_pcr1) {
            continue;
        }
        aver_cbor_put_uint(out, i);
        size_t size = r->short_pcr && i == 7 ? 32 : 48;
        aver_cbor_put_bytes(out, aver_view_make(r->debug && i < 3 ? zero : pcr, size));
    }
    if (r->pcr_twice) {
        aver_cbor_put_uint(out, 0);
        aver_cbor_put_bytes(out, aver_view_make(zero, 48));
    }
}

static void put_optional(aver_buf *out, const char *name, const char *value)
{
    aver_cbor_put_text(out, name);
    if (value != NULL) {
        aver_cbor_put_bytes(out, aver_view_text(value));
    } else {
        aver_cbor_put_null(out);
    }
}

static void put_payload(const recipe *r, const evidence *made, aver_buf *out)
{
    uint64_t pairs = 9 + (r->key_twice ? 1U : 0U) + (r->surplus_key ? 1U : 0U);
    if (r->indefinite) {
        aver_buf_append_byte(out, 0xbf);
    } else {
        aver_cbor_put_map(out, pairs - (r->no_module ? 1U : 0U));
    }
    if (!r->no_module) {
        aver_cbor_put_text(out, "module_id");
        aver_cbor_put_text(out, "i-1-enc2");
    }
    aver_cbor_put_text(out, "digest");
    aver_cbor_put_text(out, r->digest);
    aver_cbor_put_text(out, "timestamp");
    aver_cbor_put_uint(out, r->time_s * 1000);
    put_pcrs(r, out);
    aver_cbor_put_text(out, "certificate");
    aver_cbor_put_bytes(out, aver_buf_view(&made->leaf.der));
    aver_cbor_put_text(out, "cabundle");
    aver_cbor_put_array(out, 2);
    aver_cbor_put_bytes(out, aver_buf_view(&made->root.der));
    aver_cbor_put_bytes(out, aver_buf_view(&made->middle.der));
    put_optional(out, "public_key", NULL);
    put_optional(out, "user_data", r->user_data);
    put_optional(out, "nonce", r->nonce);
    if (r->key_twice) {
        put_optional(out, "nonce", r->nonce);
    }
    if (r->surplus_key) {
        put_optional(out, "something new", "value");
    }
    if (r->indefinite) {
        aver_buf_append_byte(out, 0xff);
    }
}

static void put_signed(const recipe *r, evidence *made)
{
    aver_buf header;
    aver_buf structure;
    uint8_t digest[48];
    uint8_t signature[132];
    aver_buf_init(&header, 16);
    aver_buf_init(&structure, DOCUMENT_BYTES_MAX);
    aver_cbor_put_map(&header, 1);
    aver_cbor_put_int(&header, 1);
    aver_cbor_put_int(&header, r->algorithm);
    aver_cose_sig_structure(aver_buf_view(&header), (aver_view){0}, aver_buf_view(&made->payload),
                            &structure);
    aver_sha384_of(aver_buf_view(&structure), digest);
    EVP_PKEY *signer = r->other_signer ? made->middle.key : made->leaf.key;
    size_t size = pki_sign(signer, AVER_VIEW_OF(digest), signature);
    if (r->tag) {
        aver_cbor_put_tag(&made->document, 18);
    }
    aver_cbor_put_array(&made->document, 4);
    aver_cbor_put_bytes(&made->document, aver_buf_view(&header));
    aver_cbor_put_map(&made->document, 0);
    aver_cbor_put_bytes(&made->document, aver_buf_view(&made->payload));
    aver_cbor_put_bytes(&made->document, aver_view_make(signature, size));
    assert_int_equal(aver_buf_status(&made->document), AVER_OK);
    aver_buf_deinit(&structure);
    aver_buf_deinit(&header);
}

static void make(const recipe *r, evidence *made)
{
    made->root = pki_cert_make(&(pki_options){
        .name = "test root", .key = pki_key(0, PKI_P384), .ca = true, .path_length = -1});
    made->middle = pki_cert_make(&(pki_options){.name = "test instance",
                                                .key = pki_key(1, PKI_P384),
                                                .issuer = &made->root,
                                                .ca = !r->middle_not_ca,
                                                .path_length = 0,
                                                .to_s = r->middle_to_s,
                                                .serial = 2});
    made->leaf = pki_cert_make(&(pki_options){.name = r->leaf_name,
                                              .key = pki_key(2, r->leaf_kind),
                                              .issuer = &made->middle,
                                              .ca = r->leaf_ca,
                                              .path_length = -1,
                                              .wrong_usage = r->leaf_wrong_usage,
                                              .from_s = r->leaf_from_s,
                                              .to_s = r->leaf_to_s,
                                              .serial = 3});
    aver_buf_init(&made->document, DOCUMENT_BYTES_MAX);
    aver_buf_init(&made->payload, DOCUMENT_BYTES_MAX);
    put_payload(r, made, &made->payload);
    put_signed(r, made);
}

static void unmake(evidence *made)
{
    pki_cert_deinit(&made->root);
    pki_cert_deinit(&made->middle);
    pki_cert_deinit(&made->leaf);
    aver_buf_deinit(&made->document);
    aver_buf_deinit(&made->payload);
}

static attest_case run;

static aver_attest_input input_of(const evidence *made)
{
    return (aver_attest_input){.evidence = aver_buf_view(&made->document),
                               .roots = {{aver_buf_view(&made->root.der)}, 1},
                               .time_s = PKI_NOW_S};
}

static void judge(const recipe *r)
{
    evidence made;
    make(r, &made);
    aver_attest_input input = input_of(&made);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
    /* What was judged goes; claims that point into it are not looked at. */
    unmake(&made);
}

static void good_documents_hold(void **state)
{
    (void)state;
    recipe forms[] = {recipe_good, recipe_good, recipe_good, recipe_good};
    forms[1].indefinite = true;
    forms[2].tag = true;
    forms[3].surplus_key = true;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        judge(&forms[i]);
        assert_true(attest_case_holds(&run, AVER_FAMILY_NITRO));
    }
}

static void claims_say_what_the_document_says(void **state)
{
    (void)state;
    evidence made;
    recipe r = recipe_good;
    r.user_data = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    make(&r, &made);
    aver_attest_input input = input_of(&made);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
    assert_true(run.claims.has_report_data);
    assert_memory_equal(run.claims.report_data, r.user_data, 64);
    assert_int_equal(run.claims.time_ms, PKI_NOW_S * 1000);
    assert_int_equal(run.claims.measurements_count, PCRS);
    assert_string_equal(run.claims.measurements[3].kind, "pcr3");
    assert_int_equal(run.claims.measurements[3].bytes[0], 4);
    const aver_claim *module = aver_claims_find(&run.claims, NULL, "module_id");
    assert_true(aver_view_equal_text(module->bytes, "i-1-enc2"));
    aver_buf json;
    aver_buf_init(&json, 65536);
    aver_claims_json(&run.claims, &json);
    assert_int_equal(aver_buf_status(&json), AVER_OK);
    aver_buf_append_byte(&json, 0);
    assert_non_null(strstr((const char *)json.data, "\"pcrs\":{\"0\":\"01000000"));
    assert_non_null(strstr((const char *)json.data, "},\"public_key\":null,\"user_data\":\"3031"));
    assert_non_null(strstr((const char *)json.data, "\"cabundle_len\":2}"));
    aver_buf_deinit(&json);
    unmake(&made);
}

static void malformed_documents_are_refused(void **state)
{
    (void)state;
    recipe forms[] = {recipe_good, recipe_good, recipe_good};
    forms[0].pcr_twice = true;
    forms[1].key_twice = true;
    forms[2].no_module = true;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        judge(&forms[i]);
        assert_true(fails_alone(&run.verdict, "evidence.format", AVER_REASON_MALFORMED));
        assert_false(run.readable);
    }
}

static void bytes_cut_or_added_are_refused(void **state)
{
    (void)state;
    evidence made;
    make(&recipe_good, &made);
    aver_attest_input input = input_of(&made);
    for (size_t size = 0; size < made.document.size; size += size < 64 ? 1 : 37) {
        input.evidence = aver_view_make(made.document.data, size);
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
        assert_true(fails_alone(&run.verdict, "evidence.format", AVER_REASON_MALFORMED));
    }
    aver_buf_append_byte(&made.document, 0);
    input.evidence = aver_buf_view(&made.document);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.format", AVER_REASON_MALFORMED));
    unmake(&made);
}

static void paths_to_other_roots_are_refused(void **state)
{
    (void)state;
    evidence made;
    make(&recipe_good, &made);
    /* The same name and another key. */
    pki_cert other = pki_cert_make(&(pki_options){
        .name = "test root", .key = pki_key(5, PKI_P384), .ca = true, .path_length = -1});
    aver_attest_input input = input_of(&made);
    input.roots.given[0] = aver_buf_view(&other.der);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
    /* The vendor's own root is pinned: the document's does not count. */
    input.roots.given_count = 0;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
    pki_cert_deinit(&other);
    unmake(&made);
    recipe r = recipe_good;
    r.middle_not_ca = true;
    judge(&r);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
}

static void certificates_out_of_their_time_are_refused(void **state)
{
    (void)state;
    evidence made;
    make(&recipe_good, &made);
    aver_attest_input input = input_of(&made);
    const uint64_t times[] = {recipe_good.leaf_from_s - 1, recipe_good.leaf_to_s + 1};
    for (size_t i = 0; i < 2; i++) {
        input.time_s = times[i];
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
        assert_true(fails_alone(&run.verdict, "evidence.validity", AVER_REASON_EXPIRED));
    }
    unmake(&made);
    recipe r = recipe_good;
    r.middle_to_s = PKI_NOW_S - 1;
    judge(&r);
    assert_true(fails_alone(&run.verdict, "evidence.validity", AVER_REASON_EXPIRED));
}

static void signatures_of_others_are_refused(void **state)
{
    (void)state;
    recipe r = recipe_good;
    r.other_signer = true;
    judge(&r);
    assert_true(fails_alone(&run.verdict, "evidence.signature", AVER_REASON_BAD_SIGNATURE));
    evidence made;
    make(&recipe_good, &made);
    aver_attest_input input = input_of(&made);
    /* Every bit of the signature, and one of a PCR. */
    for (size_t bit = 0; bit < 96 * 8; bit += 13) {
        made.document.data[made.document.size - 1 - bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
        assert_true(fails_alone(&run.verdict, "evidence.signature", AVER_REASON_BAD_SIGNATURE));
        made.document.data[made.document.size - 1 - bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    unmake(&made);
}

static void other_algorithms_are_refused(void **state)
{
    (void)state;
    recipe r = recipe_good;
    r.algorithm = -7;
    judge(&r);
    assert_true(fails_alone(&run.verdict, "nitro.algorithm", AVER_REASON_MALFORMED));
}

static void leaves_that_may_not_sign_are_refused(void **state)
{
    (void)state;
    recipe forms[] = {recipe_good, recipe_good, recipe_good};
    forms[0].leaf_kind = PKI_P521;
    forms[0].other_signer = true;
    forms[1].leaf_ca = true;
    forms[2].leaf_wrong_usage = true;
    judge(&forms[0]);
    assert_true(fails_alone(&run.verdict, "nitro.leaf", AVER_REASON_CHAIN_UNTRUSTED));
    judge(&forms[1]);
    assert_true(fails_alone(&run.verdict, "nitro.leaf", AVER_REASON_CHAIN_UNTRUSTED));
    judge(&forms[2]);
    assert_true(fails_alone(&run.verdict, "nitro.leaf", AVER_REASON_CHAIN_UNTRUSTED));
}

static void leaves_of_other_modules_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"i-1-enc3.test", "i-1-enc", "i-1-enc22.test"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        recipe r = recipe_good;
        r.leaf_name = names[i];
        judge(&r);
        assert_true(fails_alone(&run.verdict, "nitro.leaf", AVER_REASON_KEY_MISMATCH));
    }
}

static void wrong_registers_are_refused(void **state)
{
    (void)state;
    recipe forms[] = {recipe_good, recipe_good, recipe_good};
    forms[0].short_pcr = true;
    forms[1].no_pcr1 = true;
    forms[2].digest = "SHA512";
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        judge(&forms[i]);
        assert_true(fails_alone(&run.verdict, "nitro.pcrs", AVER_REASON_MALFORMED));
    }
}

static void documents_of_another_time_are_refused(void **state)
{
    (void)state;
    recipe r = recipe_good;
    r.time_s = r.leaf_to_s + 1;
    judge(&r);
    assert_true(fails_alone(&run.verdict, "nitro.time", AVER_REASON_EXPIRED));
}

static void debug_is_refused_unless_accepted(void **state)
{
    (void)state;
    evidence made;
    recipe r = recipe_good;
    r.debug = true;
    make(&r, &made);
    aver_attest_input input = input_of(&made);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.debug", AVER_REASON_DEBUG_ENABLED));
    input.allow_debug = true;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
    assert_true(attest_case_holds(&run, AVER_FAMILY_NITRO));
    assert_true(run.claims.debug);
    unmake(&made);
}

static void nonces_are_compared_whole(void **state)
{
    (void)state;
    evidence made;
    make(&recipe_good, &made);
    aver_attest_input input = input_of(&made);
    input.nonce = aver_view_text("the nonce");
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
    assert_true(attest_case_holds(&run, AVER_FAMILY_NITRO));
    assert_int_equal(aver_verdict_find(&run.verdict, "evidence.nonce")->status, AVER_CHECK_PASS);
    input.nonce = aver_view_text("the nonc");
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.nonce", AVER_REASON_NONCE_MISMATCH));
    unmake(&made);
    recipe r = recipe_good;
    r.nonce = NULL;
    make(&r, &made);
    input = input_of(&made);
    input.nonce = aver_view_text("the nonce");
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.nonce", AVER_REASON_NONCE_MISMATCH));
    unmake(&made);
}

/* What the cache kept must not make good what is bad, nor outlive its certificates. */
static void the_cache_changes_no_verdict(void **state)
{
    (void)state;
    evidence made;
    aver_attest_cache *cache = NULL;
    make(&recipe_good, &made);
    aver_attest_input input = input_of(&made);
    assert_int_equal(aver_attest_cache_new(1, &cache), AVER_OK);
    input.cache = cache;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
        assert_true(attest_case_holds(&run, AVER_FAMILY_NITRO));
    }
    input.time_s = recipe_good.leaf_to_s + 1;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.validity", AVER_REASON_EXPIRED));
    input.time_s = PKI_NOW_S;
    input.roots.given_count = 0;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
    input.roots.given_count = 1;
    made.document.data[made.document.size - 1] ^= 1;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.signature", AVER_REASON_BAD_SIGNATURE));
    aver_attest_cache_free(cache);
    unmake(&made);
}

static void roots_that_cannot_be_read_are_the_readers_mistake(void **state)
{
    (void)state;
    evidence made;
    make(&recipe_good, &made);
    aver_attest_input input = input_of(&made);
    input.roots.given[0] = aver_view_text("no certificate");
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_NITRO, &input), AVER_E_USAGE);
    unmake(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_documents_hold),
        cmocka_unit_test(claims_say_what_the_document_says),
        cmocka_unit_test(malformed_documents_are_refused),
        cmocka_unit_test(bytes_cut_or_added_are_refused),
        cmocka_unit_test(paths_to_other_roots_are_refused),
        cmocka_unit_test(certificates_out_of_their_time_are_refused),
        cmocka_unit_test(signatures_of_others_are_refused),
        cmocka_unit_test(other_algorithms_are_refused),
        cmocka_unit_test(leaves_that_may_not_sign_are_refused),
        cmocka_unit_test(leaves_of_other_modules_are_refused),
        cmocka_unit_test(wrong_registers_are_refused),
        cmocka_unit_test(documents_of_another_time_are_refused),
        cmocka_unit_test(debug_is_refused_unless_accepted),
        cmocka_unit_test(nonces_are_compared_whole),
        cmocka_unit_test(the_cache_changes_no_verdict),
        cmocka_unit_test(roots_that_cannot_be_read_are_the_readers_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

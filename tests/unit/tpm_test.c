/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "crypto/public_key.h"
#include "support/alloc_fail.h"
#include "support/attest_cases.h"
#include "support/tpm_make.h"

#include <openssl/x509.h>

enum { JSON_BYTES_MAX = 16384 };

static attest_case run;

static void spki(EVP_PKEY *key, aver_buf *out)
{
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key, &der);
    assert_true(size > 0);
    aver_buf_init(out, 4096);
    aver_buf_append(out, aver_view_make(der, (size_t)size));
    OPENSSL_free(der);
}

static void make(const tpm_recipe *r, aver_buf *json)
{
    tpm_made made;
    aver_buf_init(json, JSON_BYTES_MAX);
    tpm_make(r, &made);
    aver_buf_append_byte(json, '{');
    tpm_members(r, &made, json);
    aver_buf_append_byte(json, '}');
    assert_int_equal(aver_buf_status(json), AVER_OK);
    tpm_unmake(&made);
}

static void judge_with(const tpm_recipe *r, aver_attest_input *input)
{
    aver_buf json;
    aver_buf key;
    make(r, &json);
    spki(r->key, &key);
    input->evidence = aver_buf_view(&json);
    if (input->chain.size == 0) {
        input->key = aver_buf_view(&key);
    }
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_TPM, input), AVER_OK);
    aver_buf_deinit(&key);
    aver_buf_deinit(&json);
}

static void judge(const tpm_recipe *r)
{
    aver_attest_input input = {.time_s = PKI_NOW_S};
    judge_with(r, &input);
}

static tpm_recipe good(void)
{
    return tpm_recipe_good(pki_key(0, PKI_RSA2048));
}

static void good_quotes_hold(void **state)
{
    (void)state;
    tpm_recipe forms[] = {good(),
                          good(),
                          good(),
                          good(),
                          tpm_recipe_good(pki_key(0, PKI_P256)),
                          tpm_recipe_good(pki_key(0, PKI_P384)),
                          tpm_recipe_good(pki_key(0, PKI_RSA4096)),
                          good(),
                          good()};
    forms[1].pss = true;
    forms[2].alone = true;
    forms[3].sha384 = true;
    forms[5].sha384 = true;
    forms[6].pss = true;
    forms[6].sha384 = true;
    forms[7].banks_named = true;
    forms[8].pcrs = 0x0081; /* the others are told, and not quoted */
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        judge(&forms[i]);
        assert_true(attest_case_holds(&run, AVER_FAMILY_TPM));
        assert_int_equal(aver_verdict_find(&run.verdict, "tpm.pcrs")->status, AVER_CHECK_PASS);
    }
    assert_int_equal(run.claims.measurements_count, 2);
    assert_string_equal(run.claims.measurements[1].kind, "pcr7");
    tpm_recipe r = good();
    r.no_pcrs = true;
    judge(&r);
    assert_true(attest_case_holds(&run, AVER_FAMILY_TPM));
    assert_int_equal(aver_verdict_find(&run.verdict, "tpm.pcrs")->status, AVER_CHECK_SKIP);
}

static void claims_say_what_the_quote_says(void **state)
{
    (void)state;
    aver_buf json;
    aver_buf_init(&json, 65536);
    tpm_recipe r = good();
    judge(&r);
    aver_claims_json(&run.claims, &json);
    aver_buf_append_byte(&json, 0);
    const char *text = (const char *)json.data;
    assert_non_null(strstr(text, "\"reset_count\":7"));
    assert_non_null(strstr(text, "\"extra_data\":\"746865206368616c6c656e6765\""));
    assert_non_null(strstr(text, "\"pcr_select\":[[11,[0,1,2"));
    aver_buf_deinit(&json);
}

static void malformed_quotes_are_refused(void **state)
{
    (void)state;
    tpm_recipe forms[13];
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        forms[i] = good();
    }
    forms[0].magic = 0xff544348;
    forms[1].type = 0x8017;
    forms[2].safe = 2;
    forms[3].selections = 0;
    forms[4].selections = 2; /* of one bank */
    forms[5].selections = 5;
    forms[6].select_bytes = 4;
    forms[7].select_bytes = 0;
    forms[8].surplus_bytes = 1;
    forms[9].bank = 0x0012;
    forms[10].scheme = 0x0015;
    forms[11].scheme = 0x0018; /* ECDSA, and then one number */
    forms[12].extra =
        "more than the sixty-six bytes that the extra data of a quote may have at most";
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        judge(&forms[i]);
        assert_true(fails_alone(&run.verdict, "tpm.format", AVER_REASON_MALFORMED));
        assert_true(run.readable);
    }
}

static void malformed_evidence_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"tpm_message\":\"00\"}",
        "{\"tpm_message\":\"0\",\"tpm_signature\":\"00\"}",
        "{\"tpm_message\":\"\",\"tpm_signature\":\"00\"}",
        "{\"tpm_message\":1,\"tpm_signature\":\"00\"}",
        "{\"tpm_message\":\"00\",\"tpm_signature\":\"zz\"}",
        "{\"tpm_message\":\"00\",\"tpm_signature\":\"00\",\"tpm_pcrs\":[1]}",
        "{\"tpm_message\":\"00\",\"tpm_signature\":\"00\",\"tpm_pcrs\":[\"0\"]}",
        "{\"tpm_message\":\"00\",\"tpm_signature\":\"00\",\"tpm_pcrs\":{\"md5\":[]}}",
        "{\"tpm_message\":\"00\",\"tpm_signature\":\"00\",\"tpm_pcrs\":{\"sha256\":[\"00\"]}}",
        "{\"tpm_message\":\"00\",\"tpm_signature\":\"00\",\"tpm_pcrs\":{\"sha256\":{}}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        aver_attest_input input = {.evidence = aver_view_text(texts[i])};
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_TPM, &input), AVER_OK);
        assert_true(fails_alone(&run.verdict, "evidence.format", AVER_REASON_MALFORMED));
    }
}

static void each_check_can_fail_alone(void **state)
{
    (void)state;
    tpm_recipe r = good();
    r.signer = pki_key(1, PKI_RSA2048);
    judge(&r);
    assert_true(fails_alone(&run.verdict, "tpm.signature", AVER_REASON_BAD_SIGNATURE));
    r = good();
    r.signer = pki_key(1, PKI_P256);
    judge(&r);
    assert_true(fails_alone(&run.verdict, "tpm.signature", AVER_REASON_BAD_SIGNATURE));
    r = good();
    r.scheme = 0x0016;
    judge(&r);
    assert_true(fails_alone(&run.verdict, "tpm.signature", AVER_REASON_BAD_SIGNATURE));
    r = tpm_recipe_good(pki_key(0, PKI_P256));
    r.signer = pki_key(1, PKI_P384);
    judge(&r);
    assert_true(fails_alone(&run.verdict, "tpm.signature", AVER_REASON_BAD_SIGNATURE));
    tpm_recipe forms[] = {good(), good(), good()};
    forms[0].pcr_changed = true;
    forms[1].no_pcr7 = true;
    forms[2].short_pcr = true;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        judge(&forms[i]);
        assert_true(fails_alone(&run.verdict, "tpm.pcrs", AVER_REASON_MEASUREMENT_MISMATCH));
    }
    r = good();
    aver_attest_input input = {.nonce = AVER_VIEW_LITERAL("the challenge")};
    judge_with(&r, &input);
    assert_true(attest_case_holds(&run, AVER_FAMILY_TPM));
    input = (aver_attest_input){.nonce = AVER_VIEW_LITERAL("another")};
    judge_with(&r, &input);
    assert_true(fails_alone(&run.verdict, "evidence.nonce", AVER_REASON_NONCE_MISMATCH));
}

static void certificates_lead_to_the_readers_roots(void **state)
{
    (void)state;
    static const uint64_t revoked[] = {3, 0};
    aver_buf chain;
    aver_buf list;
    tpm_recipe r = good();
    pki_cert root = pki_cert_make(&(pki_options){
        .name = "TPM root", .key = pki_key(5, PKI_P384), .ca = true, .path_length = -1});
    pki_cert leaf =
        pki_cert_make(&(pki_options){.name = "AK", .key = r.key, .issuer = &root, .serial = 3});
    pki_cert authority = pki_cert_make(&(pki_options){
        .name = "AK", .key = r.key, .issuer = &root, .serial = 4, .ca = true, .path_length = 0});
    pki_cert other = pki_cert_make(
        &(pki_options){.name = "AK", .key = pki_key(5, PKI_RSA2048), .issuer = &root, .serial = 5});
    aver_buf_init(&chain, 65536);
    aver_buf_init(&list, 65536);
    pki_pem(&leaf, &chain);
    pki_crl(&(pki_crl_options){.issuer = &root, .revoked = revoked}, &list);
    aver_attest_input base = {.time_s = PKI_NOW_S,
                              .chain = aver_buf_view(&chain),
                              .roots = {{aver_buf_view(&root.der)}, 1}};
    aver_attest_input input = base;
    judge_with(&r, &input);
    assert_true(attest_case_holds(&run, AVER_FAMILY_TPM));
    input = base;
    input.roots.given_count = 0;
    judge_with(&r, &input);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
    input = base;
    input.time_s += 2 * PKI_YEAR_S;
    judge_with(&r, &input);
    assert_true(fails_alone(&run.verdict, "evidence.validity", AVER_REASON_EXPIRED));
    input = base;
    input.crls[0] = aver_buf_view(&list);
    input.crls_count = 1;
    judge_with(&r, &input);
    assert_true(fails_alone(&run.verdict, "evidence.revocation", AVER_REASON_REVOKED));
    input = base;
    input.chain = aver_buf_view(&authority.der);
    judge_with(&r, &input);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
    input = base;
    input.chain = aver_buf_view(&other.der);
    judge_with(&r, &input);
    assert_true(fails_alone(&run.verdict, "tpm.signature", AVER_REASON_BAD_SIGNATURE));
    input = base;
    input.chain = aver_view_text("no certificate");
    judge_with(&r, &input);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
    aver_buf json;
    make(&r, &json);
    input = (aver_attest_input){.evidence = aver_buf_view(&json)};
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_TPM, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_COLLATERAL_MISSING));
    aver_buf_deinit(&json);
    aver_buf_deinit(&chain);
    aver_buf_deinit(&list);
    pki_cert_deinit(&root);
    pki_cert_deinit(&leaf);
    pki_cert_deinit(&authority);
    pki_cert_deinit(&other);
}

static void rsa_keys_have_bounds(void **state)
{
    (void)state;
    uint8_t modulus[AVER_RSA_BYTES_MAX + 1];
    const uint8_t exponent[] = {1, 0, 1};
    const uint8_t even[] = {1, 0, 0};
    const uint8_t one[] = {1};
    const uint8_t long_exponent[] = {1, 0, 0, 0, 1};
    memset(modulus, 0xff, sizeof modulus);
    const struct {
        aver_view modulus, exponent;
        bool good;
    } cases[] = {
        {aver_view_make(modulus, 256), AVER_VIEW_OF(exponent), true},
        {aver_view_make(modulus, 512), AVER_VIEW_OF(exponent), true},
        {aver_view_make(modulus, 255), AVER_VIEW_OF(exponent), false},
        {aver_view_make(modulus, 513), AVER_VIEW_OF(exponent), false},
        {aver_view_make(modulus, 0), AVER_VIEW_OF(exponent), false},
        {aver_view_make(modulus, 256), AVER_VIEW_OF(even), false},
        {aver_view_make(modulus, 256), AVER_VIEW_OF(one), false},
        {aver_view_make(modulus, 256), AVER_VIEW_OF(long_exponent), false},
        {aver_view_make(modulus, 256), {0}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        aver_rsa_key *key = NULL;
        aver_err err = aver_rsa_key_new(cases[i].modulus, cases[i].exponent, &key);
        assert_int_equal(err, cases[i].good ? AVER_OK : AVER_E_FORMAT);
        assert_true((key != NULL) == cases[i].good);
        aver_rsa_key_free(key);
    }
}

static void public_keys_are_read_strictly(void **state)
{
    (void)state;
    aver_public_key key = {0};
    aver_buf der;
    spki(pki_key(0, PKI_P256), &der);
    assert_int_equal(aver_public_key_open(aver_buf_view(&der), &key), AVER_OK);
    assert_true(key.ec != NULL && key.rsa == NULL && key.curve == AVER_CURVE_P256);
    aver_public_key_close(&key);
    aver_buf_append_byte(&der, 0);
    assert_int_equal(aver_public_key_open(aver_buf_view(&der), &key), AVER_E_FORMAT);
    aver_buf_deinit(&der);
    EVP_PKEY *small = EVP_RSA_gen(1024);
    spki(small, &der);
    assert_int_equal(aver_public_key_open(aver_buf_view(&der), &key), AVER_E_FORMAT);
    EVP_PKEY_free(small);
    aver_buf_deinit(&der);
    EVP_PKEY *other = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    spki(other, &der);
    assert_int_equal(aver_public_key_open(aver_buf_view(&der), &key), AVER_E_UNSUPPORTED);
    EVP_PKEY_free(other);
    aver_buf_deinit(&der);
    assert_int_equal(aver_public_key_open((aver_view){0}, &key), AVER_E_FORMAT);
    assert_int_equal(aver_public_key_open(aver_view_text("-----BEGIN"), &key), AVER_E_FORMAT);
}

/* Each allocation in turn: the judgement is NOMEM or what it is with memory, and holds only then.
 */
static void memory_may_end_anywhere(void **state)
{
    (void)state;
    tpm_recipe forms[] = {good(), tpm_recipe_good(pki_key(0, PKI_P256))};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        aver_buf json;
        aver_buf key;
        make(&forms[i], &json);
        spki(forms[i].key, &key);
        aver_attest_input input = {.evidence = aver_buf_view(&json), .key = aver_buf_view(&key)};
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_TPM, &input), AVER_OK);
        bool failed = true;
        for (size_t at = 0; failed; at++) {
            bool grown = true;
            aver_err err = AVER_OK;
            /* What OpenSSL keeps for later it does not take twice. */
            for (size_t again = 0; again < 3 && grown; again++) {
                size_t before = alloc_fail_live;
                alloc_fail_at(at);
                err = attest_case_run(&run, AVER_FAMILY_TPM, &input);
                failed = alloc_fail_end();
                grown = alloc_fail_live > before;
            }
            assert_false(grown);
            assert_true(err == AVER_OK || (failed && err == AVER_E_NOMEM));
            const aver_check *format = aver_verdict_find(&run.verdict, "evidence.format");
            assert_true(err != AVER_OK || format->status == AVER_CHECK_FAIL ||
                        attest_case_holds(&run, AVER_FAMILY_TPM));
        }
        aver_buf_deinit(&key);
        aver_buf_deinit(&json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_quotes_hold),
        cmocka_unit_test(claims_say_what_the_quote_says),
        cmocka_unit_test(malformed_quotes_are_refused),
        cmocka_unit_test(malformed_evidence_is_refused),
        cmocka_unit_test(each_check_can_fail_alone),
        cmocka_unit_test(certificates_lead_to_the_readers_roots),
        cmocka_unit_test(rsa_keys_have_bounds),
        cmocka_unit_test(public_keys_are_read_strictly),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

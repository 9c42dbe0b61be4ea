/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict as an attestation result, and its signature as any verifier of JWTs checks it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/ear.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/jws.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

static aver_verdict verdict;
static aver_claims claims;
static aver_ear ear;

/* A machine, a program and firmware that the reader trusts. */
static int set_up(void **state)
{
    static const char *const passed[] = {"platform.root",   "evidence.signature",
                                         "evidence.debug",  "measurement.allowed",
                                         "machine.allowed", "tcb.status"};
    (void)state;
    aver_verdict_init(&verdict);
    aver_claims_init(&claims);
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        aver_verdict_add(&verdict, passed[i], AVER_CHECK_PASS, "good \"%zu\"", i);
    }
    claims.tcb_status = AVER_TCB_UP_TO_DATE;
    aver_claims_put_uint(&claims, "version", 4);
    ear = (aver_ear){.verdict = &verdict,
                     .accepted = true,
                     .platform = "tdx",
                     .claims = &claims,
                     .policy = AVER_VIEW_LITERAL("{}"),
                     .nonce = AVER_VIEW_LITERAL("\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"),
                     .issued_s = 1700000000};
    return 0;
}

static json_t *result(void)
{
    aver_buf text;
    json_t *json = NULL;
    aver_buf_init(&text, 1024 * 1024);
    aver_ear_json(&ear, &text);
    assert_int_equal(aver_buf_status(&text), AVER_OK);
    assert_int_equal(aver_json_parse(aver_buf_view(&text), text.size, &json, NULL), AVER_OK);
    aver_buf_deinit(&text);
    return json;
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text != NULL ? text : "";
}

static void a_result_says_what_was_judged(void **state)
{
    (void)state;
    json_t *json = result();
    assert_string_equal(text_of(json, "eat_profile"), AVER_EAR_PROFILE);
    assert_int_equal(json_integer_value(json_object_get(json, "iat")), 1700000000);
    assert_string_equal(text_of(json, "ear_status"), "affirming");
    assert_string_equal(text_of(json, "eat_nonce"), "__79_Pv6-fg");
    assert_string_not_equal(text_of(json_object_get(json, "ear_verifier_id"), "build"), "");
    const json_t *tdx = json_object_get(json_object_get(json, "submods"), "tdx");
    assert_string_equal(text_of(tdx, "ear_status"), "affirming");
    const json_t *vector = json_object_get(tdx, "ear_trustworthiness_vector");
    assert_int_equal(json_object_size(vector), 5);
    assert_int_equal(json_integer_value(json_object_get(vector, "executables")), 3);
    assert_int_equal(json_integer_value(json_object_get(vector, "hardware")), 2);
    /* SHA-256 of "{}". */
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(tdx, "ear_appraisal_policy_ids"), 0)),
        "ni:///sha-256;RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o");
    const json_t *said =
        json_object_get(json_object_get(tdx, "ear_attester_claims"), "aver_claims");
    assert_int_equal(json_integer_value(json_object_get(said, "version")), 4);
    const json_t *found =
        json_object_get(json_object_get(tdx, "ear_verifier_claims"), "aver_verdict");
    assert_true(json_is_true(json_object_get(found, "accepted")));
    assert_int_equal(json_array_size(json_object_get(found, "checks")), 6);
    json_decref(json);
}

static void what_is_not_there_is_left_out(void **state)
{
    (void)state;
    aver_verdict_init(&verdict);
    ear.claims = NULL;
    ear.policy = ear.nonce = (aver_view){0};
    ear.platform = "";
    json_t *json = result();
    assert_null(json_object_get(json, "eat_nonce"));
    assert_string_equal(text_of(json, "ear_status"), "none");
    const json_t *unknown = json_object_get(json_object_get(json, "submods"), "unknown");
    assert_null(json_object_get(unknown, "ear_attester_claims"));
    assert_null(json_object_get(unknown, "ear_appraisal_policy_ids"));
    assert_int_equal(json_object_size(json_object_get(unknown, "ear_trustworthiness_vector")), 1);
    json_decref(json);
}

static void assert_tier(const char *tier, const char *entry, int value)
{
    json_t *json = result();
    const json_t *tdx = json_object_get(json_object_get(json, "submods"), "tdx");
    const json_t *vector = json_object_get(tdx, "ear_trustworthiness_vector");
    assert_string_equal(text_of(json, "ear_status"), tier);
    assert_string_equal(text_of(tdx, "ear_status"), tier);
    assert_int_equal(json_integer_value(json_object_get(vector, entry)), value);
    json_decref(json);
}

static void fail_check(const char *name, aver_reason reason)
{
    (void)set_up(NULL);
    ear.accepted = false;
    for (size_t i = 0; i < verdict.count; i++) {
        if (strcmp(verdict.checks[i].name, name) == 0) {
            verdict.checks[i].status = AVER_CHECK_FAIL;
            verdict.checks[i].reason = reason;
            return;
        }
    }
    aver_verdict_fail(&verdict, name, reason, "bad");
}

static void faults_have_their_entry(void **state)
{
    (void)state;
    fail_check("evidence.signature", AVER_REASON_BAD_SIGNATURE);
    assert_tier("contraindicated", "hardware", 99);
    fail_check("platform.root", AVER_REASON_NONE);
    assert_tier("contraindicated", "executables", 99);
    fail_check("platform.known", AVER_REASON_NONE);
    assert_tier("contraindicated", "hardware", 97);
    fail_check("machine.allowed", AVER_REASON_NONE);
    assert_tier("contraindicated", "instance-identity", 96);
    fail_check("evidence.debug", AVER_REASON_DEBUG_ENABLED);
    assert_tier("contraindicated", "runtime-opaque", 96);
    fail_check("measurement.allowed", AVER_REASON_NONE);
    assert_tier("contraindicated", "executables", 33);
    fail_check("tcb.status", AVER_REASON_TCB_OUT_OF_DATE);
    assert_tier("contraindicated", "hardware", 96);
    fail_check("config.allowed", AVER_REASON_NONE);
    assert_tier("contraindicated", "configuration", 96);
    fail_check("receipt.finish", AVER_REASON_NONE);
    assert_tier("contraindicated", "hardware", 2);
}

static void what_a_reader_puts_up_with_is_a_warning(void **state)
{
    (void)state;
    claims.tcb_status = AVER_TCB_SW_HARDENING_NEEDED;
    assert_tier("warning", "hardware", 32);
    claims.tcb_status = AVER_TCB_UP_TO_DATE;
    claims.debug = true;
    assert_tier("warning", "configuration", 32);
}

static void a_simulator_affirms_nothing(void **state)
{
    (void)state;
    verdict.simulated = true;
    assert_tier("none", "hardware", 0);
}

static aver_buf pem_of(EVP_PKEY *key, const char *pass_phrase)
{
    aver_buf pem;
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    aver_buf_init(&pem, 65536);
    assert_int_equal(
        PEM_write_bio_PrivateKey(bio, key, pass_phrase != NULL ? EVP_aes_128_cbc() : NULL,
                                 (const unsigned char *)pass_phrase,
                                 pass_phrase != NULL ? (int)strlen(pass_phrase) : 0, NULL, NULL),
        1);
    long size = BIO_get_mem_data(bio, &text);
    aver_buf_append(&pem, aver_view_make(text, (size_t)size));
    BIO_free(bio);
    return pem;
}

/* "a.b.c" into its parts, decoded. */
static void parts_of(const aver_buf *jwt, aver_buf parts[3])
{
    const uint8_t *at = jwt->data;
    const uint8_t *end = jwt->data + jwt->size;
    for (size_t i = 0; i < 3; i++) {
        const uint8_t *dot = i < 2 ? memchr(at, '.', (size_t)(end - at)) : end;
        assert_non_null(dot);
        aver_buf_init(&parts[i], 1024 * 1024);
        assert_int_equal(aver_base64url_decode(aver_view_make(at, (size_t)(dot - at)), &parts[i]),
                         AVER_OK);
        at = dot + 1;
    }
}

static bool signature_holds(EVP_PKEY *key, const aver_buf *jwt, const aver_buf *signature, bool ec)
{
    const uint8_t *dot = memrchr(jwt->data, '.', jwt->size);
    size_t size = (size_t)(dot - jwt->data);
    unsigned char *der = NULL;
    int der_size = 0;
    assert_int_equal(signature->size, 64);
    if (ec) {
        ECDSA_SIG *pair = ECDSA_SIG_new();
        assert_int_equal(ECDSA_SIG_set0(pair, BN_bin2bn(signature->data, 32, NULL),
                                        BN_bin2bn(signature->data + 32, 32, NULL)),
                         1);
        der_size = i2d_ECDSA_SIG(pair, &der);
        ECDSA_SIG_free(pair);
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, ec ? EVP_sha256() : NULL, NULL, key), 1);
    int good = EVP_DigestVerify(context, ec ? der : signature->data, ec ? (size_t)der_size : 64,
                                jwt->data, size);
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    return good == 1;
}

static void assert_signed(EVP_PKEY *key, const char *header, bool ec)
{
    aver_buf pem = pem_of(key, NULL);
    aver_buf jwt;
    aver_buf json;
    aver_buf parts[3];
    aver_buf_init(&jwt, 1024 * 1024);
    aver_buf_init(&json, 1024 * 1024);
    assert_int_equal(aver_ear_jwt(&ear, aver_buf_view(&pem), &jwt), AVER_OK);
    parts_of(&jwt, parts);
    assert_true(aver_view_equal_text(aver_buf_view(&parts[0]), header));
    aver_ear_json(&ear, &json);
    assert_true(aver_view_equal(aver_buf_view(&parts[1]), aver_buf_view(&json)));
    assert_true(signature_holds(key, &jwt, &parts[2], ec));
    parts[2].data[5] ^= 1;
    assert_false(signature_holds(key, &jwt, &parts[2], ec));
    for (size_t i = 0; i < 3; i++) {
        aver_buf_deinit(&parts[i]);
    }
    aver_buf_deinit(&json);
    aver_buf_deinit(&jwt);
    aver_buf_deinit(&pem);
    EVP_PKEY_free(key);
}

static void signatures_are_those_of_the_readers_key(void **state)
{
    (void)state;
    assert_signed(EVP_EC_gen("P-256"), "{\"alg\":\"ES256\",\"typ\":\"eat+jwt\"}", true);
    assert_signed(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
                  "{\"alg\":\"EdDSA\",\"typ\":\"eat+jwt\"}", false);
}

static void other_keys_are_refused(void **state)
{
    (void)state;
    EVP_PKEY *p384 = EVP_EC_gen("P-384");
    EVP_PKEY *p256 = EVP_EC_gen("P-256");
    aver_buf pems[] = {pem_of(p384, NULL), pem_of(p256, "secret")};
    aver_buf out;
    aver_buf_init(&out, 65536);
    assert_int_equal(aver_ear_jwt(&ear, aver_buf_view(&pems[0]), &out), AVER_E_UNSUPPORTED);
    assert_int_equal(aver_ear_jwt(&ear, aver_buf_view(&pems[1]), &out), AVER_E_FORMAT);
    assert_int_equal(aver_ear_jwt(&ear, AVER_VIEW_LITERAL("no key"), &out), AVER_E_FORMAT);
    assert_int_equal(aver_ear_jwt(&ear, (aver_view){0}, &out), AVER_E_FORMAT);
    assert_int_equal(out.size, 0);
    aver_buf_deinit(&out);
    aver_buf_deinit(&pems[0]);
    aver_buf_deinit(&pems[1]);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(p256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_result_says_what_was_judged, set_up),
        cmocka_unit_test_setup(what_is_not_there_is_left_out, set_up),
        cmocka_unit_test_setup(faults_have_their_entry, set_up),
        cmocka_unit_test_setup(what_a_reader_puts_up_with_is_a_warning, set_up),
        cmocka_unit_test_setup(a_simulator_affirms_nothing, set_up),
        cmocka_unit_test_setup(signatures_are_those_of_the_readers_key, set_up),
        cmocka_unit_test_setup(other_keys_are_refused, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

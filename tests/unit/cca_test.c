/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/cbor.h"
#include "crypto/cose.h"
#include "crypto/hash.h"
#include "support/alloc_fail.h"
#include "support/attest_cases.h"
#include "support/pki.h"

#include <openssl/pem.h>

enum { TOKEN_BYTES_MAX = 16384 };

/* What a token is made of; the defaults hold. */
typedef struct recipe {
    bool profile_2023; /* of both tokens, and the key as a COSE_Key */
    pki_kind realm_kind;
    const char *platform_profile, *realm_profile; /* in the place of those of the form */
    bool platform_other_signer, realm_other_signer, other_challenge, key_off_curve, key_raw;
    int64_t platform_algorithm;
    uint64_t lifecycle, tag;
    const char *hash, *key_hash;
    size_t measurement_bytes, components, extensible;
    uint8_t instance_first;
    bool no_realm, surplus_member, surplus_bytes, key_twice, no_lifecycle, unprotected;
} recipe;

static const recipe recipe_good = {.realm_kind = PKI_P384,
                                   .platform_algorithm = -35,
                                   .lifecycle = 0x3003,
                                   .tag = 399,
                                   .hash = "sha-256",
                                   .key_hash = "sha-256",
                                   .measurement_bytes = 32,
                                   .components = 2,
                                   .extensible = 4,
                                   .instance_first = 1};

static EVP_PKEY *platform_key(void)
{
    return pki_key(0, PKI_P384);
}

static void put_fill(aver_buf *out, int64_t label, uint8_t byte, size_t size)
{
    uint8_t bytes[256];
    memset(bytes, byte, sizeof bytes);
    aver_cbor_put_int(out, label);
    aver_cbor_put_bytes(out, aver_view_make(bytes, size));
}

static void put_text(aver_buf *out, int64_t label, const char *text)
{
    aver_cbor_put_int(out, label);
    aver_cbor_put_text(out, text);
}

static void put_signed(aver_buf *out, int64_t algorithm, aver_view payload, EVP_PKEY *key,
                       bool unprotected)
{
    aver_buf header;
    aver_buf structure;
    uint8_t digest[64];
    uint8_t signature[132];
    aver_buf_init(&header, 16);
    aver_buf_init(&structure, TOKEN_BYTES_MAX);
    aver_cbor_put_map(&header, 1);
    aver_cbor_put_int(&header, 1);
    aver_cbor_put_int(&header, algorithm);
    aver_cose_sig_structure(aver_buf_view(&header), (aver_view){0}, payload, &structure);
    size_t digest_size = algorithm == -7 ? 32 : algorithm == -35 ? 48 : 64;
    if (algorithm == -7) {
        aver_sha256_of(aver_buf_view(&structure), digest);
    } else if (algorithm == -35) {
        aver_sha384_of(aver_buf_view(&structure), digest);
    } else {
        aver_sha512_of(aver_buf_view(&structure), digest);
    }
    size_t size = pki_sign(key, aver_view_make(digest, digest_size), signature);
    aver_cbor_put_tag(out, 18);
    aver_cbor_put_array(out, 4);
    aver_cbor_put_bytes(out, aver_buf_view(&header));
    aver_cbor_put_map(out, unprotected ? 1 : 0);
    if (unprotected) {
        put_text(out, 4, "key");
    }
    aver_cbor_put_bytes(out, payload);
    aver_cbor_put_bytes(out, aver_view_make(signature, size));
    aver_buf_deinit(&structure);
    aver_buf_deinit(&header);
}

/* The realm's key in the form of its profile. */
static void realm_key(const recipe *r, aver_buf *out)
{
    uint8_t point[132];
    EVP_PKEY *key = pki_key(1, r->realm_kind);
    size_t size = pki_point(key, point);
    if (r->key_off_curve) {
        point[size - 1] ^= 1;
    }
    if (!r->profile_2023 || r->key_raw) {
        aver_buf_append_byte(out, 4);
        aver_buf_append(out, aver_view_make(point, size));
        return;
    }
    aver_cbor_put_map(out, 4);
    aver_cbor_put_int(out, 1);
    aver_cbor_put_int(out, 2);
    aver_cbor_put_int(out, -1);
    aver_cbor_put_int(out, (int64_t)r->realm_kind);
    aver_cbor_put_int(out, -2);
    aver_cbor_put_bytes(out, aver_view_make(point, size / 2));
    aver_cbor_put_int(out, -3);
    aver_cbor_put_bytes(out, aver_view_make(point + size / 2, size / 2));
}

static void put_components(const recipe *r, aver_buf *out)
{
    aver_cbor_put_int(out, 2399);
    aver_cbor_put_array(out, r->components);
    for (size_t i = 0; i < r->components; i++) {
        aver_cbor_put_map(out, 3);
        put_text(out, 1, "firmware");
        put_fill(out, 2, (uint8_t)(0x20 + i), 32);
        put_fill(out, 5, 0x21, 32);
    }
}

static void put_platform(const recipe *r, aver_view key, aver_buf *out)
{
    uint8_t digest[64];
    aver_buf payload;
    aver_buf_init(&payload, TOKEN_BYTES_MAX);
    const char *form =
        r->profile_2023 ? "tag:arm.com,2023:cca_platform#1.0.0" : "http://arm.com/CCA-SSD/1.0.0";
    aver_cbor_put_map(&payload, 9 - (r->no_lifecycle ? 1 : 0));
    put_text(&payload, 265, r->platform_profile != NULL ? r->platform_profile : form);
    bool long_hash = strcmp(r->key_hash, "sha-512") == 0;
    if (long_hash) {
        aver_sha512_of(key, digest);
    } else {
        aver_sha256_of(key, digest);
    }
    digest[0] ^= r->other_challenge ? 1 : 0;
    aver_cbor_put_int(&payload, 10);
    aver_cbor_put_bytes(&payload, aver_view_make(digest, long_hash ? 64 : 32));
    put_fill(&payload, 2396, 0x11, 32);
    uint8_t instance[33] = {r->instance_first, 7};
    aver_cbor_put_int(&payload, 256);
    aver_cbor_put_bytes(&payload, AVER_VIEW_OF(instance));
    put_fill(&payload, 2401, 0xcf, 4);
    if (!r->no_lifecycle) {
        aver_cbor_put_int(&payload, 2395);
        aver_cbor_put_uint(&payload, r->lifecycle);
    }
    put_text(&payload, 2402, "sha-256");
    put_components(r, &payload);
    put_text(&payload, 2400, "https://verifier.example");
    put_signed(out, r->platform_algorithm, aver_buf_view(&payload),
               r->platform_other_signer ? pki_key(2, PKI_P384) : platform_key(), r->unprotected);
    aver_buf_deinit(&payload);
}

static void put_realm(const recipe *r, aver_view key, aver_buf *out)
{
    aver_buf payload;
    aver_buf_init(&payload, TOKEN_BYTES_MAX);
    const char *profile = r->realm_profile != NULL ? r->realm_profile
                          : r->profile_2023        ? "tag:arm.com,2023:realm#1.0.0"
                                                   : NULL;
    aver_cbor_put_map(&payload, 7U + (profile != NULL ? 1U : 0U) + (r->key_twice ? 1U : 0U));
    if (profile != NULL) {
        put_text(&payload, 265, profile);
    }
    put_fill(&payload, 10, 0xab, 64);
    put_fill(&payload, 44235, 0x50, 64);
    put_text(&payload, 44236, r->hash);
    put_text(&payload, 44240, r->key_hash);
    aver_cbor_put_int(&payload, 44237);
    aver_cbor_put_bytes(&payload, key);
    put_fill(&payload, 44238, 0x44, r->measurement_bytes);
    aver_cbor_put_int(&payload, 44239);
    aver_cbor_put_array(&payload, r->extensible);
    for (size_t i = 0; i < r->extensible; i++) {
        uint8_t bytes[64] = {(uint8_t)i};
        aver_cbor_put_bytes(&payload, aver_view_make(bytes, r->measurement_bytes));
    }
    if (r->key_twice) {
        put_fill(&payload, 10, 0xac, 64);
    }
    int64_t algorithm = r->realm_kind == PKI_P256 ? -7 : r->realm_kind == PKI_P384 ? -35 : -36;
    put_signed(out, algorithm, aver_buf_view(&payload),
               r->realm_other_signer ? pki_key(3, r->realm_kind) : pki_key(1, r->realm_kind),
               false);
    aver_buf_deinit(&payload);
}

static void make(const recipe *r, aver_buf *token)
{
    aver_buf key;
    aver_buf part;
    aver_buf_init(token, TOKEN_BYTES_MAX);
    aver_buf_init(&key, 256);
    aver_buf_init(&part, TOKEN_BYTES_MAX);
    realm_key(r, &key);
    aver_cbor_put_tag(token, r->tag);
    aver_cbor_put_map(token, 2U - (r->no_realm ? 1U : 0U) + (r->surplus_member ? 1U : 0U));
    put_platform(r, aver_buf_view(&key), &part);
    aver_cbor_put_int(token, 44234);
    aver_cbor_put_bytes(token, aver_buf_view(&part));
    aver_buf_clear(&part);
    if (!r->no_realm) {
        put_realm(r, aver_buf_view(&key), &part);
        aver_cbor_put_int(token, 44241);
        aver_cbor_put_bytes(token, aver_buf_view(&part));
    }
    if (r->surplus_member) {
        put_text(token, 44242, "other");
    }
    if (r->surplus_bytes) {
        aver_buf_append_byte(token, 0);
    }
    assert_int_equal(aver_buf_status(token), AVER_OK);
    aver_buf_deinit(&part);
    aver_buf_deinit(&key);
}

static void spki(EVP_PKEY *key, aver_buf *out)
{
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key, &der);
    assert_true(size > 0);
    aver_buf_init(out, 4096);
    aver_buf_append(out, aver_view_make(der, (size_t)size));
    OPENSSL_free(der);
}

static attest_case run;

static aver_err judge_with(const recipe *r, aver_attest_input *input)
{
    aver_buf token;
    aver_buf key;
    make(r, &token);
    spki(platform_key(), &key);
    input->evidence = aver_buf_view(&token);
    input->key = input->key.data == NULL ? aver_buf_view(&key) : input->key;
    aver_err err = attest_case_run(&run, AVER_FAMILY_CCA, input);
    aver_buf_deinit(&key);
    aver_buf_deinit(&token);
    return err;
}

static void judge(const recipe *r)
{
    aver_attest_input input = {.time_s = PKI_NOW_S};
    assert_int_equal(judge_with(r, &input), AVER_OK);
}

static void good_tokens_hold(void **state)
{
    (void)state;
    recipe forms[] = {recipe_good, recipe_good, recipe_good, recipe_good, recipe_good, recipe_good};
    forms[1].profile_2023 = true;
    forms[2].realm_kind = PKI_P256;
    forms[3].profile_2023 = true;
    forms[3].realm_kind = PKI_P521;
    forms[3].hash = "sha-512";
    forms[3].key_hash = "sha-512";
    forms[3].measurement_bytes = 64;
    forms[4].lifecycle = 0x30ff;
    forms[5].profile_2023 = true; /* a newer realm on an older platform */
    forms[5].platform_profile = "http://arm.com/CCA-SSD/1.0.0";
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        judge(&forms[i]);
        assert_true(attest_case_holds(&run, AVER_FAMILY_CCA));
    }
}

static void keys_are_read_as_pem_too(void **state)
{
    (void)state;
    char text[1024];
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, platform_key()), 1);
    int size = BIO_read(bio, text, sizeof text);
    BIO_free(bio);
    assert_true(size > 0);
    aver_attest_input input = {.key = {(const uint8_t *)text, (size_t)size}};
    assert_int_equal(judge_with(&recipe_good, &input), AVER_OK);
    assert_true(attest_case_holds(&run, AVER_FAMILY_CCA));
    /* The reader's own file, not the evidence's fault. */
    input = (aver_attest_input){.key = {(const uint8_t *)text, (size_t)size - 9}};
    assert_int_equal(judge_with(&recipe_good, &input), AVER_E_USAGE);
    aver_buf rsa;
    spki(pki_key(4, PKI_RSA2048), &rsa);
    input = (aver_attest_input){.key = aver_buf_view(&rsa)};
    assert_int_equal(judge_with(&recipe_good, &input), AVER_E_USAGE);
    aver_buf_deinit(&rsa);
}

static void claims_say_what_the_token_says(void **state)
{
    (void)state;
    aver_buf token;
    aver_buf key;
    aver_buf json;
    make(&recipe_good, &token);
    spki(platform_key(), &key);
    aver_attest_input input = {.evidence = aver_buf_view(&token), .key = aver_buf_view(&key)};
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_CCA, &input), AVER_OK);
    assert_true(run.claims.has_report_data);
    assert_int_equal(run.claims.report_data[63], 0xab);
    assert_int_equal(run.claims.machine_id_size, 33);
    aver_buf_init(&json, 65536);
    aver_claims_json(&run.claims, &json);
    aver_buf_append_byte(&json, 0);
    const char *text = (const char *)json.data;
    assert_non_null(strstr(text, "\"sw_components\":2"));
    assert_non_null(strstr(text, "\"lifecycle\":12291"));
    assert_non_null(strstr(text, "\"platform_config\":\"cfcfcfcf\""));
    assert_non_null(strstr(text, "\"realm_hash_alg\":\"sha-256\""));
    aver_buf_deinit(&json);
    aver_buf_deinit(&key);
    aver_buf_deinit(&token);
}

static void malformed_tokens_are_refused(void **state)
{
    (void)state;
    recipe forms[12];
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        forms[i] = recipe_good;
    }
    forms[0].tag = 400;
    forms[1].no_realm = true;
    forms[2].surplus_member = true;
    forms[3].surplus_bytes = true;
    forms[4].key_twice = true;
    forms[5].no_lifecycle = true;
    forms[6].unprotected = true;
    forms[7].extensible = 3;
    forms[8].components = 0;
    forms[9].instance_first = 2;
    forms[10].measurement_bytes = 33;
    forms[11].components = 33;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        judge(&forms[i]);
        assert_true(fails_alone(&run.verdict, "evidence.format", AVER_REASON_MALFORMED));
        assert_false(run.readable);
    }
    aver_buf token;
    make(&recipe_good, &token);
    for (size_t size = 0; size < token.size; size++) {
        aver_attest_input input = {.evidence = aver_view_make(token.data, size)};
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_CCA, &input), AVER_OK);
        assert_true(fails_alone(&run.verdict, "evidence.format", AVER_REASON_MALFORMED));
    }
    aver_buf_deinit(&token);
}

static void each_check_can_fail_alone(void **state)
{
    (void)state;
    const struct {
        recipe recipe;
        const char *name;
        aver_reason reason;
    } cases[] = {
        {{.platform_other_signer = true}, "evidence.signature", AVER_REASON_BAD_SIGNATURE},
        {{.platform_algorithm = -7}, "evidence.signature", AVER_REASON_BAD_SIGNATURE},
        {{.platform_profile = "tag:arm.com,2030:cca_platform#9"}, "cca.profile", 0},
        {{.realm_profile = "tag:arm.com,2030:realm#9"}, "cca.profile", 0},
        {{.realm_profile = "tag:arm.com,2023:realm#1.0.0"}, "cca.profile", 0},
        {{.profile_2023 = true, .key_raw = true}, "cca.profile", 0},
        {{.hash = "sha-512"}, "cca.profile", 0},
        {{.hash = "md5"}, "cca.profile", 0},
        {{.other_challenge = true}, "cca.binding", AVER_REASON_KEY_MISMATCH},
        {{.key_hash = "md5"}, "cca.binding", AVER_REASON_KEY_MISMATCH},
        {{.realm_other_signer = true}, "cca.realm-signature", AVER_REASON_BAD_SIGNATURE},
        {{.key_off_curve = true}, "cca.realm-signature", AVER_REASON_BAD_SIGNATURE},
        {{.lifecycle = 0x2000}, "cca.lifecycle", AVER_REASON_DEBUG_ENABLED},
        {{.lifecycle = 0x6000}, "cca.lifecycle", AVER_REASON_DEBUG_ENABLED},
        {{.lifecycle = 0x13003}, "cca.lifecycle", AVER_REASON_DEBUG_ENABLED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        recipe r = cases[i].recipe;
        const recipe *good = &recipe_good;
        r.realm_kind = good->realm_kind;
        r.platform_algorithm = r.platform_algorithm != 0 ? r.platform_algorithm : -35;
        r.lifecycle = r.lifecycle != 0 ? r.lifecycle : good->lifecycle;
        r.tag = good->tag;
        r.hash = r.hash != NULL ? r.hash : good->hash;
        r.key_hash = r.key_hash != NULL ? r.key_hash : good->key_hash;
        r.measurement_bytes = good->measurement_bytes;
        r.components = good->components;
        r.extensible = good->extensible;
        r.instance_first = good->instance_first;
        judge(&r);
        aver_reason reason =
            cases[i].reason != AVER_REASON_NONE ? cases[i].reason : AVER_REASON_MALFORMED;
        assert_true(fails_alone(&run.verdict, cases[i].name, reason));
        assert_true(run.readable);
    }
    /* The names once more, as tests/unit/checks_test.sh looks for them. */
    recipe r = recipe_good;
    r.platform_profile = "other";
    judge(&r);
    assert_true(fails_alone(&run.verdict, "cca.profile", AVER_REASON_MALFORMED));
    r = recipe_good;
    r.other_challenge = true;
    judge(&r);
    assert_true(fails_alone(&run.verdict, "cca.binding", AVER_REASON_KEY_MISMATCH));
    r = recipe_good;
    r.realm_other_signer = true;
    judge(&r);
    assert_true(fails_alone(&run.verdict, "cca.realm-signature", AVER_REASON_BAD_SIGNATURE));
    r = recipe_good;
    r.lifecycle = 0x1000;
    judge(&r);
    assert_true(fails_alone(&run.verdict, "cca.lifecycle", AVER_REASON_DEBUG_ENABLED));
}

static void debugging_is_the_readers_to_accept(void **state)
{
    (void)state;
    recipe r = recipe_good;
    for (uint64_t lifecycle = 0x4000; lifecycle <= 0x5000; lifecycle += 0x1000) {
        r.lifecycle = lifecycle;
        judge(&r);
        assert_int_equal(aver_verdict_reason(&run.verdict), AVER_REASON_DEBUG_ENABLED);
        assert_int_equal(aver_verdict_find(&run.verdict, "evidence.debug")->status,
                         AVER_CHECK_FAIL);
        aver_attest_input input = {.allow_debug = true};
        assert_int_equal(judge_with(&r, &input), AVER_OK);
        assert_true(attest_case_holds(&run, AVER_FAMILY_CCA));
        assert_true(run.claims.debug);
    }
}

static void nonces_and_keys_are_asked_for(void **state)
{
    (void)state;
    uint8_t nonce[64];
    memset(nonce, 0xab, sizeof nonce);
    aver_attest_input input = {.nonce = AVER_VIEW_OF(nonce)};
    assert_int_equal(judge_with(&recipe_good, &input), AVER_OK);
    assert_true(attest_case_holds(&run, AVER_FAMILY_CCA));
    nonce[63] ^= 1;
    input = (aver_attest_input){.nonce = AVER_VIEW_OF(nonce)};
    assert_int_equal(judge_with(&recipe_good, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.nonce", AVER_REASON_NONCE_MISMATCH));
    aver_buf token;
    make(&recipe_good, &token);
    input = (aver_attest_input){.evidence = aver_buf_view(&token)};
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_CCA, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_COLLATERAL_MISSING));
    aver_buf_deinit(&token);
}

/* Whatever bit of what is signed is turned, the token does not hold. */
static void no_bit_can_be_turned(void **state)
{
    (void)state;
    aver_buf token;
    aver_buf key;
    make(&recipe_good, &token);
    spki(platform_key(), &key);
    aver_attest_input input = {.evidence = aver_buf_view(&token), .key = aver_buf_view(&key)};
    for (size_t i = 0; i < token.size; i += 3) {
        token.data[i] ^= (uint8_t)(1U << i % 8);
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_CCA, &input), AVER_OK);
        assert_false(aver_attest_holds(AVER_FAMILY_CCA, false, &run.verdict));
        token.data[i] ^= (uint8_t)(1U << i % 8);
    }
    aver_buf_deinit(&key);
    aver_buf_deinit(&token);
}

/* Each allocation in turn: NOMEM, or what it is with memory. */
static void memory_may_end_anywhere(void **state)
{
    (void)state;
    aver_buf token;
    aver_buf key;
    make(&recipe_good, &token);
    spki(platform_key(), &key);
    aver_attest_input input = {.evidence = aver_buf_view(&token), .key = aver_buf_view(&key)};
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_CCA, &input), AVER_OK);
    bool failed = true;
    for (size_t at = 0; failed; at++) {
        bool grown = true;
        aver_err err = AVER_OK;
        /* What OpenSSL keeps for later it does not take twice. */
        for (size_t again = 0; again < 3 && grown; again++) {
            size_t before = alloc_fail_live;
            alloc_fail_at(at);
            err = attest_case_run(&run, AVER_FAMILY_CCA, &input);
            failed = alloc_fail_end();
            grown = alloc_fail_live > before;
        }
        assert_false(grown);
        assert_true(err == AVER_OK || (failed && err == AVER_E_NOMEM));
        assert_true(err != AVER_OK || attest_case_holds(&run, AVER_FAMILY_CCA));
    }
    aver_buf_deinit(&key);
    aver_buf_deinit(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_tokens_hold),
        cmocka_unit_test(keys_are_read_as_pem_too),
        cmocka_unit_test(claims_say_what_the_token_says),
        cmocka_unit_test(malformed_tokens_are_refused),
        cmocka_unit_test(each_check_can_fail_alone),
        cmocka_unit_test(debugging_is_the_readers_to_accept),
        cmocka_unit_test(nonces_and_keys_are_asked_for),
        cmocka_unit_test(no_bit_can_be_turned),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

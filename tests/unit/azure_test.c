/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/azure_hcl.h"
#include "attest/snp_report.h"
#include "codec/text.h"
#include "crypto/hash.h"
#include "support/alloc_fail.h"
#include "support/attest_cases.h"
#include "support/dcap_make.h"
#include "support/tpm_make.h"

#include <openssl/core_names.h>

#define AMD_OID "1.3.6.1.4.1.3704.1."

enum {
    HCL_BYTES = 2600,
    REPORT_AT = 32,
    REPORT_BYTES = 1184,
    REQUEST_AT = 1216,
    CLAIMS_AT = 1236,
    TEXT_BYTES_MAX = 262144,
};

/* What a machine's evidence is made of; the defaults hold. */
typedef struct recipe {
    bool tdx;
    tpm_recipe tpm;
    uint32_t hash, kind, version, request_type;
    uint8_t reserved;
    uint32_t claims_surplus; /* more bytes of claims than there are */
    const char *kid, *second_kid, *kty;
    bool claims_changed, other_key, no_json, other_td_report, short_report, no_leaf, debug;
    bool no_collateral;
    uint8_t vmpl;
} recipe;

typedef struct made_evidence {
    uint8_t hcl[HCL_BYTES];
    aver_buf claims, json, chain;
    pki_cert root, middle, leaf; /* snp */
    dcap_made dcap;              /* tdx */
    bool has_dcap;
} made_evidence;

static EVP_PKEY *ak(void)
{
    return pki_key(6, PKI_RSA2048);
}

static recipe good(bool tdx)
{
    return (recipe){.tdx = tdx,
                    .tpm = tpm_recipe_good(ak()),
                    .hash = 1,
                    .kind = tdx ? 4 : 2,
                    .version = 2,
                    .request_type = 2,
                    .kid = "HCLAkPub",
                    .second_kid = "HCLEkPub",
                    .kty = "RSA"};
}

static void put32(uint8_t *place, uint32_t value)
{
    for (size_t i = 0; i < 4; i++) {
        place[i] = (uint8_t)(value >> 8 * i);
    }
}

static void put64(uint8_t *place, uint64_t value)
{
    put32(place, (uint32_t)value);
    put32(place + 4, (uint32_t)(value >> 32));
}

static void put_jwk(const char *kid, const char *kty, EVP_PKEY *key, aver_buf *out)
{
    uint8_t modulus[512];
    BIGNUM *n = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    int size = BN_bn2bin(n, modulus);
    BN_free(n);
    aver_buf_append_format(out, "{\"kid\":\"%s\",\"kty\":\"%s\",\"e\":\"AQAB\",\"n\":\"", kid, kty);
    aver_base64url_append(out, aver_view_make(modulus, (size_t)size));
    aver_buf_append_text(out, "\"}");
}

static void make_claims(const recipe *r, aver_buf *out)
{
    aver_buf_append_text(out, "{\"keys\":[");
    put_jwk(r->kid, r->kty, r->other_key ? pki_key(7, PKI_RSA2048) : r->tpm.key, out);
    aver_buf_append_byte(out, ',');
    put_jwk(r->second_kid, "RSA", pki_key(8, PKI_RSA2048), out);
    aver_buf_append_text(out, "],\"vm-configuration\":{\"secure-boot\":true,\"vmUniqueId\":\"42\"},"
                              "\"user-data\":\"00\"");
    aver_buf_append_text(out, r->no_json ? "" : "}");
}

static void claims_hash(const recipe *r, const aver_buf *claims, uint8_t ret_data[64])
{
    memset(ret_data, 0, 64);
    if (r->hash == 2) {
        aver_sha384_of(aver_buf_view(claims), ret_data);
    } else if (r->hash == 3) {
        aver_sha512_of(aver_buf_view(claims), ret_data);
    } else {
        aver_sha256_of(aver_buf_view(claims), ret_data);
    }
}

static void make_vcek(made_evidence *made, const uint8_t chip[64])
{
    static const uint8_t name[] = {0x16, 8, 'M', 'i', 'l', 'a', 'n', '-', 'B', '0'};
    static const uint8_t levels[4][4] = {{2, 1, 4}, {2, 1, 0}, {2, 1, 24}, {2, 2, 0, 219}};
    const pki_extension extensions[] = {
        {.oid = AMD_OID "2", .value = AVER_VIEW_OF(name)},
        {.oid = AMD_OID "3.1", .value = {levels[0], 3}},
        {.oid = AMD_OID "3.2", .value = {levels[1], 3}},
        {.oid = AMD_OID "3.3", .value = {levels[2], 3}},
        {.oid = AMD_OID "3.8", .value = {levels[3], 4}},
        {.oid = AMD_OID "4", .value = {chip, 64}},
        {.oid = NULL},
    };
    made->root = pki_cert_make(&(pki_options){.name = "ARK-Milan",
                                              .key = pki_key(0, PKI_RSA2048),
                                              .ca = true,
                                              .path_length = -1,
                                              .pss = true});
    made->middle = pki_cert_make(&(pki_options){.name = "SEV-Milan",
                                                .key = pki_key(1, PKI_RSA2048),
                                                .issuer = &made->root,
                                                .ca = true,
                                                .path_length = 0,
                                                .serial = 2,
                                                .pss = true});
    made->leaf = pki_cert_make(&(pki_options){.name = "SEV-VCEK",
                                              .key = pki_key(2, PKI_P384),
                                              .issuer = &made->middle,
                                              .no_usage = true,
                                              .serial = 3,
                                              .extensions = extensions,
                                              .pss = true});
    pki_pem(&made->middle, &made->chain);
    pki_pem(&made->root, &made->chain);
}

static void make_snp(const recipe *r, made_evidence *made, const uint8_t data[64])
{
    uint8_t chip[64];
    uint8_t digest[48];
    uint8_t signature[132];
    uint8_t *at = made->hcl + REPORT_AT;
    const uint64_t tcb = 0xdb18000000000004;
    memset(chip, 9, sizeof chip);
    make_vcek(made, chip);
    put32(at, 3);
    put64(at + 0x08, r->debug ? 0xb0000 : 0x30000);
    put32(at + 0x30, r->vmpl);
    put32(at + 0x34, 1);
    memcpy(at + 0x50, data, 64);
    memset(at + 0x90, 0x11, 48);
    put64(at + 0x38, tcb);
    put64(at + 0x180, tcb);
    put64(at + 0x1e0, tcb);
    put64(at + 0x1f0, tcb);
    at[0x188] = 0x19;
    at[0x189] = 1;
    memcpy(at + 0x1a0, chip, 64);
    aver_sha384_of(aver_view_make(at, AVER_SNP_SIGNED_BYTES), digest);
    assert_int_equal(pki_sign(made->leaf.key, AVER_VIEW_OF(digest), signature), 96);
    for (size_t i = 0; i < 48; i++) {
        at[AVER_SNP_SIGNED_BYTES + i] = signature[47 - i];
        at[AVER_SNP_SIGNED_BYTES + 72 + i] = signature[95 - i];
    }
    if (r->short_report) {
        put32(at, 1); /* of no version that there is */
    }
}

/* The TD report that the quote was made from. */
static void make_tdx(const recipe *r, made_evidence *made, const uint8_t data[64])
{
    static const uint16_t parts[][3] = {{128, 520, 64}, {264, 0, 16},    {280, 16, 48},
                                        {328, 64, 48},  {376, 112, 8},   {512, 120, 16},
                                        {528, 136, 48}, {576, 184, 144}, {720, 328, 192}};
    dcap_recipe quote = dcap_recipe_good(true);
    quote.report_data_whole = data;
    quote.td_attributes |= r->debug ? 1 : 0;
    quote.version = r->short_report ? 6 : 4;
    dcap_make(&quote, &made->dcap);
    made->has_dcap = true;
    uint8_t *at = made->hcl + REPORT_AT;
    at[0] = 0x81;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        memcpy(at + parts[i][0], made->dcap.quote.data + 48 + parts[i][1], parts[i][2]);
    }
    at[720] ^= r->other_td_report ? 1 : 0;
}

static void make_hcl(const recipe *r, made_evidence *made)
{
    uint8_t data[64];
    uint8_t *at = made->hcl;
    memset(at, 0, HCL_BYTES);
    claims_hash(r, &made->claims, data);
    if (r->tdx) {
        make_tdx(r, made, data);
    } else {
        make_snp(r, made, data);
    }
    uint32_t claims_bytes = (uint32_t)made->claims.size;
    memcpy(at, "HCLA", 4);
    put32(at + 4, r->version);
    put32(at + 8, CLAIMS_AT + claims_bytes);
    put32(at + 12, r->request_type);
    at[31] = r->reserved;
    put32(at + REQUEST_AT, 20 + claims_bytes + r->claims_surplus);
    put32(at + REQUEST_AT + 4, 1);
    put32(at + REQUEST_AT + 8, r->kind);
    put32(at + REQUEST_AT + 12, r->hash);
    put32(at + REQUEST_AT + 16, claims_bytes + r->claims_surplus);
    assert_true(CLAIMS_AT + claims_bytes <= HCL_BYTES);
    memcpy(at + CLAIMS_AT, made->claims.data, claims_bytes);
    if (r->claims_changed) {
        at[CLAIMS_AT + claims_bytes - 4] ^= 1; /* in the user data */
    }
}

static void make(const recipe *r, made_evidence *made)
{
    tpm_made tpm;
    memset(made, 0, sizeof *made);
    aver_buf_init(&made->claims, TEXT_BYTES_MAX);
    aver_buf_init(&made->json, TEXT_BYTES_MAX);
    aver_buf_init(&made->chain, TEXT_BYTES_MAX);
    make_claims(r, &made->claims);
    make_hcl(r, made);
    tpm_make(&r->tpm, &tpm);
    aver_buf_append_text(&made->json, "{\"hcl_report\":\"");
    aver_hex_append(&made->json, AVER_VIEW_OF(made->hcl));
    aver_buf_append_text(&made->json, "\",");
    tpm_members(&r->tpm, &tpm, &made->json);
    if (r->tdx) {
        aver_buf_append_text(&made->json, ",\"td_quote\":\"");
        aver_hex_append(&made->json, aver_buf_view(&made->dcap.quote));
        aver_buf_append_byte(&made->json, '"');
    } else if (!r->no_leaf) {
        aver_buf pem;
        aver_buf_init(&pem, TEXT_BYTES_MAX);
        pki_pem(&made->leaf, &pem);
        aver_buf_append_text(&made->json, ",\"vcek\":");
        aver_json_append_string(&made->json, aver_buf_view(&pem));
        aver_buf_deinit(&pem);
    }
    aver_buf_append_byte(&made->json, '}');
    assert_int_equal(aver_buf_status(&made->json), AVER_OK);
    tpm_unmake(&tpm);
}

static void unmake(made_evidence *made)
{
    aver_buf_deinit(&made->claims);
    aver_buf_deinit(&made->json);
    aver_buf_deinit(&made->chain);
    if (made->has_dcap) {
        dcap_unmake(&made->dcap);
    } else {
        pki_cert_deinit(&made->root);
        pki_cert_deinit(&made->middle);
        pki_cert_deinit(&made->leaf);
    }
}

static aver_attest_input input_of(const recipe *r, const made_evidence *made)
{
    const aver_buf *root = r->tdx ? &made->dcap.root.der : &made->root.der;
    return (aver_attest_input){.evidence = aver_buf_view(&made->json),
                               .chain = aver_buf_view(&made->chain),
                               .collateral = r->tdx && !r->no_collateral
                                                 ? aver_buf_view(&made->dcap.collateral)
                                                 : (aver_view){0},
                               .roots = {.given = {aver_buf_view(root)}, .given_count = 1},
                               .time_s = PKI_NOW_S};
}

static attest_case run;

static void judge(const recipe *r)
{
    made_evidence made;
    make(r, &made);
    aver_attest_input input = input_of(r, &made);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_AZURE, &input), AVER_OK);
    unmake(&made);
}

static void good_machines_hold(void **state)
{
    (void)state;
    recipe forms[] = {good(false), good(true), good(false), good(false), good(true), good(false)};
    forms[2].hash = 2;
    forms[3].hash = 3;
    forms[4].version = 1;
    forms[5].tpm.alone = true;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        judge(&forms[i]);
        assert_true(attest_case_holds(&run, AVER_FAMILY_AZURE));
    }
}

/* Everything in the claims is there after the evidence that held it went. */
static void claims_say_what_the_parts_say(void **state)
{
    (void)state;
    static const char *const wanted[2][3] = {
        {"\"report_type\":\"snp\"", "\"snp\":{", "\"product_name\":\"Milan-B0\""},
        {"\"report_type\":\"tdx\"", "\"tdx\":{", "\"tcb_status\":\"UpToDate\""}};
    for (size_t tdx = 0; tdx < 2; tdx++) {
        made_evidence made;
        aver_buf json;
        recipe r = good(tdx == 1);
        make(&r, &made);
        aver_attest_input input = input_of(&r, &made);
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_AZURE, &input), AVER_OK);
        memset(made.json.data, 'x', made.json.size);
        aver_buf_init(&json, TEXT_BYTES_MAX);
        aver_claims_json(&run.claims, &json);
        aver_buf_append_byte(&json, 0);
        const char *text = (const char *)json.data;
        for (size_t i = 0; i < 3; i++) {
            assert_non_null(strstr(text, wanted[tdx][i]));
        }
        assert_non_null(strstr(text, "\"tpm\":{\"extra_data\":\"746865206368616c6c656e6765\""));
        assert_non_null(
            strstr(text, "\"vm_configuration\":{\"secure-boot\":true,\"vmUniqueId\":\"42\"}"));
        assert_false(run.claims.full);
        aver_buf_deinit(&json);
        unmake(&made);
    }
}

static void each_check_can_fail_alone(void **state)
{
    (void)state;
    recipe formats[] = {good(false), good(false), good(false), good(false),
                        good(false), good(false), good(false)};
    formats[0].version = 3;
    formats[1].request_type = 1;
    formats[2].reserved = 1;
    formats[3].claims_surplus = 5000;
    formats[4].kind = 3;
    formats[5].hash = 4;
    formats[6].kind = 4; /* of a trust domain, and no quote */
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        judge(&formats[i]);
        assert_true(fails_alone(&run.verdict, "azure.format", AVER_REASON_MALFORMED));
        assert_true(run.readable);
    }
    for (size_t tdx = 0; tdx < 2; tdx++) {
        recipe r = good(tdx == 1);
        r.short_report = true;
        judge(&r);
        assert_true(fails_alone(&run.verdict, "azure.format", AVER_REASON_MALFORMED));
        r = good(tdx == 1);
        r.claims_changed = true;
        judge(&r);
        assert_true(fails_alone(&run.verdict, "azure.runtime", AVER_REASON_KEY_MISMATCH));
        r = good(tdx == 1);
        r.other_key = true;
        judge(&r);
        assert_true(fails_alone(&run.verdict, "tpm.signature", AVER_REASON_BAD_SIGNATURE));
        r = good(tdx == 1);
        r.tpm.pcr_changed = true;
        judge(&r);
        assert_true(fails_alone(&run.verdict, "tpm.pcrs", AVER_REASON_MEASUREMENT_MISMATCH));
        r = good(tdx == 1);
        r.tpm.magic = 1;
        judge(&r);
        assert_true(fails_alone(&run.verdict, "tpm.format", AVER_REASON_MALFORMED));
        r = good(tdx == 1);
        r.debug = true;
        judge(&r);
        assert_true(fails_alone(&run.verdict, "evidence.debug", AVER_REASON_DEBUG_ENABLED));
    }
    recipe r = good(true);
    r.other_td_report = true;
    judge(&r);
    assert_true(fails_alone(&run.verdict, "azure.runtime", AVER_REASON_MEASUREMENT_MISMATCH));
    recipe keys[] = {good(false), good(false), good(false), good(false)};
    keys[0].kid = "HCLOther";
    keys[1].second_kid = "HCLAkPub";
    keys[2].kty = "EC";
    keys[3].no_json = true;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        judge(&keys[i]);
        assert_true(fails_alone(&run.verdict, "azure.key", AVER_REASON_KEY_MISMATCH));
    }
    r = good(false);
    r.vmpl = 2; /* of the guest's own software, which may name any key */
    judge(&r);
    assert_true(fails_alone(&run.verdict, "snp.vmpl", AVER_REASON_VMPL_MISMATCH));
    r = good(false);
    r.no_leaf = true;
    judge(&r);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_COLLATERAL_MISSING));
}

static void nonces_are_those_of_the_vtpm(void **state)
{
    (void)state;
    made_evidence made;
    recipe r = good(false);
    make(&r, &made);
    aver_attest_input input = input_of(&r, &made);
    input.nonce = AVER_VIEW_LITERAL("the challenge");
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_AZURE, &input), AVER_OK);
    assert_true(attest_case_holds(&run, AVER_FAMILY_AZURE));
    input.nonce = aver_view_make(made.hcl + REPORT_AT + 0x50, 64); /* the report's own data */
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_AZURE, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.nonce", AVER_REASON_NONCE_MISMATCH));
    unmake(&made);
}

/* Collateral that is missing is a fault; who says that there is none is told what that leaves. */
static void missing_collateral_is_no_pass(void **state)
{
    (void)state;
    made_evidence made;
    recipe r = good(true);
    r.no_collateral = true;
    judge(&r);
    assert_int_equal(aver_verdict_reason(&run.verdict), AVER_REASON_COLLATERAL_MISSING);
    assert_false(aver_attest_holds(AVER_FAMILY_AZURE, false, &run.verdict));
    make(&r, &made);
    aver_attest_input input = input_of(&r, &made);
    input.signature_only = true;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_AZURE, &input), AVER_OK);
    assert_true(aver_attest_holds(AVER_FAMILY_AZURE, true, &run.verdict));
    assert_int_equal(aver_verdict_find(&run.verdict, "tcb.status")->status, AVER_CHECK_SKIP);
    unmake(&made);
}

static void malformed_evidence_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"tpm_message\":\"00\",\"tpm_signature\":\"00\"}",
        "{\"hcl_report\":\"00\",\"tpm_signature\":\"00\"}",
        "{\"hcl_report\":\"0x\",\"tpm_message\":\"00\",\"tpm_signature\":\"00\"}",
        "{\"hcl_report\":\"00\",\"tpm_message\":\"00\",\"tpm_signature\":\"00\",\"td_quote\":5}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        aver_attest_input input = {.evidence = aver_view_text(texts[i])};
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_AZURE, &input), AVER_OK);
        assert_true(fails_alone(&run.verdict, "evidence.format", AVER_REASON_MALFORMED));
        assert_false(run.readable);
    }
    aver_attest_input input = {
        .evidence = aver_view_text(
            "{\"hcl_report\":\"00\",\"tpm_message\":\"00\",\"tpm_signature\":\"00\"}")};
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_AZURE, &input), AVER_OK);
    assert_int_equal(aver_verdict_reason(&run.verdict), AVER_REASON_MALFORMED);
}

/* One allocation fails, of the first each, of the later some: NOMEM, a refusal, or what it is with
 * memory. */
static void memory_may_end_anywhere(void **state)
{
    (void)state;
    for (size_t tdx = 0; tdx < 2; tdx++) {
        made_evidence made;
        recipe r = good(tdx == 1);
        make(&r, &made);
        aver_attest_input input = input_of(&r, &made);
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_AZURE, &input), AVER_OK);
        bool failed = true;
        for (size_t at = 0; failed; at += 1 + at / 32) {
            bool grown = true;
            aver_err err = AVER_OK;
            /* What OpenSSL keeps for later it does not take twice. */
            for (size_t again = 0; again < 3 && grown; again++) {
                size_t before = alloc_fail_live;
                alloc_fail_at(at);
                err = attest_case_run(&run, AVER_FAMILY_AZURE, &input);
                failed = alloc_fail_end();
                grown = alloc_fail_live > before;
            }
            assert_false(grown);
            assert_true(failed || err == AVER_OK);
            assert_true(err == AVER_OK || err == AVER_E_NOMEM || err == AVER_E_CRYPTO ||
                        err == AVER_E_USAGE);
        }
        assert_true(attest_case_holds(&run, AVER_FAMILY_AZURE));
        unmake(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_machines_hold),
        cmocka_unit_test(claims_say_what_the_parts_say),
        cmocka_unit_test(each_check_can_fail_alone),
        cmocka_unit_test(nonces_are_those_of_the_vtpm),
        cmocka_unit_test(missing_collateral_is_no_pass),
        cmocka_unit_test(malformed_evidence_is_refused),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

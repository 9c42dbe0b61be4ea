/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/snp_report.h"
#include "crypto/hash.h"
#include "support/attest_cases.h"
#include "support/pki.h"

#define OID "1.3.6.1.4.1.3704.1."

enum { EXTENSIONS_MAX = 12, VALUE_BYTES = 80 };

/* What report and certificates are made of; the defaults hold. */
typedef struct recipe {
    uint32_t version;
    uint64_t policy, tcb;
    uint32_t vmpl, algorithm, key_info;
    uint8_t family, model;
    size_t chip_size; /* bytes of the chip id that are not zero */
    bool vlek, vlek_common_name, other_signer, no_hwid, no_level, chain_missing;
    const char *product, *root_name;
    uint8_t cert_tcb[5]; /* bootloader, TEE, SNP, microcode, FMC (Turin) */
    bool has_fmc;
    uint64_t leaf_to_s, middle_to_s;
} recipe;

static const recipe recipe_good = {.version = 3,
                                   .policy = 0x30000,
                                   .tcb = 0xdb18000000000004,
                                   .algorithm = 1,
                                   .family = 0x19,
                                   .model = 1,
                                   .chip_size = 64,
                                   .product = "Milan-B0",
                                   .root_name = "ARK-Milan",
                                   .cert_tcb = {4, 0, 24, 219, 0}};

typedef struct extensions {
    pki_extension list[EXTENSIONS_MAX + 1];
    uint8_t values[EXTENSIONS_MAX][VALUE_BYTES];
    size_t count;
} extensions;

typedef struct evidence {
    pki_cert root, middle, leaf;
    extensions extra;
    uint8_t report[AVER_SNP_REPORT_BYTES];
    aver_buf chain;
} evidence;

static void add(extensions *extra, const char *oid, const void *bytes, size_t size)
{
    memcpy(extra->values[extra->count], bytes, size);
    extra->list[extra->count] =
        (pki_extension){.oid = oid, .value = {extra->values[extra->count], size}};
    extra->count++;
}

static void add_text(extensions *extra, const char *oid, const char *text)
{
    uint8_t bytes[VALUE_BYTES] = {0x16, (uint8_t)strlen(text)};
    memcpy(bytes + 2, text, strlen(text));
    add(extra, oid, bytes, 2 + strlen(text));
}

static void add_level(extensions *extra, const char *oid, uint8_t level)
{
    const uint8_t narrow[] = {2, 1, level};
    const uint8_t wide[] = {2, 2, 0, level};
    add(extra, oid, level < 0x80 ? narrow : wide, level < 0x80 ? sizeof narrow : sizeof wide);
}

static void chip_id(const recipe *r, uint8_t ret_chip[64])
{
    memset(ret_chip, 0, 64);
    for (size_t i = 0; i < r->chip_size; i++) {
        ret_chip[i] = (uint8_t)(i + 1);
    }
}

static void extend(const recipe *r, extensions *extra)
{
    uint8_t chip[64];
    *extra = (extensions){0};
    add_text(extra, OID "2", r->product);
    if (!r->no_level) {
        add_level(extra, OID "3.1", r->cert_tcb[0]);
    }
    add_level(extra, OID "3.2", r->cert_tcb[1]);
    add_level(extra, OID "3.3", r->cert_tcb[2]);
    add_level(extra, OID "3.8", r->cert_tcb[3]);
    if (r->has_fmc) {
        add_level(extra, OID "3.9", r->cert_tcb[4]);
    }
    chip_id(r, chip);
    if (r->vlek_common_name) {
        add_text(extra, OID "5", "a provider");
    } else if (!r->no_hwid) {
        add(extra, OID "4", chip, r->has_fmc ? 8 : 64);
    }
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

static void sign(evidence *made, EVP_PKEY *key)
{
    uint8_t digest[48];
    uint8_t signature[132];
    aver_sha384_of(aver_view_make(made->report, AVER_SNP_SIGNED_BYTES), digest);
    assert_int_equal(pki_sign(key, AVER_VIEW_OF(digest), signature), 96);
    memset(made->report + AVER_SNP_SIGNED_BYTES, 0, AVER_SNP_REPORT_BYTES - AVER_SNP_SIGNED_BYTES);
    for (size_t i = 0; i < 48; i++) {
        made->report[AVER_SNP_SIGNED_BYTES + i] = signature[47 - i];
        made->report[AVER_SNP_SIGNED_BYTES + 72 + i] = signature[95 - i];
    }
}

static void write_report(const recipe *r, evidence *made)
{
    uint8_t *at = made->report;
    memset(at, 0, sizeof made->report);
    put32(at, r->version);
    put64(at + 0x08, r->policy);
    put32(at + 0x30, r->vmpl);
    put32(at + 0x34, r->algorithm);
    put32(at + 0x48, r->key_info | (r->vlek ? 1U << 2 : 0U));
    memset(at + 0x50, 0x42, 64);
    memset(at + 0x90, 0x11, 48);
    put64(at + 0x38, r->tcb);
    put64(at + 0x180, r->tcb);
    put64(at + 0x1e0, r->tcb);
    put64(at + 0x1f0, r->tcb);
    if (r->version >= 3) {
        at[0x188] = r->family;
        at[0x189] = r->model;
    }
    chip_id(r, at + 0x1a0);
    sign(made, r->other_signer ? pki_key(9, PKI_P384) : made->leaf.key);
}

static void make(const recipe *r, evidence *made)
{
    extend(r, &made->extra);
    made->root = pki_cert_make(&(pki_options){.name = r->root_name,
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
                                                .to_s = r->middle_to_s,
                                                .pss = true});
    made->leaf = pki_cert_make(&(pki_options){.name = r->vlek_common_name ? "SEV-VLEK" : "SEV-VCEK",
                                              .key = pki_key(2, PKI_P384),
                                              .issuer = &made->middle,
                                              .no_usage = true,
                                              .serial = 3,
                                              .to_s = r->leaf_to_s,
                                              .extensions = made->extra.list,
                                              .pss = true});
    aver_buf_init(&made->chain, 65536);
    pki_pem(&made->middle, &made->chain);
    pki_pem(&made->root, &made->chain);
    write_report(r, made);
}

static void unmake(evidence *made)
{
    pki_cert_deinit(&made->root);
    pki_cert_deinit(&made->middle);
    pki_cert_deinit(&made->leaf);
    aver_buf_deinit(&made->chain);
}

static attest_case run;

static aver_attest_input input_of(const recipe *r, const evidence *made)
{
    return (aver_attest_input){.evidence = AVER_VIEW_OF(made->report),
                               .roots = {{aver_buf_view(&made->root.der)}, 1},
                               .leaf = aver_buf_view(&made->leaf.der),
                               .chain =
                                   r->chain_missing ? (aver_view){0} : aver_buf_view(&made->chain),
                               .time_s = PKI_NOW_S};
}

static void judge(const recipe *r)
{
    evidence made;
    make(r, &made);
    aver_attest_input input = input_of(r, &made);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    unmake(&made);
}

static recipe recipe_turin(void)
{
    recipe r = recipe_good;
    r.version = 5;
    r.tcb = 0x5100000004020103;
    r.family = 0x1a;
    r.model = 2;
    r.chip_size = 8;
    r.product = "Turin";
    r.root_name = "ARK-Turin";
    r.has_fmc = true;
    memcpy(r.cert_tcb, (const uint8_t[]){1, 2, 4, 0x51, 3}, 5);
    return r;
}

static recipe recipe_vlek(void)
{
    recipe r = recipe_good;
    r.vlek = true;
    r.vlek_common_name = true;
    return r;
}

static void good_reports_hold(void **state)
{
    (void)state;
    recipe forms[] = {recipe_good,    recipe_good,   recipe_good, recipe_good,
                      recipe_turin(), recipe_vlek(), recipe_good};
    forms[1].version = 2;
    forms[2].version = 4;
    forms[3].version = 5;
    forms[6].model = 0xa0;
    forms[6].product = "Genoa";
    forms[6].root_name = "ARK-Genoa";
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        judge(&forms[i]);
        assert_true(attest_case_holds(&run, AVER_FAMILY_SNP));
    }
}

static void claims_say_what_the_report_says(void **state)
{
    (void)state;
    evidence made;
    recipe r = recipe_turin();
    make(&r, &made);
    aver_attest_input input = input_of(&r, &made);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(run.claims.has_report_data);
    assert_int_equal(run.claims.report_data[63], 0x42);
    assert_int_equal(run.claims.machine_id_size, 64);
    assert_string_equal(run.claims.measurements[0].kind, "measurement");
    aver_buf json;
    aver_buf_init(&json, 65536);
    aver_claims_json(&run.claims, &json);
    aver_buf_append_byte(&json, 0);
    const char *text = (const char *)json.data;
    assert_non_null(strstr(text, "\"reported_tcb\":\"5100000004020103\""));
    assert_non_null(strstr(text, "\"reported_tcb_parts\":{\"bl\":1,\"fmc\":3,\"snp\":4,\"tee\":2,"
                                 "\"ucode\":81}"));
    assert_non_null(strstr(text, "\"product_name\":\"Turin\""));
    aver_buf_deinit(&json);
    unmake(&made);
}

static void malformed_reports_are_refused(void **state)
{
    (void)state;
    recipe forms[] = {recipe_good, recipe_good, recipe_good, recipe_good};
    forms[0].version = 1;
    forms[1].version = 6;
    forms[2].algorithm = 2;
    forms[3].key_info = 1U << 5;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        judge(&forms[i]);
        assert_true(fails_alone(&run.verdict, "evidence.format", AVER_REASON_MALFORMED));
    }
    evidence made;
    make(&recipe_good, &made);
    aver_attest_input input = input_of(&recipe_good, &made);
    input.evidence.size--;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.format", AVER_REASON_MALFORMED));
    unmake(&made);
}

/* Each reserved byte of a version, set and rightly signed. */
static void reserved_bytes_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t version;
        size_t at;
    } places[] = {{2, 0x4c},  {2, 0x188}, {2, 0x19f}, {3, 0x18b}, {3, 0x1eb},
                  {3, 0x1ef}, {3, 0x1f8}, {4, 0x1f8}, {5, 0x208}, {5, 0x29f}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        evidence made;
        recipe r = recipe_good;
        r.version = places[i].version;
        make(&r, &made);
        made.report[places[i].at] = 1;
        sign(&made, made.leaf.key);
        aver_attest_input input = input_of(&r, &made);
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
        assert_true(fails_alone(&run.verdict, "evidence.format", AVER_REASON_MALFORMED));
        unmake(&made);
    }
    /* Behind the numbers of the signature, which nothing signs. */
    static const size_t tails[] = {0x2a0 + 48, 0x2a0 + 71, 0x2a0 + 72 + 48, 0x2a0 + 144, 1183};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        evidence made;
        make(&recipe_good, &made);
        made.report[tails[i]] = 1;
        aver_attest_input input = input_of(&recipe_good, &made);
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
        assert_true(fails_alone(&run.verdict, "evidence.format", AVER_REASON_MALFORMED));
        unmake(&made);
    }
}

static void paths_are_asked_for(void **state)
{
    (void)state;
    recipe r = recipe_good;
    r.chain_missing = true;
    judge(&r);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
    evidence made;
    make(&recipe_good, &made);
    aver_attest_input input = input_of(&recipe_good, &made);
    input.roots.given_count = 0;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
    input = input_of(&recipe_good, &made);
    input.leaf = (aver_view){0};
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_COLLATERAL_MISSING));
    assert_true(run.readable);
    input.leaf = aver_view_text("no certificate");
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
    unmake(&made);
}

static void certificates_out_of_their_time_are_refused(void **state)
{
    (void)state;
    recipe forms[] = {recipe_good, recipe_good};
    forms[0].leaf_to_s = PKI_NOW_S - 1;
    forms[1].middle_to_s = PKI_NOW_S - 1;
    for (size_t i = 0; i < 2; i++) {
        judge(&forms[i]);
        assert_true(fails_alone(&run.verdict, "evidence.validity", AVER_REASON_EXPIRED));
    }
}

static void revocation_lists_are_heard(void **state)
{
    (void)state;
    static const uint64_t middle_serial[] = {2, 0};
    static const uint64_t leaf_serial[] = {3, 0};
    evidence made;
    aver_buf lists[2];
    make(&recipe_good, &made);
    aver_attest_input input = input_of(&recipe_good, &made);
    const struct {
        pki_crl_options root, middle;
        aver_reason reason; /* NONE: holds */
    } cases[] = {
        {{.issuer = &made.root, .pss = true}, {.issuer = &made.middle, .pss = true}, 0},
        {{.issuer = &made.root, .pss = true, .revoked = middle_serial},
         {.issuer = &made.middle, .pss = true},
         AVER_REASON_REVOKED},
        {{.issuer = &made.root, .pss = true},
         {.issuer = &made.middle, .pss = true, .revoked = leaf_serial},
         AVER_REASON_REVOKED},
        {{.issuer = &made.root, .pss = true, .to_s = PKI_NOW_S - 1},
         {.issuer = &made.middle, .pss = true},
         AVER_REASON_EXPIRED},
        {{.issuer = &made.root, .signer = pki_key(1, PKI_RSA2048), .pss = true},
         {.issuer = &made.middle, .pss = true},
         AVER_REASON_BAD_SIGNATURE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        aver_buf_init(&lists[0], 65536);
        aver_buf_init(&lists[1], 65536);
        pki_crl(&cases[i].root, &lists[0]);
        pki_crl(&cases[i].middle, &lists[1]);
        input.crls[0] = aver_buf_view(&lists[0]);
        input.crls[1] = aver_buf_view(&lists[1]);
        input.crls_count = 2;
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
        if (cases[i].reason == AVER_REASON_NONE) {
            assert_true(attest_case_holds(&run, AVER_FAMILY_SNP));
        } else {
            assert_true(fails_alone(&run.verdict, "evidence.revocation", cases[i].reason));
        }
        aver_buf_deinit(&lists[0]);
        aver_buf_deinit(&lists[1]);
    }
    input.crls_count = 0;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(attest_case_holds(&run, AVER_FAMILY_SNP));
    input.require_revocation = true;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.revocation", AVER_REASON_COLLATERAL_MISSING));
    input.crls[0] = aver_view_text("no list");
    input.crls_count = 1;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.revocation", AVER_REASON_MALFORMED));
    unmake(&made);
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
    aver_attest_input input = input_of(&recipe_good, &made);
    static const size_t places[] = {0x04, 0x10, 0x50, 0x90, 0xc0, 0x140, 0x2a0, 0x2a0 + 72};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        made.report[places[i]] ^= 1;
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
        assert_true(fails_alone(&run.verdict, "evidence.signature", AVER_REASON_BAD_SIGNATURE));
        made.report[places[i]] ^= 1;
    }
    unmake(&made);
}

static void kinds_of_keys_are_told_apart(void **state)
{
    (void)state;
    recipe forms[] = {recipe_good, recipe_vlek(), recipe_good, recipe_good, recipe_good};
    forms[0].vlek = true;
    forms[1].vlek = false;
    forms[2].key_info = 7U << 2;
    forms[3].no_hwid = true; /* no VCEK as AMD makes them */
    forms[4].no_level = true;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        judge(&forms[i]);
        assert_true(fails_alone(&run.verdict, "snp.key", AVER_REASON_KEY_MISMATCH));
    }
}

static void products_are_of_one_line(void **state)
{
    (void)state;
    recipe forms[] = {recipe_good, recipe_good, recipe_good};
    forms[0].root_name = "ARK-Genoa";
    forms[1].model = 0x11;
    forms[2].product = "Milano";
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        judge(&forms[i]);
        assert_true(fails_alone(&run.verdict, "snp.product", AVER_REASON_KEY_MISMATCH));
    }
}

static void chips_are_those_of_the_certificate(void **state)
{
    (void)state;
    evidence made;
    const recipe forms[] = {recipe_good, recipe_turin()};
    for (size_t i = 0; i < 2; i++) {
        make(&forms[i], &made);
        /* On Turin: behind the bytes that the certificate names. */
        made.report[0x1a0 + (i == 0 ? 3 : 60)] ^= 0x10;
        sign(&made, made.leaf.key);
        aver_attest_input input = input_of(&forms[i], &made);
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
        assert_true(fails_alone(&run.verdict, "snp.hwid", AVER_REASON_KEY_MISMATCH));
        unmake(&made);
    }
    /* The platform hides its chip: the certificate alone says which it is. */
    recipe masked = recipe_good;
    make(&masked, &made);
    memset(made.report + 0x1a0, 0, 64);
    sign(&made, made.leaf.key);
    aver_attest_input input = input_of(&masked, &made);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(attest_case_holds(&run, AVER_FAMILY_SNP));
    assert_int_equal(aver_verdict_find(&run.verdict, "snp.hwid")->status, AVER_CHECK_SKIP);
    assert_int_equal(run.claims.machine_id_size, 0);
    unmake(&made);
}

static void levels_are_those_of_the_certificate(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        recipe r = i == 4 ? recipe_turin() : recipe_good;
        r.cert_tcb[i]++;
        judge(&r);
        assert_true(fails_alone(&run.verdict, "snp.tcb", AVER_REASON_TCB_MISMATCH));
    }
}

static void policies_are_judged(void **state)
{
    (void)state;
    recipe forms[] = {recipe_good, recipe_good, recipe_good};
    forms[0].policy = 0x10000;
    forms[1].policy = 0x30000 | 1ull << 26;
    forms[2].policy = 0x30000 | 1ull << 18;
    judge(&forms[0]);
    assert_true(fails_alone(&run.verdict, "snp.policy", AVER_REASON_MALFORMED));
    judge(&forms[1]);
    assert_true(fails_alone(&run.verdict, "snp.policy", AVER_REASON_MALFORMED));
    judge(&forms[2]);
    assert_true(fails_alone(&run.verdict, "snp.policy", AVER_REASON_MEASUREMENT_MISMATCH));
}

static void what_is_expected_is_compared(void **state)
{
    (void)state;
    evidence made;
    uint8_t wanted[64];
    recipe r = recipe_good;
    r.policy |= AVER_SNP_POLICY_DEBUG;
    memset(wanted, 0x42, sizeof wanted);
    make(&r, &made);
    aver_attest_input input = input_of(&r, &made);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.debug", AVER_REASON_DEBUG_ENABLED));
    input.allow_debug = true;
    input.nonce = AVER_VIEW_OF(wanted);
    input.has_vmpl = true;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(attest_case_holds(&run, AVER_FAMILY_SNP));
    wanted[63] ^= 1;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.nonce", AVER_REASON_NONCE_MISMATCH));
    wanted[63] ^= 1;
    input.vmpl = 1;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "snp.vmpl", AVER_REASON_VMPL_MISMATCH));
    unmake(&made);
}

static void the_cache_changes_no_verdict(void **state)
{
    (void)state;
    static const uint64_t middle_serial[] = {2, 0};
    evidence made;
    aver_buf list;
    aver_attest_cache *cache = NULL;
    make(&recipe_good, &made);
    aver_attest_input input = input_of(&recipe_good, &made);
    assert_int_equal(aver_attest_cache_new(2, &cache), AVER_OK);
    input.cache = cache;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
        assert_true(attest_case_holds(&run, AVER_FAMILY_SNP));
    }
    aver_buf_init(&list, 65536);
    pki_crl(&(pki_crl_options){.issuer = &made.root, .pss = true, .revoked = middle_serial}, &list);
    input.crls[0] = aver_buf_view(&list);
    input.crls_count = 1;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.revocation", AVER_REASON_REVOKED));
    input.crls_count = 0;
    input.time_s = PKI_NOW_S + 2 * PKI_YEAR_S;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.validity", AVER_REASON_EXPIRED));
    input.time_s = PKI_NOW_S;
    made.report[0x90] ^= 1;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SNP, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.signature", AVER_REASON_BAD_SIGNATURE));
    aver_attest_cache_free(cache);
    aver_buf_deinit(&list);
    unmake(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_reports_hold),
        cmocka_unit_test(claims_say_what_the_report_says),
        cmocka_unit_test(malformed_reports_are_refused),
        cmocka_unit_test(reserved_bytes_are_refused),
        cmocka_unit_test(paths_are_asked_for),
        cmocka_unit_test(certificates_out_of_their_time_are_refused),
        cmocka_unit_test(revocation_lists_are_heard),
        cmocka_unit_test(signatures_of_others_are_refused),
        cmocka_unit_test(kinds_of_keys_are_told_apart),
        cmocka_unit_test(products_are_of_one_line),
        cmocka_unit_test(chips_are_those_of_the_certificate),
        cmocka_unit_test(levels_are_those_of_the_certificate),
        cmocka_unit_test(policies_are_judged),
        cmocka_unit_test(what_is_expected_is_compared),
        cmocka_unit_test(the_cache_changes_no_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

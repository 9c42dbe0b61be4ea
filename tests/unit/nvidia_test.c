/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/alloc_fail.h"
#include "support/attest_cases.h"
#include "support/nvidia_make.h"

enum { VALUES_BYTES_MAX = 1 << 20 };

static const nvidia_values vbios_good = {.version = "96.00.a5.00.01", .from = 0, .to = 12};
static const nvidia_values driver_good = {.version = "550.1", .from = 12, .to = 38};
static const nvidia_values switch_good = {
    .version = "96.00.A5.00.01", .edition = "SWITCH", .from = 0, .to = 40};

/* What is judged: the report of a recipe, its certificates, and reference values if there are any.
 */
typedef struct trial {
    nvidia_made made;
    aver_buf values[4];
    size_t values_count;
    aver_attest_input input;
    attest_case run;
} trial;

static void trial_begin(trial *t, const nvidia_recipe *recipe)
{
    memset(t, 0, sizeof *t);
    nvidia_make(recipe, &t->made);
    t->input = (aver_attest_input){.evidence = aver_buf_view(&t->made.report),
                                   .chain = aver_buf_view(&t->made.chain),
                                   .roots = {{aver_buf_view(&t->made.root.der)}, 1},
                                   .rim_roots = {{aver_buf_view(&t->made.values_root.der)}, 1},
                                   .time_s = PKI_NOW_S};
}

static void trial_values(trial *t, const nvidia_values *values)
{
    aver_buf *text = &t->values[t->values_count++];
    aver_buf_init(text, VALUES_BYTES_MAX);
    nvidia_make_values(&t->made, values, text);
    t->input.rims[t->input.rims_count++] = aver_buf_view(text);
}

static void trial_judge(trial *t)
{
    assert_int_equal(attest_case_run(&t->run, AVER_FAMILY_NVIDIA, &t->input), AVER_OK);
}

static void trial_end(trial *t)
{
    for (size_t i = 0; i < t->values_count; i++) {
        aver_buf_deinit(&t->values[i]);
    }
    nvidia_made_deinit(&t->made);
}

/* The report of that recipe fails that check alone. */
static void recipe_fails(const nvidia_recipe *recipe, const char *name, aver_reason reason)
{
    trial t;
    trial_begin(&t, recipe);
    trial_judge(&t);
    assert_true(fails_alone(&t.run.verdict, name, reason));
    assert_false(aver_attest_holds(AVER_FAMILY_NVIDIA, false, &t.run.verdict));
    trial_end(&t);
}

/* The same for reference values beside a good report. */
static void values_fail(const nvidia_values *values, const char *name, aver_reason reason)
{
    trial t;
    trial_begin(&t, &nvidia_recipe_good);
    trial_values(&t, values);
    trial_judge(&t);
    const aver_check *check = aver_verdict_find(&t.run.verdict, name);
    assert_non_null(check);
    if (check->status != AVER_CHECK_FAIL || check->reason != reason) {
        attest_case_print(&t.run.verdict);
        fail();
    }
    trial_end(&t);
}

static void status_is(const trial *t, const char *name, aver_check_status status)
{
    const aver_check *check = aver_verdict_find(&t->run.verdict, name);
    if (check == NULL || check->status != status) {
        (void)fprintf(stderr, "%s should be %s:\n", name, aver_check_status_text(status));
        attest_case_print(&t->run.verdict);
        fail();
    }
}

static void text_is(const trial *t, const char *group, const char *name, const char *wanted)
{
    const aver_claim *claim = aver_claims_find(&t->run.claims, group, name);
    assert_non_null(claim);
    assert_int_equal(claim->kind, AVER_CLAIM_TEXT);
    assert_true(aver_view_equal_text(claim->bytes, wanted));
}

static void report_of_a_gpu_holds(void **state)
{
    (void)state;
    trial t;
    trial_begin(&t, &nvidia_recipe_good);
    t.input.nonce = AVER_VIEW_OF(nvidia_recipe_good.nonce);
    trial_judge(&t);
    assert_true(attest_case_holds(&t.run, AVER_FAMILY_NVIDIA));
    status_is(&t, "evidence.nonce", AVER_CHECK_PASS);
    status_is(&t, "nvidia.fwid", AVER_CHECK_PASS);
    status_is(&t, "nvidia.rim-signature", AVER_CHECK_SKIP);
    status_is(&t, "nvidia.measurements", AVER_CHECK_SKIP);
    text_is(&t, NULL, "driver_version", "550.1");
    text_is(&t, NULL, "vbios_version", "96.00.A5.00.01");
    text_is(&t, NULL, "leaf_subject", "CN=TEST A01 GSP FMC LF");
    assert_non_null(aver_claims_find(&t.run.claims, "opaque", "type_36"));
    assert_int_equal(aver_claims_find(&t.run.claims, NULL, "chip_sku")->kind, AVER_CLAIM_NULL);
    assert_int_equal(t.run.claims.machine_id_size, 32);
    trial_end(&t);
}

static void forms_of_certificates_hold(void **state)
{
    (void)state;
    nvidia_recipe forms[4] = {nvidia_recipe_good, nvidia_recipe_good, nvidia_recipe_good,
                              nvidia_recipe_good};
    forms[0].tcb_info = true;
    forms[1].critical = true;
    forms[2].tcb_info = forms[2].critical = true;
    forms[3].slot = forms[3].answer_slot = 3;
    for (size_t i = 0; i < 4; i++) {
        trial t;
        trial_begin(&t, &forms[i]);
        trial_judge(&t);
        assert_true(attest_case_holds(&t.run, AVER_FAMILY_NVIDIA));
        status_is(&t, "nvidia.fwid", AVER_CHECK_PASS);
        trial_end(&t);
    }
}

static void messages_that_are_no_pair_fail(void **state)
{
    (void)state;
    nvidia_recipe bad[8];
    for (size_t i = 0; i < 8; i++) {
        bad[i] = nvidia_recipe_good;
    }
    bad[0].version = 0x12;
    bad[1].answer_version = 0x10;
    bad[2].code = 0xe1;
    bad[3].answer_code = 0x7f;
    bad[4].param1 = 0;
    bad[5].param2 = 1;
    bad[6].answer_param1 = 40;
    bad[7].answer_slot = 1;
    for (size_t i = 0; i < 8; i++) {
        trial t;
        trial_begin(&t, &bad[i]);
        trial_judge(&t);
        assert_true(fails_alone(&t.run.verdict, "nvidia.request", AVER_REASON_MALFORMED));
        trial_end(&t);
    }
    nvidia_recipe reserved = nvidia_recipe_good;
    reserved.slot = reserved.answer_slot = 0x10;
    recipe_fails(&reserved, "nvidia.request", AVER_REASON_MALFORMED);
}

static void firmware_that_is_another_fails(void **state)
{
    (void)state;
    trial t;
    nvidia_recipe recipe = nvidia_recipe_good;
    recipe.other_fwid = true;
    trial_begin(&t, &recipe);
    trial_judge(&t);
    assert_true(fails_alone(&t.run.verdict, "nvidia.fwid", AVER_REASON_KEY_MISMATCH));
    trial_end(&t);
    recipe = nvidia_recipe_good;
    recipe.no_cert_fwid = true;
    recipe_fails(&recipe, "nvidia.fwid", AVER_REASON_KEY_MISMATCH);
    recipe = nvidia_recipe_good;
    recipe.broken_cert_fwid = true;
    recipe_fails(&recipe, "nvidia.fwid", AVER_REASON_CHAIN_UNTRUSTED);
    recipe = nvidia_recipe_good;
    recipe.no_fwid = true; /* as switches and old drivers do */
    trial_begin(&t, &recipe);
    trial_judge(&t);
    assert_true(attest_case_holds(&t.run, AVER_FAMILY_NVIDIA));
    status_is(&t, "nvidia.fwid", AVER_CHECK_SKIP);
    trial_end(&t);
}

static void signatures_and_paths_that_do_not_hold_fail(void **state)
{
    (void)state;
    trial t;
    nvidia_recipe recipe = nvidia_recipe_good;
    recipe.other_signer = true;
    recipe_fails(&recipe, "evidence.signature", AVER_REASON_BAD_SIGNATURE);
    recipe = nvidia_recipe_good;
    recipe.leaf_p256 = true;
    recipe_fails(&recipe, "evidence.signature", AVER_REASON_CHAIN_UNTRUSTED);
    recipe = nvidia_recipe_good;
    recipe.leaf_is_ca = true;
    recipe_fails(&recipe, "evidence.signature", AVER_REASON_CHAIN_UNTRUSTED);
    recipe = nvidia_recipe_good;
    recipe.leaf_to_s = PKI_NOW_S - 1;
    recipe_fails(&recipe, "evidence.validity", AVER_REASON_EXPIRED);
    trial_begin(&t, &nvidia_recipe_good);
    t.input.roots.given_count = 0; /* NVIDIA's own */
    trial_judge(&t);
    assert_true(fails_alone(&t.run.verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
    t.input.roots.given_count = 1;
    t.input.chain = AVER_VIEW_LITERAL("no certificate");
    trial_judge(&t);
    assert_true(fails_alone(&t.run.verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
    t.input.chain = (aver_view){0};
    trial_judge(&t);
    assert_true(fails_alone(&t.run.verdict, "platform.root", AVER_REASON_COLLATERAL_MISSING));
    trial_end(&t);
    trial_begin(&t, &nvidia_recipe_good);
    t.input.nonce = AVER_VIEW_LITERAL("thirty-two bytes of another one ");
    trial_judge(&t);
    assert_true(fails_alone(&t.run.verdict, "evidence.nonce", AVER_REASON_NONCE_MISMATCH));
    trial_end(&t);
}

static void devices_that_were_revoked_fail(void **state)
{
    (void)state;
    trial t;
    aver_buf crl;
    const uint64_t serials[] = {3, 0};
    trial_begin(&t, &nvidia_recipe_good);
    aver_buf_init(&crl, AVER_ATTEST_COLLATERAL_BYTES_MAX);
    pki_crl(&(pki_crl_options){.issuer = &t.made.maker, .revoked = serials}, &crl);
    t.input.crls[0] = aver_buf_view(&crl);
    t.input.crls_count = 1;
    trial_judge(&t);
    assert_true(fails_alone(&t.run.verdict, "evidence.revocation", AVER_REASON_REVOKED));
    aver_buf_clear(&crl);
    pki_crl(&(pki_crl_options){.issuer = &t.made.maker}, &crl);
    t.input.crls[0] = aver_buf_view(&crl);
    trial_judge(&t);
    assert_true(attest_case_holds(&t.run, AVER_FAMILY_NVIDIA));
    aver_buf_deinit(&crl);
    trial_end(&t);
}

static void reports_with_faults_are_malformed(void **state)
{
    (void)state;
    trial t;
    nvidia_recipe bad[4] = {nvidia_recipe_good, nvidia_recipe_good, nvidia_recipe_good,
                            nvidia_recipe_good};
    bad[0].same_index = true;
    bad[1].spare = true;
    bad[2].short_digest = true;
    bad[3].field_twice = true;
    for (size_t i = 0; i < 4; i++) {
        recipe_fails(&bad[i], "evidence.format", AVER_REASON_MALFORMED);
    }
    trial_begin(&t, &nvidia_recipe_good);
    aver_view whole = t.input.evidence;
    for (size_t size = 0; size < whole.size; size++) {
        t.input.evidence = aver_view_slice(whole, 0, size);
        trial_judge(&t);
        assert_false(t.run.readable);
        assert_false(aver_attest_holds(AVER_FAMILY_NVIDIA, false, &t.run.verdict));
    }
    aver_buf_append_byte(&t.made.report, 0);
    t.input.evidence = aver_buf_view(&t.made.report);
    trial_judge(&t);
    assert_false(t.run.readable);
    trial_end(&t);
}

/* Every byte counts: a bit of any of them makes the report fail. */
static void no_bit_can_be_changed(void **state)
{
    (void)state;
    trial t;
    trial_begin(&t, &nvidia_recipe_good);
    for (size_t i = 0; i < t.made.report.size; i += 7) {
        t.made.report.data[i] ^= 0x10;
        trial_judge(&t);
        assert_false(aver_attest_holds(AVER_FAMILY_NVIDIA, false, &t.run.verdict));
        t.made.report.data[i] ^= 0x10;
    }
    trial_end(&t);
}

static void a_cached_path_holds_in_its_time(void **state)
{
    (void)state;
    trial t;
    trial_begin(&t, &nvidia_recipe_good);
    trial_values(&t, &vbios_good);
    trial_values(&t, &driver_good);
    assert_int_equal(aver_attest_cache_new(8, &t.input.cache), AVER_OK);
    for (int i = 0; i < 3; i++) {
        trial_judge(&t);
        assert_true(attest_case_holds(&t.run, AVER_FAMILY_NVIDIA));
        status_is(&t, "nvidia.rim-signature", AVER_CHECK_PASS);
        text_is(&t, NULL, "leaf_subject", "CN=TEST A01 GSP FMC LF");
    }
    t.input.time_s = PKI_NOW_S + 3 * PKI_YEAR_S;
    trial_judge(&t);
    status_is(&t, "evidence.validity", AVER_CHECK_FAIL);
    status_is(&t, "nvidia.rim-signature", AVER_CHECK_FAIL);
    aver_attest_cache_free(t.input.cache);
    trial_end(&t);
}

/* What is kept of reference values takes the place of the path, which was used before. */
static void a_cache_of_one_is_enough(void **state)
{
    (void)state;
    trial t;
    trial_begin(&t, &nvidia_recipe_good);
    trial_values(&t, &vbios_good);
    trial_values(&t, &driver_good);
    assert_int_equal(aver_attest_cache_new(1, &t.input.cache), AVER_OK);
    for (int i = 0; i < 3; i++) {
        trial_judge(&t);
        assert_true(attest_case_holds(&t.run, AVER_FAMILY_NVIDIA));
        text_is(&t, NULL, "leaf_subject", "CN=TEST A01 GSP FMC LF");
    }
    aver_attest_cache_free(t.input.cache);
    trial_end(&t);
}

static void reference_values_hold(void **state)
{
    (void)state;
    trial t;
    trial_begin(&t, &nvidia_recipe_good);
    trial_values(&t, &vbios_good);
    trial_values(&t, &driver_good);
    trial_judge(&t);
    assert_true(attest_case_holds(&t.run, AVER_FAMILY_NVIDIA));
    status_is(&t, "nvidia.rim-signature", AVER_CHECK_PASS);
    status_is(&t, "nvidia.rim-version", AVER_CHECK_PASS);
    status_is(&t, "nvidia.measurements", AVER_CHECK_PASS);
    text_is(&t, "rim_vbios", "rim_version", "96.00.a5.00.01");
    text_is(&t, "rim_driver", "rim_version", "550.1");
    trial_end(&t);
    nvidia_recipe device = nvidia_recipe_good;
    device.driver = NULL;
    trial_begin(&t, &device);
    trial_values(&t, &switch_good);
    trial_judge(&t);
    assert_true(attest_case_holds(&t.run, AVER_FAMILY_NVIDIA));
    status_is(&t, "nvidia.measurements", AVER_CHECK_PASS);
    text_is(&t, NULL, "rim_version", "96.00.A5.00.01");
    trial_end(&t);
}

static void measurements_that_are_others_fail(void **state)
{
    (void)state;
    trial t;
    nvidia_values wrong = driver_good;
    wrong.wrong = 20;
    trial_begin(&t, &nvidia_recipe_good);
    trial_values(&t, &wrong);
    trial_judge(&t);
    assert_true(
        fails_alone(&t.run.verdict, "nvidia.measurements", AVER_REASON_MEASUREMENT_MISMATCH));
    trial_end(&t);
    wrong = driver_good;
    wrong.to = wrong.from; /* nothing is active */
    values_fail(&wrong, "nvidia.measurements", AVER_REASON_COLLATERAL_MISMATCH);
    trial_begin(&t, &nvidia_recipe_good);
    trial_values(&t, &driver_good);
    wrong = vbios_good;
    wrong.to = 13; /* both speak of index 12 */
    trial_values(&t, &wrong);
    trial_judge(&t);
    assert_true(
        fails_alone(&t.run.verdict, "nvidia.measurements", AVER_REASON_COLLATERAL_MISMATCH));
    trial_end(&t);
}

/* Index 35 counts where the video decoder is on. */
static void the_decoder_counts_where_it_is_on(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        trial t;
        nvidia_recipe recipe = nvidia_recipe_good;
        nvidia_values wrong = driver_good;
        wrong.wrong = 35;
        recipe.decoder_on = on == 1;
        trial_begin(&t, &recipe);
        trial_values(&t, &wrong);
        trial_judge(&t);
        status_is(&t, "nvidia.measurements", on == 1 ? AVER_CHECK_FAIL : AVER_CHECK_PASS);
        trial_end(&t);
    }
}

static void versions_that_are_others_fail(void **state)
{
    (void)state;
    trial t;
    nvidia_values other = driver_good;
    other.version = "550.2";
    trial_begin(&t, &nvidia_recipe_good);
    trial_values(&t, &other);
    trial_judge(&t);
    assert_true(
        fails_alone(&t.run.verdict, "nvidia.rim-version", AVER_REASON_MEASUREMENT_MISMATCH));
    trial_end(&t);
    trial_begin(&t, &nvidia_recipe_good);
    other = driver_good;
    other.to = 20;
    trial_values(&t, &other);
    other.from = 20;
    other.to = 30;
    trial_values(&t, &other);
    trial_judge(&t);
    assert_true(fails_alone(&t.run.verdict, "nvidia.rim-version", AVER_REASON_COLLATERAL_MISMATCH));
    trial_end(&t);
}

static void values_that_are_not_signed_fail(void **state)
{
    (void)state;
    trial t;
    nvidia_values bad = driver_good;
    bad.other_signer = true;
    trial_begin(&t, &nvidia_recipe_good);
    trial_values(&t, &bad);
    trial_judge(&t);
    assert_true(fails_alone(&t.run.verdict, "nvidia.rim-signature", AVER_REASON_BAD_SIGNATURE));
    t.input.rim_roots.given_count = 0; /* NVIDIA's own */
    trial_judge(&t);
    assert_true(fails_alone(&t.run.verdict, "nvidia.rim-signature", AVER_REASON_BAD_SIGNATURE));
    trial_end(&t);
    trial_begin(&t, &nvidia_recipe_good);
    trial_values(&t, &driver_good);
    t.input.rim_roots = t.input.roots; /* the device's root is none of values */
    trial_judge(&t);
    assert_true(fails_alone(&t.run.verdict, "nvidia.rim-signature", AVER_REASON_CHAIN_UNTRUSTED));
    trial_end(&t);
    bad = driver_good;
    bad.leaf_is_ca = true;
    values_fail(&bad, "nvidia.rim-signature", AVER_REASON_CHAIN_UNTRUSTED);
    bad = driver_good;
    bad.leaf_to_s = PKI_NOW_S - 1;
    values_fail(&bad, "nvidia.rim-signature", AVER_REASON_EXPIRED);
}

static void a_signer_that_was_revoked_fails(void **state)
{
    (void)state;
    trial t;
    aver_buf crl;
    const uint64_t serials[] = {7, 0};
    trial_begin(&t, &nvidia_recipe_good);
    trial_values(&t, &driver_good);
    aver_buf_init(&crl, AVER_ATTEST_COLLATERAL_BYTES_MAX);
    pki_crl(&(pki_crl_options){.issuer = &t.made.values_ca, .revoked = serials}, &crl);
    t.input.crls[0] = aver_buf_view(&crl);
    t.input.crls_count = 1;
    trial_judge(&t);
    assert_true(fails_alone(&t.run.verdict, "nvidia.rim-signature", AVER_REASON_REVOKED));
    aver_buf_deinit(&crl);
    trial_end(&t);
}

/* Where lists are asked for, they must speak of those who signed values too; also what the cache
 * kept without them does not count then. */
static void signers_of_whom_no_list_speaks_fail_where_lists_are_asked_for(void **state)
{
    (void)state;
    trial t;
    aver_attest_cache *cache = NULL;
    trial_begin(&t, &nvidia_recipe_good);
    trial_values(&t, &driver_good);
    assert_int_equal(aver_attest_cache_new(8, &cache), AVER_OK);
    t.input.cache = cache;
    trial_judge(&t);
    assert_true(attest_case_holds(&t.run, AVER_FAMILY_NVIDIA));
    t.input.require_revocation = true;
    trial_judge(&t);
    const aver_check *check = aver_verdict_find(&t.run.verdict, "nvidia.rim-signature");
    assert_int_equal(check->status, AVER_CHECK_FAIL);
    assert_int_equal(check->reason, AVER_REASON_COLLATERAL_MISSING);
    aver_attest_cache_free(cache);
    trial_end(&t);
}

/* Attempts to have values read that were not signed. */
static void wrapped_signatures_fail(void **state)
{
    (void)state;
    static const struct {
        const char *tamper, *into;
        aver_reason reason;
    } attacks[] = {
        /* what was signed is not what is read */
        {"active=\"True\"", "active=\"False\"", AVER_REASON_BAD_SIGNATURE},
        {"Version=\"550.1\"", "Version = '550.1' ", AVER_REASON_NONE},
        {"colloquialVersion=\"550.1\"", "colloquialVersion=\"550.3\"", AVER_REASON_BAD_SIGNATURE},
        {"  <n:Resource", "  x<n:Resource", AVER_REASON_BAD_SIGNATURE},
        {"</ds:DigestValue>", "\n</ds:DigestValue>", AVER_REASON_BAD_SIGNATURE},
        /* a reference to a part, or none, or two */
        {"URI=\"\"", "URI=\"#signed\"", AVER_REASON_MALFORMED},
        {"<ds:Reference URI=\"\">", "<ds:Reference>", AVER_REASON_MALFORMED},
        {"URI=\"\">", "URI=\"\" Type=\"http://www.w3.org/2000/09/xmldsig#Object\">",
         AVER_REASON_MALFORMED},
        {"</ds:SignedInfo>", "<ds:Reference URI=\"\"/></ds:SignedInfo>", AVER_REASON_MALFORMED},
        /* two of a kind */
        {"<n:Payload>", "<n:Payload></n:Payload><n:Payload>", AVER_REASON_MALFORMED},
        {"<n:Meta ", "<n:Meta colloquialVersion=\"1\" edition=\"GPU\" product=\"T\"/><n:Meta ",
         AVER_REASON_MALFORMED},
        {"</ds:Signature>",
         "</ds:Signature><ds:Signature "
         "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"></ds:Signature>",
         AVER_REASON_MALFORMED},
        {"index=\"1\"", "index=\"0\"", AVER_REASON_MALFORMED},
        /* parts of the signature that it does not cover */
        {"</ds:KeyInfo>", "</ds:KeyInfo><ds:Object><n:Payload/></ds:Object>",
         AVER_REASON_MALFORMED},
        {"<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName>k</ds:KeyName>", AVER_REASON_MALFORMED},
        /* other algorithms */
        {"2006/12/xml-c14n11", "2001/10/xml-exc-c14n#", AVER_REASON_MALFORMED},
        {"xmldsig-more#ecdsa-sha384", "xmldsig-more#ecdsa-sha256", AVER_REASON_MALFORMED},
        {"#enveloped-signature", "#base64", AVER_REASON_MALFORMED},
        {"xmldsig-more#sha384", "xmldsig-more#sha224", AVER_REASON_MALFORMED},
        {"<ds:Transform ", "<ds:Transform Algorithm=\"x\"/><ds:Transform ", AVER_REASON_MALFORMED},
        /* what no signed document needs */
        {"<SoftwareIdentity", "<!DOCTYPE SoftwareIdentity [<!ENTITY a \"b\">]><SoftwareIdentity",
         AVER_REASON_MALFORMED},
        {"<n:Entity", "<!-- a word --><n:Entity", AVER_REASON_MALFORMED},
        {"<n:Entity", "<?a word?><n:Entity", AVER_REASON_MALFORMED},
        {"<n:Entity", "<x:y xmlns:x=\"urn:other\"/><n:Entity", AVER_REASON_MALFORMED},
        {"size=\"48\"", "size=\"32\"", AVER_REASON_MALFORMED},
        {"alternatives=\"2\"", "alternatives=\"3\"", AVER_REASON_MALFORMED},
        {"active=\"True\"", "active=\"Maybe\"", AVER_REASON_MALFORMED},
        {"<ds:X509Certificate>", "<ds:X509Certificate>AAAA", AVER_REASON_CHAIN_UNTRUSTED},
        {"<ds:X509Certificate>", "<ds:X509Certificate>-", AVER_REASON_CHAIN_UNTRUSTED},
    };
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        trial t;
        nvidia_values values = driver_good;
        values.tamper = attacks[i].tamper;
        values.into = attacks[i].into;
        trial_begin(&t, &nvidia_recipe_good);
        trial_values(&t, &values);
        trial_judge(&t);
        const aver_check *check = aver_verdict_find(&t.run.verdict, "nvidia.rim-signature");
        assert_non_null(check);
        if (check->reason != attacks[i].reason ||
            (check->status == AVER_CHECK_FAIL) != (check->reason != AVER_REASON_NONE)) {
            (void)fprintf(stderr, "%s -> %s\n", attacks[i].tamper, attacks[i].into);
            attest_case_print(&t.run.verdict);
            fail();
        }
        trial_end(&t);
    }
}

/* Every byte of the values counts: with a bit of any of them changed, none are taken. */
static void no_bit_of_values_can_be_changed(void **state)
{
    (void)state;
    trial t;
    trial_begin(&t, &nvidia_recipe_good);
    trial_values(&t, &driver_good);
    aver_buf *text = &t.values[0];
    const uint8_t *end = memmem(text->data, text->size, "<ds:Signature ", 14);
    assert_non_null(end);
    assert_int_equal(aver_attest_cache_new(2, &t.input.cache), AVER_OK);
    for (size_t i = 0; i < (size_t)(end - text->data); i += 37) {
        text->data[i] ^= 0x10;
        trial_judge(&t);
        status_is(&t, "nvidia.rim-signature", AVER_CHECK_FAIL);
        text->data[i] ^= 0x10;
    }
    trial_judge(&t);
    status_is(&t, "nvidia.rim-signature", AVER_CHECK_PASS);
    aver_attest_cache_free(t.input.cache);
    trial_end(&t);
}

/* Whichever call for memory fails: an error, or a verdict that is no better than with memory. */
static void judgements_outlive_memory_that_ends(void **state)
{
    (void)state;
    trial t;
    trial_begin(&t, &nvidia_recipe_good);
    trial_values(&t, &vbios_good);
    trial_values(&t, &driver_good);
    for (int cached = 0; cached < 2; cached++) {
        bool failed = true;
        size_t nomem = 0;
        for (size_t at = 0; failed; at += at < 100 ? 1 : 127) {
            if (cached == 1) {
                assert_int_equal(aver_attest_cache_new(4, &t.input.cache), AVER_OK);
            }
            alloc_fail_at(at);
            aver_err err = attest_case_run(&t.run, AVER_FAMILY_NVIDIA, &t.input);
            failed = alloc_fail_end();
            assert_true(err == AVER_OK || err == AVER_E_NOMEM || err == AVER_E_CRYPTO ||
                        err == AVER_E_USAGE);
            nomem += err != AVER_OK ? 1 : 0;
            if (err == AVER_OK && !failed) {
                assert_true(attest_case_holds(&t.run, AVER_FAMILY_NVIDIA));
            }
            if (err == AVER_OK && aver_attest_holds(AVER_FAMILY_NVIDIA, false, &t.run.verdict)) {
                const aver_check *check = aver_verdict_find(&t.run.verdict, "nvidia.measurements");
                assert_true(check != NULL && check->status == AVER_CHECK_PASS);
            }
            aver_attest_cache_free(t.input.cache);
            t.input.cache = NULL;
        }
#ifdef ALLOC_FAIL_ACTIVE
        assert_true(nomem > 10);
#else
        assert_true(nomem == 0);
#endif
    }
    trial_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_of_a_gpu_holds),
        cmocka_unit_test(forms_of_certificates_hold),
        cmocka_unit_test(messages_that_are_no_pair_fail),
        cmocka_unit_test(firmware_that_is_another_fails),
        cmocka_unit_test(signatures_and_paths_that_do_not_hold_fail),
        cmocka_unit_test(devices_that_were_revoked_fail),
        cmocka_unit_test(reports_with_faults_are_malformed),
        cmocka_unit_test(no_bit_can_be_changed),
        cmocka_unit_test(a_cached_path_holds_in_its_time),
        cmocka_unit_test(a_cache_of_one_is_enough),
        cmocka_unit_test(reference_values_hold),
        cmocka_unit_test(measurements_that_are_others_fail),
        cmocka_unit_test(the_decoder_counts_where_it_is_on),
        cmocka_unit_test(versions_that_are_others_fail),
        cmocka_unit_test(values_that_are_not_signed_fail),
        cmocka_unit_test(a_signer_that_was_revoked_fails),
        cmocka_unit_test(signers_of_whom_no_list_speaks_fail_where_lists_are_asked_for),
        cmocka_unit_test(wrapped_signatures_fail),
        cmocka_unit_test(no_bit_of_values_can_be_changed),
        cmocka_unit_test(judgements_outlive_memory_that_ends),
    };
    return cmocka_run_group_tests_name("nvidia", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/attest_cases.h"
#include "support/dcap_make.h"

static attest_case run;

static aver_family family_of(const dcap_recipe *recipe)
{
    return recipe->tdx ? AVER_FAMILY_TDX : AVER_FAMILY_SGX;
}

/* Judges what the recipe makes, with what is wanted of it besides. */
static const aver_verdict *judge_as(const dcap_recipe *recipe, const aver_attest_input *wanted)
{
    dcap_made made;
    dcap_make(recipe, &made);
    aver_attest_input input = dcap_input(&made);
    if (wanted != NULL) {
        input.nonce = wanted->nonce;
        input.allow_debug = wanted->allow_debug;
        input.accept_tcb = wanted->accept_tcb;
        input.evaluation_min = wanted->evaluation_min;
        input.signature_only = wanted->signature_only;
    }
    assert_int_equal(attest_case_run(&run, family_of(recipe), &input), AVER_OK);
    dcap_unmake(&made);
    return &run.verdict;
}

static const aver_verdict *judge(const dcap_recipe *recipe)
{
    return judge_as(recipe, NULL);
}

static void good_quotes_hold(void **state)
{
    (void)state;
    dcap_recipe forms[8];
    for (size_t i = 0; i < 8; i++) {
        forms[i] = dcap_recipe_good(i >= 4);
    }
    forms[1].version = 4;
    forms[2].version = 5;
    forms[3].tcb_version = "2";
    forms[3].trailing = 64;
    forms[5].version = 5;
    forms[6].version = 5;
    forms[6].td15 = true;
    forms[7].tee_tcb_svn[1] = 0;
    for (size_t i = 0; i < 8; i++) {
        (void)judge(&forms[i]);
        assert_true(attest_case_holds(&run, family_of(&forms[i])));
        assert_int_equal(run.claims.tcb_status, AVER_TCB_UP_TO_DATE);
        assert_int_equal(run.claims.tcb, 20250514);
        assert_int_equal(run.claims.machine_id_size, 16);
    }
    assert_int_equal(aver_claims_find(&run.claims, NULL, "trailing")->number, 0);
}

static void malformed_quotes_are_refused(void **state)
{
    (void)state;
    dcap_recipe forms[6];
    for (size_t i = 0; i < 6; i++) {
        forms[i] = dcap_recipe_good(i >= 3);
    }
    forms[0].version = 2;
    forms[1].sgx_reserved = 1;
    forms[2].trailing = 1;
    forms[2].trailing_byte = 1;
    forms[3].version = 3;
    forms[4].version = 6;
    forms[5].certs_type = 9;
    for (size_t i = 0; i < 6; i++) {
        assert_true(fails_alone(judge(&forms[i]), "evidence.format", AVER_REASON_MALFORMED));
        assert_false(run.readable);
    }
}

static void cut_quotes_are_refused(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < 2; kind++) {
        dcap_made made;
        dcap_recipe recipe = dcap_recipe_good(kind == 1);
        dcap_make(&recipe, &made);
        aver_attest_input input = dcap_input(&made);
        for (size_t size = 0; size < made.quote.size; size += size < 64 ? 1 : 41) {
            input.evidence = aver_view_make(made.quote.data, size);
            assert_int_equal(attest_case_run(&run, family_of(&recipe), &input), AVER_OK);
            assert_true(fails_alone(&run.verdict, "evidence.format", AVER_REASON_MALFORMED));
        }
        /* One of the other kind is not read as this one. */
        input.evidence = aver_buf_view(&made.quote);
        assert_int_equal(
            attest_case_run(&run, kind == 1 ? AVER_FAMILY_SGX : AVER_FAMILY_TDX, &input), AVER_OK);
        assert_true(fails_alone(&run.verdict, "evidence.format", AVER_REASON_MALFORMED));
        dcap_unmake(&made);
    }
}

/* Whatever bit of a quote is changed, but in its copy of the root, it does not hold any more. */
static void changed_bits_are_found(void **state)
{
    (void)state;
    dcap_made made;
    dcap_recipe recipe = dcap_recipe_good(true);
    recipe.version = 5;
    recipe.td15 = true;
    dcap_make(&recipe, &made);
    aver_attest_input input = dcap_input(&made);
    aver_buf root;
    aver_buf_init(&root, 4096);
    pki_pem(&made.root, &root);
    for (size_t at = 0; at < made.quote.size - root.size - 1; at += 5) {
        made.quote.data[at] ^= (uint8_t)(1U << at % 8);
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_TDX, &input), AVER_OK);
        assert_false(aver_attest_holds(AVER_FAMILY_TDX, false, &run.verdict));
        made.quote.data[at] ^= (uint8_t)(1U << at % 8);
    }
    aver_buf_deinit(&root);
    dcap_unmake(&made);
}

static void other_roots_are_refused(void **state)
{
    (void)state;
    dcap_recipe recipe = dcap_recipe_good(false);
    recipe.other_root = true;
    assert_true(fails_alone(judge(&recipe), "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
    /* Intel's own root is pinned: what comes with the quote does not count. */
    dcap_made made;
    recipe = dcap_recipe_good(true);
    dcap_make(&recipe, &made);
    aver_attest_input input = dcap_input(&made);
    input.roots.given_count = 0;
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_TDX, &input), AVER_OK);
    assert_int_equal(aver_verdict_find(&run.verdict, "platform.root")->status, AVER_CHECK_FAIL);
    assert_int_equal(aver_verdict_reason(&run.verdict), AVER_REASON_CHAIN_UNTRUSTED);
    assert_false(aver_attest_holds(AVER_FAMILY_TDX, false, &run.verdict));
    dcap_unmake(&made);
}

static void quotes_without_certificates_are_refused(void **state)
{
    (void)state;
    for (uint16_t type = 1; type <= 3; type++) {
        dcap_recipe recipe = dcap_recipe_good(false);
        recipe.certs_type = type;
        assert_true(fails_alone(judge(&recipe), "platform.root", AVER_REASON_COLLATERAL_MISSING));
        assert_false(aver_attest_holds(AVER_FAMILY_SGX, true, &run.verdict));
    }
}

static void certificates_out_of_their_time_are_refused(void **state)
{
    (void)state;
    dcap_recipe recipe = dcap_recipe_good(false);
    recipe.pck_to_s = PKI_NOW_S - 1;
    assert_true(fails_alone(judge(&recipe), "evidence.validity", AVER_REASON_EXPIRED));
}

static void revoked_certificates_are_refused(void **state)
{
    (void)state;
    dcap_recipe recipe = dcap_recipe_good(false);
    recipe.revoke_pck = true;
    assert_true(fails_alone(judge(&recipe), "evidence.revocation", AVER_REASON_REVOKED));
    recipe = dcap_recipe_good(true);
    recipe.revoke_ca = true;
    assert_true(fails_alone(judge(&recipe), "evidence.revocation", AVER_REASON_REVOKED));
    recipe = dcap_recipe_good(true);
    recipe.other_ca_list = true;
    assert_true(
        fails_alone(judge(&recipe), "evidence.revocation", AVER_REASON_COLLATERAL_MISMATCH));
    /* The same for the one who signs the collateral: nothing of it counts. */
    recipe = dcap_recipe_good(true);
    recipe.revoke_signer = true;
    (void)judge(&recipe);
    assert_int_equal(aver_verdict_find(&run.verdict, "intel.tcb-signature")->reason,
                     AVER_REASON_REVOKED);
    assert_int_equal(aver_verdict_find(&run.verdict, "intel.identity-signature")->reason,
                     AVER_REASON_REVOKED);
    assert_int_equal(aver_verdict_find(&run.verdict, "evidence.revocation")->status,
                     AVER_CHECK_PASS);
}

static void collateral_that_lacks_something_is_refused(void **state)
{
    (void)state;
    static const char *const members[] = {"tcb_info",
                                          "tcb_info_signature",
                                          "tcb_info_issuer_chain",
                                          "qe_identity",
                                          "qe_identity_signature",
                                          "qe_identity_issuer_chain",
                                          "pck_crl",
                                          "root_ca_crl"};
    for (size_t i = 0; i < 8; i++) {
        dcap_recipe recipe = dcap_recipe_good(true);
        recipe.omit = members[i];
        const char *name = i < 3   ? "intel.tcb-signature"
                           : i < 6 ? "intel.identity-signature"
                                   : "evidence.revocation";
        assert_true(fails_alone(judge(&recipe), name, AVER_REASON_COLLATERAL_MISSING));
        assert_false(aver_attest_holds(AVER_FAMILY_TDX, false, &run.verdict));
    }
}

static void texts_that_are_no_collateral_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[]",          "{",       "{\"tcb_info\":1}", "{\"tcb_info\":\"a\",\"tcb_info\":\"a\"}",
        "{\"a\":\"b}", "{} more", "{\"a\":[}]}",      "{\"pck_crl\":\"\\u0100\"}"};
    dcap_made made;
    dcap_recipe recipe = dcap_recipe_good(false);
    dcap_make(&recipe, &made);
    aver_attest_input input = dcap_input(&made);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        input.collateral = aver_view_text(texts[i]);
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_SGX, &input), AVER_OK);
        assert_int_equal(aver_verdict_reason(&run.verdict), AVER_REASON_MALFORMED);
    }
    input.collateral = (aver_view){0};
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SGX, &input), AVER_OK);
    assert_true(fails_alone(&run.verdict, "evidence.revocation", AVER_REASON_COLLATERAL_MISSING));
    assert_false(aver_attest_holds(AVER_FAMILY_SGX, false, &run.verdict));
    dcap_unmake(&made);
}

/* Other writers escape more than there is need to. */
static void escaped_collateral_is_the_same(void **state)
{
    (void)state;
    dcap_made made;
    aver_buf escaped;
    dcap_recipe recipe = dcap_recipe_good(true);
    dcap_make(&recipe, &made);
    aver_buf_init(&escaped, 65536);
    for (size_t i = 0; i < made.collateral.size; i++) {
        uint8_t byte = made.collateral.data[i];
        if (byte == '=') {
            aver_buf_append_text(&escaped, "\\u003D");
        } else if (byte == '/') {
            aver_buf_append_text(&escaped, "\\/");
        } else {
            aver_buf_append_byte(&escaped, byte);
        }
    }
    aver_attest_input input = dcap_input(&made);
    input.collateral = aver_buf_view(&escaped);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_TDX, &input), AVER_OK);
    assert_true(attest_case_holds(&run, AVER_FAMILY_TDX));
    aver_buf_deinit(&escaped);
    dcap_unmake(&made);
}

static void signatures_of_others_are_refused(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < 2; kind++) {
        dcap_recipe recipe = dcap_recipe_good(kind == 1);
        recipe.quote_other_signer = true;
        assert_true(fails_alone(judge(&recipe), "evidence.signature", AVER_REASON_BAD_SIGNATURE));
        recipe = dcap_recipe_good(kind == 1);
        recipe.qe_other_signer = true;
        assert_true(fails_alone(judge(&recipe), "intel.qe-signature", AVER_REASON_BAD_SIGNATURE));
        recipe = dcap_recipe_good(kind == 1);
        recipe.qe_other_key = true;
        assert_true(fails_alone(judge(&recipe), "intel.qe-binding", AVER_REASON_BAD_SIGNATURE));
        recipe = dcap_recipe_good(kind == 1);
        recipe.qe_padded = true;
        assert_true(fails_alone(judge(&recipe), "intel.qe-binding", AVER_REASON_BAD_SIGNATURE));
        recipe = dcap_recipe_good(kind == 1);
        recipe.tcb_other_signer = true;
        assert_true(fails_alone(judge(&recipe), "intel.tcb-signature", AVER_REASON_BAD_SIGNATURE));
        recipe = dcap_recipe_good(kind == 1);
        recipe.identity_other_signer = true;
        assert_true(
            fails_alone(judge(&recipe), "intel.identity-signature", AVER_REASON_BAD_SIGNATURE));
    }
}

static void certificates_of_another_role_are_refused(void **state)
{
    (void)state;
    dcap_recipe recipe = dcap_recipe_good(false);
    recipe.pck_name = "Intel SGX TCB Signing";
    assert_true(fails_alone(judge(&recipe), "intel.pck", AVER_REASON_KEY_MISMATCH));
    recipe = dcap_recipe_good(false);
    recipe.ca_name = "Intel SGX Other CA";
    assert_true(fails_alone(judge(&recipe), "intel.pck", AVER_REASON_KEY_MISMATCH));
    recipe = dcap_recipe_good(true);
    recipe.no_extension = true;
    assert_true(fails_alone(judge(&recipe), "intel.pck", AVER_REASON_MALFORMED));
    recipe = dcap_recipe_good(true);
    recipe.extension_twice_ppid = true;
    assert_true(fails_alone(judge(&recipe), "intel.pck", AVER_REASON_MALFORMED));
    recipe = dcap_recipe_good(true);
    recipe.signer_name = "Intel SGX PCK Certificate";
    (void)judge(&recipe);
    assert_int_equal(aver_verdict_reason(&run.verdict), AVER_REASON_KEY_MISMATCH);
    assert_int_equal(aver_verdict_find(&run.verdict, "tcb.status")->status, AVER_CHECK_SKIP);
}

static void collateral_of_another_time_or_platform_is_refused(void **state)
{
    (void)state;
    dcap_recipe recipe = dcap_recipe_good(false);
    recipe.tcb_next_s = PKI_NOW_S - 1;
    assert_true(fails_alone(judge(&recipe), "intel.tcb-validity", AVER_REASON_EXPIRED));
    recipe = dcap_recipe_good(true);
    recipe.identity_next_s = PKI_NOW_S - 1;
    assert_true(fails_alone(judge(&recipe), "intel.tcb-validity", AVER_REASON_EXPIRED));
    recipe = dcap_recipe_good(true);
    recipe.fmspc = "00906EA10001";
    assert_true(fails_alone(judge(&recipe), "intel.tcb-platform", AVER_REASON_COLLATERAL_MISMATCH));
    recipe = dcap_recipe_good(false);
    recipe.pceid = "0001";
    assert_true(fails_alone(judge(&recipe), "intel.tcb-platform", AVER_REASON_COLLATERAL_MISMATCH));
    recipe = dcap_recipe_good(false);
    recipe.identity_id = "TD_QE";
    assert_true(fails_alone(judge(&recipe), "intel.qe-identity", AVER_REASON_COLLATERAL_MISMATCH));
    recipe = dcap_recipe_good(false);
    const aver_attest_input wanted = {.evaluation_min = 18};
    assert_true(
        fails_alone(judge_as(&recipe, &wanted), "intel.tcb-evaluation", AVER_REASON_EXPIRED));
    recipe.evaluation = 18;
    (void)judge_as(&recipe, &wanted);
    assert_true(attest_case_holds(&run, AVER_FAMILY_SGX));
}

static void tcb_infos_of_other_forms_are_refused(void **state)
{
    (void)state;
    dcap_recipe forms[4];
    for (size_t i = 0; i < 4; i++) {
        forms[i] = dcap_recipe_good(i < 2);
    }
    forms[0].tcb_id = "SGX"; /* with levels of trust domains */
    forms[1].tcb_version = "4";
    forms[2].tcb_type = "1";
    forms[3].status = "Fine";
    for (size_t i = 0; i < 4; i++) {
        assert_true(fails_alone(judge(&forms[i]), "intel.tcb-signature", AVER_REASON_MALFORMED));
    }
}

static void other_quoting_enclaves_are_refused(void **state)
{
    (void)state;
    dcap_recipe forms[5];
    for (size_t i = 0; i < 5; i++) {
        forms[i] = dcap_recipe_good(i % 2 == 1);
    }
    forms[0].qe_signer = 0x4f;
    forms[1].qe_product = 1;
    forms[2].qe_attributes = 0x17; /* open to a debugger */
    forms[3].qe_attributes = 0x35;
    forms[4].qe_misc = 1;
    for (size_t i = 0; i < 5; i++) {
        assert_true(
            fails_alone(judge(&forms[i]), "intel.qe-identity", AVER_REASON_QE_IDENTITY_MISMATCH));
    }
}

static void bodies_that_cannot_be_are_refused(void **state)
{
    (void)state;
    dcap_recipe recipe = dcap_recipe_good(false);
    recipe.sgx_attributes[0] = 0x04; /* never initialised */
    assert_true(fails_alone(judge(&recipe), "sgx.attributes", AVER_REASON_MALFORMED));
    recipe.sgx_attributes[0] = 0x0d;
    assert_true(fails_alone(judge(&recipe), "sgx.attributes", AVER_REASON_MALFORMED));
    recipe = dcap_recipe_good(true);
    recipe.td_attributes |= 1ull << 40;
    assert_true(fails_alone(judge(&recipe), "tdx.attributes", AVER_REASON_MALFORMED));
    recipe = dcap_recipe_good(true);
    recipe.td_attributes |= 1ull << 29;
    assert_true(fails_alone(judge(&recipe), "tdx.attributes", AVER_REASON_MEASUREMENT_MISMATCH));
    recipe = dcap_recipe_good(true);
    recipe.xfam = 0x602e5; /* without SSE */
    assert_true(fails_alone(judge(&recipe), "tdx.xfam", AVER_REASON_MALFORMED));
    recipe.xfam = 0x202e7; /* a half of AMX */
    assert_true(fails_alone(judge(&recipe), "tdx.xfam", AVER_REASON_MALFORMED));
}

static void other_modules_are_refused(void **state)
{
    (void)state;
    dcap_recipe forms[4];
    for (size_t i = 0; i < 4; i++) {
        forms[i] = dcap_recipe_good(true);
    }
    forms[0].seam_signer = 1;
    forms[1].seam_attributes = 1;
    forms[2].tee_tcb_svn[1] = 0;
    forms[2].seam_signer = 1;
    forms[3].tee_tcb_svn[1] = 0;
    forms[3].seam_attributes = 1;
    for (size_t i = 0; i < 4; i++) {
        assert_true(fails_alone(judge(&forms[i]), "tdx.module", AVER_REASON_MEASUREMENT_MISMATCH));
    }
    /* One that the TCB info does not list has no level either. */
    forms[0] = dcap_recipe_good(true);
    forms[0].tee_tcb_svn[1] = 2;
    (void)judge(&forms[0]);
    assert_int_equal(aver_verdict_reason(&run.verdict), AVER_REASON_MEASUREMENT_MISMATCH);
    assert_int_equal(run.claims.tcb_status, AVER_TCB_OUT_OF_DATE);
}

static void nonces_are_compared(void **state)
{
    (void)state;
    uint8_t nonce[64];
    aver_attest_input wanted = {.nonce = AVER_VIEW_OF(nonce)};
    memset(nonce, 0x42, sizeof nonce);
    dcap_recipe recipe = dcap_recipe_good(true);
    (void)judge_as(&recipe, &wanted);
    assert_true(attest_case_holds(&run, AVER_FAMILY_TDX));
    assert_int_equal(aver_verdict_find(&run.verdict, "evidence.nonce")->status, AVER_CHECK_PASS);
    nonce[63] ^= 1;
    assert_true(
        fails_alone(judge_as(&recipe, &wanted), "evidence.nonce", AVER_REASON_NONCE_MISMATCH));
    wanted.nonce.size = 32;
    assert_true(
        fails_alone(judge_as(&recipe, &wanted), "evidence.nonce", AVER_REASON_NONCE_MISMATCH));
}

static void debugging_is_refused_unless_accepted(void **state)
{
    (void)state;
    const aver_attest_input wanted = {.allow_debug = true};
    dcap_recipe recipe = dcap_recipe_good(false);
    recipe.sgx_attributes[0] = 0x07;
    assert_true(fails_alone(judge(&recipe), "evidence.debug", AVER_REASON_DEBUG_ENABLED));
    (void)judge_as(&recipe, &wanted);
    assert_true(attest_case_holds(&run, AVER_FAMILY_SGX));
    recipe = dcap_recipe_good(true);
    recipe.td_attributes |= 1;
    assert_true(fails_alone(judge(&recipe), "evidence.debug", AVER_REASON_DEBUG_ENABLED));
    (void)judge_as(&recipe, &wanted);
    assert_true(attest_case_holds(&run, AVER_FAMILY_TDX));
    /* Profiling by the host is accepted by nobody. */
    for (size_t bit = 4; bit <= 6; bit++) {
        recipe = dcap_recipe_good(true);
        recipe.td_attributes |= 1U << bit;
        assert_true(
            fails_alone(judge_as(&recipe, &wanted), "tdx.attributes", AVER_REASON_DEBUG_ENABLED));
    }
}

/* What platform, module and quoting enclave make together. */
static void statuses_converge(void **state)
{
    (void)state;
    static const struct {
        const char *platform, *module, *qe;
        aver_tcb_status all;
    } cases[] = {
        {"UpToDate", "UpToDate", "UpToDate", AVER_TCB_UP_TO_DATE},
        {"SWHardeningNeeded", "UpToDate", "UpToDate", AVER_TCB_SW_HARDENING_NEEDED},
        {"ConfigurationNeeded", "UpToDate", "UpToDate", AVER_TCB_CONFIGURATION_NEEDED},
        {"OutOfDate", "UpToDate", "UpToDate", AVER_TCB_OUT_OF_DATE},
        {"UpToDate", "OutOfDate", "UpToDate", AVER_TCB_OUT_OF_DATE},
        {"UpToDate", "UpToDate", "OutOfDate", AVER_TCB_OUT_OF_DATE},
        {"SWHardeningNeeded", "OutOfDate", "UpToDate", AVER_TCB_OUT_OF_DATE},
        {"ConfigurationNeeded", "OutOfDate", "UpToDate", AVER_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED},
        {"ConfigurationAndSWHardeningNeeded", "UpToDate", "OutOfDate",
         AVER_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED},
        {"OutOfDateConfigurationNeeded", "OutOfDate", "OutOfDate",
         AVER_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED},
        {"UpToDate", "Revoked", "UpToDate", AVER_TCB_REVOKED},
        {"UpToDate", "UpToDate", "Revoked", AVER_TCB_REVOKED},
        {"Revoked", "OutOfDate", "OutOfDate", AVER_TCB_REVOKED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dcap_recipe recipe = dcap_recipe_good(true);
        recipe.status = cases[i].platform;
        recipe.module_status = cases[i].module;
        recipe.qe_status = cases[i].qe;
        (void)judge(&recipe);
        assert_int_equal(run.claims.tcb_status, cases[i].all);
        if (i == 0) {
            assert_true(attest_case_holds(&run, AVER_FAMILY_TDX));
        } else {
            assert_true(fails_alone(&run.verdict, "tcb.status",
                                    cases[i].all == AVER_TCB_REVOKED
                                        ? AVER_REASON_REVOKED
                                        : AVER_REASON_TCB_OUT_OF_DATE));
        }
        const aver_attest_input wanted = {.accept_tcb = AVER_TCB_SET(cases[i].all)};
        (void)judge_as(&recipe, &wanted);
        assert_true(attest_case_holds(&run, AVER_FAMILY_TDX));
    }
}

static void lower_levels_are_found(void **state)
{
    (void)state;
    dcap_recipe recipe = dcap_recipe_good(false);
    recipe.pck_svn = 4;
    assert_true(fails_alone(judge(&recipe), "tcb.status", AVER_REASON_TCB_OUT_OF_DATE));
    assert_int_equal(run.claims.tcb, 20180104);
    /* Below every level, of the platform and of the quoting enclave. */
    recipe.pck_svn = 0;
    assert_true(fails_alone(judge(&recipe), "tcb.status", AVER_REASON_TCB_OUT_OF_DATE));
    assert_int_equal(run.claims.tcb_status, AVER_TCB_OUT_OF_DATE);
    assert_null(aver_claims_find(&run.claims, NULL, "tcb_date"));
    const aver_attest_input wanted = {.accept_tcb = AVER_TCB_SET(AVER_TCB_OUT_OF_DATE)};
    assert_true(fails_alone(judge_as(&recipe, &wanted), "tcb.status", AVER_REASON_TCB_OUT_OF_DATE));
    recipe = dcap_recipe_good(false);
    recipe.qe_svn = 3;
    assert_true(fails_alone(judge(&recipe), "tcb.status", AVER_REASON_TCB_OUT_OF_DATE));
    /* Modules of version 0 are compared with the platform's level. */
    recipe = dcap_recipe_good(true);
    recipe.tee_tcb_svn[0] = 4;
    recipe.tee_tcb_svn[1] = 0;
    (void)judge(&recipe);
    assert_int_equal(aver_verdict_reason(&run.verdict), AVER_REASON_TCB_OUT_OF_DATE);
}

static const aver_claim *relaunch_claim(void)
{
    return aver_claims_find(&run.claims, NULL, "tcb_relaunch");
}

static void relaunch_is_advised(void **state)
{
    (void)state;
    const aver_attest_input wanted = {.accept_tcb = AVER_TCB_SET(AVER_TCB_RELAUNCH_ADVISED)};
    dcap_recipe recipe = dcap_recipe_good(true);
    recipe.version = 5;
    recipe.td15 = true;
    recipe.tee_tcb_svn[0] = 3;
    assert_true(fails_alone(judge(&recipe), "tcb.status", AVER_REASON_TCB_OUT_OF_DATE));
    assert_int_equal(run.claims.tcb_status, AVER_TCB_OUT_OF_DATE);
    assert_true(aver_view_equal_text(relaunch_claim()->bytes, "TDRelaunchAdvised"));
    (void)judge_as(&recipe, &wanted);
    assert_true(attest_case_holds(&run, AVER_FAMILY_TDX));
    recipe.status = "ConfigurationNeeded";
    assert_true(fails_alone(judge_as(&recipe, &wanted), "tcb.status", AVER_REASON_TCB_OUT_OF_DATE));
    assert_true(
        aver_view_equal_text(relaunch_claim()->bytes, "TDRelaunchAdvisedConfigurationNeeded"));
    recipe.status = "UpToDate";
    recipe.tee_tcb_svn2[0] = 3;
    assert_true(fails_alone(judge_as(&recipe, &wanted), "tcb.status", AVER_REASON_TCB_OUT_OF_DATE));
    assert_null(relaunch_claim());
}

static void advisories_are_merged(void **state)
{
    (void)state;
    static const char *const wanted[] = {"INTEL-SA-00020", "INTEL-SA-00030", "INTEL-SA-00040",
                                         "INTEL-SA-00050"};
    dcap_recipe recipe = dcap_recipe_good(true);
    recipe.tee_tcb_svn[0] = 3;
    recipe.advisories = "[\"INTEL-SA-00040\", \"INTEL-SA-00020\"]";
    recipe.qe_advisories = "[\"INTEL-SA-00030\",\"INTEL-SA-00040\"]";
    (void)judge(&recipe);
    size_t found = 0;
    for (size_t i = 0; i < run.claims.list_count; i++) {
        const aver_claim *claim = &run.claims.list[i];
        if (strcmp(claim->name, "advisories") == 0) {
            assert_true(found < 4 && aver_view_equal_text(claim->bytes, wanted[found]));
            found++;
        }
    }
    assert_int_equal(found, 4);
}

/* None is left out in silence. */
static void too_many_advisories_are_refused(void **state)
{
    (void)state;
    char lists[2][1024];
    for (size_t part = 0; part < 2; part++) {
        size_t size = 0;
        for (unsigned i = 0; i < 60; i++) {
            size += (size_t)snprintf(lists[part] + size, sizeof lists[part] - size,
                                     "%s\"SA-%u-%02u\"", i == 0 ? "[" : ",", (unsigned)part, i);
        }
        (void)snprintf(lists[part] + size, sizeof lists[part] - size, "]");
    }
    dcap_recipe recipe = dcap_recipe_good(false);
    recipe.advisories = lists[0];
    (void)judge(&recipe);
    assert_true(attest_case_holds(&run, AVER_FAMILY_SGX));
    recipe.qe_advisories = lists[1];
    assert_true(fails_alone(judge(&recipe), "tcb.status", AVER_REASON_MALFORMED));
}

static void a_signature_alone_is_less(void **state)
{
    (void)state;
    const aver_attest_input wanted = {.signature_only = true};
    dcap_recipe recipe = dcap_recipe_good(true);
    (void)judge_as(&recipe, &wanted);
    assert_true(aver_attest_holds(AVER_FAMILY_TDX, true, &run.verdict));
    assert_false(aver_attest_holds(AVER_FAMILY_TDX, false, &run.verdict));
    assert_int_equal(aver_verdict_find(&run.verdict, "tcb.status")->status, AVER_CHECK_SKIP);
    recipe.qe_other_signer = true;
    (void)judge_as(&recipe, &wanted);
    assert_false(aver_attest_holds(AVER_FAMILY_TDX, true, &run.verdict));
}

static bool same_verdicts(const aver_verdict *a, const aver_verdict *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = a->checks[i].name == b->checks[i].name &&
               a->checks[i].status == b->checks[i].status &&
               strcmp(a->checks[i].detail, b->checks[i].detail) == 0;
    }
    return same;
}

/* Where memory is asked, it says what it would say if it had to judge; and only in its time. */
static void what_is_remembered_says_the_same(void **state)
{
    (void)state;
    static attest_case first;
    for (size_t entries = 1; entries <= 8; entries++) {
        aver_attest_cache *cache = NULL;
        assert_int_equal(aver_attest_cache_new(entries, &cache), AVER_OK);
        dcap_made made;
        dcap_recipe recipe = dcap_recipe_good(entries % 2 == 0);
        recipe.advisories = "[\"INTEL-SA-00040\"]";
        dcap_make(&recipe, &made);
        aver_attest_input input = dcap_input(&made);
        assert_int_equal(attest_case_run(&first, family_of(&recipe), &input), AVER_OK);
        input.cache = cache;
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(attest_case_run(&run, family_of(&recipe), &input), AVER_OK);
            assert_true(same_verdicts(&first.verdict, &run.verdict));
            assert_int_equal(first.claims.list_count, run.claims.list_count);
        }
        /* A key that is no point, and the good one after it. */
        size_t key = recipe.tdx ? 48 + 584 + 4 + 64 : 48 + 384 + 4 + 64;
        for (size_t i = 0; i < 2; i++) {
            made.quote.data[key] ^= 1;
            assert_int_equal(attest_case_run(&run, family_of(&recipe), &input), AVER_OK);
            assert_true(aver_attest_holds(family_of(&recipe), false, &run.verdict) == (i == 1));
            assert_int_equal(aver_verdict_reason(&run.verdict),
                             i == 0 ? AVER_REASON_BAD_SIGNATURE : AVER_REASON_NONE);
        }
        /* Out of the time of the lists, of the collateral, of the certificates. */
        const uint64_t later[] = {31ull * 86400, 400ull * 86400};
        for (size_t i = 0; i < 2; i++) {
            input.time_s = PKI_NOW_S + later[i];
            assert_int_equal(attest_case_run(&run, family_of(&recipe), &input), AVER_OK);
            assert_int_equal(aver_verdict_reason(&run.verdict), AVER_REASON_EXPIRED);
        }
        /* Another root, and no collateral: what held with them does not count. */
        input.time_s = PKI_NOW_S;
        input.roots.given[0] = aver_buf_view(&made.signer.der);
        assert_int_equal(attest_case_run(&run, family_of(&recipe), &input), AVER_OK);
        assert_int_equal(aver_verdict_reason(&run.verdict), AVER_REASON_CHAIN_UNTRUSTED);
        input.roots.given[0] = aver_buf_view(&made.root.der);
        input.collateral = (aver_view){0};
        assert_int_equal(attest_case_run(&run, family_of(&recipe), &input), AVER_OK);
        assert_int_equal(aver_verdict_reason(&run.verdict), AVER_REASON_COLLATERAL_MISSING);
        dcap_unmake(&made);
        aver_attest_cache_free(cache);
    }
}

/* What a signature alone left behind is no collateral. */
static void a_remembered_signature_is_no_more(void **state)
{
    (void)state;
    aver_attest_cache *cache = NULL;
    dcap_made made;
    dcap_recipe recipe = dcap_recipe_good(true);
    assert_int_equal(aver_attest_cache_new(4, &cache), AVER_OK);
    dcap_make(&recipe, &made);
    aver_attest_input input = dcap_input(&made);
    input.cache = cache;
    input.collateral = (aver_view){0};
    for (size_t i = 0; i < 3; i++) {
        input.signature_only = i < 2;
        assert_int_equal(attest_case_run(&run, AVER_FAMILY_TDX, &input), AVER_OK);
        assert_true(aver_attest_holds(AVER_FAMILY_TDX, true, &run.verdict) == (i < 2));
        assert_false(aver_attest_holds(AVER_FAMILY_TDX, false, &run.verdict));
    }
    assert_true(fails_alone(&run.verdict, "evidence.revocation", AVER_REASON_COLLATERAL_MISSING));
    dcap_unmake(&made);
    aver_attest_cache_free(cache);
}

static void roots_that_cannot_be_read_are_the_readers_mistake(void **state)
{
    (void)state;
    dcap_made made;
    dcap_recipe recipe = dcap_recipe_good(false);
    dcap_make(&recipe, &made);
    aver_attest_input input = dcap_input(&made);
    input.roots.given[0] = AVER_VIEW_LITERAL("no certificate");
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_SGX, &input), AVER_E_USAGE);
    dcap_unmake(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_quotes_hold),
        cmocka_unit_test(malformed_quotes_are_refused),
        cmocka_unit_test(cut_quotes_are_refused),
        cmocka_unit_test(changed_bits_are_found),
        cmocka_unit_test(other_roots_are_refused),
        cmocka_unit_test(quotes_without_certificates_are_refused),
        cmocka_unit_test(certificates_out_of_their_time_are_refused),
        cmocka_unit_test(revoked_certificates_are_refused),
        cmocka_unit_test(collateral_that_lacks_something_is_refused),
        cmocka_unit_test(texts_that_are_no_collateral_are_refused),
        cmocka_unit_test(escaped_collateral_is_the_same),
        cmocka_unit_test(signatures_of_others_are_refused),
        cmocka_unit_test(certificates_of_another_role_are_refused),
        cmocka_unit_test(collateral_of_another_time_or_platform_is_refused),
        cmocka_unit_test(tcb_infos_of_other_forms_are_refused),
        cmocka_unit_test(other_quoting_enclaves_are_refused),
        cmocka_unit_test(bodies_that_cannot_be_are_refused),
        cmocka_unit_test(other_modules_are_refused),
        cmocka_unit_test(nonces_are_compared),
        cmocka_unit_test(debugging_is_refused_unless_accepted),
        cmocka_unit_test(statuses_converge),
        cmocka_unit_test(lower_levels_are_found),
        cmocka_unit_test(relaunch_is_advised),
        cmocka_unit_test(advisories_are_merged),
        cmocka_unit_test(too_many_advisories_are_refused),
        cmocka_unit_test(a_signature_alone_is_less),
        cmocka_unit_test(what_is_remembered_says_the_same),
        cmocka_unit_test(a_remembered_signature_is_no_more),
        cmocka_unit_test(roots_that_cannot_be_read_are_the_readers_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

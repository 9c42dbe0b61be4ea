/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of real hardware inside bundles: documents of a Nitro enclave under test roots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/platforms.h"
#include "codec/cbor.h"
#include "codec/text.h"
#include "crypto/cose.h"
#include "crypto/hash.h"
#include "support/attest_cases.h"
#include "support/dcap_make.h"
#include "support/forge.h"
#include "support/pki.h"

#include <string.h>

#define NOW_S              (FORGE_NOW_MS / 1000)
#define DOCUMENT_BYTES_MAX 32768

static pki_cert root, leaf;
static aver_buf document;
static const char *platform = "nitro";
static uint64_t made_s = NOW_S;
static uint64_t leaf_to_s = NOW_S + 3600;
static bool debug, unbound;
static const char *collateral_name; /* one that is given, or NULL */

static forge_state made;
static aver_verdict verdict;

static void put_payload(const uint8_t user_data[static 64], aver_buf *out)
{
    aver_cbor_put_map(out, 9);
    aver_cbor_put_text(out, "module_id");
    aver_cbor_put_text(out, "i-1-enc2");
    aver_cbor_put_text(out, "digest");
    aver_cbor_put_text(out, "SHA384");
    aver_cbor_put_text(out, "timestamp");
    aver_cbor_put_uint(out, made_s * 1000);
    aver_cbor_put_text(out, "pcrs");
    aver_cbor_put_map(out, 16);
    for (uint8_t i = 0; i < 16; i++) {
        uint8_t pcr[48] = {debug && i < 3 ? 0 : 0xab};
        aver_cbor_put_uint(out, i);
        aver_cbor_put_bytes(out, AVER_VIEW_OF(pcr));
    }
    aver_cbor_put_text(out, "certificate");
    aver_cbor_put_bytes(out, aver_buf_view(&leaf.der));
    aver_cbor_put_text(out, "cabundle");
    aver_cbor_put_array(out, 1);
    aver_cbor_put_bytes(out, aver_buf_view(&root.der));
    aver_cbor_put_text(out, "public_key");
    aver_cbor_put_null(out);
    aver_cbor_put_text(out, "user_data");
    if (unbound) {
        aver_cbor_put_null(out);
    } else {
        aver_cbor_put_bytes(out, aver_view_make(user_data, 64));
    }
    aver_cbor_put_text(out, "nonce");
    aver_cbor_put_null(out);
}

/* COSE_Sign1 over the payload. */
static void put_document(aver_view payload)
{
    static const uint8_t header[] = {0xa1, 0x01, 0x38, 0x22}; /* ES384 */
    aver_buf structure;
    uint8_t digest[48];
    uint8_t signature[132];
    aver_buf_init(&structure, DOCUMENT_BYTES_MAX);
    aver_cose_sig_structure(AVER_VIEW_OF(header), (aver_view){0}, payload, &structure);
    aver_sha384_of(aver_buf_view(&structure), digest);
    size_t size = pki_sign(leaf.key, AVER_VIEW_OF(digest), signature);
    aver_cbor_put_array(&document, 4);
    aver_cbor_put_bytes(&document, AVER_VIEW_OF(header));
    aver_cbor_put_map(&document, 0);
    aver_cbor_put_bytes(&document, payload);
    aver_cbor_put_bytes(&document, aver_view_make(signature, size));
    aver_buf_deinit(&structure);
}

static void name_platform(aver_keyset *keyset)
{
    (void)snprintf(keyset->platform, sizeof keyset->platform, "%s", platform);
}

/* A document over this very keyset and these nonces. */
static void hardware(aver_bundle *bundle)
{
    uint8_t keyset_digest[32];
    uint8_t bound[64];
    aver_buf payload;
    aver_buf_init(&payload, DOCUMENT_BYTES_MAX);
    aver_keyset_digest(bundle->keyset_bytes, keyset_digest);
    aver_binding(keyset_digest, bundle->nonce_root, (aver_view){0}, bound);
    put_payload(bound, &payload);
    aver_buf_clear(&document);
    put_document(aver_buf_view(&payload));
    aver_buf_deinit(&payload);
    (void)snprintf(bundle->platform, sizeof bundle->platform, "%s", platform);
    aver_buf_clear(&made.evidence); /* which the receipt will name */
    aver_buf_append(&made.evidence, aver_buf_view(&document));
    bundle->evidence = aver_buf_view(&made.evidence);
    if (collateral_name != NULL) {
        bundle->collateral[0] =
            (aver_collateral){aver_view_text(collateral_name), AVER_VIEW_LITERAL("something")};
        bundle->collateral_count = 1;
    }
}

static void replace(aver_buf *json, const char *from, const char *to)
{
    aver_buf copy;
    aver_buf_init(&copy, AVER_POLICY_BYTES_MAX);
    const uint8_t *at = memmem(json->data, json->size, from, strlen(from));
    assert_non_null(at);
    size_t before = (size_t)(at - json->data);
    aver_buf_append(&copy, aver_view_make(json->data, before));
    aver_buf_append_text(&copy, to);
    aver_buf_append(&copy, aver_view_make(at + strlen(from), json->size - before - strlen(from)));
    aver_buf_clear(json);
    aver_buf_append(json, aver_buf_view(&copy));
    aver_buf_deinit(&copy);
}

static const char *more; /* further members of the policy */

static void allow_nitro(aver_buf *json)
{
    char text[512];
    char pcr[97] = "ab";
    memset(pcr + 2, '0', 94);
    pcr[96] = '\0';
    replace(json, "\"platforms\":[\"sim\"]", "\"platforms\":[\"nitro\",\"snp\",\"tdx\",\"cca\"]");
    (void)snprintf(text, sizeof text,
                   "\"version\":1,%s\"measurements\":[{\"platform\":\"nitro\",\"image\":\"%s\"}],",
                   more != NULL ? more : "", pcr);
    const uint8_t *at = memmem(json->data, json->size, "\"measurements\":[", 16);
    const uint8_t *end = at != NULL ? memchr(at, ']', 4096) : NULL;
    assert_non_null(end);
    char old[4096];
    (void)snprintf(old, sizeof old, "%.*s,", (int)(end + 1 - at), (const char *)at);
    replace(json, old, "");
    replace(json, "\"version\":1,", text);
    replace(json, "\"min_tcb\":3", "\"min_tcb\":0"); /* these documents have no such level */
}

static const aver_platform *const platforms[] = {&aver_platform_nitro,
                                                 &aver_platform_tdx,
                                                 &aver_platform_snp,
                                                 &aver_platform_sgx,
                                                 &aver_platform_azure,
                                                 &aver_platform_cca,
                                                 NULL};
static bool pinned_roots;

static void reader(aver_verify_context *context)
{
    context->platforms = platforms;
    context->roots.has_sim_root = false;
    if (!pinned_roots) {
        context->roots.test_roots = (aver_attest_roots){{aver_buf_view(&root.der)}, 1};
    }
}

static bool judge(bool (*flow)(forge_state *, aver_verdict *))
{
    leaf = pki_cert_make(&(pki_options){.name = "i-1-enc2.test",
                                        .key = pki_key(1, PKI_P384),
                                        .issuer = &root,
                                        .path_length = -1,
                                        .from_s = NOW_S - 3600,
                                        .to_s = leaf_to_s,
                                        .serial = 2});
    forge_init(&made);
    made.edits.edit_policy = allow_nitro;
    made.edits.edit_keyset = name_platform;
    made.edits.edit_bundle = hardware;
    made.edits.edit_context = reader;
    forge_build(&made);
    aver_verdict_init(&verdict);
    bool accepted = flow(&made, &verdict);
    attest_write_capsule(&made);
    forge_deinit(&made);
    pki_cert_deinit(&leaf);
    return accepted;
}

static int set_up(void **state)
{
    (void)state;
    root = pki_cert_make(&(pki_options){.name = "test root",
                                        .key = pki_key(0, PKI_P384),
                                        .ca = true,
                                        .path_length = -1,
                                        .from_s = NOW_S - 7200,
                                        .to_s = NOW_S + 7200});
    aver_buf_init(&document, DOCUMENT_BYTES_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pki_cert_deinit(&root);
    aver_buf_deinit(&document);
    return 0;
}

static int again(void **state)
{
    (void)state;
    platform = "nitro";
    made_s = NOW_S;
    leaf_to_s = NOW_S + 3600;
    debug = unbound = pinned_roots = false;
    collateral_name = more = NULL;
    return 0;
}

static void an_answer_of_an_enclave_is_accepted(void **state)
{
    (void)state;
    if (!judge(forge_judge_answer)) {
        attest_case_print(&verdict);
        fail();
    }
    assert_true(verdict.simulated);
    assert_int_equal(aver_verdict_find(&verdict, "nitro.pcrs")->status, AVER_CHECK_PASS);
    assert_null(aver_verdict_find(&verdict, "machine.allowed"));
    assert_true(judge(forge_judge_connect));
    assert_true(judge(forge_judge_capsule));
}

static void test_roots_count_only_where_they_are_given(void **state)
{
    (void)state;
    pinned_roots = true;
    assert_false(judge(forge_judge_answer));
    assert_false(verdict.simulated);
    assert_true(fails_alone(&verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED));
}

static void each_fault_is_told_by_its_own_check(void **state)
{
    (void)state;
    debug = true;
    assert_false(judge(forge_judge_answer));
    assert_int_equal(aver_verdict_find(&verdict, "evidence.debug")->status, AVER_CHECK_FAIL);
    (void)again(NULL);
    unbound = true;
    assert_false(judge(forge_judge_answer));
    assert_true(fails_alone(&verdict, "binding", AVER_REASON_NONE));
    (void)again(NULL);
    leaf_to_s = NOW_S - 60;
    made_s = NOW_S - 120;
    assert_false(judge(forge_judge_answer));
    assert_true(fails_alone(&verdict, "evidence.validity", AVER_REASON_EXPIRED));
    (void)again(NULL);
    made_s = NOW_S - 1200;
    assert_false(judge(forge_judge_answer));
    assert_true(fails_alone(&verdict, "evidence.age", AVER_REASON_NONE));
}

static void machines_are_those_that_the_policy_names(void **state)
{
    (void)state;
    more = "\"machines\":[\"00ff\"],";
    assert_false(judge(forge_judge_answer));
    assert_true(fails_alone(&verdict, "machine.allowed", AVER_REASON_NONE));
}

static void what_nobody_judges_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"leafs",  "crl",   "crl.8", "crl.1",
                                        "crl.00", "rim.0", "key",   "crl.0"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        collateral_name = names[i];
        assert_false(judge(forge_judge_answer));
        assert_true(fails_alone(&verdict, "evidence.format", AVER_REASON_MALFORMED));
    }
    /* Taken by that platform, whose evidence this is not. */
    platform = "snp";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        collateral_name = names[i];
        assert_false(judge(forge_judge_answer));
        const char *detail = aver_verdict_find(&verdict, "evidence.format")->detail;
        bool taken = strcmp(names[i], "crl.0") == 0;
        assert_int_equal(strstr(detail, "nobody judges") == NULL && strstr(detail, "gaps") == NULL,
                         taken);
    }
}

static void evidence_of_one_platform_is_none_of_another(void **state)
{
    (void)state;
    static const char *const others[] = {"snp", "tdx", "cca"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        platform = others[i];
        assert_false(judge(forge_judge_answer));
        assert_true(fails_alone(&verdict, "evidence.format", AVER_REASON_MALFORMED));
        assert_int_equal(aver_verdict_find(&verdict, "binding")->status, AVER_CHECK_SKIP);
    }
}

/* What a platform requires is required of its bundles too, and a SKIP is not a PASS. */
static void the_platforms_own_requirements_count(void **state)
{
    (void)state;
    static const char *const required[] = {"nitro.pcrs", NULL};
    char why[400];
    forge_init(&made);
    forge_build(&made);
    aver_verdict_init(&verdict);
    assert_true(forge_judge_answer(&made, &verdict));
    verdict.required = required;
    assert_false(aver_policy_accepts(made.policy, AVER_USE_ANSWER, &verdict, why));
    assert_non_null(strstr(why, "nitro.pcrs"));
    aver_verdict_add(&verdict, "nitro.pcrs", AVER_CHECK_SKIP, "not looked at");
    assert_false(aver_policy_accepts(made.policy, AVER_USE_ANSWER, &verdict, why));
    forge_deinit(&made);
}

/* Without a time in the evidence its age cannot be required; everything else is. */
static void evidence_without_a_time_has_no_age(void **state)
{
    (void)state;
    char why[400];
    forge_init(&made);
    forge_build(&made);
    aver_verdict_init(&verdict);
    assert_true(forge_judge_answer(&made, &verdict));
    for (size_t i = 0; i < verdict.count; i++) {
        if (strcmp(verdict.checks[i].name, "evidence.age") == 0) {
            verdict.checks[i].status = AVER_CHECK_SKIP;
        }
    }
    assert_false(aver_policy_accepts(made.policy, AVER_USE_ANSWER, &verdict, why));
    verdict.timeless = true;
    assert_true(aver_policy_accepts(made.policy, AVER_USE_ANSWER, &verdict, why));
    forge_deinit(&made);
}

static dcap_made domain;
static bool with_collateral;
static const char *status; /* of its TCB */

/* A quote of a trust domain over this very keyset and these nonces. */
static void quote(aver_bundle *bundle)
{
    uint8_t keyset_digest[32];
    uint8_t bound[64];
    dcap_recipe recipe = dcap_recipe_good(true);
    aver_keyset_digest(bundle->keyset_bytes, keyset_digest);
    aver_binding(keyset_digest, bundle->nonce_root, (aver_view){0}, bound);
    recipe.report_data_whole = bound;
    recipe.status = status != NULL ? status : recipe.status;
    dcap_make(&recipe, &domain);
    (void)snprintf(bundle->platform, sizeof bundle->platform, "tdx");
    bundle->evidence = aver_buf_view(&domain.quote);
    if (with_collateral) {
        bundle->collateral[0] =
            (aver_collateral){AVER_VIEW_LITERAL("collateral"), aver_buf_view(&domain.collateral)};
        bundle->collateral_count = 1;
    }
}

/* Its mrtd as the claims have it, in hex. */
static void domain_mrtd(char ret_hex[97])
{
    static attest_case run;
    dcap_recipe recipe = dcap_recipe_good(true);
    dcap_made one;
    dcap_make(&recipe, &one);
    aver_attest_input input = dcap_input(&one);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_TDX, &input), AVER_OK);
    assert_string_equal(run.claims.measurements[0].kind, "mrtd");
    aver_hex_encode(aver_view_make(run.claims.measurements[0].bytes, 48), ret_hex);
    dcap_unmake(&one);
}

static void allow_domain(aver_buf *json)
{
    char mrtd[97];
    char text[256];
    const char *keep = more;
    more = NULL;
    allow_nitro(json);
    more = keep;
    domain_mrtd(mrtd);
    (void)snprintf(text, sizeof text,
                   "%s\"measurements\":[{\"platform\":\"tdx\",\"firmware\":\"%s\"},",
                   more != NULL ? more : "", mrtd);
    replace(json, "\"measurements\":[", text);
}

static void domain_reader(aver_verify_context *context)
{
    context->platforms = platforms;
    context->now_ms = PKI_NOW_S * 1000;
    context->roots.has_sim_root = false;
    context->roots.test_roots = (aver_attest_roots){{aver_buf_view(&domain.root.der)}, 1};
}

static bool judge_domain(void)
{
    platform = "tdx";
    forge_init(&made);
    made.edits.edit_policy = allow_domain;
    made.edits.edit_keyset = name_platform;
    made.edits.edit_bundle = quote;
    made.edits.edit_context = domain_reader;
    forge_build(&made);
    aver_verdict_init(&verdict);
    bool accepted = forge_judge_connect(&made, &verdict);
    attest_write_capsule(&made);
    forge_deinit(&made);
    dcap_unmake(&domain);
    return accepted;
}

/* It has no time of its own: the reader's nonce is what makes it fresh. */
static void a_trust_domain_is_accepted_without_an_age(void **state)
{
    (void)state;
    with_collateral = true;
    status = NULL;
    if (!judge_domain()) {
        attest_case_print(&verdict);
        fail();
    }
    assert_true(verdict.timeless);
    assert_int_equal(aver_verdict_find(&verdict, "evidence.age")->status, AVER_CHECK_SKIP);
    assert_int_equal(aver_verdict_find(&verdict, "tcb.status")->status, AVER_CHECK_PASS);
    assert_int_equal(aver_verdict_find(&verdict, "nonce")->status, AVER_CHECK_PASS);
}

static void a_trust_domain_without_collateral_is_refused(void **state)
{
    (void)state;
    with_collateral = false;
    status = NULL;
    assert_false(judge_domain());
}

static void statuses_are_those_that_the_policy_accepts(void **state)
{
    (void)state;
    with_collateral = true;
    status = "SWHardeningNeeded";
    assert_false(judge_domain());
    assert_true(fails_alone(&verdict, "tcb.status", AVER_REASON_TCB_OUT_OF_DATE));
    more = "\"accept_tcb\":[\"UpToDate\",\"SWHardeningNeeded\"],";
    if (!judge_domain()) {
        attest_case_print(&verdict);
        fail();
    }
    more = "\"accept_tcb\":[],";
    status = NULL;
    assert_false(judge_domain());
    assert_true(fails_alone(&verdict, "tcb.status", AVER_REASON_TCB_OUT_OF_DATE));
    more = "\"min_evaluation\":4294967295,";
    assert_false(judge_domain());
    assert_int_equal(aver_verdict_find(&verdict, "intel.tcb-evaluation")->status, AVER_CHECK_FAIL);
}

/* The PPID of the PCK certificate is the machine. */
static void a_platform_of_intel_is_known_by_its_ppid(void **state)
{
    (void)state;
    with_collateral = true;
    status = NULL;
    more = "\"machines\":[\"00ff\"],";
    assert_false(judge_domain());
    assert_true(fails_alone(&verdict, "machine.allowed", AVER_REASON_NONE));
    assert_null(strstr(aver_verdict_find(&verdict, "machine.allowed")->detail, "no machine"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_answer_of_an_enclave_is_accepted, again),
        cmocka_unit_test_setup(test_roots_count_only_where_they_are_given, again),
        cmocka_unit_test_setup(each_fault_is_told_by_its_own_check, again),
        cmocka_unit_test_setup(machines_are_those_that_the_policy_names, again),
        cmocka_unit_test_setup(what_nobody_judges_is_refused, again),
        cmocka_unit_test_setup(evidence_of_one_platform_is_none_of_another, again),
        cmocka_unit_test_setup(a_trust_domain_is_accepted_without_an_age, again),
        cmocka_unit_test_setup(a_trust_domain_without_collateral_is_refused, again),
        cmocka_unit_test_setup(statuses_are_those_that_the_policy_accepts, again),
        cmocka_unit_test_setup(a_platform_of_intel_is_known_by_its_ppid, again),
        cmocka_unit_test_setup(the_platforms_own_requirements_count, again),
        cmocka_unit_test_setup(evidence_without_a_time_has_no_age, again),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

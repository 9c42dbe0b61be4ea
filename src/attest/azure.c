/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/azure_hcl.h"

#include "attest/compare.h"
#include "attest/dcap.h"
#include "attest/tpm_quote.h"

#include <stdlib.h>
#include <string.h>

/*
 * azure: the hardware's evidence (snp or tdx, judged by its own family) commits to the runtime
 * claims of the HCL report, these name the vTPM's attestation key, and that key signs a quote of
 * PCRs with the reader's nonce. One JSON object:
 *
 *   {"hcl_report": hex, "vcek": PEM or "td_quote": hex, "tpm_message": hex, "tpm_signature": hex,
 *    "tpm_pcrs": [hex, ...]}
 */

#define AZURE_OWN                                                                                  \
    "azure.format", "azure.runtime", "azure.key", "tpm.format", "tpm.signature", "tpm.pcrs"

static const char *const azure_checks[] = {"evidence.format",
                                           "platform.root",
                                           "evidence.validity",
                                           "evidence.revocation",
                                           "evidence.signature",
                                           "intel.pck",
                                           "intel.qe-signature",
                                           "intel.qe-binding",
                                           "intel.tcb-signature",
                                           "intel.tcb-validity",
                                           "intel.tcb-platform",
                                           "intel.tcb-evaluation",
                                           "intel.identity-signature",
                                           "intel.qe-identity",
                                           "tdx.module",
                                           "tdx.attributes",
                                           "tdx.xfam",
                                           "snp.key",
                                           "snp.product",
                                           "snp.hwid",
                                           "snp.tcb",
                                           "snp.policy",
                                           "snp.vmpl",
                                           AZURE_OWN,
                                           "evidence.nonce",
                                           "tcb.status",
                                           "evidence.debug",
                                           NULL};
static const char *const azure_required[] = {"evidence.format",
                                             "platform.root",
                                             "evidence.validity",
                                             "evidence.signature",
                                             AZURE_OWN,
                                             "evidence.debug",
                                             NULL};

/* Everything that one judgement holds. */
typedef struct azure_work {
    const aver_attest_input *input;
    aver_verdict *verdict;
    aver_claims *claims;
    json_t *runtime;
    aver_tpm_evidence parts;
    aver_hcl hcl;
    bool has_hcl;
    aver_public_key key; /* of the vTPM, empty if there is none to be had */
    aver_verdict inner;
    bool inner_readable;
} azure_work;

static bool azure_malformed(aver_err err)
{
    return err == AVER_E_FORMAT || err == AVER_E_LIMIT;
}

static void azure_close(azure_work *work)
{
    json_decref(work->runtime);
    aver_tpm_evidence_close(&work->parts);
    aver_public_key_close(&work->key);
    free(work);
}

static const aver_family_verifier *azure_family(const azure_work *work)
{
    return work->hcl.kind == AVER_HCL_SNP ? &aver_family_snp : &aver_family_tdx;
}

static void azure_copy(azure_work *work, const aver_check *check)
{
    if (check->status == AVER_CHECK_FAIL) {
        aver_verdict_fail(work->verdict, check->name, check->reason, "%s", check->detail);
    } else {
        aver_verdict_add(work->verdict, check->name, check->status, "%s", check->detail);
    }
}

/* Told in the outer verdict, for the whole. */
static bool azure_is_outer(const char *name)
{
    return strcmp(name, "evidence.format") == 0 || strcmp(name, "evidence.nonce") == 0 ||
           strcmp(name, "evidence.debug") == 0 || strcmp(name, "tcb.status") == 0;
}

/* Where nothing failed, what the hardware's family requires must have passed: else its evidence
 * does not hold, and neither does what rests on it. */
static void azure_require(azure_work *work)
{
    const aver_family_verifier *family = azure_family(work);
    const char *const *required =
        work->input->signature_only && family->required_signature_only != NULL
            ? family->required_signature_only
            : family->required;
    if (aver_verdict_failed(&work->inner)) {
        return;
    }
    for (size_t i = 0; i < work->inner.count; i++) {
        aver_check *check = &work->inner.checks[i];
        for (const char *const *name = required; *name != NULL; name++) {
            if (strcmp(check->name, *name) == 0 && check->status == AVER_CHECK_SKIP) {
                check->status = AVER_CHECK_FAIL;
                check->reason = AVER_REASON_COLLATERAL_MISSING;
            }
        }
    }
}

/* Views of the inner claims into bytes that go with this judgement become copies. */
static void azure_claims_keep(azure_work *work, const aver_buf *bytes)
{
    aver_claims *claims = work->claims;
    for (size_t i = 0; i < claims->list_count; i++) {
        aver_view *view = &claims->list[i].bytes;
        if (view->data != NULL && bytes->data != NULL &&
            (uintptr_t)view->data - (uintptr_t)bytes->data < bytes->size) {
            *view = aver_claims_copy(claims, *view);
        }
    }
    claims->has_nonce = false;
    claims->nonce = (aver_view){0};
    claims->has_report_data = false;
}

static aver_err azure_judge_inner(azure_work *work)
{
    const aver_family_verifier *family = azure_family(work);
    const aver_buf *bytes =
        work->hcl.kind == AVER_HCL_SNP ? &work->parts.hcl_report : &work->parts.td_quote;
    aver_attest_input input = *work->input;
    input.evidence =
        work->hcl.kind == AVER_HCL_SNP ? work->hcl.report : aver_buf_view(&work->parts.td_quote);
    input.nonce = (aver_view){0};
    /* The paravisor runs at level 0; a report of another was asked for by what it guards. */
    input.has_vmpl = true;
    input.vmpl = work->input->has_vmpl ? work->input->vmpl : 0;
    if (input.leaf.size == 0) {
        input.leaf = work->parts.vcek;
    }
    aver_verdict_init(&work->inner);
    work->claims->group = family->name;
    aver_err err = family->judge(&input, &work->inner, work->claims, &work->inner_readable);
    work->claims->group = NULL;
    if (err != AVER_OK) {
        return err;
    }
    aver_verdict_skip_all(&work->inner, family->checks,
                          work->inner_readable ? "an earlier check stands in the way"
                                               : "the hardware's evidence could not be read");
    azure_claims_keep(work, bytes);
    azure_require(work);
    for (size_t i = 0; i < work->inner.count; i++) {
        if (!azure_is_outer(work->inner.checks[i].name)) {
            azure_copy(work, &work->inner.checks[i]);
        }
    }
    return AVER_OK;
}

static void azure_judge_format(azure_work *work)
{
    const char *name = "azure.format";
    const char *family = azure_family(work)->name;
    const aver_check *format = aver_verdict_find(&work->inner, "evidence.format");
    if (!work->inner_readable) {
        aver_verdict_fail(work->verdict, name, AVER_REASON_MALFORMED,
                          "the %s evidence inside: %.160s", family, format->detail);
    } else if (work->claims->full) {
        aver_verdict_fail(work->verdict, name, AVER_REASON_MALFORMED,
                          "the evidence says more than is read of one");
    } else {
        aver_verdict_add(work->verdict, name, AVER_CHECK_PASS, "version %u, %s", work->hcl.version,
                         family);
    }
}

/* The paravisor's TD report and the quote made from it. */
static bool azure_td_equal(const azure_work *work)
{
    aver_dcap_quote quote;
    char why[AVER_DCAP_WHY_BYTES];
    return aver_dcap_quote_read(aver_buf_view(&work->parts.td_quote), true, &quote, why) ==
               AVER_OK &&
           aver_hcl_td_equal(&work->hcl, quote.body);
}

static void azure_judge_runtime(azure_work *work)
{
    const char *name = "azure.runtime";
    uint8_t wanted[64];
    if (!work->inner_readable) {
        return;
    }
    aver_hcl_report_data(&work->hcl, wanted);
    aver_view found = AVER_VIEW_OF(work->claims->report_data);
    if (!aver_view_equal(found, AVER_VIEW_OF(wanted))) {
        aver_verdict_fail(work->verdict, name, AVER_REASON_KEY_MISMATCH,
                          "the hardware's report data is %s, the claims' hash %s",
                          aver_short_of(found).text, aver_short_of(AVER_VIEW_OF(wanted)).text);
    } else if (work->hcl.kind == AVER_HCL_TDX && !azure_td_equal(work)) {
        aver_verdict_fail(work->verdict, name, AVER_REASON_MEASUREMENT_MISMATCH,
                          "the quote is of another TD report than the HCL report holds");
    } else {
        aver_verdict_add(work->verdict, name, AVER_CHECK_PASS, "hash %s",
                         aver_short_of(found).text);
    }
}

static aver_err azure_judge_key(azure_work *work)
{
    const char *why = NULL;
    aver_err err = aver_hcl_claims_read(&work->hcl, &work->runtime, &work->key, &why);
    if (azure_malformed(err)) {
        aver_verdict_fail(work->verdict, "azure.key", AVER_REASON_KEY_MISMATCH, "%s", why);
        return AVER_OK;
    }
    if (err == AVER_OK) {
        aver_verdict_add(work->verdict, "azure.key", AVER_CHECK_PASS, "HCLAkPub, RSA of %zu bits",
                         8 * aver_rsa_key_bytes(work->key.rsa));
    }
    return err;
}

static void azure_claim_hash(aver_claims *claims, const char *name, aver_view bytes)
{
    uint8_t digest[AVER_SHA256_BYTES];
    aver_sha256_of(bytes, digest);
    aver_claims_put_bytes(claims, name, aver_claims_copy(claims, AVER_VIEW_OF(digest)));
}

static aver_err azure_claim_runtime(azure_work *work)
{
    uint8_t modulus[AVER_RSA_BYTES_MAX];
    const json_t *configuration = json_object_get(work->runtime, "vm-configuration");
    const json_t *user = json_object_get(work->runtime, "user-data");
    size_t size = aver_rsa_key_modulus(work->key.rsa, modulus);
    azure_claim_hash(work->claims, "ak_n_sha256", aver_view_make(modulus, size));
    if (json_is_string(user)) {
        aver_view text = aver_view_make(json_string_value(user), json_string_length(user));
        aver_claims_put_text(work->claims, "user_data", aver_claims_copy(work->claims, text));
    }
    if (configuration == NULL) {
        return AVER_OK;
    }
    aver_buf text;
    aver_buf_init(&text, AVER_CLAIMS_ROOM_BYTES);
    aver_json_append(&text, configuration);
    aver_err err = aver_buf_status(&text);
    if (err == AVER_OK) {
        aver_claims_put_json(work->claims, "vm_configuration",
                             aver_claims_copy(work->claims, aver_buf_view(&text)));
    } else if (err == AVER_E_LIMIT) {
        work->claims->full = true;
        err = AVER_OK;
    }
    aver_buf_deinit(&text);
    return err;
}

static void azure_claim(azure_work *work)
{
    aver_claims *claims = work->claims;
    aver_claims_put_uint(claims, "hcl_version", work->hcl.version);
    aver_claims_put_uint(claims, "report_size", work->hcl.report_bytes);
    aver_claims_put_uint(claims, "request_type", work->hcl.request_type);
    aver_claims_put_text(claims, "report_type", aver_view_text(azure_family(work)->name));
    aver_claims_put_uint(claims, "hash_type", work->hcl.hash);
    aver_claims_put_uint(claims, "variable_data_size", work->hcl.claims_bytes);
    azure_claim_hash(claims, "runtime_claims_sha256", work->hcl.claims);
}

/* The HCL report and the hardware's evidence in it. */
static aver_err azure_judge_hcl(azure_work *work)
{
    const char *why = NULL;
    aver_err err = aver_hcl_parse(aver_buf_view(&work->parts.hcl_report), &work->hcl, &why);
    if (err != AVER_OK) {
        aver_verdict_fail(work->verdict, "azure.format", AVER_REASON_MALFORMED, "%s", why);
        return AVER_OK;
    }
    work->has_hcl = true;
    err = azure_judge_inner(work);
    if (err == AVER_OK) {
        azure_claim(work);
        azure_judge_format(work);
        azure_judge_runtime(work);
        err = azure_judge_key(work);
    }
    return err == AVER_OK && work->key.rsa != NULL ? azure_claim_runtime(work) : err;
}

static aver_err azure_judge_all(azure_work *work)
{
    aver_err err = azure_judge_hcl(work);
    if (err == AVER_OK) {
        aver_verdict_skip_all(
            work->verdict,
            (const char *const[]){"azure.format", "azure.runtime", "azure.key", NULL},
            "an earlier check stands in the way");
        err = aver_tpm_judge(&work->parts, work->key.rsa != NULL ? &work->key : NULL, "tpm",
                             work->verdict, work->claims);
    }
    if (err != AVER_OK) {
        return err;
    }
    aver_family_nonce_told(work->input, work->claims, work->verdict);
    if (work->has_hcl) {
        const aver_check *status = aver_verdict_find(&work->inner, "tcb.status");
        if (status != NULL) {
            azure_copy(work, status);
        }
        aver_family_debug_told(work->input, work->claims, work->verdict);
        aver_verdict_skip_all(work->verdict,
                              work->hcl.kind == AVER_HCL_SNP ? aver_family_tdx.checks
                                                             : aver_family_snp.checks,
                              "the evidence is of another kind of TEE");
    }
    return AVER_OK;
}

static aver_err azure_judge(const aver_attest_input *input, aver_verdict *verdict,
                            aver_claims *claims, bool *ret_readable)
{
    azure_work *work = calloc(1, sizeof *work);
    if (work == NULL) {
        return AVER_E_NOMEM;
    }
    work->input = input;
    work->verdict = verdict;
    work->claims = claims;
    aver_err err = aver_tpm_evidence_read(input->evidence, &work->parts);
    if (err == AVER_OK && work->parts.hcl_report.size == 0) {
        err = AVER_E_FORMAT;
    }
    if (azure_malformed(err)) {
        aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED,
                          "it is no JSON object with an HCL report, and message and signature of "
                          "a TPM");
        err = AVER_OK;
    } else if (err == AVER_OK) {
        aver_verdict_add(verdict, "evidence.format", AVER_CHECK_PASS,
                         "an HCL report and a quote of the vTPM");
        err = azure_judge_all(work);
        *ret_readable = err == AVER_OK;
    }
    azure_close(work);
    return err;
}

const aver_family_verifier aver_family_azure = {.name = "azure",
                                                .checks = azure_checks,
                                                .required = azure_required,
                                                .required_signature_only = azure_required,
                                                .judge = azure_judge};

/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include "attest/compare.h"
#include "codec/date.h"
#include "crypto/hash.h"

#include <string.h>

typedef struct judge_state {
    const aver_dcap_kind *kind;
    const aver_attest_input *input;
    aver_verdict *verdict;
    aver_claims *claims;
    aver_dcap_quote quote;
    aver_dcap_report qe;
    aver_dcap_td td;
    aver_dcap_basis basis;
    bool same_platform; /* the TCB info is of the platform of the PCK certificate */
    aver_dcap_standing standing;
} judge_state;

static void judge_told(judge_state *state, const char *name, const aver_dcap_fault *fault,
                       const char *words_good)
{
    if (!fault->made) {
        aver_verdict_add(state->verdict, name, AVER_CHECK_SKIP, "%s",
                         fault->why[0] != '\0' ? fault->why : "an earlier check stands in the way");
    } else {
        aver_family_told(state->verdict, name, fault->reason == AVER_REASON_NONE, fault->reason,
                         words_good, fault->why);
    }
}

static void judge_path(judge_state *state)
{
    const aver_dcap_pck *pck = state->basis.pck;
    if (state->quote.certs_type != 5) {
        aver_verdict_fail(state->verdict, "platform.root", AVER_REASON_COLLATERAL_MISSING,
                          "the certification data are of type %u and hold no certificates",
                          state->quote.certs_type);
    } else if (!state->basis.certs_read) {
        aver_verdict_fail(state->verdict, "platform.root", AVER_REASON_MALFORMED,
                          "the certification data cannot be read as certificates");
    } else if (pck->path_count == 0) {
        aver_family_path_told(state->verdict, &state->basis.work.pck_path);
    } else {
        char from[21];
        char to[21];
        aver_date_write(pck->path.from_s, from);
        aver_date_write(pck->path.to_s, to);
        aver_verdict_add(state->verdict, "platform.root", AVER_CHECK_PASS,
                         "root %s, %zu certificates", aver_short_of(AVER_VIEW_OF(pck->root)).text,
                         pck->path_count);
        aver_verdict_add(state->verdict, "evidence.validity", AVER_CHECK_PASS, "from %s to %s",
                         from, to);
    }
}

static void judge_revocation(judge_state *state)
{
    if (state->input->signature_only) {
        aver_verdict_add(state->verdict, "evidence.revocation", AVER_CHECK_SKIP,
                         "the signature alone was to be judged");
    } else if (state->basis.pck != NULL) {
        judge_told(state, "evidence.revocation", &state->basis.pck->revocation,
                   "neither the PCK certificate nor its CA is on its issuer's list");
    }
}

/* PASS, FAIL, or an error where nothing could be judged. key is NULL: it could not be read. */
static aver_err judge_signature(judge_state *state, const char *name, const aver_ecdsa_key *key,
                                aver_view text, aver_view signature)
{
    uint8_t digest[32];
    aver_sha256_of(text, digest);
    aver_err err =
        key != NULL ? aver_ecdsa_key_verify(key, AVER_VIEW_OF(digest), signature) : AVER_E_FORMAT;
    if (err == AVER_E_NOMEM || err == AVER_E_CRYPTO) {
        return err;
    }
    aver_family_told(state->verdict, name, err == AVER_OK, AVER_REASON_BAD_SIGNATURE,
                     "ECDSA P-256 with SHA-256",
                     key == NULL ? "the key is no point of P-256"
                                 : "the signature is not the key's over these bytes");
    return AVER_OK;
}

/* The quote's own, in the place where the last quote's was. */
static aver_err judge_quote(judge_state *state)
{
    const aver_dcap_quote *quote = &state->quote;
    aver_ecdsa_key *own = NULL;
    aver_ecdsa_key **key = state->basis.pck != NULL ? &state->basis.pck->attestation : &own;
    aver_err err = *key != NULL ? aver_ecdsa_key_set(*key, quote->key)
                                : aver_ecdsa_key_new(AVER_CURVE_P256, quote->key, key);
    if (err == AVER_OK || err == AVER_E_FORMAT) {
        err = judge_signature(state, "evidence.signature", err == AVER_OK ? *key : NULL,
                              quote->signed_part, quote->signature);
    }
    aver_ecdsa_key_free(own);
    return err;
}

/* SHA-256 of attestation key and authentication data, then zeros. */
static void judge_binding(judge_state *state)
{
    aver_sha256 hash;
    uint8_t digest[32];
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, state->quote.key);
    aver_sha256_update(&hash, state->quote.qe_auth);
    aver_sha256_final(&hash, digest);
    aver_view found = state->qe.report_data;
    bool bound = aver_view_equal(aver_view_slice(found, 0, 32), AVER_VIEW_OF(digest)) &&
                 aver_dcap_zero(aver_view_slice(found, 32, 32));
    aver_family_told(state->verdict, "intel.qe-binding", bound, AVER_REASON_BAD_SIGNATURE,
                     "the quoting enclave reports this attestation key",
                     "the quoting enclave reports another attestation key");
}

static aver_err judge_signatures(judge_state *state)
{
    const aver_dcap_quote *quote = &state->quote;
    aver_err err = judge_quote(state);
    if (err != AVER_OK) {
        return err;
    }
    if (state->basis.certs_read) {
        judge_told(state, "intel.pck", &state->basis.pck->named,
                   state->basis.pck->info.ca == AVER_DCAP_CA_PLATFORM
                       ? "issued by the platform CA"
                       : "issued by the processor CA");
    }
    if (state->basis.certs_read && state->basis.pck->key != NULL) {
        err = judge_signature(state, "intel.qe-signature", state->basis.pck->key, quote->qe_report,
                              quote->qe_signature);
    } else {
        aver_verdict_add(state->verdict, "intel.qe-signature", AVER_CHECK_SKIP,
                         "there is no PCK key to judge by");
    }
    judge_binding(state);
    return err;
}

static void judge_validity(judge_state *state)
{
    const char *name = "intel.tcb-validity";
    const aver_dcap_collateral *collateral = state->basis.collateral;
    const aver_dcap_window *windows[] = {&collateral->tcb.window, &collateral->identity.window};
    const bool has[] = {collateral->has_tcb, collateral->has_identity};
    for (size_t i = 0; i < 2; i++) {
        if (has[i] && !aver_dcap_window_holds(windows[i], state->input->time_s)) {
            bool early = state->input->time_s < windows[i]->from_s;
            char date[21];
            aver_date_write(early ? windows[i]->from_s : windows[i]->to_s, date);
            aver_verdict_fail(state->verdict, name, AVER_REASON_EXPIRED, "the %s is %s %s",
                              i == 0 ? "TCB info" : "QE identity",
                              early ? "not valid before" : "to be replaced since", date);
            return;
        }
    }
    aver_verdict_add(
        state->verdict, name, has[0] && has[1] ? AVER_CHECK_PASS : AVER_CHECK_SKIP, "%s",
        has[0] && has[1] ? "TCB info and QE identity are in their time" : "not both could be read");
}

static void judge_platform(judge_state *state)
{
    const aver_dcap_tcb *tcb = &state->basis.collateral->tcb;
    const aver_dcap_pck_info *info = &state->basis.pck->info;
    const char *why = NULL;
    if (!state->basis.collateral->has_tcb || state->basis.pck->named.reason != AVER_REASON_NONE) {
        return;
    }
    if (tcb->tdx != state->kind->tdx) {
        why = "the TCB info is of another kind of TEE";
    } else if (memcmp(tcb->fmspc, info->fmspc, sizeof tcb->fmspc) != 0) {
        why = "the TCB info is of another family of platforms (FMSPC)";
    } else if (memcmp(tcb->pceid, info->pceid, sizeof tcb->pceid) != 0) {
        why = "the TCB info is of another PCE";
    }
    state->same_platform = why == NULL;
    aver_family_told(state->verdict, "intel.tcb-platform", why == NULL,
                     AVER_REASON_COLLATERAL_MISMATCH, "FMSPC, PCE and kind of TEE are the same",
                     why);
}

static void judge_evaluation(judge_state *state)
{
    const char *name = "intel.tcb-evaluation";
    const aver_dcap_collateral *collateral = state->basis.collateral;
    uint32_t wanted = state->input->evaluation_min;
    uint32_t found = collateral->tcb.evaluation < collateral->identity.evaluation
                         ? collateral->tcb.evaluation
                         : collateral->identity.evaluation;
    if (!collateral->has_tcb || !collateral->has_identity) {
        return;
    }
    if (wanted == 0) {
        aver_verdict_add(state->verdict, name, AVER_CHECK_SKIP,
                         "the reader asks for none, %u found", found);
    } else if (found < wanted) {
        aver_verdict_fail(state->verdict, name, AVER_REASON_EXPIRED,
                          "the collateral is of evaluation %u, the reader asks for %u", found,
                          wanted);
    } else {
        aver_verdict_add(state->verdict, name, AVER_CHECK_PASS, "%u", found);
    }
}

static void judge_identity(judge_state *state)
{
    const char *name = "intel.qe-identity";
    const aver_dcap_collateral *collateral = state->basis.collateral;
    aver_dcap_fault fault = {0};
    judge_told(state, "intel.identity-signature", &collateral->identity_signed,
               "signed by Intel's TCB signing key");
    if (!collateral->has_identity) {
        return;
    }
    if (collateral->identity.tdx != state->kind->tdx) {
        aver_dcap_bad(&fault, AVER_REASON_COLLATERAL_MISMATCH,
                      "the QE identity is of the quoting enclave for another kind of TEE");
    } else {
        aver_dcap_identity_judge(&collateral->identity, &state->qe, &fault);
    }
    judge_told(state, name, &fault, "it is Intel's quoting enclave");
}

static void judge_module(judge_state *state)
{
    aver_dcap_fault fault = {0};
    if (state->kind->tdx && state->basis.collateral->has_tcb && state->basis.collateral->tcb.tdx) {
        aver_dcap_module_judge(&state->basis.collateral->tcb, &state->td, &fault);
        judge_told(state, "tdx.module", &fault, "it is Intel's module");
    }
}

static void judge_standing(judge_state *state)
{
    const aver_dcap_collateral *collateral = state->basis.collateral;
    if (state->same_platform && collateral->has_identity &&
        collateral->identity.tdx == state->kind->tdx) {
        aver_dcap_standing_find(&collateral->tcb, &collateral->identity, &state->basis.pck->info,
                                &state->qe, state->kind->tdx ? &state->td : NULL, &state->standing);
        aver_dcap_standing_claim(&state->standing, state->claims);
    }
}

static void judge_collateral(judge_state *state)
{
    if (!state->basis.certs_read || state->input->signature_only) {
        return;
    }
    judge_told(state, "intel.tcb-signature", &state->basis.collateral->tcb_signed,
               "signed by Intel's TCB signing key");
    judge_validity(state);
    judge_platform(state);
    judge_evaluation(state);
    judge_identity(state);
    judge_module(state);
}

static void judge_status(judge_state *state)
{
    if (state->claims->full) {
        aver_verdict_fail(state->verdict, "tcb.status", AVER_REASON_MALFORMED,
                          "there are more advisories than can be told");
    } else if (state->standing.below) {
        aver_verdict_fail(state->verdict, "tcb.status", AVER_REASON_TCB_OUT_OF_DATE,
                          "the platform is below every level that the TCB info lists");
    } else if (state->standing.relaunch != AVER_TCB_NONE &&
               (state->input->accept_tcb & AVER_TCB_SET(state->standing.relaunch)) != 0) {
        aver_verdict_add(state->verdict, "tcb.status", AVER_CHECK_PASS, "%s, and %s",
                         aver_tcb_status_text(state->standing.all),
                         aver_tcb_status_text(state->standing.relaunch));
    } else if (state->standing.all != AVER_TCB_NONE) {
        aver_family_status_told(state->input, state->claims, state->verdict);
    }
}

static aver_err judge_all(judge_state *state)
{
    aver_dcap_quote_claim(&state->quote, state->claims);
    state->kind->claim_body(&state->quote, state->claims);
    if (state->basis.certs_read) {
        aver_dcap_pck_claim(&state->basis.pck->info, state->claims);
    }
    judge_path(state);
    judge_revocation(state);
    aver_err err = judge_signatures(state);
    if (err != AVER_OK) {
        return err;
    }
    judge_collateral(state);
    state->kind->judge_body(&state->quote, state->verdict);
    if (state->basis.certs_read && !state->input->signature_only) {
        judge_standing(state);
    }
    aver_family_nonce_told(state->input, state->claims, state->verdict);
    judge_status(state);
    aver_family_debug_told(state->input, state->claims, state->verdict);
    return AVER_OK;
}

aver_err aver_dcap_judge(const aver_dcap_kind *kind, const aver_attest_input *input,
                         aver_verdict *verdict, aver_claims *claims, bool *ret_readable)
{
    char why[AVER_DCAP_WHY_BYTES] = "";
    judge_state state = {.kind = kind, .input = input, .verdict = verdict, .claims = claims};
    if (aver_dcap_quote_read(input->evidence, kind->tdx, &state.quote, why) != AVER_OK) {
        aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED, "%s", why);
        return AVER_OK;
    }
    aver_verdict_add(verdict, "evidence.format", AVER_CHECK_PASS, "quote version %u",
                     state.quote.version);
    aver_dcap_report_read(state.quote.qe_report, &state.qe);
    if (kind->tdx) {
        aver_dcap_td_read(&state.quote, &state.td);
    }
    aver_err err = aver_dcap_basis_open(input, &state.quote, &state.basis);
    if (err == AVER_OK) {
        err = judge_all(&state);
    }
    aver_dcap_basis_release(input, &state.basis);
    if (err == AVER_OK) {
        *ret_readable = true;
    }
    return err;
}

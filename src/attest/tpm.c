/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tpm_quote.h"

#include "attest/compare.h"

/* tpm: a quote by itself, under a key that the reader gives or certificates to the reader's roots.
 * Each maker of TPMs has roots of its own; none is a constant here. */

static const char *const tpm_checks[] = {
    "evidence.format", "platform.root", "evidence.validity", "evidence.revocation", "tpm.format",
    "tpm.signature",   "tpm.pcrs",      "evidence.nonce",    "evidence.debug",      NULL};
static const char *const tpm_required[] = {"evidence.format", "platform.root", "tpm.format",
                                           "tpm.signature", NULL};

static bool tpm_unreadable(aver_err err)
{
    return err == AVER_E_FORMAT || err == AVER_E_LIMIT || err == AVER_E_UNSUPPORTED;
}

static aver_err tpm_key_given(const aver_attest_input *input, aver_verdict *verdict,
                              aver_public_key *ret_key)
{
    aver_err err = aver_public_key_open(input->key, ret_key);
    if (err == AVER_OK) {
        aver_verdict_add(verdict, "platform.root", AVER_CHECK_PASS, "the reader's own key, %s",
                         aver_short_of(AVER_VIEW_OF(ret_key->sha256)).text);
    }
    return tpm_unreadable(err) ? AVER_E_USAGE : err; /* the reader's own file */
}

/* The attestation key's certificate is the first; it must be one that may sign. */
static aver_err tpm_key_certified(const aver_attest_input *input, aver_verdict *verdict,
                                  const aver_certs *certs, aver_public_key *ret_key)
{
    aver_family_roots roots;
    aver_x509_result path;
    aver_err err = aver_family_roots_open(&input->roots, NULL, 0, &roots);
    if (err != AVER_OK) {
        return err;
    }
    const aver_x509_options options = {.roots = roots.roots, .time_s = input->time_s};
    err = aver_x509_judge(certs, 0, &options, &path);
    if (err == AVER_OK && path.path == AVER_PATH_GOOD && !aver_cert_may_sign(&certs->list[0])) {
        aver_verdict_fail(verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED,
                          "the first certificate is of a key that may not sign");
    } else if (err == AVER_OK) {
        aver_family_path_told(verdict, &path);
    }
    if (err == AVER_OK && path.path == AVER_PATH_GOOD) {
        err = aver_family_revocation(input, &path, verdict);
    }
    aver_family_roots_close(&roots);
    if (err == AVER_OK) {
        err = aver_public_key_of_cert(&certs->list[0], ret_key);
        err = tpm_unreadable(err) ? AVER_OK : err;
    }
    return err;
}

/* *ret_has false: there is no key. One of a kind that is not known here is there, and empty. */
static aver_err tpm_judge_key(const aver_attest_input *input, aver_verdict *verdict,
                              aver_public_key *ret_key, bool *ret_has)
{
    aver_certs certs;
    if (input->key.size > 0) {
        *ret_has = true;
        return tpm_key_given(input, verdict, ret_key);
    }
    if (input->chain.size == 0) {
        aver_verdict_fail(verdict, "platform.root", AVER_REASON_COLLATERAL_MISSING,
                          "neither the attestation key nor its certificates were given");
        return AVER_OK;
    }
    aver_certs_init(&certs);
    aver_err err = aver_certs_add(&certs, input->chain);
    if (tpm_unreadable(err)) {
        aver_verdict_fail(verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED,
                          "a certificate cannot be read");
        return AVER_OK;
    }
    if (err == AVER_OK) {
        *ret_has = true;
        err = tpm_key_certified(input, verdict, &certs, ret_key);
        aver_certs_deinit(&certs);
    }
    return err;
}

static aver_err tpm_judge(const aver_attest_input *input, aver_verdict *verdict,
                          aver_claims *claims, bool *ret_readable)
{
    aver_tpm_evidence evidence;
    aver_public_key key = {0};
    bool has_key = false;
    aver_err err = aver_tpm_evidence_read(input->evidence, &evidence);
    if (err == AVER_E_FORMAT) {
        aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED,
                          "it is no JSON object with message and signature of a TPM");
        aver_tpm_evidence_close(&evidence);
        return AVER_OK;
    }
    if (err == AVER_OK) {
        aver_verdict_add(verdict, "evidence.format", AVER_CHECK_PASS, "a message and a signature");
        err = tpm_judge_key(input, verdict, &key, &has_key);
    }
    if (err == AVER_OK) {
        err = aver_tpm_judge(&evidence, has_key ? &key : NULL, NULL, verdict, claims);
    }
    if (err == AVER_OK) {
        aver_family_nonce_told(input, claims, verdict);
        aver_verdict_add(verdict, "evidence.debug", AVER_CHECK_SKIP,
                         "a quote says nothing about it; see the PCRs");
        *ret_readable = true;
    }
    aver_public_key_close(&key);
    aver_tpm_evidence_close(&evidence);
    return err;
}

const aver_family_verifier aver_family_tpm = {
    .name = "tpm", .checks = tpm_checks, .required = tpm_required, .judge = tpm_judge};

/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/compare.h"
#include "attest/foreign_work.h"
#include "base/secret.h"
#include "codec/text.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "crypto/secp.h"

#include <string.h>

/*
 * A chat of NEAR AI or Phala is signed apart from its answer:
 *
 *   {"text":"[MODEL:]SHA256(request):SHA256(response)","signature":hex,"signing_address":hex,
 *    "signing_algo":"ecdsa"|"ed25519"}
 *
 * ecdsa is secp256k1 over the EIP-191 digest of the text, its address that of Ethereum; ed25519
 * signs the text itself, and its address is the public key. The report holds one object or lists of
 * them ("model_attestations", "all_attestations", "gateway_attestation"):
 *
 *   {"signing_address":hex,"signing_algo":...,"intel_quote":hex,"tls_cert_fingerprint":hex,
 *    "nvidia_payload":{"evidence_list":[{"certificate":base64,"evidence":base64},...]},
 *    "event_log":...,"info":{"tcb_info":{"app_compose":text,...}}}
 *
 *   report data = address, zeros to 32 bytes | nonce          or, with a fingerprint,
 *                 SHA-256(address fingerprint) | nonce
 */
enum {
    NEAR_ADDRESS_BYTES = 20,
    NEAR_QUOTE_BYTES_MAX = 128 * 1024,
    NEAR_ATTESTATIONS_MAX = 64,
};

typedef struct near_message {
    aver_view text, model;
    uint8_t request[32], response[32];
    bool ed25519;
    uint8_t address[32];
    size_t address_size;
    uint8_t signature[65];
} near_message;

static const char *const near_checks[] = {"foreign.format",
                                          "gpu.evidence",
                                          "gpu.nonce",
                                          "foreign.key",
                                          "foreign.binding",
                                          "foreign.nonce",
                                          "foreign.tls",
                                          "dstack.events",
                                          "dstack.compose",
                                          "foreign.signature",
                                          "foreign.request",
                                          "foreign.response",
                                          NULL};
static const char *const near_required[] = {
    "foreign.format",   "foreign.key", "foreign.binding", "foreign.signature", "foreign.request",
    "foreign.response", NULL};

/* The hash behind the last colon; text is cut before it. */
static bool near_last_hash(aver_view *text, uint8_t ret_hash[static 32])
{
    if (text->size < 64 ||
        !aver_foreign_lower_hex(aver_view_slice(*text, text->size - 64, 64), ret_hash, 32)) {
        return false;
    }
    *text = aver_view_slice(*text, 0, text->size - 64);
    return true;
}

static bool near_cut_colon(aver_view *text)
{
    if (text->size == 0 || text->data[text->size - 1] != ':') {
        return false;
    }
    *text = aver_view_slice(*text, 0, text->size - 1);
    return true;
}

static bool near_read_text(near_message *message)
{
    aver_view rest = message->text;
    if (!near_last_hash(&rest, message->response) || !near_cut_colon(&rest) ||
        !near_last_hash(&rest, message->request)) {
        return false;
    }
    if (rest.size == 0) {
        return true;
    }
    bool named = near_cut_colon(&rest) && rest.size > 0;
    message->model = rest;
    return named;
}

static const char *near_read(const json_t *json, near_message *message)
{
    aver_view algorithm = aver_foreign_text(json, "signing_algo");
    *message = (near_message){.text = aver_foreign_text(json, "text")};
    message->ed25519 = aver_view_equal_text(algorithm, "ed25519");
    message->address_size = message->ed25519 ? 32 : NEAR_ADDRESS_BYTES;
    if (algorithm.size > 0 && !message->ed25519 && !aver_view_equal_text(algorithm, "ecdsa")) {
        return "its algorithm is neither ecdsa nor ed25519";
    }
    if (!near_read_text(message)) {
        return "its text is not two SHA-256 digests, with or without a model before them";
    }
    if (!aver_foreign_hex(aver_foreign_text(json, "signing_address"), message->address,
                          message->address_size)) {
        return "its signing address is none of its algorithm";
    }
    if (!aver_foreign_hex(aver_foreign_text(json, "signature"), message->signature,
                          message->ed25519 ? 64 : 65)) {
        return "its signature has not the size of its algorithm";
    }
    return NULL;
}

static aver_err near_signature(aver_foreign_work *work, const near_message *message)
{
    const char *name = "foreign.signature";
    aver_verdict *verdict = &work->judged->verdict;
    aver_view address = aver_view_make(message->address, message->address_size);
    aver_err err = AVER_OK;
    if (message->ed25519) {
        err = aver_ed25519_verify(message->address, message->text, message->signature);
    } else {
        uint8_t digest[32];
        uint8_t key[AVER_SECP_PUBLIC_BYTES];
        uint8_t found[AVER_SECP_ADDRESS_BYTES];
        aver_eip191_digest(message->text, digest);
        err = aver_secp_recover(digest, message->signature, key, found);
        if (err == AVER_OK && memcmp(found, message->address, sizeof found) != 0) {
            err = AVER_E_PROOF;
        }
    }
    if (err == AVER_OK) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%s by %s",
                         message->ed25519 ? "Ed25519" : "EIP-191", aver_short_of(address).text);
    } else if (err == AVER_E_PROOF || err == AVER_E_FORMAT) {
        aver_verdict_fail(verdict, name, AVER_REASON_BAD_SIGNATURE,
                          "the signature is not that of %s over the text",
                          aver_short_of(address).text);
        err = AVER_OK;
    }
    return err;
}

static bool near_is_of(const json_t *attestation, const near_message *message)
{
    uint8_t address[32];
    return json_is_string(json_object_get(attestation, "intel_quote")) &&
           aver_foreign_hex(aver_foreign_text(attestation, "signing_address"), address,
                            message->address_size) &&
           memcmp(address, message->address, message->address_size) == 0;
}

/* The object that names the signing address, NULL if there is none. */
static const json_t *near_attestation(const json_t *report, const near_message *message)
{
    static const char *const lists[] = {"model_attestations", "all_attestations"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const json_t *list = json_object_get(report, lists[i]);
        for (size_t j = 0; j < json_array_size(list) && j < NEAR_ATTESTATIONS_MAX; j++) {
            if (near_is_of(json_array_get(list, j), message)) {
                return json_array_get(list, j);
            }
        }
    }
    const json_t *gateway = json_object_get(report, "gateway_attestation");
    return near_is_of(report, message) ? report : near_is_of(gateway, message) ? gateway : NULL;
}

/* *ret_found false: it cannot be read, and that was told. */
static aver_err near_quote(aver_foreign_work *work, const json_t *attestation, bool *ret_found)
{
    aver_view text = aver_foreign_text(attestation, "intel_quote");
    if (text.size >= 2 && text.data[0] == '0' && text.data[1] == 'x') {
        text = aver_view_slice(text, 2, text.size - 2);
    }
    aver_err err = text.size > 2 * NEAR_QUOTE_BYTES_MAX
                       ? AVER_E_LIMIT
                       : aver_hex_decode_buf(text, &work->judged->evidence);
    *ret_found = err == AVER_OK;
    return err == AVER_OK || err == AVER_E_NOMEM
               ? err
               : aver_foreign_malformed(work, "the quote of the report is no hex, or too long");
}

static void near_binding(aver_foreign_work *work, const json_t *attestation,
                         const near_message *message)
{
    aver_view fingerprint = aver_foreign_text(attestation, "tls_cert_fingerprint");
    uint8_t wanted[32] = {0};
    memcpy(wanted, message->address, message->address_size);
    if (fingerprint.size > 0) {
        uint8_t joined[64];
        uint8_t *behind = joined + message->address_size;
        memcpy(joined, message->address, message->address_size);
        if (!aver_foreign_hex(fingerprint, behind, 32)) {
            aver_verdict_fail(&work->judged->verdict, "foreign.binding", AVER_REASON_MALFORMED,
                              "the TLS key's fingerprint is no SHA-256");
            return;
        }
        aver_sha256_of(aver_view_make(joined, message->address_size + 32), wanted);
    }
    aver_foreign_binding_told(work, AVER_VIEW_OF(wanted),
                              fingerprint.size > 0
                                  ? "they commit to the signing address and the TLS key"
                                  : "they commit to the signing address",
                              "the evidence does not commit to the key that signed");
}

static void near_nonce(aver_foreign_work *work)
{
    const char *name = "foreign.nonce";
    aver_verdict *verdict = &work->judged->verdict;
    const uint8_t *data = aver_foreign_report_data(work);
    if (work->input->nonce == NULL) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "the reader gave no nonce");
    } else if (data != NULL) {
        aver_view found = aver_view_make(data + 32, 32);
        aver_view wanted = aver_view_make(work->input->nonce, 32);
        if (aver_equal_secret(found, wanted)) {
            aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%s", aver_short_of(found).text);
        } else {
            aver_verdict_fail(verdict, name, AVER_REASON_NONCE_MISMATCH,
                              "the evidence carries %s, not %s", aver_short_of(found).text,
                              aver_short_of(wanted).text);
        }
    }
}

static void near_tls(aver_foreign_work *work, const json_t *attestation)
{
    const char *name = "foreign.tls";
    aver_verdict *verdict = &work->judged->verdict;
    aver_view text = aver_foreign_text(attestation, "tls_cert_fingerprint");
    uint8_t found[32];
    if (work->input->tls_key == NULL) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "the reader names no TLS key");
    } else if (text.size > 0 && aver_foreign_hex(text, found, sizeof found) &&
               memcmp(found, work->input->tls_key, sizeof found) == 0) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%s",
                         aver_short_of(AVER_VIEW_OF(found)).text);
    } else {
        aver_verdict_fail(verdict, name, AVER_REASON_KEY_MISMATCH,
                          text.size > 0 ? "the report is of another TLS key"
                                        : "the report is of no TLS key");
    }
}

/* "info" and "tcb_info" are objects or texts of objects. */
static aver_err near_dstack(aver_foreign_work *work, const json_t *attestation)
{
    json_t *info = NULL;
    json_t *tcb = NULL;
    aver_err err = aver_foreign_nested(json_object_get(attestation, "info"), &info);
    if (err == AVER_OK) {
        err = aver_foreign_nested(json_object_get(info, "tcb_info"), &tcb);
    }
    if (err == AVER_OK) {
        json_t *log = json_object_get(attestation, "event_log");
        log = log != NULL ? log : json_object_get(tcb, "event_log");
        err = aver_dstack_judge(work, log, aver_foreign_text(tcb, "app_compose"));
    }
    json_decref(tcb);
    json_decref(info);
    return err;
}

static aver_err near_gpus(aver_foreign_work *work, const json_t *attestation)
{
    json_t *payload = NULL;
    const uint8_t *data = aver_foreign_report_data(work);
    aver_err err = aver_foreign_nested(json_object_get(attestation, "nvidia_payload"), &payload);
    if (err == AVER_OK && data != NULL) {
        err = aver_foreign_gpus(work, json_object_get(payload, "evidence_list"), data + 32);
    }
    json_decref(payload);
    return err;
}

static aver_err near_judge_report(aver_foreign_work *work, const near_message *message)
{
    const json_t *attestation = near_attestation(work->report, message);
    aver_verdict *verdict = &work->judged->verdict;
    bool found = false;
    if (attestation == NULL) {
        aver_verdict_add(verdict, "foreign.format", AVER_CHECK_PASS, "signed message");
        aver_verdict_fail(verdict, "foreign.key", AVER_REASON_KEY_MISMATCH,
                          "the report has no evidence of the address that signed");
        return AVER_OK;
    }
    aver_err err = near_quote(work, attestation, &found);
    if (err != AVER_OK || !found) {
        return err;
    }
    aver_verdict_add(verdict, "foreign.format", AVER_CHECK_PASS, "signed message and report");
    err = aver_foreign_evidence(work, AVER_FAMILY_TDX);
    if (err != AVER_OK) {
        return err;
    }
    aver_verdict_add(verdict, "foreign.key", AVER_CHECK_PASS, "the report is of %s",
                     aver_short_of(aver_view_make(message->address, message->address_size)).text);
    err = near_gpus(work, attestation);
    if (err != AVER_OK) {
        return err;
    }
    near_binding(work, attestation, message);
    near_nonce(work);
    near_tls(work, attestation);
    return near_dstack(work, attestation);
}

static aver_err near_judge(aver_foreign_work *work)
{
    near_message message;
    aver_claims *claims = &work->judged->claims;
    const char *why = near_read(work->message, &message);
    if (why != NULL) {
        return aver_foreign_malformed(work, "the message: %s", why);
    }
    aver_err err = near_judge_report(work, &message);
    if (err == AVER_OK &&
        aver_verdict_find(&work->judged->verdict, "foreign.format")->status == AVER_CHECK_PASS) {
        err = near_signature(work, &message);
        aver_foreign_body_told(work, "foreign.request", work->input->request, message.request,
                               "request");
        aver_foreign_body_told(work, "foreign.response", work->input->response, message.response,
                               "response");
        aver_claims_put_bytes(
            claims, "message.signer",
            aver_claims_copy(claims, aver_view_make(message.address, message.address_size)));
        aver_claims_put_text(claims, "message.model", aver_claims_copy(claims, message.model));
    }
    return err;
}

static bool near_fits(const json_t *message)
{
    return aver_foreign_text(message, "text").size > 0 &&
           aver_foreign_text(message, "signature").size > 0 &&
           aver_foreign_text(message, "signing_address").size > 0;
}

const aver_foreign_format aver_foreign_near = {.name = "near",
                                               .has_report = true,
                                               .checks = near_checks,
                                               .required = near_required,
                                               .judge = near_judge,
                                               .fits = near_fits};

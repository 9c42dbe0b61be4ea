/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tpm_quote.h"

#include "attest/compare.h"
#include "attest/dcap.h"
#include "codec/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TPM_HEX_BYTES_MAX = 1024,
    TPM_HCL_BYTES_MAX = 16384,
    TPM_QUOTE_BYTES_MAX = 65536,
    TPM_VCEK_BYTES_MAX = 16384,
    TPM_SELECT_BYTES_MAX = 1024,
};

static const struct {
    const char *name, *claim;
    uint16_t hash;
} tpm_banks[] = {{"sha1", "pcrs_sha1", AVER_TPM_SHA1},
                 {"sha256", "pcrs_sha256", AVER_TPM_SHA256},
                 {"sha384", "pcrs_sha384", AVER_TPM_SHA384},
                 {"sha512", "pcrs_sha512", AVER_TPM_SHA512}};
enum { TPM_BANKS = sizeof tpm_banks / sizeof tpm_banks[0] };

static bool tpm_is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The next byte that is no white space, not taken; 0 where there is none. */
static uint8_t tpm_peek(aver_dcap_json *json)
{
    while (json->at < json->text.size && tpm_is_space(json->text.data[json->at])) {
        json->at++;
    }
    return json->bad || json->at == json->text.size ? 0 : json->text.data[json->at];
}

/* Takes null; false, and nothing taken, where something else stands. */
static bool tpm_null(aver_dcap_json *json)
{
    if (tpm_peek(json) != 'n') {
        return false;
    }
    size_t from = json->at;
    aver_dcap_json_skip(json);
    json->bad = json->bad ||
                !aver_view_equal_text(aver_view_slice(json->text, from, json->at - from), "null");
    return true;
}

static aver_err tpm_hex_read(aver_dcap_json *json, aver_buf *ret_bytes)
{
    aver_view text;
    if (tpm_null(json)) {
        return AVER_OK;
    }
    if (!aver_dcap_json_text(json, &text) || text.size == 0) {
        return AVER_E_FORMAT;
    }
    return aver_hex_decode_buf(text, ret_bytes);
}

/* Certificates as PEM have the ends of their lines escaped. */
static aver_err tpm_vcek_read(aver_dcap_json *json, aver_tpm_evidence *evidence)
{
    if (tpm_null(json)) {
        return AVER_OK;
    }
    aver_dcap_json ahead = *json;
    aver_dcap_json_skip(&ahead);
    size_t size = ahead.at - json->at;
    if (ahead.bad || size > TPM_VCEK_BYTES_MAX) {
        return AVER_E_FORMAT;
    }
    evidence->vcek_bytes = malloc(size);
    if (evidence->vcek_bytes == NULL) {
        return AVER_E_NOMEM;
    }
    return aver_dcap_json_unescape(json, evidence->vcek_bytes, &evidence->vcek) ? AVER_OK
                                                                                : AVER_E_FORMAT;
}

static aver_err tpm_bank_read(aver_dcap_json *json, uint16_t hash, aver_tpm_bank *bank)
{
    size_t count = 0;
    *bank = (aver_tpm_bank){.hash = hash};
    for (bool more = aver_dcap_json_into(json, '['); more && aver_dcap_json_more(json, ']');
         count++) {
        aver_view text;
        if (count == AVER_TPM_PCRS) {
            return AVER_E_FORMAT;
        }
        if (tpm_null(json)) {
            continue;
        }
        if (!aver_dcap_json_text(json, &text)) {
            return AVER_E_FORMAT;
        }
        size_t size = text.size / 2;
        if (size == 0 || size > sizeof bank->values[count] ||
            (hash != 0 && size != aver_tpm_hash_bytes(hash)) ||
            aver_hex_decode(text, bank->values[count], size) != AVER_OK) {
            return AVER_E_FORMAT;
        }
        bank->has[count] = true;
        bank->sizes[count] = (uint8_t)size;
    }
    return json->bad ? AVER_E_FORMAT : AVER_OK;
}

static aver_err tpm_pcrs_read(aver_dcap_json *json, aver_tpm_evidence *evidence)
{
    static const char *const names[TPM_BANKS + 1] = {"sha1", "sha256", "sha384", "sha512", NULL};
    uint32_t seen = 0;
    if (tpm_null(json)) {
        return AVER_OK;
    }
    if (tpm_peek(json) == '[') {
        return tpm_bank_read(json, 0, &evidence->banks[evidence->banks_count++]);
    }
    aver_err err = AVER_OK;
    for (bool more = aver_dcap_json_into(json, '{');
         more && err == AVER_OK && aver_dcap_json_more(json, '}');) {
        size_t bank = aver_dcap_json_member(json, names, &seen);
        err = json->bad || bank >= TPM_BANKS
                  ? AVER_E_FORMAT
                  : tpm_bank_read(json, tpm_banks[bank].hash,
                                  &evidence->banks[evidence->banks_count++]);
        json->first = false;
    }
    return json->bad ? AVER_E_FORMAT : err;
}

static aver_err tpm_member_read(aver_dcap_json *json, size_t member, aver_tpm_evidence *evidence)
{
    switch (member) {
    case 0:
        return tpm_hex_read(json, &evidence->message);
    case 1:
        return tpm_hex_read(json, &evidence->signature);
    case 2:
        return tpm_pcrs_read(json, evidence);
    case 3:
        return tpm_hex_read(json, &evidence->hcl_report);
    case 4:
        return tpm_hex_read(json, &evidence->td_quote);
    case 5:
        return tpm_vcek_read(json, evidence);
    default:
        aver_dcap_json_skip(json);
        return AVER_OK;
    }
}

aver_err aver_tpm_evidence_read(aver_view text, aver_tpm_evidence *ret_evidence)
{
    static const char *const names[] = {"tpm_message", "tpm_signature", "tpm_pcrs", "hcl_report",
                                        "td_quote",    "vcek",          NULL};
    aver_dcap_json json;
    uint32_t seen = 0;
    aver_err err = AVER_OK;
    aver_buf_init(&ret_evidence->message, TPM_HEX_BYTES_MAX);
    aver_buf_init(&ret_evidence->signature, TPM_HEX_BYTES_MAX);
    aver_buf_init(&ret_evidence->hcl_report, TPM_HCL_BYTES_MAX);
    aver_buf_init(&ret_evidence->td_quote, TPM_QUOTE_BYTES_MAX);
    ret_evidence->banks_count = 0;
    ret_evidence->vcek_bytes = NULL;
    ret_evidence->vcek = (aver_view){0};
    aver_dcap_json_open(&json, text);
    for (bool more = aver_dcap_json_into(&json, '{');
         more && err == AVER_OK && aver_dcap_json_more(&json, '}');) {
        size_t member = aver_dcap_json_member(&json, names, &seen);
        err = json.bad ? AVER_E_FORMAT : tpm_member_read(&json, member, ret_evidence);
        json.first = false;
    }
    if (err == AVER_OK && (!aver_dcap_json_end(&json) || ret_evidence->message.size == 0 ||
                           ret_evidence->signature.size == 0)) {
        err = AVER_E_FORMAT;
    }
    return err == AVER_E_LIMIT ? AVER_E_FORMAT : err;
}

void aver_tpm_evidence_close(aver_tpm_evidence *evidence)
{
    aver_buf_deinit(&evidence->message);
    aver_buf_deinit(&evidence->signature);
    aver_buf_deinit(&evidence->hcl_report);
    aver_buf_deinit(&evidence->td_quote);
    free(evidence->vcek_bytes);
}

/* The bank that a selection takes from; NULL if it was not given. */
static const aver_tpm_bank *tpm_bank_find(const aver_tpm_evidence *evidence,
                                          const aver_tpm_quote *quote, size_t selection)
{
    for (size_t i = 0; i < evidence->banks_count; i++) {
        const aver_tpm_bank *bank = &evidence->banks[i];
        if (bank->hash == quote->selections[selection].hash ||
            (bank->hash == 0 && selection == 0)) {
            return bank;
        }
    }
    return NULL;
}

/* All selected values in order; false, with the first that is missing or of another size. */
static bool tpm_pcrs_join(const aver_tpm_evidence *evidence, const aver_tpm_quote *quote,
                          aver_buf *out, size_t *ret_pcr)
{
    for (size_t k = 0; k < quote->selections_count; k++) {
        const aver_tpm_bank *bank = tpm_bank_find(evidence, quote, k);
        for (size_t i = 0; i < AVER_TPM_PCRS; i++) {
            if ((quote->selections[k].pcrs >> i & 1) == 0) {
                continue;
            }
            *ret_pcr = i;
            if (bank == NULL || !bank->has[i] ||
                bank->sizes[i] != aver_tpm_hash_bytes(quote->selections[k].hash)) {
                return false;
            }
            aver_buf_append(out, aver_view_make(bank->values[i], bank->sizes[i]));
        }
    }
    return true;
}

/* The digest of PCR values is by the hash of the signature's scheme. */
static aver_err tpm_judge_pcrs(const aver_tpm_evidence *evidence, const aver_tpm_quote *quote,
                               uint16_t hash, aver_verdict *verdict)
{
    const char *name = "tpm.pcrs";
    uint8_t digest[AVER_SHA512_BYTES];
    size_t pcr = 0;
    aver_buf joined;
    if (evidence->banks_count == 0) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "the evidence tells no values");
        return AVER_OK;
    }
    aver_buf_init(&joined, (size_t)AVER_TPM_SELECTIONS_MAX * AVER_TPM_PCRS * AVER_SHA512_BYTES);
    bool whole = tpm_pcrs_join(evidence, quote, &joined, &pcr);
    aver_err err = aver_buf_status(&joined);
    if (err == AVER_OK && !whole) {
        aver_verdict_fail(verdict, name, AVER_REASON_MEASUREMENT_MISMATCH,
                          "PCR %zu was quoted, and its value is missing or not of its bank", pcr);
    } else if (err == AVER_OK) {
        aver_tpm_digest(hash, aver_buf_view(&joined), digest);
        aver_view found = aver_view_make(digest, aver_tpm_hash_bytes(hash));
        if (aver_view_equal(found, quote->pcr_digest)) {
            aver_verdict_add(verdict, name, AVER_CHECK_PASS, "digest %s",
                             aver_short_of(found).text);
        } else {
            aver_verdict_fail(verdict, name, AVER_REASON_MEASUREMENT_MISMATCH,
                              "the values give %s, the quote is of %s", aver_short_of(found).text,
                              aver_short_of(quote->pcr_digest).text);
        }
    }
    aver_buf_deinit(&joined);
    return err;
}

/* [[11,[0,1,2]],...]: banks by their number, with the PCRs that were quoted. */
static void tpm_claim_select(const aver_tpm_quote *quote, aver_claims *claims)
{
    char text[TPM_SELECT_BYTES_MAX];
    size_t used = 0;
    text[used++] = '[';
    for (size_t k = 0; k < quote->selections_count; k++) {
        const char *comma = "";
        used += (size_t)snprintf(text + used, sizeof text - used, "%s[%u,[", k > 0 ? "," : "",
                                 quote->selections[k].hash);
        for (unsigned i = 0; i < AVER_TPM_PCRS; i++) {
            if ((quote->selections[k].pcrs >> i & 1) != 0) {
                used += (size_t)snprintf(text + used, sizeof text - used, "%s%u", comma, i);
                comma = ",";
            }
        }
        text[used++] = ']';
        text[used++] = ']';
    }
    text[used++] = ']';
    aver_claims_put_json(claims, "pcr_select",
                         aver_claims_copy(claims, aver_view_make(text, used)));
}

static void tpm_claim_pcrs(const aver_tpm_evidence *evidence, const aver_tpm_quote *quote,
                           aver_claims *claims)
{
    static const char *const kinds[AVER_TPM_PCRS] = {
        "pcr0",  "pcr1",  "pcr2",  "pcr3",  "pcr4",  "pcr5",  "pcr6",  "pcr7",
        "pcr8",  "pcr9",  "pcr10", "pcr11", "pcr12", "pcr13", "pcr14", "pcr15",
        "pcr16", "pcr17", "pcr18", "pcr19", "pcr20", "pcr21", "pcr22", "pcr23"};
    for (size_t k = 0; k < quote->selections_count; k++) {
        const aver_tpm_bank *bank = tpm_bank_find(evidence, quote, k);
        const char *name = "pcrs";
        for (size_t i = 0; k > 0 && i < TPM_BANKS; i++) {
            name = tpm_banks[i].hash == quote->selections[k].hash ? tpm_banks[i].claim : name;
        }
        for (uint32_t i = 0; bank != NULL && i < AVER_TPM_PCRS; i++) {
            if ((quote->selections[k].pcrs >> i & 1) != 0 && bank->has[i]) {
                aver_view value = aver_view_make(bank->values[i], bank->sizes[i]);
                aver_claims_put_at(claims, name, i, aver_claims_copy(claims, value));
                if (k == 0) {
                    aver_claims_measure(claims, kinds[i], value);
                }
            }
        }
    }
}

static void tpm_claim(const aver_tpm_evidence *evidence, const aver_tpm_quote *quote,
                      const char *group, aver_claims *claims)
{
    const char *before = claims->group;
    claims->group = group;
    aver_view extra = aver_claims_copy(claims, quote->extra_data);
    aver_claims_put_bytes(claims, "extra_data", extra);
    aver_claims_put_bytes(claims, "pcr_digest", aver_claims_copy(claims, quote->pcr_digest));
    tpm_claim_select(quote, claims);
    aver_claims_put_bytes(claims, "qualified_signer",
                          aver_claims_copy(claims, quote->qualified_signer));
    aver_claims_put_uint(claims, "clock_ms", quote->clock_ms);
    aver_claims_put_uint(claims, "reset_count", quote->reset_count);
    aver_claims_put_uint(claims, "restart_count", quote->restart_count);
    aver_claims_put_bool(claims, "clock_safe", quote->safe);
    aver_claims_put_uint(claims, "firmware_version", quote->firmware_version);
    claims->group = before;
    tpm_claim_pcrs(evidence, quote, claims);
    claims->has_nonce = true;
    claims->nonce = extra;
    claims->has_report_data = extra.size == sizeof claims->report_data;
    if (claims->has_report_data) {
        memcpy(claims->report_data, extra.data, sizeof claims->report_data);
    }
}

static aver_err tpm_judge_signature(const aver_tpm_signature *signature, aver_view message,
                                    const aver_public_key *key, aver_verdict *verdict)
{
    const char *name = "tpm.signature";
    if (key == NULL) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "there is no key to judge it by");
        return AVER_OK;
    }
    aver_err err = aver_tpm_signature_verify(signature, message, key);
    if (err == AVER_OK) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "by the attestation key");
    } else if (err == AVER_E_PROOF || err == AVER_E_UNSUPPORTED) {
        aver_verdict_fail(verdict, name, AVER_REASON_BAD_SIGNATURE, "%s",
                          err == AVER_E_PROOF ? "the attestation key's signature does not hold"
                                              : "its scheme is not one of the attestation key");
        err = AVER_OK;
    }
    return err;
}

aver_err aver_tpm_judge(const aver_tpm_evidence *evidence, const aver_public_key *key,
                        const char *group, aver_verdict *verdict, aver_claims *claims)
{
    aver_tpm_quote quote;
    aver_tpm_signature signature;
    size_t alone = key != NULL && key->rsa != NULL ? aver_rsa_key_bytes(key->rsa) : 0;
    if (aver_tpm_quote_parse(aver_buf_view(&evidence->message), &quote) != AVER_OK) {
        aver_verdict_fail(verdict, "tpm.format", AVER_REASON_MALFORMED,
                          "the message is no quote of a TPM");
        return AVER_OK;
    }
    tpm_claim(evidence, &quote, group, claims);
    if (claims->full) {
        aver_verdict_fail(verdict, "tpm.format", AVER_REASON_MALFORMED,
                          "the evidence says more than is read of one");
        return AVER_OK;
    }
    if (aver_tpm_signature_parse(aver_buf_view(&evidence->signature), alone, &signature) !=
        AVER_OK) {
        aver_verdict_fail(verdict, "tpm.format", AVER_REASON_MALFORMED,
                          "the signature is of no form that a TPM gives");
        return AVER_OK;
    }
    if (quote.pcr_digest.size != aver_tpm_hash_bytes(signature.hash)) {
        aver_verdict_fail(verdict, "tpm.format", AVER_REASON_MALFORMED,
                          "the digest of PCRs is not by the hash of the signature");
        return AVER_OK;
    }
    aver_verdict_add(verdict, "tpm.format", AVER_CHECK_PASS, "%zu banks", quote.selections_count);
    aver_err err = tpm_judge_signature(&signature, quote.message, key, verdict);
    return err == AVER_OK ? tpm_judge_pcrs(evidence, &quote, signature.hash, verdict) : err;
}

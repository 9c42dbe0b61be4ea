/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/foreign_aci.h"

#include "attest/compare.h"
#include "codec/date.h"
#include "codec/jcs.h"
#include "codec/text.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <string.h>

/*
 * The report of a service:
 *
 *   {"api_version":"aci/1","workload_keyset_digest":"sha256:hex",
 *    "attestation":{"tee_type":"tdx"|"sev_snp","workload_keyset":{...},"report_data":hex,
 *                   "source_provenance":{...},"evidence":{"quote":hex,"event_log":...,
 *                                                         "app_compose":text,...}},
 *    "service_capabilities":{"serving":"direct"|"aggregator",...}}
 *
 *   keyset digest = SHA-256(canonical keyset)
 *   report data   = SHA-256({"keyset_digest":"sha256:hex","nonce":"hex","purpose":
 *                   "aci.report_data.v1"}), 32 zeros; nonce is null for evidence without one
 */
enum {
    ACI_STATEMENT_BYTES_MAX = 256,
    ACI_KEYS_MAX = 64,
};
#define ACI_LIFE_MAX_S (2ull * 366 * 86400) /* more is no expiry that anybody plans */

static const char *const aci_checks[] = {"foreign.format",
                                         "aci.keyset",
                                         "foreign.binding",
                                         "foreign.nonce",
                                         "aci.expiry",
                                         "aci.roles",
                                         "foreign.tls",
                                         "dstack.events",
                                         "dstack.compose",
                                         "aci.provenance",
                                         "aci.receipt",
                                         "foreign.signature",
                                         "foreign.request",
                                         "foreign.response",
                                         "aci.upstream",
                                         "aci.session",
                                         NULL};
static const char *const aci_required[] = {
    "foreign.format",  "aci.keyset",       "foreign.binding", "aci.expiry",
    "aci.roles",       "aci.provenance",   "aci.receipt",     "foreign.signature",
    "foreign.request", "foreign.response", "aci.upstream",    NULL};

aver_err aver_aci_digest(json_t *json, uint8_t ret_digest[static 32])
{
    aver_buf text;
    aver_buf_init(&text, 2 * AVER_FOREIGN_FILE_BYTES_MAX);
    aver_err err = aver_jcs_append(&text, json);
    if (err == AVER_OK) {
        aver_sha256_of(aver_buf_view(&text), ret_digest);
    }
    aver_buf_deinit(&text);
    return err == AVER_E_LIMIT ? AVER_E_FORMAT : err;
}

/* The SHA-256 of the statement, for which the nonce may be NULL. */
static void aci_report_data(const aver_aci *aci, const uint8_t *nonce, uint8_t ret_data[static 64])
{
    char text[ACI_STATEMENT_BYTES_MAX];
    char digest[65];
    char hex[65] = "";
    aver_hex_encode(AVER_VIEW_OF(aci->digest), digest);
    if (nonce != NULL) {
        aver_hex_encode(aver_view_make(nonce, 32), hex);
    }
    (void)snprintf(text, sizeof text,
                   "{\"keyset_digest\":\"sha256:%s\",\"nonce\":%s%s%s,"
                   "\"purpose\":\"aci.report_data.v1\"}",
                   digest, nonce != NULL ? "\"" : "null", hex, nonce != NULL ? "\"" : "");
    memset(ret_data, 0, 64);
    aver_sha256_of(aver_view_text(text), ret_data);
}

static bool aci_keys_sound(const json_t *list)
{
    bool sound = json_is_array(list) && json_array_size(list) <= ACI_KEYS_MAX;
    for (size_t i = 0; sound && i < json_array_size(list); i++) {
        const json_t *key = json_array_get(list, i);
        sound = aver_foreign_text(key, "key_id").size > 0 &&
                aver_foreign_text(key, "algo").size > 0 &&
                aver_foreign_text(key, "public_key").size > 0;
    }
    return sound;
}

static const char *aci_keyset_fault(const json_t *keyset)
{
    const json_t *tls = json_object_get(keyset, "tls_public_keys");
    const json_t *expiry = json_object_get(keyset, "not_after");
    if (!json_is_object(keyset)) {
        return "the report has no keyset";
    }
    if (!json_is_integer(expiry) || json_integer_value(expiry) < 0) {
        return "the keyset has no expiry";
    }
    if (!aci_keys_sound(json_object_get(keyset, "receipt_signing_keys")) ||
        !aci_keys_sound(json_object_get(keyset, "e2ee_public_keys")) || !json_is_array(tls) ||
        json_array_size(tls) > ACI_KEYS_MAX) {
        return "a list of keys of the keyset is missing or not of its form";
    }
    for (size_t i = 0; i < json_array_size(tls); i++) {
        uint8_t digest[32];
        const json_t *entry = json_array_get(tls, i);
        const json_t *domain = json_object_get(entry, "domain");
        if (!aver_foreign_lower_hex(aver_foreign_text(entry, "spki_sha256"), digest, 32) ||
            !(domain == NULL || json_is_string(domain) || json_is_null(domain))) {
            return "a TLS key of the keyset is not of its form";
        }
    }
    return NULL;
}

static aver_family aci_family(const json_t *attestation)
{
    aver_view type = aver_foreign_text(attestation, "tee_type");
    return aver_view_equal_text(type, "tdx")       ? AVER_FAMILY_TDX
           : aver_view_equal_text(type, "sev_snp") ? AVER_FAMILY_SNP
                                                   : (aver_family)0;
}

static aver_err aci_quote(aver_foreign_work *work, const json_t *evidence, bool *ret_read)
{
    static const char *const names[] = {"quote", "report"};
    aver_view text = {0};
    for (size_t i = 0; i < 2 && text.size == 0; i++) {
        text = aver_foreign_text(evidence, names[i]);
    }
    if (text.size > 2 && text.data[0] == '0' && text.data[1] == 'x') {
        text = aver_view_slice(text, 2, text.size - 2);
    }
    aver_err err =
        text.size == 0 ? AVER_E_FORMAT : aver_hex_decode_buf(text, &work->judged->evidence);
    *ret_read = err == AVER_OK;
    return err == AVER_E_NOMEM ? err : AVER_OK;
}

/* What must be of its form before anything is judged; NULL if it is. */
static const char *aci_fault(const aver_foreign_work *work, const json_t *attestation)
{
    const char *why = NULL;
    if (!aver_view_equal_text(aver_foreign_text(work->report, "api_version"), "aci/1")) {
        return "the report is not of aci/1";
    }
    why = aci_keyset_fault(json_object_get(attestation, "workload_keyset"));
    if (why == NULL && aci_family(attestation) == 0) {
        why = "the report is of no TEE that aci/1 names";
    }
    if (why == NULL) {
        (void)aver_aci_receipt_sound(work, &why);
    }
    return why;
}

static void aci_keyset_told(aver_foreign_work *work, const aver_aci *aci)
{
    uint8_t named[32];
    bool same =
        aver_foreign_digest(aver_foreign_text(work->report, "workload_keyset_digest"), named) &&
        memcmp(named, aci->digest, 32) == 0;
    if (same) {
        aver_verdict_add(&work->judged->verdict, "aci.keyset", AVER_CHECK_PASS, "%s",
                         aver_short_of(AVER_VIEW_OF(aci->digest)).text);
    } else {
        aver_verdict_fail(&work->judged->verdict, "aci.keyset", AVER_REASON_KEY_MISMATCH,
                          "the keyset that is shown gives %s, the report names another",
                          aver_short_of(AVER_VIEW_OF(aci->digest)).text);
    }
}

/* The statement with the reader's nonce, or that without one. */
static void aci_binding(aver_foreign_work *work, const json_t *attestation, const aver_aci *aci)
{
    aver_verdict *verdict = &work->judged->verdict;
    const uint8_t *nonce = work->input->nonce;
    const uint8_t *data = aver_foreign_report_data(work);
    uint8_t wanted[64];
    uint8_t plain[64];
    uint8_t shown[32];
    if (data == NULL) {
        return;
    }
    aci_report_data(aci, NULL, plain);
    aci_report_data(aci, nonce, wanted);
    bool bare = memcmp(data, plain, sizeof plain) == 0;
    if (!aver_foreign_lower_hex(aver_foreign_text(attestation, "report_data"), shown, 32) ||
        memcmp(shown, data, 32) != 0) {
        aver_verdict_fail(verdict, "foreign.binding", AVER_REASON_KEY_MISMATCH,
                          "the report shows other report data than the evidence has");
        return;
    }
    aver_foreign_binding_told(work, bare ? AVER_VIEW_OF(plain) : AVER_VIEW_OF(wanted),
                              "the report data are the statement of this keyset",
                              nonce != NULL
                                  ? "the evidence does not commit to this keyset and your nonce"
                                  : "the evidence does not commit to this keyset, or not without "
                                    "a nonce");
    if (nonce == NULL) {
        aver_verdict_add(verdict, "foreign.nonce", AVER_CHECK_SKIP, "the reader gave no nonce");
    } else if (bare) {
        aver_verdict_fail(verdict, "foreign.nonce", AVER_REASON_NONCE_MISMATCH,
                          "the evidence was made without a nonce");
    } else if (memcmp(data, wanted, sizeof wanted) == 0) {
        aver_verdict_add(verdict, "foreign.nonce", AVER_CHECK_PASS, "%s",
                         aver_short_of(aver_view_make(nonce, 32)).text);
    }
}

static void aci_expiry(aver_foreign_work *work, const aver_aci *aci)
{
    const char *name = "aci.expiry";
    aver_verdict *verdict = &work->judged->verdict;
    uint64_t now_s = work->input->evidence->time_s;
    uint64_t end_s = (uint64_t)json_integer_value(json_object_get(aci->keyset, "not_after"));
    char date[21];
    if (now_s >= end_s) {
        aver_date_write(end_s, date);
        aver_verdict_fail(verdict, name, AVER_REASON_EXPIRED, "the keyset ended %s", date);
    } else if (end_s - now_s > ACI_LIFE_MAX_S) {
        aver_verdict_fail(verdict, name, AVER_REASON_EXPIRED,
                          "the keyset would live for more than two years");
    } else {
        aver_date_write(end_s, date);
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "until %s", date);
    }
}

/* True if a key of the list is that text. */
static bool aci_has_key(const json_t *list, aver_view key)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (aver_view_equal(aver_foreign_text(json_array_get(list, i), "public_key"), key)) {
            return true;
        }
    }
    return false;
}

static void aci_roles(aver_foreign_work *work, const aver_aci *aci)
{
    const json_t *receipts = json_object_get(aci->keyset, "receipt_signing_keys");
    const json_t *seals = json_object_get(aci->keyset, "e2ee_public_keys");
    bool shared = false;
    bool twice = false;
    for (size_t i = 0; i < json_array_size(receipts); i++) {
        const json_t *one = json_array_get(receipts, i);
        shared = shared || aci_has_key(seals, aver_foreign_text(one, "public_key"));
        for (size_t j = 0; j < i; j++) {
            twice =
                twice || aver_view_equal(aver_foreign_text(json_array_get(receipts, j), "key_id"),
                                         aver_foreign_text(one, "key_id"));
        }
    }
    aver_verdict *verdict = &work->judged->verdict;
    if (shared || twice) {
        aver_verdict_fail(verdict, "aci.roles", AVER_REASON_KEY_MISMATCH, "%s",
                          shared ? "a key signs receipts and opens what is sealed"
                                 : "two receipt keys have one name");
    } else {
        aver_verdict_add(verdict, "aci.roles", AVER_CHECK_PASS, "no key has two roles");
    }
}

/* An entry with a domain is for that one alone. */
static void aci_tls(aver_foreign_work *work, const aver_aci *aci)
{
    const char *name = "foreign.tls";
    aver_verdict *verdict = &work->judged->verdict;
    const json_t *list = json_object_get(aci->keyset, "tls_public_keys");
    bool found = false;
    if (work->input->tls_key == NULL) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "the reader names no TLS key");
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        aver_view domain = aver_foreign_text(entry, "domain");
        uint8_t digest[32];
        bool same = aver_foreign_lower_hex(aver_foreign_text(entry, "spki_sha256"), digest, 32) &&
                    memcmp(digest, work->input->tls_key, sizeof digest) == 0;
        found = found ||
                (same && (domain.size == 0 || (work->input->domain != NULL &&
                                               aver_view_equal_text(domain, work->input->domain))));
    }
    if (found) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "the keyset lists it");
    } else {
        aver_verdict_fail(verdict, name, AVER_REASON_KEY_MISMATCH, "the keyset does not list it%s",
                          work->input->domain != NULL ? " for that domain" : "");
    }
}

/* What is shown of the source is nothing but words, unless a measured document stands behind it. */
static void aci_provenance(aver_foreign_work *work, const json_t *attestation)
{
    const char *name = "aci.provenance";
    aver_verdict *verdict = &work->judged->verdict;
    const json_t *source = json_object_get(attestation, "source_provenance");
    bool commit = aver_foreign_text(source, "repo_url").size > 0 &&
                  aver_foreign_text(source, "repo_commit").size > 0;
    const aver_check *compose = aver_verdict_find(verdict, "dstack.compose");
    if (!commit && aver_foreign_text(source, "image_digest").size == 0) {
        aver_verdict_fail(verdict, name, AVER_REASON_MEASUREMENT_MISMATCH,
                          "the report names neither a commit nor an image");
    } else if (compose != NULL && compose->status == AVER_CHECK_PASS) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS,
                         "named, and a measured compose document is shown: compare the two");
    } else {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP,
                         "named, but nothing that was measured is shown for it");
    }
}

static aver_err aci_judge_all(aver_foreign_work *work, const json_t *attestation, aver_aci *aci)
{
    const json_t *evidence = json_object_get(attestation, "evidence");
    aver_err err = aver_foreign_evidence(work, aci_family(attestation));
    if (err != AVER_OK) {
        return err;
    }
    aci_keyset_told(work, aci);
    aci_binding(work, attestation, aci);
    aci_expiry(work, aci);
    aci_roles(work, aci);
    aci_tls(work, aci);
    err = aver_dstack_judge(work, json_object_get(evidence, "event_log"),
                            aver_foreign_text(evidence, "app_compose"));
    if (err != AVER_OK) {
        return err;
    }
    aci_provenance(work, attestation);
    return aver_aci_receipt_judge(work, aci);
}

static aver_err aci_judge(aver_foreign_work *work)
{
    const json_t *attestation = json_object_get(work->report, "attestation");
    const char *why = aci_fault(work, attestation);
    aver_view serving =
        aver_foreign_text(json_object_get(work->report, "service_capabilities"), "serving");
    bool read = false;
    aver_aci aci = {.keyset = json_object_get(attestation, "workload_keyset"),
                    .direct = aver_view_equal_text(serving, "direct")};
    if (why != NULL) {
        return aver_foreign_malformed(work, "%s", why);
    }
    aver_err err = aver_aci_digest(aci.keyset, aci.digest);
    if (err == AVER_E_FORMAT) {
        return aver_foreign_malformed(work, "the keyset has no canonical text");
    }
    if (err == AVER_OK) {
        err = aci_quote(work, json_object_get(attestation, "evidence"), &read);
    }
    if (err != AVER_OK) {
        return err;
    }
    if (!read) {
        return aver_foreign_malformed(work, "the report has no evidence in hex");
    }
    aver_verdict_add(&work->judged->verdict, "foreign.format", AVER_CHECK_PASS,
                     "receipt and report of aci/1");
    return aci_judge_all(work, attestation, &aci);
}

static bool aci_fits(const json_t *message)
{
    return aver_view_equal_text(aver_foreign_text(message, "api_version"), "aci/1") &&
           json_is_array(json_object_get(message, "event_log"));
}

const aver_foreign_format aver_foreign_aci = {.name = "aci",
                                              .has_report = true,
                                              .checks = aci_checks,
                                              .required = aci_required,
                                              .judge = aci_judge,
                                              .fits = aci_fits};

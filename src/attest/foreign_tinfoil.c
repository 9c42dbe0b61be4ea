/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/compare.h"
#include "attest/foreign_work.h"
#include "base/secret.h"
#include "codec/inflate.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/hash.h"

#include <string.h>

/*
 * Tinfoil's documents. Versions 1 and 2 are {"format":URL,"body":base64}, the body a report,
 * packed by gzip in version 2; or a bundle around one, with the VCEK:
 * {"enclaveAttestationReport":{...},"vcek":base64,...}.
 *
 *   version 1: report data = SHA-256 of the TLS key's SPKI as 64 hex digits
 *   version 2: report data = SHA-256 of the TLS key's SPKI | X25519 key of HPKE
 *   version 3: report data = SHA-256(algorithm URL | nonce | SHA-256(crypto_material) |
 *              SHA-256(device_evidence)) | 32 zeros, over the bytes that the two base64 texts hold
 *
 *   {"format":URL,"challenge":{"nonce":hex,"report_data":hex,"report_data_algorithm":URL},
 *    "cpu_evidence":{"format":URL,"report_base64":base64,"endorsed":{"crypto_material_hash":hex,
 *    "device_evidence_hash":hex}},"crypto_material":base64,"device_evidence":base64,
 *    "collateral":[...]}
 *
 * Who released the measured program (Sigstore) is not judged here: the measurements are told.
 */
#define TINFOIL_URL       "https://tinfoil.sh/"
#define TINFOIL_V3        TINFOIL_URL "predicate/attestation/v3"
#define TINFOIL_ALGORITHM TINFOIL_URL "report-data/v1"
enum { TINFOIL_SECTION_BYTES_MAX = 2 * 1024 * 1024, TINFOIL_ITEMS_MAX = 64 };

typedef struct tinfoil_section {
    json_t *json; /* owned */
    uint8_t digest[32];
} tinfoil_section;

typedef struct tinfoil_document {
    unsigned version;
    aver_family family;
    uint8_t nonce[32], shown[64], shown_keys[32], shown_devices[32];
    tinfoil_section keys, devices;
    bool has_tls, has_seal;
    uint8_t tls[32], seal[32];
} tinfoil_document;

static const char *const tinfoil_checks[] = {
    "foreign.format", "gpu.evidence", "gpu.nonce",    "tinfoil.sections", "foreign.binding",
    "foreign.nonce",  "foreign.tls",  "foreign.seal", "tinfoil.rtmr3",    NULL};
static const char *const tinfoil_required[] = {"foreign.format", "foreign.binding", NULL};

static const struct {
    const char *url;
    unsigned version;
    aver_family family;
} tinfoil_formats[] = {
    {TINFOIL_URL "predicate/sev-snp-guest/v1", 1, AVER_FAMILY_SNP},
    {TINFOIL_URL "predicate/tdx-guest/v1", 1, AVER_FAMILY_TDX},
    {TINFOIL_URL "predicate/sev-snp-guest/v2", 2, AVER_FAMILY_SNP},
    {TINFOIL_URL "predicate/tdx-guest/v2", 2, AVER_FAMILY_TDX},
    {TINFOIL_V3, 3, (aver_family)0},
};

static bool tinfoil_format(const json_t *json, tinfoil_document *document)
{
    aver_view url = aver_foreign_text(json, "format");
    for (size_t i = 0; i < sizeof tinfoil_formats / sizeof tinfoil_formats[0]; i++) {
        if (aver_view_equal_text(url, tinfoil_formats[i].url)) {
            document->version = tinfoil_formats[i].version;
            document->family = tinfoil_formats[i].family;
            return true;
        }
    }
    return false;
}

/* True if the object has members of these names alone. */
static bool tinfoil_only(const json_t *object, const char *const *names)
{
    size_t found = 0;
    for (; *names != NULL; names++) {
        found += json_object_get(object, *names) != NULL ? 1 : 0;
    }
    return json_is_object(object) && found == json_object_size(object);
}

/* Versions 1 and 2. FORMAT, LIMIT, NOMEM. */
static aver_err tinfoil_body(aver_foreign_work *work, const json_t *json)
{
    static const uint8_t gzip[] = {0x1f, 0x8b};
    aver_buf body;
    aver_view text = aver_foreign_text(json, "body");
    aver_buf_init(&body, AVER_ATTEST_EVIDENCE_BYTES_MAX);
    aver_err err = text.size > 0 ? aver_base64_decode(text, &body) : AVER_E_FORMAT;
    if (err == AVER_OK && body.size > 2 && memcmp(body.data, gzip, sizeof gzip) == 0) {
        err = aver_gzip_unpack(aver_buf_view(&body), &work->judged->evidence);
    } else if (err == AVER_OK) {
        aver_buf_append(&work->judged->evidence, aver_buf_view(&body));
        err = aver_buf_status(&work->judged->evidence);
    }
    aver_buf_deinit(&body);
    return err;
}

/* Certificates of the file are paths to a pinned root, or nothing. */
static aver_err tinfoil_part(aver_view text, bool pem, aver_buf *out, aver_view *into)
{
    aver_err err = AVER_OK;
    if (into->size > 0 || text.size == 0) {
        return AVER_OK;
    }
    if (pem) {
        aver_buf_append(out, text);
        err = aver_buf_status(out);
    } else {
        err = aver_base64_decode(text, out);
    }
    if (err == AVER_OK) {
        *into = aver_buf_view(out);
    }
    return err;
}

static aver_err tinfoil_collateral(aver_foreign_work *work, const json_t *list)
{
    aver_foreign_judged *judged = work->judged;
    aver_view crl = work->evidence.crls[0];
    aver_err err = AVER_OK;
    for (size_t i = 0; i < json_array_size(list) && err == AVER_OK; i++) {
        const json_t *entry = json_array_get(list, i);
        const json_t *data = json_object_get(entry, "data");
        aver_view format = aver_foreign_text(entry, "format");
        if (aver_view_equal_text(format, TINFOIL_URL "collateral/amd-vcek/v1")) {
            err = tinfoil_part(aver_foreign_text(data, "vcek_der_base64"), false, &judged->leaf,
                               &work->evidence.leaf);
            err = err == AVER_OK ? tinfoil_part(aver_foreign_text(data, "cert_chain_pem"), true,
                                                &judged->chain, &work->evidence.chain)
                                 : err;
        } else if (aver_view_equal_text(format, TINFOIL_URL "collateral/amd-crl/v1") &&
                   work->evidence.crls_count <= 1) {
            err =
                tinfoil_part(aver_foreign_text(data, "crl_der_base64"), false, &judged->list, &crl);
            work->evidence.crls[0] = crl;
            work->evidence.crls_count = crl.size > 0 ? 1 : 0;
        }
    }
    return err;
}

static aver_err tinfoil_section_read(aver_foreign_work *work, const char *name, const char *format,
                                     tinfoil_section *section)
{
    static const char *const members[] = {"format", "items", NULL};
    aver_buf text;
    aver_buf_init(&text, TINFOIL_SECTION_BYTES_MAX);
    aver_err err = aver_base64_decode(aver_foreign_text(work->message, name), &text);
    if (err == AVER_OK) {
        aver_sha256_of(aver_buf_view(&text), section->digest);
        err =
            aver_json_parse(aver_buf_view(&text), TINFOIL_SECTION_BYTES_MAX, &section->json, NULL);
    }
    aver_buf_deinit(&text);
    if (err == AVER_OK &&
        (!tinfoil_only(section->json, members) ||
         !aver_view_equal_text(aver_foreign_text(section->json, "format"), format) ||
         !json_is_array(json_object_get(section->json, "items")) ||
         json_array_size(json_object_get(section->json, "items")) > TINFOIL_ITEMS_MAX)) {
        err = AVER_E_FORMAT;
    }
    return err;
}

/* A name is there once; TLS and HPKE keys have 32 bytes. */
static bool tinfoil_keys(tinfoil_document *document)
{
    const json_t *items = json_object_get(document->keys.json, "items");
    static const char *const members[] = {"id", "format", "data", NULL};
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        aver_view id = aver_foreign_text(item, "id");
        aver_view format = aver_foreign_text(item, "format");
        aver_view data = aver_foreign_text(item, "data");
        bool tls = aver_view_equal_text(format, TINFOIL_URL "key/spki-fp-sha256/v1");
        bool seal = aver_view_equal_text(format, TINFOIL_URL "key/x25519-hpke/v1");
        uint8_t key[32];
        if (id.size == 0 || !tinfoil_only(item, members) ||
            ((tls || seal) && !aver_foreign_lower_hex(data, key, sizeof key))) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (aver_view_equal(aver_foreign_text(json_array_get(items, j), "id"), id)) {
                return false;
            }
        }
        if (tls && aver_view_equal_text(id, "tls")) {
            document->has_tls = true;
            memcpy(document->tls, key, sizeof key);
        } else if (seal && aver_view_equal_text(id, "hpke")) {
            document->has_seal = true;
            memcpy(document->seal, key, sizeof key);
        }
    }
    return true;
}

static bool tinfoil_head(const json_t *json, tinfoil_document *document)
{
    static const char *const top[] = {
        "format",     "challenge", "cpu_evidence", "crypto_material", "device_evidence",
        "collateral", NULL};
    static const char *const of_challenge[] = {"nonce", "report_data", "report_data_algorithm",
                                               NULL};
    static const char *const of_cpu[] = {"format", "report_base64", "endorsed", NULL};
    static const char *const of_endorsed[] = {"crypto_material_hash", "device_evidence_hash", NULL};
    const json_t *challenge = json_object_get(json, "challenge");
    const json_t *cpu = json_object_get(json, "cpu_evidence");
    const json_t *endorsed = json_object_get(cpu, "endorsed");
    aver_view format = aver_foreign_text(cpu, "format");
    bool snp = aver_view_equal_text(format, TINFOIL_URL "format/sev-snp-report/v1");
    bool tdx = aver_view_equal_text(format, TINFOIL_URL "format/tdx-quote/v1");
    document->family = snp ? AVER_FAMILY_SNP : AVER_FAMILY_TDX;
    return (snp || tdx) && tinfoil_only(json, top) && tinfoil_only(challenge, of_challenge) &&
           tinfoil_only(cpu, of_cpu) && tinfoil_only(endorsed, of_endorsed) &&
           aver_view_equal_text(aver_foreign_text(challenge, "report_data_algorithm"),
                                TINFOIL_ALGORITHM) &&
           aver_foreign_lower_hex(aver_foreign_text(challenge, "nonce"), document->nonce, 32) &&
           aver_foreign_lower_hex(aver_foreign_text(challenge, "report_data"), document->shown,
                                  64) &&
           aver_foreign_lower_hex(aver_foreign_text(endorsed, "crypto_material_hash"),
                                  document->shown_keys, 32) &&
           aver_foreign_lower_hex(aver_foreign_text(endorsed, "device_evidence_hash"),
                                  document->shown_devices, 32);
}

/* Version 3. FORMAT, LIMIT, NOMEM. */
static aver_err tinfoil_read_v3(aver_foreign_work *work, tinfoil_document *document)
{
    const json_t *json = work->message;
    if (!tinfoil_head(json, document)) {
        return AVER_E_FORMAT;
    }
    aver_err err = aver_base64_decode(
        aver_foreign_text(json_object_get(json, "cpu_evidence"), "report_base64"),
        &work->judged->evidence);
    if (err == AVER_OK) {
        err = tinfoil_section_read(work, "crypto_material", TINFOIL_URL "crypto-material/v1",
                                   &document->keys);
    }
    if (err == AVER_OK) {
        err = tinfoil_section_read(work, "device_evidence", TINFOIL_URL "device-evidence/v1",
                                   &document->devices);
    }
    if (err == AVER_OK && !tinfoil_keys(document)) {
        err = AVER_E_FORMAT;
    }
    return err == AVER_OK ? tinfoil_collateral(work, json_object_get(json, "collateral")) : err;
}

static aver_err tinfoil_read(aver_foreign_work *work, tinfoil_document *document)
{
    const json_t *json = work->message;
    const json_t *inner = json_object_get(json, "enclaveAttestationReport");
    if (!tinfoil_format(inner != NULL ? inner : json, document)) {
        return AVER_E_FORMAT;
    }
    if (document->version == 3) {
        return inner == NULL ? tinfoil_read_v3(work, document) : AVER_E_FORMAT;
    }
    aver_err err = tinfoil_body(work, inner != NULL ? inner : json);
    if (err == AVER_OK) {
        err = tinfoil_part(aver_foreign_text(json, "vcek"), false, &work->judged->leaf,
                           &work->evidence.leaf);
    }
    return err;
}

/* The keys of versions 1 and 2 are the report data themselves. */
static void tinfoil_keys_told(aver_foreign_work *work, tinfoil_document *document)
{
    static const uint8_t zeros[32] = {0};
    aver_verdict *verdict = &work->judged->verdict;
    const uint8_t *data = aver_foreign_report_data(work);
    if (data == NULL) {
        return;
    }
    if (document->version == 1) {
        document->has_tls =
            aver_foreign_lower_hex(aver_view_make(data, 64), document->tls, sizeof document->tls);
    } else {
        memcpy(document->tls, data, 32);
        memcpy(document->seal, data + 32, 32);
        document->has_tls = memcmp(document->tls, zeros, sizeof zeros) != 0;
        document->has_seal = memcmp(document->seal, zeros, sizeof zeros) != 0;
    }
    if (document->has_tls) {
        aver_verdict_add(verdict, "foreign.binding", AVER_CHECK_PASS,
                         "the report data are the keys");
    } else {
        aver_verdict_fail(verdict, "foreign.binding", AVER_REASON_KEY_MISMATCH,
                          "the report data are no keys of version %u", document->version);
    }
}

static void tinfoil_sections_told(aver_foreign_work *work, const tinfoil_document *document)
{
    aver_sha256 hash;
    uint8_t wanted[64] = {0};
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_LITERAL(TINFOIL_ALGORITHM));
    aver_sha256_update(&hash, AVER_VIEW_OF(document->nonce));
    aver_sha256_update(&hash, AVER_VIEW_OF(document->keys.digest));
    aver_sha256_update(&hash, AVER_VIEW_OF(document->devices.digest));
    aver_sha256_final(&hash, wanted);
    bool same = memcmp(document->keys.digest, document->shown_keys, 32) == 0 &&
                memcmp(document->devices.digest, document->shown_devices, 32) == 0 &&
                memcmp(wanted, document->shown, sizeof wanted) == 0;
    if (same) {
        aver_verdict_add(&work->judged->verdict, "tinfoil.sections", AVER_CHECK_PASS,
                         "keys %s, devices %s",
                         aver_short_of(AVER_VIEW_OF(document->keys.digest)).text,
                         aver_short_of(AVER_VIEW_OF(document->devices.digest)).text);
    } else {
        aver_verdict_fail(&work->judged->verdict, "tinfoil.sections",
                          AVER_REASON_MEASUREMENT_MISMATCH,
                          "a digest that is shown is not that of what is shown");
    }
    aver_foreign_binding_told(work, AVER_VIEW_OF(wanted), "they commit to nonce, keys and devices",
                              "the evidence does not commit to nonce, keys and devices");
}

static void tinfoil_nonce(aver_foreign_work *work, const tinfoil_document *document)
{
    const char *name = "foreign.nonce";
    aver_verdict *verdict = &work->judged->verdict;
    if (work->input->nonce == NULL) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "the reader gave no nonce");
    } else if (document->version < 3) {
        aver_verdict_fail(verdict, name, AVER_REASON_NONCE_MISMATCH, "version %u carries no nonce",
                          document->version);
    } else if (memcmp(document->nonce, work->input->nonce, 32) == 0) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%s",
                         aver_short_of(AVER_VIEW_OF(document->nonce)).text);
    } else {
        aver_verdict_fail(verdict, name, AVER_REASON_NONCE_MISMATCH,
                          "the document was made for %s, not %s",
                          aver_short_of(AVER_VIEW_OF(document->nonce)).text,
                          aver_short_of(aver_view_make(work->input->nonce, 32)).text);
    }
}

static void tinfoil_key_told(aver_foreign_work *work, const char *name, const uint8_t *wanted,
                             bool has, const uint8_t found[static 32])
{
    aver_verdict *verdict = &work->judged->verdict;
    if (wanted == NULL) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "the reader names no such key");
    } else if (has && memcmp(wanted, found, 32) == 0) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%s",
                         aver_short_of(aver_view_make(found, 32)).text);
    } else {
        aver_verdict_fail(verdict, name, AVER_REASON_KEY_MISMATCH, "%s",
                          has ? "the document is of another key" : "the document has no such key");
    }
}

static void tinfoil_rtmr3(aver_foreign_work *work)
{
    const char *name = "tinfoil.rtmr3";
    static const uint8_t zeros[48] = {0};
    aver_verdict *verdict = &work->judged->verdict;
    const aver_claim *found = aver_claims_find(&work->judged->claims, NULL, "rtmr3");
    if (found == NULL) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "the evidence has no such register");
    } else if (aver_view_equal(found->bytes, AVER_VIEW_OF(zeros))) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "zero");
    } else {
        aver_verdict_fail(verdict, name, AVER_REASON_MEASUREMENT_MISMATCH,
                          "it is %s: something was measured there",
                          aver_short_of(found->bytes).text);
    }
}

/* The payloads of the items that are GPUs of NVIDIA. */
static aver_err tinfoil_gpus(aver_foreign_work *work, const tinfoil_document *document)
{
    const json_t *items = json_object_get(document->devices.json, "items");
    json_t *gpus = json_array();
    aver_err err = gpus != NULL ? AVER_OK : AVER_E_NOMEM;
    for (size_t i = 0; i < json_array_size(items) && err == AVER_OK; i++) {
        const json_t *item = json_array_get(items, i);
        if (aver_view_equal_text(aver_foreign_text(item, "format"),
                                 TINFOIL_URL "format/nvidia-gpu-evidence/v1") &&
            json_array_append(gpus, json_object_get(item, "evidence")) != 0) {
            err = AVER_E_FORMAT;
        }
    }
    if (err == AVER_OK) {
        err = aver_foreign_gpus(work, gpus, document->nonce);
    } else if (err == AVER_E_FORMAT) {
        aver_verdict_fail(&work->judged->verdict, "gpu.evidence", AVER_REASON_MALFORMED,
                          "an item of the devices has no evidence");
        err = AVER_OK;
    }
    json_decref(gpus);
    return err;
}

static void tinfoil_claim(aver_foreign_work *work, const tinfoil_document *document)
{
    aver_claims *claims = &work->judged->claims;
    if (document->has_tls) {
        aver_claims_put_bytes(claims, "keys.tls",
                              aver_claims_copy(claims, AVER_VIEW_OF(document->tls)));
    }
    if (document->has_seal) {
        aver_claims_put_bytes(claims, "keys.seal",
                              aver_claims_copy(claims, AVER_VIEW_OF(document->seal)));
    }
}

static aver_err tinfoil_judge_document(aver_foreign_work *work, tinfoil_document *document)
{
    aver_verdict_add(&work->judged->verdict, "foreign.format", AVER_CHECK_PASS, "version %u",
                     document->version);
    aver_err err = aver_foreign_evidence(work, document->family);
    if (err == AVER_OK) {
        err = tinfoil_gpus(work, document);
    }
    if (err != AVER_OK) {
        return err;
    }
    if (document->version == 3) {
        tinfoil_sections_told(work, document);
    } else {
        aver_verdict_add(&work->judged->verdict, "tinfoil.sections", AVER_CHECK_SKIP,
                         "version %u has none", document->version);
        tinfoil_keys_told(work, document);
    }
    tinfoil_nonce(work, document);
    tinfoil_key_told(work, "foreign.tls", work->input->tls_key, document->has_tls, document->tls);
    tinfoil_key_told(work, "foreign.seal", work->input->seal_key, document->has_seal,
                     document->seal);
    if (work->judged->readable) {
        tinfoil_rtmr3(work);
        tinfoil_claim(work, document);
    }
    return AVER_OK;
}

static aver_err tinfoil_judge(aver_foreign_work *work)
{
    tinfoil_document document = {0};
    aver_err err = tinfoil_read(work, &document);
    if (err == AVER_E_FORMAT || err == AVER_E_LIMIT) {
        err = aver_foreign_malformed(work, err == AVER_E_FORMAT
                                               ? "it is no document of version 1, 2 or 3"
                                               : "a part of the document is too large");
    } else if (err == AVER_OK) {
        err = tinfoil_judge_document(work, &document);
    }
    json_decref(document.keys.json);
    json_decref(document.devices.json);
    return err;
}

static bool tinfoil_fits(const json_t *message)
{
    tinfoil_document document = {0};
    const json_t *inner = json_object_get(message, "enclaveAttestationReport");
    return tinfoil_format(inner != NULL ? inner : message, &document);
}

const aver_foreign_format aver_foreign_tinfoil = {.name = "tinfoil",
                                                  .has_report = false,
                                                  .checks = tinfoil_checks,
                                                  .required = tinfoil_required,
                                                  .judge = tinfoil_judge,
                                                  .fits = tinfoil_fits};

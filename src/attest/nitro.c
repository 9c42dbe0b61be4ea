/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/nitro_document.h"

#include "attest/compare.h"
#include "attest/family.h"
#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>

/* CN=aws.nitro-enclaves, C=US, O=Amazon, OU=AWS, 2019-10-28 to 2049-10-28, as AWS publishes it. */
static const uint8_t nitro_root[1][32] = {{
    0x64, 0x1a, 0x03, 0x21, 0xa3, 0xe2, 0x44, 0xef, 0xe4, 0x56, 0x46, 0x31, 0x95, 0xd6, 0x06, 0x31,
    0x7e, 0xd7, 0xcd, 0xcc, 0x3c, 0x17, 0x56, 0xe0, 0x98, 0x93, 0xf3, 0xc6, 0x8f, 0x79, 0xbb, 0x5b,
}};

static const char *const nitro_checks[] = {"evidence.format",
                                           "platform.root",
                                           "evidence.validity",
                                           "evidence.signature",
                                           "nitro.algorithm",
                                           "nitro.leaf",
                                           "nitro.pcrs",
                                           "nitro.time",
                                           "evidence.nonce",
                                           "evidence.debug",
                                           NULL};
static const char *const nitro_required[] = {"evidence.format",   "platform.root",
                                             "evidence.validity", "evidence.signature",
                                             "nitro.algorithm",   "nitro.leaf",
                                             "nitro.pcrs",        "nitro.time",
                                             "evidence.debug",    NULL};

enum { NITRO_NAME_BYTES = 160 };

/* What a certificate path gives, kept by the cache. */
typedef struct nitro_path {
    aver_ecdsa_key *key; /* of the leaf, or NULL if it is not of P-384 */
    bool may_sign;
    char name[NITRO_NAME_BYTES]; /* the leaf's common name, "" if there is none */
    uint64_t leaf_not_before_s, leaf_not_after_s;
    uint8_t leaf_digest[32], bundle_digest[32];
    aver_x509_result result; /* its chain is not kept */
    uint8_t root_digest[32];
    size_t certificates;
} nitro_path;

static void nitro_path_free(void *value)
{
    nitro_path *path = value;
    if (path != NULL) {
        aver_ecdsa_key_free(path->key);
    }
    free(path);
}

static aver_err nitro_certs_open(const aver_nitro_document *document, aver_certs *certs)
{
    aver_certs_init(certs);
    aver_err err = aver_certs_add_der(certs, document->certificate);
    for (size_t i = document->cabundle_count; i > 0 && err == AVER_OK; i--) {
        err = aver_certs_add_der(certs, document->cabundle[i - 1]);
    }
    if (err != AVER_OK) {
        aver_certs_deinit(certs);
    }
    return err;
}

static aver_err nitro_path_fill(const aver_cert *leaf, nitro_path *path)
{
    aver_curve curve;
    aver_view point;
    aver_err err = aver_cert_ec_point(leaf, &curve, &point);
    if (err == AVER_OK && curve == AVER_CURVE_P384) {
        err = aver_ecdsa_key_new(curve, point, &path->key);
    }
    if (err == AVER_E_NOMEM) {
        return err;
    }
    path->may_sign = aver_cert_may_sign(leaf);
    if (aver_cert_common_name(leaf, path->name, sizeof path->name) != AVER_OK) {
        path->name[0] = '\0';
    }
    path->leaf_not_before_s = leaf->not_before_s;
    path->leaf_not_after_s = leaf->not_after_s;
    aver_cert_digest(leaf, path->leaf_digest);
    return AVER_OK;
}

/* Judges the path at this time. FORMAT if a certificate cannot be read. */
static aver_err nitro_path_judge(const aver_attest_input *input,
                                 const aver_nitro_document *document, aver_verdict *verdict,
                                 nitro_path *path)
{
    aver_certs certs;
    aver_family_roots roots;
    aver_err err = nitro_certs_open(document, &certs);
    if (err != AVER_OK) {
        return err;
    }
    err = aver_family_roots_open(&input->roots, nitro_root, 1, &roots);
    if (err == AVER_OK) {
        const aver_x509_options options = {.roots = roots.roots, .time_s = input->time_s};
        err = aver_x509_judge(&certs, 0, &options, &path->result);
        if (err == AVER_OK) {
            aver_family_path_told(verdict, &path->result);
            err = nitro_path_fill(&certs.list[0], path);
        }
        if (err == AVER_OK && path->result.path == AVER_PATH_GOOD) {
            path->certificates = path->result.chain_count;
            aver_cert_digest(path->result.chain[path->result.chain_count - 1], path->root_digest);
            path->result.chain_count = 0; /* its certificates go now */
        }
        aver_family_roots_close(&roots);
    }
    aver_certs_deinit(&certs);
    return err;
}

static void nitro_path_key(const aver_attest_input *input, const aver_nitro_document *document,
                           uint8_t ret_key[static 32])
{
    aver_view parts[1 + AVER_NITRO_CABUNDLE_MAX + AVER_ATTEST_ROOTS_MAX];
    size_t count = 0;
    parts[count++] = document->certificate;
    for (size_t i = 0; i < document->cabundle_count; i++) {
        parts[count++] = document->cabundle[i];
    }
    for (size_t i = 0; i < input->roots.given_count; i++) {
        parts[count++] = input->roots.given[i];
    }
    aver_attest_cache_key(input->roots.given_count > 0 ? "nitro/given" : "nitro/pinned", parts,
                          count, ret_key);
}

/* From the cache where it holds at this time, else judged anew. The path is the caller's to hand
 * to nitro_path_end. */
static aver_err nitro_path_get(const aver_attest_input *input, const aver_nitro_document *document,
                               aver_verdict *verdict, nitro_path **ret_path)
{
    uint8_t key[32];
    nitro_path *path = NULL;
    if (input->cache != NULL) {
        nitro_path_key(input, document, key);
        path = aver_attest_cache_find(input->cache, key);
    }
    if (path != NULL && input->time_s >= path->result.not_before_s &&
        input->time_s <= path->result.not_after_s) {
        aver_family_path_kept_told(verdict, &path->result, path->root_digest, path->certificates);
        *ret_path = path;
        return AVER_OK;
    }
    path = calloc(1, sizeof *path);
    aver_err err = path == NULL ? AVER_E_NOMEM : nitro_path_judge(input, document, verdict, path);
    if (err != AVER_OK) {
        nitro_path_free(path);
        return err;
    }
    if (input->cache != NULL && path->result.path == AVER_PATH_GOOD) {
        aver_attest_cache_put(input->cache, key, path, nitro_path_free);
    }
    *ret_path = path;
    return AVER_OK;
}

static void nitro_path_end(const aver_attest_input *input, nitro_path *path)
{
    if (input->cache == NULL || path->result.path != AVER_PATH_GOOD) {
        nitro_path_free(path);
    }
}

static aver_err nitro_judge_signature(const aver_nitro_document *document, const nitro_path *path,
                                      aver_verdict *verdict)
{
    bool known = document->cose.algorithm == AVER_COSE_ES384;
    aver_err err = AVER_E_PROOF;
    if (path->key == NULL || !known) {
        aver_verdict_add(verdict, "evidence.signature", AVER_CHECK_SKIP, "%s",
                         known ? "the leaf has no key of P-384" : "it is not of ES384");
    } else {
        err = aver_cose_document_verify(&document->cose, AVER_CURVE_P384, path->key);
        if (err != AVER_OK && err != AVER_E_PROOF) {
            return err;
        }
        aver_family_told(verdict, "evidence.signature", err == AVER_OK, AVER_REASON_BAD_SIGNATURE,
                         "by the leaf's key", "the signature of the leaf's key does not hold");
    }
    if (known) {
        aver_verdict_add(verdict, "nitro.algorithm", AVER_CHECK_PASS, "ES384");
    } else {
        aver_verdict_fail(verdict, "nitro.algorithm", AVER_REASON_MALFORMED,
                          "COSE algorithm %lld, the hardware signs with ES384 (-35)",
                          (long long)document->cose.algorithm);
    }
    return AVER_OK;
}

/* AWS names the leaf after the module: "<module id>.<region>.aws...". */
static bool nitro_leaf_named(const aver_nitro_document *document, const nitro_path *path)
{
    size_t size = document->module_id.size;
    return strlen(path->name) >= size && memcmp(path->name, document->module_id.data, size) == 0 &&
           (path->name[size] == '.' || path->name[size] == '\0');
}

static void nitro_judge_leaf(const aver_nitro_document *document, const nitro_path *path,
                             aver_verdict *verdict)
{
    const char *name = "nitro.leaf";
    if (path->key == NULL || !path->may_sign) {
        aver_verdict_fail(verdict, name, AVER_REASON_CHAIN_UNTRUSTED, "%s",
                          path->key == NULL ? "the leaf has no key of P-384"
                                            : "the leaf may not sign documents");
    } else if (!nitro_leaf_named(document, path)) {
        aver_verdict_fail(verdict, name, AVER_REASON_KEY_MISMATCH,
                          "the leaf is of %.60s, the document of %.*s",
                          path->name[0] != '\0' ? path->name : "nobody",
                          (int)document->module_id.size, (const char *)document->module_id.data);
    } else {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%s", path->name);
    }
}

static void nitro_judge_pcrs(const aver_nitro_document *document, aver_verdict *verdict)
{
    const char *name = "nitro.pcrs";
    for (size_t i = 0; i < AVER_NITRO_PCRS_MAX; i++) {
        if (document->has_pcr[i] ? document->pcrs[i].size != AVER_SHA384_BYTES : i < 3) {
            aver_verdict_fail(verdict, name, AVER_REASON_MALFORMED, "PCR %zu %s", i,
                              document->has_pcr[i] ? "is no SHA-384 digest" : "is missing");
            return;
        }
    }
    if (!aver_view_equal_text(document->digest, "SHA384")) {
        aver_verdict_fail(verdict, name, AVER_REASON_MALFORMED, "the digest is not SHA384");
        return;
    }
    aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%zu of SHA-384", document->pcrs_count);
}

static void nitro_judge_time(const aver_nitro_document *document, const nitro_path *path,
                             aver_verdict *verdict)
{
    uint64_t time_s = document->timestamp_ms / 1000;
    aver_family_told(verdict, "nitro.time",
                     time_s >= path->leaf_not_before_s && time_s <= path->leaf_not_after_s,
                     AVER_REASON_EXPIRED, "within the validity of the leaf",
                     "the document says it was made when its leaf was not valid");
}

static bool nitro_is_zero(aver_view bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        any |= bytes.data[i];
    }
    return any == 0;
}

static void nitro_claim_value(aver_claims *claims, const char *name, bool has, aver_view bytes)
{
    if (has) {
        aver_claims_put_bytes(claims, name, bytes);
    } else {
        aver_claims_put_null(claims, name);
    }
}

static void nitro_claim_pcrs(const aver_nitro_document *document, aver_claims *claims)
{
    static const char *const kinds[] = {"pcr0",  "pcr1",  "pcr2",  "pcr3", "pcr4",  "pcr5",
                                        "pcr6",  "pcr7",  "pcr8",  "pcr9", "pcr10", "pcr11",
                                        "pcr12", "pcr13", "pcr14", "pcr15"};
    for (uint32_t i = 0; i < AVER_NITRO_PCRS_MAX; i++) {
        if (document->has_pcr[i]) {
            aver_claims_put_at(claims, "pcrs", i, document->pcrs[i]);
            if (i < sizeof kinds / sizeof kinds[0]) {
                aver_claims_measure(claims, kinds[i], document->pcrs[i]);
            }
        }
    }
}

static void nitro_claim(const aver_nitro_document *document, const nitro_path *path,
                        aver_claims *claims)
{
    uint8_t digest[32];
    claims->has_time = true;
    claims->time_ms = document->timestamp_ms;
    claims->has_nonce = document->has_nonce;
    claims->nonce = document->nonce;
    claims->has_report_data = document->has_user_data && document->user_data.size == 64;
    if (claims->has_report_data) {
        memcpy(claims->report_data, document->user_data.data, 64);
    }
    /* An image has something in all three; a debugger's enclave shows zeros there. */
    for (size_t i = 0; i < 3; i++) {
        claims->debug = claims->debug || (document->has_pcr[i] && nitro_is_zero(document->pcrs[i]));
    }
    aver_claims_put_text(claims, "module_id", document->module_id);
    aver_claims_put_text(claims, "digest", document->digest);
    aver_claims_put_uint(claims, "timestamp_ms", document->timestamp_ms);
    aver_claims_put_bool(claims, "debug", claims->debug);
    nitro_claim_pcrs(document, claims);
    nitro_claim_value(claims, "public_key", document->has_public_key, document->public_key);
    nitro_claim_value(claims, "user_data", document->has_user_data, document->user_data);
    nitro_claim_value(claims, "nonce", document->has_nonce, document->nonce);
    aver_claims_put_uint(claims, "leaf_not_before", path->leaf_not_before_s);
    aver_claims_put_uint(claims, "leaf_not_after", path->leaf_not_after_s);
    aver_claims_put_bytes(claims, "leaf_sha256",
                          aver_claims_copy(claims, AVER_VIEW_OF(path->leaf_digest)));
    aver_sha256_of(document->cabundle[0], digest);
    aver_claims_put_bytes(claims, "cabundle0_sha256",
                          aver_claims_copy(claims, AVER_VIEW_OF(digest)));
    aver_claims_put_uint(claims, "cabundle_len", document->cabundle_count);
}

static aver_err nitro_judge(const aver_attest_input *input, aver_verdict *verdict,
                            aver_claims *claims, bool *ret_readable)
{
    aver_nitro_document document;
    nitro_path *path = NULL;
    aver_err err = aver_nitro_document_parse(input->evidence, &document);
    if (err != AVER_OK) {
        aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED,
                          "the attestation document is %s", aver_err_text(err));
        return AVER_OK;
    }
    aver_verdict_add(verdict, "evidence.format", AVER_CHECK_PASS, "module %.*s",
                     (int)document.module_id.size, (const char *)document.module_id.data);
    err = nitro_path_get(input, &document, verdict, &path);
    if (err == AVER_E_FORMAT || err == AVER_E_LIMIT) {
        aver_verdict_fail(verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED,
                          "a certificate of the document cannot be read");
        *ret_readable = true;
        return AVER_OK;
    }
    if (err != AVER_OK) {
        return err;
    }
    err = nitro_judge_signature(&document, path, verdict);
    if (err == AVER_OK) {
        nitro_judge_leaf(&document, path, verdict);
        nitro_judge_pcrs(&document, verdict);
        nitro_judge_time(&document, path, verdict);
        nitro_claim(&document, path, claims);
        aver_family_nonce_told(input, claims, verdict);
        aver_family_debug_told(input, claims, verdict);
        *ret_readable = true;
    }
    nitro_path_end(input, path);
    return err;
}

const aver_family_verifier aver_family_nitro = {
    .name = "nitro", .checks = nitro_checks, .required = nitro_required, .judge = nitro_judge};

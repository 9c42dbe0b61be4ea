/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/nvidia_cert.h"
#include "attest/nvidia_spdm.h"
#include "attest/nvidia_values.h"

#include "attest/compare.h"
#include "attest/family.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* CN=NVIDIA Device Identity CA, O=NVIDIA, from 2021-11-05 on. */
static const uint8_t nvidia_root[1][32] = {{
    0x10, 0x2b, 0xf6, 0x59, 0xd5, 0x41, 0x96, 0x14, 0xc9, 0xd8, 0xe6, 0xae, 0xce, 0xbc, 0x80, 0x45,
    0x4e, 0xb2, 0x6b, 0x1d, 0xf6, 0xa7, 0x69, 0xac, 0x72, 0x0b, 0x9a, 0x69, 0x0b, 0x16, 0x7b, 0x48,
}};

static const char *const nvidia_checks[] = {
    "evidence.format",    "platform.root",       "evidence.validity", "evidence.revocation",
    "evidence.signature", "nvidia.request",      "nvidia.fwid",       "nvidia.rim-signature",
    "nvidia.rim-version", "nvidia.measurements", "evidence.nonce",    NULL};
static const char *const nvidia_checks_certs[] = {"evidence.validity", "evidence.revocation",
                                                  "evidence.signature", "nvidia.fwid", NULL};
static const char *const nvidia_checks_values[] = {"nvidia.rim-version", "nvidia.measurements",
                                                   NULL};
static const char *const nvidia_required[] = {"evidence.format",   "platform.root",
                                              "evidence.validity", "evidence.signature",
                                              "nvidia.request",    NULL};

/* What the device's certificates give, kept by the cache. */
typedef struct nvidia_path {
    aver_family_roots roots;
    aver_certs certs; /* leaf first */
    aver_x509_result result;
    aver_ecdsa_key *key; /* of the leaf, or NULL if it is not of P-384 */
    bool may_sign;
    char subject[AVER_NVIDIA_SUBJECT_BYTES]; /* "" if it is too long */
    bool has_fwid, fwid_unreadable;
    uint8_t fwid[AVER_NVIDIA_FWID_BYTES];
    bool has_device;
    uint8_t device[32]; /* SHA-256 of the public key of the leaf's issuer: the device's own */
} nvidia_path;

static void nvidia_path_free(void *value)
{
    nvidia_path *path = value;
    if (path != NULL) {
        aver_ecdsa_key_free(path->key);
        aver_certs_deinit(&path->certs);
        aver_family_roots_close(&path->roots);
    }
    free(path);
}

/* What the leaf says. */
static aver_err nvidia_path_leaf(nvidia_path *path)
{
    const aver_cert *leaf = &path->certs.list[0];
    aver_curve curve;
    aver_view point;
    aver_err err = aver_cert_ec_point(leaf, &curve, &point);
    if (err == AVER_OK && curve == AVER_CURVE_P384) {
        err = aver_ecdsa_key_new(curve, point, &path->key);
    }
    if (err != AVER_E_NOMEM) {
        path->may_sign = aver_cert_may_sign(leaf);
        err = aver_nvidia_subject(leaf, path->subject);
    }
    if (err != AVER_E_NOMEM) {
        err = aver_nvidia_fwid_read(leaf, path->fwid);
        path->has_fwid = err == AVER_OK;
        path->fwid_unreadable = err == AVER_E_FORMAT;
    }
    if (err != AVER_E_NOMEM && path->result.chain_count > 2) {
        err = aver_cert_ec_point(path->result.chain[1], &curve, &point);
        path->has_device = err == AVER_OK;
        if (path->has_device) {
            aver_sha256_of(point, path->device);
        }
    }
    return err == AVER_E_NOMEM ? err : AVER_OK;
}

/* Judges the path at this time. FORMAT if a certificate cannot be read. */
static aver_err nvidia_path_judge(const aver_attest_input *input, nvidia_path *path)
{
    aver_err err = aver_family_roots_open(&input->roots, nvidia_root, 1, &path->roots);
    if (err == AVER_OK) {
        err = aver_certs_add(&path->certs, input->chain);
    }
    if (err != AVER_OK) {
        return err;
    }
    const aver_x509_options options = {.roots = path->roots.roots,
                                       .time_s = input->time_s,
                                       .critical_known = aver_nvidia_extensions};
    err = aver_x509_judge(&path->certs, 0, &options, &path->result);
    return err == AVER_OK ? nvidia_path_leaf(path) : err;
}

static void nvidia_path_key(const aver_attest_input *input, uint8_t ret_key[static 32])
{
    aver_view parts[1 + AVER_ATTEST_ROOTS_MAX] = {input->chain};
    for (size_t i = 0; i < input->roots.given_count; i++) {
        parts[1 + i] = input->roots.given[i];
    }
    aver_attest_cache_key("nvidia/path", parts, 1 + input->roots.given_count, ret_key);
}

/* From the cache where it holds at this time, else judged anew; the caller hands it to
 * nvidia_path_end. */
static aver_err nvidia_path_get(const aver_attest_input *input, nvidia_path **ret_path)
{
    uint8_t key[32] = {0};
    nvidia_path *path = NULL;
    if (input->cache != NULL) {
        nvidia_path_key(input, key);
        path = aver_attest_cache_find(input->cache, key);
    }
    if (path != NULL && input->time_s >= path->result.not_before_s &&
        input->time_s <= path->result.not_after_s) {
        *ret_path = path;
        return AVER_OK;
    }
    path = calloc(1, sizeof *path);
    aver_err err = path == NULL ? AVER_E_NOMEM : nvidia_path_judge(input, path);
    if (err != AVER_OK) {
        nvidia_path_free(path);
        return err;
    }
    if (input->cache != NULL && path->result.path == AVER_PATH_GOOD) {
        aver_attest_cache_put(input->cache, key, path, nvidia_path_free);
    }
    *ret_path = path;
    return AVER_OK;
}

static void nvidia_path_end(const aver_attest_input *input, nvidia_path *path)
{
    if (path != NULL && (input->cache == NULL || path->result.path != AVER_PATH_GOOD)) {
        nvidia_path_free(path);
    }
}

static aver_err nvidia_judge_signature(const aver_nvidia_report *report, const nvidia_path *path,
                                       aver_verdict *verdict)
{
    const char *name = "evidence.signature";
    uint8_t digest[AVER_SHA384_BYTES];
    if (path->key == NULL || !path->may_sign) {
        aver_verdict_fail(verdict, name, AVER_REASON_CHAIN_UNTRUSTED, "%s",
                          path->key == NULL ? "the leaf has no key of P-384"
                                            : "the leaf may not sign reports");
        return AVER_OK;
    }
    aver_sha384_of(report->signed_bytes, digest);
    aver_err err = aver_ecdsa_key_verify(path->key, AVER_VIEW_OF(digest), report->signature);
    if (err != AVER_OK && err != AVER_E_PROOF) {
        return err;
    }
    aver_family_told(verdict, name, err == AVER_OK, AVER_REASON_BAD_SIGNATURE, "by the leaf's key",
                     "the signature of the leaf's key does not hold");
    return AVER_OK;
}

static void nvidia_judge_request(const aver_nvidia_report *report, aver_verdict *verdict)
{
    const char *why = aver_nvidia_report_unfit(report);
    if (why != NULL) {
        aver_verdict_fail(verdict, "nvidia.request", AVER_REASON_MALFORMED, "%s", why);
    } else {
        aver_verdict_add(verdict, "nvidia.request", AVER_CHECK_PASS,
                         "all %zu measurements, slot %u", report->blocks_count, report->slot);
    }
}

static void nvidia_judge_fwid(const aver_nvidia_report *report, const nvidia_path *path,
                              aver_verdict *verdict)
{
    const char *name = "nvidia.fwid";
    aver_view found;
    aver_view wanted = AVER_VIEW_OF(path->fwid);
    bool told = aver_nvidia_report_field(report, AVER_NVIDIA_FWID, &found);
    if (path->fwid_unreadable) {
        aver_verdict_fail(verdict, name, AVER_REASON_CHAIN_UNTRUSTED,
                          "the certificate's words on its firmware cannot be read");
    } else if (!told) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "the report does not name its firmware");
    } else if (!path->has_fwid) {
        aver_verdict_fail(verdict, name, AVER_REASON_KEY_MISMATCH,
                          "the report is of firmware %s, the certificate of none",
                          aver_short_of(found).text);
    } else if (!aver_view_equal(found, wanted)) {
        aver_verdict_fail(verdict, name, AVER_REASON_KEY_MISMATCH,
                          "the report is of firmware %s, the certificate of %s",
                          aver_short_of(found).text, aver_short_of(wanted).text);
    } else {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%s", aver_short_of(found).text);
    }
}

/* The device's certificates alone and the report against them. */
static aver_err nvidia_judge_path(const aver_attest_input *input, const aver_nvidia_report *report,
                                  const nvidia_path *path, aver_verdict *verdict)
{
    aver_err err = AVER_OK;
    aver_family_path_told(verdict, &path->result);
    if (path->result.path == AVER_PATH_GOOD) {
        err = aver_family_revocation(input, &path->result, verdict);
    }
    return err == AVER_OK ? nvidia_judge_signature(report, path, verdict) : err;
}

/* A text of the opaque data; null where there is none. */
static void nvidia_claim_text(const aver_nvidia_report *report, uint16_t type, aver_claims *claims)
{
    const char *name = aver_nvidia_field_name(type);
    aver_view text;
    if (aver_nvidia_report_text(report, type, &text)) {
        aver_claims_put_text(claims, name, text);
    } else {
        aver_claims_put_null(claims, name);
    }
}

static void nvidia_claim_opaque(const aver_nvidia_report *report, aver_claims *claims)
{
    claims->group = "opaque";
    for (size_t i = 0; i < report->fields_count; i++) {
        const aver_nvidia_field *field = &report->fields[i];
        const char *name = aver_nvidia_field_name(field->type);
        char numbered[16];
        if (name == NULL) {
            int size = snprintf(numbered, sizeof numbered, "type_%u", (unsigned)field->type);
            aver_view copy = aver_claims_copy(claims, aver_view_make(numbered, (size_t)size + 1));
            name = copy.size > 0 ? (const char *)copy.data : NULL;
        }
        if (name != NULL) {
            aver_claims_put_bytes(claims, name, field->value);
        }
    }
    claims->group = NULL;
}

static void nvidia_claim_path(const nvidia_path *path, aver_claims *claims)
{
    aver_claims_put_text(claims, "leaf_subject",
                         aver_claims_copy(claims, aver_view_text(path->subject)));
    if (path->has_fwid) {
        aver_claims_put_bytes(claims, "cert_fwid",
                              aver_claims_copy(claims, AVER_VIEW_OF(path->fwid)));
        aver_claims_measure(claims, "fwid", AVER_VIEW_OF(path->fwid));
    } else {
        aver_claims_put_null(claims, "cert_fwid");
    }
    if (path->has_device) {
        aver_view device = aver_claims_copy(claims, AVER_VIEW_OF(path->device));
        aver_claims_put_bytes(claims, "device_key_sha256", device);
        memcpy(claims->machine_id, path->device, sizeof path->device);
        claims->machine_id_size = sizeof path->device;
    }
}

static void nvidia_claim(const aver_nvidia_report *report, const nvidia_path *path,
                         aver_claims *claims)
{
    char version[AVER_NVIDIA_VERSION_BYTES];
    aver_claims_put_bytes(claims, "spdm_version", aver_view_slice(report->response, 0, 1));
    aver_claims_put_uint(claims, "request_param1", report->request.data[2]);
    aver_claims_put_uint(claims, "request_param2", report->request.data[3]);
    aver_claims_put_uint(claims, "slot", report->slot);
    aver_claims_put_bytes(claims, "requester_nonce", report->requester_nonce);
    aver_claims_put_bytes(claims, "responder_nonce", report->responder_nonce);
    claims->has_nonce = true;
    claims->nonce = report->requester_nonce;
    nvidia_claim_text(report, AVER_NVIDIA_DRIVER_VERSION, claims);
    nvidia_claim_text(report, AVER_NVIDIA_CHIP_SKU, claims);
    nvidia_claim_text(report, AVER_NVIDIA_PROJECT, claims);
    nvidia_claim_text(report, AVER_NVIDIA_PROJECT_SKU, claims);
    if (aver_nvidia_report_vbios(report, version)) {
        aver_claims_put_text(claims, "vbios_version",
                             aver_claims_copy(claims, aver_view_text(version)));
    } else {
        aver_claims_put_null(claims, "vbios_version");
    }
    if (path != NULL) {
        nvidia_claim_path(path, claims);
    }
    nvidia_claim_opaque(report, claims);
    for (size_t i = 0; i < report->blocks_count; i++) {
        aver_claims_put_at(claims, "measurements", report->blocks[i].index,
                           report->blocks[i].value);
    }
}

/* What the certificates say of the report; *ret_path stays NULL where there are none. */
static aver_err nvidia_judge_certs(const aver_attest_input *input, const aver_nvidia_report *report,
                                   aver_verdict *verdict, nvidia_path **ret_path)
{
    if (input->chain.size == 0) {
        aver_verdict_fail(verdict, "platform.root", AVER_REASON_COLLATERAL_MISSING,
                          "the device's certificates were not given");
        return AVER_OK;
    }
    aver_err err = nvidia_path_get(input, ret_path);
    if (err == AVER_E_FORMAT || err == AVER_E_LIMIT) {
        aver_verdict_fail(verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED,
                          "a certificate cannot be read");
        return AVER_OK;
    }
    return err == AVER_OK ? nvidia_judge_path(input, report, *ret_path, verdict) : err;
}

static aver_err nvidia_judge(const aver_attest_input *input, aver_verdict *verdict,
                             aver_claims *claims, bool *ret_readable)
{
    aver_nvidia_report report;
    nvidia_path *path = NULL;
    aver_err err = aver_nvidia_report_parse(input->evidence, &report);
    if (err != AVER_OK) {
        aver_verdict_fail(verdict, "evidence.format", AVER_REASON_MALFORMED, "the report is %s",
                          aver_err_text(err));
        return AVER_OK;
    }
    aver_verdict_add(verdict, "evidence.format", AVER_CHECK_PASS, "%zu measurements",
                     report.blocks_count);
    err = nvidia_judge_certs(input, &report, verdict, &path);
    if (err == AVER_OK) {
        nvidia_judge_request(&report, verdict);
        if (path != NULL) {
            nvidia_judge_fwid(&report, path, verdict);
        }
        aver_verdict_skip_all(verdict, nvidia_checks_certs, "there is no certificate to judge by");
        nvidia_claim(&report, path, claims);
    }
    /* Now: what the cache keeps of reference values may take the path's place there. */
    nvidia_path_end(input, path);
    if (err == AVER_OK) {
        err = aver_nvidia_values_judge(input, &report, verdict, claims);
    }
    if (err == AVER_OK) {
        aver_verdict_skip_all(verdict, nvidia_checks_values, "there are no reference values");
        aver_family_nonce_told(input, claims, verdict);
        *ret_readable = true;
    }
    return err;
}

const aver_family_verifier aver_family_nvidia = {
    .name = "nvidia", .checks = nvidia_checks, .required = nvidia_required, .judge = nvidia_judge};

/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include "codec/der.h"
#include "crypto/hash.h"
#include "crypto/x509_time.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Intel SGX Root CA. */
static const uint8_t pck_roots[][32] = {{0x44, 0xa0, 0x19, 0x6b, 0x2b, 0x99, 0xf8, 0x89,
                                         0xb8, 0xe1, 0x49, 0xe9, 0x5b, 0x80, 0x7a, 0x35,
                                         0x0e, 0x74, 0x24, 0x96, 0x43, 0x99, 0xe8, 0x85,
                                         0xa7, 0xcb, 0xb8, 0xcc, 0xfa, 0xb6, 0x74, 0xd3}};

void aver_dcap_good(aver_dcap_fault *fault)
{
    *fault = (aver_dcap_fault){.made = true};
}

void aver_dcap_bad(aver_dcap_fault *fault, aver_reason reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fault->why, sizeof fault->why, format, arguments);
    va_end(arguments);
    fault->made = true;
    fault->reason = reason;
}

void aver_dcap_stopped(aver_dcap_fault *fault, const char *why)
{
    *fault = (aver_dcap_fault){.made = false};
    (void)snprintf(fault->why, sizeof fault->why, "%s", why);
}

bool aver_dcap_held(const aver_dcap_fault *fault)
{
    return fault->made && fault->reason == AVER_REASON_NONE;
}

void aver_dcap_window_cut(aver_dcap_window *window, uint64_t from_s, uint64_t to_s)
{
    window->from_s = from_s > window->from_s ? from_s : window->from_s;
    window->to_s = to_s < window->to_s ? to_s : window->to_s;
}

bool aver_dcap_window_holds(const aver_dcap_window *window, uint64_t time_s)
{
    return time_s >= window->from_s && time_s <= window->to_s;
}

/* The root comes with every chain; one certificate is read once. */
static aver_err work_cert(aver_dcap_work *work, aver_view der, size_t *ret_place)
{
    for (size_t i = 0; i < work->certs.count; i++) {
        if (aver_view_equal(work->certs.list[i].der, der)) {
            *ret_place = i;
            return AVER_OK;
        }
    }
    aver_err err = aver_certs_add_der(&work->certs, der);
    if (err == AVER_OK) {
        *ret_place = work->certs.count - 1;
    }
    return err;
}

aver_err aver_dcap_work_certs(aver_dcap_work *work, aver_view pem, size_t *ret_leaf)
{
    aver_err err = AVER_OK;
    size_t count = 0;
    /* Quotes end their text with a NUL. */
    while (pem.size > 0 && pem.data[pem.size - 1] == 0) {
        pem.size--;
    }
    for (bool more = true; more && err == AVER_OK;) {
        aver_buf der;
        size_t place = 0;
        aver_buf_init(&der, AVER_CERT_BYTES_MAX);
        err = aver_pem_next(&pem, "CERTIFICATE", &more, &der);
        if (err == AVER_OK && more) {
            err = work_cert(work, aver_buf_view(&der), &place);
            *ret_leaf = count == 0 ? place : *ret_leaf;
            count++;
        }
        aver_buf_deinit(&der);
    }
    return err == AVER_OK && count == 0 ? AVER_E_FORMAT : err;
}

/* A root that the reader gave: its digest, or, where the chain has none of them, itself. */
static aver_err work_root(aver_dcap_work *work, aver_view der, bool add)
{
    size_t place = 0;
    if (add) {
        return work_cert(work, der, &place);
    }
    if (work->roots_count == AVER_ATTEST_ROOTS_MAX) {
        return AVER_E_LIMIT;
    }
    aver_sha256_of(der, work->roots[work->roots_count++]);
    return aver_der_check(der);
}

static aver_err work_roots_pem(aver_dcap_work *work, aver_view pem, bool add)
{
    aver_err err = AVER_OK;
    for (bool more = true; more && err == AVER_OK;) {
        aver_buf der;
        aver_buf_init(&der, AVER_CERT_BYTES_MAX);
        err = aver_pem_next(&pem, "CERTIFICATE", &more, &der);
        if (err == AVER_OK && more) {
            err = work_root(work, aver_buf_view(&der), add);
        }
        aver_buf_deinit(&der);
    }
    return err;
}

static aver_err work_roots(aver_dcap_work *work, bool add)
{
    const aver_attest_roots *roots = &work->input->roots;
    aver_err err = AVER_OK;
    for (size_t i = 0; i < roots->given_count && err == AVER_OK; i++) {
        aver_view root = roots->given[i];
        err = root.size > 0 && root.data[0] == 0x30 ? work_root(work, root, add)
                                                    : work_roots_pem(work, root, add);
    }
    return err;
}

aver_err aver_dcap_work_open(const aver_attest_input *input, aver_dcap_work *ret_work)
{
    *ret_work = (aver_dcap_work){.input = input};
    aver_certs_init(&ret_work->certs);
    if (input->roots.given_count > 0) {
        aver_err err = work_roots(ret_work, false);
        return err == AVER_E_FORMAT || err == AVER_E_LIMIT ? AVER_E_USAGE : err;
    }
    memcpy(ret_work->roots, pck_roots, sizeof pck_roots);
    ret_work->roots_count = sizeof pck_roots / sizeof pck_roots[0];
    return AVER_OK;
}

void aver_dcap_work_close(aver_dcap_work *work)
{
    aver_crl_free(work->root_list);
    aver_crl_free(work->pck_list);
    aver_certs_deinit(&work->certs);
    aver_ecdsa_key_free(work->signer_key);
    free(work->texts);
}

static bool work_has_root(const aver_dcap_work *work)
{
    for (size_t i = 0; i < work->certs.count; i++) {
        uint8_t digest[32];
        aver_cert_digest(&work->certs.list[i], digest);
        for (size_t j = 0; j < work->roots_count; j++) {
            if (memcmp(work->roots[j], digest, sizeof digest) == 0) {
                return true;
            }
        }
    }
    return false;
}

aver_err aver_dcap_work_path(aver_dcap_work *work, size_t leaf, aver_x509_result *ret_path)
{
    const aver_x509_options options = {
        .roots = {.pinned = (const uint8_t(*)[32])work->roots, .pinned_count = work->roots_count},
        .time_s = work->input->time_s};
    return aver_x509_judge(&work->certs, leaf, &options, ret_path);
}

aver_err aver_dcap_work_key(const aver_cert *cert, aver_ecdsa_key **ret_key)
{
    aver_curve curve = AVER_CURVE_P256;
    aver_view point;
    aver_err err = aver_cert_ec_point(cert, &curve, &point);
    if (err == AVER_OK && curve != AVER_CURVE_P256) {
        err = AVER_E_UNSUPPORTED;
    }
    return err == AVER_OK ? aver_ecdsa_key_new(curve, point, ret_key) : err;
}

void aver_dcap_pck_free(void *value)
{
    aver_dcap_pck *pck = value;
    if (pck != NULL) {
        aver_ecdsa_key_free(pck->key);
        aver_ecdsa_key_free(pck->attestation);
        free(pck);
    }
}

static aver_err pck_name(const aver_cert *cert, const char *wanted, bool *ret_same)
{
    char name[64];
    aver_err err = aver_cert_common_name(cert, name, sizeof name);
    *ret_same = err == AVER_OK && strcmp(name, wanted) == 0;
    return err == AVER_E_NOMEM ? err : AVER_OK;
}

/* Which of Intel's two authorities issued it; the issuer is known where the path is good. */
static aver_err pck_authority(const aver_dcap_work *work, aver_dcap_pck *pck)
{
    bool platform = false;
    bool processor = false;
    if (work->pck_path.chain_count < 2) {
        return AVER_OK;
    }
    aver_err err = pck_name(work->pck_path.chain[1], "Intel SGX PCK Platform CA", &platform);
    if (err == AVER_OK) {
        err = pck_name(work->pck_path.chain[1], "Intel SGX PCK Processor CA", &processor);
    }
    pck->info.ca = platform    ? AVER_DCAP_CA_PLATFORM
                   : processor ? AVER_DCAP_CA_PROCESSOR
                               : AVER_DCAP_CA_UNKNOWN;
    return err;
}

static aver_err pck_judge_names(const aver_dcap_work *work, const aver_cert *leaf,
                                aver_dcap_pck *pck)
{
    bool named = false;
    aver_err err = pck_name(leaf, "Intel SGX PCK Certificate", &named);
    if (err == AVER_OK) {
        err = pck_authority(work, pck);
    }
    if (err != AVER_OK) {
        return err;
    }
    if (!named) {
        aver_dcap_bad(&pck->named, AVER_REASON_KEY_MISMATCH,
                      "the first certificate is not named as a PCK certificate");
    } else if (work->pck_path.chain_count > 0 && pck->info.ca == AVER_DCAP_CA_UNKNOWN) {
        aver_dcap_bad(&pck->named, AVER_REASON_KEY_MISMATCH,
                      "its issuer is neither the platform nor the processor CA");
    } else {
        aver_dcap_good(&pck->named);
    }
    return AVER_OK;
}

static aver_err pck_judge_leaf(const aver_dcap_work *work, const aver_cert *leaf,
                               aver_dcap_pck *pck)
{
    char why[AVER_DCAP_WHY_BYTES] = "";
    aver_view extension;
    aver_cert_digest(leaf, pck->info.sha256);
    aver_err err = pck_judge_names(work, leaf, pck);
    if (err != AVER_OK) {
        return err;
    }
    err = aver_cert_extension(leaf, "1.2.840.113741.1.13.1", &extension);
    if (err == AVER_OK) {
        err = aver_dcap_extension_read(extension, &pck->info, why);
    }
    if (err == AVER_E_ABSENT || err == AVER_E_FORMAT) {
        aver_dcap_bad(&pck->named, AVER_REASON_MALFORMED, "%s",
                      why[0] != '\0' ? why : "the certificate has no SGX extension, or two");
    } else if (err != AVER_OK) {
        return err;
    }
    err = aver_dcap_work_key(leaf, &pck->key);
    if (err == AVER_E_UNSUPPORTED || err == AVER_E_FORMAT) {
        aver_dcap_bad(&pck->named, AVER_REASON_MALFORMED, "its key is not one of P-256");
        err = AVER_OK;
    }
    return err;
}

aver_err aver_dcap_pck_open(aver_dcap_work *work, aver_view pem, aver_dcap_pck *pck, bool *ret_read)
{
    size_t leaf = 0;
    aver_err err = aver_dcap_work_certs(work, pem, &leaf);
    if (err == AVER_E_FORMAT || err == AVER_E_LIMIT) {
        *ret_read = false;
        return AVER_OK;
    }
    if (err == AVER_OK && !work_has_root(work) && work->input->roots.given_count > 0) {
        err = work_roots(work, true);
    }
    if (err == AVER_OK) {
        err = aver_dcap_work_path(work, leaf, &work->pck_path);
    }
    if (err == AVER_OK) {
        const aver_x509_result *path = &work->pck_path;
        pck->path = (aver_dcap_window){path->not_before_s, path->not_after_s};
        pck->path_count = path->chain_count;
        if (path->chain_count > 0) {
            aver_cert_digest(path->chain[path->chain_count - 1], pck->root);
        }
        err = pck_judge_leaf(work, &work->certs.list[leaf], pck);
    }
    *ret_read = err == AVER_OK;
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

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

void aver_dcap_window_cut(aver_dcap_window *window, uint64_t from_s, uint64_t to_s)
{
    window->from_s = from_s > window->from_s ? from_s : window->from_s;
    window->to_s = to_s < window->to_s ? to_s : window->to_s;
}

bool aver_dcap_window_holds(const aver_dcap_window *window, uint64_t time_s)
{
    return time_s >= window->from_s && time_s <= window->to_s;
}

aver_err aver_dcap_work_open(const aver_attest_input *input, aver_dcap_work *ret_work)
{
    *ret_work = (aver_dcap_work){.input = input};
    aver_certs_init(&ret_work->certs);
    aver_buf_init(&ret_work->root_list, AVER_CRL_BYTES_MAX);
    aver_buf_init(&ret_work->pck_list, AVER_CRL_BYTES_MAX);
    aver_err err = aver_family_roots_open(&input->roots, pck_roots,
                                          sizeof pck_roots / sizeof pck_roots[0], &ret_work->roots);
    ret_work->has_roots = err == AVER_OK;
    return err;
}

void aver_dcap_work_close(aver_dcap_work *work)
{
    if (work->has_roots) {
        aver_family_roots_close(&work->roots);
    }
    aver_certs_deinit(&work->certs);
    json_decref(work->json);
    aver_buf_deinit(&work->root_list);
    aver_buf_deinit(&work->pck_list);
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

aver_err aver_dcap_work_path(aver_dcap_work *work, size_t leaf, aver_x509_result *ret_path)
{
    const aver_x509_options options = {.roots = work->roots.roots, .time_s = work->input->time_s};
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509.h"

#include "codec/date.h"
#include "codec/der.h"
#include "crypto/x509_time.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct aver_crl {
    X509_CRL *x509;
    const X509 *verified; /* the issuer under which its signature held, or NULL */
    uint64_t from_s, to_s;
};

static aver_err crl_parse(aver_view der, X509_CRL **ret_crl)
{
    if (der.size > AVER_CRL_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_err err = aver_der_check(der);
    if (err != AVER_OK) {
        return err;
    }
    const unsigned char *at = der.data;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.size);
    bool no_memory = crl == NULL && ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
    ERR_clear_error();
    if (crl == NULL || at != der.data + der.size) {
        X509_CRL_free(crl);
        return no_memory ? AVER_E_NOMEM : AVER_E_FORMAT;
    }
    *ret_crl = crl;
    return AVER_OK;
}

static aver_err crl_read(aver_view bytes, X509_CRL **ret_crl)
{
    if (bytes.size > 0 && bytes.data[0] == 0x30) {
        return crl_parse(bytes, ret_crl);
    }
    aver_buf der;
    bool more = false;
    aver_buf_init(&der, AVER_CRL_BYTES_MAX);
    aver_err err = aver_pem_next(&bytes, "X509 CRL", &more, &der);
    if (err == AVER_OK && !more) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        bool surplus = false;
        aver_buf none;
        aver_buf_init(&none, 1);
        aver_view rest = bytes;
        if (aver_pem_next(&rest, "X509 CRL", &surplus, &none) != AVER_OK || surplus) {
            err = AVER_E_FORMAT;
        }
        aver_buf_deinit(&none);
    }
    if (err == AVER_OK) {
        err = crl_parse(aver_buf_view(&der), ret_crl);
    }
    aver_buf_deinit(&der);
    return err;
}

/* Lists of a part of the certificates, or of changes, would be read as whole ones. */
static bool crl_is_whole(const X509_CRL *crl)
{
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
        if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i))) {
            return false;
        }
    }
    return true;
}

static aver_path crl_bad(aver_path path, char ret_why[AVER_X509_WHY_BYTES], const char *why)
{
    (void)snprintf(ret_why, AVER_X509_WHY_BYTES, "revocation list: %s", why);
    return path;
}

static aver_path crl_judge_times(aver_crl *crl, uint64_t time_s, char ret_why[AVER_X509_WHY_BYTES])
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl->x509);
    if (!aver_asn1_time_read(X509_CRL_get0_lastUpdate(crl->x509), &crl->from_s) || next == NULL ||
        !aver_asn1_time_read(next, &crl->to_s)) {
        return crl_bad(AVER_PATH_BAD_CRL, ret_why, "its dates cannot be read");
    }
    if (time_s < crl->from_s || time_s > crl->to_s) {
        bool early = time_s < crl->from_s;
        char date[21];
        char why[64];
        aver_date_write(early ? crl->from_s : crl->to_s, date);
        (void)snprintf(why, sizeof why, "it is valid %s %s", early ? "from" : "until", date);
        return crl_bad(AVER_PATH_EXPIRED, ret_why, why);
    }
    return AVER_PATH_GOOD;
}

static aver_path crl_judge_path(X509_CRL *crl, const aver_x509_result *path, size_t issuer,
                                bool ret_covered[AVER_CERTS_MAX + 1],
                                char ret_why[AVER_X509_WHY_BYTES])
{
    /* Only the one below: a path has one certificate of each issuer, and a root may list itself. */
    for (size_t i = issuer == 0 ? 0 : issuer - 1; i < issuer; i++) {
        X509_REVOKED *entry = NULL;
        X509 *x509 = path->chain[i]->x509;
        ret_covered[i] = true;
        if (X509_CRL_get0_by_serial(crl, &entry, X509_get_serialNumber(x509)) != 0) {
            (void)snprintf(ret_why, AVER_X509_WHY_BYTES,
                           "certificate %zu from the leaf is on its issuer's revocation list", i);
            return AVER_PATH_REVOKED;
        }
    }
    return AVER_PATH_GOOD;
}

/* The entry of the path that the list names as its issuer; chain_count if there is none. */
static size_t crl_find_issuer(const X509_CRL *crl, const aver_x509_result *path)
{
    for (size_t i = 0; i < path->chain_count; i++) {
        if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(path->chain[i]->x509)) ==
            0) {
            return i;
        }
    }
    return path->chain_count;
}

static bool crl_signed(aver_crl *crl, X509 *issuer)
{
    bool may_sign = (X509_get_extension_flags(issuer) & EXFLAG_KUSAGE) == 0 ||
                    (X509_get_key_usage(issuer) & KU_CRL_SIGN) != 0;
    if (crl->verified != issuer) {
        if (!may_sign || X509_CRL_verify(crl->x509, X509_get0_pubkey(issuer)) != 1) {
            ERR_clear_error();
            return false;
        }
        crl->verified = issuer;
    }
    return true;
}

static aver_path crl_judge_issued(aver_crl *crl, const aver_x509_result *path, size_t issuer,
                                  uint64_t time_s, bool ret_covered[AVER_CERTS_MAX + 1],
                                  char ret_why[AVER_X509_WHY_BYTES])
{
    if (!crl_signed(crl, path->chain[issuer]->x509)) {
        return crl_bad(AVER_PATH_BAD_CRL, ret_why, "it is not signed by the issuer that it names");
    }
    if (!crl_is_whole(crl->x509)) {
        return crl_bad(AVER_PATH_BAD_CRL, ret_why, "it has a critical extension");
    }
    aver_path judged = crl_judge_times(crl, time_s, ret_why);
    return judged == AVER_PATH_GOOD ? crl_judge_path(crl->x509, path, issuer, ret_covered, ret_why)
                                    : judged;
}

aver_err aver_crl_new(aver_view bytes, aver_crl **ret_crl)
{
    aver_crl *crl = calloc(1, sizeof *crl);
    if (crl == NULL) {
        return AVER_E_NOMEM;
    }
    aver_err err = crl_read(bytes, &crl->x509);
    if (err != AVER_OK) {
        free(crl);
        return err;
    }
    *ret_crl = crl;
    return AVER_OK;
}

void aver_crl_free(aver_crl *crl)
{
    if (crl != NULL) {
        X509_CRL_free(crl->x509);
        free(crl);
    }
}

aver_err aver_crl_judge(aver_crl *crl, const aver_x509_result *path, uint64_t time_s,
                        aver_path *ret_path, bool ret_covered[AVER_CERTS_MAX + 1],
                        char ret_why[AVER_X509_WHY_BYTES])
{
    size_t issuer = crl_find_issuer(crl->x509, path);
    if (issuer == path->chain_count) {
        return AVER_E_ABSENT;
    }
    ret_why[0] = '\0';
    *ret_path = crl_judge_issued(crl, path, issuer, time_s, ret_covered, ret_why);
    return AVER_OK;
}

void aver_crl_window(const aver_crl *crl, uint64_t *ret_from_s, uint64_t *ret_to_s)
{
    *ret_from_s = crl->from_s;
    *ret_to_s = crl->to_s;
}

aver_err aver_x509_revoked(aver_view bytes, const aver_x509_result *path, uint64_t time_s,
                           aver_path *ret_path, bool ret_covered[AVER_CERTS_MAX + 1],
                           char ret_why[AVER_X509_WHY_BYTES])
{
    aver_crl *crl = NULL;
    aver_err err = aver_crl_new(bytes, &crl);
    if (err == AVER_OK) {
        err = aver_crl_judge(crl, path, time_s, ret_path, ret_covered, ret_why);
    }
    aver_crl_free(crl);
    return err;
}

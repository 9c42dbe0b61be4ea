/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509.h"

#include "base/check.h"
#include "codec/date.h"
#include "crypto/x509_time.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* At least 112 bits of strength in keys and hashes: RSA 2048, no SHA-1. */
enum { PATH_SECURITY_LEVEL = 2 };

/* What one judgement needs, released together. */
typedef struct path_state {
    const aver_certs *certs;
    const aver_x509_options *options;
    X509_STORE *store;
    X509_STORE_CTX *context;
    STACK_OF(X509) * others;
    size_t roots_count;
} path_state;

static bool path_pinned(const aver_x509_roots *roots, const aver_cert *cert)
{
    uint8_t digest[32];
    aver_cert_digest(cert, digest);
    for (size_t i = 0; i < roots->pinned_count; i++) {
        if (memcmp(roots->pinned[i], digest, sizeof digest) == 0) {
            return true;
        }
    }
    return false;
}

static aver_err path_add_roots(path_state *state)
{
    const aver_x509_roots *roots = &state->options->roots;
    const aver_certs *from = roots->given != NULL ? roots->given : state->certs;
    AVER_ASSERT(roots->given == NULL || roots->pinned_count == 0);
    for (size_t i = 0; i < from->count; i++) {
        if (roots->given == NULL && !path_pinned(roots, &from->list[i])) {
            continue;
        }
        if (X509_STORE_add_cert(state->store, from->list[i].x509) != 1) {
            return AVER_E_NOMEM;
        }
        state->roots_count++;
    }
    return AVER_OK;
}

static bool path_critical_known(const X509 *x509, const char *const *known)
{
    for (int i = 0; i < X509_get_ext_count(x509); i++) {
        X509_EXTENSION *extension = X509_get_ext(x509, i);
        if (!X509_EXTENSION_get_critical(extension) || X509_supported_extension(extension)) {
            continue;
        }
        char oid[80];
        (void)OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(extension), 1);
        const char *const *name = known;
        while (name != NULL && *name != NULL && strcmp(*name, oid) != 0) {
            name++;
        }
        if (name == NULL || *name == NULL) {
            return false;
        }
    }
    return true;
}

/* The last second belongs to the validity (RFC 5280, 4.1.2.5); OpenSSL ends it a second before. */
static bool path_ends_now(const X509 *x509, uint64_t time_s)
{
    uint64_t not_after_s = 0;
    return aver_asn1_time_read(X509_get0_notAfter(x509), &not_after_s) && not_after_s == time_s;
}

/* A critical extension that the caller reads itself is no fault. */
static int path_callback(int good, X509_STORE_CTX *context)
{
    const path_state *state = X509_STORE_CTX_get_app_data(context);
    if (good == 0 && X509_STORE_CTX_get_error(context) == X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION &&
        path_critical_known(X509_STORE_CTX_get_current_cert(context),
                            state->options->critical_known)) {
        X509_STORE_CTX_set_error(context, X509_V_OK);
        return 1;
    }
    if (good == 0 && X509_STORE_CTX_get_error(context) == X509_V_ERR_CERT_HAS_EXPIRED &&
        path_ends_now(X509_STORE_CTX_get_current_cert(context), state->options->time_s)) {
        X509_STORE_CTX_set_error(context, X509_V_OK);
        return 1;
    }
    return good;
}

static aver_err path_open(path_state *state, size_t leaf)
{
    state->store = X509_STORE_new();
    state->context = X509_STORE_CTX_new();
    state->others = sk_X509_new_null();
    if (state->store == NULL || state->context == NULL || state->others == NULL) {
        return AVER_E_NOMEM;
    }
    for (size_t i = 0; i < state->certs->count; i++) {
        if (i != leaf && sk_X509_push(state->others, state->certs->list[i].x509) == 0) {
            return AVER_E_NOMEM;
        }
    }
    aver_err err = path_add_roots(state);
    if (err == AVER_OK && (X509_STORE_CTX_init(state->context, state->store,
                                               state->certs->list[leaf].x509, state->others) != 1 ||
                           X509_STORE_CTX_set_app_data(state->context, state) != 1)) {
        err = AVER_E_NOMEM;
    }
    if (err == AVER_OK) {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(state->context);
        X509_VERIFY_PARAM_set_time(param, (time_t)state->options->time_s);
        X509_VERIFY_PARAM_set_depth(param, AVER_CERTS_MAX);
        X509_VERIFY_PARAM_set_auth_level(param, PATH_SECURITY_LEVEL);
        X509_STORE_CTX_set_verify_cb(state->context, path_callback);
    }
    return err;
}

static void path_close(path_state *state)
{
    X509_STORE_CTX_free(state->context);
    X509_STORE_free(state->store);
    sk_X509_free(state->others);
    ERR_clear_error();
}

static const aver_cert *path_find(const aver_certs *certs, const X509 *x509)
{
    for (size_t i = 0; certs != NULL && i < certs->count; i++) {
        if (certs->list[i].x509 == x509) {
            return &certs->list[i];
        }
    }
    return NULL;
}

static void path_bad(aver_x509_result *result, aver_path path, int depth, const char *why)
{
    result->path = path;
    result->chain_count = 0;
    (void)snprintf(result->why, sizeof result->why, "certificate %d from the leaf: %s", depth, why);
}

/* Issuers say so themselves: a version 1 certificate, which OpenSSL lets pass as a root, may not
 * issue here. */
static bool path_is_ca(const X509 *x509)
{
    X509 *writable = (X509 *)(uintptr_t)x509;
    uint32_t flags = X509_get_extension_flags(writable);
    bool certifies =
        (flags & EXFLAG_KUSAGE) == 0 || (X509_get_key_usage(writable) & KU_KEY_CERT_SIGN) != 0;
    return (flags & EXFLAG_CA) != 0 && (flags & EXFLAG_BCONS) != 0 && certifies;
}

static void path_take_chain(const path_state *state, aver_x509_result *result)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(state->context);
    result->not_before_s = 0;
    result->not_after_s = UINT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        const X509 *x509 = sk_X509_value(chain, i);
        const aver_cert *cert = path_find(state->certs, x509);
        cert = cert != NULL ? cert : path_find(state->options->roots.given, x509);
        AVER_ASSERT(cert != NULL && result->chain_count <= AVER_CERTS_MAX);
        if (i > 0 && !path_is_ca(x509)) {
            path_bad(result, AVER_PATH_UNTRUSTED, i, "it is no certificate authority");
            return;
        }
        result->chain[result->chain_count++] = cert;
        result->not_before_s =
            cert->not_before_s > result->not_before_s ? cert->not_before_s : result->not_before_s;
        result->not_after_s =
            cert->not_after_s < result->not_after_s ? cert->not_after_s : result->not_after_s;
    }
    result->path = AVER_PATH_GOOD;
}

static bool path_error_is_time(int error)
{
    return error == X509_V_ERR_CERT_NOT_YET_VALID || error == X509_V_ERR_CERT_HAS_EXPIRED;
}

/* With the date, which says how far off it is. */
static void path_out_of_time(const path_state *state, int error, aver_x509_result *result)
{
    const X509 *x509 = X509_STORE_CTX_get_current_cert(state->context);
    const aver_cert *cert = path_find(state->certs, x509);
    bool early = error == X509_V_ERR_CERT_NOT_YET_VALID;
    char date[21] = "";
    char why[64];
    cert = cert != NULL ? cert : path_find(state->options->roots.given, x509);
    if (cert != NULL) {
        aver_date_write(early ? cert->not_before_s : cert->not_after_s, date);
    }
    (void)snprintf(why, sizeof why, "it is valid %s %s", early ? "from" : "until", date);
    path_bad(result, AVER_PATH_EXPIRED, X509_STORE_CTX_get_error_depth(state->context), why);
}

aver_err aver_x509_judge(const aver_certs *certs, size_t leaf, const aver_x509_options *options,
                         aver_x509_result *ret_result)
{
    path_state state = {.certs = certs, .options = options};
    aver_x509_result result = {.path = AVER_PATH_UNTRUSTED};
    AVER_ASSERT(leaf < certs->count);
    aver_err err = path_open(&state, leaf);
    if (err == AVER_OK && state.roots_count == 0) {
        (void)snprintf(result.why, sizeof result.why, "none of %zu certificates is a trusted root",
                       certs->count);
    } else if (err == AVER_OK) {
        int verified = X509_verify_cert(state.context);
        int error = X509_STORE_CTX_get_error(state.context);
        if (verified == 1) {
            path_take_chain(&state, &result);
        } else if (error == X509_V_ERR_OUT_OF_MEM || error == X509_V_ERR_UNSPECIFIED ||
                   error == X509_V_OK) {
            err = AVER_E_NOMEM;
        } else if (path_error_is_time(error)) {
            path_out_of_time(&state, error, &result);
        } else {
            path_bad(&result, AVER_PATH_UNTRUSTED, X509_STORE_CTX_get_error_depth(state.context),
                     X509_verify_cert_error_string(error));
        }
    }
    path_close(&state);
    if (err == AVER_OK) {
        *ret_result = result;
    }
    return err;
}

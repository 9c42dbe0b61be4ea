/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

enum { CHAIN_CERTIFICATES_MAX = 8 };

/* A file from outside must not make the library ask the terminal for a password. */
static int chain_no_password(char *buf, int size, int writing, void *context)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static aver_err chain_parse(aver_view pem, STACK_OF(X509) * chain)
{
    if (pem.size > AVER_TLS_CHAIN_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    aver_err err = bio ? AVER_OK : AVER_E_NOMEM;
    while (err == AVER_OK) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, chain_no_password, NULL);
        if (!certificate) {
            break;
        }
        if (sk_X509_num(chain) == CHAIN_CERTIFICATES_MAX) {
            err = AVER_E_LIMIT;
        } else if (sk_X509_push(chain, certificate) > 0) {
            certificate = NULL;
        } else {
            err = AVER_E_NOMEM;
        }
        X509_free(certificate);
    }
    BIO_free(bio);
    /* At the end of the file there is no further beginning; anything else is a broken piece. */
    unsigned long last = ERR_peek_last_error();
    if (err == AVER_OK && (sk_X509_num(chain) == 0 || ERR_GET_LIB(last) != ERR_LIB_PEM ||
                           ERR_GET_REASON(last) != PEM_R_NO_START_LINE)) {
        err = AVER_E_FORMAT;
    }
    ERR_clear_error();
    return err;
}

static aver_err chain_key_check(const X509 *leaf, const aver_tls_key *key)
{
    uint8_t wanted[32], found[32];
    unsigned char *der = NULL;
    int size = i2d_X509(leaf, &der);
    aver_err err = size > 0 ? aver_tls_certificate_digest(aver_view_make(der, (size_t)size), found)
                            : AVER_E_FORMAT;
    OPENSSL_free(der);
    aver_tls_key_digest(key, wanted);
    if (err == AVER_OK && memcmp(found, wanted, sizeof(found)) != 0) {
        err = AVER_E_PROOF;
    }
    return err;
}

static aver_err chain_time_check(const X509 *leaf, uint64_t *ret_until_ms)
{
    struct tm until;
    if (X509_cmp_current_time(X509_get0_notBefore(leaf)) >= 0 ||
        X509_cmp_current_time(X509_get0_notAfter(leaf)) <= 0) {
        return AVER_E_UNSUPPORTED;
    }
    if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &until) != 1) {
        return AVER_E_FORMAT;
    }
    *ret_until_ms = (uint64_t)timegm(&until) * 1000;
    return AVER_OK;
}

aver_err aver_tls_server_chain(struct ssl_ctx_st *tls, const aver_tls_key *key, aver_view pem,
                               uint64_t *ret_until_ms)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    if (!chain) {
        return AVER_E_NOMEM;
    }
    uint64_t until_ms = 0;
    aver_err err = chain_parse(pem, chain);
    X509 *leaf = err == AVER_OK ? sk_X509_shift(chain) : NULL;
    if (err == AVER_OK) {
        err = chain_key_check(leaf, key);
    }
    if (err == AVER_OK) {
        err = chain_time_check(leaf, &until_ms);
    }
    if (err == AVER_OK) {
        err = aver_tls_server_present(tls, key, leaf, chain);
    }
    if (err == AVER_OK) {
        *ret_until_ms = until_ms;
    }
    X509_free(leaf);
    sk_X509_pop_free(chain, X509_free);
    return err;
}

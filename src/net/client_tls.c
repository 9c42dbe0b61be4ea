/* SPDX-License-Identifier: Apache-2.0 */
#include "net/client_tls.h"

#include "net/certificate.h"
#include "net/tls.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <string.h>

/* Calls on_certificate with the leaf's DER, and notes whose key it accepted. */
static bool client_certificate_judge(aver_client_tls *tls, X509 *leaf)
{
    unsigned char *der = NULL;
    int size = leaf ? i2d_X509(leaf, &der) : 0;
    bool accepted = false;
    if (size > 0 && tls->on_certificate) {
        aver_view view = aver_view_make(der, (size_t)size);
        accepted = aver_tls_certificate_digest(view, tls->digest) == AVER_OK &&
                   tls->on_certificate(view, tls->context) == AVER_OK;
    }
    OPENSSL_free(der);
    return accepted;
}

static int client_on_verify(X509_STORE_CTX *store, void *context)
{
    aver_client_tls *tls = context;
    tls->accepted = client_certificate_judge(tls, X509_STORE_CTX_get0_cert(store));
    tls->refused = !tls->accepted;
    X509_STORE_CTX_set_error(store,
                             tls->accepted ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    return tls->accepted ? 1 : 0;
}

static CURLcode client_on_context(CURL *curl, void *ssl_context, void *context)
{
    (void)curl;
    SSL_CTX *ssl = ssl_context;
    SSL_CTX_set_cert_verify_callback(ssl, client_on_verify, context);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    /* The certificate carries the evidence. */
    SSL_CTX_set_max_cert_list(ssl, AVER_CERTIFICATE_BYTES_MAX + 4096);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) == 1 ? CURLE_OK
                                                                   : CURLE_SSL_CONNECT_ERROR;
}

aver_err aver_client_tls_setup(aver_client_tls *tls, void *curl)
{
    CURLcode failed = CURLE_OK;
    failed |= curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    failed |= curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    failed |= curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    failed |= curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    failed |= curl_easy_setopt(curl, CURLOPT_SSL_ENABLE_ALPN, 0L);
    failed |= curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
    failed |= curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    failed |= curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, client_on_context);
    failed |= curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, tls);
    return failed == CURLE_OK ? AVER_OK : AVER_E_UNSUPPORTED;
}

/*
 * libcurl frees the method of its BIO together with its connection, so a reference of ours would
 * outlive what it needs. The pointer is borrowed instead, and forgotten when OpenSSL tells that it
 * ends.
 */
static int client_ssl_index = -1;
static pthread_once_t client_ssl_once = PTHREAD_ONCE_INIT;

static void client_on_ssl_free(void *parent, void *value, CRYPTO_EX_DATA *data, int index,
                               long argl, void *argp)
{
    aver_client_tls *tls = value;
    (void)data;
    (void)index;
    (void)argl;
    (void)argp;
    if (tls && tls->ssl == parent) {
        tls->ssl = NULL;
    }
}

static void client_ssl_index_make(void)
{
    client_ssl_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, client_on_ssl_free);
}

void aver_client_tls_drop(aver_client_tls *tls)
{
    if (tls->ssl) {
        (void)SSL_set_ex_data(tls->ssl, client_ssl_index, NULL);
    }
    tls->ssl = NULL;
}

aver_err aver_client_tls_adopt(aver_client_tls *tls, void *curl)
{
    struct curl_tlssessioninfo *info = NULL;
    uint8_t digest[32];
    aver_client_tls_drop(tls);
    if (curl_easy_getinfo(curl, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || !info ||
        !info->internals) {
        tls->refused = tls->required;
        return tls->required ? AVER_E_PROOF : AVER_OK;
    }
    SSL *ssl = info->internals;
    (void)pthread_once(&client_ssl_once, client_ssl_index_make);
    if (client_ssl_index < 0 || SSL_set_ex_data(ssl, client_ssl_index, tls) != 1) {
        return AVER_E_CRYPTO;
    }
    tls->ssl = ssl;
    if (SSL_version(ssl) != TLS1_3_VERSION || !tls->accepted ||
        aver_client_tls_digest(tls, digest) != AVER_OK ||
        memcmp(digest, tls->digest, sizeof(digest)) != 0) {
        tls->refused = true;
        return AVER_E_PROOF;
    }
    return AVER_OK;
}

aver_err aver_client_tls_digest(const aver_client_tls *tls, uint8_t ret_digest[static 32])
{
    unsigned char *der = NULL;
    X509 *leaf = tls->ssl ? SSL_get0_peer_certificate(tls->ssl) : NULL;
    int size = leaf ? i2d_X509(leaf, &der) : 0;
    if (size <= 0) {
        return AVER_E_ABSENT;
    }
    aver_err err = aver_tls_certificate_digest(aver_view_make(der, (size_t)size), ret_digest);
    OPENSSL_free(der);
    return err;
}

aver_err aver_client_tls_issuer(const aver_client_tls *tls, aver_buf *ret_der)
{
    unsigned char *der = NULL;
    const STACK_OF(X509) *chain = tls->ssl ? SSL_get_peer_cert_chain(tls->ssl) : NULL;
    int size = chain && sk_X509_num(chain) > 1 ? i2d_X509(sk_X509_value(chain, 1), &der) : 0;
    if (size <= 0) {
        return AVER_E_ABSENT;
    }
    aver_err err = aver_buf_reserve(ret_der, (size_t)size);
    if (err == AVER_OK) {
        aver_buf_append(ret_der, aver_view_make(der, (size_t)size));
    }
    OPENSSL_free(der);
    return err;
}

aver_err aver_client_tls_export(const aver_client_tls *tls, const char *label, aver_view context,
                                uint8_t *ret_bytes, size_t size)
{
    if (!tls->ssl) {
        return AVER_E_ABSENT;
    }
    if (SSL_export_keying_material(tls->ssl, ret_bytes, size, label, strlen(label), context.data,
                                   context.size, 1) != 1) {
        return AVER_E_CRYPTO;
    }
    return AVER_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include "base/log.h"
#include "codec/text.h"
#include "crypto/hash.h"
#include "crypto/ossl.h"
#include "net/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TLS_AUTHORITY_DIGEST_BYTES = 8 };

struct aver_tls_key {
    EVP_PKEY *pkey;
    uint8_t digest[32];
    X509 *authority; /* NULL: certificates are self-signed */
    char *names[AVER_TLS_NAMES_MAX];
    size_t names_count;
};

static aver_err tls_fail(const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    aver_log(AVER_LOG_ERROR, "net.tls", "%s: %s", what, reason ? reason : "refused");
    ERR_clear_error();
    return AVER_E_CRYPTO;
}

aver_err aver_tls_key_new(aver_tls_key **ret_key)
{
    aver_err err = AVER_E_CRYPTO;
    unsigned char *der = NULL;
    aver_tls_key *key = calloc(1, sizeof(*key));
    if (!key) {
        return AVER_E_NOMEM;
    }
    aver_ossl_secure_heap();
    key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    int size = key->pkey ? i2d_PUBKEY(key->pkey, &der) : 0;
    if (size <= 0) {
        err = tls_fail("key generation");
        goto out;
    }
    aver_sha256_of(aver_view_make(der, (size_t)size), key->digest);
    *ret_key = key;
    key = NULL;
    err = AVER_OK;
out:
    OPENSSL_free(der);
    aver_tls_key_free(key);
    return err;
}

void aver_tls_key_free(aver_tls_key *key)
{
    if (key) {
        for (size_t i = 0; i < key->names_count; i++) {
            free(key->names[i]);
        }
        X509_free(key->authority);
        EVP_PKEY_free(key->pkey);
        free(key);
    }
}

void aver_tls_key_digest(const aver_tls_key *key, uint8_t ret_digest[static 32])
{
    memcpy(ret_digest, key->digest, sizeof(key->digest));
}

bool aver_tls_name_valid(const char *name)
{
    return aver_certificate_name_valid(name);
}

static aver_err tls_names_copy(aver_tls_key *key, const char *const *names, size_t count)
{
    if (count > AVER_TLS_NAMES_MAX || key->names_count > 0) {
        return AVER_E_USAGE;
    }
    for (size_t i = 0; i < count; i++) {
        if (!aver_certificate_name_valid(names[i])) {
            return AVER_E_USAGE;
        }
        key->names[i] = strdup(names[i]);
        if (!key->names[i]) {
            return AVER_E_NOMEM;
        }
        key->names_count = i + 1;
    }
    return AVER_OK;
}

static aver_certificate_names tls_names(const aver_tls_key *key)
{
    return (aver_certificate_names){(const char *const *)key->names, key->names_count};
}

aver_err aver_tls_key_certify(aver_tls_key *key, const char *const *names, size_t names_count)
{
    char digest[2 * TLS_AUTHORITY_DIGEST_BYTES + 1];
    char common_name[64];
    aver_err err = tls_names_copy(key, names, names_count);
    if (err != AVER_OK) {
        return err;
    }
    /* No two authorities of one name: a client may trust several. */
    aver_hex_encode(aver_view_make(key->digest, TLS_AUTHORITY_DIGEST_BYTES), digest);
    (void)snprintf(common_name, sizeof(common_name), "aver node %s", digest);
    const aver_certificate_names list = tls_names(key);
    return aver_certificate_authority_new(key->pkey, common_name, &list, &key->authority);
}

aver_err aver_tls_key_request(const aver_tls_key *key, const char *const *names, size_t names_count,
                              aver_buf *ret_pem)
{
    const aver_certificate_names list = {names, names_count};
    return aver_certificate_request(key->pkey, &list, ret_pem);
}

/* The authority of the key as what is sent behind the leaf; NULL if there is none, or no memory. */
static STACK_OF(X509) * tls_authority_chain(const aver_tls_key *key)
{
    STACK_OF(X509) *chain = key->authority ? sk_X509_new_null() : NULL;
    if (chain && X509_up_ref(key->authority) == 1 && sk_X509_push(chain, key->authority) <= 0) {
        X509_free(key->authority);
    }
    return chain;
}

aver_err aver_tls_server_present(struct ssl_ctx_st *tls, const aver_tls_key *key,
                                 struct x509_st *leaf, struct stack_st_X509 *chain)
{
    return SSL_CTX_use_cert_and_key(tls, leaf, key->pkey, chain, 1) == 1 ? AVER_OK
                                                                         : tls_fail("certificate");
}

aver_err aver_tls_server_renew(struct ssl_ctx_st *tls, const aver_tls_key *key,
                               const char *common_name, aver_view cmw)
{
    X509 *certificate = NULL;
    const aver_certificate_names names = tls_names(key);
    aver_err err = key->authority ? aver_certificate_issue(key->pkey, key->authority, &names,
                                                           common_name, cmw, &certificate)
                                  : aver_certificate_new(key->pkey, common_name, cmw, &certificate);
    STACK_OF(X509) *chain = tls_authority_chain(key);
    if (err == AVER_OK) {
        err = aver_tls_server_present(tls, key, certificate, chain);
    }
    sk_X509_pop_free(chain, X509_free);
    X509_free(certificate);
    return err;
}

/* TLS 1.3 alone; tickets, but no early data; a body's end without close_notify is never an end. */
static bool tls_server_setup(SSL_CTX *tls)
{
    static const unsigned char session_context[] = "aver";
    char groups[] = "X25519:P-256"; /* the library's macro drops const */
    SSL_CTX_set_options(tls, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(tls, 1);
    return SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(tls, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_ciphersuites(tls, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:"
                                         "TLS_CHACHA20_POLY1305_SHA256") == 1 &&
           SSL_CTX_set1_groups_list(tls, groups) == 1 && SSL_CTX_set_max_early_data(tls, 0) == 1 &&
           SSL_CTX_set_num_tickets(tls, 1) == 1 &&
           SSL_CTX_set_session_id_context(tls, session_context, sizeof(session_context) - 1) == 1;
}

aver_err aver_tls_server_new(const aver_tls_key *key, const char *common_name, aver_view cmw,
                             struct ssl_ctx_st **ret_tls)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (!tls) {
        return AVER_E_NOMEM;
    }
    aver_err err = tls_server_setup(tls) ? AVER_OK : tls_fail("context");
    if (err == AVER_OK) {
        err = aver_tls_server_renew(tls, key, common_name, cmw);
    }
    if (err != AVER_OK) {
        SSL_CTX_free(tls);
        return err;
    }
    *ret_tls = tls;
    return AVER_OK;
}

void aver_tls_free(struct ssl_ctx_st *tls)
{
    SSL_CTX_free(tls);
}

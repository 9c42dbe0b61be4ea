/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pki.h"

#include "base/check.h"
#include "crypto/ecdsa.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { PKI_CERT_BYTES_MAX = 8192, PKI_CRL_BYTES_MAX = 1 << 20, DAY_S = 86400 };

EVP_PKEY *pki_key(size_t number, pki_kind kind)
{
    static EVP_PKEY *keys[PKI_KEYS_MAX][PKI_RSA4096 + 1];
    AVER_ASSERT(number < PKI_KEYS_MAX);
    EVP_PKEY **key = &keys[number][kind];
    if (*key == NULL) {
        *key = kind == PKI_P256      ? EVP_EC_gen("P-256")
               : kind == PKI_P384    ? EVP_EC_gen("P-384")
               : kind == PKI_P521    ? EVP_EC_gen("P-521")
               : kind == PKI_RSA2048 ? EVP_RSA_gen(2048)
                                     : EVP_RSA_gen(4096);
        AVER_ASSERT(*key != NULL);
    }
    return *key;
}

size_t pki_point(EVP_PKEY *key, uint8_t ret_point[132])
{
    uint8_t octets[133];
    size_t size = 0;
    AVER_ASSERT(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets,
                                                &size) == 1 &&
                size > 1);
    /* Keys that were read may give the point compressed; made ones do not. */
    AVER_ASSERT(octets[0] == 4);
    memcpy(ret_point, octets + 1, size - 1);
    return size - 1;
}

static void pki_add(X509 *cert, const char *name, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf(NULL, NULL, name, value);
    AVER_ASSERT(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static void pki_add_raw(X509 *cert, const pki_extension *raw)
{
    ASN1_OBJECT *object = OBJ_txt2obj(raw->oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    AVER_ASSERT(object != NULL && value != NULL &&
                ASN1_OCTET_STRING_set(value, raw->value.data, (int)raw->value.size) == 1);
    X509_EXTENSION *extension =
        X509_EXTENSION_create_by_OBJ(NULL, object, raw->critical ? 1 : 0, value);
    AVER_ASSERT(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

static void pki_extend(X509 *cert, const pki_options *options)
{
    if (options->ca) {
        char text[40];
        (void)snprintf(text, sizeof text,
                       options->path_length >= 0 ? "critical,CA:TRUE,pathlen:%ld"
                                                 : "critical,CA:TRUE",
                       options->path_length);
        pki_add(cert, "basicConstraints", text);
    }
    if (!options->no_usage) {
        bool signs = options->ca != options->wrong_usage;
        pki_add(cert, "keyUsage",
                signs ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    }
    for (const pki_extension *raw = options->extensions; raw != NULL && raw->oid != NULL; raw++) {
        pki_add_raw(cert, raw);
    }
}

static void pki_name(X509_NAME *name, const char *text)
{
    AVER_ASSERT(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)text,
                                           -1, -1, 0) == 1);
}

static const EVP_MD *pki_digest(EVP_PKEY *key, bool sha1)
{
    return sha1 ? EVP_sha1() : EVP_PKEY_get_bits(key) == 256 ? EVP_sha256() : EVP_sha384();
}

/* A signing context; the caller frees it. */
static EVP_MD_CTX *pki_signer(EVP_PKEY *key, bool pss, bool sha1)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    AVER_ASSERT(context != NULL &&
                EVP_DigestSignInit(context, &parameters, pki_digest(key, sha1), NULL, key) == 1);
    if (pss) {
        AVER_ASSERT(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                    EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 48) == 1);
    }
    return context;
}

static void pki_keep(X509 *cert, aver_buf *out)
{
    unsigned char *der = NULL;
    int size = i2d_X509(cert, &der);
    AVER_ASSERT(size > 0);
    aver_buf_append(out, aver_view_make(der, (size_t)size));
    AVER_ASSERT(aver_buf_status(out) == AVER_OK);
    OPENSSL_free(der);
}

static X509 *pki_open(const pki_cert *cert)
{
    const unsigned char *at = cert->der.data;
    X509 *x509 = d2i_X509(NULL, &at, (long)cert->der.size);
    AVER_ASSERT(x509 != NULL);
    return x509;
}

pki_cert pki_cert_make(const pki_options *options)
{
    pki_cert made = {.key = options->key};
    uint64_t from_s = options->from_s != 0 ? options->from_s : PKI_NOW_S - PKI_YEAR_S;
    uint64_t to_s = options->to_s != 0 ? options->to_s : PKI_NOW_S + PKI_YEAR_S;
    EVP_PKEY *signer = options->issuer != NULL ? options->issuer->key : options->key;
    X509 *cert = X509_new();
    AVER_ASSERT(cert != NULL && X509_set_version(cert, options->version1 ? 0 : 2) == 1 &&
                ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert),
                                        options->serial != 0 ? options->serial : 1) == 1 &&
                ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from_s) != NULL &&
                ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)to_s) != NULL &&
                X509_set_pubkey(cert, options->key) == 1);
    pki_name(X509_get_subject_name(cert), options->name);
    if (options->issuer != NULL) {
        X509 *issuer = pki_open(options->issuer);
        AVER_ASSERT(X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1);
        X509_free(issuer);
    } else {
        pki_name(X509_get_issuer_name(cert), options->name);
    }
    if (!options->version1) {
        pki_extend(cert, options);
    }
    EVP_MD_CTX *context = pki_signer(signer, options->pss, options->sha1);
    AVER_ASSERT(X509_sign_ctx(cert, context) > 0);
    EVP_MD_CTX_free(context);
    aver_buf_init(&made.der, PKI_CERT_BYTES_MAX);
    pki_keep(cert, &made.der);
    X509_free(cert);
    return made;
}

void pki_cert_deinit(pki_cert *cert)
{
    aver_buf_deinit(&cert->der);
}

void pki_pem(const pki_cert *cert, aver_buf *out)
{
    X509 *x509 = pki_open(cert);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    AVER_ASSERT(bio != NULL && PEM_write_bio_X509(bio, x509) == 1);
    long size = BIO_get_mem_data(bio, &text);
    aver_buf_append(out, aver_view_make(text, (size_t)size));
    AVER_ASSERT(aver_buf_status(out) == AVER_OK);
    BIO_free(bio);
    X509_free(x509);
}

static void pki_revoke(X509_CRL *crl, uint64_t serial, uint64_t at_s)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)at_s);
    AVER_ASSERT(entry != NULL && number != NULL && time != NULL &&
                ASN1_INTEGER_set_uint64(number, serial) == 1 &&
                X509_REVOKED_set_serialNumber(entry, number) == 1 &&
                X509_REVOKED_set_revocationDate(entry, time) == 1 &&
                X509_CRL_add0_revoked(crl, entry) == 1);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(time);
}

static void pki_crl_critical(X509_CRL *crl)
{
    static const unsigned char value[] = {0x05, 0x00};
    ASN1_OBJECT *object = OBJ_txt2obj("1.2.3.4", 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    AVER_ASSERT(object != NULL && octets != NULL &&
                ASN1_OCTET_STRING_set(octets, value, sizeof value) == 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, octets);
    AVER_ASSERT(extension != NULL && X509_CRL_add_ext(crl, extension, -1) == 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
}

void pki_crl(const pki_crl_options *options, aver_buf *out)
{
    uint64_t from_s = options->from_s != 0 ? options->from_s : PKI_NOW_S - DAY_S;
    uint64_t to_s = options->to_s != 0 ? options->to_s : PKI_NOW_S + 30 * DAY_S;
    X509_CRL *crl = X509_CRL_new();
    X509 *issuer = pki_open(options->issuer);
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)from_s);
    ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)to_s);
    AVER_ASSERT(crl != NULL && from != NULL && to != NULL && X509_CRL_set_version(crl, 1) == 1 &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 &&
                X509_CRL_set1_lastUpdate(crl, from) == 1 && X509_CRL_set1_nextUpdate(crl, to) == 1);
    for (const uint64_t *serial = options->revoked; serial != NULL && *serial != 0; serial++) {
        pki_revoke(crl, *serial, from_s);
    }
    if (options->critical) {
        pki_crl_critical(crl);
    }
    EVP_PKEY *key = options->signer != NULL ? options->signer : options->issuer->key;
    EVP_MD_CTX *context = pki_signer(key, options->pss, false);
    AVER_ASSERT(X509_CRL_sign_ctx(crl, context) > 0);
    EVP_MD_CTX_free(context);
    unsigned char *der = NULL;
    int size = i2d_X509_CRL(crl, &der);
    AVER_ASSERT(size > 0 && size <= PKI_CRL_BYTES_MAX);
    aver_buf_append(out, aver_view_make(der, (size_t)size));
    AVER_ASSERT(aver_buf_status(out) == AVER_OK);
    OPENSSL_free(der);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_free(issuer);
    X509_CRL_free(crl);
}

size_t pki_sign(EVP_PKEY *key, aver_view digest, uint8_t ret_signature[132])
{
    uint8_t der[160];
    size_t size = sizeof der;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    AVER_ASSERT(context != NULL && EVP_PKEY_sign_init(context) == 1 &&
                EVP_PKEY_sign(context, der, &size, digest.data, digest.size) == 1);
    EVP_PKEY_CTX_free(context);
    int bits = EVP_PKEY_get_bits(key);
    aver_curve curve = bits == 256   ? AVER_CURVE_P256
                       : bits == 384 ? AVER_CURVE_P384
                                     : AVER_CURVE_P521;
    AVER_ASSERT(aver_ecdsa_from_der(curve, aver_view_make(der, size), ret_signature) == AVER_OK);
    return 2 * aver_curve_bytes(curve);
}

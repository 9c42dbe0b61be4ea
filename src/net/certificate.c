/* SPDX-License-Identifier: Apache-2.0 */
#include "net/certificate.h"

#include "base/log.h"
#include "base/sys.h"
#include "codec/der.h"
#include "crypto/hash.h"
#include "net/tls.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

enum {
    CERTIFICATE_SERIAL_BYTES = 16,
    CERTIFICATE_BEFORE_S = 60 * 60,
    CERTIFICATE_AFTER_S = 90 * 24 * 60 * 60,
    CERTIFICATE_AUTHORITY_S = 3 * 365 * 24 * 60 * 60,
};

static bool certificate_serial_set(X509 *certificate)
{
    uint8_t bytes[CERTIFICATE_SERIAL_BYTES];
    aver_random(bytes, sizeof(bytes));
    /* Positive, and never zero. */
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return done;
}

static X509_NAME *certificate_name_new(const char *common_name)
{
    X509_NAME *name = X509_NAME_new();
    if (name && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                           (const unsigned char *)common_name, -1, -1, 0) != 1) {
        X509_NAME_free(name);
        return NULL;
    }
    return name;
}

/* issuer NULL: the subject itself. */
static bool certificate_name_set(X509 *certificate, const char *common_name, const X509 *issuer)
{
    X509_NAME *name = certificate_name_new(common_name);
    const X509_NAME *issuer_name = issuer ? X509_get_subject_name(issuer) : name;
    bool done = name && X509_set_subject_name(certificate, name) == 1 &&
                X509_set_issuer_name(certificate, issuer_name) == 1;
    X509_NAME_free(name);
    return done;
}

/* Appends an extension of this object with these bytes as its value. */
static bool certificate_extension_add(X509 *certificate, ASN1_OBJECT *object, bool critical,
                                      const uint8_t *bytes, size_t size)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool done = false;
    if (value && ASN1_OCTET_STRING_set(value, bytes, (int)size) == 1) {
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical ? 1 : 0, value);
    }
    if (extension) {
        done = X509_add_ext(certificate, extension, -1) == 1;
    }
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    return done;
}

/* Whose key it is and who signed it, which is the same key: clients find the issuer by these. */
static bool certificate_ids_set(X509 *certificate)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    AUTHORITY_KEYID *issuer = AUTHORITY_KEYID_new();
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    bool done = issuer && id && X509_pubkey_digest(certificate, EVP_sha1(), digest, &size) == 1 &&
                ASN1_OCTET_STRING_set(id, digest, (int)size) == 1 &&
                X509_add1_ext_i2d(certificate, NID_subject_key_identifier, id, 0, 0) == 1;
    if (done) {
        issuer->keyid = id;
        id = NULL;
        done = X509_add1_ext_i2d(certificate, NID_authority_key_identifier, issuer, 0, 0) == 1;
    }
    ASN1_OCTET_STRING_free(id);
    AUTHORITY_KEYID_free(issuer);
    return done;
}

/* The value is DER. */
static bool certificate_der_add(X509 *certificate, int nid, bool critical, aver_view value)
{
    return certificate_extension_add(certificate, OBJ_nid2obj(nid), critical, value.data,
                                     value.size);
}

static bool certificate_leaf_set(X509 *certificate, aver_view cmw)
{
    /* basicConstraints: SEQUENCE {} (no CA); keyUsage: BIT STRING digitalSignature. */
    static const uint8_t constraints[] = {0x30, 0x00};
    static const uint8_t usage[] = {0x03, 0x02, 0x07, 0x80};
    if (!certificate_der_add(certificate, NID_basic_constraints, true, AVER_VIEW_OF(constraints)) ||
        !certificate_der_add(certificate, NID_key_usage, true, AVER_VIEW_OF(usage))) {
        return false;
    }
    if (cmw.size == 0) {
        return true;
    }
    ASN1_OBJECT *object = OBJ_txt2obj(AVER_CERTIFICATE_CMW_OID, 1);
    bool done = object && certificate_extension_add(certificate, object, false, cmw.data, cmw.size);
    ASN1_OBJECT_free(object);
    return done;
}

static bool certificate_issued_set(X509 *certificate, const aver_certificate_names *names)
{
    /* extKeyUsage: SEQUENCE {serverAuth}. */
    static const uint8_t server[] = {0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
                                     0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
    return certificate_der_add(certificate, NID_ext_key_usage, false, AVER_VIEW_OF(server)) &&
           aver_certificate_names_set(certificate, names) && certificate_ids_set(certificate);
}

static bool certificate_authority_set(X509 *certificate, const aver_certificate_names *names)
{
    /* basicConstraints: SEQUENCE {TRUE, 0}; keyUsage: BIT STRING keyCertSign. */
    static const uint8_t constraints[] = {0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00};
    static const uint8_t usage[] = {0x03, 0x02, 0x02, 0x04};
    return certificate_der_add(certificate, NID_basic_constraints, true,
                               AVER_VIEW_OF(constraints)) &&
           certificate_der_add(certificate, NID_key_usage, true, AVER_VIEW_OF(usage)) &&
           aver_certificate_constraints_set(certificate, names) && certificate_ids_set(certificate);
}

/* All but the extensions and the signature; NULL if the library refuses. */
static X509 *certificate_begin(EVP_PKEY *key, const char *common_name, const X509 *issuer,
                               long after_s)
{
    X509 *certificate = X509_new();
    if (certificate && X509_set_version(certificate, X509_VERSION_3) == 1 &&
        certificate_serial_set(certificate) &&
        certificate_name_set(certificate, common_name, issuer) &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -CERTIFICATE_BEFORE_S) &&
        X509_gmtime_adj(X509_getm_notAfter(certificate), after_s) &&
        X509_set_pubkey(certificate, key) == 1) {
        return certificate;
    }
    X509_free(certificate);
    return NULL;
}

static aver_err certificate_refused(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    aver_log(AVER_LOG_ERROR, "net.certificate", "%s", reason ? reason : "refused");
    ERR_clear_error();
    return AVER_E_CRYPTO;
}

/* Signs and hands out, or frees. */
static aver_err certificate_end(X509 *certificate, EVP_PKEY *key, bool done, X509 **ret_certificate)
{
    if (!done || X509_sign(certificate, key, EVP_sha256()) <= 0) {
        X509_free(certificate);
        return certificate_refused();
    }
    *ret_certificate = certificate;
    return AVER_OK;
}

aver_err aver_certificate_new(struct evp_pkey_st *key, const char *common_name, aver_view cmw,
                              struct x509_st **ret_certificate)
{
    if (cmw.size > AVER_CERTIFICATE_BYTES_MAX - 4096) {
        return AVER_E_LIMIT;
    }
    X509 *certificate = certificate_begin(key, common_name, NULL, CERTIFICATE_AFTER_S);
    bool done = certificate && certificate_leaf_set(certificate, cmw);
    return certificate_end(certificate, key, done, ret_certificate);
}

aver_err aver_certificate_issue(struct evp_pkey_st *key, const struct x509_st *authority,
                                const aver_certificate_names *names, const char *common_name,
                                aver_view cmw, struct x509_st **ret_certificate)
{
    if (cmw.size > AVER_CERTIFICATE_BYTES_MAX - 8192) {
        return AVER_E_LIMIT;
    }
    X509 *certificate = certificate_begin(key, common_name, authority, CERTIFICATE_AFTER_S);
    bool done = certificate && certificate_leaf_set(certificate, cmw) &&
                certificate_issued_set(certificate, names);
    return certificate_end(certificate, key, done, ret_certificate);
}

aver_err aver_certificate_authority_new(struct evp_pkey_st *key, const char *common_name,
                                        const aver_certificate_names *names,
                                        struct x509_st **ret_certificate)
{
    X509 *certificate = certificate_begin(key, common_name, NULL, CERTIFICATE_AUTHORITY_S);
    bool done = certificate && certificate_authority_set(certificate, names);
    return certificate_end(certificate, key, done, ret_certificate);
}

static bool certificate_pem_append(BIO *bio, aver_buf *ret_pem)
{
    char *text = NULL;
    long size = BIO_get_mem_data(bio, &text);
    if (size <= 0 || aver_buf_reserve(ret_pem, (size_t)size) != AVER_OK) {
        return false;
    }
    aver_buf_append(ret_pem, aver_view_make(text, (size_t)size));
    return true;
}

aver_err aver_certificate_request(struct evp_pkey_st *key, const aver_certificate_names *names,
                                  aver_buf *ret_pem)
{
    X509_REQ *request = X509_REQ_new();
    X509_NAME *name = X509_NAME_new(); /* empty: names stand in the extension */
    BIO *bio = BIO_new(BIO_s_mem());
    bool done = request && name && bio && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
                X509_REQ_set_subject_name(request, name) == 1 &&
                X509_REQ_set_pubkey(request, key) == 1 &&
                aver_certificate_request_names_set(request, names) &&
                X509_REQ_sign(request, key, EVP_sha256()) > 0 &&
                PEM_write_bio_X509_REQ(bio, request) == 1 && certificate_pem_append(bio, ret_pem);
    BIO_free(bio);
    X509_NAME_free(name);
    X509_REQ_free(request);
    return done ? AVER_OK : certificate_refused();
}

static bool certificate_encodes_to(X509 *certificate, aver_view der)
{
    unsigned char *again = NULL;
    int size = i2d_X509(certificate, &again);
    bool same = size > 0 && aver_view_equal(aver_view_make(again, (size_t)size), der);
    OPENSSL_free(again);
    return same;
}

/* Is what was read exactly what a DER encoder would write, inside and out? */
static bool certificate_is_der(X509 *certificate, aver_view der)
{
    unsigned char *inside = NULL;
    if (!certificate_encodes_to(certificate, der)) {
        return false;
    }
    /* Makes the library forget the signed bytes that it read: from here on it encodes them anew. */
    int size = i2d_re_X509_tbs(certificate, &inside);
    OPENSSL_free(inside);
    return size > 0 && certificate_encodes_to(certificate, der);
}

static aver_err certificate_read(aver_view der, X509 **ret_certificate)
{
    if (der.size == 0) {
        return AVER_E_FORMAT;
    }
    if (der.size > AVER_CERTIFICATE_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_err err = aver_der_check(der);
    if (err != AVER_OK) {
        return err;
    }
    const unsigned char *at = der.data;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.size);
    if (!certificate || at != der.data + der.size || !certificate_is_der(certificate, der)) {
        X509_free(certificate);
        ERR_clear_error();
        return AVER_E_FORMAT;
    }
    *ret_certificate = certificate;
    return AVER_OK;
}

aver_err aver_tls_certificate_digest(aver_view der, uint8_t ret_digest[static 32])
{
    X509 *certificate = NULL;
    unsigned char *key = NULL;
    aver_err err = certificate_read(der, &certificate);
    if (err != AVER_OK) {
        return err;
    }
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
    if (size > 0) {
        aver_sha256_of(aver_view_make(key, (size_t)size), ret_digest);
    } else {
        err = AVER_E_FORMAT;
    }
    OPENSSL_free(key);
    X509_free(certificate);
    ERR_clear_error();
    return err;
}

/* The one extension with that object. FORMAT if there are two. */
static aver_err certificate_extension_find(const X509 *certificate, aver_view *ret_value)
{
    ASN1_OBJECT *object = OBJ_txt2obj(AVER_CERTIFICATE_CMW_OID, 1);
    if (!object) {
        return AVER_E_NOMEM;
    }
    int first = X509_get_ext_by_OBJ(certificate, object, -1);
    int second = first >= 0 ? X509_get_ext_by_OBJ(certificate, object, first) : -1;
    ASN1_OBJECT_free(object);
    if (first < 0) {
        return AVER_E_ABSENT;
    }
    if (second >= 0) {
        return AVER_E_FORMAT;
    }
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(certificate, first));
    *ret_value = aver_view_make(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    return AVER_OK;
}

aver_err aver_tls_certificate_cmw(aver_view der, aver_buf *ret_cmw)
{
    X509 *certificate = NULL;
    aver_view value = {0};
    aver_err err = certificate_read(der, &certificate);
    if (err != AVER_OK) {
        return err;
    }
    err = certificate_extension_find(certificate, &value);
    if (err == AVER_OK && value.size == 0) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = aver_buf_reserve(ret_cmw, value.size);
    }
    if (err == AVER_OK) {
        aver_buf_append(ret_cmw, value);
    }
    X509_free(certificate);
    ERR_clear_error();
    return err;
}

aver_err aver_tls_authority_names(aver_view der, aver_buf *ret_text)
{
    X509 *certificate = NULL;
    aver_err err = certificate_read(der, &certificate);
    if (err == AVER_OK) {
        err = aver_certificate_constraints_text(certificate, ret_text);
    }
    X509_free(certificate);
    ERR_clear_error();
    return err;
}

aver_err aver_tls_authority_pem(aver_view der, const uint8_t key_digest[static 32],
                                aver_buf *ret_pem)
{
    uint8_t found[32];
    X509 *certificate = NULL;
    aver_err err = aver_tls_certificate_digest(der, found);
    if (err == AVER_OK && memcmp(found, key_digest, sizeof(found)) != 0) {
        err = AVER_E_PROOF;
    }
    if (err == AVER_OK) {
        err = certificate_read(der, &certificate);
    }
    if (err != AVER_OK) {
        return err;
    }
    BIO *bio = BIO_new(BIO_s_mem());
    if (X509_check_ca(certificate) != 1 ||
        X509_verify(certificate, X509_get0_pubkey(certificate)) != 1) {
        err = AVER_E_PROOF;
    } else if (!bio || PEM_write_bio_X509(bio, certificate) != 1 ||
               !certificate_pem_append(bio, ret_pem)) {
        err = AVER_E_NOMEM;
    }
    BIO_free(bio);
    X509_free(certificate);
    ERR_clear_error();
    return err;
}

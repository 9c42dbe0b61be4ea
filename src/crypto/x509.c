/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509.h"

#include "codec/der.h"
#include "crypto/hash.h"
#include "crypto/x509_time.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

static X509 *cert_of(const aver_cert *cert)
{
    return cert->x509;
}

void aver_certs_init(aver_certs *certs)
{
    certs->count = 0;
}

static void cert_release(aver_cert *cert)
{
    X509_free(cert_of(cert));
    OPENSSL_free((void *)(uintptr_t)cert->der.data);
    *cert = (aver_cert){0};
}

void aver_certs_deinit(aver_certs *certs)
{
    for (size_t i = 0; i < certs->count; i++) {
        cert_release(&certs->list[i]);
    }
    certs->count = 0;
}

static aver_err certs_parse(aver_view der, aver_cert *ret_cert)
{
    uint8_t *copy = OPENSSL_memdup(der.data, der.size);
    if (copy == NULL) {
        ERR_clear_error();
        return AVER_E_NOMEM;
    }
    aver_cert cert = {.der = aver_view_make(copy, der.size)};
    const unsigned char *at = copy;
    cert.x509 = d2i_X509(NULL, &at, (long)der.size);
    bool no_memory =
        cert.x509 == NULL && ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
    bool sound = cert.x509 != NULL && at == copy + der.size &&
                 aver_asn1_time_read(X509_get0_notBefore(cert.x509), &cert.not_before_s) &&
                 aver_asn1_time_read(X509_get0_notAfter(cert.x509), &cert.not_after_s);
    ERR_clear_error();
    if (!sound) {
        cert_release(&cert);
        return no_memory ? AVER_E_NOMEM : AVER_E_FORMAT;
    }
    *ret_cert = cert;
    return AVER_OK;
}

aver_err aver_certs_add_der(aver_certs *certs, aver_view der)
{
    if (certs->count == AVER_CERTS_MAX || der.size > AVER_CERT_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_err err = aver_der_check(der);
    if (err == AVER_OK) {
        err = certs_parse(der, &certs->list[certs->count]);
    }
    certs->count += err == AVER_OK ? 1 : 0;
    return err;
}

aver_err aver_certs_add_pem(aver_certs *certs, aver_view pem)
{
    size_t before = certs->count;
    aver_err err = AVER_OK;
    while (pem.size > 0 && pem.data[pem.size - 1] == 0) {
        pem.size--;
    }
    for (bool more = true; more && err == AVER_OK;) {
        aver_buf der;
        aver_buf_init(&der, AVER_CERT_BYTES_MAX);
        err = aver_pem_next(&pem, "CERTIFICATE", &more, &der);
        if (err == AVER_OK && more) {
            err = aver_certs_add_der(certs, aver_buf_view(&der));
        }
        aver_buf_deinit(&der);
    }
    if (err == AVER_OK && certs->count == before) {
        err = AVER_E_FORMAT;
    }
    while (err != AVER_OK && certs->count > before) {
        cert_release(&certs->list[--certs->count]);
    }
    return err;
}

aver_err aver_certs_add(aver_certs *certs, aver_view bytes)
{
    bool der = bytes.size > 0 && bytes.data[0] == 0x30;
    return der ? aver_certs_add_der(certs, bytes) : aver_certs_add_pem(certs, bytes);
}

aver_err aver_cert_ec_point(const aver_cert *cert, aver_curve *ret_curve, aver_view *ret_point)
{
    const X509_PUBKEY *spki = X509_get_X509_PUBKEY(cert_of(cert));
    const unsigned char *octets = NULL;
    int size = 0;
    X509_ALGOR *algorithm = NULL;
    const ASN1_OBJECT *kind = NULL;
    const void *parameter = NULL;
    int parameter_type = 0;
    if (X509_PUBKEY_get0_param(NULL, &octets, &size, &algorithm, spki) != 1) {
        return AVER_E_UNSUPPORTED;
    }
    X509_ALGOR_get0(&kind, &parameter_type, &parameter, algorithm);
    if (OBJ_obj2nid(kind) != NID_X9_62_id_ecPublicKey || parameter_type != V_ASN1_OBJECT) {
        return AVER_E_UNSUPPORTED;
    }
    int nid = OBJ_obj2nid(parameter);
    aver_curve curve = nid == NID_X9_62_prime256v1 ? AVER_CURVE_P256
                       : nid == NID_secp384r1      ? AVER_CURVE_P384
                                                   : AVER_CURVE_P521;
    if (curve == AVER_CURVE_P521 && nid != NID_secp521r1) {
        return AVER_E_UNSUPPORTED;
    }
    if ((size_t)size != 1 + 2 * aver_curve_bytes(curve) ||
        octets[0] != POINT_CONVERSION_UNCOMPRESSED) {
        return AVER_E_UNSUPPORTED;
    }
    *ret_curve = curve;
    *ret_point = aver_view_make(octets + 1, (size_t)size - 1);
    return AVER_OK;
}

bool aver_cert_may_sign(const aver_cert *cert)
{
    uint32_t flags = X509_get_extension_flags(cert_of(cert));
    bool usage = (flags & EXFLAG_KUSAGE) == 0 ||
                 (X509_get_key_usage(cert_of(cert)) & KU_DIGITAL_SIGNATURE) != 0;
    return usage && (flags & (EXFLAG_CA | EXFLAG_INVALID)) == 0;
}

aver_err aver_cert_extension(const aver_cert *cert, const char *oid, aver_view *ret_value)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    if (object == NULL) {
        return AVER_E_NOMEM;
    }
    int at = X509_get_ext_by_OBJ(cert_of(cert), object, -1);
    int again = at < 0 ? -1 : X509_get_ext_by_OBJ(cert_of(cert), object, at);
    ASN1_OBJECT_free(object);
    if (at < 0 || again >= 0) {
        return at < 0 ? AVER_E_ABSENT : AVER_E_FORMAT;
    }
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(cert_of(cert), at));
    *ret_value = aver_view_make(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    return AVER_OK;
}

aver_err aver_cert_subject(const aver_cert *cert, char *ret_text, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL) {
        return AVER_E_NOMEM;
    }
    char *text = NULL;
    int written = X509_NAME_print_ex(bio, X509_get_subject_name(cert_of(cert)), 0, XN_FLAG_RFC2253);
    long length = BIO_get_mem_data(bio, &text);
    aver_err err = written < 0 ? AVER_E_NOMEM : (size_t)length >= size ? AVER_E_LIMIT : AVER_OK;
    if (err == AVER_OK) {
        memcpy(ret_text, text, (size_t)length);
        ret_text[length] = '\0';
    }
    BIO_free(bio);
    return err;
}

aver_err aver_cert_common_name(const aver_cert *cert, char *ret_text, size_t size)
{
    const X509_NAME *name = X509_get_subject_name(cert_of(cert));
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0) {
        return AVER_E_ABSENT;
    }
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    size_t length = (size_t)ASN1_STRING_length(value);
    const unsigned char *text = ASN1_STRING_get0_data(value);
    if (length >= size || memchr(text, 0, length) != NULL) {
        return AVER_E_LIMIT;
    }
    memcpy(ret_text, text, length);
    ret_text[length] = '\0';
    return AVER_OK;
}

void aver_cert_digest(const aver_cert *cert, uint8_t ret_digest[static 32])
{
    aver_sha256_of(cert->der, ret_digest);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/public_key.h"

#include "codec/der.h"
#include "crypto/hash.h"
#include "crypto/x509_time.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

static aver_err key_ec(EVP_PKEY *pkey, aver_public_key *ret_key)
{
    static const struct {
        const char *name;
        aver_curve curve;
    } curves[] = {{"prime256v1", AVER_CURVE_P256},
                  {"secp384r1", AVER_CURVE_P384},
                  {"secp521r1", AVER_CURVE_P521}};
    char name[32];
    size_t name_size = 0;
    uint8_t octets[1 + AVER_ECDSA_POINT_BYTES_MAX];
    size_t octets_size = 0;
    size_t at = 0;
    if (EVP_PKEY_get_group_name(pkey, name, sizeof name, &name_size) != 1) {
        return AVER_E_UNSUPPORTED;
    }
    while (at < sizeof curves / sizeof curves[0] && strcmp(curves[at].name, name) != 0) {
        at++;
    }
    if (at == sizeof curves / sizeof curves[0] ||
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets,
                                        &octets_size) != 1 ||
        octets_size != 1 + 2 * aver_curve_bytes(curves[at].curve)) {
        return AVER_E_UNSUPPORTED;
    }
    aver_public_key key = {.curve = curves[at].curve};
    aver_err err =
        aver_ecdsa_key_new(key.curve, aver_view_make(octets + 1, octets_size - 1), &key.ec);
    if (err == AVER_OK) {
        *ret_key = key;
    }
    return err;
}

static aver_err key_of_pkey(EVP_PKEY *pkey, aver_public_key *ret_key)
{
    if (EVP_PKEY_is_a(pkey, "EC") == 1) {
        return key_ec(pkey, ret_key);
    }
    if (EVP_PKEY_is_a(pkey, "RSA") == 1) {
        aver_public_key key = {0};
        aver_err err = aver_rsa_key_of(pkey, &key.rsa);
        if (err == AVER_OK) {
            *ret_key = key;
        }
        return err;
    }
    return AVER_E_UNSUPPORTED;
}

static aver_err key_of_der(aver_view der, aver_public_key *ret_key)
{
    aver_err err = der.size > AVER_PUBLIC_KEY_BYTES_MAX ? AVER_E_LIMIT : aver_der_check(der);
    if (err != AVER_OK) {
        return err;
    }
    const unsigned char *at = der.data;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)der.size);
    if (pkey == NULL) {
        err = ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE ? AVER_E_NOMEM
                                                                            : AVER_E_FORMAT;
    } else if (at != der.data + der.size) {
        err = AVER_E_FORMAT;
    } else {
        err = key_of_pkey(pkey, ret_key);
    }
    if (err == AVER_OK) {
        aver_sha256_of(der, ret_key->sha256);
    }
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return err;
}

aver_err aver_public_key_open(aver_view bytes, aver_public_key *ret_key)
{
    if (bytes.size > 0 && bytes.data[0] == 0x30) {
        return key_of_der(bytes, ret_key);
    }
    aver_buf der;
    aver_buf_init(&der, AVER_PUBLIC_KEY_BYTES_MAX);
    bool more = false;
    aver_err err = aver_pem_next(&bytes, "PUBLIC KEY", &more, &der);
    if (err == AVER_OK && !more) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        aver_buf surplus;
        aver_buf_init(&surplus, 1);
        err = aver_pem_next(&bytes, "PUBLIC KEY", &more, &surplus);
        err = err == AVER_OK && more ? AVER_E_FORMAT : err;
        aver_buf_deinit(&surplus);
    }
    if (err == AVER_OK) {
        err = key_of_der(aver_buf_view(&der), ret_key);
    }
    aver_buf_deinit(&der);
    return err;
}

aver_err aver_public_key_of_cert(const aver_cert *cert, aver_public_key *ret_key)
{
    unsigned char *der = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert->x509), &der);
    if (size <= 0) {
        ERR_clear_error();
        return AVER_E_NOMEM;
    }
    aver_err err = key_of_der(aver_view_make(der, (size_t)size), ret_key);
    OPENSSL_free(der);
    return err;
}

void aver_public_key_close(aver_public_key *key)
{
    aver_ecdsa_key_free(key->ec);
    aver_rsa_key_free(key->rsa);
    *key = (aver_public_key){0};
}

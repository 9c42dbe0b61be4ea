/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/jws.h"

#include "codec/text.h"
#include "crypto/ecdsa.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#define JWS_SIGNATURE_BYTES 64
#define JWS_DER_BYTES_MAX   80
#define JWS_TEXT_BYTES_MAX  (16ul * 1024 * 1024)
#define JWS_GROUP_BYTES     32

/* An encrypted key is refused; OpenSSL would ask on the terminal. */
static int jws_no_pass_phrase(char *text, int size, int writing, void *context)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static aver_err jws_key_read(aver_view pem, EVP_PKEY **ret_key)
{
    if (pem.size == 0 || pem.size > INT_MAX) {
        return AVER_E_FORMAT;
    }
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    if (bio == NULL) {
        return AVER_E_NOMEM;
    }
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, jws_no_pass_phrase, NULL);
    BIO_free_all(bio);
    ERR_clear_error();
    if (key == NULL) {
        return AVER_E_FORMAT;
    }
    *ret_key = key;
    return AVER_OK;
}

/* NULL for a key of another kind. */
static const char *jws_algorithm(const EVP_PKEY *key)
{
    char group[JWS_GROUP_BYTES] = "";
    size_t size = 0;
    if (EVP_PKEY_get_id(key) == EVP_PKEY_ED25519) {
        return "EdDSA";
    }
    bool p256 = EVP_PKEY_get_id(key) == EVP_PKEY_EC &&
                EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
                (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
    return p256 ? "ES256" : NULL;
}

static aver_err jws_signature(EVP_PKEY *key, aver_view text,
                              uint8_t ret_signature[static AVER_ECDSA_POINT_BYTES_MAX])
{
    bool edwards = EVP_PKEY_get_id(key) == EVP_PKEY_ED25519;
    uint8_t raw[JWS_DER_BYTES_MAX];
    size_t size = sizeof raw;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    aver_err err = context != NULL ? AVER_OK : AVER_E_NOMEM;
    if (err == AVER_OK &&
        (EVP_DigestSignInit(context, NULL, edwards ? NULL : EVP_sha256(), NULL, key) != 1 ||
         EVP_DigestSign(context, raw, &size, text.data, text.size) != 1)) {
        err = AVER_E_CRYPTO;
    }
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    if (err == AVER_OK && edwards) {
        memcpy(ret_signature, raw, JWS_SIGNATURE_BYTES);
    } else if (err == AVER_OK) {
        err = aver_ecdsa_from_der(AVER_CURVE_P256, aver_view_make(raw, size), ret_signature);
    }
    return err;
}

static aver_err jws_text(EVP_PKEY *key, const char *algorithm, const char *type, aver_view payload,
                         aver_buf *text)
{
    uint8_t signature[AVER_ECDSA_POINT_BYTES_MAX];
    char header[128];
    (void)snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"%s\"}", algorithm, type);
    aver_base64url_append(text, aver_view_text(header));
    aver_buf_append_byte(text, '.');
    aver_base64url_append(text, payload);
    aver_err err = aver_buf_status(text);
    err = err == AVER_OK ? jws_signature(key, aver_buf_view(text), signature) : err;
    if (err == AVER_OK) {
        aver_buf_append_byte(text, '.');
        aver_base64url_append(text, aver_view_make(signature, JWS_SIGNATURE_BYTES));
        err = aver_buf_status(text);
    }
    return err;
}

aver_err aver_jws_sign(aver_view key_pem, const char *type, aver_view payload, aver_buf *ret_text)
{
    EVP_PKEY *key = NULL;
    aver_buf text;
    aver_err err = jws_key_read(key_pem, &key);
    if (err != AVER_OK) {
        return err;
    }
    aver_buf_init(&text, JWS_TEXT_BYTES_MAX);
    const char *algorithm = jws_algorithm(key);
    err = algorithm != NULL ? jws_text(key, algorithm, type, payload, &text) : AVER_E_UNSUPPORTED;
    if (err == AVER_OK) {
        aver_buf_append(ret_text, aver_buf_view(&text));
        err = aver_buf_status(ret_text);
    }
    EVP_PKEY_free(key);
    aver_buf_deinit(&text);
    return err;
}

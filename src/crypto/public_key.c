/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/public_key.h"

#include "codec/der.h"
#include "crypto/hash.h"
#include "crypto/x509_time.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

enum { DER_INTEGER = 0x02, DER_BITS = 0x03, DER_SEQUENCE = 0x30 };

/* The content of an AlgorithmIdentifier: its OID and parameters (RFC 3279, RFC 5480). */
#define KEY_EC_OID 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01
static const uint8_t key_p256[] = {KEY_EC_OID, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                   0xce,       0x3d, 0x03, 0x01, 0x07};
static const uint8_t key_p384[] = {KEY_EC_OID, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t key_p521[] = {KEY_EC_OID, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
static const uint8_t key_rsa[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                  0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

/* Takes one element of that tag from the front of what was found to be DER. */
static bool key_take(aver_view *rest, uint8_t tag, aver_view *ret_content)
{
    if (rest->size < 2 || rest->data[0] != tag) {
        return false;
    }
    size_t head = 2;
    size_t size = rest->data[1];
    if (size >= 0x80) {
        size_t octets = size & 0x7f;
        if (octets == 0 || octets > 2 || rest->size < 2 + octets) {
            return false;
        }
        size = octets == 1 ? rest->data[2] : aver_be16_read(rest->data + 2);
        head += octets;
    }
    if (size > rest->size - head) {
        return false;
    }
    *ret_content = aver_view_slice(*rest, head, size);
    *rest = aver_view_slice(*rest, head + size, rest->size - head - size);
    return true;
}

/* A positive integer, without the zero that keeps it so. */
static bool key_take_number(aver_view *rest, aver_view *ret_number)
{
    aver_view number;
    if (!key_take(rest, DER_INTEGER, &number) || number.size == 0 || number.data[0] >= 0x80) {
        return false;
    }
    *ret_number = number.data[0] == 0 ? aver_view_slice(number, 1, number.size - 1) : number;
    return true;
}

static aver_err key_of_rsa(aver_view bits, aver_public_key *ret_key)
{
    aver_view numbers;
    aver_view modulus;
    aver_view exponent;
    aver_public_key key = {0};
    /* What is inside a BIT STRING was not looked at yet. */
    if (aver_der_check(bits) != AVER_OK || !key_take(&bits, DER_SEQUENCE, &numbers) ||
        !key_take_number(&numbers, &modulus) || !key_take_number(&numbers, &exponent) ||
        numbers.size != 0) {
        return AVER_E_FORMAT;
    }
    aver_err err = aver_rsa_key_new(modulus, exponent, &key.rsa);
    if (err == AVER_OK) {
        *ret_key = key;
    }
    return err;
}

static aver_err key_of_ec(aver_curve curve, aver_view bits, aver_public_key *ret_key)
{
    aver_public_key key = {.curve = curve};
    if (bits.size != 1 + 2 * aver_curve_bytes(curve) || bits.data[0] != 0x04) {
        return AVER_E_FORMAT;
    }
    aver_err err = aver_ecdsa_key_new(curve, aver_view_slice(bits, 1, bits.size - 1), &key.ec);
    if (err == AVER_OK) {
        *ret_key = key;
    }
    return err;
}

static aver_err key_of_der(aver_view der, aver_public_key *ret_key)
{
    static const struct {
        aver_view algorithm;
        aver_curve curve; /* 0: RSA */
    } kinds[] = {{{key_p256, sizeof key_p256}, AVER_CURVE_P256},
                 {{key_p384, sizeof key_p384}, AVER_CURVE_P384},
                 {{key_p521, sizeof key_p521}, AVER_CURVE_P521},
                 {{key_rsa, sizeof key_rsa}, 0}};
    aver_view rest = der;
    aver_view whole;
    aver_view algorithm;
    aver_view bits;
    aver_err err = der.size > AVER_PUBLIC_KEY_BYTES_MAX ? AVER_E_LIMIT : aver_der_check(der);
    if (err != AVER_OK) {
        return err;
    }
    if (!key_take(&rest, DER_SEQUENCE, &whole) || !key_take(&whole, DER_SEQUENCE, &algorithm) ||
        !key_take(&whole, DER_BITS, &bits) || whole.size != 0 || bits.size == 0 ||
        bits.data[0] != 0) {
        return AVER_E_FORMAT;
    }
    bits = aver_view_slice(bits, 1, bits.size - 1);
    err = AVER_E_UNSUPPORTED;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (aver_view_equal(algorithm, kinds[i].algorithm)) {
            err = kinds[i].curve != 0 ? key_of_ec(kinds[i].curve, bits, ret_key)
                                      : key_of_rsa(bits, ret_key);
        }
    }
    if (err == AVER_OK) {
        aver_sha256_of(der, ret_key->sha256);
    }
    return err;
}

aver_err aver_public_key_open(aver_view bytes, aver_public_key *ret_key)
{
    if (bytes.size > 0 && bytes.data[0] == DER_SEQUENCE) {
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

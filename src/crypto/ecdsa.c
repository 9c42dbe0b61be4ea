/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The EC_KEY calls are marked deprecated since OpenSSL 3.0; making an EVP_PKEY from the bytes of a
 * point costs a third of a P-256 verification in lookups and parameters, and evidence comes with a
 * new key each time. Both run the same curve code.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/ecdsa.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <string.h>

/* aver_ecdsa_key is OpenSSL's EC_KEY under another name. */

static const struct {
    int nid;
    size_t bytes;
} ecdsa_curves[] = {
    [AVER_CURVE_P256] = {NID_X9_62_prime256v1, 32},
    [AVER_CURVE_P384] = {NID_secp384r1, 48},
    [AVER_CURVE_P521] = {NID_secp521r1, 66},
};

size_t aver_curve_bytes(aver_curve curve)
{
    return ecdsa_curves[curve].bytes;
}

static aver_err ecdsa_set(EC_KEY *key, size_t bytes, aver_view point)
{
    uint8_t octets[1 + AVER_ECDSA_POINT_BYTES_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    if (point.size != 2 * bytes) {
        return AVER_E_FORMAT;
    }
    memcpy(octets + 1, point.data, point.size);
    /* Refuses points off the curve; a group of prime order has no others to refuse. */
    if (EC_KEY_oct2key(key, octets, 1 + point.size, NULL) != 1) {
        bool no_memory = ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE;
        ERR_clear_error();
        return no_memory ? AVER_E_NOMEM : AVER_E_FORMAT;
    }
    return AVER_OK;
}

aver_err aver_ecdsa_key_new(aver_curve curve, aver_view point, aver_ecdsa_key **ret_key)
{
    EC_KEY *key = EC_KEY_new_by_curve_name(ecdsa_curves[curve].nid);
    if (key == NULL) {
        ERR_clear_error();
        return AVER_E_NOMEM;
    }
    aver_err err = ecdsa_set(key, ecdsa_curves[curve].bytes, point);
    if (err != AVER_OK) {
        EC_KEY_free(key);
        return err;
    }
    *ret_key = (aver_ecdsa_key *)(void *)key;
    return AVER_OK;
}

aver_err aver_ecdsa_key_set(aver_ecdsa_key *key, aver_view point)
{
    EC_KEY *ec = (EC_KEY *)(void *)key;
    size_t bytes = ((size_t)EC_GROUP_get_degree(EC_KEY_get0_group(ec)) + 7) / 8;
    return ecdsa_set(ec, bytes, point);
}

void aver_ecdsa_key_free(aver_ecdsa_key *key)
{
    EC_KEY_free((EC_KEY *)(void *)key);
}

static const EC_KEY *ecdsa_key(const aver_ecdsa_key *key)
{
    return (const EC_KEY *)(const void *)key;
}

aver_err aver_ecdsa_key_verify(const aver_ecdsa_key *key, aver_view digest, aver_view signature)
{
    int bits = EC_GROUP_get_degree(EC_KEY_get0_group(ecdsa_key(key)));
    size_t bytes = ((size_t)bits + 7) / 8;
    if (signature.size != 2 * bytes) {
        return AVER_E_FORMAT;
    }
    ECDSA_SIG *parts = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature.data, (int)bytes, NULL);
    BIGNUM *s = BN_bin2bn(signature.data + bytes, (int)bytes, NULL);
    if (parts == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(parts, r, s) != 1) {
        ECDSA_SIG_free(parts);
        BN_free(r);
        BN_free(s);
        ERR_clear_error();
        return AVER_E_NOMEM;
    }
    /* The call takes the key without const and does not change it. */
    EC_KEY *writable = (EC_KEY *)(uintptr_t)ecdsa_key(key);
    ERR_clear_error();
    int verified = ECDSA_do_verify(digest.data, (int)digest.size, parts, writable);
    /* Below zero it could not be computed: for want of memory, or since the sum is the point at
     * infinity, which the owner of a key can bring about. */
    unsigned long first = ERR_peek_error();
    bool infinite =
        ERR_GET_LIB(first) == ERR_LIB_EC && ERR_GET_REASON(first) == EC_R_POINT_AT_INFINITY;
    ECDSA_SIG_free(parts);
    ERR_clear_error();
    return verified == 1 ? AVER_OK : verified == 0 || infinite ? AVER_E_PROOF : AVER_E_NOMEM;
}

aver_err aver_ecdsa_verify(aver_curve curve, aver_view point, aver_view digest, aver_view signature)
{
    aver_ecdsa_key *key = NULL;
    aver_err err = aver_ecdsa_key_new(curve, point, &key);
    if (err == AVER_OK) {
        err = aver_ecdsa_key_verify(key, digest, signature);
    }
    aver_ecdsa_key_free(key);
    return err;
}

static bool ecdsa_der_integer(aver_view *rest, size_t bytes, uint8_t *ret_number)
{
    if (rest->size < 2 || rest->data[0] != 0x02 || rest->data[1] == 0 ||
        rest->data[1] > rest->size - 2U) {
        return false;
    }
    const uint8_t *digits = rest->data + 2;
    size_t size = rest->data[1];
    bool padded = digits[0] == 0;
    /* Positive, and no surplus octet in front. */
    if ((digits[0] & 0x80) != 0 || (padded && (size < 2 || (digits[1] & 0x80) == 0))) {
        return false;
    }
    size_t skip = padded ? 1 : 0;
    if (size - skip > bytes) {
        return false;
    }
    memset(ret_number, 0, bytes);
    memcpy(ret_number + bytes - (size - skip), digits + skip, size - skip);
    *rest = aver_view_slice(*rest, 2 + size, rest->size - 2 - size);
    return true;
}

aver_err aver_ecdsa_from_der(aver_curve curve, aver_view der,
                             uint8_t ret_signature[static AVER_ECDSA_POINT_BYTES_MAX])
{
    size_t bytes = ecdsa_curves[curve].bytes;
    uint8_t numbers[AVER_ECDSA_POINT_BYTES_MAX];
    size_t head = der.size > 1 && der.data[1] == 0x81 ? 3 : 2;
    if (der.size < head || der.data[0] != 0x30 || der.data[head - 1] != der.size - head ||
        (head == 3 && der.data[2] < 0x80) || (head == 2 && der.data[1] >= 0x80)) {
        return AVER_E_FORMAT;
    }
    aver_view rest = aver_view_slice(der, head, der.size - head);
    if (!ecdsa_der_integer(&rest, bytes, numbers) ||
        !ecdsa_der_integer(&rest, bytes, numbers + bytes) || rest.size != 0) {
        return AVER_E_FORMAT;
    }
    memcpy(ret_signature, numbers, 2 * bytes);
    return AVER_OK;
}

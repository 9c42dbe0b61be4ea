/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/ecdsa.h"
#include "crypto/hash.h"
#include "support/pki.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <string.h>

static const struct {
    aver_curve curve;
    pki_kind kind;
} curves[] = {
    {AVER_CURVE_P256, PKI_P256}, {AVER_CURVE_P384, PKI_P384}, {AVER_CURVE_P521, PKI_P521}};

enum { CURVES = sizeof curves / sizeof curves[0] };

static void signatures_hold_or_do_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVES; i++) {
        uint8_t point[132], signature[132], digest[32];
        aver_sha256_of(aver_view_text("message"), digest);
        aver_view key = aver_view_make(point, pki_point(pki_key(0, curves[i].kind), point));
        aver_view signed_ = aver_view_make(
            signature, pki_sign(pki_key(0, curves[i].kind), AVER_VIEW_OF(digest), signature));
        aver_view message = AVER_VIEW_OF(digest);
        assert_int_equal(aver_ecdsa_verify(curves[i].curve, key, message, signed_), AVER_OK);
        for (size_t at = 0; at < signed_.size; at += 5) {
            signature[at] ^= 1;
            assert_int_equal(aver_ecdsa_verify(curves[i].curve, key, message, signed_),
                             AVER_E_PROOF);
            signature[at] ^= 1;
        }
        digest[0] ^= 1;
        assert_int_equal(aver_ecdsa_verify(curves[i].curve, key, message, signed_), AVER_E_PROOF);
        digest[0] ^= 1;
        memset(signature, 0, sizeof signature);
        assert_int_equal(aver_ecdsa_verify(curves[i].curve, key, message, signed_), AVER_E_PROOF);
        memset(signature, 0xff, sizeof signature);
        assert_int_equal(aver_ecdsa_verify(curves[i].curve, key, message, signed_), AVER_E_PROOF);
    }
}

/* r = -e / d: then the sum of the two products is the point at infinity, whatever s is. Only the
 * owner of a key can make it. */
static void sums_at_infinity_are_no_signatures(void **state)
{
    (void)state;
    static const int groups[] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
    for (size_t i = 0; i < CURVES; i++) {
        uint8_t point[132], signature[132], digest[32];
        size_t bytes = aver_curve_bytes(curves[i].curve);
        EVP_PKEY *owner = pki_key(0, curves[i].kind);
        aver_view key = aver_view_make(point, pki_point(owner, point));
        EC_GROUP *group = EC_GROUP_new_by_curve_name(groups[i]);
        BN_CTX *context = BN_CTX_new();
        BIGNUM *d = NULL;
        aver_sha256_of(aver_view_text("message"), digest);
        BIGNUM *r = BN_bin2bn(digest, sizeof digest, NULL);
        assert_int_equal(EVP_PKEY_get_bn_param(owner, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
        const BIGNUM *order = EC_GROUP_get0_order(group);
        assert_non_null(BN_mod_inverse(d, d, order, context));
        assert_int_equal(BN_mod_mul(r, r, d, order, context), 1);
        assert_int_equal(BN_mod_sub(r, order, r, order, context), 1);
        memset(signature, 0, sizeof signature);
        assert_int_equal(BN_bn2binpad(r, signature, (int)bytes), (int)bytes);
        signature[2 * bytes - 1] = 5;
        assert_int_equal(aver_ecdsa_verify(curves[i].curve, key, AVER_VIEW_OF(digest),
                                           aver_view_make(signature, 2 * bytes)),
                         AVER_E_PROOF);
        BN_clear_free(d);
        BN_free(r);
        BN_CTX_free(context);
        EC_GROUP_free(group);
    }
}

static void wrong_sizes_and_points_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CURVES; i++) {
        uint8_t point[132], digest[32] = {1}, signature[133] = {1};
        aver_ecdsa_key *key = NULL;
        size_t size = pki_point(pki_key(0, curves[i].kind), point);
        aver_view whole = aver_view_make(point, size);
        assert_int_equal(aver_ecdsa_key_new(curves[i].curve, aver_view_make(point, size - 1), &key),
                         AVER_E_FORMAT);
        assert_int_equal(aver_ecdsa_verify(curves[i].curve, whole, AVER_VIEW_OF(digest),
                                           aver_view_make(signature, size + 1)),
                         AVER_E_FORMAT);
        point[size - 1] ^= 1;
        assert_int_equal(aver_ecdsa_key_new(curves[i].curve, whole, &key), AVER_E_FORMAT);
        memset(point, 0, sizeof point);
        assert_int_equal(aver_ecdsa_key_new(curves[i].curve, whole, &key), AVER_E_FORMAT);
        assert_null(key);
    }
}

static void der_is_read_strictly(void **state)
{
    (void)state;
    uint8_t raw[AVER_ECDSA_POINT_BYTES_MAX];
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
        {"\x30\x06\x02\x01\x01\x02\x01", 7},                 /* cut */
        {"\x30\x06\x02\x01\x01\x02\x01\x01\x00", 9},         /* a byte behind */
        {"\x30\x07\x02\x02\x00\x01\x02\x01\x01", 9},         /* padded without need */
        {"\x30\x06\x02\x01\x81\x02\x01\x01", 8},             /* negative */
        {"\x31\x06\x02\x01\x01\x02\x01\x01", 8},             /* no SEQUENCE */
        {"\x30\x81\x06\x02\x01\x01\x02\x01\x01", 9},         /* long length */
        {"\x30\x05\x02\x00\x02\x01\x01", 7},                 /* empty number */
        {"\x30\x80\x02\x01\x01\x02\x01\x01\x00\x00", 10},    /* indefinite */
        {"\x30\x09\x02\x01\x01\x02\x01\x01\x02\x01\x01", 11} /* three numbers */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        aver_view der = aver_view_make(bad[i].bytes, bad[i].size);
        assert_int_equal(aver_ecdsa_from_der(AVER_CURVE_P256, der, raw), AVER_E_FORMAT);
    }
    assert_int_equal(aver_ecdsa_from_der(AVER_CURVE_P256,
                                         aver_view_make("\x30\x07\x02\x02\x00\x81\x02\x01\x05", 9),
                                         raw),
                     AVER_OK);
    assert_int_equal(raw[31], 0x81);
    assert_int_equal(raw[63], 5);
    assert_int_equal(raw[30], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_hold_or_do_not),
        cmocka_unit_test(sums_at_infinity_are_no_signatures),
        cmocka_unit_test(wrong_sizes_and_points_are_refused),
        cmocka_unit_test(der_is_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

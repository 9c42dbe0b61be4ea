/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "crypto/secp.h"

static aver_secp *secp_key_of(uint8_t last)
{
    uint8_t scalar[32] = {0};
    scalar[31] = last;
    aver_secp *key;
    assert_ok(aver_secp_from_scalar(scalar, &key));
    return key;
}

static void secp_refuses_scalars_out_of_range(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    aver_secp *key = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        test_bytes scalar = test_hex(bad[i]);
        assert_err(aver_secp_from_scalar(scalar.data, &key), AVER_E_FORMAT);
        assert_null(key);
    }
    test_bytes last = test_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140");
    assert_ok(aver_secp_from_scalar(last.data, &key));
    aver_secp_free(key);
    aver_secp_free(NULL);
}

static void secp_recovers_the_signer(void **state)
{
    (void)state;
    uint64_t seed = 7;
    aver_secp *key;
    assert_ok(aver_secp_new(&key));
    for (int round = 0; round < 50; round++) {
        uint8_t digest[32];
        for (size_t i = 0; i < sizeof digest; i++) {
            digest[i] = (uint8_t)test_random(&seed);
        }
        uint8_t signature[AVER_SECP_SIGNATURE_BYTES];
        uint8_t public_key[AVER_SECP_PUBLIC_BYTES];
        uint8_t address[AVER_SECP_ADDRESS_BYTES];
        assert_ok(aver_secp_sign(key, digest, signature));
        assert_ok(aver_secp_recover(digest, signature, public_key, address));
        assert_memory_equal(public_key, aver_secp_public(key), sizeof public_key);
        assert_memory_equal(address, aver_secp_address(key), sizeof address);
        assert_ok(aver_secp_address_of(public_key, address));
        assert_memory_equal(address, aver_secp_address(key), sizeof address);
    }
    aver_secp_free(key);
}

/* A flipped bit gives an error or somebody else, never the signer. */
static void secp_no_flipped_bit_keeps_the_signer(void **state)
{
    (void)state;
    aver_secp *key = secp_key_of(5);
    uint8_t digest[32] = {1, 2, 3};
    uint8_t signature[AVER_SECP_SIGNATURE_BYTES];
    assert_ok(aver_secp_sign(key, digest, signature));
    for (size_t bit = 0; bit < 8 * (sizeof signature + sizeof digest); bit++) {
        uint8_t *byte =
            bit / 8 < sizeof signature ? &signature[bit / 8] : &digest[bit / 8 - sizeof signature];
        *byte ^= (uint8_t)(1U << (bit % 8));
        uint8_t public_key[AVER_SECP_PUBLIC_BYTES];
        uint8_t address[AVER_SECP_ADDRESS_BYTES];
        if (aver_secp_recover(digest, signature, public_key, address) == AVER_OK) {
            assert_memory_not_equal(address, aver_secp_address(key), sizeof address);
        }
        *byte ^= (uint8_t)(1U << (bit % 8));
    }
    aver_secp_free(key);
}

/* order - s with the other v is the same signature to a careless verifier. */
static void secp_refuses_high_s(void **state)
{
    (void)state;
    test_bytes order = test_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    aver_secp *key = secp_key_of(6);
    uint8_t digest[32] = {9};
    uint8_t signature[AVER_SECP_SIGNATURE_BYTES];
    assert_ok(aver_secp_sign(key, digest, signature));
    int borrow = 0;
    for (size_t i = 32; i-- > 0;) {
        int value = order.data[i] - signature[32 + i] - borrow;
        borrow = value < 0;
        signature[32 + i] = (uint8_t)(value & 255);
    }
    signature[64] = (uint8_t)(55 - signature[64]);
    uint8_t public_key[AVER_SECP_PUBLIC_BYTES];
    uint8_t address[AVER_SECP_ADDRESS_BYTES];
    assert_err(aver_secp_recover(digest, signature, public_key, address), AVER_E_FORMAT);
    aver_secp_free(key);
}

static void secp_refuses_other_forms(void **state)
{
    (void)state;
    aver_secp *key = secp_key_of(8);
    uint8_t digest[32] = {9};
    uint8_t good[AVER_SECP_SIGNATURE_BYTES];
    uint8_t bad[AVER_SECP_SIGNATURE_BYTES];
    uint8_t public_key[AVER_SECP_PUBLIC_BYTES];
    uint8_t address[AVER_SECP_ADDRESS_BYTES];
    assert_ok(aver_secp_sign(key, digest, good));
    for (unsigned v = 0; v < 256; v++) {
        if (v != 27 && v != 28) {
            memcpy(bad, good, sizeof bad);
            bad[64] = (uint8_t)v;
            assert_err(aver_secp_recover(digest, bad, public_key, address), AVER_E_FORMAT);
        }
    }
    for (size_t part = 0; part < 64; part += 32) {
        memcpy(bad, good, sizeof bad);
        memset(bad + part, 0xff, 32);
        assert_err(aver_secp_recover(digest, bad, public_key, address), AVER_E_FORMAT);
        memset(bad + part, 0, 32);
        assert_int_not_equal(aver_secp_recover(digest, bad, public_key, address), AVER_OK);
    }
    uint8_t no_point[AVER_SECP_PUBLIC_BYTES] = {0x02};
    no_point[32] = 5;
    assert_err(aver_secp_address_of(no_point, address), AVER_E_FORMAT);
    no_point[0] = 0x04;
    assert_err(aver_secp_address_of(no_point, address), AVER_E_FORMAT);
    aver_secp_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secp_refuses_scalars_out_of_range),
        cmocka_unit_test(secp_recovers_the_signer),
        cmocka_unit_test(secp_no_flipped_bit_keeps_the_signer),
        cmocka_unit_test(secp_refuses_high_s),
        cmocka_unit_test(secp_refuses_other_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

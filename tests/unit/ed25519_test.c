/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "crypto/ed25519.h"

static void ed25519_fresh_keys_sign_and_differ(void **state)
{
    (void)state;
    aver_ed25519 *a;
    aver_ed25519 *b;
    assert_ok(aver_ed25519_new(&a));
    assert_ok(aver_ed25519_new(&b));
    assert_memory_not_equal(aver_ed25519_public(a), aver_ed25519_public(b), 32);
    uint8_t signature[AVER_ED25519_SIGNATURE_BYTES];
    aver_view message = AVER_VIEW_LITERAL("message");
    assert_ok(aver_ed25519_sign(a, message, signature));
    assert_ok(aver_ed25519_verify(aver_ed25519_public(a), message, signature));
    assert_err(aver_ed25519_verify(aver_ed25519_public(b), message, signature), AVER_E_PROOF);
    aver_view none = aver_view_make(NULL, 0);
    assert_ok(aver_ed25519_sign(a, none, signature));
    assert_ok(aver_ed25519_verify(aver_ed25519_public(a), none, signature));
    assert_err(aver_ed25519_verify(aver_ed25519_public(a), message, signature), AVER_E_PROOF);
    aver_ed25519_free(a);
    aver_ed25519_free(b);
    aver_ed25519_free(NULL);
}

static void ed25519_refuses_every_flipped_bit(void **state)
{
    (void)state;
    const uint8_t seed[32] = {1, 2, 3};
    uint8_t message[] = "a message of some length";
    aver_ed25519 *key;
    assert_ok(aver_ed25519_from_seed(seed, &key));
    uint8_t signature[AVER_ED25519_SIGNATURE_BYTES];
    aver_view view = AVER_VIEW_OF(message);
    assert_ok(aver_ed25519_sign(key, view, signature));
    for (size_t bit = 0; bit < 8 * sizeof signature; bit++) {
        signature[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_err(aver_ed25519_verify(aver_ed25519_public(key), view, signature), AVER_E_PROOF);
        signature[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    for (size_t bit = 0; bit < 8 * sizeof message; bit++) {
        message[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_err(aver_ed25519_verify(aver_ed25519_public(key), view, signature), AVER_E_PROOF);
        message[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    assert_ok(aver_ed25519_verify(aver_ed25519_public(key), view, signature));
    aver_ed25519_free(key);
}

/* s + L is the same number to a careless verifier. */
static void ed25519_refuses_the_other_form_of_s(void **state)
{
    (void)state;
    const uint8_t seed[32] = {9};
    test_bytes order = test_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    aver_ed25519 *key;
    assert_ok(aver_ed25519_from_seed(seed, &key));
    uint8_t signature[AVER_ED25519_SIGNATURE_BYTES];
    aver_view message = AVER_VIEW_LITERAL("m");
    assert_ok(aver_ed25519_sign(key, message, signature));
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)signature[32 + i] + order.data[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_err(aver_ed25519_verify(aver_ed25519_public(key), message, signature), AVER_E_PROOF);
    aver_ed25519_free(key);
}

static void ed25519_refuses_bad_public_keys(void **state)
{
    (void)state;
    static const char *const bad[] = {
        /* no point has this y */
        "0200000000000000000000000000000000000000000000000000000000000000",
        /* the points of small order */
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        /* y at and above the prime */
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    /* Under the neutral point, R = neutral and s = 0 hold for every message. */
    const uint8_t signature[AVER_ED25519_SIGNATURE_BYTES] = {1};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        test_bytes key = test_hex(bad[i]);
        assert_err(aver_ed25519_verify(key.data, AVER_VIEW_LITERAL("anything"), signature),
                   AVER_E_FORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519_fresh_keys_sign_and_differ),
        cmocka_unit_test(ed25519_refuses_every_flipped_bit),
        cmocka_unit_test(ed25519_refuses_the_other_form_of_s),
        cmocka_unit_test(ed25519_refuses_bad_public_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

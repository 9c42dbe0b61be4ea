/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "crypto/aead.h"

static aver_aead *aead_of(void)
{
    uint8_t key[AVER_AEAD_KEY_BYTES];
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)i;
    }
    aver_aead *aead;
    assert_ok(aver_aead_new(key, &aead));
    return aead;
}

static const uint8_t aead_nonce[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static void aead_known_answer(void **state)
{
    (void)state;
    /* Computed with another AES-GCM, that of Python's cryptography package. */
    aver_aead *aead = aead_of();
    aver_buf out;
    aver_buf_init(&out, 100);
    assert_ok(aver_aead_seal(aead, aead_nonce, AVER_VIEW_LITERAL("aad"),
                             AVER_VIEW_LITERAL("plain text of some length"), &out));
    test_assert_hex(aver_buf_view(&out), "376eb772abc5b67ef535b7e4d7c90b02eeb3a75895153808"
                                         "50f722607963425d1c85809c950757a183");
    aver_buf_deinit(&out);
    aver_aead_free(aead);
}

static void aead_one_key_serves_both_ways_in_any_order(void **state)
{
    (void)state;
    aver_aead *aead = aead_of();
    uint64_t seed = 1;
    for (size_t size = 0; size < 200; size++) {
        uint8_t plain[200];
        uint8_t nonce[12];
        for (size_t i = 0; i < sizeof plain; i++) {
            plain[i] = (uint8_t)test_random(&seed);
        }
        memcpy(nonce, aead_nonce, sizeof nonce);
        nonce[0] = (uint8_t)size;
        aver_buf sealed;
        aver_buf opened;
        aver_buf_init(&sealed, 300);
        aver_buf_init(&opened, 300);
        aver_view aad = aver_view_make(plain, size / 2);
        assert_ok(aver_aead_seal(aead, nonce, aad, aver_view_make(plain, size), &sealed));
        assert_int_equal(sealed.size, size + AVER_AEAD_TAG_BYTES);
        assert_ok(aver_aead_open(aead, nonce, aad, aver_buf_view(&sealed), &opened));
        assert_true(aver_view_equal(aver_buf_view(&opened), aver_view_make(plain, size)));
        aver_buf_deinit(&sealed);
        aver_buf_deinit(&opened);
    }
    aver_aead_free(aead);
}

static void aead_refuses_every_flipped_bit(void **state)
{
    (void)state;
    aver_aead *aead = aead_of();
    aver_buf sealed;
    aver_buf opened;
    aver_buf_init(&sealed, 100);
    aver_buf_init(&opened, 100);
    aver_buf_append_text(&opened, "before");
    aver_view aad = AVER_VIEW_LITERAL("aad");
    assert_ok(aver_aead_seal(aead, aead_nonce, aad, AVER_VIEW_LITERAL("plain"), &sealed));
    for (size_t bit = 0; bit < 8 * sealed.size; bit++) {
        sealed.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_err(aver_aead_open(aead, aead_nonce, aad, aver_buf_view(&sealed), &opened),
                   AVER_E_PROOF);
        sealed.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    assert_err(
        aver_aead_open(aead, aead_nonce, AVER_VIEW_LITERAL("aae"), aver_buf_view(&sealed), &opened),
        AVER_E_PROOF);
    const uint8_t nonce[12] = {1};
    assert_err(aver_aead_open(aead, nonce, aad, aver_buf_view(&sealed), &opened), AVER_E_PROOF);
    for (size_t size = 0; size < sealed.size; size++) {
        aver_err err = size < AVER_AEAD_TAG_BYTES ? AVER_E_FORMAT : AVER_E_PROOF;
        assert_err(
            aver_aead_open(aead, aead_nonce, aad, aver_view_make(sealed.data, size), &opened), err);
    }
    assert_true(aver_view_equal_text(aver_buf_view(&opened), "before"));
    assert_ok(aver_aead_open(aead, aead_nonce, aad, aver_buf_view(&sealed), &opened));
    assert_true(aver_view_equal_text(aver_buf_view(&opened), "beforeplain"));
    aver_buf_deinit(&sealed);
    aver_buf_deinit(&opened);
    aver_aead_free(aead);
}

static void aead_without_room_changes_nothing(void **state)
{
    (void)state;
    aver_aead *aead = aead_of();
    aver_buf out;
    aver_buf_init(&out, 20);
    aver_view none = aver_view_make(NULL, 0);
    assert_err(aver_aead_seal(aead, aead_nonce, none, AVER_VIEW_LITERAL("plain"), &out),
               AVER_E_LIMIT);
    assert_int_equal(out.size, 0);
    assert_ok(aver_aead_seal(aead, aead_nonce, none, AVER_VIEW_LITERAL("plai"), &out));
    aver_buf small;
    aver_buf_init(&small, 3);
    assert_err(aver_aead_open(aead, aead_nonce, none, aver_buf_view(&out), &small), AVER_E_LIMIT);
    aver_buf_deinit(&small);
    aver_buf_deinit(&out);
    aver_aead_free(aead);
    aver_aead_free(NULL);
}

static void aead_key_sizes_are_exact(void **state)
{
    (void)state;
    uint8_t key[33] = {0};
    aver_aead *aead = NULL;
    assert_err(aver_aead_new_kind(AVER_AEAD_AES_128_GCM, aver_view_make(key, 32), &aead),
               AVER_E_USAGE);
    assert_err(aver_aead_new_kind(AVER_AEAD_AES_256_GCM, aver_view_make(key, 16), &aead),
               AVER_E_USAGE);
    assert_err(aver_aead_new_kind(AVER_AEAD_CHACHA20_POLY1305, aver_view_make(key, 33), &aead),
               AVER_E_USAGE);
    assert_null(aead);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aead_known_answer),
        cmocka_unit_test(aead_one_key_serves_both_ways_in_any_order),
        cmocka_unit_test(aead_refuses_every_flipped_bit),
        cmocka_unit_test(aead_without_room_changes_nothing),
        cmocka_unit_test(aead_key_sizes_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

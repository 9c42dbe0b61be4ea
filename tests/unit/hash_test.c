/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "crypto/hash.h"

static void sha256_in_pieces_equals_whole(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        uint8_t whole[32];
        uint8_t pieces[32];
        aver_sha256 hash;
        aver_sha256_of(AVER_VIEW_OF(bytes), whole);
        aver_sha256_init(&hash);
        aver_sha256_update(&hash, aver_view_make(bytes, cut));
        aver_sha256_update(&hash, aver_view_make(NULL, 0));
        aver_sha256_update(&hash, aver_view_make(bytes + cut, sizeof bytes - cut));
        aver_sha256_final(&hash, pieces);
        assert_memory_equal(whole, pieces, 32);
    }
}

static void sha256_tagged_is_the_hash_of_the_joined_parts(void **state)
{
    (void)state;
    uint8_t joined[32];
    uint8_t tagged[32];
    aver_sha256_of(AVER_VIEW_LITERAL("aver/keyset/1abcde"), joined);
    aver_sha256_tagged("aver/keyset/1", AVER_VIEW_LITERAL("ab"), AVER_VIEW_LITERAL("cde"), tagged);
    assert_memory_equal(joined, tagged, 32);
    aver_sha256_tagged("aver/keyset/2", AVER_VIEW_LITERAL("ab"), AVER_VIEW_LITERAL("cde"), tagged);
    assert_memory_not_equal(joined, tagged, 32);
}

static void keccak_joined_equals_whole(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        uint8_t whole[32];
        uint8_t joined[32];
        aver_keccak256_of(AVER_VIEW_OF(bytes), whole);
        aver_keccak256_joined(aver_view_make(bytes, cut),
                              aver_view_make(bytes + cut, sizeof bytes - cut), joined);
        assert_memory_equal(whole, joined, 32);
    }
}

static void hkdf_expand_is_bounded_and_a_prefix_of_longer(void **state)
{
    (void)state;
    enum { SIZE_MAX_OK = 255 * 32 };
    static uint8_t longest[SIZE_MAX_OK + 1];
    uint8_t prk[32] = {7};
    aver_view info = AVER_VIEW_LITERAL("info");
    assert_err(aver_hkdf_sha256_expand(prk, info, longest, SIZE_MAX_OK + 1), AVER_E_LIMIT);
    assert_int_equal(longest[0], 0);
    assert_ok(aver_hkdf_sha256_expand(prk, info, longest, SIZE_MAX_OK));
    for (size_t size = 0; size < 100; size++) {
        uint8_t bytes[101];
        memset(bytes, 0xee, sizeof bytes);
        assert_ok(aver_hkdf_sha256_expand(prk, info, bytes, size));
        assert_memory_equal(bytes, longest, size);
        assert_int_equal(bytes[size], 0xee);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_in_pieces_equals_whole),
        cmocka_unit_test(sha256_tagged_is_the_hash_of_the_joined_parts),
        cmocka_unit_test(keccak_joined_equals_whole),
        cmocka_unit_test(hkdf_expand_is_bounded_and_a_prefix_of_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

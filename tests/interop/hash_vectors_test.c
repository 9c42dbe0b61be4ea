/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "crypto/hash.h"

/* FIPS 180-4, RFC 5869, RFC 2104 and the keccak team's answers; longer keccak inputs were computed
 * by an independent program whose permutation was checked against SHA3-256. */

static void sha2_known_answers(void **state)
{
    (void)state;
    uint8_t digest[64];
    aver_sha256_of(aver_view_make(NULL, 0), digest);
    test_assert_hex(aver_view_make(digest, 32),
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    aver_sha256_of(AVER_VIEW_LITERAL("abc"), digest);
    test_assert_hex(aver_view_make(digest, 32),
                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    aver_sha512_of(AVER_VIEW_LITERAL("abc"), digest);
    test_assert_hex(AVER_VIEW_OF(digest),
                    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    aver_sha512_of(aver_view_make(NULL, 0), digest);
    test_assert_hex(AVER_VIEW_OF(digest),
                    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
}

typedef struct keccak_case {
    size_t size; /* of the bytes i mod 251 */
    const char *digest;
} keccak_case;

static void keccak_known_answers(void **state)
{
    (void)state;
    static const keccak_case cases[] = {
        {0, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
        {135, "cbdfd9dee5faad3818d6b06f95a219fd290b0e1706f6a82e5a595b9ce9faca62"},
        {136, "7ce759f1ab7f9ce437719970c26b0a66ff11fe3e38e17df89cf5d29c7d7f807e"},
        {137, "ac73d4fae68b8453f764007c1a20ce95994187861f0c3227a3a8e99a73a3b1db"},
        {272, "8e2476e65823b24d96ebe239f2c1534cdf763e689e2410c3b1cb0c74e6177bfc"},
        {1000, "af692982e84a5a9688359025660a7857cd28ee7c8d867cfa1677baf2e6d1f63b"},
    };
    uint8_t bytes[1000];
    uint8_t digest[32];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i % 251);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        aver_keccak256_of(aver_view_make(bytes, cases[i].size), digest);
        test_assert_hex(AVER_VIEW_OF(digest), cases[i].digest);
    }
    aver_keccak256_of(AVER_VIEW_LITERAL("abc"), digest);
    test_assert_hex(AVER_VIEW_OF(digest),
                    "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
}

static void hmac_known_answers(void **state)
{
    (void)state;
    uint8_t mac[32];
    /* RFC 4231, case 2; then a key longer than a block. */
    aver_hmac_sha256(AVER_VIEW_LITERAL("Jefe"), AVER_VIEW_LITERAL("what do ya want for nothing?"),
                     mac);
    test_assert_hex(AVER_VIEW_OF(mac),
                    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    uint8_t key[100];
    memset(key, 'k', sizeof key);
    aver_hmac_sha256(AVER_VIEW_OF(key), AVER_VIEW_LITERAL("message"), mac);
    test_assert_hex(AVER_VIEW_OF(mac),
                    "1c28735416d320163f56f81bdbb83d651eed508d184e6b8b03662740a533293e");
}

/* Fills the bytes first, first + 1, ... */
static aver_view hkdf_range(uint8_t *bytes, unsigned first, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(first + i);
    }
    return aver_view_make(bytes, size);
}

static void hkdf_assert(aver_view key, aver_view salt, aver_view info, const char *prk_hex,
                        const char *okm_hex)
{
    uint8_t prk[32];
    uint8_t okm[82];
    size_t size = strlen(okm_hex) / 2;
    aver_hkdf_sha256_extract(salt, key, prk);
    test_assert_hex(AVER_VIEW_OF(prk), prk_hex);
    assert_ok(aver_hkdf_sha256_expand(prk, info, okm, size));
    test_assert_hex(aver_view_make(okm, size), okm_hex);
}

static void hkdf_rfc5869_cases(void **state)
{
    (void)state;
    uint8_t key[22];
    memset(key, 0x0b, sizeof key);
    uint8_t a[80];
    uint8_t b[80];
    uint8_t c[80];
    hkdf_assert(AVER_VIEW_OF(key), hkdf_range(a, 0, 13), hkdf_range(b, 0xf0, 10),
                "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                "34007208d5b887185865");
    hkdf_assert(hkdf_range(a, 0, 80), hkdf_range(b, 0x60, 80), hkdf_range(c, 0xb0, 80),
                "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                "cc30c58179ec3e87c14c01d5c1f3434f1d87");
    aver_view none = aver_view_make(NULL, 0);
    hkdf_assert(AVER_VIEW_OF(key), none, none,
                "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                "9d201395faa4b61a96c8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha2_known_answers),
        cmocka_unit_test(keccak_known_answers),
        cmocka_unit_test(hmac_known_answers),
        cmocka_unit_test(hkdf_rfc5869_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

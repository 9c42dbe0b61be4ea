/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "codec/cbor.h"
#include "crypto/cose.h"
#include "crypto/ed25519.h"

/* RFC 8032 section 7.1: seed, public key, message, signature. */
static const char *const signature_cases[3][4] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
     "c6594a7c15e9716ed28dc027beceea1ec40a"},
};

static void ed25519_rfc8032_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        test_bytes seed = test_hex(signature_cases[i][0]);
        test_bytes message = test_hex(signature_cases[i][2]);
        uint8_t signature[AVER_ED25519_SIGNATURE_BYTES];
        aver_ed25519 *key;
        assert_ok(aver_ed25519_from_seed(seed.data, &key));
        test_assert_hex(aver_view_make(aver_ed25519_public(key), 32), signature_cases[i][1]);
        assert_ok(aver_ed25519_sign(key, test_view(&message), signature));
        test_assert_hex(AVER_VIEW_OF(signature), signature_cases[i][3]);
        assert_ok(aver_ed25519_verify(aver_ed25519_public(key), test_view(&message), signature));
        aver_ed25519_free(key);
    }
}

/* The COSE working group's EdDSA example of a COSE_Sign1, over the first key above. */
static const char cose_example[] =
    "d28445a201270300a10442313154546869732069732074686520636f6e74656e742e58407142fd2ff96d56db85bee9"
    "05a76ba1d0b7321a95c8c4d3607c5781932b7afb8711497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08"
    "f4a44d6fef0d";

static void cose_sig_structure_of_the_published_example(void **state)
{
    (void)state;
    test_bytes message = test_hex(cose_example);
    test_bytes public_key = test_hex(signature_cases[0][1]);
    test_bytes header = test_hex("a201270300");
    aver_buf structure;
    aver_buf_init(&structure, 256);
    aver_cose_sig_structure(test_view(&header), aver_view_make(NULL, 0),
                            AVER_VIEW_LITERAL("This is the content."), &structure);
    test_assert_hex(aver_buf_view(&structure),
                    "846a5369676e61747572653145a2012703004054546869732069732074686520636f6e7465"
                    "6e742e");
    assert_ok(aver_ed25519_verify(public_key.data, aver_buf_view(&structure),
                                  message.data + message.size - 64));
    aver_buf_deinit(&structure);
}

static void cose_unprotected_kid_is_refused(void **state)
{
    (void)state;
    test_bytes message = test_hex(cose_example);
    aver_cose cose;
    assert_err(aver_cose_parse(test_view(&message), &cose), AVER_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519_rfc8032_cases),
        cmocka_unit_test(cose_sig_structure_of_the_published_example),
        cmocka_unit_test(cose_unprotected_kid_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

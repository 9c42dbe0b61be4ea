/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "crypto/hpke.h"

/*
 * RFC 9180, A.1.1 (AES-128-GCM) and A.2.1 (ChaCha20-Poly1305), and the same with AES-256-GCM, which
 * the RFC does not list for X25519: computed by an independent program that gives the other two.
 */
typedef struct hpke_vector {
    aver_aead_kind aead;
    const char *ephemeral;
    const char *enc;
    const char *recipient;
    const char *recipient_public;
    const char *sealed[3];  /* sequence numbers 0, 1 and 2 */
    const char *sealed_256; /* and 256: the nonce's last but one byte */
    const char *exported[3];
} hpke_vector;

#define HPKE_A1_EPHEMERAL "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736"
#define HPKE_A1_ENC       "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
#define HPKE_A1_RECIPIENT "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8"
#define HPKE_A1_PUBLIC    "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d"

static const hpke_vector hpke_vectors[] = {
    {AVER_AEAD_AES_128_GCM,
     HPKE_A1_EPHEMERAL,
     HPKE_A1_ENC,
     HPKE_A1_RECIPIENT,
     HPKE_A1_PUBLIC,
     {"f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
      "af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc8535458c2494e8a6eab251c03d0c22a56b8ca42c2063b84",
      "498dfcabd92e8acedc281e85af1cb4e3e31c7dc394a1ca20e173cb72516491588d96a19ad4a683518973dcc180"},
     "957f9800542b0b8891badb026d79cc54597cb2d225b54c00c5238c25d05c30e3fbeda97d2e0e1aba483a2df9f2",
     {"3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee",
      "2e8f0b54673c7029649d4eb9d5e33bf1872cf76d623ff164ac185da9e88c21a5",
      "e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931"}},
    {AVER_AEAD_AES_256_GCM,
     HPKE_A1_EPHEMERAL,
     HPKE_A1_ENC,
     HPKE_A1_RECIPIENT,
     HPKE_A1_PUBLIC,
     {"090b7dc225419f7da9e8b460becfbb96a26c7964d79b8010d397fa838530a32a397b14f5776db19ff5e57734e0",
      "05cbb27ea0f48fa8768a10c9f2f1438233f63104bf68d51abf26f0aae2c62a449d5cf7e8b73791a4e55d79b650",
      "56f9fdcb5de345e7dbc3407f703e672d2a4c09f4da82cc589e1e4bc8c68670d612f7e665e17ef5e223f4c8bcd1"},
     "deecef626e8f18180520c11b95a099c4298da17c0c6fd78586c3afd8923ae7f089923c75d43609b67b11f4afb0",
     {"b3cb4482e97308bc89417db5e7ba95b65008991adf2e60716d5b489538534f5f",
      "f614b164ecb23313ddc5f376fd91e2c1b484d85597a3b6eeb160f06d9864fb67",
      "a1f0b0587d1a613ebc7719b3c66272251beccc161f139aeec40ec11053530e26"}},
    {AVER_AEAD_CHACHA20_POLY1305,
     "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600",
     "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
     "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
     "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a",
     {"1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28",
      "6b53c051e4199c518de79594e1c4ab18b96f081549d45ce015be002090bb119e85285337cc95ba5f59992dc98c",
      "71146bd6795ccc9c49ce25dda112a48f202ad220559502cef1f34271e0cb4b02b4f10ecac6f48c32f878fae86b"},
     "7a4a13e9ef23978e2c520fd4d2e757514ae160cd0cd05e556ef692370ca53076214c0c40d4c728d6ed9e727a5b",
     {"4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e",
      "8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69",
      "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53"}},
};

static const char hpke_plain[] = "Beauty is truth, truth beauty";

static aver_hpke_key *hpke_key_of(const char *scalar_hex, const char *public_hex)
{
    test_bytes scalar = test_hex(scalar_hex);
    aver_hpke_key *key;
    assert_ok(aver_hpke_key_from_scalar(scalar.data, &key));
    test_assert_hex(aver_view_make(aver_hpke_key_public(key), 32), public_hex);
    return key;
}

static void hpke_assert_sealed(const hpke_vector *vector, aver_hpke *sender, aver_hpke *recipient)
{
    for (unsigned i = 0; i <= 256; i++) {
        aver_buf sealed;
        aver_buf opened;
        aver_buf aad;
        aver_buf_init(&sealed, 100);
        aver_buf_init(&opened, 100);
        aver_buf_init(&aad, 100);
        aver_buf_append_format(&aad, "Count-%u", i);
        assert_ok(aver_hpke_seal(sender, aver_buf_view(&aad), aver_view_text(hpke_plain), &sealed));
        if (i < 3 || i == 256) {
            test_assert_hex(aver_buf_view(&sealed), i < 3 ? vector->sealed[i] : vector->sealed_256);
        }
        assert_ok(aver_hpke_open(recipient, aver_buf_view(&aad), aver_buf_view(&sealed), &opened));
        assert_true(aver_view_equal_text(aver_buf_view(&opened), hpke_plain));
        aver_buf_deinit(&sealed);
        aver_buf_deinit(&opened);
        aver_buf_deinit(&aad);
    }
}

static void hpke_assert_exported(const hpke_vector *vector, const aver_hpke *context)
{
    static const char *const labels[3] = {"", "00", "54657374436f6e74657874"};
    for (size_t i = 0; i < 3; i++) {
        test_bytes label = test_hex(labels[i]);
        uint8_t exported[32];
        assert_ok(aver_hpke_export(context, test_view(&label), exported, sizeof exported));
        test_assert_hex(AVER_VIEW_OF(exported), vector->exported[i]);
    }
}

static void hpke_base_mode_vectors(void **state)
{
    (void)state;
    test_bytes info = test_hex("4f6465206f6e2061204772656369616e2055726e");
    for (size_t i = 0; i < sizeof hpke_vectors / sizeof hpke_vectors[0]; i++) {
        const hpke_vector *vector = &hpke_vectors[i];
        aver_hpke_key *ephemeral = hpke_key_of(vector->ephemeral, vector->enc);
        aver_hpke_key *key = hpke_key_of(vector->recipient, vector->recipient_public);
        aver_hpke *sender;
        aver_hpke *recipient;
        assert_ok(aver_hpke_sender_fixed(aver_hpke_key_public(key), test_view(&info), ephemeral,
                                         vector->aead, &sender));
        assert_ok(aver_hpke_recipient_kind(key, aver_hpke_key_public(ephemeral), test_view(&info),
                                           vector->aead, &recipient));
        hpke_assert_sealed(vector, sender, recipient);
        hpke_assert_exported(vector, sender);
        hpke_assert_exported(vector, recipient);
        aver_hpke_free(sender);
        aver_hpke_free(recipient);
        aver_hpke_key_free(key);
        aver_hpke_key_free(ephemeral);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hpke_base_mode_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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
#include "crypto/hash.h"

static const char cose_aad[] = "aver/receipt/1";
static const char cose_type[] = "application/vnd.aver.receipt+cbor";
static aver_ed25519 *cose_key;
static uint8_t cose_kid[AVER_COSE_KID_BYTES];
static aver_buf cose_message;

static int cose_setup(void **state)
{
    (void)state;
    const uint8_t seed[32] = {42};
    memset(cose_kid, 0x5a, sizeof cose_kid);
    aver_buf_init(&cose_message, AVER_COSE_BYTES_MAX);
    if (aver_ed25519_from_seed(seed, &cose_key) != AVER_OK) {
        return -1;
    }
    return aver_cose_sign(cose_key, cose_aad, cose_type, cose_kid, AVER_VIEW_LITERAL("payload"),
                          &cose_message) == AVER_OK
               ? 0
               : -1;
}

static int cose_teardown(void **state)
{
    (void)state;
    aver_ed25519_free(cose_key);
    aver_buf_deinit(&cose_message);
    return 0;
}

static void cose_round_trip(void **state)
{
    (void)state;
    aver_cose cose;
    assert_ok(aver_cose_parse(aver_buf_view(&cose_message), &cose));
    assert_true(aver_view_equal_text(cose.payload, "payload"));
    assert_true(aver_view_equal_text(cose.content_type, cose_type));
    assert_true(aver_view_equal(cose.kid, AVER_VIEW_OF(cose_kid)));
    assert_ok(aver_cose_verify(&cose, cose_aad, aver_ed25519_public(cose_key)));
}

static void cose_other_kind_or_key_is_refused(void **state)
{
    (void)state;
    aver_cose cose;
    aver_ed25519 *other;
    assert_ok(aver_ed25519_new(&other));
    assert_ok(aver_cose_parse(aver_buf_view(&cose_message), &cose));
    assert_err(aver_cose_verify(&cose, "aver/stamp/1", aver_ed25519_public(cose_key)),
               AVER_E_PROOF);
    assert_err(aver_cose_verify(&cose, "", aver_ed25519_public(cose_key)), AVER_E_PROOF);
    assert_err(aver_cose_verify(&cose, cose_aad, aver_ed25519_public(other)), AVER_E_PROOF);
    aver_ed25519_free(other);
}

static void cose_no_flipped_bit_passes(void **state)
{
    (void)state;
    uint8_t bytes[512];
    assert_true(cose_message.size <= sizeof bytes);
    memcpy(bytes, cose_message.data, cose_message.size);
    aver_view message = aver_view_make(bytes, cose_message.size);
    for (size_t bit = 0; bit < 8 * message.size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        aver_cose cose;
        if (aver_cose_parse(message, &cose) == AVER_OK) {
            assert_err(aver_cose_verify(&cose, cose_aad, aver_ed25519_public(cose_key)),
                       AVER_E_PROOF);
        }
        bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
}

static void cose_no_cut_or_longer_message_parses(void **state)
{
    (void)state;
    aver_cose cose;
    for (size_t size = 0; size < cose_message.size; size++) {
        assert_err(aver_cose_parse(aver_view_make(cose_message.data, size), &cose), AVER_E_FORMAT);
    }
    uint8_t longer[513] = {0};
    memcpy(longer, cose_message.data, cose_message.size);
    assert_err(aver_cose_parse(aver_view_make(longer, cose_message.size + 1), &cose),
               AVER_E_FORMAT);
}

static void cose_identity_is_the_hash_of_the_structure(void **state)
{
    (void)state;
    aver_cose cose;
    uint8_t identity[32];
    uint8_t expected[32];
    assert_ok(aver_cose_parse(aver_buf_view(&cose_message), &cose));
    assert_ok(aver_cose_identity(&cose, cose_aad, identity));
    aver_buf structure;
    aver_buf_init(&structure, 1024);
    aver_cose_sig_structure(cose.protected_header, aver_view_text(cose_aad), cose.payload,
                            &structure);
    aver_sha256_of(aver_buf_view(&structure), expected);
    assert_memory_equal(identity, expected, 32);
    aver_buf_deinit(&structure);
    /* The signature is no part of it: a second signature makes no second receipt. */
    uint8_t other[64] = {0};
    cose.signature = AVER_VIEW_OF(other);
    assert_ok(aver_cose_identity(&cose, cose_aad, identity));
    assert_memory_equal(identity, expected, 32);
}

static void cose_sign_is_bounded_and_leaves_the_buffer(void **state)
{
    (void)state;
    static uint8_t payload[AVER_COSE_BYTES_MAX];
    aver_buf out;
    aver_buf_init(&out, 2 * AVER_COSE_BYTES_MAX);
    aver_buf_append_text(&out, "before");
    assert_err(aver_cose_sign(cose_key, cose_aad, cose_type, cose_kid, AVER_VIEW_OF(payload), &out),
               AVER_E_LIMIT);
    assert_true(aver_view_equal_text(aver_buf_view(&out), "before"));
    aver_buf_deinit(&out);
    aver_buf_init(&out, 20);
    assert_err(
        aver_cose_sign(cose_key, cose_aad, cose_type, cose_kid, AVER_VIEW_LITERAL("p"), &out),
        AVER_E_LIMIT);
    assert_int_equal(out.size, 0);
    aver_buf_deinit(&out);
    aver_cose cose;
    static uint8_t large[AVER_COSE_BYTES_MAX + 1];
    assert_err(aver_cose_parse(AVER_VIEW_OF(large), &cose), AVER_E_LIMIT);
}

/* Puts a message together from a protected header and an unprotected one, in hex. */
static aver_err cose_parse_parts(const char *tag, const char *header, const char *unprotected,
                                 const char *tail)
{
    test_bytes bytes[3] = {test_hex(header), test_hex(unprotected), test_hex(tail)};
    test_bytes tag_bytes = test_hex(tag);
    aver_buf message;
    aver_buf_init(&message, 4096);
    aver_buf_append(&message, test_view(&tag_bytes));
    aver_cbor_put_array(&message, 4);
    aver_cbor_put_bytes(&message, test_view(&bytes[0]));
    aver_buf_append(&message, test_view(&bytes[1]));
    aver_buf_append(&message, test_view(&bytes[2]));
    uint8_t signature[64] = {0};
    aver_cbor_put_bytes(&message, AVER_VIEW_OF(signature));
    aver_cose cose;
    aver_err err = aver_cose_parse(aver_buf_view(&message), &cose);
    aver_buf_deinit(&message);
    return err;
}

#define COSE_KID "5820000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define COSE_GOOD                                                                                  \
    "a30127036161"                                                                                 \
    "04" COSE_KID

static void cose_only_the_one_form_parses(void **state)
{
    (void)state;
    assert_ok(cose_parse_parts("d2", COSE_GOOD, "a0", "4170"));
    struct {
        const char *tag, *header, *unprotected, *tail;
        aver_err err;
    } cases[] = {
        {"", COSE_GOOD, "a0", "4170", AVER_E_FORMAT},        /* no tag */
        {"d3", COSE_GOOD, "a0", "4170", AVER_E_FORMAT},      /* another tag */
        {"d812", COSE_GOOD, "a0", "4170", AVER_E_FORMAT},    /* a long tag */
        {"d2", COSE_GOOD, "a10126", "4170", AVER_E_FORMAT},  /* something unprotected */
        {"d2", COSE_GOOD, "a0", "f6", AVER_E_FORMAT},        /* a detached payload */
        {"d2", COSE_GOOD, "a0", "5f4170ff", AVER_E_FORMAT},  /* a payload in chunks */
        {"d2", "", "a0", "4170", AVER_E_FORMAT},             /* no header */
        {"d2", "a0", "a0", "4170", AVER_E_FORMAT},           /* an empty header */
        {"d2", COSE_GOOD "00", "a0", "4170", AVER_E_FORMAT}, /* bytes after the header */
        {"d2",
         "a30126036161"
         "04" COSE_KID,
         "a0", "4170", AVER_E_UNSUPPORTED}, /* ES256 */
        {"d2",
         "a3036161"
         "0127"
         "04" COSE_KID,
         "a0", "4170", AVER_E_FORMAT}, /* order */
        {"d2",
         "a3012701"
         "2704" COSE_KID,
         "a0", "4170", AVER_E_FORMAT},                                /* twice alg */
        {"d2", "a30127030004" COSE_KID, "a0", "4170", AVER_E_FORMAT}, /* number type */
        {"d2",
         "a301270361610441"
         "00",
         "a0", "4170", AVER_E_FORMAT},                            /* short kid */
        {"d2", "a3012702036161", "a0", "4170", AVER_E_FORMAT},    /* a label of no form */
        {"d2", "a2012704" COSE_KID, "a0", "4170", AVER_E_FORMAT}, /* no type */
        {"d2",
         "a40127036161"
         "04" COSE_KID "0500",
         "a0", "4170", AVER_E_FORMAT}, /* one more */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_err(
            cose_parse_parts(cases[i].tag, cases[i].header, cases[i].unprotected, cases[i].tail),
            cases[i].err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cose_round_trip),
        cmocka_unit_test(cose_other_kind_or_key_is_refused),
        cmocka_unit_test(cose_no_flipped_bit_passes),
        cmocka_unit_test(cose_no_cut_or_longer_message_parses),
        cmocka_unit_test(cose_identity_is_the_hash_of_the_structure),
        cmocka_unit_test(cose_sign_is_bounded_and_leaves_the_buffer),
        cmocka_unit_test(cose_only_the_one_form_parses),
    };
    return cmocka_run_group_tests(tests, cose_setup, cose_teardown);
}

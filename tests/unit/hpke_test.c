/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "crypto/hpke.h"

typedef struct hpke_pair {
    aver_hpke_key *key;
    aver_hpke *sender;
    aver_hpke *recipient;
    uint8_t enc[AVER_HPKE_ENC_BYTES];
} hpke_pair;

static hpke_pair hpke_pair_make(const char *sender_info, const char *recipient_info)
{
    hpke_pair pair;
    assert_ok(aver_hpke_key_new(&pair.key));
    assert_ok(aver_hpke_sender(aver_hpke_key_public(pair.key), aver_view_text(sender_info),
                               pair.enc, &pair.sender));
    assert_ok(
        aver_hpke_recipient(pair.key, pair.enc, aver_view_text(recipient_info), &pair.recipient));
    return pair;
}

static void hpke_pair_free(hpke_pair *pair)
{
    aver_hpke_free(pair->sender);
    aver_hpke_free(pair->recipient);
    aver_hpke_key_free(pair->key);
}

static void hpke_many_messages_in_order(void **state)
{
    (void)state;
    hpke_pair pair = hpke_pair_make("info", "info");
    for (unsigned i = 0; i < 300; i++) {
        aver_buf sealed;
        aver_buf opened;
        aver_buf_init(&sealed, 64);
        aver_buf_init(&opened, 64);
        aver_view plain = aver_view_make(&i, sizeof i);
        assert_ok(aver_hpke_seal(pair.sender, AVER_VIEW_LITERAL("aad"), plain, &sealed));
        assert_ok(aver_hpke_open(pair.recipient, AVER_VIEW_LITERAL("aad"), aver_buf_view(&sealed),
                                 &opened));
        assert_true(aver_view_equal(aver_buf_view(&opened), plain));
        /* The same again is out of order. */
        assert_err(aver_hpke_open(pair.recipient, AVER_VIEW_LITERAL("aad"), aver_buf_view(&sealed),
                                  &opened),
                   AVER_E_PROOF);
        aver_buf_deinit(&sealed);
        aver_buf_deinit(&opened);
    }
    hpke_pair_free(&pair);
}

static void hpke_failed_open_does_not_advance(void **state)
{
    (void)state;
    hpke_pair pair = hpke_pair_make("info", "info");
    aver_buf sealed;
    aver_buf opened;
    aver_buf_init(&sealed, 64);
    aver_buf_init(&opened, 64);
    aver_view aad = AVER_VIEW_LITERAL("aad");
    assert_ok(aver_hpke_seal(pair.sender, aad, AVER_VIEW_LITERAL("x"), &sealed));
    assert_err(
        aver_hpke_open(pair.recipient, AVER_VIEW_LITERAL("other"), aver_buf_view(&sealed), &opened),
        AVER_E_PROOF);
    assert_err(aver_hpke_open(pair.recipient, aad, aver_view_make(NULL, 0), &opened),
               AVER_E_FORMAT);
    assert_ok(aver_hpke_open(pair.recipient, aad, aver_buf_view(&sealed), &opened));
    aver_buf_deinit(&sealed);
    aver_buf_deinit(&opened);
    hpke_pair_free(&pair);
}

static void hpke_info_and_key_are_bound(void **state)
{
    (void)state;
    hpke_pair pair = hpke_pair_make("info", "other info");
    aver_hpke_key *other;
    aver_hpke *stranger;
    assert_ok(aver_hpke_key_new(&other));
    assert_ok(aver_hpke_recipient(other, pair.enc, AVER_VIEW_LITERAL("info"), &stranger));
    aver_buf sealed;
    aver_buf opened;
    aver_buf_init(&sealed, 64);
    aver_buf_init(&opened, 64);
    aver_view none = aver_view_make(NULL, 0);
    assert_ok(aver_hpke_seal(pair.sender, none, AVER_VIEW_LITERAL("x"), &sealed));
    assert_err(aver_hpke_open(pair.recipient, none, aver_buf_view(&sealed), &opened), AVER_E_PROOF);
    assert_err(aver_hpke_open(stranger, none, aver_buf_view(&sealed), &opened), AVER_E_PROOF);
    aver_buf_deinit(&sealed);
    aver_buf_deinit(&opened);
    aver_hpke_free(stranger);
    aver_hpke_key_free(other);
    hpke_pair_free(&pair);
}

static void hpke_context_has_one_direction(void **state)
{
    (void)state;
    hpke_pair pair = hpke_pair_make("info", "info");
    aver_buf out;
    aver_buf_init(&out, 64);
    uint8_t sealed[17] = {0};
    aver_view none = aver_view_make(NULL, 0);
    assert_err(aver_hpke_seal(pair.recipient, none, none, &out), AVER_E_USAGE);
    assert_err(aver_hpke_open(pair.sender, none, AVER_VIEW_OF(sealed), &out), AVER_E_USAGE);
    assert_int_equal(out.size, 0);
    aver_buf_deinit(&out);
    hpke_pair_free(&pair);
}

static void hpke_exports_agree_and_differ_by_label(void **state)
{
    (void)state;
    hpke_pair pair = hpke_pair_make("info", "info");
    uint8_t a[64];
    uint8_t b[64];
    static uint8_t large[255 * 32 + 1];
    assert_ok(aver_hpke_export(pair.sender, AVER_VIEW_LITERAL("one"), a, sizeof a));
    assert_ok(aver_hpke_export(pair.recipient, AVER_VIEW_LITERAL("one"), b, sizeof b));
    assert_memory_equal(a, b, sizeof a);
    assert_ok(aver_hpke_export(pair.recipient, AVER_VIEW_LITERAL("two"), b, sizeof b));
    assert_memory_not_equal(a, b, 32);
    assert_err(aver_hpke_export(pair.sender, AVER_VIEW_LITERAL("one"), large, sizeof large),
               AVER_E_LIMIT);
    hpke_pair_free(&pair);
}

static void hpke_refuses_points_of_low_order(void **state)
{
    (void)state;
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    aver_hpke_key *key;
    assert_ok(aver_hpke_key_new(&key));
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        test_bytes point = test_hex(points[i]);
        uint8_t enc[AVER_HPKE_ENC_BYTES];
        aver_hpke *context = NULL;
        aver_view none = aver_view_make(NULL, 0);
        assert_err(aver_hpke_sender(point.data, none, enc, &context), AVER_E_FORMAT);
        assert_err(aver_hpke_recipient(key, point.data, none, &context), AVER_E_FORMAT);
        assert_null(context);
    }
    aver_hpke_key_free(key);
    aver_hpke_key_free(NULL);
    aver_hpke_free(NULL);
}

static void hpke_every_encapsulation_is_fresh(void **state)
{
    (void)state;
    hpke_pair a = hpke_pair_make("info", "info");
    hpke_pair b = hpke_pair_make("info", "info");
    assert_memory_not_equal(a.enc, b.enc, sizeof a.enc);
    assert_memory_not_equal(aver_hpke_key_public(a.key), aver_hpke_key_public(b.key), 32);
    hpke_pair_free(&a);
    hpke_pair_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hpke_many_messages_in_order),
        cmocka_unit_test(hpke_failed_open_does_not_advance),
        cmocka_unit_test(hpke_info_and_key_are_bound),
        cmocka_unit_test(hpke_context_has_one_direction),
        cmocka_unit_test(hpke_exports_agree_and_differ_by_label),
        cmocka_unit_test(hpke_refuses_points_of_low_order),
        cmocka_unit_test(hpke_every_encapsulation_is_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

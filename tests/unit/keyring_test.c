/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/keyset.h"
#include "node/keyring.h"

#include <string.h>

static aver_keyring *keyring_made(void)
{
    static const aver_engine_info engine = {
        .executor = "test/1", .context_tokens = 64, .profile = AVER_PROFILE_FAST, .kv_type = "F16"};
    static const uint8_t address[20] = {1};
    static const uint8_t root[32] = {2};
    static const aver_keyring_model model = {.name = "model", .root = root, .engine = &engine};
    aver_keyring_facts facts = {.platform = "sim",
                                .operator_address = address,
                                .name = "node",
                                .models = &model,
                                .models_count = 1,
                                .process_model = AVER_PROCESS_SPLIT};
    aver_keyring *keyring;

    assert_int_equal(aver_keyring_new(&facts, &keyring), AVER_OK);
    return keyring;
}

static void keyring_keyset(const aver_keyring *keyring, aver_keyset *ret_keyset)
{
    uint8_t digest[32];

    assert_int_equal(aver_keyset_decode(aver_buf_view(&keyring->keyset), ret_keyset), AVER_OK);
    aver_keyset_digest(aver_buf_view(&keyring->keyset), digest);
    assert_memory_equal(digest, keyring->keyset_digest, 32);
    assert_memory_equal(ret_keyset->keys[AVER_ROLE_SEAL].bytes,
                        aver_hpke_key_public(keyring->seal_key), 32);
}

static void test_only_the_seal_key_is_replaced(void **state)
{
    static aver_keyset before, after;
    aver_keyring *keyring = keyring_made();
    uint8_t former_digest[32], receipt_key[32], tls_digest[32];
    aver_keyring *next;
    aver_buf first, bytes;

    (void)state;
    keyring_keyset(keyring, &before);
    aver_buf_init(&first, AVER_KEYSET_BYTES_MAX);
    aver_buf_init(&bytes, AVER_KEYSET_BYTES_MAX);
    aver_buf_append(&first, aver_buf_view(&keyring->keyset));
    memcpy(former_digest, keyring->keyset_digest, 32);
    memcpy(receipt_key, aver_ed25519_public(keyring->receipt_key), 32);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(aver_keyring_renew(keyring, &next), AVER_OK);
        keyring_keyset(next, &after);
        assert_memory_not_equal(next->keyset_digest, keyring->keyset_digest, 32);
        assert_memory_not_equal(next->keyset_digest, former_digest, 32);
        assert_memory_equal(next->node_id, keyring->node_id, 32);
        assert_memory_equal(next->incarnation, keyring->incarnation, 32);
        assert_memory_equal(next->config_digest, keyring->config_digest, 32);
        assert_true(aver_view_equal(aver_buf_view(&next->config), aver_buf_view(&keyring->config)));
        assert_memory_not_equal(after.keys[AVER_ROLE_SEAL].bytes, before.keys[AVER_ROLE_SEAL].bytes,
                                32);
        /* Until it succeeds, the present one can still sign. */
        assert_memory_equal(aver_ed25519_public(keyring->receipt_key), receipt_key, 32);
        aver_keyring_succeed(next, keyring);
        keyring = next;
        assert_memory_equal(aver_ed25519_public(keyring->receipt_key), receipt_key, 32);
        aver_tls_key_digest(keyring->tls_key, tls_digest);
        assert_memory_equal(tls_digest, after.keys[AVER_ROLE_TLS].bytes, 32);
        /* But for that key the keysets are the same. */
        memcpy(after.keys[AVER_ROLE_SEAL].bytes, before.keys[AVER_ROLE_SEAL].bytes, 32);
        aver_buf_clear(&bytes);
        assert_int_equal(aver_keyset_encode(&after, &bytes), AVER_OK);
        assert_true(aver_view_equal(aver_buf_view(&bytes), aver_buf_view(&first)));
    }
    aver_keyring_free(keyring);
    aver_buf_deinit(&first);
    aver_buf_deinit(&bytes);
}

/* A next keyring whose evidence never came is thrown away; the present one is not touched. */
static void test_a_next_one_can_be_thrown_away(void **state)
{
    static aver_keyset keyset;
    aver_keyring *keyring = keyring_made();
    aver_keyring *next;

    (void)state;
    assert_int_equal(aver_keyring_renew(keyring, &next), AVER_OK);
    aver_keyring_free(next);
    keyring_keyset(keyring, &keyset);
    assert_memory_equal(aver_ed25519_public(keyring->receipt_key),
                        keyset.keys[AVER_ROLE_RECEIPT].bytes, 32);
    aver_keyring_free(keyring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_seal_key_is_replaced),
        cmocka_unit_test(test_a_next_one_can_be_thrown_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

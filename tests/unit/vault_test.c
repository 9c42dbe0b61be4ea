/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/vault.h"

#include <string.h>

static void vault_id(uint32_t number, uint8_t ret_id[32])
{
    memset(ret_id, 0, 32);
    /* Few heads: the chains are long. */
    aver_be32_write(ret_id, number % 3);
    aver_be32_write(ret_id + 4, number);
}

static aver_err vault_put_one(aver_vault *vault, uint32_t number, uint64_t now_ms)
{
    uint8_t id[32], bytes[8];

    vault_id(number, id);
    aver_be64_write(bytes, number);
    return aver_vault_put(vault, id, AVER_VIEW_OF(bytes), aver_view_make(bytes, 4), now_ms);
}

static bool vault_has(const aver_vault *vault, uint32_t number, uint64_t now_ms)
{
    aver_view receipt, tokens;
    uint8_t id[32];

    vault_id(number, id);
    if (aver_vault_get(vault, id, now_ms, &receipt, &tokens) != AVER_OK) {
        return false;
    }
    assert_int_equal(receipt.size, 8);
    assert_int_equal(tokens.size, 4);
    assert_int_equal(aver_be64_read(receipt.data), number);
    return true;
}

static void test_oldest_go_first(void **state)
{
    aver_vault *vault;

    (void)state;
    assert_int_equal(aver_vault_new(10, 1000, 1000, &vault), AVER_OK);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(vault_put_one(vault, i, i), AVER_OK);
        for (uint32_t j = 0; j <= i; j++) {
            assert_int_equal(vault_has(vault, j, i), i - j < 10);
        }
    }
    assert_int_equal(aver_vault_count(vault), 10);
    aver_vault_free(vault);
}

static void test_time_and_bytes_are_bounded(void **state)
{
    aver_vault *vault;
    uint8_t id[32] = {0}, large[101] = {0};

    (void)state;
    assert_int_equal(aver_vault_new(100, 100, 1000, &vault), AVER_OK);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(vault_put_one(vault, i, 0), AVER_OK);
    }
    assert_int_equal(aver_vault_count(vault), 100 / 12);
    assert_true(vault_has(vault, 19, 999));
    assert_false(vault_has(vault, 19, 1000));
    assert_int_equal(aver_vault_put(vault, id, AVER_VIEW_OF(large), (aver_view){0}, 0),
                     AVER_E_LIMIT);
    assert_int_equal(aver_vault_count(vault), 100 / 12);
    aver_vault_expire(vault, 1000);
    assert_int_equal(aver_vault_count(vault), 0);
    aver_vault_free(vault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oldest_go_first),
        cmocka_unit_test(test_time_and_bytes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

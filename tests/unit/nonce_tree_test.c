/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/merkle.h"
#include "node/nonce_tree.h"

#include <stdlib.h>
#include <string.h>

/* Root and every path are those of the reference tree, for every size up to one beyond a power of
 * two. */
static void test_paths_lead_to_the_root(void **state)
{
    static uint8_t nonces[67][AVER_NONCE_BYTES];
    static uint8_t leaves[67][32];

    (void)state;
    for (size_t i = 0; i < 67; i++) {
        memset(nonces[i], (int)i + 1, AVER_NONCE_BYTES);
        aver_nonce_leaf(nonces[i], leaves[i]);
    }
    for (size_t count = 1; count <= 67; count++) {
        aver_nonce_tree *tree;
        uint8_t root[32], want[32], path[AVER_NONCE_PATH_MAX][32];
        size_t size;

        assert_int_equal(aver_nonce_tree_new((const uint8_t(*)[32])nonces, count, &tree), AVER_OK);
        aver_nonce_tree_root(tree, root);
        aver_merkle_root_of((const uint8_t(*)[32])leaves, count, want);
        assert_memory_equal(root, want, 32);
        for (size_t i = 0; i < count; i++) {
            aver_nonce_tree_path(tree, i, path, &size);
            assert_int_equal(
                aver_merkle_verify(leaves[i], i, count, (const uint8_t(*)[32])path, size, root),
                AVER_OK);
            assert_int_equal(aver_merkle_verify(leaves[(i + 1) % 67], i, count,
                                                (const uint8_t(*)[32])path, size, root),
                             AVER_E_PROOF);
        }
        aver_nonce_tree_free(tree);
    }
}

static void test_a_full_batch_has_paths_of_sixteen(void **state)
{
    uint8_t(*nonces)[32] = calloc(AVER_NONCE_BATCH_MAX + 1, 32);
    aver_nonce_tree *tree;
    uint8_t root[32], leaf[32], path[AVER_NONCE_PATH_MAX][32];
    size_t size;

    (void)state;
    assert_non_null(nonces);
    memset(nonces[54321], 7, 32);
    assert_int_equal(aver_nonce_tree_new((const uint8_t(*)[32])nonces, AVER_NONCE_BATCH_MAX, &tree),
                     AVER_OK);
    aver_nonce_tree_root(tree, root);
    aver_nonce_tree_path(tree, 54321, path, &size);
    aver_nonce_leaf(nonces[54321], leaf);
    assert_int_equal(size, AVER_NONCE_PATH_MAX);
    assert_int_equal(aver_merkle_verify(leaf, 54321, AVER_NONCE_BATCH_MAX,
                                        (const uint8_t(*)[32])path, size, root),
                     AVER_OK);
    aver_nonce_tree_free(tree);
    assert_int_equal(
        aver_nonce_tree_new((const uint8_t(*)[32])nonces, AVER_NONCE_BATCH_MAX + 1, &tree),
        AVER_E_LIMIT);
    assert_int_equal(aver_nonce_tree_new((const uint8_t(*)[32])nonces, 0, &tree), AVER_E_LIMIT);
    free(nonces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_lead_to_the_root),
        cmocka_unit_test(test_a_full_batch_has_paths_of_sixteen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "crypto/hash.h"
#include "crypto/merkle.h"

enum { MERKLE_TEST_LEAVES = 65 };

typedef uint8_t merkle_hash[32];

static merkle_hash merkle_leaves_made[MERKLE_TEST_LEAVES];
/* C before C23 has no implicit conversion from arrays to arrays of const elements. */
static const merkle_hash *const merkle_leaves = (const merkle_hash *)merkle_leaves_made;

static int merkle_leaves_make(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < MERKLE_TEST_LEAVES; i++) {
        aver_merkle_leaf(aver_view_make(&i, 1), merkle_leaves_made[i]);
    }
    return 0;
}

static void merkle_known_roots(void **state)
{
    (void)state;
    /* The eight leaves and the roots over the first n of them that Certificate Transparency's
     * implementations test with. */
    static const char *const leaves[8] = {"",
                                          "00",
                                          "10",
                                          "2021",
                                          "3031",
                                          "40414243",
                                          "5051525354555657",
                                          "606162636465666768696a6b6c6d6e6f"};
    static const char *const roots[9] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    aver_merkle tree;
    aver_merkle_init(&tree);
    for (size_t i = 0; i <= 8; i++) {
        merkle_hash root;
        aver_merkle_root(&tree, root);
        test_assert_hex(AVER_VIEW_OF(root), roots[i]);
        if (i < 8) {
            test_bytes leaf = test_hex(leaves[i]);
            aver_merkle_append(&tree, test_view(&leaf));
        }
    }
}

/* The definition of RFC 9162 section 2.1.1 word for word, to compare with. */
static void merkle_root_by_definition(const merkle_hash *leaves, size_t count, merkle_hash ret_root)
{
    assert_true(count > 0 && count <= MERKLE_TEST_LEAVES);
    if (count == 1) {
        memcpy(ret_root, leaves[0], 32);
        return;
    }
    size_t split = 1;
    while (2 * split < count) {
        split *= 2;
    }
    merkle_hash left;
    merkle_hash right;
    merkle_root_by_definition(leaves, split, left);
    merkle_root_by_definition(leaves + split, count - split, right);
    aver_merkle_node(left, right, ret_root);
}

static void merkle_roots_follow_the_definition(void **state)
{
    (void)state;
    for (size_t count = 1; count <= MERKLE_TEST_LEAVES; count++) {
        merkle_hash expected;
        merkle_hash root;
        merkle_root_by_definition(merkle_leaves, count, expected);
        aver_merkle_root_of(merkle_leaves, count, root);
        assert_memory_equal(root, expected, 32);
    }
}

/* The path holds, and for no other index, length, leaf or root. */
static void merkle_assert_path(uint64_t count, uint64_t index)
{
    merkle_hash path[AVER_MERKLE_PATH_MAX + 1];
    merkle_hash root;
    size_t size;
    aver_merkle_root_of(merkle_leaves, count, root);
    assert_ok(aver_merkle_path(merkle_leaves, count, index, path, &size));
    const merkle_hash *proof = (const merkle_hash *)path;
    const uint8_t *leaf = merkle_leaves[index];
    assert_ok(aver_merkle_verify(leaf, index, count, proof, size, root));
    for (uint64_t other = 0; other <= count; other++) {
        if (other != index) {
            assert_err(aver_merkle_verify(leaf, other, count, proof, size, root), AVER_E_PROOF);
        }
    }
    assert_err(aver_merkle_verify(leaf, index, count, proof, size + 1, root), AVER_E_PROOF);
    if (size > 0) {
        assert_err(aver_merkle_verify(leaf, index, count, proof, size - 1, root), AVER_E_PROOF);
    }
    for (size_t i = 0; i < size; i++) {
        path[i][i % 32] ^= 1;
        assert_err(aver_merkle_verify(leaf, index, count, proof, size, root), AVER_E_PROOF);
        path[i][i % 32] ^= 1;
    }
    merkle_hash wrong;
    memcpy(wrong, leaf, 32);
    wrong[31] ^= 0x80;
    assert_err(aver_merkle_verify(wrong, index, count, proof, size, root), AVER_E_PROOF);
    root[0] ^= 1;
    assert_err(aver_merkle_verify(leaf, index, count, proof, size, root), AVER_E_PROOF);
}

static void merkle_paths_of_every_leaf_of_every_size(void **state)
{
    (void)state;
    for (uint64_t count = 1; count < MERKLE_TEST_LEAVES; count++) {
        for (uint64_t index = 0; index < count; index++) {
            merkle_assert_path(count, index);
        }
    }
}

static void merkle_path_refuses_an_index_beyond(void **state)
{
    (void)state;
    merkle_hash path[AVER_MERKLE_PATH_MAX];
    size_t size = 99;
    assert_err(aver_merkle_path(merkle_leaves, 0, 0, path, &size), AVER_E_USAGE);
    assert_err(aver_merkle_path(merkle_leaves, 5, 5, path, &size), AVER_E_USAGE);
    assert_int_equal(size, 99);
}

/* A longer path into a larger tree must not pass for a place in a smaller one. */
static void merkle_path_of_a_larger_tree_is_refused(void **state)
{
    (void)state;
    for (uint64_t depth = 1; depth <= 6; depth++) {
        uint64_t count = UINT64_C(1) << depth;
        merkle_hash path[AVER_MERKLE_PATH_MAX];
        merkle_hash root;
        size_t size;
        aver_merkle_root_of(merkle_leaves, count, root);
        assert_ok(aver_merkle_path(merkle_leaves, count, count - 1, path, &size));
        const merkle_hash *proof = (const merkle_hash *)path;
        const uint8_t *leaf = merkle_leaves[count - 1];
        for (uint64_t claimed = 1; claimed <= count / 2; claimed++) {
            assert_err(aver_merkle_verify(leaf, claimed - 1, claimed, proof, size, root),
                       AVER_E_PROOF);
        }
    }
}

static void merkle_verify_bounds_hostile_sizes(void **state)
{
    (void)state;
    merkle_hash path[AVER_MERKLE_PATH_MAX + 2] = {0};
    const merkle_hash *proof = (const merkle_hash *)path;
    const uint8_t *leaf = merkle_leaves[0];
    for (size_t size = 0; size <= AVER_MERKLE_PATH_MAX + 2; size++) {
        assert_err(aver_merkle_verify(leaf, 0, 0, proof, size, leaf), AVER_E_PROOF);
        assert_err(aver_merkle_verify(leaf, 0, UINT64_MAX, proof, size, leaf), AVER_E_PROOF);
        assert_err(aver_merkle_verify(leaf, UINT64_MAX - 1, UINT64_MAX, proof, size, leaf),
                   AVER_E_PROOF);
        assert_err(aver_merkle_verify(leaf, UINT64_MAX, UINT64_MAX, proof, size, leaf),
                   AVER_E_PROOF);
    }
}

static void merkle_leaf_and_node_are_told_apart(void **state)
{
    (void)state;
    uint8_t joined[64] = {0};
    merkle_hash node;
    merkle_hash leaf;
    aver_merkle_node(joined, joined + 32, node);
    aver_merkle_leaf(AVER_VIEW_OF(joined), leaf);
    assert_memory_not_equal(node, leaf, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merkle_known_roots),
        cmocka_unit_test(merkle_roots_follow_the_definition),
        cmocka_unit_test(merkle_paths_of_every_leaf_of_every_size),
        cmocka_unit_test(merkle_path_refuses_an_index_beyond),
        cmocka_unit_test(merkle_path_of_a_larger_tree_is_refused),
        cmocka_unit_test(merkle_verify_bounds_hostile_sizes),
        cmocka_unit_test(merkle_leaf_and_node_are_told_apart),
    };
    return cmocka_run_group_tests(tests, merkle_leaves_make, NULL);
}

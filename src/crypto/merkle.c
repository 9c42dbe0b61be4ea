/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/merkle.h"

#include "base/check.h"
#include "crypto/hash.h"

#include <string.h>

#define MERKLE_LEAVES_MAX (UINT64_C(1) << 63)

void aver_merkle_leaf(aver_view data, uint8_t ret_hash[static 32])
{
    static const uint8_t tag = 0x00;
    aver_sha256 hash;
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, aver_view_make(&tag, 1));
    aver_sha256_update(&hash, data);
    aver_sha256_final(&hash, ret_hash);
}

void aver_merkle_node(const uint8_t left[static 32], const uint8_t right[static 32],
                      uint8_t ret_hash[static 32])
{
    uint8_t bytes[65] = {0x01};
    memcpy(bytes + 1, left, 32);
    memcpy(bytes + 33, right, 32);
    aver_sha256_of(AVER_VIEW_OF(bytes), ret_hash);
}

void aver_merkle_init(aver_merkle *tree)
{
    *tree = (aver_merkle){0};
}

void aver_merkle_append(aver_merkle *tree, aver_view leaf_data)
{
    uint8_t hash[32];
    aver_merkle_leaf(leaf_data, hash);
    aver_merkle_append_hash(tree, hash);
}

void aver_merkle_append_hash(aver_merkle *tree, const uint8_t leaf_hash[static 32])
{
    AVER_ASSERT(tree->size < MERKLE_LEAVES_MAX);
    uint8_t hash[32];
    memcpy(hash, leaf_hash, 32);
    /* Like adding one to a binary number: each carry joins two subtrees of one size. */
    unsigned level = 0;
    while (tree->size >> level & 1) {
        aver_merkle_node(tree->peaks[level], hash, hash);
        level++;
    }
    memcpy(tree->peaks[level], hash, 32);
    tree->size++;
}

void aver_merkle_root(const aver_merkle *tree, uint8_t ret_root[static 32])
{
    if (tree->size == 0) {
        aver_sha256_of(aver_view_make(NULL, 0), ret_root);
        return;
    }
    unsigned level = (unsigned)__builtin_ctzll(tree->size);
    uint8_t hash[32];
    memcpy(hash, tree->peaks[level], 32);
    for (level++; level < 64; level++) {
        if (tree->size >> level & 1) {
            aver_merkle_node(tree->peaks[level], hash, hash);
        }
    }
    memcpy(ret_root, hash, 32);
}

void aver_merkle_root_of(const uint8_t (*leaf_hashes)[32], uint64_t count,
                         uint8_t ret_root[static 32])
{
    aver_merkle tree;
    aver_merkle_init(&tree);
    for (uint64_t i = 0; i < count; i++) {
        aver_merkle_append_hash(&tree, leaf_hashes[i]);
    }
    aver_merkle_root(&tree, ret_root);
}

/* The largest power of two below count, which is at least 2: where RFC 9162 splits a tree. */
static uint64_t merkle_split(uint64_t count)
{
    return UINT64_C(1) << (63 - __builtin_clzll(count - 1));
}

aver_err aver_merkle_path(const uint8_t (*leaf_hashes)[32], uint64_t count, uint64_t index,
                          uint8_t (*ret_path)[32], size_t *ret_path_size)
{
    if (index >= count || count > MERKLE_LEAVES_MAX) {
        return AVER_E_USAGE;
    }
    /* From the root down, noting the roots of the subtrees passed by; then turned round. */
    size_t size = 0;
    const uint8_t(*leaves)[32] = leaf_hashes;
    while (count > 1) {
        uint64_t split = merkle_split(count);
        if (index < split) {
            aver_merkle_root_of(leaves + split, count - split, ret_path[size]);
            count = split;
        } else {
            aver_merkle_root_of(leaves, split, ret_path[size]);
            leaves += split;
            index -= split;
            count -= split;
        }
        size++;
    }
    for (size_t i = 0; i < size / 2; i++) {
        uint8_t hash[32];
        memcpy(hash, ret_path[i], 32);
        memcpy(ret_path[i], ret_path[size - 1 - i], 32);
        memcpy(ret_path[size - 1 - i], hash, 32);
    }
    *ret_path_size = size;
    return AVER_OK;
}

/* RFC 9162 section 2.1.3.2. */
aver_err aver_merkle_verify(const uint8_t leaf_hash[static 32], uint64_t index, uint64_t count,
                            const uint8_t (*path)[32], size_t path_size,
                            const uint8_t root[static 32])
{
    if (index >= count || path_size > AVER_MERKLE_PATH_MAX) {
        return AVER_E_PROOF;
    }
    uint64_t node = index;
    uint64_t last = count - 1;
    uint8_t hash[32];
    memcpy(hash, leaf_hash, 32);
    for (size_t i = 0; i < path_size; i++) {
        if (last == 0) {
            return AVER_E_PROOF;
        }
        if ((node & 1) || node == last) {
            aver_merkle_node(path[i], hash, hash);
            /* At the right edge there are levels without a sibling: pass over them. */
            while (!(node & 1) && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            aver_merkle_node(hash, path[i], hash);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && memcmp(hash, root, 32) == 0 ? AVER_OK : AVER_E_PROOF;
}

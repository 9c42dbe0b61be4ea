/* SPDX-License-Identifier: Apache-2.0 */
#include "node/nonce_tree.h"

#include "base/check.h"
#include "crypto/merkle.h"

#include <stdlib.h>
#include <string.h>

typedef struct nonce_hash {
    uint8_t bytes[32];
} nonce_hash;

struct aver_nonce_tree {
    size_t count;
    nonce_hash hashes[]; /* level 0, level 1, ..., root */
};

static size_t nonce_tree_hashes(size_t count)
{
    size_t total = count;

    while (count > 1) {
        count = (count + 1) / 2;
        total += count;
    }
    return total;
}

static void nonce_tree_build(aver_nonce_tree *tree)
{
    nonce_hash *level = tree->hashes;

    for (size_t size = tree->count; size > 1; size = (size + 1) / 2) {
        nonce_hash *above = level + size;

        for (size_t i = 0; i + 1 < size; i += 2) {
            aver_merkle_node(level[i].bytes, level[i + 1].bytes, above[i / 2].bytes);
        }
        if (size % 2 == 1) {
            above[size / 2] = level[size - 1];
        }
        level = above;
    }
}

aver_err aver_nonce_tree_new(const uint8_t (*nonces)[AVER_NONCE_BYTES], size_t count,
                             aver_nonce_tree **ret_tree)
{
    if (count == 0 || count > AVER_NONCE_BATCH_MAX) {
        return AVER_E_LIMIT;
    }
    aver_nonce_tree *tree = malloc(sizeof(*tree) + nonce_tree_hashes(count) * sizeof(nonce_hash));
    if (tree == NULL) {
        return AVER_E_NOMEM;
    }
    tree->count = count;
    for (size_t i = 0; i < count; i++) {
        aver_nonce_leaf(nonces[i], tree->hashes[i].bytes);
    }
    nonce_tree_build(tree);
    *ret_tree = tree;
    return AVER_OK;
}

void aver_nonce_tree_free(aver_nonce_tree *tree)
{
    free(tree);
}

void aver_nonce_tree_root(const aver_nonce_tree *tree, uint8_t ret_root[static 32])
{
    memcpy(ret_root, tree->hashes[nonce_tree_hashes(tree->count) - 1].bytes, 32);
}

void aver_nonce_tree_path(const aver_nonce_tree *tree, size_t index,
                          uint8_t ret_path[AVER_NONCE_PATH_MAX][32], size_t *ret_path_size)
{
    const nonce_hash *level = tree->hashes;
    size_t depth = 0;

    AVER_ASSERT(index < tree->count);
    for (size_t size = tree->count; size > 1; size = (size + 1) / 2) {
        size_t sibling = index ^ 1;

        if (sibling < size) {
            memcpy(ret_path[depth++], level[sibling].bytes, 32);
        }
        level += size;
        index /= 2;
    }
    *ret_path_size = depth;
}

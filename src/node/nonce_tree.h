/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_NONCE_TREE_H
#define AVER_NODE_NONCE_TREE_H

/*
 * nonce_tree: the RFC 9162 tree over the nonces of one batch, with every level kept, so that all
 * paths of a full batch cost one pass over the tree instead of one each.
 *
 *   level 2            [ 0..4 ]
 *   level 1        [0..1][2..3][4]     a last node without a partner rises as it is
 *   level 0      [0][1][2][3][4]
 */

#include "aver/bundle.h"

#define AVER_NONCE_BATCH_MAX 65536u

typedef struct aver_nonce_tree aver_nonce_tree;

/* count is 1 to AVER_NONCE_BATCH_MAX, else LIMIT. */
AVER_MUST_USE aver_err aver_nonce_tree_new(const uint8_t (*nonces)[AVER_NONCE_BYTES], size_t count,
                                           aver_nonce_tree **ret_tree);
void aver_nonce_tree_free(aver_nonce_tree *tree);
void aver_nonce_tree_root(const aver_nonce_tree *tree, uint8_t ret_root[static 32]);
/* index is below the count (asserted). */
void aver_nonce_tree_path(const aver_nonce_tree *tree, size_t index,
                          uint8_t ret_path[AVER_NONCE_PATH_MAX][32], size_t *ret_path_size);

#endif

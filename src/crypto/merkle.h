/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_MERKLE_H
#define AVER_CRYPTO_MERKLE_H

/*
 * merkle: RFC 9162 section 2.1 trees over SHA-256: leaf = H(0x00 || data), node = H(0x01 || l ||
 * r).
 *
 *   an incremental tree keeps one hash for each complete subtree (the binary digits of size):
 *     size 6 = 110b:   peaks [ hash of leaves 0..3 ][ hash of leaves 4..5 ]
 *
 * Threads: none. Limits: 2^63 leaves; audit paths of at most AVER_MERKLE_PATH_MAX hashes.
 */

#include "aver/bytes.h"

#define AVER_MERKLE_PATH_MAX 63

typedef struct aver_merkle {
    uint64_t size;
    uint8_t peaks[64][32];
} aver_merkle;

void aver_merkle_leaf(aver_view data, uint8_t ret_hash[static 32]);
void aver_merkle_node(const uint8_t left[static 32], const uint8_t right[static 32],
                      uint8_t ret_hash[static 32]);
void aver_merkle_init(aver_merkle *tree);
void aver_merkle_append(aver_merkle *tree, aver_view leaf_data);
void aver_merkle_append_hash(aver_merkle *tree, const uint8_t leaf_hash[static 32]);
/* Root of the empty tree is H(""). */
void aver_merkle_root(const aver_merkle *tree, uint8_t ret_root[static 32]);
/* Root over count leaf hashes laid side by side. */
void aver_merkle_root_of(const uint8_t (*leaf_hashes)[32], uint64_t count,
                         uint8_t ret_root[static 32]);
/* Inclusion path of leaf index; ret_path needs room for AVER_MERKLE_PATH_MAX. USAGE if index >=
 * count. */
AVER_MUST_USE aver_err aver_merkle_path(const uint8_t (*leaf_hashes)[32], uint64_t count,
                                        uint64_t index, uint8_t (*ret_path)[32],
                                        size_t *ret_path_size);
/* PROOF if the path does not lead from the leaf to the root; sizes must fit exactly. */
AVER_MUST_USE aver_err aver_merkle_verify(const uint8_t leaf_hash[static 32], uint64_t index,
                                          uint64_t count, const uint8_t (*path)[32],
                                          size_t path_size, const uint8_t root[static 32]);
#endif

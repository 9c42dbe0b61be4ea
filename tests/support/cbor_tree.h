/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_CBOR_TREE_H
#define AVER_TESTS_SUPPORT_CBOR_TREE_H

/*
 * cbor_tree: well-formed CBOR as a tree that can be changed anywhere and written again with all
 * lengths around the change set right, so that only the change itself is wrong. A byte string that
 * is itself an array, map or tag in CBOR is opened: its one child is what is inside.
 *
 * Nodes and bytes live in the tree, which is large: keep it static. Whatever is wrong with the
 * input ends the program; it is the test's own. Writing a node never fails but for memory.
 */

#include "aver/bytes.h"

enum { CBOR_TREE_NODES_MAX = 4096, CBOR_TREE_STORE_MAX = 262144 };

enum {
    CBOR_TREE_UINT,
    CBOR_TREE_NEGATIVE,
    CBOR_TREE_BYTES,
    CBOR_TREE_TEXT,
    CBOR_TREE_ARRAY,
    CBOR_TREE_MAP,
    CBOR_TREE_TAG,
    CBOR_TREE_SIMPLE,
};

typedef struct cbor_node {
    uint8_t major;
    uint8_t head_more; /* the head is written so many sizes longer than need be */
    uint64_t value;    /* of numbers, tags and simple values */
    aver_view bytes;   /* of strings without a child */
    struct cbor_node *child;
    struct cbor_node *next; /* in a map, key and value take turns */
} cbor_node;

typedef struct cbor_tree {
    cbor_node nodes[CBOR_TREE_NODES_MAX];
    size_t nodes_count;
    uint8_t store[CBOR_TREE_STORE_MAX];
    size_t store_size;
} cbor_tree;

void cbor_tree_clear(cbor_tree *tree);
/* The bytes must outlive the tree. */
cbor_node *cbor_tree_parse(cbor_tree *tree, aver_view bytes);
void cbor_tree_write(const cbor_node *node, aver_buf *out);
/* A copy of a node and all below it; its next is NULL. */
cbor_node *cbor_tree_copy(cbor_tree *tree, const cbor_node *node);
/* So many bytes of the tree's own, to be changed freely. */
uint8_t *cbor_tree_take(cbor_tree *tree, size_t size);
/* The value of an integer key of a map, or an element of an array; what is opened or tagged is
 * looked into. NULL where there is none, or node is NULL. */
cbor_node *cbor_tree_at(cbor_node *node, uint64_t key);
/* Makes the node a byte string of these bytes, copied. */
void cbor_tree_set_bytes(cbor_tree *tree, cbor_node *node, aver_view bytes);
/* The bytes of a string, written again where it is opened. False if it is none. */
bool cbor_tree_bytes(const cbor_node *node, aver_buf *out);

#endif

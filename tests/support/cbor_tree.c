/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cbor_tree.h"

#include "base/check.h"
#include "codec/cbor.h"

#include <string.h>

enum { CBOR_TREE_INSIDE_MIN = 3 };

void cbor_tree_clear(cbor_tree *tree)
{
    tree->nodes_count = 0;
    tree->store_size = 0;
}

uint8_t *cbor_tree_take(cbor_tree *tree, size_t size)
{
    AVER_ASSERT(size <= sizeof tree->store - tree->store_size);
    uint8_t *bytes = tree->store + tree->store_size;
    tree->store_size += size;
    return bytes;
}

static cbor_node *cbor_tree_node(cbor_tree *tree)
{
    AVER_ASSERT(tree->nodes_count < CBOR_TREE_NODES_MAX);
    cbor_node *node = &tree->nodes[tree->nodes_count++];
    *node = (cbor_node){0};
    return node;
}

static bool cbor_tree_opens(aver_view bytes)
{
    aver_view item;
    aver_cbor_cursor cursor = aver_cbor_open(bytes, 0);
    return bytes.size >= CBOR_TREE_INSIDE_MIN && bytes.data[0] >> 5 >= CBOR_TREE_ARRAY &&
           bytes.data[0] >> 5 <= CBOR_TREE_TAG && aver_cbor_skip(&cursor, &item) == AVER_OK &&
           aver_cbor_end(&cursor) == AVER_OK;
}

static uint64_t cbor_tree_read_head(aver_view *rest, uint8_t *ret_major)
{
    AVER_ASSERT(rest->size > 0);
    uint64_t value = rest->data[0] & 31u;
    size_t width = value < 24 ? 0 : (size_t)1 << (value - 24);
    AVER_ASSERT(value < 28 && rest->size > width);
    *ret_major = (uint8_t)(rest->data[0] >> 5);
    value = width ? 0 : value;
    for (size_t i = 1; i <= width; i++) {
        value = value << 8 | rest->data[i];
    }
    *rest = aver_view_slice(*rest, 1 + width, rest->size - 1 - width);
    return value;
}

static cbor_node *cbor_tree_read(cbor_tree *tree, aver_view *rest)
{
    cbor_node *node = cbor_tree_node(tree);
    uint64_t children = 0;
    node->value = cbor_tree_read_head(rest, &node->major);
    if (node->major == CBOR_TREE_BYTES || node->major == CBOR_TREE_TEXT) {
        node->bytes = aver_view_slice(*rest, 0, (size_t)node->value);
        *rest = aver_view_slice(*rest, (size_t)node->value, rest->size - (size_t)node->value);
        if (node->major == CBOR_TREE_BYTES && cbor_tree_opens(node->bytes)) {
            aver_view inside = node->bytes;
            node->child = cbor_tree_read(tree, &inside);
        }
    } else if (node->major == CBOR_TREE_ARRAY || node->major == CBOR_TREE_MAP) {
        children = node->major == CBOR_TREE_MAP ? 2 * node->value : node->value;
    } else if (node->major == CBOR_TREE_TAG) {
        children = 1;
    }
    for (cbor_node **link = &node->child; children > 0; children--) {
        *link = cbor_tree_read(tree, rest);
        link = &(*link)->next;
    }
    return node;
}

cbor_node *cbor_tree_parse(cbor_tree *tree, aver_view bytes)
{
    aver_view rest = bytes;
    cbor_node *node = cbor_tree_read(tree, &rest);
    AVER_ASSERT(rest.size == 0);
    return node;
}

static void cbor_tree_write_head(uint8_t major, uint64_t value, unsigned more, aver_buf *out)
{
    unsigned size = value < 24 ? 0 : value < 256 ? 1 : value < 65536 ? 2 : value >> 32 ? 4 : 3;
    size = size + more > 4 ? 4 : size + more;
    if (size == 0) {
        aver_buf_append_byte(out, (uint8_t)((unsigned)major << 5 | (unsigned)value));
        return;
    }
    aver_buf_append_byte(out, (uint8_t)((unsigned)major << 5 | (23 + size)));
    for (unsigned i = 1u << (size - 1); i > 0; i--) {
        aver_buf_append_byte(out, (uint8_t)(value >> (8 * (i - 1))));
    }
}

static void cbor_tree_write_string(const cbor_node *node, aver_buf *out)
{
    aver_buf inside;
    aver_buf_init(&inside, out->capacity_max);
    if (node->child) {
        cbor_tree_write(node->child, &inside);
        AVER_ASSERT(aver_buf_status(&inside) == AVER_OK);
    }
    aver_view bytes = node->child ? aver_buf_view(&inside) : node->bytes;
    cbor_tree_write_head(node->major, bytes.size, node->head_more, out);
    aver_buf_append(out, bytes);
    aver_buf_deinit(&inside);
}

void cbor_tree_write(const cbor_node *node, aver_buf *out)
{
    uint64_t count = 0;
    if (node->major == CBOR_TREE_BYTES || node->major == CBOR_TREE_TEXT) {
        cbor_tree_write_string(node, out);
        return;
    }
    for (const cbor_node *child = node->child; child; child = child->next) {
        count++;
    }
    if (node->major == CBOR_TREE_ARRAY || node->major == CBOR_TREE_MAP) {
        count = node->major == CBOR_TREE_MAP ? count / 2 : count;
        cbor_tree_write_head(node->major, count, node->head_more, out);
    } else {
        cbor_tree_write_head(node->major, node->value, node->head_more, out);
    }
    for (const cbor_node *child = node->child; child; child = child->next) {
        cbor_tree_write(child, out);
    }
}

cbor_node *cbor_tree_copy(cbor_tree *tree, const cbor_node *node)
{
    cbor_node *copy = cbor_tree_node(tree);
    *copy = *node;
    copy->next = NULL;
    cbor_node **link = &copy->child;
    for (const cbor_node *child = node->child; child; child = child->next) {
        *link = cbor_tree_copy(tree, child);
        link = &(*link)->next;
    }
    return copy;
}

cbor_node *cbor_tree_at(cbor_node *node, uint64_t key)
{
    while (node && (node->major == CBOR_TREE_BYTES || node->major == CBOR_TREE_TAG)) {
        node = node->child;
    }
    if (!node || (node->major != CBOR_TREE_ARRAY && node->major != CBOR_TREE_MAP)) {
        return NULL;
    }
    cbor_node *child = node->child;
    if (node->major == CBOR_TREE_ARRAY) {
        for (; child && key > 0; key--) {
            child = child->next;
        }
        return child;
    }
    while (child && (child->major != CBOR_TREE_UINT || child->value != key)) {
        child = child->next ? child->next->next : NULL;
    }
    return child ? child->next : NULL;
}

void cbor_tree_set_bytes(cbor_tree *tree, cbor_node *node, aver_view bytes)
{
    uint8_t *copy = cbor_tree_take(tree, bytes.size);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    node->major = CBOR_TREE_BYTES;
    node->child = NULL;
    node->bytes = aver_view_make(copy, bytes.size);
}

bool cbor_tree_bytes(const cbor_node *node, aver_buf *out)
{
    if (!node || node->major != CBOR_TREE_BYTES) {
        return false;
    }
    if (node->child) {
        cbor_tree_write(node->child, out);
    } else {
        aver_buf_append(out, node->bytes);
    }
    return aver_buf_status(out) == AVER_OK;
}

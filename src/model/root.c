/* SPDX-License-Identifier: Apache-2.0 */
#include "model/gguf.h"

#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "model/cores.h"
#include "model/gguf_state.h"

#include <stdatomic.h>
#include <stdlib.h>

#define LEAF_PREFIX_MAX 10

/* One leaf before it is hashed: RFC 9162's 0x00, our tag and numbers, then bytes of the file. */
typedef struct root_leaf {
    uint8_t prefix[LEAF_PREFIX_MAX];
    uint8_t prefix_size;
    aver_view bytes;
} root_leaf;

typedef struct root_work {
    root_leaf *leaves;
    uint8_t (*hashes)[32];
    uint64_t count;
    atomic_uint_fast64_t next; /* shared by the workers: the first leaf that nobody took */
} root_work;

static uint64_t root_leaves_count(const aver_gguf *gguf)
{
    uint64_t count = 1 + gguf->items_count + gguf->tensors_count;
    for (uint64_t i = 0; i < gguf->tensors_count; i++) {
        uint64_t size = gguf->tensors[i].data.size;
        count += (size + AVER_MODEL_LEAF_BYTES - 1) / AVER_MODEL_LEAF_BYTES;
    }
    return count;
}

static void root_leaf_tag(root_leaf *leaf, char tag, aver_view bytes)
{
    leaf->prefix[0] = 0;
    leaf->prefix[1] = (uint8_t)tag;
    leaf->prefix_size = 2;
    leaf->bytes = bytes;
}

static root_leaf *root_tensor_leaves(root_leaf *leaf, const aver_gguf_tensor *tensor,
                                     uint32_t index)
{
    root_leaf_tag(leaf++, 'T', tensor->info);
    uint32_t piece = 0;
    for (size_t offset = 0; offset < tensor->data.size; offset += AVER_MODEL_LEAF_BYTES) {
        size_t left = tensor->data.size - offset;
        size_t size = left < AVER_MODEL_LEAF_BYTES ? left : AVER_MODEL_LEAF_BYTES;
        root_leaf_tag(leaf, 'D', aver_view_slice(tensor->data, offset, size));
        aver_be32_write(leaf->prefix + 2, index);
        aver_be32_write(leaf->prefix + 6, piece++);
        leaf->prefix_size = LEAF_PREFIX_MAX;
        leaf++;
    }
    return leaf;
}

static void root_leaves_list(const aver_gguf *gguf, root_leaf *leaf)
{
    root_leaf_tag(leaf++, 'H', aver_view_slice(gguf->file, 0, AVER_GGUF_HEADER_BYTES));
    for (uint64_t i = 0; i < gguf->items_count; i++) {
        root_leaf_tag(leaf++, 'M', gguf->items[i].entry);
    }
    for (uint64_t i = 0; i < gguf->tensors_count; i++) {
        leaf = root_tensor_leaves(leaf, &gguf->tensors[i], (uint32_t)i);
    }
}

static void *root_worker(void *context)
{
    root_work *work = context;
    for (;;) {
        uint64_t index = atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed);
        if (index >= work->count) {
            return NULL;
        }
        const root_leaf *leaf = &work->leaves[index];
        aver_sha256 hash;
        aver_sha256_init(&hash);
        aver_sha256_update(&hash, aver_view_make(leaf->prefix, leaf->prefix_size));
        aver_sha256_update(&hash, leaf->bytes);
        aver_sha256_final(&hash, work->hashes[index]);
    }
}

aver_err aver_gguf_root(const aver_gguf *gguf, unsigned threads, uint8_t ret_root[static 32])
{
    root_work work = {.count = root_leaves_count(gguf)};
    aver_err err = AVER_E_NOMEM;
    work.leaves = calloc((size_t)work.count, sizeof(*work.leaves));
    work.hashes = calloc((size_t)work.count, sizeof(*work.hashes));
    if (work.leaves == NULL || work.hashes == NULL) {
        goto out;
    }
    root_leaves_list(gguf, work.leaves);
    aver_cores_run(root_worker, &work, threads);
    aver_merkle_root_of((const uint8_t(*)[32])work.hashes, work.count, ret_root);
    err = AVER_OK;
out:
    free(work.leaves);
    free(work.hashes);
    return err;
}

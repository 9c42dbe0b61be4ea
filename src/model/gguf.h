/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_MODEL_GGUF_H
#define AVER_MODEL_GGUF_H

/*
 * gguf: a strict reader of GGUF version 3 (little-endian) over bytes that are already in memory,
 * and the model root.
 *
 *   "GGUF" u32 version  u64 tensors  u64 items
 *   items:   string key, u32 type, value             (string = u64 size, bytes)
 *   tensors: string name, u32 dims, u64 dim[dims], u32 type, u64 offset
 *   zero padding to the alignment, then tensor data in order, each padded with zeros
 *
 * Stricter than llama.cpp: tensors lie in file order without gaps, padding is zero, nothing
 * follows the last tensor, no key or tensor name twice, sizes follow from type and dims. So every
 * byte of the file is covered by the root.
 *
 * Model root: RFC 9162 root over these leaves, in this order (docs/receipts.md has an example):
 *   'H' || first 24 bytes of the file
 *   for each item:    'M' || its bytes in the file (key, type, value)
 *   for each tensor:  'T' || its info bytes in the file, then for each 1 MiB piece of its data
 *                     'D' || u32be tensor index || u32be piece index || the piece
 *
 * Ownership: aver_gguf borrows the bytes, which must outlive it. Threads: reading is safe from
 * many.
 */

#include "aver/bytes.h"

#define AVER_GGUF_TENSORS_MAX    65536
#define AVER_GGUF_ITEMS_MAX      65536
#define AVER_GGUF_ARRAY_MAX      (16u * 1024 * 1024)
#define AVER_GGUF_NAME_BYTES_MAX 256
#define AVER_GGUF_DIMS_MAX       4
#define AVER_MODEL_LEAF_BYTES    (1u << 20)

typedef struct aver_gguf_tensor {
    aver_view name;
    aver_view info; /* its bytes in the tensor table */
    aver_view data;
    uint32_t type; /* ggml type number */
    uint32_t dims_count;
    uint64_t dims[AVER_GGUF_DIMS_MAX];
} aver_gguf_tensor;

typedef struct aver_gguf_item {
    aver_view key;
    aver_view entry; /* key, type and value as they stand in the file */
    uint32_t type;
    aver_view value; /* raw bytes of the value */
} aver_gguf_item;

typedef struct aver_gguf aver_gguf;

/* FORMAT with words in ret_why (may be NULL), LIMIT for a count beyond the constants above. */
AVER_MUST_USE aver_err aver_gguf_open(aver_view file, aver_gguf **ret_gguf, char ret_why[160]);
void aver_gguf_close(aver_gguf *gguf);
uint64_t aver_gguf_tensor_count(const aver_gguf *gguf);
const aver_gguf_tensor *aver_gguf_tensor_at(const aver_gguf *gguf, uint64_t index);
uint64_t aver_gguf_item_count(const aver_gguf *gguf);
const aver_gguf_item *aver_gguf_item_at(const aver_gguf *gguf, uint64_t index);
/* ABSENT if there is no such key, FORMAT if it is of another type. */
AVER_MUST_USE aver_err aver_gguf_text(const aver_gguf *gguf, const char *key, aver_view *ret_text);
AVER_MUST_USE aver_err aver_gguf_uint(const aver_gguf *gguf, const char *key, uint64_t *ret_value);
/* Name of a ggml type ("Q8_0"), or "unknown". */
const char *aver_gguf_type_name(uint32_t type);

/* threads 0 means one for each core that this process may use. */
AVER_MUST_USE aver_err aver_gguf_root(const aver_gguf *gguf, unsigned threads,
                                      uint8_t ret_root[static 32]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TOOLS_MODEL_MAKE_H
#define AVER_TOOLS_MODEL_MAKE_H

/*
 * model_make: writes small GGUF v3 files of the llama architecture.
 *
 * A plan lists metadata and tensors; tensors either borrow bytes from a mapped file or are drawn
 * from a seeded generator while the file is written. The same inputs give the same bytes on any
 * machine.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MAKE_DIM_MAX = 16384,
    MAKE_FF_MAX = 65536,
    MAKE_LAYERS_MAX = 256,
    MAKE_HEADS_MAX = 256,
    MAKE_VOCAB_MAX = 262144,
    MAKE_CONTEXT_MAX = 1 << 20,
    MAKE_TOKEN_SIZE_MAX = 1024,
    MAKE_NAME_SIZE_MAX = 64,
    MAKE_TENSORS_MAX = 3 + 9 * MAKE_LAYERS_MAX,
};

/* Growing bytes; after the first failed allocation nothing is appended and failed stays set. */
typedef struct make_bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool failed;
} make_bytes;

/* A whole file mapped for reading. */
typedef struct make_file {
    uint8_t *data;
    size_t size;
} make_file;

/* The shape of a llama model; every field is within the limits above once make_shape_check said so.
 */
typedef struct make_shape {
    uint32_t dim;
    uint32_t ff;
    uint32_t layers;
    uint32_t heads;
    uint32_t heads_kv;
    uint32_t vocab;
    uint32_t context;
} make_shape;

typedef struct make_vocab {
    uint32_t count;
    make_bytes texts; /* GGUF strings, one after the other */
    make_bytes scores;
    make_bytes types;
} make_vocab;

typedef enum make_source {
    MAKE_SOURCE_BYTES,  /* F32 values borrowed from a mapped file */
    MAKE_SOURCE_ONES,   /* F32 ones */
    MAKE_SOURCE_RANDOM, /* F16 values, normal-like, standard deviation 0.8 / sqrt(inputs) */
} make_source;

typedef struct make_tensor {
    char name[MAKE_NAME_SIZE_MAX];
    uint64_t inputs;  /* fastest dimension */
    uint64_t outputs; /* 0: the tensor has one dimension */
    make_source source;
    const uint8_t *bytes;
} make_tensor;

typedef struct make_plan {
    make_bytes metadata;
    uint64_t metadata_count;
    make_tensor *tensors;
    size_t tensor_count;
    uint64_t seed;
} make_plan;

void make_bytes_append(make_bytes *bytes, const void *data, size_t size);
void make_bytes_u32(make_bytes *bytes, uint32_t value);
uint32_t make_u32_read(const uint8_t *data);

/* All that return bool print what is wrong before they return false. */
bool make_file_open(const char *path, make_file *ret_file);
void make_file_close(make_file *file);
bool make_shape_check(const make_shape *shape);
bool make_vocab_read(const char *path, uint32_t count_expected, make_vocab *ret_vocab);
void make_vocab_deinit(make_vocab *vocab);
bool make_plan_init(make_plan *plan, const make_shape *shape, const make_vocab *vocab,
                    const char *name, uint32_t file_type);
void make_plan_deinit(make_plan *plan);
/* blk < 0: a tensor outside the layers. */
void make_plan_tensor(make_plan *plan, int blk, const char *name, uint64_t inputs, uint64_t outputs,
                      make_source source, const uint8_t *bytes);
bool make_plan_write(const make_plan *plan, const char *path);

#endif

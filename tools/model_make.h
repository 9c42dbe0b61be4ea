/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TOOLS_MODEL_MAKE_H
#define AVER_TOOLS_MODEL_MAKE_H

/*
 * model_make: writes small GGUF v3 files: models of the llama architecture, models for vectors of
 * the bert architecture, LoRA adapters.
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
    MAKE_TENSORS_MAX = 5 + 16 * MAKE_LAYERS_MAX,
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
    MAKE_SOURCE_BYTES,     /* F32 values borrowed from a mapped file */
    MAKE_SOURCE_ONES,      /* F32 ones */
    MAKE_SOURCE_ZEROS,     /* F32 zeros */
    MAKE_SOURCE_RANDOM,    /* F16 values, normal-like, standard deviation 0.8 / sqrt(inputs) */
    MAKE_SOURCE_RANDOM_Q8, /* the same as Q8_0; inputs is a multiple of 32 */
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
/* heads_kv and vocab of the shape are not looked at: it has a vocabulary of single letters. */
bool make_plan_init_bert(make_plan *plan, const make_shape *shape);
/* architecture: of the model that it is for. */
bool make_plan_init_lora(make_plan *plan, const char *architecture, float alpha);
void make_plan_deinit(make_plan *plan);
/* name is the whole one. */
void make_plan_named(make_plan *plan, const char *name, uint64_t inputs, uint64_t outputs,
                     make_source source);
/* blk < 0: a tensor outside the layers. */
void make_plan_tensor(make_plan *plan, int blk, const char *name, uint64_t inputs, uint64_t outputs,
                      make_source source, const uint8_t *bytes);
bool make_plan_write(const make_plan *plan, const char *path);

/* Written beside the target and renamed, so that a half-written file never carries its name. */
bool make_plan_publish(const make_plan *plan, const char *path);

/* The commands of model_make_parts.c; spec and paths are those of the usage text. */
bool make_command_bert(const char *spec, const char *path);
bool make_command_lora(const char *base, const char *spec, const char *path);

#endif

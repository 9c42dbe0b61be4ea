/* SPDX-License-Identifier: Apache-2.0 */
/* aver-model-make: story checkpoints to GGUF, quantisation, models of random weights for benches.
 */
#include "model_make.h"

#include <errno.h>
#include <inttypes.h>
#include <llama.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHECKPOINT_HEAD_SIZE =
        28, /* seven int32: dim, ff, layers, heads, KV heads, vocabulary, context */
    CHECKPOINT_VALUE_SIZE = 4,
    FILE_TYPE_F32 = 0,
    FILE_TYPE_F16 = 1,
    OUTPUT_PATH_SIZE_MAX = 4096,
};

static const char usage_text[] =
    "usage: aver-model-make llama2c CHECKPOINT TOKENIZER OUT.gguf [NAME]\n"
    "       aver-model-make quantize IN.gguf OUT.gguf TYPE      (q8_0 q4_0 q2_k q3_k_m q4_k_m "
    "q5_k_m q6_k)\n"
    "       aver-model-make random DIM,FF,LAYERS,HEADS,KVHEADS,CTX,SEED TOKENIZER OUT.gguf\n"
    "       aver-model-make bert DIM,FF,LAYERS,HEADS,CTX,SEED OUT.gguf        (random, for "
    "vectors)\n"
    "       aver-model-make lora BASE.gguf RANK,SEED OUT.gguf                 (random adapter)\n";

/* Reads the checkpoint's arrays one after the other; past the end it gives NULL for ever. */
typedef struct checkpoint_cursor {
    const make_file *file;
    size_t at;
    bool failed;
} checkpoint_cursor;

static const uint8_t *checkpoint_take(checkpoint_cursor *cursor, uint64_t values)
{
    uint64_t left = cursor->file->size - cursor->at;
    if (cursor->failed || values > left / CHECKPOINT_VALUE_SIZE) {
        cursor->failed = true;
        return NULL;
    }
    const uint8_t *data = cursor->file->data + cursor->at;
    cursor->at += (size_t)(values * CHECKPOINT_VALUE_SIZE);
    return data;
}

/* A negative vocabulary size says that the output matrix is not the embedding. */
static bool checkpoint_head(const make_file *file, make_shape *ret_shape, bool *ret_shared)
{
    if (file->size < CHECKPOINT_HEAD_SIZE) {
        fprintf(stderr, "the checkpoint is too short\n");
        return false;
    }
    uint32_t field[CHECKPOINT_HEAD_SIZE / 4];
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++) {
        field[i] = make_u32_read(file->data + 4 * i);
    }
    bool shared = field[5] <= INT32_MAX;
    make_shape shape = {
        .dim = field[0],
        .ff = field[1],
        .layers = field[2],
        .heads = field[3],
        .heads_kv = field[4],
        .vocab = shared ? field[5] : 0U - field[5],
        .context = field[6],
    };
    if (!make_shape_check(&shape)) {
        return false;
    }
    *ret_shape = shape;
    *ret_shared = shared;
    return true;
}

/* The nine matrices of a layer: the checkpoint holds each kind for all layers before the next kind.
 */
typedef struct layer_part {
    const char *name;
    uint64_t inputs;
    uint64_t outputs; /* 0: a vector */
    const uint8_t *data;
} layer_part;

enum { LAYER_PARTS = 9 };

static void layer_parts_init(layer_part *parts, const make_shape *shape)
{
    uint64_t dim = shape->dim;
    uint64_t kv = (uint64_t)(shape->dim / shape->heads) * shape->heads_kv;
    const layer_part list[LAYER_PARTS] = {
        {"attn_norm", dim, 0, NULL},        {"attn_q", dim, dim, NULL},
        {"attn_k", dim, kv, NULL},          {"attn_v", dim, kv, NULL},
        {"attn_output", dim, dim, NULL},    {"ffn_norm", dim, 0, NULL},
        {"ffn_gate", dim, shape->ff, NULL}, {"ffn_down", shape->ff, dim, NULL},
        {"ffn_up", dim, shape->ff, NULL},
    };
    memcpy(parts, list, sizeof list);
}

static uint64_t layer_part_values(const layer_part *part)
{
    return part->inputs * (part->outputs ? part->outputs : 1);
}

static void layer_parts_plan(const layer_part *parts, const make_shape *shape, make_source source,
                             make_plan *plan)
{
    for (uint32_t layer = 0; layer < shape->layers; layer++) {
        for (size_t i = 0; i < LAYER_PARTS; i++) {
            const layer_part *part = &parts[i];
            uint64_t offset = layer_part_values(part) * CHECKPOINT_VALUE_SIZE * layer;
            make_source own =
                source == MAKE_SOURCE_RANDOM && !part->outputs ? MAKE_SOURCE_ONES : source;
            make_plan_tensor(plan, (int)layer, part->name, part->inputs, part->outputs, own,
                             part->data ? part->data + offset : NULL);
        }
    }
}

static bool checkpoint_plan(const make_file *file, const make_shape *shape, bool shared,
                            make_plan *plan)
{
    checkpoint_cursor cursor = {.file = file, .at = CHECKPOINT_HEAD_SIZE};
    uint64_t rope = (uint64_t)shape->context * (shape->dim / shape->heads) / 2;
    uint64_t embedding = (uint64_t)shape->vocab * shape->dim;
    layer_part parts[LAYER_PARTS];
    layer_parts_init(parts, shape);
    const uint8_t *embed = checkpoint_take(&cursor, embedding);
    for (size_t i = 0; i < LAYER_PARTS; i++) {
        parts[i].data = checkpoint_take(&cursor, layer_part_values(&parts[i]) * shape->layers);
    }
    const uint8_t *norm = checkpoint_take(&cursor, shape->dim);
    /* Two tables of rotary angles, which the model computes itself. */
    (void)checkpoint_take(&cursor, rope);
    (void)checkpoint_take(&cursor, rope);
    const uint8_t *output = shared ? NULL : checkpoint_take(&cursor, embedding);
    if (cursor.failed || cursor.at != file->size) {
        fprintf(stderr, "the checkpoint's size does not fit its shape\n");
        return false;
    }
    make_plan_tensor(plan, -1, "token_embd", shape->dim, shape->vocab, MAKE_SOURCE_BYTES, embed);
    make_plan_tensor(plan, -1, "output_norm", shape->dim, 0, MAKE_SOURCE_BYTES, norm);
    if (output) {
        make_plan_tensor(plan, -1, "output", shape->dim, shape->vocab, MAKE_SOURCE_BYTES, output);
    }
    layer_parts_plan(parts, shape, MAKE_SOURCE_BYTES, plan);
    return true;
}

static bool command_llama2c(const char *checkpoint, const char *tokenizer, const char *path,
                            const char *name)
{
    make_file file = {0};
    make_vocab vocab = {0};
    make_plan plan = {0};
    make_shape shape;
    bool shared = false;
    bool ok = make_file_open(checkpoint, &file);
    ok = ok && checkpoint_head(&file, &shape, &shared);
    ok = ok && make_vocab_read(tokenizer, shape.vocab, &vocab);
    ok = ok && make_plan_init(&plan, &shape, &vocab, name, FILE_TYPE_F32);
    ok = ok && checkpoint_plan(&file, &shape, shared, &plan);
    if (ok) {
        ok = make_plan_publish(&plan, path);
    }
    make_plan_deinit(&plan);
    make_vocab_deinit(&vocab);
    make_file_close(&file);
    return ok;
}

static bool spec_parse(const char *spec, make_shape *ret_shape, uint64_t *ret_seed)
{
    uint64_t field[7];
    const char *at = spec;
    for (size_t i = 0; i < 7; i++) {
        char *end = NULL;
        errno = 0;
        field[i] = strtoull(at, &end, 10);
        bool last = i == 6;
        if (*at < '0' || *at > '9' || errno || *end != (last ? '\0' : ',') ||
            (!last && field[i] > INT32_MAX)) {
            fprintf(stderr, "'%s' is not DIM,FF,LAYERS,HEADS,KVHEADS,CTX,SEED\n", spec);
            return false;
        }
        at = end + 1;
    }
    *ret_shape = (make_shape){
        .dim = (uint32_t)field[0],
        .ff = (uint32_t)field[1],
        .layers = (uint32_t)field[2],
        .heads = (uint32_t)field[3],
        .heads_kv = (uint32_t)field[4],
        .context = (uint32_t)field[5],
    };
    *ret_seed = field[6];
    return true;
}

static bool command_random(const char *spec, const char *tokenizer, const char *path)
{
    make_vocab vocab = {0};
    make_plan plan = {0};
    make_shape shape;
    uint64_t seed = 0;
    bool ok = spec_parse(spec, &shape, &seed) && make_vocab_read(tokenizer, 0, &vocab);
    if (ok) {
        shape.vocab = vocab.count;
        ok = make_shape_check(&shape) &&
             make_plan_init(&plan, &shape, &vocab, "random", FILE_TYPE_F16);
    }
    if (ok) {
        layer_part parts[LAYER_PARTS];
        plan.seed = seed;
        make_plan_tensor(&plan, -1, "token_embd", shape.dim, shape.vocab, MAKE_SOURCE_RANDOM, NULL);
        make_plan_tensor(&plan, -1, "output_norm", shape.dim, 0, MAKE_SOURCE_ONES, NULL);
        layer_parts_init(parts, &shape);
        layer_parts_plan(parts, &shape, MAKE_SOURCE_RANDOM, &plan);
        ok = make_plan_publish(&plan, path);
    }
    make_plan_deinit(&plan);
    make_vocab_deinit(&vocab);
    return ok;
}

static void quantize_log(enum ggml_log_level level, const char *text, void *user)
{
    (void)user;
    if (level == GGML_LOG_LEVEL_ERROR) {
        fputs(text, stderr);
    }
}

static bool quantize_type(const char *name, enum llama_ftype *ret_type)
{
    static const struct {
        const char *name;
        enum llama_ftype type;
    } types[] = {
        {"q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},     {"q4_0", LLAMA_FTYPE_MOSTLY_Q4_0},
        {"q2_k", LLAMA_FTYPE_MOSTLY_Q2_K},     {"q3_k_m", LLAMA_FTYPE_MOSTLY_Q3_K_M},
        {"q4_k_m", LLAMA_FTYPE_MOSTLY_Q4_K_M}, {"q5_k_m", LLAMA_FTYPE_MOSTLY_Q5_K_M},
        {"q6_k", LLAMA_FTYPE_MOSTLY_Q6_K},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(name, types[i].name) == 0) {
            *ret_type = types[i].type;
            return true;
        }
    }
    fprintf(stderr, "unknown type '%s'\n", name);
    return false;
}

/* What llama.cpp wrote beside the target gets its name once it is whole. */
static bool output_finish(bool ok, const char *part, const char *path)
{
    if (ok && rename(part, path) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        ok = false;
    }
    if (!ok) {
        (void)remove(part);
    }
    return ok;
}

static bool output_part(const char *path, char *ret_part)
{
    int size = snprintf(ret_part, OUTPUT_PATH_SIZE_MAX, "%s.part", path);
    if (size < 0 || size >= OUTPUT_PATH_SIZE_MAX) {
        fprintf(stderr, "the output's name is too long\n");
        return false;
    }
    return true;
}

static bool command_quantize(const char *in, const char *path, const char *type)
{
    char part[OUTPUT_PATH_SIZE_MAX];
    make_file file = {0};
    llama_model_quantize_params params = llama_model_quantize_default_params();
    if (!quantize_type(type, &params.ftype) || !output_part(path, part) ||
        !make_file_open(in, &file)) {
        return false;
    }
    make_file_close(&file);
    params.allow_requantize = true;
    llama_log_set(quantize_log, NULL);
    llama_backend_init();
    bool ok = llama_model_quantize(in, part, &params) == 0;
    llama_backend_free();
    if (!ok) {
        fprintf(stderr, "%s: cannot be quantised to %s\n", in, type);
    }
    return output_finish(ok, part, path);
}

int main(int argc, char **argv)
{
    bool ok = false;
    if ((argc == 5 || argc == 6) && strcmp(argv[1], "llama2c") == 0) {
        ok = command_llama2c(argv[2], argv[3], argv[4], argc == 6 ? argv[5] : "llama2.c");
    } else if (argc == 5 && strcmp(argv[1], "quantize") == 0) {
        ok = command_quantize(argv[2], argv[3], argv[4]);
    } else if (argc == 4 && strcmp(argv[1], "bert") == 0) {
        ok = make_command_bert(argv[2], argv[3]);
    } else if (argc == 5 && strcmp(argv[1], "lora") == 0) {
        ok = make_command_lora(argv[2], argv[3], argv[4]);
    } else if (argc == 5 && strcmp(argv[1], "random") == 0) {
        ok = command_random(argv[2], argv[3], argv[4]);
    } else {
        fputs(usage_text, stderr);
        return 2;
    }
    return ok ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Models for vectors of random weights, and adapters of random weights for a model that is there.
 */
#include "model_make.h"

#include <errno.h>
#include <ggml.h>
#include <gguf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PARTS_FIELDS_MAX = 8,
    PARTS_BLOCK = 32, /* rows of Q8_0 are multiples of it */
    PARTS_RANK_MAX = 4096,
};

static bool parts_spec(const char *spec, size_t count, const char *want, uint64_t *ret_fields)
{
    const char *at = spec;
    for (size_t i = 0; i < count; i++) {
        char *end = NULL;
        bool last = i + 1 == count;
        errno = 0;
        ret_fields[i] = strtoull(at, &end, 10);
        if (*at < '0' || *at > '9' || errno || *end != (last ? '\0' : ',') ||
            (!last && ret_fields[i] > INT32_MAX)) {
            fprintf(stderr, "'%s' is not %s\n", spec, want);
            return false;
        }
        at = end + 1;
    }
    return true;
}

static bool bert_shape(const char *spec, make_shape *ret_shape, uint64_t *ret_seed)
{
    uint64_t field[PARTS_FIELDS_MAX];
    if (!parts_spec(spec, 6, "DIM,FF,LAYERS,HEADS,CTX,SEED", field)) {
        return false;
    }
    make_shape shape = {.dim = (uint32_t)field[0],
                        .ff = (uint32_t)field[1],
                        .layers = (uint32_t)field[2],
                        .heads = (uint32_t)field[3],
                        .heads_kv = (uint32_t)field[3],
                        .vocab = 300,
                        .context = (uint32_t)field[4]};
    if (!make_shape_check(&shape)) {
        return false;
    }
    if (shape.dim % PARTS_BLOCK != 0 || shape.ff % PARTS_BLOCK != 0 || shape.context > 8192) {
        fprintf(stderr, "dimension and feed-forward width must be multiples of 32, the context at "
                        "most 8192\n");
        return false;
    }
    *ret_shape = shape;
    *ret_seed = field[5];
    return true;
}

/* name.weight as random Q8_0, name.bias as zeros. */
static void bert_matrix(make_plan *plan, uint32_t layer, const char *name, uint64_t inputs,
                        uint64_t outputs)
{
    char full[MAKE_NAME_SIZE_MAX];
    (void)snprintf(full, sizeof full, "blk.%u.%s.weight", layer, name);
    make_plan_named(plan, full, inputs, outputs, MAKE_SOURCE_RANDOM_Q8);
    (void)snprintf(full, sizeof full, "blk.%u.%s.bias", layer, name);
    make_plan_named(plan, full, outputs, 0, MAKE_SOURCE_ZEROS);
}

static void bert_norm(make_plan *plan, const char *name, uint64_t size)
{
    char full[MAKE_NAME_SIZE_MAX];
    (void)snprintf(full, sizeof full, "%s.weight", name);
    make_plan_named(plan, full, size, 0, MAKE_SOURCE_ONES);
    (void)snprintf(full, sizeof full, "%s.bias", name);
    make_plan_named(plan, full, size, 0, MAKE_SOURCE_ZEROS);
}

static void bert_layer(make_plan *plan, const make_shape *shape, uint32_t layer)
{
    static const char *const square[] = {"attn_q", "attn_k", "attn_v", "attn_output"};
    char name[MAKE_NAME_SIZE_MAX];
    for (size_t i = 0; i < sizeof square / sizeof square[0]; i++) {
        bert_matrix(plan, layer, square[i], shape->dim, shape->dim);
    }
    (void)snprintf(name, sizeof name, "blk.%u.attn_output_norm", layer);
    bert_norm(plan, name, shape->dim);
    bert_matrix(plan, layer, "ffn_up", shape->dim, shape->ff);
    bert_matrix(plan, layer, "ffn_down", shape->ff, shape->dim);
    (void)snprintf(name, sizeof name, "blk.%u.layer_output_norm", layer);
    bert_norm(plan, name, shape->dim);
}

bool make_command_bert(const char *spec, const char *path)
{
    enum { BERT_VOCAB = 5 + 2 * 94 };
    make_plan plan = {0};
    make_shape shape;
    uint64_t seed = 0;
    if (!bert_shape(spec, &shape, &seed) || !make_plan_init_bert(&plan, &shape)) {
        return false;
    }
    plan.seed = seed;
    make_plan_named(&plan, "token_embd.weight", shape.dim, BERT_VOCAB, MAKE_SOURCE_RANDOM_Q8);
    make_plan_named(&plan, "position_embd.weight", shape.dim, shape.context, MAKE_SOURCE_RANDOM);
    make_plan_named(&plan, "token_types.weight", shape.dim, 2, MAKE_SOURCE_ZEROS);
    bert_norm(&plan, "token_embd_norm", shape.dim);
    for (uint32_t layer = 0; layer < shape.layers; layer++) {
        bert_layer(&plan, &shape, layer);
    }
    bool ok = make_plan_publish(&plan, path);
    make_plan_deinit(&plan);
    return ok;
}

/* The matrices of the layers that an adapter usually changes. */
static bool lora_takes(const char *name)
{
    static const char *const ends[] = {".attn_q.weight", ".attn_v.weight", ".ffn_up.weight"};
    size_t size = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t end = strlen(ends[i]);
        if (size > end && strcmp(name + size - end, ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool lora_tensors(make_plan *plan, struct ggml_context *tensors, uint32_t rank,
                         make_source source)
{
    size_t count = 0;
    for (struct ggml_tensor *tensor = ggml_get_first_tensor(tensors); tensor;
         tensor = ggml_get_next_tensor(tensors, tensor)) {
        char name[MAKE_NAME_SIZE_MAX];
        if (!lora_takes(tensor->name) || count >= (MAKE_TENSORS_MAX - 1) / 2) {
            continue;
        }
        (void)snprintf(name, sizeof name, "%.48s.lora_a", tensor->name);
        make_plan_named(plan, name, (uint64_t)tensor->ne[0], rank, source);
        (void)snprintf(name, sizeof name, "%.48s.lora_b", tensor->name);
        make_plan_named(plan, name, rank, (uint64_t)tensor->ne[1], source);
        count++;
    }
    if (count == 0) {
        fprintf(stderr, "the model has no matrices that an adapter could change\n");
    }
    return count > 0;
}

bool make_command_lora(const char *base, const char *spec, const char *path)
{
    uint64_t field[PARTS_FIELDS_MAX];
    struct ggml_context *tensors = NULL;
    struct gguf_init_params params = {.no_alloc = true, .ctx = &tensors};
    make_plan plan = {0};
    if (!parts_spec(spec, 2, "RANK,SEED", field)) {
        return false;
    }
    if (field[0] == 0 || field[0] > PARTS_RANK_MAX) {
        fprintf(stderr, "the rank must be 1 to 4096\n");
        return false;
    }
    struct gguf_context *gguf = gguf_init_from_file(base, params);
    int64_t key = gguf ? gguf_find_key(gguf, "general.architecture") : -1;
    if (key < 0 || gguf_get_kv_type(gguf, key) != GGUF_TYPE_STRING) {
        fprintf(stderr, "%s: not a model\n", base);
        gguf_free(gguf);
        return false;
    }
    /* Of a rank that Q8_0 cannot hold, the adapter is F16, which the deterministic profile refuses.
     */
    make_source source = field[0] % PARTS_BLOCK == 0 ? MAKE_SOURCE_RANDOM_Q8 : MAKE_SOURCE_RANDOM;
    bool ok = make_plan_init_lora(&plan, gguf_get_val_str(gguf, key), (float)field[0]);
    plan.seed = field[1];
    ok = ok && lora_tensors(&plan, tensors, (uint32_t)field[0], source) &&
         make_plan_publish(&plan, path);
    make_plan_deinit(&plan);
    ggml_free(tensors);
    gguf_free(gguf);
    return ok;
}

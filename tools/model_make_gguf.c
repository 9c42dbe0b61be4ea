/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF v3 writer: metadata, tensor table, tensor data, everything little-endian. */
#include "model_make.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GGUF_VERSION = 3,
    GGUF_ALIGNMENT = 32,
    GGUF_TENSOR_F32 = 0,
    GGUF_TENSOR_F16 = 1,
    GGUF_TENSOR_Q8_0 = 8,
    Q8_BLOCK_VALUES = 32,
    Q8_BLOCK_SIZE = 34,
    GGUF_TYPE_U32 = 4,
    GGUF_TYPE_I32 = 5,
    GGUF_TYPE_F32 = 6,
    GGUF_TYPE_BOOL = 7,
    GGUF_TYPE_STRING = 8,
    GGUF_TYPE_ARRAY = 9,
    BERT_TOKEN_NORMAL = 1,
    BERT_TOKEN_UNKNOWN = 2,
    BERT_TOKEN_CONTROL = 3,
    WRITE_CHUNK_VALUES = 16384,
};

void make_bytes_append(make_bytes *bytes, const void *data, size_t size)
{
    if (bytes->failed) {
        return;
    }
    if (size > bytes->capacity - bytes->size) {
        size_t capacity = (bytes->capacity ? bytes->capacity : 4096) * 2;
        while (capacity - bytes->size < size) {
            capacity *= 2;
        }
        uint8_t *grown = realloc(bytes->data, capacity);
        if (!grown) {
            bytes->failed = true;
            return;
        }
        bytes->data = grown;
        bytes->capacity = capacity;
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void make_bytes_u32(make_bytes *bytes, uint32_t value)
{
    uint8_t out[4];
    for (size_t i = 0; i < sizeof out; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
    make_bytes_append(bytes, out, sizeof out);
}

static void bytes_u64(make_bytes *bytes, uint64_t value)
{
    make_bytes_u32(bytes, (uint32_t)value);
    make_bytes_u32(bytes, (uint32_t)(value >> 32));
}

static void bytes_string(make_bytes *bytes, const void *data, size_t size)
{
    bytes_u64(bytes, size);
    make_bytes_append(bytes, data, size);
}

static void plan_key(make_plan *plan, const char *key, uint32_t type)
{
    bytes_string(&plan->metadata, key, strlen(key));
    make_bytes_u32(&plan->metadata, type);
    plan->metadata_count++;
}

static void plan_u32(make_plan *plan, const char *key, uint32_t value)
{
    plan_key(plan, key, GGUF_TYPE_U32);
    make_bytes_u32(&plan->metadata, value);
}

static void plan_f32(make_plan *plan, const char *key, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    plan_key(plan, key, GGUF_TYPE_F32);
    make_bytes_u32(&plan->metadata, bits);
}

static void plan_bool(make_plan *plan, const char *key, bool value)
{
    uint8_t byte = value;
    plan_key(plan, key, GGUF_TYPE_BOOL);
    make_bytes_append(&plan->metadata, &byte, 1);
}

static void plan_string(make_plan *plan, const char *key, const char *value)
{
    plan_key(plan, key, GGUF_TYPE_STRING);
    bytes_string(&plan->metadata, value, strlen(value));
}

static void plan_array(make_plan *plan, const char *key, uint32_t type, uint32_t count,
                       const make_bytes *items)
{
    plan_key(plan, key, GGUF_TYPE_ARRAY);
    make_bytes_u32(&plan->metadata, type);
    bytes_u64(&plan->metadata, count);
    make_bytes_append(&plan->metadata, items->data, items->size);
}

static void plan_tokenizer(make_plan *plan, const make_vocab *vocab)
{
    plan_string(plan, "tokenizer.ggml.model", "llama");
    plan_array(plan, "tokenizer.ggml.tokens", GGUF_TYPE_STRING, vocab->count, &vocab->texts);
    plan_array(plan, "tokenizer.ggml.scores", GGUF_TYPE_F32, vocab->count, &vocab->scores);
    plan_array(plan, "tokenizer.ggml.token_type", GGUF_TYPE_I32, vocab->count, &vocab->types);
    plan_u32(plan, "tokenizer.ggml.bos_token_id", 1);
    plan_u32(plan, "tokenizer.ggml.eos_token_id", 2);
    /* The story checkpoints end a story with token 1. */
    plan_u32(plan, "tokenizer.ggml.eot_token_id", 1);
    plan_u32(plan, "tokenizer.ggml.unknown_token_id", 0);
    plan_bool(plan, "tokenizer.ggml.add_bos_token", true);
    plan_bool(plan, "tokenizer.ggml.add_eos_token", false);
    plan_bool(plan, "tokenizer.ggml.add_space_prefix", true);
}

static bool plan_begin(make_plan *plan)
{
    *plan = (make_plan){.tensors = calloc(MAKE_TENSORS_MAX, sizeof *plan->tensors)};
    if (!plan->tensors) {
        fprintf(stderr, "out of memory\n");
        return false;
    }
    return true;
}

static void bert_token(make_vocab *vocab, const char *text, uint32_t type)
{
    bytes_string(&vocab->texts, text, strlen(text));
    make_bytes_u32(&vocab->scores, 0);
    make_bytes_u32(&vocab->types, type);
    vocab->count++;
}

/* Control tokens, then each printable character at the start of a word and inside one. */
static void plan_bert_tokenizer(make_plan *plan)
{
    static const char *const controls[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    make_vocab vocab = {0};
    for (uint32_t i = 0; i < 5; i++) {
        bert_token(&vocab, controls[i], i == 1 ? BERT_TOKEN_UNKNOWN : BERT_TOKEN_CONTROL);
    }
    for (char c = '!'; c <= '~'; c++) {
        char text[5] = {(char)0xe2, (char)0x96, (char)0x81, c, 0};
        bert_token(&vocab, text, BERT_TOKEN_NORMAL);
        bert_token(&vocab, text + 3, BERT_TOKEN_NORMAL);
    }
    plan_string(plan, "tokenizer.ggml.model", "bert");
    plan_string(plan, "tokenizer.ggml.pre", "default");
    plan_u32(plan, "tokenizer.ggml.token_type_count", 2);
    plan_array(plan, "tokenizer.ggml.tokens", GGUF_TYPE_STRING, vocab.count, &vocab.texts);
    plan_array(plan, "tokenizer.ggml.scores", GGUF_TYPE_F32, vocab.count, &vocab.scores);
    plan_array(plan, "tokenizer.ggml.token_type", GGUF_TYPE_I32, vocab.count, &vocab.types);
    plan_u32(plan, "tokenizer.ggml.bos_token_id", 2);
    plan_u32(plan, "tokenizer.ggml.eos_token_id", 3);
    plan_u32(plan, "tokenizer.ggml.unknown_token_id", 1);
    plan_u32(plan, "tokenizer.ggml.seperator_token_id", 3);
    plan_u32(plan, "tokenizer.ggml.padding_token_id", 0);
    plan_u32(plan, "tokenizer.ggml.cls_token_id", 2);
    plan_u32(plan, "tokenizer.ggml.mask_token_id", 4);
    plan->metadata.failed = plan->metadata.failed || vocab.texts.failed;
    make_vocab_deinit(&vocab);
}

bool make_plan_init_bert(make_plan *plan, const make_shape *shape)
{
    if (!plan_begin(plan)) {
        return false;
    }
    plan_string(plan, "general.architecture", "bert");
    plan_string(plan, "general.name", "random-embed");
    plan_u32(plan, "bert.context_length", shape->context);
    plan_u32(plan, "bert.embedding_length", shape->dim);
    plan_u32(plan, "bert.block_count", shape->layers);
    plan_u32(plan, "bert.feed_forward_length", shape->ff);
    plan_u32(plan, "bert.attention.head_count", shape->heads);
    plan_f32(plan, "bert.attention.layer_norm_epsilon", 1e-12F);
    plan_bool(plan, "bert.attention.causal", false);
    plan_u32(plan, "bert.pooling_type", 1);
    plan_bert_tokenizer(plan);
    return true;
}

bool make_plan_init_lora(make_plan *plan, const char *architecture, float alpha)
{
    if (!plan_begin(plan)) {
        return false;
    }
    plan_string(plan, "general.type", "adapter");
    plan_string(plan, "general.architecture", architecture);
    plan_string(plan, "adapter.type", "lora");
    plan_f32(plan, "adapter.lora.alpha", alpha);
    return true;
}

bool make_plan_init(make_plan *plan, const make_shape *shape, const make_vocab *vocab,
                    const char *name, uint32_t file_type)
{
    if (!plan_begin(plan)) {
        return false;
    }
    plan_string(plan, "general.architecture", "llama");
    plan_string(plan, "general.name", name);
    plan_u32(plan, "general.file_type", file_type);
    plan_u32(plan, "llama.context_length", shape->context);
    plan_u32(plan, "llama.embedding_length", shape->dim);
    plan_u32(plan, "llama.block_count", shape->layers);
    plan_u32(plan, "llama.feed_forward_length", shape->ff);
    plan_u32(plan, "llama.rope.dimension_count", shape->dim / shape->heads);
    plan_u32(plan, "llama.attention.head_count", shape->heads);
    plan_u32(plan, "llama.attention.head_count_kv", shape->heads_kv);
    plan_f32(plan, "llama.attention.layer_norm_rms_epsilon", 1e-5F);
    plan_f32(plan, "llama.rope.freq_base", 10000.0F);
    plan_u32(plan, "llama.vocab_size", shape->vocab);
    plan_tokenizer(plan, vocab);
    return true;
}

void make_plan_deinit(make_plan *plan)
{
    free(plan->metadata.data);
    free(plan->tensors);
    *plan = (make_plan){0};
}

static make_tensor *plan_place(make_plan *plan)
{
    if (plan->tensor_count == MAKE_TENSORS_MAX) {
        abort();
    }
    return &plan->tensors[plan->tensor_count++];
}

void make_plan_named(make_plan *plan, const char *name, uint64_t inputs, uint64_t outputs,
                     make_source source)
{
    make_tensor *tensor = plan_place(plan);
    *tensor = (make_tensor){.inputs = inputs, .outputs = outputs, .source = source};
    (void)snprintf(tensor->name, sizeof tensor->name, "%s", name);
}

void make_plan_tensor(make_plan *plan, int blk, const char *name, uint64_t inputs, uint64_t outputs,
                      make_source source, const uint8_t *bytes)
{
    make_tensor *tensor = plan_place(plan);
    *tensor = (make_tensor){.inputs = inputs, .outputs = outputs, .source = source, .bytes = bytes};
    if (blk < 0) {
        (void)snprintf(tensor->name, sizeof tensor->name, "%s.weight", name);
    } else {
        (void)snprintf(tensor->name, sizeof tensor->name, "blk.%d.%s.weight", blk, name);
    }
}

static uint64_t tensor_values(const make_tensor *tensor)
{
    return tensor->inputs * (tensor->outputs ? tensor->outputs : 1);
}

static uint64_t tensor_size(const make_tensor *tensor)
{
    uint64_t values = tensor_values(tensor);
    if (tensor->source == MAKE_SOURCE_RANDOM_Q8) {
        return values / Q8_BLOCK_VALUES * Q8_BLOCK_SIZE;
    }
    return values * (tensor->source == MAKE_SOURCE_RANDOM ? 2 : 4);
}

static uint32_t tensor_type(const make_tensor *tensor)
{
    if (tensor->source == MAKE_SOURCE_RANDOM_Q8) {
        return GGUF_TENSOR_Q8_0;
    }
    return tensor->source == MAKE_SOURCE_RANDOM ? GGUF_TENSOR_F16 : GGUF_TENSOR_F32;
}

static uint64_t pad_size(uint64_t size)
{
    return (GGUF_ALIGNMENT - size % GGUF_ALIGNMENT) % GGUF_ALIGNMENT;
}

static bool write_pad(FILE *out, uint64_t size)
{
    static const uint8_t zero[GGUF_ALIGNMENT];
    size_t pad = (size_t)pad_size(size);
    return fwrite(zero, 1, pad, out) == pad;
}

static void plan_head(const make_plan *plan, make_bytes *head)
{
    make_bytes_append(head, "GGUF", 4);
    make_bytes_u32(head, GGUF_VERSION);
    bytes_u64(head, plan->tensor_count);
    bytes_u64(head, plan->metadata_count);
    make_bytes_append(head, plan->metadata.data, plan->metadata.size);
    uint64_t offset = 0;
    for (size_t i = 0; i < plan->tensor_count; i++) {
        const make_tensor *tensor = &plan->tensors[i];
        bytes_string(head, tensor->name, strlen(tensor->name));
        make_bytes_u32(head, tensor->outputs ? 2 : 1);
        bytes_u64(head, tensor->inputs);
        if (tensor->outputs) {
            bytes_u64(head, tensor->outputs);
        }
        make_bytes_u32(head, tensor_type(tensor));
        bytes_u64(head, offset);
        offset += tensor_size(tensor) + pad_size(tensor_size(tensor));
    }
}

/* splitmix64: a counter through a mixer; the whole state is one word. */
static uint64_t random_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15U;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* The sum of four 16-bit draws, centred: near normal, standard deviation 65536 / sqrt(3), exact. */
static int32_t random_normal(uint64_t *state)
{
    uint64_t word = random_next(state);
    uint64_t sum =
        (word & 0xffff) + ((word >> 16) & 0xffff) + ((word >> 32) & 0xffff) + (word >> 48);
    return (int32_t)sum - 2 * 65535;
}

/* IEEE half of a finite float below 65504 in size; rounds to nearest even, small values become
 * zero. */
static uint16_t half_from_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = (bits >> 16) & 0x8000;
    uint32_t exponent = (bits >> 23) & 0xff;
    if (exponent < 113) {
        return (uint16_t)sign;
    }
    uint32_t rest = ((exponent - 112) << 23) | (bits & 0x7fffff);
    rest += 0xfff + ((rest >> 13) & 1);
    return (uint16_t)(sign | (rest >> 13));
}

static bool write_random(const make_tensor *tensor, uint64_t *state, FILE *out)
{
    static uint8_t chunk[2 * WRITE_CHUNK_VALUES];
    float scale = 0.8F * sqrtf(3.0F / (float)tensor->inputs) / 65536.0F;
    uint64_t left = tensor_values(tensor);
    while (left) {
        size_t count = left < WRITE_CHUNK_VALUES ? (size_t)left : WRITE_CHUNK_VALUES;
        for (size_t i = 0; i < count; i++) {
            uint16_t half = half_from_float((float)random_normal(state) * scale);
            chunk[2 * i] = (uint8_t)half;
            chunk[2 * i + 1] = (uint8_t)(half >> 8);
        }
        if (fwrite(chunk, 2, count, out) != count) {
            return false;
        }
        left -= count;
    }
    return true;
}

/* Blocks of a scale and 32 signed bytes, which have a standard deviation of 36.7. */
static bool write_random_q8(const make_tensor *tensor, uint64_t *state, FILE *out)
{
    uint16_t scale = half_from_float(0.8F / 36.7F / sqrtf((float)tensor->inputs));
    uint8_t block[Q8_BLOCK_SIZE] = {(uint8_t)scale, (uint8_t)(scale >> 8)};
    for (uint64_t i = 0; i < tensor_values(tensor); i += Q8_BLOCK_VALUES) {
        for (size_t k = 0; k < Q8_BLOCK_VALUES; k++) {
            block[2 + k] = (uint8_t)(random_normal(state) * 127 / 131070);
        }
        if (fwrite(block, 1, sizeof block, out) != sizeof block) {
            return false;
        }
    }
    return true;
}

static bool write_same(const make_tensor *tensor, bool ones, FILE *out)
{
    static const uint8_t one[4] = {0x00, 0x00, 0x80, 0x3f};
    static const uint8_t zero[4];
    for (uint64_t i = 0; i < tensor_values(tensor); i++) {
        if (fwrite(ones ? one : zero, 1, sizeof one, out) != sizeof one) {
            return false;
        }
    }
    return true;
}

static bool write_tensor(const make_tensor *tensor, uint64_t *state, FILE *out)
{
    size_t size = (size_t)tensor_size(tensor);
    bool ok = false;
    switch (tensor->source) {
    case MAKE_SOURCE_BYTES:
        ok = fwrite(tensor->bytes, 1, size, out) == size;
        break;
    case MAKE_SOURCE_ONES:
    case MAKE_SOURCE_ZEROS:
        ok = write_same(tensor, tensor->source == MAKE_SOURCE_ONES, out);
        break;
    case MAKE_SOURCE_RANDOM:
        ok = write_random(tensor, state, out);
        break;
    case MAKE_SOURCE_RANDOM_Q8:
        ok = write_random_q8(tensor, state, out);
        break;
    }
    return ok && write_pad(out, size);
}

bool make_plan_write(const make_plan *plan, const char *path)
{
    make_bytes head = {0};
    uint64_t state = plan->seed;
    plan_head(plan, &head);
    FILE *out = fopen(path, "wb");
    bool ok = out && !head.failed && !plan->metadata.failed;
    ok = ok && fwrite(head.data, 1, head.size, out) == head.size && write_pad(out, head.size);
    for (size_t i = 0; ok && i < plan->tensor_count; i++) {
        ok = write_tensor(&plan->tensors[i], &state, out);
    }
    if (!ok) {
        fprintf(stderr, "%s: cannot be written: %s\n", path, strerror(errno ? errno : ENOMEM));
    }
    if (out && fclose(out) != 0 && ok) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        ok = false;
    }
    free(head.data);
    return ok;
}

bool make_plan_publish(const make_plan *plan, const char *path)
{
    char part[4096];
    int size = snprintf(part, sizeof part, "%s.part", path);
    if (size < 0 || (size_t)size >= sizeof part) {
        fprintf(stderr, "the output's name is too long\n");
        return false;
    }
    bool ok = make_plan_write(plan, part);
    if (ok && rename(part, path) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        ok = false;
    }
    if (!ok) {
        (void)remove(part);
    }
    return ok;
}

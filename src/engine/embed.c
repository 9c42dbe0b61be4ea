/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/embed.h"

#include "base/check.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "engine/host.h"
#include "engine/host_threads.h"
#include "engine/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_BYTES              160
#define CONTEXT_TOKENS_DEFAULT 4096u
#define CONTEXT_TOKENS_LEAST   8u

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "digests are over little-endian floats");

struct aver_embed {
    struct llama_model *model;
    struct llama_context *context;
    const struct llama_vocab *vocab;
    aver_host_threads threads;
    struct llama_batch batch;
    bool has_batch;
    bool reads_only;
    uint64_t tokens;
    float *vector; /* the last one, of length 1 */
    aver_prompt *prompt;
    aver_engine_info info;
};

static aver_err embed_fail(char *why, aver_err err, const char *words)
{
    (void)snprintf(why, WHY_BYTES, "%s", words);
    return err;
}

aver_err aver_embed_wanted(const aver_engine_options *options, bool *ret_wanted, char ret_why[160])
{
    aver_load_file file;
    aver_profile_facts facts;
    aver_err err = aver_load_open(options->weights_fd, &file, ret_why);
    if (err != AVER_OK) {
        return err;
    }
    aver_profile_read(file.gguf, &facts);
    *ret_wanted = facts.embeds;
    aver_load_close(&file);
    return AVER_OK;
}

/* A table of positions ends where training ended, whatever is asked for. */
static uint32_t embed_context_tokens(const aver_embed *embed, const aver_engine_options *options)
{
    uint32_t trained = (uint32_t)llama_model_n_ctx_train(embed->model);
    uint32_t tokens =
        options->context_tokens != 0 ? options->context_tokens : CONTEXT_TOKENS_DEFAULT;
    return tokens < trained ? tokens : trained;
}

static void embed_context_params(const aver_embed *embed, const aver_engine_options *options,
                                 const aver_profile_facts *facts,
                                 struct llama_context_params *params)
{
    bool verified = embed->info.profile == AVER_PROFILE_VERIFIED;
    *params = llama_context_default_params();
    params->n_ctx = (embed->info.context_tokens + 255) / 256 * 256;
    params->n_batch = embed->info.context_tokens;
    params->n_ubatch = embed->info.context_tokens;
    params->n_seq_max = 1;
    params->n_outputs_max = embed->info.context_tokens;
    params->embeddings = true;
    params->no_perf = true;
    params->n_threads = (int32_t)aver_load_threads(options);
    params->n_threads_batch = params->n_threads;
    if (verified) {
        params->flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
        params->type_k = facts->kv_q8 ? GGML_TYPE_Q8_0 : GGML_TYPE_BF16;
        params->type_v = params->type_k;
    }
}

static aver_err embed_open_context(aver_embed *embed, const aver_engine_options *options,
                                   const aver_profile_facts *facts, char *why)
{
    struct llama_context_params params;
    embed_context_params(embed, options, facts, &params);
    embed->context = llama_init_from_model(embed->model, params);
    if (embed->context == NULL) {
        return embed_fail(why, AVER_E_LIMIT, "llama.cpp cannot make a context for this model");
    }
    enum llama_pooling_type pooling = llama_pooling_type(embed->context);
    if (pooling != LLAMA_POOLING_TYPE_MEAN && pooling != LLAMA_POOLING_TYPE_CLS &&
        pooling != LLAMA_POOLING_TYPE_LAST) {
        return embed_fail(why, AVER_E_UNSUPPORTED,
                          "the model's file does not say how a text becomes one vector");
    }
    if ((llama_get_memory(embed->context) == NULL) != embed->reads_only) {
        return embed_fail(why, AVER_E_UNSUPPORTED, "a model of an unknown kind");
    }
    aver_err err = aver_load_adapters(options, embed->model, embed->context, why);
    if (err != AVER_OK) {
        return err;
    }
    (void)snprintf(embed->info.kv_type, sizeof(embed->info.kv_type), "%s",
                   embed->reads_only                 ? "none"
                   : params.type_k == GGML_TYPE_Q8_0 ? "Q8_0"
                   : params.type_k == GGML_TYPE_BF16 ? "BF16"
                                                     : "F16");
    if (!aver_host_threads_init(&embed->threads, embed->context, (unsigned)params.n_threads,
                                options->pin)) {
        return embed_fail(why, AVER_E_NOMEM, "no threads for the engine");
    }
    embed->batch = llama_batch_init((int32_t)embed->info.context_tokens, 0, 1);
    embed->has_batch = true;
    return AVER_OK;
}

static void embed_describe(aver_embed *embed)
{
    aver_engine_info *info = &embed->info;
    (void)snprintf(info->executor, sizeof(info->executor), "llama.cpp/%s", llama_version());
    (void)llama_model_desc(embed->model, info->description, sizeof(info->description));
    info->vocabulary_size = (uint32_t)llama_vocab_n_tokens(embed->vocab);
    info->embeds = true;
}

/* Three inputs of fixed ids, short and as long as one kernel's steps differ; what two engines of
 * one class share. */
static aver_err embed_class_run(aver_embed *embed, char *why)
{
    static const uint32_t lengths[] = {1, 17, 130};
    aver_sha256 hash;
    int32_t ids[130];
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_LITERAL("aver/class-embed/1"));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint32_t count =
            lengths[i] < embed->info.context_tokens ? lengths[i] : embed->info.context_tokens;
        const float *vector = NULL;
        for (uint32_t k = 0; k < count; k++) {
            ids[k] = (int32_t)((k * 7919u + 17u) % embed->info.vocabulary_size);
        }
        if (aver_embed_vector(embed, ids, count, &vector) != AVER_OK) {
            return embed_fail(why, AVER_E_PEER, "the known-answer run failed");
        }
        aver_sha256_update(&hash,
                           aver_view_make(vector, embed->info.vector_size * sizeof(*vector)));
    }
    aver_sha256_final(&hash, embed->info.numeric_class);
    return AVER_OK;
}

static aver_err embed_set_up(aver_embed *embed, const aver_engine_options *options,
                             const aver_profile_facts *facts, char *why)
{
    uint64_t heap_bytes = aver_load_heap_bytes();
    aver_err err = aver_load_model(options->weights_fd, embed->info.profile, &embed->model, why);
    if (err != AVER_OK) {
        return err;
    }
    embed->vocab = llama_model_get_vocab(embed->model);
    embed->info.context_tokens = embed_context_tokens(embed, options);
    int32_t size = llama_model_n_embd_out(embed->model);
    if (embed->info.context_tokens < CONTEXT_TOKENS_LEAST || size <= 0 ||
        size > AVER_ENGINE_VECTOR_MAX) {
        return embed_fail(why, AVER_E_UNSUPPORTED, "context or vector of an unknown size");
    }
    embed->info.vector_size = (uint32_t)size;
    embed->vector = calloc(embed->info.vector_size, sizeof(*embed->vector));
    if (embed->vector == NULL) {
        return embed_fail(why, AVER_E_NOMEM, "out of memory");
    }
    err = embed_open_context(embed, options, facts, why);
    err = err == AVER_OK ? aver_prompt_new(embed->vocab, (aver_view){NULL, 0}, &embed->prompt, why)
                         : err;
    if (err != AVER_OK) {
        return err;
    }
    embed_describe(embed);
    err = embed_class_run(embed, why);
    uint64_t grown_bytes = aver_load_heap_bytes();
    embed->info.memory_bytes = grown_bytes > heap_bytes ? grown_bytes - heap_bytes : 0;
    return err;
}

aver_err aver_embed_new(const aver_engine_options *options, aver_embed **ret_embed,
                        char ret_why[160])
{
    aver_load_file file;
    aver_profile_facts facts;
    if (strcmp(llama_version(), AVER_LLAMA_VERSION) != 0) {
        return embed_fail(ret_why, AVER_E_UNSUPPORTED,
                          "another llama.cpp than this program was built with");
    }
    aver_host_prepare();
    aver_err err = aver_load_open(options->weights_fd, &file, ret_why);
    if (err != AVER_OK) {
        return err;
    }
    err = aver_load_facts(options, &file, &facts, ret_why);
    aver_load_close(&file);
    if (err != AVER_OK) {
        return err;
    }
    aver_embed *embed = calloc(1, sizeof(*embed));
    if (embed == NULL) {
        return embed_fail(ret_why, AVER_E_NOMEM, "out of memory");
    }
    embed->info.profile = aver_load_profile(options->profile, &facts);
    embed->info.slots = options->slots;
    embed->reads_only = facts.reads_only;
    err = embed_set_up(embed, options, &facts, ret_why);
    if (err != AVER_OK) {
        aver_embed_free(embed);
        return err;
    }
    *ret_embed = embed;
    return AVER_OK;
}

void aver_embed_free(aver_embed *embed)
{
    if (embed == NULL) {
        return;
    }
    aver_load_free(&(aver_load_parts){.model = embed->model,
                                      .context = embed->context,
                                      .threads = &embed->threads,
                                      .batch = embed->has_batch ? &embed->batch : NULL,
                                      .prompt = embed->prompt});
    free(embed->vector);
    free(embed);
}

const aver_engine_info *aver_embed_info(const aver_embed *embed)
{
    return &embed->info;
}

uint64_t aver_embed_tokens(const aver_embed *embed)
{
    return embed->tokens;
}

aver_err aver_embed_tokenize(const aver_embed *embed, aver_view text, aver_ids *ret_ids,
                             char ret_why[160])
{
    return aver_prompt_tokenize(embed->prompt, text, true, embed->info.context_tokens, ret_ids,
                                ret_why);
}

/* The sum of the squares runs in doubles, in one order. */
static void embed_normalise(aver_embed *embed, const float *pooled)
{
    double sum = 0;
    for (uint32_t i = 0; i < embed->info.vector_size; i++) {
        sum += (double)pooled[i] * (double)pooled[i];
    }
    float scale = sum > 0 ? (float)(1.0 / sqrt(sum)) : 0.0F;
    for (uint32_t i = 0; i < embed->info.vector_size; i++) {
        embed->vector[i] = pooled[i] * scale;
    }
}

aver_err aver_embed_vector(aver_embed *embed, const int32_t *ids, size_t count,
                           const float **ret_vector)
{
    AVER_ASSERT(count > 0 && count <= embed->info.context_tokens);
    for (size_t i = 0; i < count; i++) {
        embed->batch.token[i] = ids[i];
        embed->batch.pos[i] = (llama_pos)i;
        embed->batch.n_seq_id[i] = 1;
        embed->batch.seq_id[i][0] = 0;
        embed->batch.logits[i] = 1;
    }
    embed->batch.n_tokens = (int32_t)count;
    if (!embed->reads_only) {
        llama_memory_clear(llama_get_memory(embed->context), true);
    }
    aver_host_threads_begin(&embed->threads, (uint32_t)embed->batch.n_tokens);
    int32_t status = embed->reads_only ? llama_encode(embed->context, embed->batch)
                                       : llama_decode(embed->context, embed->batch);
    aver_host_threads_end(&embed->threads);
    const float *pooled = status == 0 ? llama_get_embeddings_seq(embed->context, 0) : NULL;
    if (pooled == NULL) {
        aver_log(AVER_LOG_WARN, "engine.embed", "llama.cpp gave %d for %zu tokens", (int)status,
                 count);
        return AVER_E_PEER;
    }
    embed->tokens += count;
    embed_normalise(embed, pooled);
    *ret_vector = embed->vector;
    return AVER_OK;
}

static void digest_u32(aver_sha256 *hash, uint32_t value)
{
    uint8_t bytes[4];
    aver_be32_write(bytes, value);
    aver_sha256_update(hash, AVER_VIEW_OF(bytes));
}

void aver_embed_digest_init(aver_embed_digest *digest, uint32_t inputs)
{
    aver_sha256 hash;
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_LITERAL("aver/embed/1"));
    digest_u32(&hash, inputs);
    aver_sha256_final(&hash, digest->bytes);
}

void aver_embed_digest_add(aver_embed_digest *digest, const int32_t *ids, size_t ids_count,
                           const float *vector, size_t vector_count)
{
    aver_sha256 hash;
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_OF(digest->bytes));
    digest_u32(&hash, (uint32_t)ids_count);
    for (size_t i = 0; i < ids_count; i++) {
        digest_u32(&hash, (uint32_t)ids[i]);
    }
    aver_sha256_update(&hash, aver_view_make(vector, vector_count * sizeof(*vector)));
    aver_sha256_final(&hash, digest->bytes);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/profile.h"

#include "model/gguf_type.h"

#include <stdio.h>
#include <string.h>

#define KV_BLOCK 32u

static bool type_is_invariant(uint32_t type)
{
    switch (type) {
    case AVER_GGML_Q4_0:
    case AVER_GGML_Q8_0:
    case AVER_GGML_Q2_K:
    case AVER_GGML_Q3_K:
    case AVER_GGML_Q4_K:
    case AVER_GGML_Q5_K:
    case AVER_GGML_Q6_K:
        return true;
    default:
        return false;
    }
}

/* Norms and biases are added or multiplied element by element: plain F32 there is the same in any
 * batch. */
static bool tensor_is_vector(const aver_gguf_tensor *tensor)
{
    for (uint32_t i = 1; i < tensor->dims_count; i++) {
        if (tensor->dims[i] != 1) {
            return false;
        }
    }
    return true;
}

static uint64_t fact_uint(const aver_gguf *gguf, aver_view architecture, const char *name)
{
    char key[192];
    uint64_t value = 0;
    int size = snprintf(key, sizeof(key), "%.*s.%s",
                        (int)(architecture.size > 64 ? 64 : architecture.size),
                        (const char *)architecture.data, name);
    if (size < 0 || (size_t)size >= sizeof(key) || aver_gguf_uint(gguf, key, &value) != AVER_OK) {
        return 0;
    }
    return value;
}

static bool heads_fit(const aver_gguf *gguf)
{
    aver_view architecture;
    if (aver_gguf_text(gguf, "general.architecture", &architecture) != AVER_OK) {
        return false;
    }
    uint64_t heads = fact_uint(gguf, architecture, "attention.head_count");
    uint64_t width = fact_uint(gguf, architecture, "embedding_length");
    uint64_t key_size = fact_uint(gguf, architecture, "attention.key_length");
    uint64_t value_size = fact_uint(gguf, architecture, "attention.value_length");
    uint64_t plain = heads == 0 ? 0 : width / heads;
    key_size = key_size == 0 ? plain : key_size;
    value_size = value_size == 0 ? plain : value_size;
    return key_size != 0 && value_size != 0 && key_size % KV_BLOCK == 0 &&
           value_size % KV_BLOCK == 0;
}

/* Tables of which a model for vectors takes single rows: no kernel multiplies them. */
static bool tensor_is_table(const aver_gguf_tensor *tensor)
{
    static const char *const names[] = {"token_embd.weight", "position_embd.weight",
                                        "token_types.weight"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (aver_view_equal_text(tensor->name, names[i])) {
            return true;
        }
    }
    return false;
}

static void profile_tensors(const aver_gguf *gguf, aver_profile_facts *facts)
{
    for (uint64_t i = 0; i < aver_gguf_tensor_count(gguf) && facts->invariant; i++) {
        const aver_gguf_tensor *tensor = aver_gguf_tensor_at(gguf, i);
        bool vector = tensor->type == AVER_GGML_F32 && tensor_is_vector(tensor);
        bool table = facts->reads_only && tensor_is_table(tensor);
        if (!vector && !table && !type_is_invariant(tensor->type)) {
            facts->invariant = false;
            (void)snprintf(facts->why, sizeof(facts->why), "tensor %.*s is %s",
                           (int)(tensor->name.size > 64 ? 64 : tensor->name.size),
                           (const char *)tensor->name.data, aver_gguf_type_name(tensor->type));
        }
    }
}

static void profile_kind(const aver_gguf *gguf, aver_profile_facts *facts)
{
    aver_view architecture;
    if (aver_gguf_text(gguf, "general.architecture", &architecture) != AVER_OK) {
        return;
    }
    facts->reads_only =
        memmem(architecture.data, architecture.size, "bert", strlen("bert")) != NULL;
    facts->pooling = fact_uint(gguf, architecture, "pooling_type");
    facts->embeds = facts->reads_only || facts->pooling != AVER_POOLING_NONE;
}

void aver_profile_read(const aver_gguf *gguf, aver_profile_facts *ret_facts)
{
    memset(ret_facts, 0, sizeof(*ret_facts));
    ret_facts->invariant = true;
    ret_facts->kv_q8 = heads_fit(gguf);
    profile_kind(gguf, ret_facts);
    if (aver_gguf_text(gguf, "tokenizer.chat_template", &ret_facts->chat_template) != AVER_OK) {
        ret_facts->chat_template = (aver_view){NULL, 0};
    }
    profile_tensors(gguf, ret_facts);
}

void aver_profile_read_adapter(const aver_gguf *gguf, aver_profile_facts *facts)
{
    profile_tensors(gguf, facts);
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_EMBED_H
#define AVER_ENGINE_EMBED_H

/*
 * embed: a loaded model that gives vectors. Engine and re-check both run on it, so that they cannot
 * differ in a setting.
 *
 * One input is one decode, with nothing else in it: only so are its bits the same whoever asks
 * beside it. The vector is pooled as the model's file says and has length 1. Profile "verified":
 * weights of the invariant types (tables that are only looked up may be of any), no repacking;
 * flash attention on for models with a memory of the past, off for those that read a text in one
 * go. Numeric class: SHA-256 over the vectors of a known-answer run. Threads: one owner.
 */

#include "engine/engine.h"
#include "engine/prompt.h"

typedef struct aver_embed aver_embed;

/* True if the file is of a model that gives vectors. */
AVER_MUST_USE aver_err aver_embed_wanted(const aver_engine_options *options, bool *ret_wanted,
                                         char ret_why[160]);
/* FORMAT, UNSUPPORTED, LIMIT, NOMEM with words in ret_why. */
AVER_MUST_USE aver_err aver_embed_new(const aver_engine_options *options, aver_embed **ret_embed,
                                      char ret_why[160]);
void aver_embed_free(aver_embed *embed);
const aver_engine_info *aver_embed_info(const aver_embed *embed);
/* Tokens read so far. */
uint64_t aver_embed_tokens(const aver_embed *embed);
/* The ids of one input, with what the model wants around it; nothing in it acts as a control token.
 * LIMIT if they are more than the context, with words. */
AVER_MUST_USE aver_err aver_embed_tokenize(const aver_embed *embed, aver_view text,
                                           aver_ids *ret_ids, char ret_why[160]);
/* The vector of an input, info's vector_size floats; it lives until the next one. PEER if llama.cpp
 * fails. count is 1 to the context. */
AVER_MUST_USE aver_err aver_embed_vector(aver_embed *embed, const int32_t *ids, size_t count,
                                         const float **ret_vector);

/* The digest of a request's vectors as engine.h says. */
typedef struct aver_embed_digest {
    uint8_t bytes[32];
} aver_embed_digest;

void aver_embed_digest_init(aver_embed_digest *digest, uint32_t inputs);
void aver_embed_digest_add(aver_embed_digest *digest, const int32_t *ids, size_t ids_count,
                           const float *vector, size_t vector_count);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_BODIES_H
#define AVER_NODE_BODIES_H

/*
 * bodies: answers that are no text of a model: vectors in OpenAI's form, tokens and templates in
 * llama-server's.
 */

#include "engine/engine.h"
#include "node/openai.h"

/* One {"object":"embedding","index","embedding"}; with a comma if vectors is not empty. Floats are
 * written so that they read back as the same bits; base64 is of their 32 bits, little-endian. */
void aver_bodies_put_vector(uint32_t index, const float *vector, size_t count, bool base64,
                            aver_buf *vectors);
/* vectors: what aver_bodies_put_vector made of all of them. */
void aver_bodies_put_embeddings(aver_view vectors, const char *model, uint64_t prompt_tokens,
                                aver_buf *out);
/* No whole body of so many vectors of this size is larger. */
uint64_t aver_bodies_embeddings_bytes_max(uint64_t inputs, uint64_t vector_count, bool base64);
/* {"tokens":[...]}, of ids alone. */
void aver_bodies_put_tokens(const int32_t *ids, size_t count, aver_buf *out);
/* One {"id","piece"}, the piece an array of bytes if it is no whole text; with a comma if pieces is
 * not empty. */
void aver_bodies_put_piece(int32_t id, aver_view piece, aver_buf *pieces);
/* {"tokens":[...]} of pieces. */
void aver_bodies_put_pieces(aver_view pieces, aver_buf *out);
/* {name: text}. */
void aver_bodies_put_text(const char *name, aver_view text, aver_buf *out);

#endif

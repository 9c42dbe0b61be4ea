/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_RECHECK_EMBED_H
#define AVER_ENGINE_RECHECK_EMBED_H

/*
 * recheck_embed: computes the vectors of a request again and compares them bit for bit: the ids of
 * the inputs, every float of every vector, the digest of all.
 */

#include "engine/recheck.h"

typedef struct aver_recheck_vectors {
    const aver_job *job;
    const int32_t *prompt_ids; /* of all inputs, one after the other */
    size_t prompt_count;
    const float *floats; /* of the answer: vectors_count times vector_size */
    size_t vectors_count;
    size_t vector_size;
    uint8_t step_digest[32];
    uint8_t numeric_class[32];
    const char *kv_type; /* NULL: not compared */
} aver_recheck_vectors;

/* TOKEN: position is the first input whose vector is another one. */
AVER_MUST_USE aver_err aver_recheck_embed_run(const aver_engine_options *options,
                                              const aver_recheck_vectors *claim,
                                              aver_recheck_result *ret_result);

#endif

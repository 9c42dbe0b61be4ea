/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_VECTORS_H
#define AVER_CLI_VECTORS_H

/* vectors: the floats inside an answer of /v1/embeddings, whether numbers or base64. */

#include "aver/bytes.h"

typedef struct aver_vectors {
    float *floats; /* owned: count times size, in the order of the inputs */
    size_t count;
    size_t size;
} aver_vectors;

/* FORMAT if it is no such answer, its vectors differ in size, or are out of order; LIMIT, NOMEM. */
AVER_MUST_USE aver_err aver_vectors_read(aver_view json, aver_vectors *ret_vectors);
void aver_vectors_deinit(aver_vectors *vectors);

#endif

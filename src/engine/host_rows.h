/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_HOST_ROWS_H
#define AVER_ENGINE_HOST_ROWS_H

/* host_rows: collects hidden rows and marks of their logits during one decode; private to
 * src/engine/host*.c. */

#include "aver/bytes.h"

#include <ggml.h>

/* Logits compared to find the position of a row, spread over the vocabulary. */
#define HOST_MARKS 64

typedef struct aver_host_rows {
    uint32_t rows_max;
    uint32_t hidden_size;
    uint32_t vocabulary_size;
    float *hidden;      /* rows_max * hidden_size, in the order of computation */
    float *marks;       /* rows_max * HOST_MARKS, the same order */
    uint32_t *row_of;   /* by output number */
    uint32_t *index_of; /* batch index by output number */
    uint32_t hidden_count;
    uint32_t marks_count;
    uint32_t outputs_count;
    bool failed;
} aver_host_rows;

AVER_MUST_USE aver_err aver_host_rows_init(aver_host_rows *rows, uint32_t rows_max,
                                           uint32_t hidden_size, uint32_t vocabulary_size);
void aver_host_rows_deinit(aver_host_rows *rows);
void aver_host_rows_begin(aver_host_rows *rows);
/* ggml_backend_sched_eval_callback; context is the aver_host_rows. */
bool aver_host_rows_watch(struct ggml_tensor *tensor, bool ask, void *context);
/* Finds the row that these logits were computed from. FORMAT if there is none, or more than one. */
AVER_MUST_USE aver_err aver_host_rows_match(aver_host_rows *rows, uint32_t index, uint32_t output,
                                            const float *logits);
const float *aver_host_rows_at(const aver_host_rows *rows, uint32_t index);

#endif

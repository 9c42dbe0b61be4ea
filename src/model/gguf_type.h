/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_MODEL_GGUF_TYPE_H
#define AVER_MODEL_GGUF_TYPE_H

/* gguf_type: the ggml tensor types that a file may hold, and their storage sizes. */

#include "aver/bytes.h"

/* Numbers as they stand in the file; those that aver treats specially. */
enum {
    AVER_GGML_F32 = 0,
    AVER_GGML_Q4_0 = 2,
    AVER_GGML_Q8_0 = 8,
    AVER_GGML_Q2_K = 10,
    AVER_GGML_Q3_K = 11,
    AVER_GGML_Q4_K = 12,
    AVER_GGML_Q5_K = 13,
    AVER_GGML_Q6_K = 14,
};

/* A block of this many elements takes this many bytes. False for a number that names no type. */
bool aver_gguf_type_block(uint32_t type, uint32_t *ret_elements, uint32_t *ret_bytes);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_PROFILE_H
#define AVER_ENGINE_PROFILE_H

/* profile: what a model file itself says about the deterministic profile, read before llama.cpp
 * loads it. */

#include "model/gguf.h"

/* What to do with the vectors of an input's tokens; the numbers of GGUF's pooling_type. */
typedef enum aver_pooling {
    AVER_POOLING_NONE = 0,
    AVER_POOLING_MEAN = 1,
    AVER_POOLING_FIRST = 2,
    AVER_POOLING_LAST = 3,
    AVER_POOLING_RANK = 4,
} aver_pooling;

typedef struct aver_profile_facts {
    bool invariant; /* every matrix is of a type whose kernels give the same bits in any batch */
    bool kv_q8;     /* head sizes are multiples of 32 */
    aver_view chat_template; /* empty if there is none; borrowed from the file */
    bool embeds;      /* the file names a pooling, or is of an architecture that reads only */
    bool reads_only;  /* no memory of the past: a text is read in one go */
    uint64_t pooling; /* aver_pooling */
    char why[128];    /* if not invariant */
} aver_profile_facts;

void aver_profile_read(const aver_gguf *gguf, aver_profile_facts *ret_facts);
/* Adds what an adapter says. */
void aver_profile_read_adapter(const aver_gguf *gguf, aver_profile_facts *facts);

#endif

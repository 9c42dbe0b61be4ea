/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_PROFILE_H
#define AVER_ENGINE_PROFILE_H

/* profile: what a model file itself says about the deterministic profile, read before llama.cpp
 * loads it. */

#include "model/gguf.h"

typedef struct aver_profile_facts {
    bool invariant; /* every matrix is of a type whose kernels give the same bits in any batch */
    bool kv_q8;     /* head sizes are multiples of 32 */
    aver_view chat_template; /* empty if there is none; borrowed from the file */
    char why[128];           /* if not invariant */
} aver_profile_facts;

void aver_profile_read(const aver_gguf *gguf, aver_profile_facts *ret_facts);

#endif

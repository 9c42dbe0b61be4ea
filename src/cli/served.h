/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_SERVED_H
#define AVER_CLI_SERVED_H

/*
 * served: a model as a node serves it: its file and the LoRA adapters on it, opened by a reader to
 * compute its root or its answers. Adapters are given as FILE[:SCALE][,FILE[:SCALE]]..., in their
 * order; a comma inside a name is written twice.
 */

#include "engine/engine.h"
#include "model/weights.h"

#define AVER_SERVED_WHY_BYTES 200

typedef struct aver_served {
    aver_weights weights;
    aver_weights adapters[AVER_ADAPTERS_MAX];
    uint32_t scales_ppm[AVER_ADAPTERS_MAX];
    size_t adapters_count;
    uint8_t root[32]; /* of all together */
} aver_served;

/*
 * lora NULL: none. copied: into sealed memory, so that what is computed with is what the root was
 * computed over; else mapped, for the root alone. USAGE for a list that is none; what opening says
 * else, with words in ret_why.
 */
AVER_MUST_USE aver_err aver_served_open(const char *path, const char *lora, bool copied,
                                        aver_served *ret_served,
                                        char ret_why[AVER_SERVED_WHY_BYTES]);
void aver_served_close(aver_served *served);
/* Weights and adapters of an engine's options, borrowed. */
void aver_served_options(const aver_served *served, aver_engine_options *options);

#endif

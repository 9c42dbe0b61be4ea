/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_MODELS_H
#define AVER_NODE_MODELS_H

/*
 * models: the models that a node serves, each with its own weights and its own engine.
 *
 * Threads: the loop's.
 */

#include "aver/keyset.h"
#include "model/weights.h"
#include "node/engine_link.h"

struct aver_keeper;

#define AVER_MODELS_MAX AVER_KEYSET_MODELS_MAX

typedef struct aver_model {
    struct aver_keeper *keeper;
    char name[AVER_NAME_BYTES_MAX];
    uint8_t root[32];     /* as in keyset and receipts */
    char fingerprint[24]; /* OpenAI's system_fingerprint: start of the numeric class */
    bool has_weights;
    aver_weights weights;
    aver_engine_link *engine;
    bool known;            /* info is filled */
    aver_engine_info info; /* of the first engine; the later ones must equal it */
    uint32_t jobs;         /* calls of this model, waiting or with the engine */
} aver_model;

typedef struct aver_models {
    aver_model *list[AVER_MODELS_MAX]; /* owned */
    size_t count;
} aver_models;

/* Appends an empty one. */
AVER_MUST_USE aver_err aver_models_add(aver_models *models, struct aver_keeper *keeper,
                                       aver_model **ret_model);
void aver_models_deinit(aver_models *models);
/* NULL if there is none of this name. */
aver_model *aver_models_find(const aver_models *models, aver_view name);
/* The most of all: tokens of context. */
uint32_t aver_models_context_max(const aver_models *models);
/* Answers at once, all engines together. */
uint32_t aver_models_slots(const aver_models *models);
/* True if every engine answers. */
bool aver_models_ready(const aver_models *models);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_LOAD_H
#define AVER_ENGINE_LOAD_H

/*
 * load: what models for text and for vectors share on their way into llama.cpp: files that are read
 * strictly first, adapters, threads, memory.
 */

#include "engine/engine.h"
#include "engine/host_threads.h"
#include "engine/profile.h"
#include "engine/prompt.h"

#include <llama.h>

/* A GGUF that is mapped from a descriptor; aver_load_close ends both. */
typedef struct aver_load_file {
    aver_view bytes;
    aver_gguf *gguf;
} aver_load_file;

AVER_MUST_USE aver_err aver_load_open(int fd, aver_load_file *ret_file, char ret_why[160]);
void aver_load_close(aver_load_file *file);

/* What weights and adapters say together about the deterministic profile. */
AVER_MUST_USE aver_err aver_load_facts(const aver_engine_options *options,
                                       const aver_load_file *weights, aver_profile_facts *ret_facts,
                                       char ret_why[160]);
/* The profile that these facts allow; logs why it is another than the wanted one. */
aver_profile aver_load_profile(aver_profile wanted, const aver_profile_facts *facts);
/* profile decides on repacking. */
AVER_MUST_USE aver_err aver_load_model(int fd, aver_profile profile, struct llama_model **ret_model,
                                       char ret_why[160]);
/* Adds the adapters of the options to a context; they live as long as the model. */
AVER_MUST_USE aver_err aver_load_adapters(const aver_engine_options *options,
                                          struct llama_model *model, struct llama_context *context,
                                          char ret_why[160]);
/* What a loaded model consists of, for the one order in which it can be freed; NULL: not there. */
typedef struct aver_load_parts {
    struct llama_model *model;
    struct llama_context *context;
    aver_host_threads *threads;
    const struct llama_batch *batch;
    aver_prompt *prompt;
} aver_load_parts;

void aver_load_free(const aver_load_parts *parts);
uint32_t aver_load_threads(const aver_engine_options *options);
/* What this process holds on its heap, large blocks of their own included. */
uint64_t aver_load_heap_bytes(void);

#endif

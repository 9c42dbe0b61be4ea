/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_MODEL_OPTION_H
#define AVER_NODE_MODEL_OPTION_H

/*
 * model_option: the value of --model, which names one model and its own settings:
 *
 *   FILE[,name=NAME][,context=N][,slots=N][,lora=FILE[:SCALE]]...
 *
 * A comma inside a name or a file is written twice. Only lora may be given more than once.
 * Ownership: strings are the option's own.
 */

#include "model/adapters.h"

#define AVER_MODEL_OPTION_WHY_BYTES 160

typedef struct aver_adapter_option {
    char *path;
    uint32_t scale_ppm;
} aver_adapter_option;

typedef struct aver_model_option {
    char *path;
    char *name;              /* NULL: from the file */
    uint32_t context_tokens; /* 0: as for all models; so is the next */
    uint32_t slots;
    aver_adapter_option adapters[AVER_ADAPTERS_MAX];
    size_t adapters_count;
} aver_model_option;

/* FORMAT with words in ret_why; NOMEM. */
AVER_MUST_USE aver_err aver_model_option_parse(const char *text, aver_model_option *ret_option,
                                               char ret_why[AVER_MODEL_OPTION_WHY_BYTES]);
void aver_model_option_deinit(aver_model_option *option);

/* A number of bytes, with K, M, G or T for powers of 1024 after it; FORMAT if it is none, or 0. */
AVER_MUST_USE aver_err aver_size_parse(const char *text, uint64_t *ret_bytes);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_MADE_MODEL_H
#define AVER_TESTS_SUPPORT_MADE_MODEL_H

/*
 * made_model: models of random weights that a test makes for itself by $AVER_BIN/aver-model-make,
 * in a temporary folder. Failures end the test program.
 */

#include <stdbool.h>

#define MADE_MODEL_PATH_BYTES 128

typedef struct made_models {
    char dir[64];
} made_models;

void made_models_init(made_models *made);
/* Removes the folder and all in it. */
void made_models_deinit(made_models *made);
/* A small model for vectors: 64 wide, two layers, 256 tokens of context. */
void made_models_bert(const made_models *made, const char *name, unsigned seed,
                      char ret_path[MADE_MODEL_PATH_BYTES]);
/* A small Q8_0 model for text over the tokenizer of set-up; false if that is not there. */
bool made_models_text(const made_models *made, const char *name, unsigned seed,
                      char ret_path[MADE_MODEL_PATH_BYTES]);
/* An adapter of random weights for a model: of rank 32 in Q8_0, of others in F16. */
void made_models_lora(const made_models *made, const char *name, const char *base, unsigned rank,
                      unsigned seed, char ret_path[MADE_MODEL_PATH_BYTES]);

#endif

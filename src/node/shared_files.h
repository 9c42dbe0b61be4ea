/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_SHARED_FILES_H
#define AVER_NODE_SHARED_FILES_H

/* shared_files: the texts that the operator lets the prompts of all callers share, from the files
 * of --shared-prefix. They are public: their digest is in the configuration document. */

#include "engine/engine.h"

typedef struct aver_shared_files {
    aver_buf texts[AVER_ENGINE_SHARED_MAX];
    size_t count;
} aver_shared_files;

/*
 * Each file: UTF-8 without NUL, 1 to AVER_ENGINE_SHARED_BYTES_MAX bytes; one newline at its end is
 * no part of the text. What is wrong goes to the log. deinit is harmless after any outcome.
 */
AVER_MUST_USE aver_err aver_shared_files_open(const char *const *paths, size_t count,
                                              aver_shared_files *ret_files);
void aver_shared_files_deinit(aver_shared_files *files);
/* Fills in the options; they borrow the texts. */
void aver_shared_files_give(const aver_shared_files *files, aver_engine_options *options);

#endif

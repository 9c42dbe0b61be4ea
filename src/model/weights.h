/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_MODEL_WEIGHTS_H
#define AVER_MODEL_WEIGHTS_H

/*
 * weights: a model file copied once into a sealed memory file, then parsed and hashed there; those
 * very bytes are the ones that the engine maps. After the seal nobody, the host's file system
 * included, can change them.
 *
 * Ownership: aver_weights_close unmaps and closes the descriptor.
 */

#include "model/gguf.h"

typedef struct aver_weights {
    int fd; /* memfd with F_SEAL_WRITE, SHRINK, GROW, SEAL; or a read-only file if not sealed */
    aver_view bytes;
    aver_gguf *gguf;
    uint8_t root[32];
    bool sealed;
} aver_weights;

/*
 * LIMIT if the file is larger than memory_max bytes or (0) than what the machine or its cgroup has
 * free; FORMAT for a bad GGUF; ABSENT, IO. ret_why gets words. Copies and hashes on all cores.
 */
AVER_MUST_USE aver_err aver_weights_open(const char *path, uint64_t memory_max, unsigned threads,
                                         aver_weights *ret_weights, char ret_why[160]);
/* The same without the copy: maps the file read-only; for verifiers, who only need the root. */
AVER_MUST_USE aver_err aver_weights_inspect(const char *path, unsigned threads,
                                            aver_weights *ret_weights, char ret_why[160]);
void aver_weights_close(aver_weights *weights);

#endif

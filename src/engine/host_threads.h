/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_HOST_THREADS_H
#define AVER_ENGINE_HOST_THREADS_H

/*
 * host_threads: how many threads the next decode uses, all or one; private to src/engine.
 *
 * ggml's threads wait for each other by spinning, several times a layer. Where somebody else runs
 * on one of the cores, all of them spin until that thread's turn comes again: two threads can be
 * ten times slower than one. And where memory is what takes the time, one is as fast as two. So
 * both are timed, for each size of decode.
 *
 * Threads: one owner.
 */

#include "engine/host_pace.h"
#include "engine/host_pin.h"

#include <llama.h>

/* 1, 2 to 8, 9 to 64, 65 to 512 tokens, and so on. */
#define HOST_THREADS_SIZES 12

typedef struct aver_host_threads {
    struct llama_context *context;
    struct ggml_threadpool *pools[2]; /* all; one, which is NULL if all are one */
    aver_host_pin pin;                /* of all; not on unless asked for */
    unsigned most;
    uint32_t way; /* of the decode under way, and of those before it */
    uint32_t size;
    uint32_t tokens;
    uint64_t begun_ns;
    aver_host_pace paces[HOST_THREADS_SIZES];
} aver_host_threads;

/* Makes the threads and attaches them to the context; pins says whether each of them stays on a
 * core of its own. False without memory. */
bool aver_host_threads_init(aver_host_threads *threads, struct llama_context *context,
                            unsigned most, bool pins);
/* After the context is freed. */
void aver_host_threads_deinit(aver_host_threads *threads);
/* Times so far tell nothing: the first decodes of a model also bring its weights to the caches. */
void aver_host_threads_forget(aver_host_threads *threads);
/* Around each decode of so many tokens. */
void aver_host_threads_begin(aver_host_threads *threads, uint32_t tokens);
void aver_host_threads_end(aver_host_threads *threads);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_HOST_THREADS_H
#define AVER_ENGINE_HOST_THREADS_H

/*
 * host_threads: how many threads the next decode uses; private to src/engine.
 *
 * ggml's threads wait for each other by spinning, several times a layer. Where somebody else runs
 * on one of the cores, all of them spin until that thread's turn comes again: two threads can be
 * ten times slower than one. So each decode is measured: the processor time that its threads got
 * against the time it took. Where so much of a core is missing that fewer threads would be faster,
 * the missing cores are done without for a while, which doubles each time that a new trial fails.
 *
 *   all threads -> (part of a core missing) -> fewer, for a rest -> trial with all -> ...
 *
 * Threads: one owner. In one process with the keeper, its processor time counts as the engine's.
 */

#include <llama.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct aver_host_threads {
    struct llama_context *context;
    struct ggml_threadpool *all; /* most threads */
    struct ggml_threadpool *one; /* none but the caller; NULL if most is 1 */
    unsigned most;
    unsigned count;    /* of the next decode */
    uint64_t rest_ns;  /* how long fewer threads are used */
    uint64_t left_ns;  /* of the present rest */
    uint64_t begun_ns; /* of the decode under way: wall clock and processor */
    uint64_t begun_processor_ns;
    uint64_t window_ns; /* of the decodes under judgement */
    uint64_t window_processor_ns;
} aver_host_threads;

/* Makes the threads and attaches them to the context (NULL: to none, for tests). False without
 * memory. */
bool aver_host_threads_init(aver_host_threads *threads, struct llama_context *context,
                            unsigned most);
/* After the context is freed. */
void aver_host_threads_deinit(aver_host_threads *threads);
/* Around each decode. */
void aver_host_threads_begin(aver_host_threads *threads);
void aver_host_threads_end(aver_host_threads *threads);
/* What end does with a measurement; for tests. */
void aver_host_threads_judge(aver_host_threads *threads, uint64_t wall_ns, uint64_t processor_ns);

#endif

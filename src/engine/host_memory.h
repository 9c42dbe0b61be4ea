/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_HOST_MEMORY_H
#define AVER_ENGINE_HOST_MEMORY_H

/*
 * host_memory: gives the pages of the empty KV memory back to the system; private to
 * src/engine/host*.c. llama.cpp fills the whole of it with zeros when it makes a context, so that
 * all of it is resident although most sequences never get long. The pages are private and without a
 * file behind them: once given back they read as zeros, as they did, and come again, one by one,
 * when they are first written. Threads: one owner.
 */

#include <ggml.h>
#include <stddef.h>

#define HOST_MEMORY_BUFFERS_MAX 8

typedef struct aver_host_memory {
    struct ggml_backend_buffer *buffers[HOST_MEMORY_BUFFERS_MAX];
    size_t count;
} aver_host_memory;

/* From the evaluation callback: notes the buffer that a node writes KV into. */
void aver_host_memory_watch(aver_host_memory *memory, const struct ggml_tensor *tensor);
/* Only while no sequence has positions. */
void aver_host_memory_release(const aver_host_memory *memory);

#endif

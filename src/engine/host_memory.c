/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/host_memory.h"

#include <ggml-backend.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* llama.cpp's names of the tensors that keep keys, values and states from step to step. */
#define CACHE_PREFIX "cache_"

void aver_host_memory_watch(aver_host_memory *memory, const struct ggml_tensor *tensor)
{
    const struct ggml_tensor *source = tensor->view_src;
    if (source == NULL || source->buffer == NULL ||
        strncmp(source->name, CACHE_PREFIX, sizeof(CACHE_PREFIX) - 1) != 0 ||
        !ggml_backend_buffer_is_host(source->buffer)) {
        return;
    }
    for (size_t i = 0; i < memory->count; i++) {
        if (memory->buffers[i] == source->buffer) {
            return;
        }
    }
    if (memory->count < HOST_MEMORY_BUFFERS_MAX) {
        memory->buffers[memory->count++] = source->buffer;
    }
}

void aver_host_memory_release(const aver_host_memory *memory)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < memory->count; i++) {
        uintptr_t from = (uintptr_t)ggml_backend_buffer_get_base(memory->buffers[i]);
        uintptr_t end = from + ggml_backend_buffer_get_size(memory->buffers[i]);
        from = (from + page - 1) / page * page;
        end = end / page * page;
        if (from < end) {
            /* Where it cannot be given back (locked memory), it only stays resident. */
            (void)madvise((void *)from, end - from, MADV_DONTNEED);
        }
    }
}

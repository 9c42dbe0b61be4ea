/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/load.h"

#include "base/log.h"
#include "model/cores.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WHY_BYTES   160
#define SMALL_CORES 4u

static aver_err load_fail(char *why, aver_err err, const char *words)
{
    (void)snprintf(why, WHY_BYTES, "%s", words);
    return err;
}

aver_err aver_load_open(int fd, aver_load_file *ret_file, char ret_why[160])
{
    struct stat stat;
    aver_load_file file;
    if (fstat(fd, &stat) != 0 || stat.st_size <= 0) {
        return load_fail(ret_why, AVER_E_IO, "the weights descriptor is no file");
    }
    void *bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        return load_fail(ret_why, AVER_E_IO, "the weights cannot be mapped");
    }
    file.bytes = aver_view_make(bytes, (size_t)stat.st_size);
    aver_err err = aver_gguf_open(file.bytes, &file.gguf, ret_why);
    if (err != AVER_OK) {
        (void)munmap(bytes, (size_t)stat.st_size);
        return err;
    }
    *ret_file = file;
    return AVER_OK;
}

void aver_load_close(aver_load_file *file)
{
    aver_gguf_close(file->gguf);
    (void)munmap((void *)(uintptr_t)file->bytes.data, file->bytes.size);
    *file = (aver_load_file){0};
}

/* Adapters are multiplied like weights: their types decide too. */
static aver_err load_adapter_facts(int fd, aver_profile_facts *facts, char *why)
{
    aver_load_file file;
    aver_err err = aver_load_open(fd, &file, why);
    if (err != AVER_OK) {
        return err;
    }
    aver_profile_read_adapter(file.gguf, facts);
    aver_load_close(&file);
    return AVER_OK;
}

aver_err aver_load_facts(const aver_engine_options *options, const aver_load_file *weights,
                         aver_profile_facts *ret_facts, char ret_why[160])
{
    aver_err err = AVER_OK;
    aver_profile_read(weights->gguf, ret_facts);
    for (size_t i = 0; i < options->adapters_count && err == AVER_OK; i++) {
        err = load_adapter_facts(options->adapters[i].fd, ret_facts, ret_why);
    }
    return err;
}

aver_profile aver_load_profile(aver_profile wanted, const aver_profile_facts *facts)
{
    if (wanted != AVER_PROFILE_VERIFIED || facts->invariant) {
        return wanted;
    }
    aver_log(AVER_LOG_WARN, "engine.profile", "profile verified is not possible: %s", facts->why);
    return AVER_PROFILE_FAST;
}

/* A stream of its own over the same file, at its start. */
static FILE *load_stream(int fd, char *why)
{
    int copy = dup(fd);
    if (copy < 0 || lseek(copy, 0, SEEK_SET) != 0) {
        (void)(copy < 0 ? 0 : close(copy));
        (void)load_fail(why, AVER_E_IO, "the weights descriptor cannot be used");
        return NULL;
    }
    FILE *file = fdopen(copy, "rb");
    if (file == NULL) {
        (void)close(copy);
        (void)load_fail(why, AVER_E_NOMEM, "out of memory");
    }
    return file;
}

aver_err aver_load_model(int fd, aver_profile profile, struct llama_model **ret_model,
                         char ret_why[160])
{
    struct llama_model_params params = llama_model_default_params();
    params.n_gpu_layers = 0;
    params.load_mode = LLAMA_LOAD_MODE_MMAP;
    params.use_extra_bufts = profile != AVER_PROFILE_VERIFIED;
    FILE *file = load_stream(fd, ret_why);
    if (file == NULL) {
        return AVER_E_IO;
    }
    struct llama_model *model = llama_model_load_from_file_ptr(file, params);
    (void)fclose(file);
    if (model == NULL) {
        return load_fail(ret_why, AVER_E_FORMAT, "llama.cpp cannot load this model");
    }
    *ret_model = model;
    return AVER_OK;
}

static aver_err load_adapter(int fd, struct llama_model *model,
                             struct llama_adapter_lora **ret_adapter, char *why)
{
    FILE *file = load_stream(fd, why);
    if (file == NULL) {
        return AVER_E_IO;
    }
    struct llama_adapter_lora *adapter = llama_adapter_lora_init_from_file_ptr(model, file);
    (void)fclose(file);
    if (adapter == NULL) {
        return load_fail(why, AVER_E_FORMAT, "llama.cpp cannot add this adapter to the model");
    }
    /* It would begin to act only after certain tokens; nobody here watches for them. */
    if (llama_adapter_get_alora_n_invocation_tokens(adapter) > 0) {
        return load_fail(why, AVER_E_UNSUPPORTED, "adapters with invocation tokens are not served");
    }
    *ret_adapter = adapter;
    return AVER_OK;
}

aver_err aver_load_adapters(const aver_engine_options *options, struct llama_model *model,
                            struct llama_context *context, char ret_why[160])
{
    struct llama_adapter_lora *adapters[AVER_ENGINE_ADAPTERS_MAX];
    float scales[AVER_ENGINE_ADAPTERS_MAX];
    aver_err err = AVER_OK;
    if (options->adapters_count == 0) {
        return AVER_OK;
    }
    for (size_t i = 0; i < options->adapters_count && err == AVER_OK; i++) {
        err = load_adapter(options->adapters[i].fd, model, &adapters[i], ret_why);
        scales[i] = (float)((double)options->adapters[i].scale_ppm / 1000000.0);
    }
    if (err == AVER_OK &&
        llama_set_adapters_lora(context, adapters, options->adapters_count, scales) != 0) {
        err = load_fail(ret_why, AVER_E_UNSUPPORTED, "llama.cpp does not take the adapters");
    }
    return err;
}

/* On a small machine every core computes: keeper and network need little. */
void aver_load_free(const aver_load_parts *parts)
{
    aver_prompt_free(parts->prompt);
    if (parts->batch != NULL) {
        llama_batch_free(*parts->batch);
    }
    if (parts->context != NULL) {
        llama_free(parts->context);
    }
    aver_host_threads_deinit(parts->threads);
    if (parts->model != NULL) {
        llama_model_free(parts->model);
    }
}

uint32_t aver_load_threads(const aver_engine_options *options)
{
    unsigned cores = aver_cores_count();
    if (options->threads != 0) {
        return options->threads;
    }
    return cores > SMALL_CORES ? cores - 1 : cores;
}

uint64_t aver_load_heap_bytes(void)
{
    struct mallinfo2 heap = mallinfo2();
    return (uint64_t)heap.arena + heap.hblkhd;
}

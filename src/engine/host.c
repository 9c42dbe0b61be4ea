/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include "base/check.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "engine/host_memory.h"
#include "engine/host_rows.h"
#include "engine/host_threads.h"
#include "engine/load.h"
#include "engine/shared.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_BYTES              160
#define BATCH_TOKENS_DEFAULT   256u
#define CONTEXT_TOKENS_DEFAULT 4096u
#define CONTEXT_TOKENS_LEAST   32u
#define CLASS_PROMPT_TOKENS    16u
#define CLASS_STEPS            8u

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "digests are over little-endian floats");

struct aver_host {
    struct llama_model *model;
    struct llama_context *context;
    const struct llama_vocab *vocab;
    aver_host_threads threads;
    aver_host_memory memory;
    bool memory_known; /* all buffers of the KV memory were seen */
    struct llama_batch batch;
    bool has_batch;
    uint32_t sequences; /* slots and shared prefixes */
    uint32_t batch_tokens;
    uint64_t tokens; /* decoded so far */
    aver_host_rows rows;
    aver_prompt *prompt;
    aver_engine_info info;
};

static void host_log(enum ggml_log_level level, const char *text, void *context)
{
    (void)context;
    size_t size = strcspn(text, "\n");
    if (level == GGML_LOG_LEVEL_ERROR && size > 0) {
        aver_log(AVER_LOG_WARN, "engine.llama", "%.*s", (int)size, text);
    }
}

static void host_prepare_once(void)
{
    llama_log_set(host_log, NULL);
    ggml_backend_load_all();
    llama_backend_init();
    for (size_t i = 0; i < ggml_backend_dev_count(); i++) {
        (void)ggml_backend_dev_description(ggml_backend_dev_get(i));
    }
}

void aver_host_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, host_prepare_once);
}

static aver_err host_fail(char *why, aver_err err, const char *words)
{
    (void)snprintf(why, WHY_BYTES, "%s", words);
    return err;
}

static aver_err host_load_model(aver_host *host, const aver_engine_options *options, char *why)
{
    aver_err err = aver_load_model(options->weights_fd, host->info.profile, &host->model, why);
    if (err != AVER_OK) {
        return err;
    }
    host->vocab = llama_model_get_vocab(host->model);
    if (!llama_model_has_decoder(host->model) || llama_model_has_encoder(host->model)) {
        return host_fail(why, AVER_E_UNSUPPORTED, "the model does not generate text");
    }
    return AVER_OK;
}

/* Every sequence has context_tokens; llama.cpp wants multiples of 256 and the sum of all. */
static uint32_t host_context_tokens(const aver_host *host, const aver_engine_options *options)
{
    uint32_t trained = (uint32_t)llama_model_n_ctx_train(host->model);
    uint32_t tokens = options->context_tokens;
    if (tokens == 0) {
        tokens = trained < CONTEXT_TOKENS_DEFAULT ? trained : CONTEXT_TOKENS_DEFAULT;
    }
    return tokens > AVER_JOB_TOKENS_MAX ? AVER_JOB_TOKENS_MAX : tokens;
}

static void host_context_params(const aver_host *host, const aver_engine_options *options,
                                uint32_t outputs_max, struct llama_context_params *params)
{
    uint32_t each = (host->info.context_tokens + 255) / 256 * 256;
    *params = llama_context_default_params();
    params->n_ctx = each * host->sequences;
    params->n_batch = host->batch_tokens;
    params->n_ubatch = host->batch_tokens;
    params->n_seq_max = host->sequences;
    params->n_outputs_max = outputs_max;
    params->kv_unified = false;
    params->no_perf = true;
    params->n_threads = (int32_t)aver_load_threads(options);
    params->n_threads_batch = params->n_threads;
}

/* Every node is shown before it is computed; true asks to see what came out. */
static bool host_watch(struct ggml_tensor *tensor, bool ask, void *context)
{
    aver_host *host = context;
    if (ask && !host->memory_known) {
        aver_host_memory_watch(&host->memory, tensor);
    }
    if (host->info.profile != AVER_PROFILE_VERIFIED) {
        return !ask;
    }
    return aver_host_rows_watch(tensor, ask, &host->rows);
}

static aver_err host_open_context(aver_host *host, const aver_engine_options *options,
                                  uint32_t outputs_max, bool kv_q8, char *why)
{
    struct llama_context_params params;
    host_context_params(host, options, outputs_max, &params);
    params.cb_eval = host_watch;
    params.cb_eval_user_data = host;
    /* Half the memory of 16 bits, and as fast. Where heads do not fit: BF16 is widened by a shift;
     * for F16, which llama.cpp takes by itself, every row is converted, and answers take a tenth
     * longer. */
    params.type_k = kv_q8 ? GGML_TYPE_Q8_0 : GGML_TYPE_BF16;
    params.type_v = params.type_k;
    if (kv_q8 || host->info.profile == AVER_PROFILE_VERIFIED) {
        params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
    }
    (void)snprintf(host->info.kv_type, sizeof(host->info.kv_type), "%s",
                   params.type_k == GGML_TYPE_Q8_0 ? "Q8_0" : "BF16");
    host->context = llama_init_from_model(host->model, params);
    if (host->context == NULL) {
        return host_fail(why, AVER_E_LIMIT, "llama.cpp cannot make a context for this model");
    }
    /* A model without a memory of the past is an encoder. */
    if (llama_get_memory(host->context) == NULL) {
        return host_fail(why, AVER_E_UNSUPPORTED, "the model does not generate text");
    }
    aver_err err = aver_load_adapters(options, host->model, host->context, why);
    if (err != AVER_OK) {
        return err;
    }
    if (!aver_host_threads_init(&host->threads, host->context, (unsigned)params.n_threads,
                                options->pin)) {
        return host_fail(why, AVER_E_NOMEM, "no threads for the engine");
    }
    host->batch = llama_batch_init((int32_t)host->batch_tokens, 0, 1);
    host->has_batch = true;
    return AVER_OK;
}

static void host_describe(aver_host *host, bool has_template)
{
    aver_engine_info *info = &host->info;
    (void)snprintf(info->executor, sizeof(info->executor), "llama.cpp/%s", llama_version());
    (void)llama_model_desc(host->model, info->description, sizeof(info->description));
    info->chat_template_in_model = has_template;
    info->vocabulary_size = (uint32_t)llama_vocab_n_tokens(host->vocab);
    aver_prompt_digest(host->prompt, info->template_digest);
}

/* A fixed prompt and a few greedy steps, every row of logits hashed: what two engines of one class
 * share. */
static aver_err host_class_run(aver_host *host, char *why)
{
    uint32_t vocabulary = host->info.vocabulary_size;
    size_t row_bytes = vocabulary * sizeof(float);
    aver_sha256 hash;
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_LITERAL("aver/class/1"));
    int32_t token = 0;
    for (uint32_t position = 0; position < CLASS_PROMPT_TOKENS + CLASS_STEPS; position++) {
        bool output = position + 1 >= CLASS_PROMPT_TOKENS;
        if (position < CLASS_PROMPT_TOKENS) {
            token = (int32_t)((position * 7919u + 17u) % vocabulary);
        }
        uint32_t index = aver_host_put(host, token, position, 0, output);
        if (!output && aver_host_put_count(host) < host->batch_tokens) {
            continue;
        }
        if (aver_host_decode(host) != AVER_OK) {
            return host_fail(why, AVER_E_PEER, "the known-answer run failed");
        }
        if (!output) {
            continue;
        }
        const float *logits = aver_host_logits(host, index);
        aver_sha256_update(&hash, aver_view_make(logits, row_bytes));
        token = 0;
        for (uint32_t i = 1; i < vocabulary; i++) {
            token = logits[i] > logits[token] ? (int32_t)i : token;
        }
    }
    aver_sha256_final(&hash, host->info.numeric_class);
    aver_host_forget(host, 0);
    aver_host_threads_forget(&host->threads);
    host->memory_known = true;
    aver_host_memory_release(&host->memory);
    return AVER_OK;
}

static aver_err host_set_up(aver_host *host, const aver_engine_options *options,
                            uint32_t outputs_max, const aver_profile_facts *facts, char *why)
{
    uint64_t heap_bytes = aver_load_heap_bytes();
    aver_err err = host_load_model(host, options, why);
    if (err != AVER_OK) {
        return err;
    }
    host->info.context_tokens = host_context_tokens(host, options);
    if (host->info.context_tokens < CONTEXT_TOKENS_LEAST) {
        return host_fail(why, AVER_E_USAGE, "a context of less than 32 tokens");
    }
    err = aver_host_rows_init(&host->rows, outputs_max, (uint32_t)llama_model_n_embd(host->model),
                              (uint32_t)llama_vocab_n_tokens(host->vocab));
    err = err == AVER_OK ? host_open_context(host, options, outputs_max, facts->kv_q8, why) : err;
    err = err == AVER_OK ? aver_prompt_new(host->vocab, facts->chat_template, &host->prompt, why)
                         : err;
    if (err != AVER_OK) {
        return err;
    }
    host_describe(host, facts->chat_template.size != 0);
    err = host_class_run(host, why);
    uint64_t grown_bytes = aver_load_heap_bytes();
    host->info.memory_bytes = grown_bytes > heap_bytes ? grown_bytes - heap_bytes : 0;
    return err;
}

static aver_err host_try(const aver_engine_options *options, uint32_t outputs_max,
                         const aver_profile_facts *facts, aver_profile profile,
                         aver_host **ret_host, char *why)
{
    aver_host *host = calloc(1, sizeof(*host));
    if (host == NULL) {
        return host_fail(why, AVER_E_NOMEM, "out of memory");
    }
    host->info.profile = profile;
    host->info.slots = options->slots;
    host->sequences = options->slots + (uint32_t)options->shared_count;
    host->info.has_shared = options->shared_count > 0;
    if (host->info.has_shared) {
        aver_shared_digest(options->shared_prefixes, options->shared_count,
                           host->info.shared_digest);
    }
    host->batch_tokens = options->batch_tokens != 0 ? options->batch_tokens : BATCH_TOKENS_DEFAULT;
    if (host->batch_tokens < host->sequences) {
        host->batch_tokens = host->sequences;
    }
    aver_err err = host_set_up(host, options, outputs_max, facts, why);
    if (err != AVER_OK) {
        aver_host_free(host);
        return err;
    }
    *ret_host = host;
    return AVER_OK;
}

aver_err aver_host_new(const aver_engine_options *options, uint32_t outputs_max,
                       aver_host **ret_host, char ret_why[160])
{
    aver_load_file file;
    aver_profile_facts facts;
    if (options->slots == 0 || options->slots > AVER_ENGINE_SLOTS_MAX ||
        options->shared_count > AVER_ENGINE_SHARED_MAX) {
        return host_fail(ret_why, AVER_E_USAGE, "the number of slots must be 1 to 256");
    }
    if (strcmp(llama_version(), AVER_LLAMA_VERSION) != 0) {
        return host_fail(ret_why, AVER_E_UNSUPPORTED,
                         "another llama.cpp than this program was built with");
    }
    aver_host_prepare();
    aver_err err = aver_load_open(options->weights_fd, &file, ret_why);
    if (err != AVER_OK) {
        return err;
    }
    err = aver_load_facts(options, &file, &facts, ret_why);
    if (err != AVER_OK) {
        aver_load_close(&file);
        return err;
    }
    aver_profile profile = aver_load_profile(options->profile, &facts);
    err = host_try(options, outputs_max, &facts, profile, ret_host, ret_why);
    if (err == AVER_E_PEER && profile == AVER_PROFILE_VERIFIED) {
        aver_log(AVER_LOG_WARN, "engine.profile",
                 "profile verified is not possible: no hidden rows");
        err = host_try(options, outputs_max, &facts, AVER_PROFILE_FAST, ret_host, ret_why);
    }
    aver_load_close(&file);
    /* Reading the file and the first run leave megabytes of free heap behind. */
    (void)malloc_trim(0);
    return err;
}

void aver_host_free(aver_host *host)
{
    if (host == NULL) {
        return;
    }
    aver_load_free(&(aver_load_parts){.model = host->model,
                                      .context = host->context,
                                      .threads = &host->threads,
                                      .batch = host->has_batch ? &host->batch : NULL,
                                      .prompt = host->prompt});
    aver_host_rows_deinit(&host->rows);
    free(host);
}

const aver_engine_info *aver_host_info(const aver_host *host)
{
    return &host->info;
}

const aver_prompt *aver_host_prompt(const aver_host *host)
{
    return host->prompt;
}

uint32_t aver_host_batch_tokens(const aver_host *host)
{
    return host->batch_tokens;
}

uint32_t aver_host_hidden_size(const aver_host *host)
{
    return host->rows.hidden_size;
}

uint32_t aver_host_put(aver_host *host, int32_t token, uint32_t position, uint32_t sequence,
                       bool output)
{
    int32_t index = host->batch.n_tokens;
    AVER_ASSERT((uint32_t)index < host->batch_tokens);
    host->batch.token[index] = token;
    host->batch.pos[index] = (llama_pos)position;
    host->batch.n_seq_id[index] = 1;
    host->batch.seq_id[index][0] = (llama_seq_id)sequence;
    host->batch.logits[index] = output ? 1 : 0;
    host->batch.n_tokens++;
    return (uint32_t)index;
}

uint32_t aver_host_put_count(const aver_host *host)
{
    return (uint32_t)host->batch.n_tokens;
}

aver_err aver_host_decode(aver_host *host)
{
    aver_host_rows_begin(&host->rows);
    aver_host_threads_begin(&host->threads, (uint32_t)host->batch.n_tokens);
    int32_t status = llama_decode(host->context, host->batch);
    aver_host_threads_end(&host->threads);
    int32_t count = host->batch.n_tokens;
    host->batch.n_tokens = 0;
    host->tokens += (uint32_t)count;
    if (status != 0) {
        aver_log(AVER_LOG_WARN, "engine.decode", "llama.cpp gave %d for %d tokens", (int)status,
                 (int)count);
        return AVER_E_PEER;
    }
    if (host->info.profile != AVER_PROFILE_VERIFIED) {
        return AVER_OK;
    }
    uint32_t output = 0;
    for (int32_t i = 0; i < count; i++) {
        if (host->batch.logits[i] != 0 &&
            aver_host_rows_match(&host->rows, (uint32_t)i, output++,
                                 llama_get_logits_ith(host->context, i)) != AVER_OK) {
            aver_log(AVER_LOG_WARN, "engine.rows", "no hidden row for position %d of %d", (int)i,
                     (int)count);
            return AVER_E_PEER;
        }
    }
    return AVER_OK;
}

const float *aver_host_logits(aver_host *host, uint32_t index)
{
    return llama_get_logits_ith(host->context, (int32_t)index);
}

const float *aver_host_hidden(const aver_host *host, uint32_t index)
{
    if (host->info.profile != AVER_PROFILE_VERIFIED) {
        return NULL;
    }
    return aver_host_rows_at(&host->rows, index);
}

void aver_host_forget(aver_host *host, uint32_t sequence)
{
    (void)llama_memory_seq_rm(llama_get_memory(host->context), (llama_seq_id)sequence, -1, -1);
}

bool aver_host_trim(aver_host *host, uint32_t sequence, uint32_t count)
{
    llama_memory_t memory = llama_get_memory(host->context);
    llama_seq_id id = (llama_seq_id)sequence;
    return llama_memory_seq_rm(memory, id, (llama_pos)count, -1) &&
           llama_memory_seq_pos_min(memory, id) == 0 &&
           llama_memory_seq_pos_max(memory, id) == (llama_pos)count - 1;
}

void aver_host_copy(aver_host *host, uint32_t from, uint32_t to)
{
    llama_memory_seq_cp(llama_get_memory(host->context), (llama_seq_id)from, (llama_seq_id)to, -1,
                        -1);
}

uint64_t aver_host_tokens(const aver_host *host)
{
    return host->tokens;
}

bool aver_host_is_end(const aver_host *host, int32_t token)
{
    return llama_vocab_is_eog(host->vocab, token);
}

aver_err aver_host_piece(const aver_host *host, int32_t token, char *ret_bytes, size_t size_max,
                         size_t *ret_size)
{
    int32_t size = llama_token_to_piece(host->vocab, token, ret_bytes, (int32_t)size_max, 0, false);
    if (size < 0) {
        return AVER_E_LIMIT;
    }
    *ret_size = (size_t)size;
    return AVER_OK;
}

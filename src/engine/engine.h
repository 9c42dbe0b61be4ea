/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_ENGINE_H
#define AVER_ENGINE_ENGINE_H

/*
 * engine: llama.cpp under continuous batching. A fixed number of slots, each one sequence of the
 * KV memory; every step decodes one token of each answering slot and a chunk of the prompts that
 * wait, in one batch.
 *
 *   submit -> waiting list -> slot: prompt chunks ... token token token -> done
 *
 * Profile "verified": flash attention on, KV Q8_0 (BF16 if the head size is no multiple of 32), no
 * repacking, weights of the invariant types only, our sampler, and the step digest. Profile "fast":
 * llama.cpp's own choices but for the KV memory, which is the same; no digest.
 *
 * The token that ends a text (end of turn) is generated like any other: it is in the ids, the count
 * and the digest, and has no text. Positions: a prompt of N tokens in a context of M leaves room
 * for M - N + 1 generated tokens.
 *
 * Step digest: d0 = SHA-256("aver/step/1" || u32be prompt count || u32be prompt ids ...),
 *              di = SHA-256(d(i-1) || u32be token i || hidden row i), the row being the floats
 * (little-endian) after the final norm from which token i was drawn. Of more than one choice:
 * SHA-256("aver/choices/1" || digest of choice 0 || digest of choice 1 ...). Of embeddings:
 * d0 = SHA-256("aver/embed/1" || u32be inputs), di = SHA-256(d(i-1) || u32be count of ids || u32be
 * ids ... || floats of vector i, little-endian). Choice 0 draws with the job's seed, choice c > 0
 * with the top 53 bits of SHA-256("aver/choice/1" || u64be seed || u64be c). Numeric class: SHA-256
 * over the logits of a fixed known-answer run; two engines of one class give the same bits.
 * Threads: one owner, which also runs aver_engine_step.
 */

#include "aver/receipt.h"
#include "engine/job.h"
#include "model/adapters.h"

#define AVER_ENGINE_SLOTS_MAX        256
#define AVER_ENGINE_WAITING_MAX      8192 /* beyond what a keeper gives it */
#define AVER_ENGINE_ADAPTERS_MAX     AVER_ADAPTERS_MAX
#define AVER_ENGINE_VECTOR_MAX       65536 /* floats of one embedding */
#define AVER_ENGINE_SHARED_MAX       8     /* shared prefixes */
#define AVER_ENGINE_SHARED_BYTES_MAX 65536 /* of one */

typedef struct aver_engine_adapter {
    int fd; /* borrowed; a LoRA adapter (GGUF), read from offset 0 */
    uint32_t scale_ppm;
} aver_engine_adapter;

typedef struct aver_engine_options {
    int weights_fd; /* borrowed; read from offset 0 */
    aver_profile profile;
    uint32_t slots;          /* sequences at once */
    uint32_t context_tokens; /* each sequence; 0: what the model was trained for, at most 4096 */
    uint32_t batch_tokens;   /* tokens a step at most (prompt chunking), 0: 256 */
    uint32_t threads;        /* 0: the cores that it may use; of more than 4 all but one */
    bool pin;                /* each thread stays on a core of its own */
    aver_engine_adapter
        adapters[AVER_ENGINE_ADAPTERS_MAX]; /* added to the weights, in this order */
    size_t adapters_count;
    /* UTF-8 texts whose memory all callers' prompts share; borrowed while the engine is made */
    aver_view shared_prefixes[AVER_ENGINE_SHARED_MAX];
    size_t shared_count;
} aver_engine_options;

typedef struct aver_engine_info {
    char executor[64];     /* "llama.cpp/0.5.0" */
    char description[128]; /* "llama 15.19 M Q8_0" */
    uint32_t vocabulary_size;
    uint32_t context_tokens;
    uint32_t slots;
    aver_profile profile; /* what it really runs */
    bool chat_template_in_model;
    char kv_type[8];
    uint8_t numeric_class[32];
    uint8_t template_digest[32]; /* SHA-256 of the template text used; zeroes if embeds */
    bool embeds;                 /* the model gives vectors and no text */
    uint32_t vector_size;        /* floats of a vector; 0 unless embeds */
    uint64_t memory_bytes;       /* what the engine holds beside the weights; 0: not known */
    bool has_shared;             /* there are shared prefixes */
    uint8_t shared_digest[32];   /* SHA-256("aver/shared/1" || for each: u32be size || text) */
} aver_engine_info;

typedef struct aver_engine aver_engine;

/*
 * Events of one job:
 *
 *   generation:     STARTED READ* (TOKEN | CALL)* CHOICE ... DONE     TOKEN, CALL, CHOICE name
 * their choice; each choice ends with one CHOICE, in any order; DONE follows the last EMBEDDINGS:
 * STARTED VECTOR ... DONE                     one VECTOR an input, in order TOKENIZE:       STARTED
 * DONE the ids are the prompt's DETOKENIZE, APPLY_TEMPLATE: STARTED TEXT ... DONE pieces of the
 * text, in order
 *
 * Or REFUSED alone; or DONE (aborted, error) at any place, without CHOICE for those that had not
 * ended.
 */
typedef enum aver_event_kind {
    AVER_EVENT_STARTED = 1, /* prompt token ids are known */
    AVER_EVENT_TOKEN = 2,   /* one token; text may be empty (held back) or end earlier pieces */
    AVER_EVENT_DONE = 3,
    AVER_EVENT_REFUSED = 4, /* before any token: prompt too long, template failed */
    AVER_EVENT_CHOICE = 5,  /* a choice ended */
    AVER_EVENT_CALL = 6,    /* a choice called a tool: name and arguments are whole */
    AVER_EVENT_VECTOR = 7,  /* the embedding of one input */
    AVER_EVENT_TEXT = 8,    /* a piece of text that is no answer */
    AVER_EVENT_READ = 9,    /* a part of the prompt was read, and not its end */
} aver_event_kind;

/* One candidate at one step, by the raw logits, after logit_bias and before everything else. */
typedef struct aver_logprob {
    int32_t token;
    int32_t logprob_ppm; /* millionths, at most 0, at least -2000000000 */
    aver_view piece;     /* its bytes, maybe no whole character */
} aver_logprob;

typedef struct aver_event {
    aver_event_kind kind;
    uint64_t job_id;
    uint32_t choice; /* TOKEN, CALL, CHOICE: from 0; VECTOR: the input's index */
    int32_t token;   /* TOKEN */
    /* TOKEN, TEXT; CHOICE: what was held back (none if aborted); REFUSED: the reason. What a model
     * says to call tools is no text. */
    aver_view text;
    const int32_t *prompt_ids; /* STARTED */
    size_t prompt_count;
    uint32_t cached_count; /* STARTED: how many of them need not be read again */
    uint32_t read_count;   /* READ: how many were read, the cached ones too; more each time */
    /* TOKEN, if the job asked: the drawn token first, then the most likely by falling logit */
    const aver_logprob *logprobs;
    size_t logprobs_count;
    uint32_t call_index;      /* CALL: from 0 in each choice */
    aver_view call_name;      /* CALL */
    aver_view call_arguments; /* CALL: JSON text of an object */
    const float *vector;      /* VECTOR */
    size_t vector_count;
    aver_finish finish;       /* CHOICE, DONE: of all choices the one with the highest number */
    uint32_t generated_count; /* CHOICE; DONE: of all */
    bool has_step_digest;
    uint8_t step_digest[32]; /* DONE, profile verified */
} aver_event;

/* Called from aver_engine_step and aver_engine_submit; views live until it returns. */
typedef void aver_event_fn(const aver_event *event, void *context);

AVER_MUST_USE aver_err aver_engine_new(const aver_engine_options *options, aver_event_fn *on_event,
                                       void *context, aver_engine **ret_engine, char ret_why[160]);
void aver_engine_free(aver_engine *engine);
const aver_engine_info *aver_engine_about(const aver_engine *engine);
/* Copies what it needs. LIMIT if the waiting list is full. Everything else comes as an event. */
AVER_MUST_USE aver_err aver_engine_submit(aver_engine *engine, uint64_t job_id,
                                          const aver_job *job);
/* Ends a job; its DONE event (aborted) comes at once. An unknown id is no error. */
void aver_engine_cancel(aver_engine *engine, uint64_t job_id);
/* Tokens that the model has read since the engine was made. */
uint64_t aver_engine_tokens(const aver_engine *engine);
bool aver_engine_busy(const aver_engine *engine);
/* One decode at most; returns at once when there is nothing to do. */
AVER_MUST_USE aver_err aver_engine_step(aver_engine *engine);

#endif

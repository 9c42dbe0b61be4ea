/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_HOST_H
#define AVER_ENGINE_HOST_H

/*
 * host: one loaded model with one llama.cpp context, set up as the profile demands. Engine and
 * re-check both run on it, so that they cannot differ in a setting.
 *
 *   put token ... put token -> decode -> logits and hidden row of every position put with output
 *
 * Hidden rows: llama.cpp shows the node "result_norm" (and "result_output", the logits) through its
 * evaluation callback, in the order of its own sub-batches. Each row is matched to its position by
 * its logits, compared at HOST_MARKS places with those that llama.cpp reports for the position;
 * where two positions have the same logits they have the same hidden row too, or the decode fails:
 * a row is never guessed. Threads: one owner.
 */

#include "engine/engine.h"
#include "engine/prompt.h"

#include <llama.h>

typedef struct aver_host aver_host;

/* Once a process, before aver_confine_engine: everything in llama.cpp that opens files. */
void aver_host_prepare(void);

/* outputs_max: positions with output in one decode. FORMAT, UNSUPPORTED, LIMIT, NOMEM with words in
 * ret_why. */
AVER_MUST_USE aver_err aver_host_new(const aver_engine_options *options, uint32_t outputs_max,
                                     aver_host **ret_host, char ret_why[160]);
void aver_host_free(aver_host *host);
const aver_engine_info *aver_host_info(const aver_host *host);
const aver_prompt *aver_host_prompt(const aver_host *host);
uint32_t aver_host_batch_tokens(const aver_host *host);
uint32_t aver_host_hidden_size(const aver_host *host);

/* Adds one token to the next decode and gives its index there. Asserts that there is room. */
uint32_t aver_host_put(aver_host *host, int32_t token, uint32_t position, uint32_t sequence,
                       bool output);
uint32_t aver_host_put_count(const aver_host *host);
/* Runs what was put. PEER if llama.cpp fails; the positions may then be half computed: forget the
 * sequences. */
AVER_MUST_USE aver_err aver_host_decode(aver_host *host);
/* Of the last decode; index must have been put with output. */
const float *aver_host_logits(aver_host *host, uint32_t index);
const float *aver_host_hidden(const aver_host *host, uint32_t index); /* NULL in profile fast */
/* Frees the positions of a sequence. */
void aver_host_forget(aver_host *host, uint32_t sequence);
/* Frees those from count on. False if the first count cannot be kept alone: forget the sequence. */
bool aver_host_trim(aver_host *host, uint32_t sequence, uint32_t count);
/* Makes one sequence, which has no positions, the same as another, bit for bit. */
void aver_host_copy(aver_host *host, uint32_t from, uint32_t to);
/* Tokens decoded since the host was made. */
uint64_t aver_host_tokens(const aver_host *host);

bool aver_host_is_end(const aver_host *host, int32_t token);
/* The bytes of a token as text; control tokens give none. At most size_max, LIMIT otherwise. */
AVER_MUST_USE aver_err aver_host_piece(const aver_host *host, int32_t token, char *ret_bytes,
                                       size_t size_max, size_t *ret_size);

#endif

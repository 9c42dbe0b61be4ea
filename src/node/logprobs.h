/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_LOGPROBS_H
#define AVER_NODE_LOGPROBS_H

/*
 * logprobs: OpenAI's forms of what else might have been said.
 *
 * A token that is no whole character has U+FFFD in its text, and its bytes beside it where the form
 * has a place for them. Of candidates of one text the likelier one is told in forms that name them
 * by their text.
 */

#include "engine/engine.h"

/* A step's candidates, the one drawn first, kept until a whole body is written. */
void aver_logprobs_store(aver_buf *store, const aver_logprob *list, size_t count);
/* The next step of a store; ret_list has room for AVER_JOB_TOP_LOGPROBS_MAX + 1. False at the end.
 */
bool aver_logprobs_next(aver_view *store, aver_logprob *ret_list, size_t *ret_count);

/* Chat, responses: one {"token","logprob","bytes","top_logprobs"}. */
void aver_logprobs_put(const aver_logprob *list, size_t count, aver_buf *out);
/* The same for each step of a store, joined by commas. */
void aver_logprobs_put_all(aver_view store, aver_buf *out);
/* Completions: {"tokens","token_logprobs","top_logprobs","text_offset"} of a store's steps. Offsets
 * count characters from *characters on, which then stands behind them. */
void aver_logprobs_put_columns(aver_view store, uint64_t *characters, aver_buf *out);

#endif

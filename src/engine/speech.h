/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SPEECH_H
#define AVER_ENGINE_SPEECH_H

/*
 * speech: what a job asks of the form of its answer: tools that may or must be called, JSON, a JSON
 * schema. The plan is made once a job, before its first token, and shared by its choices; all that
 * can be wrong with tools or schema shows here.
 *
 * A stream is one choice's text on its way: plain text comes out at once, but for what may be the
 * beginning of a call; a call comes out when it is whole. What looks like a call and is none is
 * plain text in the end. All of it is a function of the text alone, so that a re-check sees the
 * same; work and memory are in proportion to the text.
 */

#include "engine/grammar.h"
#include "engine/host.h"
#include "engine/job.h"

#define AVER_SPEECH_HELD_BYTES_MAX ((size_t)512 * 1024) /* text that may become a call */
#define AVER_SPEECH_CALLS_MAX      128                  /* of one choice */
#define AVER_SPEECH_CALL_BYTES_MAX ((size_t)256 * 1024) /* arguments of one call */

typedef struct aver_speech_plan aver_speech_plan;
typedef struct aver_speech aver_speech;

/* One call of a tool. */
typedef struct aver_speech_call {
    aver_view name;
    aver_view arguments; /* JSON text of an object; where the answer was cut, its beginning */
} aver_speech_call;

/*
 * *ret_plan is NULL for a job that asks for plain text: it costs nothing then. LIMIT, FORMAT or
 * UNSUPPORTED with words in ret_why that name what of tools or schema cannot be done: the job is
 * refused. The host must outlive the plan; nothing of the job is borrowed.
 */
AVER_MUST_USE aver_err aver_speech_plan_new(const aver_host *host, const aver_job *job,
                                            aver_speech_plan **ret_plan, char ret_why[160]);
void aver_speech_plan_free(aver_speech_plan *plan);
/* To which answers are held from their first byte on, after before (NULL: none); and from each mark
 * on with which calls begin. */
const aver_grammar *aver_speech_grammar(const aver_speech_plan *plan, aver_view *ret_before);
const aver_grammar *aver_speech_grammar_of_calls(const aver_speech_plan *plan);
/* Texts with which calls begin, by the model's template; count of them. */
size_t aver_speech_marks(const aver_speech_plan *plan, const aver_view **ret_marks);
/* The bytes of tokens are those of aver_prompt_piece, else those of aver_host_piece. */
bool aver_speech_is_native(const aver_speech_plan *plan);

/* The plan must outlive the stream. */
AVER_MUST_USE aver_err aver_speech_new(const aver_speech_plan *plan, aver_speech **ret_speech);
void aver_speech_free(aver_speech *speech);
/* Whether a call may have these arguments. *ret_cut: only that of an answer that ends by its
 * length, for they are the beginning of an object, not one. */
bool aver_speech_arguments_valid(aver_view arguments, bool *ret_cut);
/* Plain text and calls live until the next push or flush. */
AVER_MUST_USE aver_err aver_speech_push(aver_speech *speech, aver_view text, aver_view *ret_plain);
/* The last piece of text, and then the end. cut: by length, so that what may be part of a call is
 * no text; if its name is whole it is a call, with its arguments as far as they came. */
AVER_MUST_USE aver_err aver_speech_flush(aver_speech *speech, aver_view text, bool cut,
                                         aver_view *ret_plain);
const aver_speech_call *aver_speech_calls(const aver_speech *speech, size_t *ret_count);
/* Of the whole choice so far. */
size_t aver_speech_calls_count(const aver_speech *speech);
/* Whether all calls were made that the job allows: the answer ends then. */
bool aver_speech_done(const aver_speech *speech);

#endif

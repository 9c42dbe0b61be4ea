/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_PROMPT_H
#define AVER_ENGINE_PROMPT_H

/*
 * prompt: from a job to the token ids that the model reads.
 *
 * COMPLETION: the text as it is, with the begin token if the model wants one; nothing in it acts as
 * a control token. CHAT: rendered by the model's Jinja template, or, where the model has none, by
 * the plain template: the contents of the messages joined by one newline, nothing else. Control
 * tokens are read from the template's own text. If text that came from a message would take part in
 * a control token, each part is tokenised by itself, those from messages as plain text: so a
 * message can never close its own turn. The same holds for tools, calls and their results.
 */

#include "engine/grammar.h"
#include "engine/job.h"
#include "engine/speech_native.h"

#include <llama.h>

#define AVER_PROMPT_PLAIN "aver/plain/1: message contents joined by a newline"

typedef struct aver_prompt aver_prompt;

typedef struct aver_ids {
    int32_t *ids; /* owned; aver_ids_free */
    size_t count;
} aver_ids;

/* Wipes them: they are a text. */
void aver_ids_free(aver_ids *ids);

/* template_text empty: the plain one. FORMAT if the template is not valid. */
AVER_MUST_USE aver_err aver_prompt_new(const struct llama_vocab *vocab, aver_view template_text,
                                       aver_prompt **ret_prompt, char ret_why[160]);
void aver_prompt_free(aver_prompt *prompt);
/* SHA-256 of the template's text; of AVER_PROMPT_PLAIN for the plain one. */
void aver_prompt_digest(const aver_prompt *prompt, uint8_t ret_digest[static 32]);
/* LIMIT if there are more than ids_max ids, FORMAT if the template refuses or nothing is left to
 * read; words in ret_why. */
AVER_MUST_USE aver_err aver_prompt_read(const aver_prompt *prompt, const aver_job *job,
                                        size_t ids_max, aver_ids *ret_ids, char ret_why[160]);

/* The ids of a text alone, of which nothing acts as a control token; maybe no id at all. add_begin:
 * with the begin token, if the model wants one. LIMIT as above. */
AVER_MUST_USE aver_err aver_prompt_tokenize(const aver_prompt *prompt, aver_view text,
                                            bool add_begin, size_t ids_max, aver_ids *ret_ids,
                                            char ret_why[160]);
/* Appends the text that the template makes of a job's messages. LIMIT if it does not fit. */
AVER_MUST_USE aver_err aver_prompt_text(const aver_prompt *prompt, const aver_job *job,
                                        aver_buf *ret_text, char ret_why[160]);
/* How the model calls tools by its template; NULL: by our own convention (speech_own.h). */
const aver_native *aver_prompt_native(const aver_prompt *prompt);
/* Appends the bytes of a token as text, those of tokens that are part of native calls too; none for
 * other control tokens and such as end a text. */
AVER_MUST_USE aver_err aver_prompt_piece(const aver_prompt *prompt, int32_t token, aver_buf *piece);
/* Those of all tokens, made at the first call (by the owner's thread); NULL without memory. */
const aver_grammar_words *aver_prompt_words(const aver_prompt *prompt);
/* The token that ends a text; -1 if the vocabulary has none. */
int32_t aver_prompt_end(const aver_prompt *prompt);

#endif

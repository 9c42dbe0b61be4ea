/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_GRAMMAR_H
#define AVER_ENGINE_GRAMMAR_H

/*
 * grammar: which texts an answer may be, byte by byte. A grammar is made once (grammar_build.h) and
 * then only read; a run is one text on its way through it.
 *
 * A run holds the set of all places in the grammar at which the text so far can stand: each a
 * position and a chain of positions to return to. Chains are shared and equal ones are one, so
 * that no grammar costs more than its bounds below; a text on which they are exceeded has run away,
 * on every machine at the same byte. Threads: a grammar none, a run one owner.
 */

#include "aver/bytes.h"

#define AVER_GRAMMAR_ITEMS_MAX  262144 /* bytes, classes and references in all rules */
#define AVER_GRAMMAR_RULES_MAX  65536
#define AVER_GRAMMAR_SETS_MAX   4096  /* of bytes */
#define AVER_GRAMMAR_PLACES_MAX 1024  /* at which one text can stand */
#define AVER_GRAMMAR_WORK_MAX   16384 /* places looked at for one byte */
#define AVER_GRAMMAR_NODES_MAX  65536 /* of chains alive in one run */
#define AVER_GRAMMAR_WORD_WORK  128   /* places looked at for all words, for each of them */

typedef struct aver_grammar aver_grammar;
typedef struct aver_grammar_run aver_grammar_run;
typedef struct aver_grammar_words aver_grammar_words;

void aver_grammar_free(aver_grammar *grammar);

/* The grammar must outlive the run. LIMIT if it runs away before the first byte. */
AVER_MUST_USE aver_err aver_grammar_run_new(const aver_grammar *grammar,
                                            aver_grammar_run **ret_run);
void aver_grammar_run_free(aver_grammar_run *run);
/* Goes on by these bytes. FORMAT if no text of the grammar goes on so, LIMIT if it ran away; the
 * run is then where it was before. */
AVER_MUST_USE aver_err aver_grammar_run_take(aver_grammar_run *run, aver_view bytes);
/* Whether the text may go on by these bytes; the run stays where it is. */
bool aver_grammar_run_allows(aver_grammar_run *run, aver_view bytes);
/* Whether the text so far is one of the grammar's; whether no byte may follow it. */
bool aver_grammar_run_whole(const aver_grammar_run *run);
bool aver_grammar_run_ended(const aver_grammar_run *run);

/*
 * words: the bytes of a vocabulary's tokens, in an order in which they share beginnings. A token
 * with no bytes is in no text.
 */
typedef aver_err aver_grammar_piece_fn(void *context, int32_t token, aver_buf *piece);
AVER_MUST_USE aver_err aver_grammar_words_new(uint32_t count, aver_grammar_piece_fn *piece,
                                              void *context, aver_grammar_words **ret_words);
void aver_grammar_words_free(aver_grammar_words *words);
aver_view aver_grammar_word(const aver_grammar_words *words, int32_t token);
/* Sets allowed[token], count of them, for each token by whose bytes the text may go on; and clears
 * the others. The number of allowed ones; none if it would be too much work. */
size_t aver_grammar_words_allowed(const aver_grammar_words *words, aver_grammar_run *run,
                                  bool *allowed);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SPEECH_GUARD_H
#define AVER_ENGINE_SPEECH_GUARD_H

/*
 * speech_guard: holds one choice to the grammar of its plan. It stands before the text is spelt:
 * what it sees are the bytes of tokens. Threads: one owner.
 */

#include "engine/speech.h"

typedef struct aver_guard {
    const aver_speech_plan *plan;
    const aver_prompt *prompt;
    const aver_grammar_words *words;
    aver_grammar_run *run; /* NULL: the text is free */
    bool waits;            /* for a mark with which calls begin */
    aver_buf tail;         /* the last bytes, in which a mark may have begun */
} aver_guard;

/* plan may be NULL. */
AVER_MUST_USE aver_err aver_guard_init(aver_guard *guard, const aver_speech_plan *plan,
                                       const aver_host *host);
void aver_guard_deinit(aver_guard *guard);
/* Whether this token may come next; is_end: it ends a text. */
bool aver_guard_allows(aver_guard *guard, int32_t token, bool is_end);
/* Sets allowed[token] for all tokens but such as end a text; how many may come. */
size_t aver_guard_allowed(aver_guard *guard, bool *allowed);
/* Whether the text may end here; it is true where the text is free. */
bool aver_guard_whole(const aver_guard *guard);
/* Whether the text is whole and nothing may follow it. */
bool aver_guard_ended(const aver_guard *guard);
/* Goes on by a token's bytes. One that is not allowed sets the text free. */
AVER_MUST_USE aver_err aver_guard_take(aver_guard *guard, aver_view bytes);

#endif

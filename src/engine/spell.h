/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SPELL_H
#define AVER_ENGINE_SPELL_H

/*
 * spell: from drawn tokens to the text that a caller reads, piece by piece. What could still become
 * a stop string or is half a UTF-8 character is held back; a stop string and what follows it never
 * come out. Malformed bytes become U+FFFD. The text is a function of the tokens alone, so a
 * re-check spells the same.
 */

#include "engine/job.h"

typedef struct aver_spell {
    const aver_buf *stops; /* borrowed */
    size_t stops_count;
    aver_buf pending; /* raw bytes not given out yet */
    aver_buf out;     /* text given out by the last call */
} aver_spell;

void aver_spell_init(aver_spell *spell, const aver_buf *stops, size_t stops_count);
void aver_spell_deinit(aver_spell *spell);
/* Takes the bytes of one token. *ret_text lives until the next call; *ret_stopped if a stop string
 * is complete. */
AVER_MUST_USE aver_err aver_spell_push(aver_spell *spell, aver_view piece, aver_view *ret_text,
                                       bool *ret_stopped);
/* What was held back, at the end of an answer that no stop string ended. */
AVER_MUST_USE aver_err aver_spell_flush(aver_spell *spell, aver_view *ret_text);

#endif

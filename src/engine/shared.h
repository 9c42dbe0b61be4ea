/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SHARED_H
#define AVER_ENGINE_SHARED_H

/*
 * shared: texts that the operator chose to share, such as a system message that every caller sends.
 * Each is read once, when the engine is made, into a sequence of its own that no job ever gets; a
 * prompt of any caller that begins with it takes a copy. It is there for all from the start, so
 * that its use says nothing of who used it.
 *
 * A text is read as the system message of a chat; where the model has no template, that is also how
 * a completion begins with it. Threads: the engine's owner.
 */

#include "engine/slots.h"

/* SHA-256("aver/shared/1" || for each: u32be size || text). */
void aver_shared_digest(const aver_view *texts, size_t count, uint8_t ret_digest[static 32]);
/* Reads the texts into the shared slots, one each. LIMIT, FORMAT with words in ret_why. */
AVER_MUST_USE aver_err aver_shared_read(aver_slots *slots, const aver_view *texts, size_t count,
                                        char ret_why[160]);

#endif

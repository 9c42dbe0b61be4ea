/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SLOTS_H
#define AVER_ENGINE_SLOTS_H

/*
 * slots: the sequences of the KV memory, who has them, and what each one remembers.
 *
 *   FREE -> PROMPT -> ANSWER -> KEPT (work with a cache scope) or FREE
 *            COPY  -/           KEPT -> PROMPT, COPY (the same scope) or FREE
 *
 * When work with a scope ends, its tokens stay in the slot. Later work of the same scope looks for
 * the slot whose tokens have the longest beginning in common with its prompt, drops what lies
 * beyond, and reads only the rest; at least the last token of a prompt is always read. Tokens kept
 * for one scope are never used for another, nor for work without a scope. Besides, prompts of all
 * callers may begin with a text that the operator chose to share: shared.h.
 *
 * What another scope may learn: how many slots a scope holds, and when it loses one to others, is
 * decided by when its work came and ended and never by what the slots remember. A slot belongs to
 * the scope that last ran in it. Work first makes sure, by numbers alone, that its scope has slots
 * enough, and only then chooses among these by their tokens. So whether some work found a beginning
 * or not changes nothing for the slots of others.
 *
 * Threads: one owner.
 */

#include "engine/work.h"

typedef enum aver_slot_state {
    AVER_SLOT_FREE = 0,
    AVER_SLOT_KEPT,   /* no work; belongs to a scope, and may remember tokens */
    AVER_SLOT_PROMPT, /* prompt tokens are still to be read */
    AVER_SLOT_COPY,   /* a further choice: waits until its first one has read the prompt */
    AVER_SLOT_ANSWER, /* last_token is to be read next */
    AVER_SLOT_SHARED, /* beyond count: never any work, copied from for everybody */
} aver_slot_state;

typedef struct aver_slot {
    aver_slot_state state;
    aver_work *work; /* PROMPT, COPY, ANSWER; borrowed */
    uint32_t choice; /* of the work */
    bool has_scope;
    uint8_t scope[32]; /* to whom it belongs */
    uint64_t stamp;    /* of admission or end, whichever was last: a count */
    uint32_t count;    /* tokens in the KV memory */
    int32_t *ids;      /* of those; owned, room for the whole context */
    int32_t last_token;
    uint32_t told;         /* PROMPT: tokens that were told as read */
    uint32_t share;        /* prompt tokens that it may put into this step */
    bool has_output;       /* in the decode of this step, at output_index */
    uint32_t output_index; /* of several choices of one prompt it is the same */
} aver_slot;

typedef struct aver_slots {
    aver_host *host;
    aver_slot *list;
    uint32_t count;
    uint32_t shared_count; /* behind the others */
    uint32_t context_tokens;
    uint64_t stamp_next;
} aver_slots;

AVER_MUST_USE aver_err aver_slots_init(aver_slots *slots, aver_host *host, uint32_t count,
                                       uint32_t shared_count);
void aver_slots_deinit(aver_slots *slots);
/* Slots without work. */
uint32_t aver_slots_idle(const aver_slots *slots);
/*
 * Gives work a slot for each of its choices, the first one in state PROMPT. False if there are not
 * as many idle ones now. *ret_cached: prompt tokens that need not be read.
 */
bool aver_slots_admit(aver_slots *slots, aver_work *work, uint32_t *ret_cached);
/* The slot of a choice; NULL if it has none. */
aver_slot *aver_slots_of(const aver_slots *slots, const aver_work *work, uint32_t choice);
/* Adds one token of a slot to the next decode. */
void aver_slots_put(aver_slots *slots, uint32_t index, int32_t token, bool output);
/* Gives the slots of the same work that wait in COPY the tokens and the output of this one. */
void aver_slots_spread(aver_slots *slots, uint32_t index);
/* Takes the work off. sound: the KV memory holds exactly the slot's tokens, which may be kept. */
void aver_slots_release(aver_slots *slots, uint32_t index, bool sound);

#endif

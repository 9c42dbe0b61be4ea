/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_SHARES_H
#define AVER_NODE_SHARES_H

/*
 * shares: how many requests each caller has in a room, and whether it may have one more.
 *
 *   - The room has room_max places. Behind it are reserve_max more, an eighth and one, for callers
 *     that have none yet.
 *   - A caller that is alone may fill the room. With others in it, from the moment that half of it
 *     is taken, it gets no further place beyond its share: room_max by callers, at least one.
 *
 * So who asks once finds a place however much somebody else asks, and who has more than its share
 * comes back to it as its requests end. Threads: one owner.
 */

#include "engine/job.h"

typedef struct aver_share aver_share;

typedef struct aver_shares {
    aver_share *list; /* owned; callers_count of them, in no order */
    uint32_t callers_count;
    uint32_t count; /* places that are taken */
    uint32_t room_max;
    uint32_t reserve_max;
} aver_shares;

typedef enum aver_shares_word {
    AVER_SHARES_PLACE = 1,
    AVER_SHARES_FULL = 2, /* nobody like this caller gets one */
    AVER_SHARES_OWN = 3,  /* the caller has its share, others could have a place */
} aver_shares_word;

AVER_MUST_USE aver_err aver_shares_init(aver_shares *shares, uint32_t room_max);
void aver_shares_deinit(aver_shares *shares);
/* Whether a caller gets one more place now. */
aver_shares_word aver_shares_ask(const aver_shares *shares,
                                 const uint8_t caller[static AVER_JOB_CALLER_BYTES]);
/* Only after PLACE. */
void aver_shares_take(aver_shares *shares, const uint8_t caller[static AVER_JOB_CALLER_BYTES]);
/* Gives back a place that was taken. */
void aver_shares_leave(aver_shares *shares, const uint8_t caller[static AVER_JOB_CALLER_BYTES]);

#endif

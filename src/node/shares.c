/* SPDX-License-Identifier: Apache-2.0 */
#include "node/shares.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* The part of the room that is kept for callers who have no place. */
#define SHARES_RESERVE_PART 8u

struct aver_share {
    uint8_t caller[AVER_JOB_CALLER_BYTES];
    uint32_t count;
};

aver_err aver_shares_init(aver_shares *shares, uint32_t room_max)
{
    uint32_t reserve_max = room_max / SHARES_RESERVE_PART + 1;
    aver_share *list = calloc((size_t)room_max + reserve_max, sizeof(*list));

    if (list == NULL) {
        return AVER_E_NOMEM;
    }
    *shares = (aver_shares){.list = list, .room_max = room_max, .reserve_max = reserve_max};
    return AVER_OK;
}

void aver_shares_deinit(aver_shares *shares)
{
    free(shares->list);
    *shares = (aver_shares){.list = NULL};
}

/* NULL if the caller has no place. */
static aver_share *shares_find(const aver_shares *shares, const uint8_t *caller)
{
    for (uint32_t i = 0; i < shares->callers_count; i++) {
        if (memcmp(shares->list[i].caller, caller, AVER_JOB_CALLER_BYTES) == 0) {
            return &shares->list[i];
        }
    }
    return NULL;
}

static uint32_t shares_each(const aver_shares *shares)
{
    uint32_t each = shares->room_max / shares->callers_count;
    return each > 0 ? each : 1;
}

aver_shares_word aver_shares_ask(const aver_shares *shares,
                                 const uint8_t caller[static AVER_JOB_CALLER_BYTES])
{
    const aver_share *share = shares_find(shares, caller);

    if (share == NULL) {
        return shares->count < shares->room_max + shares->reserve_max ? AVER_SHARES_PLACE
                                                                      : AVER_SHARES_FULL;
    }
    bool scarce = shares->count >= shares->room_max / 2;
    if (shares->callers_count > 1 && scarce && share->count >= shares_each(shares)) {
        return AVER_SHARES_OWN;
    }
    return shares->count < shares->room_max ? AVER_SHARES_PLACE : AVER_SHARES_FULL;
}

void aver_shares_take(aver_shares *shares, const uint8_t caller[static AVER_JOB_CALLER_BYTES])
{
    aver_share *share = shares_find(shares, caller);

    AVER_ASSERT(shares->count < shares->room_max + shares->reserve_max);
    if (share == NULL) {
        share = &shares->list[shares->callers_count++];
        memcpy(share->caller, caller, sizeof(share->caller));
        share->count = 0;
    }
    share->count++;
    shares->count++;
}

void aver_shares_leave(aver_shares *shares, const uint8_t caller[static AVER_JOB_CALLER_BYTES])
{
    aver_share *share = shares_find(shares, caller);

    AVER_ASSERT(share != NULL);
    shares->count--;
    share->count--;
    if (share->count == 0) {
        *share = shares->list[--shares->callers_count];
    }
}

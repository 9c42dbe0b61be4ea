/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/schedule.h"

/* A step with answers in it, and one without. */
#define STEP_NS_BESIDE 100e6
#define STEP_NS_ALONE  250e6
/* Fewer are hardly cheaper: the weights are read once for all. */
#define PROMPT_TOKENS_LEAST 32u
/* Smaller steps are mostly overhead; they tell nothing of a prompt token. */
#define LEARN_TOKENS_LEAST 16u
#define LEARN_PART         0.25

static uint32_t slot_left(const aver_slot *slot)
{
    return (uint32_t)slot->work->prompt.count - slot->count - slot->share;
}

/* The prompt that was admitted first, or the one that has the least left; count if there is none
 * with anything left. */
static uint32_t schedule_next(const aver_slots *slots, bool first)
{
    uint32_t found = slots->count;
    for (uint32_t i = 0; i < slots->count; i++) {
        const aver_slot *slot = &slots->list[i];
        if (slot->state != AVER_SLOT_PROMPT || slot_left(slot) == 0) {
            continue;
        }
        if (found == slots->count) {
            found = i;
            continue;
        }
        const aver_slot *best = &slots->list[found];
        bool shorter = slot_left(slot) < slot_left(best);
        bool equal = slot_left(slot) == slot_left(best);
        bool earlier = slot->stamp < best->stamp;
        found = (first ? earlier : shorter || (equal && earlier)) ? i : found;
    }
    return found;
}

static uint32_t schedule_budget(const aver_schedule *schedule, const aver_slots *slots,
                                uint32_t answers)
{
    uint32_t room = aver_host_batch_tokens(slots->host) - answers;
    double step_ns = answers > 0 ? STEP_NS_BESIDE : STEP_NS_ALONE;
    double budget = schedule->token_ns > 0.0 ? step_ns / schedule->token_ns : PROMPT_TOKENS_LEAST;
    budget = budget < PROMPT_TOKENS_LEAST ? PROMPT_TOKENS_LEAST : budget;
    return budget < (double)room ? (uint32_t)budget : room;
}

/* Shares the budget out among the prompts. */
static void schedule_share(const aver_slots *slots, uint32_t budget)
{
    uint32_t index = schedule_next(slots, true);
    if (index < slots->count && budget > 0) {
        uint32_t left = slot_left(&slots->list[index]);
        uint32_t half = (budget + 1) / 2;
        slots->list[index].share = left < half ? left : half;
        budget -= slots->list[index].share;
    }
    for (index = schedule_next(slots, false); index < slots->count && budget > 0;
         index = schedule_next(slots, false)) {
        uint32_t left = slot_left(&slots->list[index]);
        uint32_t given = left < budget ? left : budget;
        slots->list[index].share += given;
        budget -= given;
    }
}

static void schedule_put(aver_slots *slots, uint32_t index)
{
    aver_slot *slot = &slots->list[index];
    slot->has_output = false;
    if (slot->state == AVER_SLOT_ANSWER) {
        aver_slots_put(slots, index, slot->last_token, true);
        return;
    }
    const aver_ids *prompt = &slot->work->prompt;
    for (; slot->share > 0; slot->share--) {
        aver_slots_put(slots, index, prompt->ids[slot->count], slot->count + 1 == prompt->count);
    }
}

void aver_schedule_fill(const aver_schedule *schedule, aver_slots *slots)
{
    uint32_t answers = 0;
    for (uint32_t i = 0; i < slots->count; i++) {
        answers += slots->list[i].state == AVER_SLOT_ANSWER ? 1 : 0;
    }
    schedule_share(slots, schedule_budget(schedule, slots, answers));
    for (uint32_t i = 0; i < slots->count; i++) {
        if (slots->list[i].state == AVER_SLOT_ANSWER || slots->list[i].state == AVER_SLOT_PROMPT) {
            schedule_put(slots, i);
        }
    }
}

void aver_schedule_learn(aver_schedule *schedule, uint32_t tokens, uint64_t duration_ns)
{
    if (tokens < LEARN_TOKENS_LEAST) {
        return;
    }
    double token_ns = (double)duration_ns / (double)tokens;
    if (schedule->token_ns > 0.0) {
        token_ns = schedule->token_ns + (token_ns - schedule->token_ns) * LEARN_PART;
    }
    schedule->token_ns = token_ns;
}

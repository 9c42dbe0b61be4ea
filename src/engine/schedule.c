/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/schedule.h"

/* A step with answers in it, and one without. */
#define STEP_NS_BESIDE 100e6
#define STEP_NS_ALONE  250e6
/* Fewer are hardly cheaper: the weights are read once for all. */
#define PROMPT_TOKENS_LEAST 32u
/* So many for each answer, whatever time they take. */
#define PROMPT_TOKENS_BESIDE 6u
/* Where a prompt can be brought to its end, a step reads no more than so many tokens, or so many
 * for each answer in it: prompts then get their first tokens one after the other instead of all at
 * the end, and the answers in the same step cost them little. */
#define PROMPT_TOKENS_END    128u
#define PROMPT_TOKENS_ANSWER 24u
/* llama.cpp computes prompts of one step together as far as they have equally many tokens in it,
 * and what is left of the longer ones after that. So few tokens take nearly as long as many: they
 * are left for the next step, where they are computed beside its other tokens. */
#define PROMPT_TOKENS_TAIL 8u
/* Prompts whose lengths differ by less are as short as each other: they come to their ends in the
 * order of their slots, for llama.cpp computes together only what lies in neighbouring ones. */
#define PROMPT_TOKENS_ALIKE 16u
/* Smaller steps are mostly overhead; they tell nothing of a prompt token. */
#define LEARN_TOKENS_LEAST 16u
#define LEARN_PART         0.25
/* So often the slower way is timed again. */
#define RETRY_STEPS 128u

static uint32_t slot_left(const aver_slot *slot)
{
    return (uint32_t)slot->work->prompt.count - slot->count - slot->share;
}

/* The prompt that was admitted first, or the one that has the least left, of those alike the one
 * that was admitted first; count if there is none with anything left. */
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
        uint32_t length = slot_left(slot) / PROMPT_TOKENS_ALIKE;
        bool shorter = length < slot_left(best) / PROMPT_TOKENS_ALIKE;
        bool equal = length == slot_left(best) / PROMPT_TOKENS_ALIKE;
        bool earlier = slot->stamp < best->stamp;
        found = (first ? earlier : shorter || (equal && earlier)) ? i : found;
    }
    return found;
}

/* What a step may take by time. */
static uint32_t schedule_budget(const aver_schedule *schedule, const aver_slots *slots,
                                uint32_t answers)
{
    uint32_t room = aver_host_batch_tokens(slots->host) - answers;
    double step_ns = answers > 0 ? STEP_NS_BESIDE : STEP_NS_ALONE;
    double budget = schedule->token_ns > 0.0 ? step_ns / schedule->token_ns : PROMPT_TOKENS_LEAST;
    budget = budget < PROMPT_TOKENS_LEAST ? PROMPT_TOKENS_LEAST : budget;
    /* Many answers take that long by themselves; prompts must not starve beside them. */
    double beside = (double)PROMPT_TOKENS_BESIDE * answers;
    budget = budget < beside ? beside : budget;
    return budget < (double)room ? (uint32_t)budget : room;
}

/* What brings short prompts to their end soon; the budget itself where no prompt is that short. */
static uint32_t schedule_cut(const aver_slots *slots, uint32_t answers, uint32_t budget)
{
    uint32_t shortest = schedule_next(slots, false);
    uint32_t cut = PROMPT_TOKENS_ANSWER * answers;
    cut = cut < PROMPT_TOKENS_END ? PROMPT_TOKENS_END : cut;
    if (cut >= budget || shortest == slots->count || slot_left(&slots->list[shortest]) > cut) {
        return budget;
    }
    return cut;
}

/* A few tokens of a prompt that stays unfinished would be computed for themselves. */
static bool schedule_worth(uint32_t left, uint32_t given, uint32_t budget)
{
    return given == left || given >= PROMPT_TOKENS_LEAST || budget < PROMPT_TOKENS_END;
}

/* Shares the budget out among the prompts. */
static void schedule_share(const aver_slots *slots, uint32_t budget)
{
    uint32_t shared = 0;
    uint32_t index = schedule_next(slots, true);
    if (index < slots->count && budget > 0) {
        uint32_t left = slot_left(&slots->list[index]);
        uint32_t half = (budget + 1) / 2;
        slots->list[index].share = left < half ? left : half;
        shared = slots->list[index].share;
    }
    for (index = schedule_next(slots, false); index < slots->count && shared < budget;
         index = schedule_next(slots, false)) {
        aver_slot *slot = &slots->list[index];
        uint32_t left = slot_left(slot);
        uint32_t given = left < budget - shared ? left : budget - shared;
        if (!schedule_worth(left, given, budget)) {
            return;
        }
        slot->share += given;
        shared += given;
    }
}

/* The largest share below most; 0 if there is none. */
static uint32_t share_below(const aver_slots *slots, uint32_t most)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < slots->count; i++) {
        const aver_slot *slot = &slots->list[i];
        if (slot->state == AVER_SLOT_PROMPT && slot->share < most && slot->share > found) {
            found = slot->share;
        }
    }
    return found;
}

/* Shares that are little larger than another become like it. */
static void schedule_even(const aver_slots *slots)
{
    for (uint32_t i = 0; i < slots->count; i++) {
        aver_slot *slot = &slots->list[i];
        uint32_t below = slot->state == AVER_SLOT_PROMPT ? share_below(slots, slot->share) : 0;
        while (below > PROMPT_TOKENS_TAIL && slot->share - below <= PROMPT_TOKENS_TAIL) {
            slot->share = below;
            below = share_below(slots, below);
        }
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

bool aver_schedule_apart(aver_schedule *schedule, uint32_t answers)
{
    if (answers < 2 || answers > AVER_SCHEDULE_APART_MAX) {
        return false;
    }
    aver_schedule_cost *cost = &schedule->costs[answers];
    if (cost->ns[0] <= 0.0 || cost->ns[1] <= 0.0) {
        return cost->ns[0] > 0.0;
    }
    bool apart = cost->ns[1] < cost->ns[0];
    cost->steps++;
    return cost->steps % RETRY_STEPS == 0 ? !apart : apart;
}

void aver_schedule_fill(aver_schedule *schedule, aver_slots *slots)
{
    uint32_t answers = 0;
    for (uint32_t i = 0; i < slots->count; i++) {
        answers += slots->list[i].state == AVER_SLOT_ANSWER ? 1 : 0;
    }
    schedule_share(slots, schedule_cut(slots, answers, schedule_budget(schedule, slots, answers)));
    schedule_even(slots);
    schedule->answers = answers;
    schedule->apart = aver_schedule_apart(schedule, answers);
    for (uint32_t i = 0; i < slots->count; i++) {
        uint32_t index = schedule->apart ? slots->count - 1 - i : i;
        aver_slot_state state = slots->list[index].state;
        if (state == AVER_SLOT_ANSWER || state == AVER_SLOT_PROMPT) {
            schedule_put(slots, index);
        }
    }
    schedule->tokens = aver_host_put_count(slots->host);
}

/* A step that the machine held up counts as twice as slow at most. */
static void learn_add(double *mean, double sample)
{
    if (*mean <= 0.0) {
        *mean = sample;
        return;
    }
    sample = sample > 2.0 * *mean ? 2.0 * *mean : sample;
    *mean += (sample - *mean) * LEARN_PART;
}

void aver_schedule_learn(aver_schedule *schedule, uint64_t duration_ns)
{
    double ns = (double)duration_ns;
    if (schedule->tokens >= LEARN_TOKENS_LEAST) {
        learn_add(&schedule->token_ns, ns / (double)schedule->tokens);
    }
    if (schedule->tokens == schedule->answers && schedule->answers <= AVER_SCHEDULE_APART_MAX) {
        learn_add(&schedule->costs[schedule->answers].ns[schedule->apart ? 1 : 0], ns);
    }
}

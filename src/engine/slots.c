/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/slots.h"

#include "base/check.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

/* A beginning shorter than this is read again rather than copied from another sequence. */
#define COPY_TOKENS_LEAST 16u

aver_err aver_slots_init(aver_slots *slots, aver_host *host, uint32_t count, uint32_t shared_count)
{
    uint32_t all = count + shared_count;
    *slots = (aver_slots){.host = host,
                          .count = count,
                          .shared_count = shared_count,
                          .context_tokens = aver_host_info(host)->context_tokens,
                          .stamp_next = 1};
    slots->list = calloc(all, sizeof(*slots->list));
    if (slots->list == NULL) {
        *slots = (aver_slots){0};
        return AVER_E_NOMEM;
    }
    for (uint32_t i = 0; i < all; i++) {
        slots->list[i].state = i < count ? AVER_SLOT_FREE : AVER_SLOT_SHARED;
        slots->list[i].ids = calloc(slots->context_tokens, sizeof(int32_t));
        if (slots->list[i].ids == NULL) {
            aver_slots_deinit(slots);
            return AVER_E_NOMEM;
        }
    }
    return AVER_OK;
}

static void slot_wipe(aver_slot *slot)
{
    aver_wipe(slot->ids, slot->count * sizeof(*slot->ids));
    slot->count = 0;
}

void aver_slots_deinit(aver_slots *slots)
{
    for (uint32_t i = 0; i < slots->count + slots->shared_count && slots->list != NULL; i++) {
        if (slots->list[i].ids != NULL) {
            slot_wipe(&slots->list[i]);
        }
        free(slots->list[i].ids);
    }
    free(slots->list);
    *slots = (aver_slots){0};
}

static bool slot_of_scope(const aver_slot *slot, const uint8_t scope[static 32])
{
    return slot->has_scope && memcmp(slot->scope, scope, sizeof(slot->scope)) == 0;
}

uint32_t aver_slots_idle(const aver_slots *slots)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < slots->count; i++) {
        count += slots->list[i].state <= AVER_SLOT_KEPT ? 1 : 0;
    }
    return count;
}

/* Slots that belong to a scope; kept_only: those without work. */
static uint32_t slots_held(const aver_slots *slots, const uint8_t scope[static 32], bool kept_only)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < slots->count; i++) {
        const aver_slot *slot = &slots->list[i];
        if (slot_of_scope(slot, scope) && (!kept_only || slot->state == AVER_SLOT_KEPT)) {
            count++;
        }
    }
    return count;
}

/* So many a scope may keep without work, and so many it takes while some are free. */
static uint32_t slots_quota(const aver_slots *slots)
{
    return (slots->count + 1) / 2;
}

static void slot_forget(aver_slots *slots, uint32_t index)
{
    aver_host_forget(slots->host, index);
    slot_wipe(&slots->list[index]);
}

static void slot_make_free(aver_slots *slots, uint32_t index)
{
    aver_slot *slot = &slots->list[index];
    slot_forget(slots, index);
    slot->state = AVER_SLOT_FREE;
    slot->has_scope = false;
}

/* The kept slot of a scope that is worth least: an empty one, else the oldest. */
static uint32_t slots_least(const aver_slots *slots, const uint8_t scope[static 32],
                            uint32_t spared)
{
    uint32_t found = slots->count;
    for (uint32_t i = 0; i < slots->count; i++) {
        const aver_slot *slot = &slots->list[i];
        if (slot->state != AVER_SLOT_KEPT || i == spared || !slot_of_scope(slot, scope)) {
            continue;
        }
        if (found == slots->count) {
            found = i;
            continue;
        }
        const aver_slot *best = &slots->list[found];
        bool emptier = slot->count == 0 && best->count != 0;
        bool older = (slot->count == 0) == (best->count == 0) && slot->stamp < best->stamp;
        found = emptier || older ? i : found;
    }
    return found;
}

static uint32_t slots_first_free(const aver_slots *slots)
{
    uint32_t i = 0;
    while (i < slots->count && slots->list[i].state != AVER_SLOT_FREE) {
        i++;
    }
    return i;
}

/* When anything of a scope last began or ended. */
static uint64_t slots_latest(const aver_slots *slots, const uint8_t scope[static 32])
{
    uint64_t stamp = 0;
    for (uint32_t i = 0; i < slots->count; i++) {
        const aver_slot *slot = &slots->list[i];
        if (slot_of_scope(slot, scope) && slot->stamp > stamp) {
            stamp = slot->stamp;
        }
    }
    return stamp;
}

/* The kept slot of a scope that began or ended last. */
static uint32_t slots_newest_kept(const aver_slots *slots, const uint8_t scope[static 32])
{
    uint32_t found = slots->count;
    for (uint32_t i = 0; i < slots->count; i++) {
        const aver_slot *slot = &slots->list[i];
        if (slot->state == AVER_SLOT_KEPT && slot_of_scope(slot, scope) &&
            (found == slots->count || slot->stamp > slots->list[found].stamp)) {
            found = i;
        }
    }
    return found;
}

/* The scope that gives up a slot: the one that keeps most, of equals the one idle for longest. What
 * it remembers has no say. */
static uint32_t slots_evict(aver_slots *slots, const aver_job *job)
{
    const aver_slot *victim = NULL;
    uint32_t victim_held = 0;
    uint64_t victim_latest = 0;
    for (uint32_t i = 0; i < slots->count; i++) {
        const aver_slot *slot = &slots->list[i];
        if (slot->state != AVER_SLOT_KEPT ||
            (job->has_cache_scope && slot_of_scope(slot, job->cache_scope))) {
            continue;
        }
        uint32_t held = slots_held(slots, slot->scope, true);
        uint64_t latest = slots_latest(slots, slot->scope);
        if (held > victim_held || (held == victim_held && latest < victim_latest)) {
            victim = slot;
            victim_held = held;
            victim_latest = latest;
        }
    }
    AVER_ASSERT(victim != NULL);
    /* The newest stays while there is another: the order among scopes hangs on it. */
    uint32_t newest = slots_newest_kept(slots, victim->scope);
    uint32_t index = slots_least(slots, victim->scope, newest);
    index = index == slots->count ? newest : index;
    slot_make_free(slots, index);
    return index;
}

static uint32_t slots_claim(aver_slots *slots, const aver_job *job)
{
    uint32_t index = slots_first_free(slots);
    if (index == slots->count) {
        index = slots_evict(slots, job);
    }
    aver_slot *slot = &slots->list[index];
    slot->state = AVER_SLOT_KEPT;
    slot->has_scope = job->has_cache_scope;
    memcpy(slot->scope, job->cache_scope, sizeof(slot->scope));
    slot->stamp = slots->stamp_next++;
    return index;
}

/* By numbers alone: enough kept slots for all choices, and one more to choose from while some are
 * free. */
static void slots_provide(aver_slots *slots, const aver_work *work)
{
    const aver_job *job = &work->job;
    uint32_t kept = slots_held(slots, job->cache_scope, true);
    if (kept >= work->choices_count && slots_first_free(slots) < slots->count &&
        slots_held(slots, job->cache_scope, false) < slots_quota(slots)) {
        (void)slots_claim(slots, job);
    }
    while (kept < work->choices_count) {
        (void)slots_claim(slots, job);
        kept++;
    }
}

/* Tokens that a slot and a prompt begin with, all but the last of the prompt at most. */
static uint32_t slot_common(const aver_slot *slot, const aver_ids *prompt)
{
    uint32_t count = 0;
    while (count < slot->count && count + 1 < prompt->count &&
           slot->ids[count] == prompt->ids[count]) {
        count++;
    }
    return count;
}

/* The slot of the scope with the longest beginning of the prompt; count if there is none. Of equals
 * a kept one. */
static uint32_t slots_search(const aver_slots *slots, const aver_work *work, uint32_t *ret_common)
{
    uint32_t found = slots->count;
    *ret_common = 0;
    for (uint32_t i = 0; i < slots->count; i++) {
        const aver_slot *slot = &slots->list[i];
        if (slot->state == AVER_SLOT_FREE || !slot_of_scope(slot, work->job.cache_scope)) {
            continue;
        }
        uint32_t common = slot_common(slot, &work->prompt);
        bool kept_at_last = found < slots->count && slot->state == AVER_SLOT_KEPT &&
                            slots->list[found].state != AVER_SLOT_KEPT;
        if (common > *ret_common || (common == *ret_common && common > 0 && kept_at_last)) {
            found = i;
            *ret_common = common;
        }
    }
    return found;
}

/* The shared slot with a longer beginning of the prompt than *common, which it then is; source if
 * there is none. */
static uint32_t slots_search_shared(const aver_slots *slots, const aver_work *work, uint32_t source,
                                    uint32_t *common)
{
    for (uint32_t i = slots->count; i < slots->count + slots->shared_count; i++) {
        uint32_t shared = slot_common(&slots->list[i], &work->prompt);
        if (shared > *common) {
            source = i;
            *common = shared;
        }
    }
    return source;
}

static void slot_keep_only(aver_slots *slots, uint32_t index, uint32_t *count)
{
    aver_slot *slot = &slots->list[index];
    if (*count == 0 || !aver_host_trim(slots->host, index, *count)) {
        slot_forget(slots, index);
        *count = 0;
        return;
    }
    aver_wipe(slot->ids + *count, (slot->count - *count) * sizeof(*slot->ids));
    slot->count = *count;
}

static void slot_copy(aver_slots *slots, uint32_t from, uint32_t to)
{
    const aver_slot *source = &slots->list[from];
    aver_slot *slot = &slots->list[to];
    slot_forget(slots, to);
    aver_host_copy(slots->host, from, to);
    memcpy(slot->ids, source->ids, source->count * sizeof(*slot->ids));
    slot->count = source->count;
}

/* Copies a beginning that is worth it; else the slot is emptied. */
static void slot_begin_as(aver_slots *slots, uint32_t source, uint32_t index, uint32_t *common)
{
    if (*common < COPY_TOKENS_LEAST) {
        *common = 0;
    } else {
        slot_copy(slots, source, index);
    }
    slot_keep_only(slots, index, common);
}

/* Chooses among the kept slots of the scope the one for the first choice. A slot most of which is
 * of no use for this prompt is copied from, so that it stays, if there is another one. */
static uint32_t slots_choose(aver_slots *slots, const aver_work *work, uint32_t *ret_cached)
{
    uint32_t common = 0;
    uint32_t source = slots_search(slots, work, &common);
    source = slots_search_shared(slots, work, source, &common);
    uint32_t index = slots_least(slots, work->job.cache_scope, source);
    bool kept = common > 0 && slots->list[source].state == AVER_SLOT_KEPT;
    if (kept && (index == slots->count || common * 2 >= slots->list[source].count)) {
        slot_keep_only(slots, source, &common);
        index = source;
    } else {
        slot_begin_as(slots, source, index, &common);
    }
    *ret_cached = common;
    return index;
}

static void slot_take(aver_slots *slots, uint32_t index, aver_work *work, uint32_t choice)
{
    aver_slot *slot = &slots->list[index];
    slot->state = choice == 0 ? AVER_SLOT_PROMPT : AVER_SLOT_COPY;
    slot->work = work;
    slot->choice = choice;
    slot->stamp = slots->stamp_next++;
    slot->told = slot->count;
    slot->share = 0;
    slot->has_output = false;
}

bool aver_slots_admit(aver_slots *slots, aver_work *work, uint32_t *ret_cached)
{
    if (aver_slots_idle(slots) < work->choices_count) {
        return false;
    }
    *ret_cached = 0;
    if (!work->job.has_cache_scope) {
        for (uint32_t choice = 0; choice < work->choices_count; choice++) {
            uint32_t index = slots_claim(slots, &work->job);
            if (choice == 0) {
                uint32_t source = slots_search_shared(slots, work, slots->count, ret_cached);
                slot_begin_as(slots, source, index, ret_cached);
            }
            slot_take(slots, index, work, choice);
        }
        return true;
    }
    slots_provide(slots, work);
    slot_take(slots, slots_choose(slots, work, ret_cached), work, 0);
    for (uint32_t choice = 1; choice < work->choices_count; choice++) {
        uint32_t index = slots_least(slots, work->job.cache_scope, slots->count);
        slot_forget(slots, index);
        slot_take(slots, index, work, choice);
    }
    return true;
}

aver_slot *aver_slots_of(const aver_slots *slots, const aver_work *work, uint32_t choice)
{
    for (uint32_t i = 0; i < slots->count; i++) {
        if (slots->list[i].work == work && slots->list[i].choice == choice) {
            return &slots->list[i];
        }
    }
    return NULL;
}

void aver_slots_put(aver_slots *slots, uint32_t index, int32_t token, bool output)
{
    aver_slot *slot = &slots->list[index];
    AVER_ASSERT(slot->count < slots->context_tokens);
    slot->output_index = aver_host_put(slots->host, token, slot->count, index, output);
    slot->has_output = output;
    slot->ids[slot->count++] = token;
}

void aver_slots_spread(aver_slots *slots, uint32_t index)
{
    const aver_slot *source = &slots->list[index];
    for (uint32_t i = 0; i < slots->count; i++) {
        aver_slot *slot = &slots->list[i];
        if (slot->state == AVER_SLOT_COPY && slot->work == source->work) {
            slot_copy(slots, index, i);
            slot->state = AVER_SLOT_ANSWER;
            slot->output_index = source->output_index;
            slot->has_output = true;
        }
    }
}

void aver_slots_release(aver_slots *slots, uint32_t index, bool sound)
{
    aver_slot *slot = &slots->list[index];
    slot->work = NULL;
    slot->stamp = slots->stamp_next++;
    slot->has_output = false;
    if (!slot->has_scope) {
        slot_make_free(slots, index);
        return;
    }
    slot->state = AVER_SLOT_KEPT;
    if (!sound) {
        slot_forget(slots, index);
    }
    if (slots_held(slots, slot->scope, true) > slots_quota(slots)) {
        slot_make_free(slots, slots_least(slots, slot->scope, index));
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/residency.h"

#define NOBODY SIZE_MAX

/* A set of models: bit i is the one at place i. */
typedef uint64_t resident_set;
_Static_assert(AVER_RESIDENTS_MAX <= 64, "a set has one bit a model");

static bool set_has(resident_set set, size_t index)
{
    return (set >> index & 1u) != 0;
}

static bool resident_reads(const aver_resident *resident, const aver_resident_file *file)
{
    for (size_t i = 0; i < resident->files_count; i++) {
        if (resident->files[i] == file) {
            return true;
        }
    }
    return false;
}

/* True if a model of the set before this one, or an earlier place of its own, reads the file too.
 */
static bool file_counted(const aver_residency *residency, resident_set set, size_t index,
                         size_t file)
{
    const aver_resident *resident = residency->list[index];

    for (size_t i = 0; i < index; i++) {
        if (set_has(set, i) && resident_reads(residency->list[i], resident->files[file])) {
            return true;
        }
    }
    for (size_t i = 0; i < file; i++) {
        if (resident->files[i] == resident->files[file]) {
            return true;
        }
    }
    return false;
}

static uint64_t set_bytes(const aver_residency *residency, resident_set set)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < residency->count; i++) {
        const aver_resident *resident = residency->list[i];

        if (!set_has(set, i)) {
            continue;
        }
        sum += resident->own_bytes;
        for (size_t file = 0; file < resident->files_count; file++) {
            if (!file_counted(residency, set, i, file)) {
                sum += resident->files[file]->bytes;
            }
        }
    }
    return sum;
}

static bool set_fits(const aver_residency *residency, resident_set set)
{
    return residency->budget_bytes == 0 || set_bytes(residency, set) <= residency->budget_bytes;
}

static resident_set set_loaded(const aver_residency *residency)
{
    resident_set set = 0;

    for (size_t i = 0; i < residency->count; i++) {
        set |= residency->list[i]->loaded ? (resident_set)1 << i : 0;
    }
    return set;
}

uint64_t aver_residency_bytes(const aver_residency *residency)
{
    return set_bytes(residency, set_loaded(residency));
}

uint64_t aver_resident_bytes(const aver_resident *resident)
{
    aver_resident copy = *resident;
    aver_residency alone = {.list = {&copy}, .count = 1};

    return set_bytes(&alone, 1);
}

static bool resident_busy(const aver_resident *resident)
{
    return resident->running > 0 || (resident->waiting > 0 && !resident->closing);
}

/* Out of memory at once: no work, and its batch is over or nobody has asked for a while. */
static bool resident_free(const aver_resident *resident, uint64_t now_ns)
{
    return !resident_busy(resident) &&
           (resident->closing || now_ns >= resident->ready_ns + AVER_RESIDENCY_BATCH_NS ||
            now_ns >= resident->used_ns + AVER_RESIDENCY_IDLE_NS);
}

/* Who waited longest of those that are not loaded. */
static size_t residency_head(const aver_residency *residency)
{
    size_t head = NOBODY;

    for (size_t i = 0; i < residency->count; i++) {
        const aver_resident *resident = residency->list[i];

        if (resident->loaded && !resident->ready) {
            return NOBODY; /* one load at a time */
        }
        if (resident->waiting > 0 && !resident->loaded && !resident->blocked &&
            (head == NOBODY ||
             resident->waiting_since_ns < residency->list[head]->waiting_since_ns)) {
            head = i;
        }
    }
    return head;
}

/* Those without work go first, then those that take no more of it. */
static unsigned resident_rank(const aver_resident *resident)
{
    return !resident_busy(resident) ? 0 : resident->closing ? 1 : 2;
}

/* Of the lowest rank of the ready ones of the set, the one that was used least recently. */
static size_t residency_victim(const aver_residency *residency, resident_set set)
{
    size_t victim = NOBODY;

    for (size_t i = 0; i < residency->count; i++) {
        const aver_resident *resident = residency->list[i];
        const aver_resident *best = victim == NOBODY ? NULL : residency->list[victim];

        if (!set_has(set, i) || !resident->ready) {
            continue;
        }
        if (best == NULL || resident_rank(resident) < resident_rank(best) ||
            (resident_rank(resident) == resident_rank(best) && resident->used_ns < best->used_ns)) {
            victim = i;
        }
    }
    return victim;
}

/* The models that must go so that the head fits: as few as that takes. */
static resident_set residency_victims(const aver_residency *residency, size_t head)
{
    const resident_set head_bit = (resident_set)1 << head;
    resident_set stay = set_loaded(residency);
    resident_set victims = 0;

    while (!set_fits(residency, stay | head_bit)) {
        size_t victim = residency_victim(residency, stay);
        if (victim == NOBODY) {
            break;
        }
        stay &= ~((resident_set)1 << victim);
        victims |= (resident_set)1 << victim;
    }
    return victims;
}

/* A busy victim whose batch is over takes nothing new. */
static void residency_close(aver_residency *residency, size_t head, resident_set victims,
                            uint64_t now_ns)
{
    uint64_t since_ns = head == NOBODY ? 0 : residency->list[head]->waiting_since_ns;

    for (size_t i = 0; i < residency->count; i++) {
        aver_resident *resident = residency->list[i];
        uint64_t from_ns = resident->ready_ns > since_ns ? resident->ready_ns : since_ns;

        resident->closing = set_has(victims, i) && (resident->closing || resident_busy(resident)) &&
                            now_ns >= from_ns + AVER_RESIDENCY_BATCH_NS;
    }
}

/* More than the budget in memory, since an engine needed more than was known: somebody goes. */
static size_t residency_overflow(const aver_residency *residency)
{
    resident_set set = set_loaded(residency);

    if (set_fits(residency, set)) {
        return NOBODY;
    }
    size_t victim = residency_victim(residency, set);
    return victim != NOBODY && residency->list[victim]->running == 0 && (set & (set - 1)) != 0
               ? victim
               : NOBODY;
}

aver_residency_move aver_residency_next(aver_residency *residency, uint64_t now_ns,
                                        size_t *ret_index)
{
    size_t head = residency_head(residency);
    size_t over = residency_overflow(residency);

    if (over != NOBODY) {
        *ret_index = over;
        return AVER_RESIDENCY_EVICT;
    }
    if (head == NOBODY) {
        residency_close(residency, NOBODY, 0, now_ns);
        return AVER_RESIDENCY_REST;
    }
    resident_set victims = residency_victims(residency, head);
    residency_close(residency, head, victims, now_ns);
    size_t free_one = NOBODY;
    for (size_t i = 0; i < residency->count; i++) {
        if (!set_has(victims, i)) {
            continue;
        }
        if (!resident_free(residency->list[i], now_ns)) {
            return AVER_RESIDENCY_REST;
        }
        free_one = i;
    }
    if (free_one == NOBODY &&
        !set_fits(residency, set_loaded(residency) | (resident_set)1 << head)) {
        return AVER_RESIDENCY_REST;
    }
    *ret_index = free_one != NOBODY ? free_one : head;
    return free_one != NOBODY ? AVER_RESIDENCY_EVICT : AVER_RESIDENCY_LOAD;
}

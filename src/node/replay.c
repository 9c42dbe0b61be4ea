/* SPDX-License-Identifier: Apache-2.0 */
#include "node/replay.h"

#include "base/sys.h"
#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>

#define REPLAY_SHARDS         4096u
#define REPLAY_FIRST_CAPACITY 8u
#define REPLAY_ENTRY_BYTES    16

typedef struct replay_entry {
    uint8_t bytes[REPLAY_ENTRY_BYTES]; /* all zero: free */
} replay_entry;

typedef struct replay_shard {
    replay_entry *entries;
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t count;
} replay_shard;

struct aver_replay {
    uint8_t secret[32];
    uint64_t entries_max;
    uint64_t count;
    replay_shard shards[REPLAY_SHARDS];
};

aver_err aver_replay_new(uint64_t entries_max, aver_replay **ret_replay)
{
    aver_replay *replay = calloc(1, sizeof(*replay));
    if (replay == NULL) {
        return AVER_E_NOMEM;
    }
    replay->entries_max = entries_max;
    aver_random(replay->secret, sizeof(replay->secret));
    *ret_replay = replay;
    return AVER_OK;
}

void aver_replay_clear(aver_replay *replay)
{
    for (size_t i = 0; i < REPLAY_SHARDS; i++) {
        free(replay->shards[i].entries);
        replay->shards[i] = (replay_shard){.entries = NULL};
    }
    replay->count = 0;
}

void aver_replay_free(aver_replay *replay)
{
    if (replay == NULL) {
        return;
    }
    aver_replay_clear(replay);
    free(replay);
}

static replay_entry replay_fingerprint(const aver_replay *replay, const uint8_t enc[static 32])
{
    uint8_t digest[AVER_SHA256_BYTES];
    replay_entry entry;

    aver_sha256_tagged("aver/replay/1", AVER_VIEW_OF(replay->secret), aver_view_make(enc, 32),
                       digest);
    memcpy(entry.bytes, digest, sizeof(entry.bytes));
    /* Never all zero, which marks a free place. */
    entry.bytes[REPLAY_ENTRY_BYTES - 1] |= 1;
    return entry;
}

static uint32_t replay_shard_index(const replay_entry *entry)
{
    return aver_be32_read(entry->bytes) >> 20;
}

/* The place of the entry, or the free place where it would go. The table is never full. */
static replay_entry *replay_place(const replay_shard *shard, const replay_entry *entry)
{
    uint32_t mask = shard->capacity - 1;
    uint32_t at = aver_be32_read(entry->bytes + 4) & mask;

    while (shard->entries[at].bytes[REPLAY_ENTRY_BYTES - 1] != 0 &&
           memcmp(&shard->entries[at], entry, sizeof(*entry)) != 0) {
        at = (at + 1) & mask;
    }
    return &shard->entries[at];
}

/* Keeps a quarter of the places free. */
static aver_err replay_grow(replay_shard *shard)
{
    uint32_t capacity = shard->capacity == 0 ? REPLAY_FIRST_CAPACITY : shard->capacity * 2;
    replay_shard grown = {.capacity = capacity, .count = shard->count};

    if (shard->count < shard->capacity - shard->capacity / 4) {
        return AVER_OK;
    }
    grown.entries = calloc(capacity, sizeof(*grown.entries));
    if (grown.entries == NULL) {
        return AVER_E_NOMEM;
    }
    for (uint32_t i = 0; i < shard->capacity; i++) {
        if (shard->entries[i].bytes[REPLAY_ENTRY_BYTES - 1] != 0) {
            *replay_place(&grown, &shard->entries[i]) = shard->entries[i];
        }
    }
    free(shard->entries);
    *shard = grown;
    return AVER_OK;
}

bool aver_replay_seen(const aver_replay *replay, const uint8_t enc[static 32])
{
    replay_entry entry = replay_fingerprint(replay, enc);
    const replay_shard *shard = &replay->shards[replay_shard_index(&entry)];

    if (shard->count == 0) {
        return false;
    }
    return replay_place(shard, &entry)->bytes[REPLAY_ENTRY_BYTES - 1] != 0;
}

aver_err aver_replay_add(aver_replay *replay, const uint8_t enc[static 32])
{
    replay_entry entry = replay_fingerprint(replay, enc);
    replay_shard *shard = &replay->shards[replay_shard_index(&entry)];

    if (aver_replay_seen(replay, enc)) {
        return AVER_E_USAGE;
    }
    if (replay->count >= replay->entries_max) {
        return AVER_E_LIMIT;
    }
    aver_err err = replay_grow(shard);
    if (err != AVER_OK) {
        return err;
    }
    *replay_place(shard, &entry) = entry;
    shard->count++;
    replay->count++;
    return AVER_OK;
}

uint64_t aver_replay_count(const aver_replay *replay)
{
    return replay->count;
}

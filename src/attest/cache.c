/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/family.h"

#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>

/*
 *   entries   [ key | value | release | used ] x count    used: a count of uses, the least goes
 */
typedef struct cache_entry {
    uint8_t key[32];
    void *value;
    void (*release)(void *value);
    uint64_t used;
} cache_entry;

struct aver_attest_cache {
    size_t entries_max;
    size_t count;
    uint64_t clock;
    cache_entry entries[];
};

enum { CACHE_ENTRIES_MAX = 4096 };

aver_err aver_attest_cache_new(size_t entries_max, aver_attest_cache **ret_cache)
{
    if (entries_max == 0 || entries_max > CACHE_ENTRIES_MAX) {
        return AVER_E_USAGE;
    }
    aver_attest_cache *cache = calloc(1, sizeof *cache + entries_max * sizeof(cache_entry));
    if (cache == NULL) {
        return AVER_E_NOMEM;
    }
    cache->entries_max = entries_max;
    *ret_cache = cache;
    return AVER_OK;
}

void aver_attest_cache_free(aver_attest_cache *cache)
{
    for (size_t i = 0; cache != NULL && i < cache->count; i++) {
        cache->entries[i].release(cache->entries[i].value);
    }
    free(cache);
}

static cache_entry *cache_entry_of(aver_attest_cache *cache, const uint8_t key[static 32])
{
    for (size_t i = 0; i < cache->count; i++) {
        if (memcmp(cache->entries[i].key, key, sizeof cache->entries[i].key) == 0) {
            return &cache->entries[i];
        }
    }
    return NULL;
}

void *aver_attest_cache_find(aver_attest_cache *cache, const uint8_t key[static 32])
{
    cache_entry *entry = cache != NULL ? cache_entry_of(cache, key) : NULL;
    if (entry == NULL) {
        return NULL;
    }
    entry->used = ++cache->clock;
    return entry->value;
}

static cache_entry *cache_room(aver_attest_cache *cache)
{
    if (cache->count < cache->entries_max) {
        return &cache->entries[cache->count++];
    }
    cache_entry *oldest = &cache->entries[0];
    for (size_t i = 1; i < cache->count; i++) {
        oldest = cache->entries[i].used < oldest->used ? &cache->entries[i] : oldest;
    }
    oldest->release(oldest->value);
    return oldest;
}

void aver_attest_cache_put(aver_attest_cache *cache, const uint8_t key[static 32], void *value,
                           void (*release)(void *value))
{
    if (cache == NULL) {
        release(value);
        return;
    }
    cache_entry *entry = cache_entry_of(cache, key);
    if (entry != NULL) {
        entry->release(entry->value);
    } else {
        entry = cache_room(cache);
    }
    memcpy(entry->key, key, sizeof entry->key);
    entry->value = value;
    entry->release = release;
    entry->used = ++cache->clock;
}

void aver_attest_cache_key(const char *tag, const aver_view *parts, size_t parts_count,
                           uint8_t ret_key[static 32])
{
    aver_sha256 hash;
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, aver_view_make(tag, strlen(tag) + 1));
    for (size_t i = 0; i < parts_count; i++) {
        uint8_t size[8];
        aver_be64_write(size, parts[i].size);
        aver_sha256_update(&hash, AVER_VIEW_OF(size));
        aver_sha256_update(&hash, parts[i]);
    }
    aver_sha256_final(&hash, ret_key);
}

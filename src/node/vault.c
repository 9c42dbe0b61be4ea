/* SPDX-License-Identifier: Apache-2.0 */
#include "node/vault.h"

#include "base/check.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#define VAULT_NONE UINT32_MAX

typedef struct vault_entry {
    uint8_t id[32];
    uint64_t put_ms;
    uint8_t *bytes; /* receipt, then tokens; NULL: free */
    size_t receipt_size;
    size_t tokens_size;
    uint32_t next; /* in the chain of its head */
} vault_entry;

struct aver_vault {
    uint32_t entries_max;
    uint32_t heads_mask;
    uint64_t bytes_max, bytes;
    uint64_t ttl_ms;
    uint32_t first, count; /* of the ring */
    vault_entry *entries;
    uint32_t *heads;
};

static aver_err vault_allocate(aver_vault *vault)
{
    uint32_t heads = 1;

    while (heads < vault->entries_max) {
        heads *= 2;
    }
    vault->heads_mask = heads - 1;
    vault->entries = calloc(vault->entries_max, sizeof(*vault->entries));
    vault->heads = malloc(heads * sizeof(*vault->heads));
    if (vault->entries == NULL || vault->heads == NULL) {
        return AVER_E_NOMEM;
    }
    for (uint32_t i = 0; i < heads; i++) {
        vault->heads[i] = VAULT_NONE;
    }
    return AVER_OK;
}

aver_err aver_vault_new(uint32_t entries_max, uint64_t bytes_max, uint64_t ttl_ms,
                        aver_vault **ret_vault)
{
    AVER_ASSERT(entries_max > 0 && entries_max <= AVER_VAULT_ENTRIES_MAX);
    aver_vault *vault = calloc(1, sizeof(*vault));
    if (vault == NULL) {
        return AVER_E_NOMEM;
    }
    vault->entries_max = entries_max;
    vault->bytes_max = bytes_max;
    vault->ttl_ms = ttl_ms;
    aver_err err = vault_allocate(vault);
    if (err != AVER_OK) {
        aver_vault_free(vault);
        return err;
    }
    *ret_vault = vault;
    return AVER_OK;
}

static uint32_t *vault_head(const aver_vault *vault, const uint8_t id[static 32])
{
    return &vault->heads[aver_be32_read(id) & vault->heads_mask];
}

static void vault_unlink(aver_vault *vault, uint32_t index)
{
    uint32_t *link = vault_head(vault, vault->entries[index].id);

    while (*link != index) {
        AVER_ASSERT(*link != VAULT_NONE);
        link = &vault->entries[*link].next;
    }
    *link = vault->entries[index].next;
}

static void vault_drop_first(aver_vault *vault)
{
    vault_entry *entry = &vault->entries[vault->first];
    size_t size = entry->receipt_size + entry->tokens_size;

    vault_unlink(vault, vault->first);
    aver_wipe(entry->bytes, size);
    free(entry->bytes);
    *entry = (vault_entry){.bytes = NULL};
    vault->bytes -= size;
    vault->first = (vault->first + 1) % vault->entries_max;
    vault->count--;
}

void aver_vault_free(aver_vault *vault)
{
    if (vault == NULL) {
        return;
    }
    while (vault->count > 0) {
        vault_drop_first(vault);
    }
    free(vault->entries);
    free(vault->heads);
    free(vault);
}

aver_err aver_vault_put(aver_vault *vault, const uint8_t id[static 32], aver_view receipt,
                        aver_view tokens, uint64_t now_ms)
{
    size_t size = receipt.size + tokens.size;

    if (size > vault->bytes_max) {
        return AVER_E_LIMIT;
    }
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    if (bytes == NULL) {
        return AVER_E_NOMEM;
    }
    while (vault->count == vault->entries_max || vault->bytes + size > vault->bytes_max) {
        vault_drop_first(vault);
    }
    uint32_t index = (vault->first + vault->count) % vault->entries_max;
    vault_entry *entry = &vault->entries[index];
    uint32_t *head = vault_head(vault, id);

    memcpy(bytes, receipt.data, receipt.size);
    if (tokens.size > 0) {
        memcpy(bytes + receipt.size, tokens.data, tokens.size);
    }
    *entry = (vault_entry){.put_ms = now_ms,
                           .bytes = bytes,
                           .receipt_size = receipt.size,
                           .tokens_size = tokens.size,
                           .next = *head};
    memcpy(entry->id, id, sizeof(entry->id));
    *head = index;
    vault->bytes += size;
    vault->count++;
    return AVER_OK;
}

aver_err aver_vault_get(const aver_vault *vault, const uint8_t id[static 32], uint64_t now_ms,
                        aver_view *ret_receipt, aver_view *ret_tokens)
{
    for (uint32_t at = *vault_head(vault, id); at != VAULT_NONE; at = vault->entries[at].next) {
        const vault_entry *entry = &vault->entries[at];

        if (aver_equal_secret(AVER_VIEW_OF(entry->id), aver_view_make(id, 32)) &&
            now_ms - entry->put_ms < vault->ttl_ms) {
            *ret_receipt = aver_view_make(entry->bytes, entry->receipt_size);
            *ret_tokens = aver_view_make(entry->bytes + entry->receipt_size, entry->tokens_size);
            return AVER_OK;
        }
    }
    return AVER_E_ABSENT;
}

void aver_vault_expire(aver_vault *vault, uint64_t now_ms)
{
    while (vault->count > 0 && now_ms - vault->entries[vault->first].put_ms >= vault->ttl_ms) {
        vault_drop_first(vault);
    }
}

uint32_t aver_vault_count(const aver_vault *vault)
{
    return vault->count;
}

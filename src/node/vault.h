/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_VAULT_H
#define AVER_NODE_VAULT_H

/*
 * vault: receipts kept for a while, so that a caller who was cut off can fetch its own by its
 * secret id. In memory only: a node has no disk of its own.
 *
 *   ring of entries, oldest first;   heads[id mod size] -> entry -> entry ...
 *
 * Ids are 256 random bits drawn here, so their own first bytes spread them.
 * Limits: entries_max, bytes_max, ttl_ms; the oldest go first.
 */

#include "aver/bytes.h"

#define AVER_VAULT_ENTRIES_MAX 65536u
#define AVER_VAULT_BYTES_MAX   (256u * 1024 * 1024)
#define AVER_VAULT_TTL_MS      (3600u * 1000)

typedef struct aver_vault aver_vault;

AVER_MUST_USE aver_err aver_vault_new(uint32_t entries_max, uint64_t bytes_max, uint64_t ttl_ms,
                                      aver_vault **ret_vault);
void aver_vault_free(aver_vault *vault);
/* LIMIT if the two alone are larger than bytes_max. now_ms is monotonic. */
AVER_MUST_USE aver_err aver_vault_put(aver_vault *vault, const uint8_t id[static 32],
                                      aver_view receipt, aver_view tokens, uint64_t now_ms);
/* ABSENT. The views live until the next put or expire. */
AVER_MUST_USE aver_err aver_vault_get(const aver_vault *vault, const uint8_t id[static 32],
                                      uint64_t now_ms, aver_view *ret_receipt,
                                      aver_view *ret_tokens);
/* Forgets what is too old. */
void aver_vault_expire(aver_vault *vault, uint64_t now_ms);
uint32_t aver_vault_count(const aver_vault *vault);

#endif

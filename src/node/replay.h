/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_REPLAY_H
#define AVER_NODE_REPLAY_H

/*
 * replay: the set of HPKE encapsulations that the seal key has opened, so that nobody sends a
 * sealed request twice. It lives as long as that key: the keeper replaces the key before the set is
 * full, and only then empties the set, since what was sealed to the former key never opens again.
 *
 *   shard (first 12 bits of the fingerprint) -> open addressing table of 16-byte fingerprints
 *
 * A fingerprint is the start of SHA-256(secret || enc): nobody outside can choose where an entry
 * falls. Each shard doubles alone, so that no insertion stalls the loop. Limit: entries_max, then
 * LIMIT.
 */

#include "aver/bytes.h"

/* Sealed requests after which the key is replaced. */
#define AVER_REPLAY_USES_MIN     16u
#define AVER_REPLAY_USES_DEFAULT (4u * 1024 * 1024)
#define AVER_REPLAY_USES_MAX     (16u * 1024 * 1024)
/* What may still come while the evidence for the next key is made. */
#define AVER_REPLAY_SPARE       (1024u * 1024)
#define AVER_REPLAY_ENTRIES_MAX (AVER_REPLAY_USES_MAX + AVER_REPLAY_SPARE)

typedef struct aver_replay aver_replay;

AVER_MUST_USE aver_err aver_replay_new(uint64_t entries_max, aver_replay **ret_replay);
void aver_replay_free(aver_replay *replay);
bool aver_replay_seen(const aver_replay *replay, const uint8_t enc[static 32]);
/* USAGE if it was there already, LIMIT if the set is full. */
AVER_MUST_USE aver_err aver_replay_add(aver_replay *replay, const uint8_t enc[static 32]);
/* Forgets all. Only for a seal key that has opened nothing yet. */
void aver_replay_clear(aver_replay *replay);
uint64_t aver_replay_count(const aver_replay *replay);

#endif

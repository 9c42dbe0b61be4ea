/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_MUTATE_H
#define AVER_TESTS_SUPPORT_MUTATE_H

/*
 * mutate: changes by chance, the same ones for the same state of the generator. The keys are those
 * that forge makes answers with.
 */

#include "support/forge.h"

typedef struct mutate_keys {
    aver_ed25519 *root, *device, *receipt;
    aver_ed25519 *stranger; /* nobody trusts it */
} mutate_keys;

void mutate_keys_init(mutate_keys *keys);
void mutate_keys_deinit(mutate_keys *keys);

/* The next number of a generator (splitmix64), from 0 to count - 1. */
uint64_t mutate_below(uint64_t *random, uint64_t count);
/* One or two changes to a JSON text, none of which knows what it means. */
void mutate_text(uint64_t *random, aver_buf *text);
/* A copy of a good capsule with changes; parts of other, another good capsule, may get in. */
void mutate_capsule(uint64_t *random, const mutate_keys *keys, aver_view base, aver_view other,
                    aver_buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_RESIDENCY_H
#define AVER_NODE_RESIDENCY_H

/*
 * residency: which models are in memory, within a budget. It only decides; whoever calls it loads
 * and evicts, keeps the numbers below true, and asks again whenever one of them changed.
 *
 *   (out) --LOAD--> loading --ready--> in memory --EVICT--> (out)
 *
 * Who waited longest is served first, one load at a time. Room is made by the models that were used
 * least recently; one with work in flight is never evicted. A model that is asked for all the time
 * goes on for a batch (AVER_RESIDENCY_BATCH_NS, from its own start and from the other's first
 * waiting request), then it is closed: it takes nothing new, and leaves when what it has is done.
 * So two models that do not fit together take turns of that length, and neither waits for ever.
 *
 * Weights are counted once however many models read them. Threads: none; the loop's.
 */

#include "aver/keyset.h"
#include "model/adapters.h"

#define AVER_RESIDENTS_MAX      AVER_KEYSET_MODELS_MAX
#define AVER_RESIDENT_FILES_MAX (1 + AVER_ADAPTERS_MAX)
#define AVER_RESIDENCY_BATCH_NS (2ull * 1000 * 1000 * 1000)
/* Nothing came for so long: it may go before its batch is over. */
#define AVER_RESIDENCY_IDLE_NS (100ull * 1000 * 1000)

/* Bytes that several models may read. */
typedef struct aver_resident_file {
    uint64_t bytes;
} aver_resident_file;

typedef struct aver_resident {
    const aver_resident_file *files[AVER_RESIDENT_FILES_MAX]; /* the same place is the same file */
    size_t files_count;
    uint64_t own_bytes;         /* of its engine; 0 before the first was measured */
    bool loaded;                /* in memory, or on the way there */
    bool ready;                 /* in memory */
    bool blocked;               /* must not be loaded now */
    uint32_t waiting, running;  /* requests */
    uint64_t waiting_since_ns;  /* of the oldest that waits */
    uint64_t ready_ns, used_ns; /* since when it is ready; when it was last asked or answered */
    bool closing;               /* decided here: takes no new requests */
} aver_resident;

typedef struct aver_residency {
    uint64_t budget_bytes; /* 0: none */
    aver_resident *list[AVER_RESIDENTS_MAX];
    size_t count;
} aver_residency;

typedef enum aver_residency_move {
    AVER_RESIDENCY_REST = 1,
    AVER_RESIDENCY_LOAD = 2,
    AVER_RESIDENCY_EVICT = 3,
} aver_residency_move;

/* The next thing to do, and to which model; sets closing. Ask again after each LOAD and EVICT. */
aver_residency_move aver_residency_next(aver_residency *residency, uint64_t now_ns,
                                        size_t *ret_index);
/* Bytes of all that is loaded. */
uint64_t aver_residency_bytes(const aver_residency *residency);
/* Bytes of one alone. */
uint64_t aver_resident_bytes(const aver_resident *resident);

#endif

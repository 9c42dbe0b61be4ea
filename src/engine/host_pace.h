/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_HOST_PACE_H
#define AVER_ENGINE_HOST_PACE_H

/*
 * host_pace: which of two ways of doing the same work is the faster one now, learnt from how long
 * it takes; private to src/engine/host*.c. Work of a few milliseconds together is one measurement:
 * where a neighbour holds a core, most work is quick and some takes twenty times as long, so that
 * only the mean tells anything. Both ways are measured; then the faster is taken, and the other
 * measured again after a rest that doubles while it loses. The rest is counted in time at work, so
 * that trials take the same small part of much work and of little; while way 1 is the faster one,
 * or the faster one is much slower than it was, it is counted in time that passes: way 0 is the
 * usual one, and must come back soon. Threads: one owner.
 */

#include <stdbool.h>
#include <stdint.h>

typedef struct aver_host_way {
    double unit_ns;  /* of one unit of work, by the last measurements; 0: none yet */
    double least_ns; /* the best of late */
} aver_host_way;

/* Zeros are a new one, which begins with way 0. */
typedef struct aver_host_pace {
    aver_host_way ways[2];
    uint32_t best;
    bool slow;          /* the best is much slower than it was */
    bool trial;         /* the other one is being measured */
    uint32_t works;     /* of the measurement under way */
    double works_units; /* the same */
    uint64_t works_ns;  /* the same */
    uint64_t rested_ns; /* since when the other one rests */
    uint64_t worked_ns; /* what the best one worked since then */
    uint64_t rest_ns;
} aver_host_pace;

/* units: of the work to come, such as tokens. dear_ns: work that takes longer is not used for
 * trials, unless it has become slow. */
uint32_t aver_host_pace_choose(aver_host_pace *pace, uint32_t units, uint64_t dear_ns,
                               uint64_t now_ns);
/* The work chosen last took so long. */
void aver_host_pace_learn(aver_host_pace *pace, uint32_t units, uint64_t work_ns, uint64_t now_ns);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SCHEDULE_H
#define AVER_ENGINE_SCHEDULE_H

/*
 * schedule: what goes into one decode. Every answer puts one token. Prompts put as many tokens as
 * fit into the time that a step should take at most, measured from the steps before: so a long
 * prompt never holds up answers for long, and prompts are never kept waiting by answers. Of this
 * the prompt that was admitted first gets a part, so that it always comes to an end, and the rest
 * goes to those that have the least left to read, so that short ones need not wait for long ones.
 * Of many short prompts a step takes a few only, so that they are answered one after the other and
 * not all when the last one is read.
 *
 * Sequences whose tokens are put in rising order of neighbouring slots llama.cpp computes together,
 * those put in falling order one by one. Together the weights are read once for all, but for two to
 * six rows its matrix kernels can take longer than its row kernel takes for each: so both ways are
 * timed for each small number of answers, and the faster one is taken.
 *
 * Neither changes a bit of what profile verified computes. Threads: one owner.
 */

#include "engine/slots.h"

/* More answers than these are always computed together. */
#define AVER_SCHEDULE_APART_MAX 8

/* Of steps with some number of answers and no prompt; 0: not known yet. */
typedef struct aver_schedule_cost {
    double ns[2]; /* together, apart */
    uint32_t steps;
} aver_schedule_cost;

typedef struct aver_schedule {
    double token_ns; /* of one token among many; 0: not known yet */
    aver_schedule_cost costs[AVER_SCHEDULE_APART_MAX + 1]; /* by number of answers */
    uint32_t answers; /* of the step that was filled last, as are the next two */
    uint32_t tokens;
    bool apart;
} aver_schedule;

/* Puts the tokens of this step. */
void aver_schedule_fill(aver_schedule *schedule, aver_slots *slots);
/* Whether so many answers are computed apart this time; for its tests too. */
bool aver_schedule_apart(aver_schedule *schedule, uint32_t answers);
/* Learns how long the step that was filled last took. */
void aver_schedule_learn(aver_schedule *schedule, uint64_t duration_ns);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_SCHEDULE_H
#define AVER_ENGINE_SCHEDULE_H

/*
 * schedule: what goes into one decode. Every answer puts one token. Prompts put as many tokens as
 * fit into the time that a step should take at most, measured from the steps before: so a long
 * prompt never holds up answers for long, and prompts are never kept waiting by answers. Of this
 * the prompt that was admitted first gets a part, so that it always comes to an end, and the rest
 * goes to those that have the least left to read, so that short ones need not wait for long ones.
 *
 * The tokens are put in order of slots: llama.cpp computes neighbouring sequences together.
 * Threads: one owner.
 */

#include "engine/slots.h"

typedef struct aver_schedule {
    double token_ns; /* of one prompt token, by the last steps; 0: not known yet */
} aver_schedule;

/* Puts the tokens of this step. */
void aver_schedule_fill(const aver_schedule *schedule, aver_slots *slots);
/* Learns from a step: how many tokens it had, and how long it took. */
void aver_schedule_learn(aver_schedule *schedule, uint32_t tokens, uint64_t duration_ns);

#endif

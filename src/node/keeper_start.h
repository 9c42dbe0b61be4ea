/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_KEEPER_START_H
#define AVER_NODE_KEEPER_START_H

/* keeper_start: the order in which a keeper comes up and goes down, and the callbacks that it wires
 * together. */

#include "node/keeper.h"

#define AVER_KEEPER_COMMON_NAME "aver-node"

/*
 * Platform, models, keys, first quote, listeners, ready file. On failure what was wrong
 * has been logged. ABSENT: ended by a signal meanwhile.
 */
AVER_MUST_USE aver_err aver_keeper_start(aver_keeper *keeper);
/* Releases everything, however far the start came. */
void aver_keeper_stop(aver_keeper *keeper);

void aver_keeper_on_signal(int number, short what, void *context);
void aver_keeper_on_hangup(int number, short what, void *context);
void aver_keeper_on_tick(int fd, short what, void *context);
void aver_keeper_on_renewal(int fd, short what, void *context);
aver_err aver_keeper_on_events(aver_view events, void *context);
aver_err aver_keeper_on_busy(uint64_t job_id, void *context);
/* An engine is gone for good; the node too, if it was the last. */
void aver_keeper_on_dead(aver_keeper *keeper);

#endif

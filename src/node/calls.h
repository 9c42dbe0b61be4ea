/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_CALLS_H
#define AVER_NODE_CALLS_H

/*
 * calls: the requests that are with the engine, found by job id, and what its events do to them.
 *
 * A job id is never used twice; id mod size is its place in the table, so an id of the engine's
 * that is not one of ours is found out at once. Limit: the places of shares, then the next one is
 * told to come back.
 */

#include "engine/link.h"
#include "node/shares.h"

/* Places, without those that shares keeps for callers who have none; all fit into the waiting list
 * of one engine. */
#define AVER_CALLS_MAX 7168u

struct aver_keeper;
struct aver_call;
struct aver_model;

typedef struct aver_calls {
    struct aver_call **table;
    uint32_t table_size; /* a power of two above the places */
    aver_shares shares;
    uint32_t count;
    uint64_t id_next;
    struct aver_call *first; /* all calls */
    aver_link_room room;     /* for what one event points to */
} aver_calls;

/* room_max: at most AVER_CALLS_MAX. */
AVER_MUST_USE aver_err aver_calls_init(aver_calls *calls, uint32_t room_max);
/* Frees the calls that are left, without a word to their clients. */
void aver_calls_deinit(aver_calls *calls);
/* Gives the call its job id, and its caller a place, for which the shares were asked. */
void aver_calls_add(aver_calls *calls, struct aver_call *call);
void aver_calls_remove(aver_calls *calls, struct aver_call *call);

/* One EVENTS frame of a model's engine. FORMAT or PEER if it said what it must not. */
AVER_MUST_USE aver_err aver_calls_events(struct aver_model *model, aver_view events);
AVER_MUST_USE aver_err aver_calls_busy(struct aver_model *model, uint64_t job_id);
/* Sends what waited for this model's engine. */
void aver_calls_submit_waiting(struct aver_model *model);
/* Adds up in each model's resident who waits and who runs. */
void aver_calls_tally(struct aver_keeper *keeper);
/* Those that wait for this model: an error, no receipt. */
void aver_calls_turn_away(struct aver_model *model, const char *code, const char *message);
/* The model's engine is gone: error receipts for all that were with it; if final, those that waited
 * are turned away. */
void aver_calls_engine_down(struct aver_model *model, bool final);
/* Heads that are due, and calls that have waited too long for an engine. */
void aver_calls_tick(struct aver_keeper *keeper);
void aver_calls_cancel_all(struct aver_keeper *keeper);

#endif

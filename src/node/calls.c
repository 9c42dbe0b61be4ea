/* SPDX-License-Identifier: Apache-2.0 */
#include "node/calls.h"

#include "base/check.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/sys.h"
#include "node/call.h"
#include "node/keeper.h"

#include <stdlib.h>

#define CALLS_WAIT_MAX_NS (30ull * 1000 * 1000 * 1000)

aver_err aver_calls_init(aver_calls *calls, uint32_t room_max)
{
    uint32_t size = 16;

    AVER_ASSERT(room_max <= AVER_CALLS_MAX);
    while (size < room_max * 2) {
        size *= 2;
    }
    *calls = (aver_calls){.table_size = size, .id_next = 1};
    aver_err err = aver_shares_init(&calls->shares, room_max);
    calls->table = calloc(size, sizeof(struct aver_call *));
    /* Pages that no prompt and no vector needs are never touched. */
    calls->room = (aver_link_room){.ids = calloc(AVER_TOKENS_MAX, sizeof(int32_t)),
                                   .ids_max = AVER_TOKENS_MAX,
                                   .vector = calloc(AVER_ENGINE_VECTOR_MAX, sizeof(float)),
                                   .vector_max = AVER_ENGINE_VECTOR_MAX};
    if (err != AVER_OK || calls->table == NULL || calls->room.ids == NULL ||
        calls->room.vector == NULL) {
        aver_calls_deinit(calls);
        return AVER_E_NOMEM;
    }
    return AVER_OK;
}

void aver_calls_deinit(aver_calls *calls)
{
    while (calls->first != NULL) {
        aver_call_free(calls->first);
    }
    if (calls->room.ids != NULL) {
        aver_wipe(calls->room.ids, calls->room.ids_max * sizeof(*calls->room.ids));
    }
    if (calls->room.vector != NULL) {
        aver_wipe(calls->room.vector, calls->room.vector_max * sizeof(*calls->room.vector));
    }
    free(calls->room.ids);
    free(calls->room.vector);
    free(calls->table);
    aver_shares_deinit(&calls->shares);
    *calls = (aver_calls){0};
}

void aver_calls_add(aver_calls *calls, struct aver_call *call)
{
    aver_shares_take(&calls->shares, call->job.caller);
    while (calls->table[calls->id_next & (calls->table_size - 1)] != NULL) {
        calls->id_next++;
    }
    call->job_id = calls->id_next++;
    calls->table[call->job_id & (calls->table_size - 1)] = call;
    calls->count++;
    call->model->jobs++;
    call->next = calls->first;
    if (calls->first != NULL) {
        calls->first->previous = call;
    }
    calls->first = call;
}

void aver_calls_remove(aver_calls *calls, struct aver_call *call)
{
    aver_shares_leave(&calls->shares, call->job.caller);
    calls->table[call->job_id & (calls->table_size - 1)] = NULL;
    calls->count--;
    call->model->jobs--;
    call->model->resident.used_ns = aver_time_monotonic_ns();
    aver_models_wake(&call->model->keeper->models);
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        calls->first = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
}

/* NULL if the model's engine was never given this id, or is done with it. */
static aver_call *calls_find(const aver_model *model, uint64_t job_id)
{
    const aver_calls *calls = &model->keeper->calls;
    aver_call *call = calls->table[job_id & (calls->table_size - 1)];

    return call != NULL && call->job_id == job_id && call->model == model &&
                   call->phase != AVER_CALL_WAITING
               ? call
               : NULL;
}

static aver_err calls_event(aver_model *model, const aver_event *event)
{
    aver_call *call = calls_find(model, event->job_id);

    if (call == NULL) {
        return AVER_E_PEER;
    }
    switch (event->kind) {
    case AVER_EVENT_STARTED:
        return aver_call_started(call, event);
    case AVER_EVENT_TOKEN:
        return aver_call_token(call, event);
    case AVER_EVENT_DONE:
        return aver_call_done(call, event);
    case AVER_EVENT_REFUSED:
        return aver_call_refused(call, event);
    case AVER_EVENT_CHOICE:
        return aver_call_choice(call, event);
    case AVER_EVENT_CALL:
        return aver_call_called(call, event);
    case AVER_EVENT_VECTOR:
        return aver_call_vector(call, event);
    case AVER_EVENT_TEXT:
        return aver_call_text(call, event);
    case AVER_EVENT_READ:
        return aver_call_read(call, event);
    }
    return AVER_E_PEER;
}

/* One write for each stream that this frame brought something. */
static void calls_flush(aver_keeper *keeper)
{
    for (aver_call *call = keeper->calls.first; call != NULL; call = call->next) {
        if (call->stream.dirty) {
            aver_call_stream_flush(call);
        }
    }
}

aver_err aver_calls_events(aver_model *model, aver_view events)
{
    aver_calls *calls = &model->keeper->calls;
    aver_event event;
    bool more = true;

    aver_err err = AVER_OK;
    while (err == AVER_OK) {
        err = aver_link_event_next(&events, &more, &event, &calls->room);
        if (err != AVER_OK || !more) {
            break;
        }
        err = calls_event(model, &event);
    }
    calls_flush(model->keeper);
    return err;
}

aver_err aver_calls_busy(aver_model *model, uint64_t job_id)
{
    aver_call *call = calls_find(model, job_id);

    if (call == NULL || call->phase != AVER_CALL_SUBMITTED) {
        return AVER_E_PEER;
    }
    aver_call_fail(call, 503, "overloaded", "The engine takes no more work now.");
    return AVER_OK;
}

void aver_calls_submit_waiting(aver_model *model)
{
    aver_call *next;

    for (aver_call *call = model->keeper->calls.first; call != NULL; call = next) {
        next = call->next;
        if (call->model == model && call->phase == AVER_CALL_WAITING) {
            aver_call_submit(call);
        }
    }
}

void aver_calls_tally(aver_keeper *keeper)
{
    for (const aver_call *call = keeper->calls.first; call != NULL; call = call->next) {
        aver_resident *resident = &call->model->resident;

        if (call->phase != AVER_CALL_WAITING) {
            resident->running++;
        } else if (resident->waiting++ == 0 || call->arrived_ns < resident->waiting_since_ns) {
            resident->waiting_since_ns = call->arrived_ns;
        }
    }
}

void aver_calls_turn_away(aver_model *model, const char *code, const char *message)
{
    aver_call *next;

    for (aver_call *call = model->keeper->calls.first; call != NULL; call = next) {
        next = call->next;
        if (call->model == model && call->phase == AVER_CALL_WAITING) {
            aver_call_turn_away(call, code, message);
        }
    }
}

void aver_calls_engine_down(aver_model *model, bool final)
{
    aver_call *next;

    for (aver_call *call = model->keeper->calls.first; call != NULL; call = next) {
        next = call->next;
        if (call->model != model) {
            continue;
        }
        if (call->phase != AVER_CALL_WAITING) {
            aver_call_fail(call, 500, "engine_failed", "The engine stopped; this answer is lost.");
        } else if (final) {
            aver_call_turn_away(call, "engine_failed", "There is no engine.");
        }
    }
}

void aver_calls_tick(aver_keeper *keeper)
{
    uint64_t now_ns = aver_time_monotonic_ns();
    aver_call *next;

    for (aver_call *call = keeper->calls.first; call != NULL; call = next) {
        next = call->next;
        if (call->phase == AVER_CALL_STARTED) {
            aver_call_stream_tick(call, now_ns);
        } else if (call->phase == AVER_CALL_WAITING &&
                   now_ns - call->arrived_ns > CALLS_WAIT_MAX_NS) {
            aver_call_turn_away(call, "engine_loading", "The engine is still loading.");
        }
    }
}

void aver_calls_cancel_all(aver_keeper *keeper)
{
    aver_call *next;

    for (aver_call *call = keeper->calls.first; call != NULL; call = next) {
        next = call->next;
        if (call->phase == AVER_CALL_WAITING) {
            aver_call_turn_away(call, "draining", "The node is going out of service.");
        } else {
            aver_call_cancel(call);
        }
    }
}

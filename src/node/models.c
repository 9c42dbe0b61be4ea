/* SPDX-License-Identifier: Apache-2.0 */
#include "node/models.h"

#include "base/log.h"
#include "base/sys.h"
#include "node/keeper.h"
#include "node/model_load.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A model that failed is not tried again before that; who asks meanwhile is told so. */
#define MODELS_RETRY_NS (5ull * 1000 * 1000 * 1000)

const char *aver_model_state_text(aver_model_state state)
{
    static const char *const texts[] = {
        [AVER_MODEL_UNLOADED] = "unloaded",
        [AVER_MODEL_LOADING] = "loading",
        [AVER_MODEL_READY] = "ready",
        [AVER_MODEL_FAILED] = "failed",
    };

    return texts[state];
}

static void models_on_wake(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    aver_models_turn(context);
}

aver_err aver_models_init(aver_models *models, aver_keeper *keeper)
{
    *models = (aver_models){.residency = {.budget_bytes = keeper->options->memory_bytes}};
    aver_model_files_init(&models->files, keeper->base, keeper->options->threads);
    models->wake = evtimer_new(keeper->base, models_on_wake, models);
    return models->wake != NULL ? AVER_OK : AVER_E_NOMEM;
}

void aver_models_deinit(aver_models *models)
{
    for (size_t i = 0; i < models->count; i++) {
        aver_engine_link_free(models->list[i]->engine);
        free(models->list[i]);
    }
    aver_model_files_deinit(&models->files);
    if (models->wake != NULL) {
        event_free(models->wake);
    }
    *models = (aver_models){.count = 0};
}

aver_model *aver_models_find(const aver_models *models, aver_view name)
{
    for (size_t i = 0; i < models->names_count; i++) {
        if (aver_view_equal_text(name, models->names[i].text)) {
            return models->names[i].model;
        }
    }
    return NULL;
}

void aver_models_wake(aver_models *models)
{
    static const struct timeval now = {0};

    if (models->wake != NULL && !evtimer_pending(models->wake, NULL)) {
        (void)evtimer_add(models->wake, &now);
    }
}

bool aver_model_failed(const aver_model *model, uint64_t now_ns)
{
    return model->state == AVER_MODEL_FAILED &&
           (model->dead || now_ns - model->failed_ns < MODELS_RETRY_NS);
}

/* What the calls say about who waits. */
static void models_count(aver_models *models, uint64_t now_ns)
{
    for (size_t i = 0; i < models->count; i++) {
        aver_model *model = models->list[i];
        bool blocked = aver_model_failed(model, now_ns);

        if (model->state == AVER_MODEL_FAILED && !blocked && !model->gave_up) {
            model->state = AVER_MODEL_UNLOADED;
        }
        model->resident.blocked = model->state == AVER_MODEL_FAILED;
        model->resident.waiting = 0;
        model->resident.running = 0;
    }
    if (models->count > 0) {
        aver_calls_tally(models->list[0]->keeper);
    }
}

void aver_models_move(aver_models *models)
{
    uint64_t now_ns = aver_time_monotonic_ns();
    aver_residency_move move;

    do {
        size_t index = 0;

        move = aver_residency_next(&models->residency, now_ns, &index);
        if (move == AVER_RESIDENCY_LOAD) {
            aver_model_load(models->list[index]);
        } else if (move == AVER_RESIDENCY_EVICT) {
            aver_model_unload(models->list[index]);
        }
    } while (move != AVER_RESIDENCY_REST);
}

void aver_models_turn(aver_models *models)
{
    uint64_t now_ns = aver_time_monotonic_ns();

    for (size_t i = 0; i < models->count; i++) {
        if (models->list[i]->gave_up) {
            models->list[i]->gave_up = false;
            aver_model_release(models->list[i]);
        }
    }
    models_count(models, now_ns);
    aver_models_move(models);
    for (size_t i = 0; i < models->count; i++) {
        aver_model *model = models->list[i];

        if (model->resident.waiting > 0 && model->state == AVER_MODEL_READY &&
            !model->resident.closing) {
            aver_calls_submit_waiting(model);
        } else if (model->resident.waiting > 0 && model->state == AVER_MODEL_FAILED) {
            aver_calls_turn_away(model, model->failed_code, model->failed_message);
        }
    }
}

void aver_models_tick(aver_models *models)
{
    for (size_t i = 0; i < models->count; i++) {
        if (models->list[i]->engine != NULL) {
            aver_engine_link_watch(models->list[i]->engine, models->list[i]->jobs > 0);
        }
    }
    aver_models_turn(models);
}

aver_err aver_model_submit(aver_model *model, uint64_t job_id, const aver_job *job)
{
    model->resident.used_ns = aver_time_monotonic_ns();
    if (model->state != AVER_MODEL_READY || model->resident.closing) {
        aver_models_wake(&model->keeper->models);
        return AVER_E_AGAIN;
    }
    return aver_engine_link_submit(model->engine, job_id, job);
}

uint32_t aver_models_context_max(const aver_models *models)
{
    uint32_t most = 0;

    for (size_t i = 0; i < models->count; i++) {
        uint32_t tokens = models->list[i]->info.context_tokens;
        most = tokens > most ? tokens : most;
    }
    return most;
}

uint32_t aver_models_slots(const aver_models *models)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < models->count; i++) {
        sum += models->list[i]->info.slots;
    }
    return sum;
}

bool aver_models_ready(const aver_models *models)
{
    bool hindered = false;

    for (size_t i = 0; i < models->count; i++) {
        aver_model_state state = models->list[i]->state;

        if (state == AVER_MODEL_READY) {
            return true;
        }
        hindered = hindered || state != AVER_MODEL_UNLOADED;
    }
    return !hindered;
}

bool aver_models_alive(const aver_models *models)
{
    for (size_t i = 0; i < models->count; i++) {
        if (!models->list[i]->dead) {
            return true;
        }
    }
    return false;
}

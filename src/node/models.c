/* SPDX-License-Identifier: Apache-2.0 */
#include "node/models.h"

#include <stdlib.h>

aver_err aver_models_add(aver_models *models, struct aver_keeper *keeper, aver_model **ret_model)
{
    if (models->count == AVER_MODELS_MAX) {
        return AVER_E_LIMIT;
    }
    aver_model *model = calloc(1, sizeof(*model));
    if (model == NULL) {
        return AVER_E_NOMEM;
    }
    model->keeper = keeper;
    models->list[models->count++] = model;
    *ret_model = model;
    return AVER_OK;
}

void aver_models_deinit(aver_models *models)
{
    for (size_t i = 0; i < models->count; i++) {
        aver_model *model = models->list[i];

        aver_engine_link_free(model->engine);
        if (model->has_weights) {
            aver_weights_close(&model->weights);
        }
        free(model);
    }
    *models = (aver_models){.count = 0};
}

aver_model *aver_models_find(const aver_models *models, aver_view name)
{
    for (size_t i = 0; i < models->count; i++) {
        if (aver_view_equal_text(name, models->list[i]->name)) {
            return models->list[i];
        }
    }
    return NULL;
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
    for (size_t i = 0; i < models->count; i++) {
        if (aver_engine_link_state(models->list[i]->engine) != AVER_ENGINE_READY) {
            return false;
        }
    }
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "codec/text.h"
#include "node/keeper.h"
#include "node/model_load.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool start_safe_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_';
}

/* A name that needs no quoting anywhere: a run of other bytes becomes one '-', none at the end. */
static void start_safe_name(aver_view name, char ret_name[AVER_NAME_BYTES_MAX])
{
    size_t size = 0;

    for (size_t i = 0; i < name.size && size < AVER_NAME_BYTES_MAX - 1; i++) {
        if (start_safe_byte(name.data[i])) {
            ret_name[size++] = (char)name.data[i];
        } else if (size > 0 && ret_name[size - 1] != '-') {
            ret_name[size++] = '-';
        }
    }
    if (size > 0 && ret_name[size - 1] == '-') {
        size--;
    }
    ret_name[size] = '\0';
}

static void start_name(const aver_model *model, char ret_name[AVER_NAME_BYTES_MAX])
{
    const aver_node_options *options = model->keeper->options;
    const char *given = model->option->name != NULL ? model->option->name : options->model_name;
    const char *slash = strrchr(model->option->path, '/');
    aver_view file = aver_view_text(slash != NULL ? slash + 1 : model->option->path);
    aver_view name;

    if (given != NULL) {
        (void)snprintf(ret_name, AVER_NAME_BYTES_MAX, "%s", given);
        return;
    }
    if (aver_gguf_text(model->files[0]->weights.gguf, "general.name", &name) == AVER_OK) {
        start_safe_name(name, ret_name);
        if (ret_name[0] != '\0') {
            return;
        }
    }
    if (file.size > 5 && memcmp(file.data + file.size - 5, ".gguf", 5) == 0) {
        file.size -= 5;
    }
    start_safe_name(file, ret_name);
}

static aver_err start_add_name(aver_models *models, aver_model *model, const char *name)
{
    aver_model_name *entry = &models->names[models->names_count];

    if (aver_models_find(models, aver_view_text(name)) != NULL) {
        aver_log(AVER_LOG_ERROR, "model.name",
                 "two models of the name %s: give them others by name=", name);
        return AVER_E_USAGE;
    }
    (void)snprintf(entry->text, sizeof(entry->text), "%s", name);
    entry->model = model;
    models->names_count++;
    return AVER_OK;
}

/* Two names of one model share its engine; so they must want the same of it. */
static aver_err start_share(aver_models *models, const aver_model *model, aver_model *other,
                            const char *name)
{
    const aver_model_option *a = model->option;
    const aver_model_option *b = other->option;

    if (a->context_tokens != b->context_tokens || a->slots != b->slots) {
        aver_log(AVER_LOG_ERROR, "model.same",
                 "%s and %s are the same model: it cannot have two contexts or numbers of slots",
                 other->name, name);
        return AVER_E_USAGE;
    }
    aver_err err = start_add_name(models, other, name);
    if (err == AVER_OK) {
        aver_log(AVER_LOG_INFO, "model.open", "%s: another name of %s", name, other->name);
        return AVER_E_AGAIN;
    }
    return err;
}

aver_err aver_model_on_root(aver_model *model)
{
    aver_models *models = &model->keeper->models;
    char name[AVER_NAME_BYTES_MAX];
    char root[65];

    start_name(model, name);
    for (size_t i = 0; i < models->count; i++) {
        aver_model *other = models->list[i];

        if (other != model && memcmp(other->root, model->root, 32) == 0) {
            return start_share(models, model, other, name);
        }
    }
    aver_err err = start_add_name(models, model, name);
    if (err == AVER_OK) {
        (void)snprintf(model->name, sizeof(model->name), "%s", name);
        aver_hex_encode(AVER_VIEW_OF(model->root), root);
        aver_log(AVER_LOG_INFO, "model.open", "%s: root %s", model->name, root);
    }
    return err;
}

void aver_model_on_loaded(aver_model *model, aver_err err)
{
    aver_models *models = &model->keeper->models;

    if (models->starting == model && !models->started) {
        models->started = true;
        models->start_err = err;
        (void)event_base_loopbreak(model->keeper->base);
    }
}

static aver_err start_add_file(aver_models *models, aver_model *model, const char *path)
{
    aver_model_file *file;

    aver_err err = aver_model_files_add(&models->files, path, &file);
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "model.open", "%s: cannot open the model file: %s", path,
                 aver_err_text(err));
        return err;
    }
    model->resident.files[model->files_count] = &file->counted;
    model->files[model->files_count++] = file;
    model->resident.files_count = model->files_count;
    return AVER_OK;
}

static aver_err start_add(aver_models *models, aver_keeper *keeper, const aver_model_option *option,
                          aver_model **ret_model)
{
    aver_model *model = calloc(1, sizeof(*model));
    if (model == NULL) {
        return AVER_E_NOMEM;
    }
    model->keeper = keeper;
    model->option = option;
    model->state = AVER_MODEL_UNLOADED;
    models->residency.list[models->count] = &model->resident;
    models->list[models->count++] = model;
    models->residency.count = models->count;
    aver_err err = start_add_file(models, model, option->path);
    for (size_t i = 0; i < option->adapters_count && err == AVER_OK; i++) {
        err = start_add_file(models, model, option->adapters[i].path);
    }
    *ret_model = model;
    return err;
}

/* The last one, which turned out to be another name of a model that is there. */
static void start_drop(aver_models *models)
{
    models->count--;
    models->residency.count--;
    free(models->list[models->count]);
}

static aver_err start_check_memory(const aver_models *models, const aver_model *model)
{
    uint64_t budget_bytes = models->residency.budget_bytes;
    uint64_t bytes = aver_resident_bytes(&model->resident);

    if (budget_bytes != 0 && bytes > budget_bytes) {
        aver_log(AVER_LOG_ERROR, "model.memory",
                 "%s needs %" PRIu64 " MiB, --memory allows %" PRIu64 " MiB",
                 model->name[0] != '\0' ? model->name : model->option->path, (bytes >> 20) + 1,
                 budget_bytes >> 20);
        return AVER_E_USAGE;
    }
    return AVER_OK;
}

static aver_err start_load(aver_models *models, aver_model *model)
{
    models->starting = model;
    models->started = false;
    aver_err err = start_check_memory(models, model);
    if (err != AVER_OK) {
        return err;
    }
    /* As if it were asked for: so those before it make room. */
    model->resident.waiting = 1;
    aver_models_move(models);
    if (!models->started) {
        (void)event_base_dispatch(model->keeper->base);
    }
    model->resident.waiting = 0;
    models->starting = NULL;
    if (!models->started) {
        return AVER_E_ABSENT;
    }
    return models->start_err == AVER_OK ? start_check_memory(models, model) : models->start_err;
}

aver_err aver_models_start(aver_models *models, aver_keeper *keeper)
{
    const aver_node_options *options = keeper->options;
    aver_err err = AVER_OK;

    for (size_t i = 0; i < options->models_count && err == AVER_OK; i++) {
        aver_model *model = NULL;

        err = start_add(models, keeper, &options->models[i], &model);
        err = err == AVER_OK ? start_load(models, model) : err;
        if (err == AVER_E_AGAIN) {
            start_drop(models);
            err = AVER_OK;
        } else if (err == AVER_OK) {
            /* Later ones count as used later, all of them long ago. */
            model->resident.ready_ns = 0;
            model->resident.used_ns = i + 1;
            aver_models_move(models);
        }
    }
    return err;
}

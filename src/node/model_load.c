/* SPDX-License-Identifier: Apache-2.0 */
#include "node/model_load.h"

#include "base/log.h"
#include "base/sys.h"
#include "node/keeper.h"
#include "node/keeper_start.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void load_fail(aver_model *model, const char *code, const char *message)
{
    model->state = AVER_MODEL_FAILED;
    model->failed_code = code;
    model->failed_message = message;
    model->failed_ns = aver_time_monotonic_ns();
    model->resident.loaded = false;
    model->resident.ready = false;
    model->resident.closing = false;
}

static aver_err load_engine(aver_model *model)
{
    const aver_node_options *options = model->keeper->options;
    const aver_model_option *own = model->option;
    aver_engine_link_options link = {
        .base = model->keeper->base,
        .program = options->engine_program,
        .single_process = options->single_process,
        .engine = {.weights_fd = model->files[0]->weights.fd,
                   .profile = options->profile,
                   .slots = own->slots != 0 ? own->slots : options->slots,
                   .context_tokens =
                       own->context_tokens != 0 ? own->context_tokens : options->context_tokens,
                   .batch_tokens = options->batch_tokens,
                   .threads = options->threads,
                   .pin = options->pin,
                   .adapters_count = model->files_count - 1},
        .hooks = {.on_ready = aver_model_on_ready,
                  .on_events = aver_keeper_on_events,
                  .on_busy = aver_keeper_on_busy,
                  .on_down = aver_model_on_down,
                  .context = model},
    };

    for (size_t i = 0; i + 1 < model->files_count; i++) {
        link.engine.adapters[i] = (aver_engine_adapter){.fd = model->files[i + 1]->weights.fd,
                                                        .scale_ppm = own->adapters[i].scale_ppm};
    }
    aver_shared_files_give(&model->keeper->shared, &link.engine);
    if (model->engine != NULL) {
        aver_engine_link_reload(model->engine, &link.engine);
    } else {
        aver_err err = aver_engine_link_new(&link, &model->engine);
        if (err != AVER_OK) {
            return err;
        }
    }
    return aver_engine_link_start(model->engine);
}

/* Of the first time: what keyset and receipts will call it. */
static void load_root(aver_model *model)
{
    for (size_t i = 0; i + 1 < model->files_count; i++) {
        model->adapters[i].scale_ppm = model->option->adapters[i].scale_ppm;
        memcpy(model->adapters[i].root, model->files[i + 1]->root, 32);
    }
    aver_adapted_root(model->files[0]->root, model->adapters, model->files_count - 1, model->root);
}

static void load_files_failed(aver_model *model, aver_err err, const char *why)
{
    const char *path = model->files[0]->path;

    if (err == AVER_E_PROOF) {
        aver_log(AVER_LOG_ERROR, "model.changed",
                 "%s: %s: its root is not the one in the keyset; it is not served", model->name,
                 why);
        load_fail(model, "model_changed",
                  "The file of this model is no longer the one that this node promised.");
    } else {
        aver_log(AVER_LOG_ERROR, "model.open", "%s: %s", path,
                 why[0] != '\0' ? why : aver_err_text(err));
        load_fail(model, "model_unavailable", "The files of this model cannot be read now.");
    }
    aver_models_wake(&model->keeper->models);
    aver_model_on_loaded(model, err);
}

static void load_files_done(aver_err err, const char *why, void *context)
{
    aver_model *model = context;

    for (size_t i = 0; i < model->files_count; i++) {
        model->resident.files[i] = &model->files[i]->counted;
    }
    if (err != AVER_OK) {
        load_files_failed(model, err, why);
        return;
    }
    if (!model->known) {
        load_root(model);
        err = aver_model_on_root(model);
        if (err != AVER_OK) {
            aver_model_release(model);
            model->state = AVER_MODEL_UNLOADED;
            aver_model_on_loaded(model, err);
            return;
        }
    }
    err = load_engine(model);
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "model.engine", "%s: no engine: %s", model->name,
                 aver_err_text(err));
        aver_model_release(model);
        load_fail(model, "engine_failed", "There is no engine for this model now.");
        aver_models_wake(&model->keeper->models);
        aver_model_on_loaded(model, err);
    }
}

void aver_model_load(aver_model *model)
{
    model->state = AVER_MODEL_LOADING;
    model->resident.loaded = true;
    model->resident.closing = false;
    aver_err err = aver_model_files_want(&model->keeper->models.files, model->files,
                                         model->files_count, load_files_done, model);
    if (err != AVER_OK) {
        load_files_failed(model, err, "");
    }
}

void aver_model_release(aver_model *model)
{
    if (model->engine != NULL) {
        aver_engine_link_stop(model->engine);
    }
    aver_model_files_leave(model->files, model->files_count);
    model->resident.loaded = false;
    model->resident.ready = false;
    model->resident.closing = false;
}

void aver_model_unload(aver_model *model)
{
    aver_model_release(model);
    model->state = AVER_MODEL_UNLOADED;
    model->evictions++;
    aver_log(AVER_LOG_INFO, "model.unload", "%s: out of memory until it is asked for", model->name);
}

/* Settings that show in keyset and receipts must be those of the first engine, bit for bit. */
static bool load_same_engine(const aver_engine_info *a, const aver_engine_info *b)
{
    return strcmp(a->executor, b->executor) == 0 && a->vocabulary_size == b->vocabulary_size &&
           a->context_tokens == b->context_tokens && a->slots == b->slots &&
           a->profile == b->profile && strcmp(a->kv_type, b->kv_type) == 0 &&
           a->has_shared == b->has_shared && memcmp(a->shared_digest, b->shared_digest, 32) == 0 &&
           a->embeds == b->embeds && a->vector_size == b->vector_size &&
           memcmp(a->numeric_class, b->numeric_class, 32) == 0 &&
           memcmp(a->template_digest, b->template_digest, 32) == 0;
}

static aver_err load_first_engine(aver_model *model, const aver_engine_info *info)
{
    aver_keeper *keeper = model->keeper;

    if (info->profile != keeper->options->profile) {
        aver_log(AVER_LOG_ERROR, "engine.profile",
                 "%s: this model cannot run in the verified profile: its weights are of other "
                 "types than Q8_0, Q4_0 or Q2_K to Q6_K. Use --profile fast (its answers cannot be "
                 "re-checked) or another model",
                 model->name);
        return AVER_E_USAGE;
    }
    model->info = *info;
    model->known = true;
    (void)snprintf(model->fingerprint, sizeof(model->fingerprint), "aver-%02x%02x%02x%02x%02x%02x",
                   info->numeric_class[0], info->numeric_class[1], info->numeric_class[2],
                   info->numeric_class[3], info->numeric_class[4], info->numeric_class[5]);
    return AVER_OK;
}

aver_err aver_model_on_ready(const aver_engine_info *info, void *context)
{
    aver_model *model = context;
    aver_keeper *keeper = model->keeper;
    aver_err err = AVER_OK;

    if (!model->known) {
        err = load_first_engine(model, info);
    } else if (!load_same_engine(&model->info, info)) {
        aver_log(AVER_LOG_ERROR, "engine.changed",
                 "%s: the new engine computes other numbers than the keyset promises: this model "
                 "cannot go on",
                 model->name);
        err = AVER_E_PROOF;
    }
    if (err != AVER_OK) {
        model->refused = err == AVER_E_USAGE;
        return err;
    }
    if (model->fell) {
        model->fell = false;
        keeper->metrics.engine_restarts++;
    }
    if (model->resident.own_bytes < info->memory_bytes) {
        model->resident.own_bytes = info->memory_bytes;
    }
    model->state = AVER_MODEL_READY;
    model->loads++;
    model->resident.ready = true;
    model->resident.ready_ns = aver_time_monotonic_ns();
    model->resident.used_ns = model->resident.ready_ns;
    aver_models_wake(&keeper->models);
    aver_model_on_loaded(model, AVER_OK);
    return AVER_OK;
}

void aver_model_on_down(bool final, void *context)
{
    aver_model *model = context;
    aver_keeper *keeper = model->keeper;
    bool came_up = model->state == AVER_MODEL_READY;

    aver_calls_engine_down(model, final);
    model->resident.ready = false;
    model->fell = true;
    model->dead = final;
    if (final || (!came_up && keeper->options->memory_bytes != 0)) {
        /* Its memory is for others, until it is asked for again. */
        load_fail(model, "engine_failed", "There is no engine for this model now.");
        model->gave_up = true;
    } else {
        model->state = AVER_MODEL_LOADING;
    }
    aver_models_wake(&keeper->models);
    if (final) {
        aver_model_on_loaded(model, model->refused ? AVER_E_USAGE : AVER_E_PEER);
        aver_keeper_on_dead(keeper);
    }
}

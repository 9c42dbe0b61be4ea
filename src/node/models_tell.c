/* SPDX-License-Identifier: Apache-2.0 */
#include "node/models_tell.h"

#include "codec/json.h"
#include "codec/text.h"

#include <inttypes.h>

static void tell_adapters(const aver_model *model, aver_buf *out)
{
    aver_buf_append_text(out, ",\"lora\":[");
    for (size_t i = 0; i + 1 < model->files_count; i++) {
        const aver_adapter_root *adapter = &model->adapters[i];

        aver_buf_append_text(out, i > 0 ? ",{\"root\":\"" : "{\"root\":\"");
        aver_hex_append(out, AVER_VIEW_OF(adapter->root));
        aver_buf_append_format(out, "\",\"scale\":%" PRIu32 ".%06" PRIu32 "}",
                               adapter->scale_ppm / 1000000, adapter->scale_ppm % 1000000);
    }
    aver_buf_append_byte(out, ']');
}

static void tell_model(const aver_model_name *name, uint64_t created_s, aver_buf *out)
{
    const aver_model *model = name->model;

    aver_buf_append_text(out, "{\"id\":");
    aver_json_append_string(out, aver_view_text(name->text));
    aver_buf_append_format(
        out, ",\"object\":\"model\",\"created\":%" PRIu64 ",\"owned_by\":\"aver\"", created_s);
    aver_buf_append_text(out, ",\"aver\":{\"root\":\"");
    aver_hex_append(out, AVER_VIEW_OF(model->root));
    aver_buf_append_format(
        out, "\",\"profile\":\"%s\",\"context\":%" PRIu32 ",\"kind\":\"%s\",\"state\":\"%s\"",
        model->info.profile == AVER_PROFILE_VERIFIED ? "verified" : "fast",
        model->info.context_tokens, model->info.embeds ? "embed" : "generate",
        aver_model_state_text(model->state));
    tell_adapters(model, out);
    aver_buf_append_text(out, "}}");
}

void aver_models_put_list(const aver_models *models, uint64_t created_s, aver_buf *out)
{
    aver_buf_append_text(out, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < models->names_count; i++) {
        aver_buf_append_text(out, i > 0 ? "," : "");
        tell_model(&models->names[i], created_s, out);
    }
    aver_buf_append_text(out, "]}\n");
}

bool aver_models_put_one(const aver_models *models, aver_view name, uint64_t created_s,
                         aver_buf *out)
{
    for (size_t i = 0; i < models->names_count; i++) {
        if (aver_view_equal_text(name, models->names[i].text)) {
            tell_model(&models->names[i], created_s, out);
            aver_buf_append_byte(out, '\n');
            return true;
        }
    }
    return false;
}

uint32_t aver_models_loaded(const aver_models *models)
{
    uint32_t count = 0;

    for (size_t i = 0; i < models->count; i++) {
        count += models->list[i]->state == AVER_MODEL_READY ? 1 : 0;
    }
    return count;
}

/* Prometheus escapes backslash, quote and line feed in the value of a label. */
static void tell_label(const aver_model *model, aver_buf *out)
{
    for (const char *at = model->name; *at != '\0'; at++) {
        if (*at == '\\' || *at == '"') {
            aver_buf_append_byte(out, '\\');
        }
        if (*at == '\n') {
            aver_buf_append_text(out, "\\n");
        } else {
            aver_buf_append_byte(out, (uint8_t)*at);
        }
    }
}

typedef uint64_t tell_fn(const aver_model *model);

static uint64_t tell_ready(const aver_model *model)
{
    return model->state == AVER_MODEL_READY ? 1 : 0;
}

static uint64_t tell_loads(const aver_model *model)
{
    return model->loads;
}

static uint64_t tell_evictions(const aver_model *model)
{
    return model->evictions;
}

static uint64_t tell_jobs(const aver_model *model)
{
    return model->jobs;
}

static uint64_t tell_bytes(const aver_model *model)
{
    return aver_resident_bytes(&model->resident);
}

static void tell_metric(const aver_models *models, const char *name, const char *type,
                        const char *help, tell_fn *value, aver_buf *out)
{
    aver_buf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
    for (size_t i = 0; i < models->count; i++) {
        aver_buf_append_format(out, "%s{model=\"", name);
        tell_label(models->list[i], out);
        aver_buf_append_format(out, "\"} %" PRIu64 "\n", value(models->list[i]));
    }
}

static void tell_total(const char *name, const char *help, uint64_t value, aver_buf *out)
{
    aver_buf_append_format(out, "# HELP %s %s\n# TYPE %s gauge\n%s %" PRIu64 "\n", name, help, name,
                           name, value);
}

void aver_models_put_metrics(const aver_models *models, aver_buf *out)
{
    tell_metric(models, "aver_model_ready", "gauge", "1 if the model is loaded and answers.",
                tell_ready, out);
    tell_metric(models, "aver_model_loads_total", "counter", "Engines of the model that came up.",
                tell_loads, out);
    tell_metric(models, "aver_model_evictions_total", "counter",
                "Times that the model was unloaded to make room.", tell_evictions, out);
    tell_metric(models, "aver_model_jobs", "gauge", "Requests for the model, waiting or running.",
                tell_jobs, out);
    tell_metric(models, "aver_model_memory_bytes", "gauge",
                "Weights, adapters and engine of the model while it is loaded.", tell_bytes, out);
    tell_total("aver_models_memory_bytes", "The same of all that are loaded, shared files once.",
               aver_residency_bytes(&models->residency), out);
    tell_total("aver_models_memory_max_bytes", "What --memory allows; 0: no limit.",
               models->residency.budget_bytes, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "receipt/show.h"

#include "base/sys.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/hash.h"

#include <stdio.h>

/* Lines of "name: value", or members of one JSON object. */
typedef struct show_state {
    aver_buf *out;
    bool json;
    bool first;
} show_state;

static void show_open(show_state *show, aver_buf *out, bool json)
{
    show->out = out;
    show->json = json;
    show->first = true;
    aver_buf_append_text(out, json ? "{" : "");
}

static void show_close(show_state *show)
{
    aver_buf_append_text(show->out, show->json ? "}" : "");
}

static void show_name(show_state *show, const char *name)
{
    if (show->json) {
        aver_buf_append_format(show->out, "%s\"%s\":", show->first ? "" : ",", name);
    } else {
        aver_buf_append_format(show->out, "%-20s ", name);
    }
    show->first = false;
}

static void show_end(show_state *show)
{
    aver_buf_append_text(show->out, show->json ? "" : "\n");
}

static void show_text(show_state *show, const char *name, const char *text)
{
    show_name(show, name);
    if (show->json) {
        aver_json_append_string(show->out, aver_view_text(text));
    } else {
        aver_buf_append_text(show->out, text);
    }
    show_end(show);
}

static void show_hex(show_state *show, const char *name, aver_view bytes)
{
    show_name(show, name);
    aver_buf_append_text(show->out, show->json ? "\"" : "");
    aver_hex_append(show->out, bytes);
    aver_buf_append_text(show->out, show->json ? "\"" : "");
    show_end(show);
}

static void show_number(show_state *show, const char *name, uint64_t value)
{
    show_name(show, name);
    aver_buf_append_format(show->out, "%llu", (unsigned long long)value);
    show_end(show);
}

static void show_bool(show_state *show, const char *name, bool value)
{
    show_name(show, name);
    aver_buf_append_text(show->out,
                         show->json ? (value ? "true" : "false") : (value ? "yes" : "no"));
    show_end(show);
}

static void show_time(show_state *show, const char *name, uint64_t time_ms)
{
    char text[21];
    aver_time_format(time_ms, text);
    if (show->json) {
        show_number(show, name, time_ms);
    } else {
        show_text(show, name, text);
    }
}

/* The word for a number of an enum that starts at 1; words ends with NULL. */
static const char *show_word(const char *const *words, unsigned value)
{
    for (unsigned i = 1; *words; i++, words++) {
        if (i == value) {
            return *words;
        }
    }
    return "unknown";
}

static const char *const show_channels[] = {"sealed", "tls", NULL};
static const char *const show_sources[] = {"hardware", "checkpoint", "host", NULL};
static const char *const show_isolations[] = {"shared", "caller", "request", NULL};
static const char *const show_processes[] = {"split", "single", NULL};
static const char *const show_profiles[] = {"verified", "fast", NULL};
static const char *const show_roles[] = {"receipt", "statement", "wallet", "seal",
                                         "tls",     "vrf",       NULL};

static void show_identity(show_state *show, const aver_receipt *receipt)
{
    show_text(show, "platform", receipt->platform);
    show_hex(show, "node_id", AVER_VIEW_OF(receipt->node_id));
    show_hex(show, "incarnation", AVER_VIEW_OF(receipt->incarnation));
    show_hex(show, "keyset_digest", AVER_VIEW_OF(receipt->keyset_digest));
    show_hex(show, "evidence_digest", AVER_VIEW_OF(receipt->evidence_digest));
    show_hex(show, "model_root", AVER_VIEW_OF(receipt->model_root));
    show_hex(show, "config_digest", AVER_VIEW_OF(receipt->config_digest));
}

static void show_exchange(show_state *show, const aver_receipt *receipt)
{
    char seed[24];
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)receipt->seed);
    show_hex(show, "receipt_id", AVER_VIEW_OF(receipt->receipt_id));
    show_text(show, "seed", seed);
    show_text(show, "channel", show_word(show_channels, (unsigned)receipt->channel));
    if (receipt->has_enc_digest) {
        show_hex(show, "enc_digest", AVER_VIEW_OF(receipt->enc_digest));
    }
    show_text(show, "method", receipt->method);
    show_text(show, "path", receipt->path);
    show_number(show, "status", receipt->status);
    show_hex(show, "request_commitment", AVER_VIEW_OF(receipt->request_commitment));
    show_hex(show, "response_commitment", AVER_VIEW_OF(receipt->response_commitment));
    show_hex(show, "tokens_commitment", AVER_VIEW_OF(receipt->tokens_commitment));
    if (receipt->has_stream) {
        show_number(show, "stream_size", receipt->stream_size);
        show_hex(show, "stream_root", AVER_VIEW_OF(receipt->stream_root));
    }
    show_text(show, "finish", aver_finish_text(receipt->finish));
    if (receipt->has_client_nonce) {
        show_hex(show, "client_nonce", AVER_VIEW_OF(receipt->client_nonce));
    }
    if (receipt->has_job_id) {
        show_hex(show, "job_id", AVER_VIEW_OF(receipt->job_id));
    }
}

static void show_engine(show_state *show, const aver_receipt *receipt)
{
    show_text(show, "executor", receipt->executor);
    show_text(show, "profile", show_word(show_profiles, (unsigned)receipt->profile));
    show_hex(show, "numeric_class", AVER_VIEW_OF(receipt->numeric_class));
    if (receipt->has_step_digest) {
        show_hex(show, "step_digest", AVER_VIEW_OF(receipt->step_digest));
    }
    show_number(show, "prompt_tokens", receipt->prompt_tokens);
    show_number(show, "generated_tokens", receipt->generated_tokens);
}

void aver_receipt_show(const aver_receipt *receipt, bool json, aver_buf *out)
{
    show_state show;
    show_open(&show, out, json);
    show_identity(&show, receipt);
    show_exchange(&show, receipt);
    show_number(&show, "duration_us", receipt->duration_us);
    show_time(&show, json ? "issued_at_ms" : "issued_at", receipt->issued_at_ms);
    show_text(&show, "time_source", show_word(show_sources, (unsigned)receipt->time_source));
    show_text(&show, "isolation", show_word(show_isolations, (unsigned)receipt->isolation));
    show_text(&show, "process_model", show_word(show_processes, (unsigned)receipt->process_model));
    show_number(&show, "engine_incarnation", receipt->engine_incarnation);
    show_engine(&show, receipt);
    show_close(&show);
}

static void show_model(show_state *show, const aver_keyset_model *model)
{
    const char *profile = show_word(show_profiles, model->profile);
    if (show->json) {
        aver_buf_append_text(show->out, "{\"name\":");
        aver_json_append_string(show->out, aver_view_text(model->name));
        aver_buf_append_text(show->out, ",\"root\":\"");
        aver_hex_append(show->out, AVER_VIEW_OF(model->root));
        aver_buf_append_text(show->out, "\",\"numeric_class\":\"");
        aver_hex_append(show->out, AVER_VIEW_OF(model->numeric_class));
        aver_buf_append_format(show->out, "\",\"profile\":\"%s\"}", profile);
        return;
    }
    show_name(show, "model");
    aver_buf_append_format(show->out, "%s, profile %s", model->name, profile);
    show_end(show);
    show_hex(show, "model_root", AVER_VIEW_OF(model->root));
    show_hex(show, "numeric_class", AVER_VIEW_OF(model->numeric_class));
}

static void show_keys(show_state *show, const aver_keyset *keyset)
{
    for (unsigned role = 1; role <= AVER_ROLE_MAX; role++) {
        if (keyset->keys[role].present) {
            char name[24];
            (void)snprintf(name, sizeof name, "key_%s", show_word(show_roles, role));
            show_hex(show, name, aver_view_make(keyset->keys[role].bytes, keyset->keys[role].size));
        }
    }
}

static void show_keyset(show_state *show, const aver_keyset *keyset)
{
    show_hex(show, "node_id", AVER_VIEW_OF(keyset->node_id));
    show_hex(show, "incarnation", AVER_VIEW_OF(keyset->incarnation));
    show_text(show, "software", keyset->software);
    show_hex(show, "program_digest", AVER_VIEW_OF(keyset->program_digest));
    show_hex(show, "config_digest", AVER_VIEW_OF(keyset->config_digest));
    show_keys(show, keyset);
    if (show->json) {
        show_name(show, "models");
        aver_buf_append_text(show->out, "[");
    }
    for (size_t i = 0; i < keyset->models_count; i++) {
        aver_buf_append_text(show->out, show->json && i ? "," : "");
        show_model(show, &keyset->models[i]);
    }
    aver_buf_append_text(show->out, show->json ? "]" : "");
}

void aver_bundle_show(const aver_bundle *bundle, const aver_keyset *keyset, bool json,
                      aver_buf *out)
{
    show_state show;
    uint8_t digest[32];
    show_open(&show, out, json);
    show_text(&show, "platform", bundle->platform);
    aver_evidence_digest(bundle->evidence, digest);
    show_hex(&show, "evidence_digest", AVER_VIEW_OF(digest));
    show_number(&show, "evidence_bytes", bundle->evidence.size);
    show_number(&show, "collateral", bundle->collateral_count);
    show_hex(&show, "nonce_root", AVER_VIEW_OF(bundle->nonce_root));
    if (bundle->has_nonce_path) {
        show_number(&show, "nonce_count", bundle->nonce_count);
        show_number(&show, "nonce_index", bundle->nonce_index);
    }
    show_bool(&show, "gpu_evidence", bundle->gpu_evidence.size > 0);
    show_bool(&show, "event_log", bundle->event_log.size > 0);
    show_bool(&show, "config", bundle->config.size > 0);
    aver_keyset_digest(bundle->keyset_bytes, digest);
    show_hex(&show, "keyset_digest", AVER_VIEW_OF(digest));
    if (keyset) {
        show_keyset(&show, keyset);
    }
    show_close(&show);
}

void aver_claims_show(const aver_claims *claims, bool json, aver_buf *out)
{
    show_state show;
    show_open(&show, out, json);
    show_bool(&show, "simulated", claims->simulated);
    show_bool(&show, "debug", claims->debug);
    if (claims->has_time) {
        show_time(&show, json ? "time_ms" : "time", claims->time_ms);
    }
    show_number(&show, "tcb", claims->tcb);
    for (size_t i = 0; i < claims->measurements_count; i++) {
        const aver_measurement *measurement = &claims->measurements[i];
        show_hex(&show, measurement->kind, aver_view_make(measurement->bytes, measurement->size));
    }
    show_hex(&show, "machine_id", aver_view_make(claims->machine_id, claims->machine_id_size));
    show_hex(&show, "report_data", AVER_VIEW_OF(claims->report_data));
    show_close(&show);
}

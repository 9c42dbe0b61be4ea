/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api.h"

#include "base/log.h"
#include "base/sys.h"
#include "codec/json.h"
#include "codec/text.h"
#include "node/inbound.h"
#include "node/keeper.h"
#include "node/models_tell.h"
#include "node/reply.h"
#include "node/request.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define API_BODY_BYTES_MAX            (4u * 1024 * 1024)
#define API_RECEIPT_REQUEST_BYTES_MAX 1024
#define API_CMW_MEDIA_TYPE            "application/cmw+json"
#define API_NODE_PREFIX               "/n/"
#define API_MODEL_PREFIX              "/v1/models/"

typedef void api_fn(aver_keeper *keeper, aver_exchange *exchange, const char *path);

typedef struct api_route {
    const char *method;
    const char *path;
    api_fn *handle;
} api_route;

/* Sends a body that was appended to out, or 503 if it could not be made; out is released. */
static void api_send(aver_keeper *keeper, aver_exchange *exchange, uint32_t status,
                     const char *content_type, aver_buf *out)
{
    if (aver_buf_status(out) == AVER_OK) {
        aver_reply_send(keeper, &(aver_reply){.exchange = exchange,
                                              .status = status,
                                              .content_type = content_type,
                                              .body = aver_buf_view(out)});
    } else {
        aver_reply_error(keeper, exchange, NULL, 503, "overloaded", NULL,
                         "There is no memory for this answer.");
    }
    aver_buf_deinit(out);
}

static void api_health(aver_keeper *keeper, aver_exchange *exchange, const char *path)
{
    bool ready = aver_models_ready(&keeper->models);
    bool draining = keeper->phase == AVER_KEEPER_DRAINING;
    aver_buf out;

    (void)path;
    aver_buf_init(&out, 256);
    aver_buf_append_format(&out, "{\"status\":\"%s\",\"models\":%zu,\"loaded\":%" PRIu32 "}\n",
                           draining ? "draining" : (ready ? "ok" : "loading"), keeper->models.count,
                           aver_models_loaded(&keeper->models));
    api_send(keeper, exchange, ready && !draining ? 200 : 503, "application/json", &out);
}

static void api_metrics(aver_keeper *keeper, aver_exchange *exchange, const char *path)
{
    aver_metrics_gauges gauges = {
        .exchanges = aver_server_exchanges(keeper->server),
        .connections = aver_server_connections(keeper->server),
        .jobs = keeper->calls.count,
        .slots = aver_models_slots(&keeper->models),
        .quotes = aver_evidence_quotes(keeper->evidence),
        .receipts_kept = aver_vault_count(keeper->vault),
        .seals_seen = aver_replay_count(keeper->replay),
        .ready = aver_models_ready(&keeper->models),
        .draining = keeper->phase == AVER_KEEPER_DRAINING,
    };
    aver_buf out;

    (void)path;
    aver_buf_init(&out, API_BODY_BYTES_MAX);
    aver_metrics_write(&keeper->metrics, &gauges, &out);
    aver_models_put_metrics(&keeper->models, &out);
    api_send(keeper, exchange, 200, "text/plain; version=0.0.4", &out);
}

static void api_models(aver_keeper *keeper, aver_exchange *exchange, const char *path)
{
    aver_buf out;

    (void)path;
    aver_buf_init(&out, API_BODY_BYTES_MAX);
    aver_models_put_list(&keeper->models, keeper->started_s, &out);
    api_send(keeper, exchange, 200, "application/json", &out);
}

static void api_model(aver_keeper *keeper, aver_exchange *exchange, const char *path)
{
    aver_buf out;

    aver_buf_init(&out, API_BODY_BYTES_MAX);
    if (aver_models_put_one(&keeper->models, aver_view_text(path + sizeof(API_MODEL_PREFIX) - 1),
                            keeper->started_s, &out)) {
        api_send(keeper, exchange, 200, "application/json", &out);
    } else {
        aver_reply_error(keeper, exchange, NULL, 404, "model_not_found", "model",
                         "There is no model of this name.");
        aver_buf_deinit(&out);
    }
}

static void api_keys(aver_keeper *keeper, aver_exchange *exchange, const char *path)
{
    aver_buf out;

    (void)path;
    aver_buf_init(&out, 256);
    aver_seal_key_config(aver_hpke_key_public(keeper->keyring->seal_key), &out);
    aver_exchange_set_header(exchange, "Cache-Control", "no-cache");
    api_send(keeper, exchange, 200, "application/ohttp-keys", &out);
}

static void api_send_bundle(aver_keeper *keeper, aver_exchange *exchange, aver_view bundle)
{
    const char *accept = aver_exchange_header(exchange, "Accept");
    bool bare = accept != NULL && strstr(accept, AVER_BUNDLE_MEDIA_TYPE) != NULL;
    aver_err err = AVER_OK;
    aver_buf out;

    aver_buf_init(&out, API_BODY_BYTES_MAX);
    if (bare) {
        aver_buf_append(&out, bundle);
    } else {
        err = aver_cmw_wrap_json(bundle, &out);
    }
    aver_exchange_set_header(exchange, "Cache-Control", "no-store");
    if (err != AVER_OK) {
        out.failure = err;
    }
    api_send(keeper, exchange, 200, bare ? AVER_BUNDLE_MEDIA_TYPE : API_CMW_MEDIA_TYPE, &out);
}

/* The server forgets the exchange's context once it is answered; until then the keeper is found by
 * it. */
typedef struct api_waiter {
    aver_keeper *keeper;
    aver_exchange *exchange;
} api_waiter;

static void api_attestation_gone(aver_exchange *exchange, void *context)
{
    api_waiter *waiter = context;

    aver_evidence_forget(waiter->keeper->evidence, waiter);
    aver_exchange_release(exchange);
    free(waiter);
}

static void api_attestation_made(aver_err err, aver_view bundle, void *context)
{
    api_waiter *waiter = context;

    if (err == AVER_OK) {
        api_send_bundle(waiter->keeper, waiter->exchange, bundle);
    } else {
        aver_reply_error(waiter->keeper, waiter->exchange, NULL, 503, "no_evidence", NULL,
                         "The platform gave no evidence now.");
    }
    free(waiter);
}

static void api_attestation_ask(aver_keeper *keeper, aver_exchange *exchange,
                                const uint8_t nonce[static AVER_NONCE_BYTES])
{
    api_waiter *waiter = malloc(sizeof(*waiter));
    aver_err err = AVER_E_NOMEM;

    if (waiter != NULL) {
        *waiter = (api_waiter){.keeper = keeper, .exchange = exchange};
        err = aver_evidence_ask(keeper->evidence, nonce, api_attestation_made, waiter);
    }
    if (err == AVER_OK) {
        aver_exchange_on_gone(exchange, api_attestation_gone, waiter);
        return;
    }
    free(waiter);
    aver_reply_error(keeper, exchange, NULL, 503, "overloaded", NULL,
                     "Too many wait for evidence; try again.");
}

static void api_attestation(aver_keeper *keeper, aver_exchange *exchange, const char *path)
{
    static const char name[] = "nonce=";
    const char *query = aver_exchange_query(exchange);
    uint8_t nonce[AVER_NONCE_BYTES];

    (void)path;
    if (query[0] == '\0') {
        api_send_bundle(keeper, exchange, aver_evidence_bundle(keeper->evidence));
    } else if (strncmp(query, name, sizeof(name) - 1) == 0 &&
               aver_hex_decode(aver_view_text(query + sizeof(name) - 1), nonce, sizeof(nonce)) ==
                   AVER_OK) {
        api_attestation_ask(keeper, exchange, nonce);
    } else {
        aver_reply_error(keeper, exchange, NULL, 400, "invalid_value", "nonce",
                         "The query must be nonce= and 64 hex digits.");
    }
}

static aver_err api_receipt_id(aver_view body, uint8_t ret_id[static 32])
{
    json_t *json;

    aver_err err = aver_json_parse(body, API_RECEIPT_REQUEST_BYTES_MAX, &json, NULL);
    if (err != AVER_OK) {
        return err;
    }
    const json_t *id = json_object_get(json, "id");
    err = AVER_E_FORMAT;
    if (json_object_size(json) == 1 && json_is_string(id)) {
        err = aver_hex_decode(aver_view_make(json_string_value(id), json_string_length(id)), ret_id,
                              32);
    }
    json_decref(json);
    return err;
}

static void api_receipt_send(aver_keeper *keeper, const aver_inbound *inbound, aver_view receipt,
                             aver_view tokens)
{
    aver_buf out;

    aver_buf_init(&out, API_BODY_BYTES_MAX);
    aver_buf_append_text(&out, "{\"receipt\":\"");
    aver_base64url_append(&out, receipt);
    aver_buf_append_text(&out, "\",\"tokens\":\"");
    aver_base64url_append(&out, tokens);
    aver_buf_append_text(&out, "\"}\n");
    aver_reply_send(keeper, &(aver_reply){.exchange = inbound->exchange,
                                          .seal = inbound->seal,
                                          .status = 200,
                                          .content_type = "application/json",
                                          .body = aver_buf_view(&out)});
    aver_buf_wipe(&out);
    aver_buf_deinit(&out);
}

static void api_receipts(aver_keeper *keeper, aver_exchange *exchange, const char *path)
{
    aver_view receipt, tokens;
    aver_inbound inbound;
    uint8_t id[32];

    (void)path;
    if (!aver_inbound_open(keeper, exchange, &inbound)) {
        return;
    }
    if (api_receipt_id(inbound.body, id) != AVER_OK) {
        aver_reply_error(keeper, exchange, inbound.seal, 400, "invalid_value", "id",
                         "The body must be {\"id\": 64 hex digits}.");
    } else if (aver_vault_get(keeper->vault, id, aver_time_monotonic_ns() / 1000000, &receipt,
                              &tokens) != AVER_OK) {
        aver_reply_error(keeper, exchange, inbound.seal, 404, "no_receipt", "id",
                         "There is no receipt of this id, or no more.");
    } else {
        api_receipt_send(keeper, &inbound, receipt, tokens);
    }
    aver_inbound_deinit(&inbound);
}

static void api_answer(aver_keeper *keeper, aver_exchange *exchange, const char *path)
{
    aver_endpoint endpoint;

    if (aver_endpoint_find(path, &endpoint)) {
        aver_request_handle(keeper, exchange, endpoint, path);
    }
}

static const api_route api_routes[] = {
    {"POST", "/v1/chat/completions", api_answer},
    {"POST", "/v1/completions", api_answer},
    {"POST", "/v1/responses", api_answer},
    {"POST", "/v1/embeddings", api_answer},
    {"POST", "/tokenize", api_answer},
    {"POST", "/detokenize", api_answer},
    {"POST", "/apply-template", api_answer},
    {"POST", "/v1/receipts", api_receipts},
    {"GET", "/v1/attestation", api_attestation},
    {"GET", "/v1/models", api_models},
    {"GET", API_MODEL_PREFIX, api_model},
    {"GET", "/.well-known/hpke-keys", api_keys},
    {"GET", "/health", api_health},
    {"GET", "/metrics", api_metrics},
};

/* A route that ends with a slash takes whatever stands behind it. */
static bool api_matches(const api_route *route, const char *path)
{
    size_t size = strlen(route->path);
    bool open = route->path[size - 1] == '/';
    return open ? strncmp(path, route->path, size) == 0 && path[size] != '\0'
                : strcmp(path, route->path) == 0;
}

/* Takes "/n/<node id>" off the path. NULL if it names another node. */
static const char *api_strip(const aver_keeper *keeper, const char *path)
{
    const size_t prefix = sizeof(API_NODE_PREFIX) - 1;
    uint8_t id[32];

    if (strncmp(path, API_NODE_PREFIX, prefix) != 0) {
        return path;
    }
    const char *rest = strchr(path + prefix, '/');
    size_t size = rest != NULL ? (size_t)(rest - path) - prefix : strlen(path + prefix);
    if (rest == NULL ||
        aver_hex_decode(aver_view_make(path + prefix, size), id, sizeof(id)) != AVER_OK ||
        memcmp(id, keeper->keyring->node_id, sizeof(id)) != 0) {
        return NULL;
    }
    return rest;
}

void aver_api_handle(aver_exchange *exchange, void *context)
{
    aver_keeper *keeper = context;
    const char *path = api_strip(keeper, aver_exchange_path(exchange));
    const char *method = aver_exchange_method(exchange);

    if (path == NULL) {
        aver_reply_error(keeper, exchange, NULL, 404, "wrong_node", NULL, "This is another node.");
        return;
    }
    for (size_t i = 0; i < sizeof(api_routes) / sizeof(api_routes[0]); i++) {
        const api_route *route = &api_routes[i];

        if (!api_matches(route, path)) {
            continue;
        }
        if (strcmp(route->method, method) == 0) {
            route->handle(keeper, exchange, path);
        } else {
            aver_exchange_set_header(exchange, "Allow", route->method);
            aver_reply_error(keeper, exchange, NULL, 405, "wrong_method", NULL,
                             "Use the method in Allow.");
        }
        return;
    }
    aver_reply_error(keeper, exchange, NULL, 404, "no_such_path", NULL,
                     "There is nothing at this path.");
}

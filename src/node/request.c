/* SPDX-License-Identifier: Apache-2.0 */
#include "node/request.h"

#include "base/log.h"
#include "base/secret.h"
#include "base/sys.h"
#include "crypto/hash.h"
#include "node/bodies.h"
#include "node/call.h"
#include "node/inbound.h"
#include "node/keeper.h"
#include "node/reply.h"

#include <string.h>

/* Why a well-formed request is refused. */
typedef struct request_refusal {
    uint32_t status;
    const char *code;
    const char *param;
    const char *message;
} request_refusal;

/* Cheap reasons to say no come before anything is opened or parsed. */
static bool request_room(aver_keeper *keeper, aver_exchange *exchange, const uint8_t *caller)
{
    if (keeper->phase == AVER_KEEPER_DRAINING) {
        aver_reply_error(keeper, exchange, NULL, 503, "draining", NULL,
                         "The node is going out of service.");
        return false;
    }
    switch (aver_shares_ask(&keeper->calls.shares, caller)) {
    case AVER_SHARES_PLACE:
        return true;
    case AVER_SHARES_FULL:
        aver_reply_error(keeper, exchange, NULL, 429, "queue_full", NULL,
                         "All slots are taken and the queue is full; try again.");
        break;
    case AVER_SHARES_OWN:
        aver_reply_error(keeper, exchange, NULL, 429, "share_full", NULL,
                         "Others ask too, and your share of the queue is full; try again.");
        break;
    }
    return false;
}

static bool request_claims(const aver_keeper *keeper, const aver_job_claims *claims,
                           const char *method, const char *path, request_refusal *ret_refusal)
{
    if (claims->has_method_path &&
        (strcmp(claims->method, method) != 0 || strcmp(claims->path, path) != 0)) {
        *ret_refusal = (request_refusal){400, "route_mismatch", "aver",
                                         "The request was made for another method or path."};
        return false;
    }
    if (claims->has_keyset && !aver_equal_secret(AVER_VIEW_OF(claims->keyset_digest),
                                                 AVER_VIEW_OF(keeper->keyring->keyset_digest))) {
        *ret_refusal =
            (request_refusal){409, "wrong_keyset", "aver",
                              "The request was made for another keyset; verify the node again."};
        return false;
    }
    if (claims->has_evidence && !aver_evidence_recent(keeper->evidence, claims->evidence_digest)) {
        *ret_refusal =
            (request_refusal){409, "unknown_evidence", "aver",
                              "This evidence is too old, or not of this node; fetch it again."};
        return false;
    }
    if (claims->has_deadline && aver_time_wall_ms() > claims->deadline_ms) {
        *ret_refusal = (request_refusal){400, "deadline_passed", "aver",
                                         "The request came after its deadline."};
        return false;
    }
    return true;
}

static void scope_put(aver_sha256 *hash, aver_view part)
{
    uint8_t size[4];

    aver_be32_write(size, (uint32_t)part.size);
    aver_sha256_update(hash, AVER_VIEW_OF(size));
    aver_sha256_update(hash, part);
}

void aver_request_scope(aver_job *job, const char *authorization)
{
    aver_view token = aver_bearer_token(authorization);
    aver_sha256 hash;

    if (token.size == 0 && job->cache_key.size == 0) {
        return;
    }
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_LITERAL("aver/cache/1"));
    scope_put(&hash, token);
    scope_put(&hash, aver_buf_view(&job->cache_key));
    aver_sha256_final(&hash, job->cache_scope);
    job->has_cache_scope = true;
}

/* What a receipt can hold of all choices together. */
static bool request_fits(const aver_job *job, const aver_model *model)
{
    uint64_t context = model->info.context_tokens;
    uint64_t each = job->max_tokens != 0 && job->max_tokens < context ? job->max_tokens : context;

    return job->choices_count <= 1 || context + job->choices_count * each <= AVER_TOKENS_MAX;
}

/* True if the vectors of all inputs fit into an answer. */
static bool request_vectors_fit(const aver_job *job, const aver_model *model,
                                request_refusal *ret_refusal)
{
    uint64_t size = model->info.vector_size;

    if (job->endpoint != AVER_ENDPOINT_EMBEDDINGS ||
        aver_bodies_embeddings_bytes_max(job->inputs_count, size, job->base64_vectors) <=
            AVER_CALL_BODY_BYTES_MAX) {
        return true;
    }
    *ret_refusal = (request_refusal){
        400, "invalid_value", "input",
        job->base64_vectors ? "So many vectors of this model could be more than the 32 MiB of an "
                              "answer; send fewer inputs."
                            : "So many vectors of this model could be more than the 32 MiB of an "
                              "answer; send fewer inputs, or ask for base64."};
    return false;
}

/* True if every id of a prompt that is ids is one of the model's. */
static bool request_ids_known(const aver_job *job, const aver_model *model)
{
    if (job->endpoint != AVER_ENDPOINT_COMPLETION) {
        return true;
    }
    for (uint32_t i = 0; i < job->inputs_count; i++) {
        if (aver_be32_read(job->prompt.data + 4 * (size_t)i) >= model->info.vocabulary_size) {
            return false;
        }
    }
    return true;
}

static bool request_suits(const aver_job *job, const aver_model *model,
                          request_refusal *ret_refusal)
{
    bool embeddings = job->endpoint == AVER_ENDPOINT_EMBEDDINGS;

    if (!model->known) {
        return true;
    }
    if (model->info.embeds != embeddings && job->endpoint <= AVER_ENDPOINT_RESPONSES) {
        *ret_refusal = (request_refusal){400, "unsupported_value", "model",
                                         embeddings ? "This model gives no embeddings."
                                                    : "This model gives embeddings only."};
        return false;
    }
    if (job->dimensions != 0 && job->dimensions != model->info.vector_size) {
        *ret_refusal = (request_refusal){400, "unsupported_parameter", "dimensions",
                                         "The vectors of this model have another size."};
        return false;
    }
    if (job->biases_count > 0 &&
        (uint32_t)job->biases[job->biases_count - 1].token >= model->info.vocabulary_size) {
        *ret_refusal =
            (request_refusal){400, "invalid_value", "logit_bias", "This model has no such token."};
        return false;
    }
    if (!request_ids_known(job, model)) {
        *ret_refusal =
            (request_refusal){400, "invalid_value", "prompt", "This model has no such token."};
        return false;
    }
    if (!request_fits(job, model)) {
        *ret_refusal = (request_refusal){400, "invalid_value", "n",
                                         "So many choices of this length are too much for one "
                                         "receipt; give a lower n or max_tokens."};
        return false;
    }
    return request_vectors_fit(job, model, ret_refusal);
}

/* The model of this name; for paths that need none, the first. */
static aver_model *request_model(const aver_keeper *keeper, const aver_job *job)
{
    if (job->model.size == 0) {
        return keeper->models.list[0];
    }
    return aver_models_find(&keeper->models, aver_buf_view(&job->model));
}

static bool request_valid(const aver_keeper *keeper, const aver_job *job, const char *method,
                          const char *path, aver_model **ret_model, request_refusal *ret_refusal)
{
    *ret_model = request_model(keeper, job);
    if (*ret_model == NULL) {
        *ret_refusal =
            (request_refusal){404, "model_not_found", "model", "There is no such model here."};
        return false;
    }
    if (!request_suits(job, *ret_model, ret_refusal)) {
        return false;
    }
    if (aver_model_failed(*ret_model, aver_time_monotonic_ns())) {
        *ret_refusal = (request_refusal){503, (*ret_model)->failed_code, "model",
                                         (*ret_model)->failed_message};
        return false;
    }
    if (job->claims.present) {
        return request_claims(keeper, &job->claims, method, path, ret_refusal);
    }
    return true;
}

static void request_refuse_body(aver_keeper *keeper, const aver_inbound *inbound, aver_err err,
                                const aver_job_refusal *refusal)
{
    if (err == AVER_E_NOMEM) {
        aver_reply_error(keeper, inbound->exchange, inbound->seal, 503, "overloaded", NULL,
                         "There is no memory for this request now.");
        return;
    }
    aver_reply_error(keeper, inbound->exchange, inbound->seal, 400, refusal->code,
                     refusal->param[0] != '\0' ? refusal->param : NULL, refusal->message);
}

static void request_begin(aver_keeper *keeper, aver_inbound *inbound,
                          const aver_call_request *request)
{
    aver_call *call;

    aver_err err = aver_call_new(keeper, request, &call);
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "request.failed", "%s", aver_err_text(err));
        aver_reply_error(keeper, inbound->exchange, inbound->seal, 503, "overloaded", NULL,
                         "This request cannot be taken now.");
        return;
    }
    inbound->seal = NULL;
    aver_call_submit(call);
}

static void request_opened(aver_keeper *keeper, aver_inbound *inbound, aver_endpoint endpoint,
                           const char *path, const uint8_t *caller, uint64_t arrived_ns)
{
    const char *method = aver_exchange_method(inbound->exchange);
    aver_job job = {0};
    aver_job_refusal refusal = {.code = NULL};
    request_refusal why;
    aver_model *model;

    aver_err err = aver_job_parse(inbound->body, endpoint, &job, &refusal);
    if (err != AVER_OK) {
        request_refuse_body(keeper, inbound, err, &refusal);
        return;
    }
    aver_request_scope(&job, aver_exchange_header(inbound->exchange, "Authorization"));
    memcpy(job.caller, caller, sizeof(job.caller));
    if (request_valid(keeper, &job, method, path, &model, &why)) {
        request_begin(keeper, inbound,
                      &(aver_call_request){.model = model,
                                           .exchange = inbound->exchange,
                                           .seal = inbound->seal,
                                           .job = &job,
                                           .body = inbound->body,
                                           .method = method,
                                           .path = path,
                                           .arrived_ns = arrived_ns});
    } else {
        aver_reply_error(keeper, inbound->exchange, inbound->seal, why.status, why.code, why.param,
                         why.message);
    }
    aver_job_deinit(&job);
}

void aver_request_handle(aver_keeper *keeper, aver_exchange *exchange, aver_endpoint endpoint,
                         const char *path)
{
    uint64_t arrived_ns = aver_time_monotonic_ns();
    uint8_t caller[AVER_JOB_CALLER_BYTES];
    aver_inbound inbound;

    aver_caller_id(keeper->caller_key, keeper->bearer != NULL,
                   aver_exchange_header(exchange, "Authorization"), aver_exchange_peer(exchange),
                   caller);
    if (request_room(keeper, exchange, caller) && aver_inbound_open(keeper, exchange, &inbound)) {
        request_opened(keeper, &inbound, endpoint, path, caller, arrived_ns);
        aver_inbound_deinit(&inbound);
    }
}

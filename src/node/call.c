/* SPDX-License-Identifier: Apache-2.0 */
#include "node/call.h"

#include "base/log.h"
#include "base/secret.h"
#include "base/sys.h"
#include "codec/text.h"
#include "crypto/hash.h"
#include "node/keeper.h"
#include "node/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_PLAIN_BYTES_MAX (6u * 1024 * 1024)
#define CALL_PIECE_BYTES_MAX 65536u
#define CALL_SALT_LABEL      "EXPORTER-aver-receipt-salt"
/* What nginx writes down for a client that went away before it was answered: no status was sent. */
#define CALL_STATUS_GONE 499u

static void call_on_gone(aver_exchange *exchange, void *context)
{
    aver_call *call = context;

    call->exchange = NULL;
    aver_exchange_release(exchange);
    if (call->phase == AVER_CALL_WAITING) {
        aver_call_free(call);
    } else {
        aver_call_cancel(call);
    }
}

static aver_err call_salt(aver_call *call)
{
    if (call->seal != NULL) {
        memcpy(call->salt, aver_seal_salt(call->seal), 32);
        return AVER_OK;
    }
    return aver_exchange_export(call->exchange, CALL_SALT_LABEL,
                                AVER_VIEW_OF(call->receipt.receipt_id), call->salt,
                                sizeof(call->salt));
}

/* The part of the receipt that is known when the request arrives. */
static aver_err call_receipt(aver_call *call, const aver_call_request *request)
{
    const aver_keeper *keeper = call->keeper;
    const aver_job_claims *claims = &call->job.claims;
    aver_receipt *receipt = &call->receipt;

    aver_random(receipt->receipt_id, sizeof(receipt->receipt_id));
    aver_err err = call_salt(call);
    if (err != AVER_OK) {
        return err;
    }
    memcpy(receipt->node_id, keeper->keyring->node_id, 32);
    memcpy(receipt->incarnation, keeper->keyring->incarnation, 32);
    (void)snprintf(receipt->platform, sizeof(receipt->platform), "%s", keeper->platform->name);
    memcpy(receipt->keyset_digest, keeper->keyring->keyset_digest, 32);
    memcpy(receipt->evidence_digest,
           claims->has_evidence ? claims->evidence_digest : aver_evidence_latest(keeper->evidence),
           32);
    memcpy(receipt->model_root, call->model->root, 32);
    memcpy(receipt->config_digest, keeper->keyring->config_digest, 32);
    receipt->seed = call->job.sampling.seed;
    receipt->channel = call->seal != NULL ? AVER_CHANNEL_SEAL : AVER_CHANNEL_TLS;
    if (call->seal != NULL) {
        receipt->has_enc_digest = true;
        aver_sha256_of(aver_view_make(aver_seal_enc(call->seal), 32), receipt->enc_digest);
    }
    (void)snprintf(receipt->method, sizeof(receipt->method), "%s", request->method);
    (void)snprintf(receipt->path, sizeof(receipt->path), "%s", request->path);
    aver_commit_request(call->salt, request->body, receipt->request_commitment);
    receipt->has_client_nonce = claims->has_nonce;
    memcpy(receipt->client_nonce, claims->nonce, 32);
    return AVER_OK;
}

static aver_err call_choices(aver_call *call)
{
    size_t count = aver_call_generates(call) ? call->job.choices_count : 1;

    call->choices = calloc(count, sizeof(*call->choices));
    if (call->choices == NULL) {
        return AVER_E_NOMEM;
    }
    call->choices_count = count;
    for (size_t i = 0; i < count; i++) {
        aver_choice_init(&call->choices[i], AVER_CALL_BODY_BYTES_MAX / count);
    }
    return AVER_OK;
}

static aver_err call_fill(aver_call *call, const aver_call_request *request)
{
    call->phase = AVER_CALL_WAITING;
    call->exchange = request->exchange;
    call->seal = request->seal;
    call->job = *request->job;
    call->arrived_ns = request->arrived_ns;
    if (!call->job.has_seed) {
        call->job.sampling.seed = aver_random_u64() >> 11;
        call->job.has_seed = true;
    }
    aver_buf_init(&call->text, AVER_CALL_BODY_BYTES_MAX);
    aver_buf_init(&call->stream.plain, CALL_PLAIN_BYTES_MAX);
    aver_err err = call_choices(call);
    err = err == AVER_OK ? call_receipt(call, request) : err;
    return err == AVER_OK ? aver_call_say_init(call) : err;
}

/* What the call has that its request had not. */
static void call_release(aver_call *call)
{
    aver_call_say_deinit(call);
    for (size_t i = 0; i < call->choices_count; i++) {
        aver_choice_deinit(&call->choices[i]);
    }
    free(call->choices);
    if (call->prompt != NULL) {
        aver_wipe(call->prompt, call->prompt_count * sizeof(*call->prompt));
        free(call->prompt);
    }
    aver_buf_wipe(&call->text);
    aver_buf_deinit(&call->text);
    aver_buf_wipe(&call->stream.plain);
    aver_buf_deinit(&call->stream.plain);
    aver_wipe(call, sizeof(*call));
    free(call);
}

aver_err aver_call_new(aver_keeper *keeper, const aver_call_request *request, aver_call **ret_call)
{
    if (aver_shares_ask(&keeper->calls.shares, request->job->caller) != AVER_SHARES_PLACE) {
        return AVER_E_LIMIT;
    }
    aver_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return AVER_E_NOMEM;
    }
    call->keeper = keeper;
    call->model = request->model;
    aver_err err = call_fill(call, request);
    if (err != AVER_OK) {
        call_release(call);
        return err;
    }
    aver_calls_add(&keeper->calls, call);
    aver_exchange_on_gone(call->exchange, call_on_gone, call);
    *request->job = (aver_job){0};
    *ret_call = call;
    return AVER_OK;
}

void aver_call_free(aver_call *call)
{
    aver_calls_remove(&call->keeper->calls, call);
    if (call->exchange != NULL) {
        aver_exchange_release(call->exchange);
    }
    aver_seal_free(call->seal);
    aver_job_deinit(&call->job);
    call_release(call);
}

void aver_call_submit(aver_call *call)
{
    aver_err err = aver_model_submit(call->model, call->job_id, &call->job);
    if (err == AVER_OK) {
        call->phase = AVER_CALL_SUBMITTED;
        call->receipt.engine_incarnation = aver_engine_link_incarnation(call->model->engine);
    } else if (err != AVER_E_AGAIN) {
        aver_call_turn_away(call, "overloaded", "The engine takes no more work now.");
    }
}

void aver_call_cancel(aver_call *call)
{
    if (!call->cancelled) {
        call->cancelled = true;
        aver_engine_link_cancel(call->model->engine, call->job_id);
    }
}

bool aver_call_generates(const aver_call *call)
{
    switch (call->job.endpoint) {
    case AVER_ENDPOINT_CHAT:
    case AVER_ENDPOINT_COMPLETION:
    case AVER_ENDPOINT_RESPONSES:
        return true;
    case AVER_ENDPOINT_EMBEDDINGS:
    case AVER_ENDPOINT_TOKENIZE:
    case AVER_ENDPOINT_DETOKENIZE:
    case AVER_ENDPOINT_APPLY_TEMPLATE:
        break;
    }
    return false;
}

size_t aver_call_generated(const aver_call *call)
{
    size_t sum = 0;

    for (size_t i = 0; i < call->choices_count; i++) {
        sum += call->choices[i].count;
    }
    return sum;
}

/* The whole answer, or the error that stands in its place, with its receipt. */
static void call_reply(aver_call *call, aver_finish finish, uint32_t status, aver_view body)
{
    aver_reply reply = {.exchange = call->exchange,
                        .seal = call->seal,
                        .status = call->exchange != NULL ? status : CALL_STATUS_GONE,
                        .content_type = "application/json",
                        .body = body};
    uint8_t commitment[32];
    aver_buf receipt, tokens;

    aver_buf_init(&receipt, AVER_RECEIPT_BYTES_MAX);
    aver_buf_init(&tokens, AVER_TOKENS_BYTES_MAX);
    aver_commit_response(call->salt, call->exchange != NULL ? body : (aver_view){0}, commitment);
    aver_err err = aver_call_issue(call, finish, reply.status, commitment, &receipt, &tokens);
    if (err == AVER_OK && call->exchange != NULL) {
        reply.receipt = aver_buf_view(&receipt);
        call->exchange = NULL;
        aver_reply_send(call->keeper, &reply);
    }
    aver_buf_wipe(&tokens);
    aver_buf_deinit(&tokens);
    aver_buf_deinit(&receipt);
}

static void call_reply_error(aver_call *call, aver_finish finish, uint32_t status, const char *code,
                             const char *message)
{
    aver_buf body;

    aver_buf_init(&body, CALL_PIECE_BYTES_MAX);
    aver_error_body(&body, status, code, NULL, message);
    call_reply(call, finish, status, aver_buf_view(&body));
    aver_buf_deinit(&body);
}

static void call_reply_whole(aver_call *call, aver_finish finish)
{
    aver_buf body;

    aver_buf_init(&body, AVER_CALL_BODY_BYTES_MAX);
    if (aver_call_say_whole(call, finish, &body) == AVER_OK) {
        call_reply(call, finish, 200, aver_buf_view(&body));
    } else {
        call_reply_error(call, AVER_FINISH_ERROR, 500, "answer_too_large",
                         "The answer is too large to send.");
    }
    aver_buf_wipe(&body);
    aver_buf_deinit(&body);
}

void aver_call_end(aver_call *call, aver_finish finish)
{
    if (call->stream.open) {
        aver_call_stream_finish(call, finish, NULL, NULL);
    } else if (finish == AVER_FINISH_ABORTED) {
        call_reply_error(call, finish, 503, "draining", "The node is going out of service.");
    } else {
        call_reply_whole(call, finish);
    }
    aver_call_free(call);
}

void aver_call_refuse(aver_call *call, const char *message)
{
    call_reply_error(call, call->exchange == NULL ? AVER_FINISH_ABORTED : AVER_FINISH_ERROR, 400,
                     "prompt_refused", message);
    aver_call_free(call);
}

void aver_call_fail(aver_call *call, uint32_t status, const char *code, const char *message)
{
    if (call->stream.open) {
        aver_call_stream_finish(call, AVER_FINISH_ERROR, code, message);
    } else {
        call_reply_error(call, AVER_FINISH_ERROR, status, code, message);
    }
    aver_call_free(call);
}

void aver_call_turn_away(aver_call *call, const char *code, const char *message)
{
    aver_exchange *exchange = call->exchange;

    call->exchange = NULL;
    if (exchange != NULL) {
        aver_reply_error(call->keeper, exchange, call->seal, 503, code, NULL, message);
    }
    aver_call_free(call);
}

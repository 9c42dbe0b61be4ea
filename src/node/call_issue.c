/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/secret.h"
#include "base/sys.h"
#include "node/call.h"
#include "node/keeper.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What the request itself did not say: the node's own words. */
static void issue_fill(aver_call *call, aver_finish finish, uint32_t status)
{
    const aver_keeper *keeper = call->keeper;
    aver_receipt *receipt = &call->receipt;
    const aver_engine_info *engine = &call->model->info;

    receipt->status = status;
    receipt->finish = finish;
    receipt->has_stream = call->stream.open;
    if (call->stream.open) {
        receipt->stream_size = call->stream.tree.size;
        aver_merkle_root(&call->stream.tree, receipt->stream_root);
    }
    receipt->duration_us = (aver_time_monotonic_ns() - call->arrived_ns) / 1000;
    receipt->issued_at_ms = aver_time_wall_ms();
    receipt->time_source = AVER_TIME_HOST;
    receipt->isolation = AVER_ISOLATION_SHARED;
    receipt->process_model =
        keeper->options->single_process ? AVER_PROCESS_SINGLE : AVER_PROCESS_SPLIT;
    memcpy(receipt->executor, engine->executor, sizeof(receipt->executor));
    receipt->profile = engine->profile;
    memcpy(receipt->numeric_class, engine->numeric_class, 32);
    receipt->prompt_tokens = call->prompt_count;
    receipt->generated_tokens = aver_call_generated(call);
}

static void issue_count(aver_call *call, aver_finish finish)
{
    aver_metrics *metrics = &call->keeper->metrics;

    metrics->receipts[finish]++;
    metrics->prompt_tokens += call->prompt_count;
    metrics->generated_tokens += aver_call_generated(call);
    aver_histogram_add(&metrics->duration, call->receipt.duration_us);
    if (call->first_token_ns != 0) {
        aver_histogram_add(&metrics->first_token, (call->first_token_ns - call->arrived_ns) / 1000);
    }
    aver_log(AVER_LOG_INFO, "call.done", "%s %s: status %u, %s, %zu + %zu tokens, %" PRIu64 " us%s",
             call->receipt.method, call->receipt.path, call->receipt.status,
             aver_finish_text(finish), call->prompt_count, aver_call_generated(call),
             call->receipt.duration_us, call->seal != NULL ? ", sealed" : "");
}

/* What was appended since the buffer had this size. */
static aver_view issue_since(const aver_buf *buf, size_t size)
{
    return aver_view_slice(aver_buf_view(buf), size, buf->size - size);
}

static aver_err issue_tokens(const aver_call *call, aver_buf *ret_tokens)
{
    size_t count = call->prompt_count + aver_call_generated(call);
    aver_tokens tokens = {.ids = malloc((count + 1) * sizeof(int32_t)),
                          .prompt_count = call->prompt_count,
                          .choices_count = call->choices_count};
    size_t at = call->prompt_count;

    if (tokens.ids == NULL) {
        return AVER_E_NOMEM;
    }
    if (call->prompt != NULL) {
        memcpy(tokens.ids, call->prompt, call->prompt_count * sizeof(*tokens.ids));
    }
    for (size_t i = 0; i < call->choices_count; i++) {
        const aver_choice *choice = &call->choices[i];

        tokens.counts[i] = choice->count;
        if (choice->count > 0) {
            memcpy(tokens.ids + at, choice->tokens, choice->count * sizeof(*tokens.ids));
        }
        at += choice->count;
    }
    aver_err err = aver_tokens_encode(&tokens, ret_tokens);
    aver_wipe(tokens.ids, count * sizeof(*tokens.ids));
    aver_tokens_deinit(&tokens);
    return err;
}

aver_err aver_call_issue(aver_call *call, aver_finish finish, uint32_t status,
                         const uint8_t response_commitment[static 32], aver_buf *ret_message,
                         aver_buf *ret_tokens)
{
    aver_keeper *keeper = call->keeper;
    aver_receipt *receipt = &call->receipt;
    size_t message_at = ret_message->size;
    size_t tokens_at = ret_tokens->size;

    issue_fill(call, finish, status);
    memcpy(receipt->response_commitment, response_commitment, 32);
    aver_err err = issue_tokens(call, ret_tokens);
    if (err == AVER_OK) {
        aver_commit_tokens(call->salt, issue_since(ret_tokens, tokens_at),
                           receipt->tokens_commitment);
        err = aver_receipt_sign(receipt, keeper->keyring->receipt_key, ret_message);
    }
    if (err == AVER_OK) {
        issue_count(call, finish);
        err =
            aver_vault_put(keeper->vault, receipt->receipt_id, issue_since(ret_message, message_at),
                           issue_since(ret_tokens, tokens_at), aver_time_monotonic_ns() / 1000000);
    }
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "receipt.failed", "no receipt: %s", aver_err_text(err));
    }
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/sys.h"
#include "node/call.h"
#include "node/keeper.h"
#include "node/reply.h"

#include <string.h>

#define CALL_MESSAGE_BYTES_MAX AVER_RECEIPT_BYTES_MAX
#define CALL_HEAD_INTERVAL_NS  (AVER_STREAM_HEAD_INTERVAL_MS * 1000000ull)

static void stream_put_opening(aver_call *call)
{
    aver_opening opening = {.issued_at_ms = aver_time_wall_ms()};
    aver_buf message;

    memcpy(opening.receipt_id, call->receipt.receipt_id, 32);
    memcpy(opening.keyset_digest, call->receipt.keyset_digest, 32);
    memcpy(opening.incarnation, call->receipt.incarnation, 32);
    memcpy(opening.request_commitment, call->receipt.request_commitment, 32);
    aver_buf_init(&message, CALL_MESSAGE_BYTES_MAX);
    if (aver_opening_sign(&opening, call->keeper->keyring->receipt_key, &message) == AVER_OK) {
        aver_stream_put_comment(&call->stream.plain, "aver-opening", aver_buf_view(&message));
    }
    aver_buf_deinit(&message);
}

static void stream_put_head(aver_call *call, uint64_t now_ns)
{
    aver_call_stream *stream = &call->stream;
    aver_head head = {.size = stream->tree.size};
    aver_buf message;

    memcpy(head.receipt_id, call->receipt.receipt_id, 32);
    aver_merkle_root(&stream->tree, head.root);
    aver_buf_init(&message, CALL_MESSAGE_BYTES_MAX);
    if (aver_head_sign(&head, call->receipt.incarnation, call->keeper->keyring->receipt_key,
                       &message) == AVER_OK) {
        aver_stream_put_comment(&stream->plain, "aver-head", aver_buf_view(&message));
    }
    aver_buf_deinit(&message);
    stream->headed = stream->tree.size;
    stream->headed_ns = now_ns;
}

bool aver_call_stream_heard(const aver_call *call)
{
    return call->stream.open && call->exchange != NULL;
}

void aver_call_stream_close(aver_call *call, size_t start)
{
    aver_call_stream *stream = &call->stream;
    aver_view event =
        aver_view_slice(aver_buf_view(&stream->plain), start, stream->plain.size - start);

    aver_merkle_append(&stream->tree, event);
    aver_commit_update(&stream->commit, event);
    stream->dirty = true;
    if (stream->tree.size - stream->headed >= AVER_STREAM_HEAD_EVENTS) {
        stream_put_head(call, aver_time_monotonic_ns());
    }
}

aver_err aver_call_stream_begin(aver_call *call)
{
    aver_call_stream *stream = &call->stream;

    if (call->seal != NULL) {
        aver_err err = aver_reply_seal_header(call->exchange, call->seal);
        if (err != AVER_OK) {
            return err;
        }
    }
    aver_exchange_set_header(call->exchange, "Cache-Control", "no-store");
    aver_exchange_stream_begin(call->exchange, 200, "text/event-stream");
    aver_metrics_answer(&call->keeper->metrics, 200);
    stream->open = true;
    stream->headed_ns = aver_time_monotonic_ns();
    aver_merkle_init(&stream->tree);
    aver_commit_response_init(&stream->commit, call->salt);
    stream_put_opening(call);
    stream->dirty = true;
    aver_call_say_begin(call);
    return AVER_OK;
}

/* The reader is gone or too slow: nothing more for it. */
static void stream_cut(aver_call *call, aver_err err)
{
    aver_exchange *exchange = call->exchange;

    aver_log(AVER_LOG_INFO, "stream.cut", "%s",
             err == AVER_E_LIMIT ? "the reader is too slow" : "the reader is gone");
    call->exchange = NULL;
    aver_exchange_release(exchange);
    aver_call_cancel(call);
}

void aver_call_stream_flush(aver_call *call)
{
    aver_call_stream *stream = &call->stream;
    aver_view bytes = aver_buf_view(&stream->plain);
    aver_buf *sealed = &call->keeper->sealed;

    stream->dirty = false;
    if (call->exchange == NULL) {
        aver_buf_clear(&stream->plain);
        return;
    }
    aver_buf_clear(sealed);
    aver_err err = aver_buf_status(&stream->plain);
    if (err == AVER_OK && call->seal != NULL) {
        err = aver_seal_chunk(call->seal, bytes, sealed);
        bytes = aver_buf_view(sealed);
    }
    if (err == AVER_OK) {
        err = aver_exchange_stream_write(call->exchange, bytes);
    }
    aver_buf_clear(&stream->plain);
    if (err != AVER_OK) {
        stream_cut(call, err);
    }
}

void aver_call_stream_tick(aver_call *call, uint64_t now_ns)
{
    aver_call_stream *stream = &call->stream;

    if (stream->open && call->exchange != NULL && stream->tree.size > stream->headed &&
        now_ns - stream->headed_ns >= CALL_HEAD_INTERVAL_NS) {
        stream_put_head(call, now_ns);
        stream->dirty = true;
    }
    if (stream->dirty) {
        aver_call_stream_flush(call);
    }
}

void aver_call_stream_finish(aver_call *call, aver_finish finish, const char *code,
                             const char *message)
{
    aver_call_stream *stream = &call->stream;
    uint8_t commitment[32];
    aver_buf receipt, tokens;

    aver_buf_init(&receipt, AVER_RECEIPT_BYTES_MAX);
    aver_buf_init(&tokens, AVER_TOKENS_BYTES_MAX);
    /* The engine is through with it: a reader that is lost now has nothing left to cancel. */
    call->cancelled = true;
    if (call->exchange != NULL) {
        aver_exchange_stream_bounded(call->exchange);
    }
    if (finish != AVER_FINISH_ABORTED && call->exchange != NULL) {
        aver_call_say_end(call, finish, code, message);
    }
    aver_commit_final(&stream->commit, commitment);
    aver_err err = aver_call_issue(call, finish, 200, commitment, &receipt, &tokens);
    if (err == AVER_OK && call->exchange != NULL) {
        if (call->job.claims.present) {
            aver_stream_put_comment(&stream->plain, "aver-tokens", aver_buf_view(&tokens));
        }
        aver_stream_put_comment(&stream->plain, "aver-receipt", aver_buf_view(&receipt));
        if (finish != AVER_FINISH_ERROR && finish != AVER_FINISH_ABORTED &&
            call->job.endpoint != AVER_ENDPOINT_RESPONSES) {
            aver_buf_append_text(&stream->plain, "data: [DONE]\n\n");
        }
        aver_call_stream_flush(call);
    }
    if (call->exchange != NULL) {
        aver_exchange *exchange = call->exchange;

        call->exchange = NULL;
        if (err == AVER_OK) {
            aver_exchange_stream_end(exchange);
        } else {
            aver_exchange_release(exchange);
        }
    }
    aver_buf_wipe(&tokens);
    aver_buf_deinit(&tokens);
    aver_buf_deinit(&receipt);
}

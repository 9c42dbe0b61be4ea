/* SPDX-License-Identifier: Apache-2.0 */
#include "node/reply.h"

#include "base/log.h"
#include "codec/text.h"
#include "node/keeper.h"

#define REPLY_ERROR_BYTES_MAX  4096
#define REPLY_HEADER_BYTES_MAX 16384
#define REPLY_SEALED_BYTES_MAX (64u * 1024 * 1024)
#define REPLY_RETRY_AFTER_S    "1"

aver_err aver_reply_seal_header(aver_exchange *exchange, aver_seal *seal)
{
    char nonce_hex[65];

    aver_err err = aver_seal_respond(seal, nonce_hex);
    if (err == AVER_OK) {
        aver_exchange_set_header(exchange, "Ehbp-Response-Nonce", nonce_hex);
    }
    return err;
}

static aver_err reply_receipt_header(const aver_reply *reply)
{
    aver_buf text;
    aver_err err = AVER_OK;

    if (reply->receipt.size == 0) {
        return AVER_OK;
    }
    aver_buf_init(&text, REPLY_HEADER_BYTES_MAX);
    if (reply->seal != NULL) {
        err = aver_seal_receipt_header(reply->seal, reply->receipt, &text);
    } else {
        aver_base64url_append(&text, reply->receipt);
    }
    aver_buf_append_byte(&text, '\0');
    if (err == AVER_OK) {
        err = aver_buf_status(&text);
    }
    if (err == AVER_OK) {
        aver_exchange_set_header(reply->exchange, "Aver-Receipt", (const char *)text.data);
    }
    aver_buf_deinit(&text);
    return err;
}

static aver_err reply_seal_body(const aver_reply *reply, aver_buf *out)
{
    aver_view rest = reply->body;

    aver_err err = aver_reply_seal_header(reply->exchange, reply->seal);
    while (err == AVER_OK && rest.size > 0) {
        size_t size =
            rest.size < AVER_SEAL_CHUNK_BYTES_MAX / 2 ? rest.size : AVER_SEAL_CHUNK_BYTES_MAX / 2;

        err = aver_seal_chunk(reply->seal, aver_view_slice(rest, 0, size), out);
        rest = aver_view_slice(rest, size, rest.size - size);
    }
    return err == AVER_OK ? aver_buf_status(out) : err;
}

void aver_reply_send(aver_keeper *keeper, const aver_reply *reply)
{
    aver_buf sealed;
    aver_view body = reply->body;

    aver_buf_init(&sealed, REPLY_SEALED_BYTES_MAX);
    aver_err err = reply_receipt_header(reply);
    if (err == AVER_OK && reply->seal != NULL) {
        err = reply_seal_body(reply, &sealed);
        body = aver_buf_view(&sealed);
    }
    if (err == AVER_OK) {
        aver_metrics_answer(&keeper->metrics, reply->status);
        aver_exchange_reply(reply->exchange, reply->status, reply->content_type, body);
    } else {
        aver_log(AVER_LOG_ERROR, "reply.failed", "connection cut: %s", aver_err_text(err));
        aver_exchange_release(reply->exchange);
    }
    aver_buf_deinit(&sealed);
}

void aver_reply_error(aver_keeper *keeper, aver_exchange *exchange, aver_seal *seal,
                      uint32_t status, const char *code, const char *param, const char *message)
{
    aver_buf body;

    aver_buf_init(&body, REPLY_ERROR_BYTES_MAX);
    aver_error_body(&body, status, code, param, message);
    if (status == 429 || status == 503) {
        aver_exchange_set_header(exchange, "Retry-After", REPLY_RETRY_AFTER_S);
    }
    aver_reply_send(keeper, &(aver_reply){.exchange = exchange,
                                          .seal = seal,
                                          .status = status,
                                          .content_type = "application/json",
                                          .body = aver_buf_view(&body)});
    aver_buf_deinit(&body);
}

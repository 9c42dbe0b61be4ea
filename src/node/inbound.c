/* SPDX-License-Identifier: Apache-2.0 */
#include "node/inbound.h"

#include "base/log.h"
#include "codec/text.h"
#include "node/keeper.h"
#include "node/reply.h"

/* Compression or another coding of the body is not offered; text of some other type is no OpenAI
 * request. */
static bool inbound_coding(aver_keeper *keeper, aver_exchange *exchange)
{
    if (aver_exchange_header(exchange, "Content-Encoding") != NULL) {
        aver_reply_error(keeper, exchange, NULL, 400, "unsupported_encoding", NULL,
                         "Content-Encoding is not supported.");
        return false;
    }
    return true;
}

static bool inbound_allowed(aver_keeper *keeper, aver_exchange *exchange, bool sealed)
{
    if (!aver_bearer_allows(keeper->bearer, aver_exchange_header(exchange, "Authorization"))) {
        aver_exchange_set_header(exchange, "WWW-Authenticate", "Bearer");
        aver_reply_error(
            keeper, exchange, NULL, 401, "invalid_api_key", NULL,
            "This node wants a bearer token, and this one is not among those it knows.");
        return false;
    }
    if (!sealed && !aver_exchange_secure(exchange)) {
        aver_reply_error(keeper, exchange, NULL, 403, "plain_channel", NULL,
                         "This channel is not encrypted: only sealed bodies are read from it.");
        return false;
    }
    return inbound_coding(keeper, exchange);
}

static void inbound_refuse_seal(aver_keeper *keeper, aver_exchange *exchange, aver_err err)
{
    aver_buf body;

    if (err != AVER_E_PROOF) {
        aver_reply_error(keeper, exchange, NULL, err == AVER_E_LIMIT ? 413 : 400, "bad_seal", NULL,
                         "The sealed body is not well formed.");
        return;
    }
    aver_buf_init(&body, 1024);
    aver_seal_problem_body(&body, "The body was not sealed to this node's present key.");
    aver_reply_send(keeper, &(aver_reply){.exchange = exchange,
                                          .status = 422,
                                          .content_type = AVER_SEAL_PROBLEM_MEDIA_TYPE,
                                          .body = aver_buf_view(&body)});
    aver_buf_deinit(&body);
}

/* Before the costly part: an encapsulation that was seen needs no opening. */
static bool inbound_repeated(aver_keeper *keeper, aver_exchange *exchange, const char *enc_hex)
{
    uint8_t enc[AVER_HPKE_ENC_BYTES];

    if (aver_hex_decode(aver_view_text(enc_hex), enc, sizeof(enc)) == AVER_OK &&
        aver_replay_seen(keeper->replay, enc)) {
        aver_reply_error(keeper, exchange, NULL, 409, "repeated_seal", NULL,
                         "This sealed request was sent before; seal it anew.");
        return true;
    }
    return false;
}

static bool inbound_unseal(aver_keeper *keeper, aver_exchange *exchange, const char *enc_hex,
                           aver_inbound *inbound)
{
    if (inbound_repeated(keeper, exchange, enc_hex)) {
        return false;
    }
    aver_err err =
        aver_seal_accept(keeper->keyring->seal_key, enc_hex, aver_exchange_body(exchange),
                         AVER_JOB_BODY_BYTES_MAX, &inbound->plain, &inbound->seal);
    if (err != AVER_OK) {
        inbound_refuse_seal(keeper, exchange, err);
        return false;
    }
    err = aver_replay_add(keeper->replay, aver_seal_enc(inbound->seal));
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "seal.full", "no sealed request can be remembered: %s",
                 aver_err_text(err));
        aver_reply_error(keeper, exchange, NULL, 503, "seals_full", NULL,
                         "No more seals fit until the seal key is replaced; try again.");
        return false;
    }
    keeper->metrics.sealed_requests++;
    aver_keeper_rotate(keeper);
    inbound->body = aver_buf_view(&inbound->plain);
    return true;
}

bool aver_inbound_open(aver_keeper *keeper, aver_exchange *exchange, aver_inbound *ret_inbound)
{
    const char *enc_hex = aver_exchange_header(exchange, "Ehbp-Encapsulated-Key");
    aver_inbound inbound = {.exchange = exchange, .body = aver_exchange_body(exchange)};

    if (!inbound_allowed(keeper, exchange, enc_hex != NULL)) {
        return false;
    }
    aver_buf_init(&inbound.plain, AVER_JOB_BODY_BYTES_MAX);
    if (enc_hex != NULL && !inbound_unseal(keeper, exchange, enc_hex, &inbound)) {
        aver_inbound_deinit(&inbound);
        return false;
    }
    *ret_inbound = inbound;
    return true;
}

void aver_inbound_deinit(aver_inbound *inbound)
{
    aver_seal_free(inbound->seal);
    inbound->seal = NULL;
    aver_buf_wipe(&inbound->plain);
    aver_buf_deinit(&inbound->plain);
}

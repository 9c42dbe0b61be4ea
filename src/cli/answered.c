/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/stream.h"
#include "base/check.h"
#include "base/secret.h"
#include "base/sys.h"
#include "cli/session.h"
#include "codec/text.h"
#include "net/seal.h"

#include <stdio.h>
#include <string.h>

#define REPLY_DEADLINE_MS        600000u
#define REPLY_SEALED_BYTES_MAX   (AVER_QUESTION_BODY_BYTES_MAX + 4096u)
#define REPLY_RESPONSE_BYTES_MAX (16u * 1024 * 1024)
#define REPLY_HEADS_BYTES_MAX    (2u * 1024 * 1024)

/* One exchange while it runs. */
typedef struct answered_run {
    aver_session *session;
    aver_answered *reply;
    aver_endpoint endpoint;
    uint64_t seed;
    aver_seal *seal;
    aver_stream_reader *reader;
    aver_buf plain; /* opened bytes of one piece */
    aver_session_text_fn *on_text;
    void *context;
} answered_run;

void aver_answered_init(aver_answered *reply)
{
    *reply = (aver_answered){0};
    aver_buf_init(&reply->request, AVER_QUESTION_BODY_BYTES_MAX);
    aver_buf_init(&reply->response, REPLY_RESPONSE_BYTES_MAX);
    aver_buf_init(&reply->text, AVER_ANSWER_TEXT_BYTES_MAX);
    aver_buf_init(&reply->receipt, AVER_RECEIPT_BYTES_MAX);
    aver_buf_init(&reply->tokens, AVER_TOKENS_BYTES_MAX);
    aver_buf_init(&reply->opening, AVER_RECEIPT_BYTES_MAX);
    aver_buf_init(&reply->head, AVER_RECEIPT_BYTES_MAX);
    aver_buf_init(&reply->heads, REPLY_HEADS_BYTES_MAX);
    aver_merkle_init(&reply->tree);
    aver_verdict_init(&reply->verdict);
}

void aver_answered_deinit(aver_answered *reply)
{
    aver_buf_wipe(&reply->request);
    aver_buf_wipe(&reply->response);
    aver_buf_wipe(&reply->text);
    aver_buf_deinit(&reply->request);
    aver_buf_deinit(&reply->response);
    aver_buf_deinit(&reply->text);
    aver_buf_deinit(&reply->receipt);
    aver_buf_deinit(&reply->tokens);
    aver_buf_deinit(&reply->opening);
    aver_buf_deinit(&reply->head);
    aver_buf_deinit(&reply->heads);
    aver_wipe(reply->salt, sizeof reply->salt);
}

static aver_err answered_set(aver_buf *buf, aver_view bytes)
{
    aver_buf_clear(buf);
    aver_buf_append(buf, bytes);
    return aver_buf_status(buf);
}

static aver_err answered_on_event(answered_run *run, const aver_stream_item *item)
{
    aver_answered *reply = run->reply;
    size_t before = reply->text.size;
    aver_merkle_append(&reply->tree, item->raw);
    aver_buf_append(&reply->response, item->raw);
    aver_err err = aver_buf_status(&reply->response);
    if (err == AVER_OK) {
        err = aver_answer_event(item->value, run->endpoint, &reply->text, reply->error);
    }
    if (err == AVER_OK && run->on_text != NULL && reply->text.size > before) {
        run->on_text(aver_view_make(reply->text.data + before, reply->text.size - before),
                     run->context);
    }
    return err;
}

static aver_err answered_on_signed_head(aver_answered *reply, aver_view message)
{
    aver_buf_append(&reply->heads, message);
    aver_err err = aver_buf_status(&reply->heads);
    return err == AVER_OK ? answered_set(&reply->head, message) : err;
}

static aver_err answered_on_item(const aver_stream_item *item, void *context)
{
    answered_run *run = context;
    switch (item->kind) {
    case AVER_STREAM_EVENT:
        return answered_on_event(run, item);
    case AVER_STREAM_DONE:
        run->reply->done = true;
        return AVER_OK;
    case AVER_STREAM_OPENING:
        return run->reply->opening.size > 0 ? AVER_E_FORMAT
                                            : answered_set(&run->reply->opening, item->value);
    case AVER_STREAM_HEAD:
        return answered_on_signed_head(run->reply, item->value);
    case AVER_STREAM_TOKENS:
        return answered_set(&run->reply->tokens, item->value);
    case AVER_STREAM_RECEIPT:
        return answered_set(&run->reply->receipt, item->value);
    case AVER_STREAM_COMMENT:
        return AVER_OK;
    }
    return AVER_E_FORMAT;
}

static aver_err answered_on_head(const aver_response *response, void *context)
{
    answered_run *run = context;
    run->reply->status = response->status;
    const char *nonce = aver_client_header(response->client, "Ehbp-Response-Nonce");
    const char *type = aver_client_header(response->client, "Content-Type");
    const char *receipt = aver_client_header(response->client, "Aver-Receipt");
    if (nonce == NULL) {
        /* Whoever carries the bytes can write this: words of an error, never an answer. */
        return response->status >= 200 && response->status < 300 ? AVER_E_PEER : AVER_OK;
    }
    run->reply->streamed = type != NULL && strncmp(type, "text/event-stream", 17) == 0;
    run->reply->sealed = true;
    aver_err err = aver_seal_expect(run->seal, nonce);
    if (err == AVER_OK && receipt != NULL) {
        err = aver_seal_receipt_open(run->seal, receipt, &run->reply->receipt);
    }
    return err;
}

static aver_err answered_on_body(aver_view bytes, void *context)
{
    answered_run *run = context;
    aver_answered *reply = run->reply;
    aver_view plain = bytes;
    aver_err err = AVER_OK;
    if (run->reply->sealed) {
        aver_buf_clear(&run->plain);
        err = aver_seal_feed(run->seal, bytes, &run->plain);
        plain = aver_buf_view(&run->plain);
    }
    if (err != AVER_OK) {
        return err;
    }
    if (reply->streamed) {
        return aver_stream_reader_feed(run->reader, plain);
    }
    aver_buf_append(&reply->response, plain);
    return aver_buf_status(&reply->response);
}

static aver_err answered_send(answered_run *run, const aver_question *question, aver_view sealed,
                              const char *enc_hex)
{
    char header[128];
    (void)snprintf(header, sizeof header, "Ehbp-Encapsulated-Key: %s", enc_hex);
    const char *const headers[] = {"Content-Type: application/json", header, NULL};
    aver_client_request request = {
        .method = "POST",
        .path = aver_answer_path(question->endpoint),
        .headers = headers,
        .body = sealed,
        .timeout_ms = aver_remote_left_ms(&run->session->remote),
        .on_head = answered_on_head,
        .on_body = answered_on_body,
        .context = run,
    };
    uint32_t status = 0;
    aver_err err = aver_client_send(run->session->remote.client, &request, &status);
    if (err == AVER_OK && run->reply->sealed) {
        err = aver_seal_feed_end(run->seal);
    }
    if (err == AVER_OK && run->reply->streamed) {
        err = aver_stream_reader_end(run->reader);
    }
    return err;
}

/* Text or error of an answer that was not streamed. */
static void answered_take_whole(answered_run *run)
{
    aver_answered *reply = run->reply;
    aver_view body = aver_buf_view(&reply->response);
    if (reply->status != 200) {
        aver_answer_error(body, reply->error);
        reply->outdated = reply->receipt.size == 0 && aver_answer_outdated(reply->status, body);
        return;
    }
    if (aver_answer_body(body, run->endpoint, &reply->text, reply->error) == AVER_OK) {
        if (run->on_text != NULL && reply->text.size > 0) {
            run->on_text(aver_buf_view(&reply->text), run->context);
        }
    }
}

static aver_transcript answered_transcript(const answered_run *run)
{
    const aver_answered *reply = run->reply;
    aver_transcript transcript = {
        .salt = reply->salt,
        .enc = reply->enc,
        .method = "POST",
        .path = aver_answer_path(run->endpoint),
        .client_nonce = reply->nonce,
        .has_seed = true,
        .seed = run->seed,
        .has_request = true,
        .has_response = true,
        .has_tokens = reply->tokens.size > 0,
        .request = aver_buf_view(&reply->request),
        .response = aver_buf_view(&reply->response),
        .tokens = aver_buf_view(&reply->tokens),
        .streamed = reply->streamed,
        .events_count = reply->tree.size,
        .opening = aver_buf_view(&reply->opening),
        .heads = aver_buf_view(&reply->heads),
    };
    aver_merkle_root(&reply->tree, transcript.events_root);
    return transcript;
}

static aver_err answered_judge(const answered_run *run)
{
    aver_session *session = run->session;
    aver_answered *reply = run->reply;
    aver_verify_context context = session->context;
    context.use = AVER_USE_ANSWER;
    context.now_ms = aver_time_wall_ms() + session->options.clock_ahead_ms;
    aver_transcript transcript = answered_transcript(run);
    reply->verdict = session->verdict;
    aver_err err;
    if (reply->receipt.size == 0 && reply->streamed) {
        err = aver_verify_cut(aver_buf_view(&reply->opening), aver_buf_view(&reply->head),
                              &session->judged, &transcript, &context, &reply->verdict);
    } else {
        err = aver_verify_receipt(aver_buf_view(&reply->receipt), &session->judged, &transcript,
                                  &context, &reply->verdict, &reply->fields);
    }
    if (err == AVER_OK) {
        reply->accepted = aver_policy_accepts(session->options.policy, AVER_USE_ANSWER,
                                              &reply->verdict, reply->why);
    }
    return err;
}

/* The body, and its sealed form in ret_sealed. */
static aver_err answered_prepare(answered_run *run, const aver_question *question,
                                 aver_buf *ret_sealed, char ret_enc_hex[static 65])
{
    aver_answered *reply = run->reply;
    uint64_t left_ms = aver_remote_left_ms(&run->session->remote);
    aver_question_claims claims = {.deadline_ms = aver_time_wall_ms()};
    claims.deadline_ms += left_ms > REPLY_DEADLINE_MS ? left_ms : REPLY_DEADLINE_MS;
    aver_random(reply->nonce, sizeof reply->nonce);
    memcpy(claims.nonce, reply->nonce, sizeof claims.nonce);
    memcpy(claims.keyset_digest, run->session->judged.keyset_digest, sizeof claims.keyset_digest);
    memcpy(claims.evidence_digest, run->session->judged.evidence_digest,
           sizeof claims.evidence_digest);
    aver_err err = aver_question_encode(question, &claims, &reply->request);
    if (err == AVER_OK) {
        err = aver_seal_offer(run->session->seal_key, aver_buf_view(&reply->request), ret_enc_hex,
                              ret_sealed, &run->seal);
    }
    if (err == AVER_OK) {
        memcpy(reply->salt, aver_seal_salt(run->seal), sizeof reply->salt);
        memcpy(reply->enc, aver_seal_enc(run->seal), sizeof reply->enc);
        err = aver_stream_reader_new(answered_on_item, run, &run->reader);
    }
    return err;
}

aver_err aver_session_ask(aver_session *session, const aver_question *question,
                          aver_session_text_fn *on_text, void *context, aver_answered *ret_reply)
{
    AVER_ASSERT(session->accepted);
    answered_run run = {.session = session,
                        .reply = ret_reply,
                        .endpoint = question->endpoint,
                        .seed = question->seed,
                        .on_text = on_text,
                        .context = context};
    char enc_hex[65];
    aver_buf sealed;
    aver_buf_init(&sealed, REPLY_SEALED_BYTES_MAX);
    aver_buf_init(&run.plain, REPLY_RESPONSE_BYTES_MAX);
    aver_err err = answered_prepare(&run, question, &sealed, enc_hex);
    if (err != AVER_OK) {
        goto out;
    }
    ret_reply->transfer = answered_send(&run, question, aver_buf_view(&sealed), enc_hex);
    if (ret_reply->status == 0) {
        err = ret_reply->transfer == AVER_OK ? AVER_E_PEER : ret_reply->transfer;
        goto out;
    }
    if (!ret_reply->streamed) {
        answered_take_whole(&run);
    }
    err = answered_judge(&run);

out:
    aver_buf_wipe(&run.plain);
    aver_buf_deinit(&run.plain);
    aver_buf_deinit(&sealed);
    aver_stream_reader_free(run.reader);
    aver_seal_free(run.seal);
    return err;
}

aver_err aver_answered_capsule(const aver_session *session, const aver_answered *reply,
                               aver_buf *ret_capsule)
{
    aver_capsule capsule = {
        .receipt = aver_buf_view(&reply->receipt),
        .bundle = aver_buf_view(&session->bundle),
        .has_salt = true,
        .has_request = true,
        .has_response = true,
        .has_tokens = reply->tokens.size > 0,
        .request = aver_buf_view(&reply->request),
        .response = aver_buf_view(&reply->response),
        .tokens = aver_buf_view(&reply->tokens),
        .has_enc = true,
    };
    memcpy(capsule.salt, reply->salt, sizeof capsule.salt);
    memcpy(capsule.enc, reply->enc, sizeof capsule.enc);
    if (reply->receipt.size == 0) {
        capsule.opening = aver_buf_view(&reply->opening);
        capsule.head = aver_buf_view(&reply->head);
    }
    return aver_capsule_encode(&capsule, ret_capsule);
}

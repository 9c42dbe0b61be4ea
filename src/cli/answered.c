/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/answered.h"

#include "base/check.h"
#include "base/secret.h"
#include "base/sys.h"
#include "cli/session.h"
#include "net/seal.h"

#include <stdio.h>
#include <string.h>

#define REPLY_SEALED_BYTES_MAX (AVER_QUESTION_BODY_BYTES_MAX + 4096u)
#define REPLY_HEADS_BYTES_MAX  (2u * 1024 * 1024)

/* One exchange while it runs. */
typedef struct answered_run {
    const aver_session *session;
    aver_remote *remote;
    const aver_posting *posting;
    aver_answered *reply;
    aver_seal *seal;
    aver_stream_reader *reader;
    aver_buf plain; /* opened bytes of one piece */
} answered_run;

void aver_answered_init(aver_answered *reply)
{
    *reply = (aver_answered){0};
    aver_buf_init(&reply->request, AVER_QUESTION_BODY_BYTES_MAX);
    aver_buf_init(&reply->response, AVER_ANSWERED_RESPONSE_BYTES_MAX);
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
    aver_merkle_append(&reply->tree, item->raw);
    aver_buf_append(&reply->response, item->raw);
    aver_err err = aver_buf_status(&reply->response);
    if (err == AVER_OK && run->posting->on_event != NULL) {
        err = run->posting->on_event(item, run->posting->context);
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

/* Whoever carries the bytes can write this: words of an error, never an answer. */
static aver_err answered_on_unsealed(const answered_run *run, const aver_response *response)
{
    if (response->status >= 200 && response->status < 300) {
        return AVER_E_PEER;
    }
    return run->posting->on_head != NULL ? run->posting->on_head(response, run->posting->context)
                                         : AVER_OK;
}

static aver_err answered_on_head(const aver_response *response, void *context)
{
    answered_run *run = context;
    run->reply->status = response->status;
    const char *nonce = aver_client_header(response->client, "Ehbp-Response-Nonce");
    const char *type = aver_client_header(response->client, "Content-Type");
    const char *receipt = aver_client_header(response->client, "Aver-Receipt");
    if (nonce == NULL) {
        return answered_on_unsealed(run, response);
    }
    run->reply->streamed = type != NULL && strncmp(type, "text/event-stream", 17) == 0;
    run->reply->sealed = true;
    aver_err err = aver_seal_expect(run->seal, nonce);
    if (err == AVER_OK && receipt != NULL) {
        err = aver_seal_receipt_open(run->seal, receipt, &run->reply->receipt);
    }
    if (err == AVER_OK && run->posting->on_head != NULL) {
        err = run->posting->on_head(response, run->posting->context);
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

static aver_err answered_send(answered_run *run, aver_view sealed, const char *enc_hex)
{
    char header[128];
    (void)snprintf(header, sizeof header, "Ehbp-Encapsulated-Key: %s", enc_hex);
    const char *const headers[] = {"Content-Type: application/json", header, NULL};
    aver_client_request request = {
        .method = "POST",
        .path = run->posting->path,
        .headers = headers,
        .body = sealed,
        .timeout_ms = aver_remote_left_ms(run->remote),
        .stop = run->posting->stop,
        .on_head = answered_on_head,
        .on_body = answered_on_body,
        .context = run,
    };
    uint32_t status = 0;
    aver_err err = aver_client_send(run->remote->client, &request, &status);
    if (err == AVER_OK && run->reply->sealed) {
        err = aver_seal_feed_end(run->seal);
    }
    if (err == AVER_OK && run->reply->streamed) {
        err = aver_stream_reader_end(run->reader);
    }
    return err;
}

/* The error in a whole answer, and whether the node only has other keys now. */
static void answered_take_whole(aver_answered *reply)
{
    aver_view body = aver_buf_view(&reply->response);
    if (reply->status != 200) {
        aver_answer_error(body, reply->error);
        reply->outdated = reply->receipt.size == 0 && aver_answer_outdated(reply->status, body);
    }
}

static aver_transcript answered_transcript(const answered_run *run)
{
    const aver_answered *reply = run->reply;
    const aver_posting *posting = run->posting;
    aver_transcript transcript = {
        .salt = reply->salt,
        .enc = reply->enc,
        .method = "POST",
        .path = posting->path,
        .client_nonce = posting->has_nonce ? reply->nonce : NULL,
        .has_seed = posting->has_seed,
        .seed = posting->seed,
        .model_root = posting->model_root,
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
    const aver_session *session = run->session;
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

/* The body's sealed form, and what is kept to judge the answer. */
static aver_err answered_prepare(answered_run *run, aver_buf *ret_sealed,
                                 char ret_enc_hex[static 65])
{
    aver_answered *reply = run->reply;
    aver_err err = aver_seal_offer(run->session->seal_key, aver_buf_view(&reply->request),
                                   ret_enc_hex, ret_sealed, &run->seal);
    if (err == AVER_OK) {
        memcpy(reply->salt, aver_seal_salt(run->seal), sizeof reply->salt);
        memcpy(reply->enc, aver_seal_enc(run->seal), sizeof reply->enc);
        err = aver_stream_reader_new(answered_on_item, run, &run->reader);
    }
    return err;
}

/* Nothing but the seal vouches for such an answer: no verdict is made of it. */
static bool answered_unproven(const answered_run *run)
{
    const aver_answered *reply = run->reply;
    return run->posting->unproven && reply->sealed && !reply->streamed && reply->receipt.size == 0;
}

aver_err aver_answered_post(const aver_session *session, aver_remote *remote,
                            const aver_posting *posting, aver_answered *reply)
{
    AVER_ASSERT(session->accepted);
    answered_run run = {.session = session, .remote = remote, .posting = posting, .reply = reply};
    char enc_hex[65];
    aver_buf sealed;
    aver_buf_init(&sealed, REPLY_SEALED_BYTES_MAX);
    aver_buf_init(&run.plain, AVER_ANSWERED_RESPONSE_BYTES_MAX);
    if (posting->response_bytes_max != 0) {
        reply->response.capacity_max = posting->response_bytes_max;
    }
    aver_err err = answered_prepare(&run, &sealed, enc_hex);
    if (err != AVER_OK) {
        goto out;
    }
    reply->transfer = answered_send(&run, aver_buf_view(&sealed), enc_hex);
    if (reply->status == 0) {
        err = reply->transfer == AVER_OK ? AVER_E_PEER : reply->transfer;
        goto out;
    }
    if (!reply->streamed) {
        answered_take_whole(reply);
    }
    if (!answered_unproven(&run)) {
        err = answered_judge(&run);
    }

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

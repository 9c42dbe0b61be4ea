/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/sys.h"
#include "cli/session.h"

#include <string.h>

/* Reads the text of an answer while it comes. */
typedef struct asking {
    aver_answered *reply;
    aver_endpoint endpoint;
    aver_session_text_fn *on_text;
    void *context;
} asking;

static aver_err asking_on_event(const aver_stream_item *item, void *context)
{
    const asking *run = context;
    aver_buf *text = &run->reply->text;
    size_t before = text->size;
    aver_err err = aver_answer_event(item->value, run->endpoint, text, run->reply->error);
    if (err == AVER_OK && run->on_text != NULL && text->size > before) {
        run->on_text(aver_view_make(text->data + before, text->size - before), run->context);
    }
    return err;
}

static void asking_take_whole(const asking *run)
{
    aver_answered *reply = run->reply;
    if (reply->status != 200 || reply->streamed ||
        aver_answer_body(aver_buf_view(&reply->response), run->endpoint, &reply->text,
                         reply->error) != AVER_OK) {
        return;
    }
    if (run->on_text != NULL && reply->text.size > 0) {
        run->on_text(aver_buf_view(&reply->text), run->context);
    }
}

static aver_err asking_encode(const aver_session *session, const aver_question *question,
                              aver_answered *reply)
{
    uint64_t left_ms = aver_remote_left_ms(&session->remote);
    aver_question_claims claims = {.deadline_ms = aver_time_wall_ms()};
    claims.deadline_ms += left_ms > AVER_ANSWERED_DEADLINE_MS ? left_ms : AVER_ANSWERED_DEADLINE_MS;
    aver_random(reply->nonce, sizeof reply->nonce);
    memcpy(claims.nonce, reply->nonce, sizeof claims.nonce);
    memcpy(claims.keyset_digest, session->judged.keyset_digest, sizeof claims.keyset_digest);
    memcpy(claims.evidence_digest, session->judged.evidence_digest, sizeof claims.evidence_digest);
    return aver_question_encode(question, &claims, &reply->request);
}

aver_err aver_session_ask(aver_session *session, const aver_question *question,
                          aver_session_text_fn *on_text, void *context, aver_answered *ret_reply)
{
    AVER_ASSERT(session->accepted);
    asking run = {
        .reply = ret_reply, .endpoint = question->endpoint, .on_text = on_text, .context = context};
    aver_posting posting = {.path = aver_answer_path(question->endpoint),
                            .has_nonce = true,
                            .has_seed = true,
                            .seed = question->seed,
                            .on_event = asking_on_event,
                            .context = &run};
    aver_err err = asking_encode(session, question, ret_reply);
    if (err == AVER_OK) {
        err = aver_answered_post(session, &session->remote, &posting, ret_reply);
    }
    if (err == AVER_OK) {
        asking_take_whole(&run);
    }
    return err;
}

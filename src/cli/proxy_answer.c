/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proxy_answer.h"

#include "base/sys.h"
#include "cli/proxy_tokens.h"
#include "codec/text.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_OUTCOME_BYTES_MAX (32u * 1024)
#define ANSWER_RECEIPT_TEXT_MAX  (2u * AVER_RECEIPT_BYTES_MAX)
#define ANSWER_STATUS_GOOD       200u /* the one that a good receipt signs */

static void answer_headers(aver_proxy_answer *answer, const char *verdict)
{
    aver_proxy_job_header(answer->job, "Aver-Verdict", verdict);
    aver_proxy_job_header(answer->job, "Aver-Checks", answer->record.checks);
    aver_proxy_job_header(answer->job, "Cache-Control", "no-store");
    if (answer->record.capsule[0] != '\0') {
        aver_proxy_job_header(answer->job, "Aver-Capsule", answer->record.capsule);
    }
}

static void answer_receipt_header(aver_proxy_answer *answer)
{
    aver_buf text;
    aver_buf_init(&text, ANSWER_RECEIPT_TEXT_MAX);
    if (answer->reply.receipt.size > 0) {
        aver_base64url_append(&text, aver_buf_view(&answer->reply.receipt));
        aver_buf_append_byte(&text, 0);
        if (aver_buf_status(&text) == AVER_OK) {
            aver_proxy_job_header(answer->job, "Aver-Receipt", (const char *)text.data);
        }
    }
    aver_buf_deinit(&text);
}

aver_err aver_proxy_answer_on_head(const aver_response *response, void *context)
{
    aver_proxy_answer *answer = context;
    const char *type = aver_client_header(response->client, "Content-Type");
    const char *retry = aver_client_header(response->client, "Retry-After");
    (void)snprintf(answer->type, sizeof answer->type, "%s",
                   type != NULL ? type : "application/json");
    (void)snprintf(answer->retry_after, sizeof answer->retry_after, "%s",
                   retry != NULL ? retry : "");
    if (!answer->reply.streamed) {
        return AVER_OK;
    }
    if (response->status != 200) {
        return AVER_E_PEER;
    }
    aver_proxy_relay_init(&answer->relay, answer->job, answer->facts.choices,
                          answer->proxy->options->hold, answer->proxy->response_bytes_max);
    if (!answer->relay.hold) {
        aver_proxy_checks_text(&answer->node->session->verdict, answer->record.checks);
        answer_headers(answer, "pending");
        aver_proxy_relay_begin(&answer->relay);
    }
    return AVER_OK;
}

aver_err aver_proxy_answer_on_event(const aver_stream_item *item, void *context)
{
    aver_proxy_answer *answer = context;
    return aver_proxy_relay_event(&answer->relay, item);
}

static void answer_record(aver_proxy_answer *answer, uint32_t status)
{
    aver_proxy_record *record = &answer->record;
    record->at_ms = aver_time_wall_ms();
    record->status = atomic_load(&answer->job->gone) ? 0 : status;
    record->duration_ms = (aver_time_monotonic_ns() - answer->job->begun_ns) / 1000000;
    record->prompt_tokens = answer->reply.fields.prompt_tokens;
    record->generated_tokens = answer->reply.fields.generated_tokens;
    (void)snprintf(record->path, sizeof record->path, "%.63s", answer->job->path);
    (void)snprintf(record->model, sizeof record->model, "%s", answer->facts.model);
    aver_proxy_records_add(&answer->proxy->records, record);
}

void aver_proxy_answer_say(aver_proxy_answer *answer, const aver_proxy_refusal *refusal)
{
    if (answer->record.outcome == 0) {
        answer->record.outcome = AVER_PROXY_NONE;
    }
    aver_proxy_job_header(answer->job, "Aver-Verdict",
                          aver_proxy_outcome_text(answer->record.outcome));
    aver_proxy_say(answer->job, refusal);
    answer_record(answer, refusal->status);
}

void aver_proxy_answer_refuse(aver_proxy_answer *answer, const char *check, const char *why)
{
    aver_proxy_refusal refusal = {.status = 502, .code = "verification_failed", .param = check};
    (void)snprintf(refusal.message, sizeof refusal.message, "Verification failed at %s: %.180s",
                   check, why);
    (void)snprintf(answer->record.why, sizeof answer->record.why, "%s: %.300s", check, why);
    answer->record.outcome = AVER_PROXY_REFUSED;
    /* The same request would only be answered, and paid for, once more. */
    aver_proxy_job_header(answer->job, "X-Should-Retry", "false");
    if (answer->record.checks[0] != '\0') {
        aver_proxy_job_header(answer->job, "Aver-Checks", answer->record.checks);
    }
    if (answer->record.capsule[0] != '\0') {
        aver_proxy_job_header(answer->job, "Aver-Capsule", answer->record.capsule);
    }
    aver_proxy_answer_say(answer, &refusal);
}

/* The check in the way of an answer, and words about it. */
static const char *answer_fault(const aver_proxy_answer *answer, char ret_check[64])
{
    const aver_answered *reply = &answer->reply;
    if (!reply->sealed) {
        (void)snprintf(ret_check, 64, "channel.seal");
        return "the answer is not sealed";
    }
    if (reply->transfer == AVER_E_PROOF) {
        (void)snprintf(ret_check, 64, "channel.seal");
        return "a sealed piece was changed on its way";
    }
    if (reply->transfer == AVER_E_LIMIT) {
        (void)snprintf(ret_check, 64, "receipt.response");
        return "the answer is larger than this proxy takes";
    }
    if (reply->verdict.count == 0) {
        (void)snprintf(ret_check, 64, "receipt.format");
        return "there is no receipt, and no whole answer";
    }
    aver_proxy_check_name(reply->why, ret_check);
    return reply->why;
}

/* Where there is something signed. The mark is the answer's own: no two seals have one enc. */
static void answer_store(aver_proxy_answer *answer)
{
    const aver_answered *reply = &answer->reply;
    aver_buf bytes;
    if (answer->proxy->store == NULL || (reply->receipt.size == 0 && reply->opening.size == 0)) {
        return;
    }
    aver_buf_init(&bytes, AVER_CAPSULE_BYTES_MAX);
    aver_err err = aver_answered_capsule(answer->node->session, reply, &bytes);
    if (err == AVER_OK) {
        err = aver_proxy_store_put(answer->proxy->store, reply->enc, aver_buf_view(&bytes),
                                   answer->record.capsule);
    }
    if (err != AVER_OK) {
        (void)snprintf(answer->record.capsule, sizeof answer->record.capsule, "%s",
                       AVER_PROXY_CAPSULE_NOT_STORED);
    }
    aver_buf_wipe(&bytes);
    aver_buf_deinit(&bytes);
}

static void answer_put_comments(const aver_proxy_answer *answer, aver_buf *out)
{
    aver_buf_append_format(out, ": aver-verdict %s %s\n\n",
                           aver_proxy_outcome_text(answer->record.outcome), answer->record.checks);
    if (answer->record.capsule[0] != '\0') {
        aver_buf_append_format(out, ": aver-capsule %s\n\n", answer->record.capsule);
    }
    if (answer->reply.receipt.size > 0) {
        aver_stream_put_comment(out, AVER_STREAM_COMMENT_RECEIPT,
                                aver_buf_view(&answer->reply.receipt));
    }
}

static void answer_put_fault(const aver_proxy_answer *answer, aver_buf *out)
{
    char check[64];
    char message[AVER_ANSWER_ERROR_BYTES_MAX];
    const char *why = answer_fault(answer, check);
    (void)snprintf(message, sizeof message, "Verification failed at %s: %.180s", check, why);
    aver_buf_append_text(out, answer->relay.named ? "event: error\ndata: " : "data: ");
    aver_error_body(out, 502, "verification_failed", check, message);
    aver_buf_append_text(out, "\n\n");
}

/* What an honest node's receipt of a failure fails, and nothing else. */
static bool answer_failure_check(const char *name)
{
    return strcmp(name, "receipt.finish") == 0 || strcmp(name, "receipt.class") == 0;
}

/* The node said itself that it failed, and proved it. */
static bool answer_failed_well(const aver_proxy_answer *answer)
{
    const aver_verdict *verdict = &answer->reply.verdict;
    for (size_t i = 0; i < verdict->count; i++) {
        if (verdict->checks[i].status == AVER_CHECK_FAIL &&
            !answer_failure_check(verdict->checks[i].name)) {
            return false;
        }
    }
    return answer->relay.failed && answer->reply.receipt.size > 0;
}

static void answer_finish_stream(aver_proxy_answer *answer)
{
    bool accepted = answer->reply.accepted;
    bool pass = accepted || answer_failed_well(answer);
    aver_buf outcome;
    aver_buf_init(&outcome, ANSWER_OUTCOME_BYTES_MAX);
    answer_put_comments(answer, &outcome);
    if (!pass) {
        answer_put_fault(answer, &outcome);
    } else if (accepted && !answer->relay.named) {
        aver_buf_append_text(&outcome, "data: [DONE]\n\n");
    }
    aver_proxy_relay_end(&answer->relay, pass, !accepted, aver_buf_view(&outcome));
    aver_buf_deinit(&outcome);
    answer_record(answer, 200);
}

void aver_proxy_answer_abandon(aver_proxy_answer *answer, const char *why)
{
    answer->record.outcome = AVER_PROXY_NONE;
    (void)snprintf(answer->record.why, sizeof answer->record.why, "%s", why);
    aver_proxy_relay_end(&answer->relay, false, true, (aver_view){NULL, 0});
    answer_record(answer, ANSWER_STATUS_GOOD);
}

static void answer_refuse_whole(aver_proxy_answer *answer)
{
    char check[64];
    const char *why = answer_fault(answer, check);
    aver_proxy_answer_refuse(answer, check, why);
}

static void answer_finish_whole(aver_proxy_answer *answer)
{
    const aver_answered *reply = &answer->reply;
    if (answer->record.outcome == AVER_PROXY_REFUSED) {
        answer_refuse_whole(answer);
        return;
    }
    answer_headers(answer, aver_proxy_outcome_text(answer->record.outcome));
    answer_receipt_header(answer);
    aver_proxy_job_reply(answer->job, ANSWER_STATUS_GOOD, answer->type,
                         aver_buf_view(&reply->response));
    answer_record(answer, ANSWER_STATUS_GOOD);
}

/* What is neither success nor error is nothing that a node says. */
static uint32_t answer_error_status(const aver_answered *reply)
{
    return reply->status >= 400 && reply->status < 600 ? reply->status : 502;
}

/* No answer. Its words come from the node only if seal or judged connection say so. */
static void answer_finish_error(aver_proxy_answer *answer)
{
    const aver_answered *reply = &answer->reply;
    uint32_t status = answer_error_status(reply);
    answer->record.outcome = reply->receipt.size > 0 ? AVER_PROXY_REFUSED : AVER_PROXY_NONE;
    if (reply->receipt.size == 0) {
        aver_proxy_checks_text(&answer->node->session->verdict, answer->record.checks);
    }
    (void)snprintf(answer->record.why, sizeof answer->record.why, "%s", reply->error);
    if (answer->retry_after[0] != '\0') {
        aver_proxy_job_header(answer->job, "Retry-After", answer->retry_after);
    }
    if (!reply->sealed && !answer->worker->remote.has_tls) {
        aver_proxy_refusal refusal = {.status = status, .code = "unsealed_error"};
        (void)snprintf(refusal.message, sizeof refusal.message,
                       "The node, or whoever carried its bytes, answered %u.", reply->status);
        aver_proxy_answer_say(answer, &refusal);
        return;
    }
    answer_headers(answer, aver_proxy_outcome_text(answer->record.outcome));
    answer_receipt_header(answer);
    aver_proxy_job_reply(answer->job, status, answer->type, aver_buf_view(&reply->response));
    answer_record(answer, status);
}

/* No seal covers the status: whoever carries the bytes can call an error of the node a success. */
static bool answer_is_error(const aver_answered *reply)
{
    static const char error[] = "{\"error\":";
    return reply->response.size >= sizeof error - 1 &&
           memcmp(reply->response.data, error, sizeof error - 1) == 0;
}

/* What the verdict says, for headers, comments and page. */
static void answer_judge(aver_proxy_answer *answer)
{
    const aver_answered *reply = &answer->reply;
    aver_proxy_record *record = &answer->record;
    bool success = reply->status >= 200 && reply->status < 300;
    bool unproven = answer->route.unproven && reply->sealed && reply->receipt.size == 0 &&
                    reply->transfer == AVER_OK && !(success && answer_is_error(reply));
    record->outcome = reply->accepted ? AVER_PROXY_ACCEPTED
                      : unproven      ? AVER_PROXY_NONE
                                      : AVER_PROXY_REFUSED;
    aver_proxy_checks_text(unproven ? &answer->node->session->verdict : &reply->verdict,
                           record->checks);
    if (record->outcome == AVER_PROXY_REFUSED) {
        char check[64];
        const char *why = answer_fault(answer, check);
        (void)snprintf(record->why, sizeof record->why, "%s: %.300s", check, why);
    }
}

void aver_proxy_answer_finish(aver_proxy_answer *answer)
{
    const aver_answered *reply = &answer->reply;
    bool success = reply->status >= 200 && reply->status < 300;
    answer_judge(answer);
    if (atomic_load(&answer->job->gone)) {
        answer->record.outcome = AVER_PROXY_NONE;
        (void)snprintf(answer->record.why, sizeof answer->record.why, "the client went away");
        answer_record(answer, 0);
        return;
    }
    if (answer->proxy->store != NULL && reply->accepted && reply->tokens.size == 0) {
        aver_proxy_tokens_fetch(answer);
    }
    answer_store(answer);
    if (!success) {
        answer_finish_error(answer);
    } else if (reply->streamed && answer->relay.begun) {
        answer_finish_stream(answer);
    } else if (reply->streamed && reply->accepted) {
        answer_headers(answer, "accepted");
        answer_receipt_header(answer);
        aver_proxy_relay_begin(&answer->relay);
        answer_finish_stream(answer);
    } else {
        answer_finish_whole(answer);
    }
}

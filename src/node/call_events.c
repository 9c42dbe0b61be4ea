/* SPDX-License-Identifier: Apache-2.0 */
/* call_events: what an engine says of a job, and whether it may say that now. */
#include "base/sys.h"
#include "codec/text.h"
#include "crypto/hash.h"
#include "engine/speech.h"
#include "node/bodies.h"
#include "node/call.h"
#include "node/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_PIECE_BYTES_MAX  4096u
#define EVENT_REASON_BYTES_MAX 240u
#define EVENT_ID_BYTES         12 /* of the digest that a call is named by */

static bool event_token_valid(const aver_call *call, int32_t token)
{
    return token >= 0 && (uint32_t)token < call->model->info.vocabulary_size;
}

static bool event_text_valid(aver_view text)
{
    return text.size <= AVER_LINK_TEXT_BYTES_MAX && aver_utf8_valid(text);
}

/* The choice of an event, or NULL if it names none that goes on. */
static aver_choice *event_choice(aver_call *call, const aver_event *event)
{
    if (call->phase != AVER_CALL_STARTED || !aver_call_generates(call) ||
        event->choice >= call->choices_count || call->choices[event->choice].ended) {
        return NULL;
    }
    return &call->choices[event->choice];
}

static bool started_valid(const aver_call *call, const aver_event *event)
{
    size_t count_max =
        aver_call_generates(call) ? call->model->info.context_tokens : AVER_TOKENS_MAX;
    bool reads = aver_call_generates(call) || call->job.endpoint == AVER_ENDPOINT_EMBEDDINGS;

    if (call->phase != AVER_CALL_SUBMITTED || event->prompt_count > count_max ||
        event->cached_count > event->prompt_count || (reads && event->prompt_count == 0)) {
        return false;
    }
    for (size_t i = 0; i < event->prompt_count; i++) {
        if (!event_token_valid(call, event->prompt_ids[i])) {
            return false;
        }
    }
    return true;
}

aver_err aver_call_started(aver_call *call, const aver_event *event)
{
    if (!started_valid(call, event)) {
        return AVER_E_PEER;
    }
    call->prompt = malloc((event->prompt_count + 1) * sizeof(*call->prompt));
    if (call->prompt == NULL) {
        return AVER_E_NOMEM;
    }
    if (event->prompt_count > 0) {
        memcpy(call->prompt, event->prompt_ids, event->prompt_count * sizeof(*call->prompt));
    }
    call->prompt_count = event->prompt_count;
    call->cached_count = event->cached_count;
    call->read_count = event->cached_count;
    call->phase = AVER_CALL_STARTED;
    return call->job.stream && call->exchange != NULL ? aver_call_stream_begin(call) : AVER_OK;
}

/* It grows, and ends before the prompt does: so an engine can say it only so often. */
aver_err aver_call_read(aver_call *call, const aver_event *event)
{
    if (call->phase != AVER_CALL_STARTED || !aver_call_generates(call) ||
        aver_call_generated(call) > 0 || event->read_count <= call->read_count ||
        event->read_count >= call->prompt_count) {
        return AVER_E_PEER;
    }
    call->read_count = event->read_count;
    return AVER_OK;
}

/* The one drawn first, then others by falling probability, no more than were asked for. */
static bool logprobs_valid(const aver_call *call, const aver_event *event)
{
    size_t count = event->logprobs_count;

    if (!call->job.has_logprobs) {
        return count == 0;
    }
    if (count == 0 || count > call->job.top_logprobs + 1u ||
        event->logprobs[0].token != event->token) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const aver_logprob *logprob = &event->logprobs[i];

        if (!event_token_valid(call, logprob->token) ||
            logprob->piece.size > EVENT_PIECE_BYTES_MAX ||
            (i > 1 && logprob->logprob_ppm > event->logprobs[i - 1].logprob_ppm)) {
            return false;
        }
    }
    return true;
}

/* Tokenize with pieces: one token for each id of the prompt. */
static aver_err event_piece(aver_call *call, const aver_event *event)
{
    if (call->phase != AVER_CALL_STARTED || call->job.endpoint != AVER_ENDPOINT_TOKENIZE ||
        !call->job.has_logprobs || event->choice != 0 || event->text.size != 0 ||
        call->parts >= call->prompt_count || event->token != call->prompt[call->parts] ||
        event->logprobs_count != 1 || event->logprobs[0].token != event->token ||
        event->logprobs[0].piece.size > EVENT_PIECE_BYTES_MAX) {
        return AVER_E_PEER;
    }
    call->parts++;
    aver_bodies_put_piece(event->token, event->logprobs[0].piece, &call->text);
    return AVER_OK;
}

aver_err aver_call_token(aver_call *call, const aver_event *event)
{
    if (!aver_call_generates(call)) {
        return event_piece(call, event);
    }
    aver_choice *choice = event_choice(call, event);

    if (choice == NULL || choice->call_cut || !event_token_valid(call, event->token) ||
        !event_text_valid(event->text) || !logprobs_valid(call, event) ||
        choice->count >= call->model->info.context_tokens) {
        return AVER_E_PEER;
    }
    aver_err err = aver_choice_add_token(choice, event->token);
    if (err != AVER_OK) {
        return err;
    }
    if (call->first_token_ns == 0) {
        call->first_token_ns = aver_time_monotonic_ns();
    }
    aver_call_say_piece(call, &(aver_openai_piece){.choice = event->choice,
                                                   .text = event->text,
                                                   .logprobs = event->logprobs,
                                                   .logprobs_count = event->logprobs_count});
    return AVER_OK;
}

/* True if the request has a tool of this name. */
static bool called_known(const aver_call *call, aver_view name)
{
    for (size_t i = 0; i < json_array_size(call->tools); i++) {
        const json_t *function = json_object_get(json_array_get(call->tools, i), "function");

        if (aver_view_equal_text(name, json_string_value(json_object_get(function, "name")))) {
            return true;
        }
    }
    return false;
}

static bool called_allowed(const aver_call *call, aver_view name)
{
    switch (call->job.tool_choice) {
    case AVER_TOOL_CHOICE_NONE:
        return false;
    case AVER_TOOL_CHOICE_NAMED:
        return aver_view_equal_text(name, call->job.tool_name);
    case AVER_TOOL_CHOICE_AUTO:
    case AVER_TOOL_CHOICE_REQUIRED:
        break;
    }
    return called_known(call, name);
}

/* "call_" and the first 24 hex digits of SHA-256("aver/call/1" || receipt id || u32be choice ||
 * u32be index). */
static void called_id(const aver_call *call, const aver_event *event,
                      char ret_id[static AVER_OPENAI_CALL_ID_BYTES])
{
    uint8_t place[8];
    uint8_t digest[AVER_SHA256_BYTES];

    aver_be32_write(place, event->choice);
    aver_be32_write(place + 4, event->call_index);
    aver_sha256_tagged("aver/call/1", AVER_VIEW_OF(call->receipt.receipt_id), AVER_VIEW_OF(place),
                       digest);
    memcpy(ret_id, "call_", 5);
    aver_hex_encode(aver_view_make(digest, EVENT_ID_BYTES), ret_id + 5);
}

aver_err aver_call_called(aver_call *call, const aver_event *event)
{
    aver_choice *choice = event_choice(call, event);
    aver_openai_call said = {.choice = event->choice,
                             .index = event->call_index,
                             .name = event->call_name,
                             .arguments = event->call_arguments};

    if (choice == NULL || call->tools == NULL || choice->call_cut ||
        event->call_index != choice->calls_count ||
        (event->call_index > 0 && !call->job.parallel_tool_calls) ||
        !called_allowed(call, event->call_name) ||
        !aver_speech_arguments_valid(event->call_arguments, &said.cut)) {
        return AVER_E_PEER;
    }
    choice->calls_count++;
    choice->call_cut = said.cut;
    called_id(call, event, said.id);
    aver_call_say_call(call, &said);
    return AVER_OK;
}

aver_err aver_call_choice(aver_call *call, const aver_event *event)
{
    aver_choice *choice = event_choice(call, event);

    if (choice == NULL || event->generated_count != choice->count ||
        !event_text_valid(event->text) ||
        (event->finish == AVER_FINISH_TOOL && choice->calls_count == 0) ||
        (event->finish != AVER_FINISH_LENGTH && choice->call_cut)) {
        return AVER_E_PEER;
    }
    choice->ended = true;
    choice->finish = event->finish;
    aver_call_say_piece(call, &(aver_openai_piece){.choice = event->choice, .text = event->text});
    aver_call_say_choice(call, event->choice);
    return AVER_OK;
}

aver_err aver_call_vector(aver_call *call, const aver_event *event)
{
    if (call->phase != AVER_CALL_STARTED || call->job.endpoint != AVER_ENDPOINT_EMBEDDINGS ||
        event->choice != call->parts || call->parts >= call->job.inputs_count ||
        event->vector_count == 0 || event->vector_count != call->model->info.vector_size) {
        return AVER_E_PEER;
    }
    call->parts++;
    if (call->exchange != NULL) {
        aver_bodies_put_vector(event->choice, event->vector, event->vector_count,
                               call->job.base64_vectors, &call->text);
    }
    return AVER_OK;
}

aver_err aver_call_text(aver_call *call, const aver_event *event)
{
    bool expected = call->job.endpoint == AVER_ENDPOINT_DETOKENIZE ||
                    call->job.endpoint == AVER_ENDPOINT_APPLY_TEMPLATE;

    if (call->phase != AVER_CALL_STARTED || !expected || event->text.size == 0 ||
        !event_text_valid(event->text)) {
        return AVER_E_PEER;
    }
    aver_buf_append(&call->text, event->text);
    return aver_buf_status(&call->text);
}

/* Everything that was asked for came. */
static bool done_complete(const aver_call *call, aver_finish finish)
{
    aver_finish highest = AVER_FINISH_STOP;

    if (call->job.endpoint == AVER_ENDPOINT_EMBEDDINGS) {
        return finish == AVER_FINISH_STOP && call->parts == call->job.inputs_count;
    }
    if (!aver_call_generates(call)) {
        bool pieces = call->job.endpoint == AVER_ENDPOINT_TOKENIZE && call->job.has_logprobs;

        return finish == AVER_FINISH_STOP && (!pieces || call->parts == call->prompt_count);
    }
    for (size_t i = 0; i < call->choices_count; i++) {
        if (!call->choices[i].ended) {
            return false;
        }
        highest = call->choices[i].finish > highest ? call->choices[i].finish : highest;
    }
    return finish == highest;
}

static bool done_valid(const aver_call *call, const aver_event *event)
{
    if (event->finish == AVER_FINISH_ABORTED) {
        return call->cancelled;
    }
    return event->generated_count == aver_call_generated(call) &&
           (event->finish == AVER_FINISH_ERROR ||
            (call->phase == AVER_CALL_STARTED && done_complete(call, event->finish)));
}

/* An answer of profile verified that nobody could compute again is none; where nothing is computed
 * there is no digest. */
static bool done_digest_valid(const aver_call *call, const aver_event *event)
{
    bool computes = aver_call_generates(call) || call->job.endpoint == AVER_ENDPOINT_EMBEDDINGS;

    if (!computes) {
        return !event->has_step_digest;
    }
    return event->has_step_digest || event->finish == AVER_FINISH_ERROR ||
           event->finish == AVER_FINISH_ABORTED ||
           call->model->info.profile != AVER_PROFILE_VERIFIED;
}

aver_err aver_call_done(aver_call *call, const aver_event *event)
{
    if (!done_valid(call, event) || !done_digest_valid(call, event)) {
        return AVER_E_PEER;
    }
    if (event->finish == AVER_FINISH_ERROR) {
        aver_call_fail(call, 500, "engine_failed", "The engine could not finish this answer.");
        return AVER_OK;
    }
    call->receipt.has_step_digest = event->has_step_digest;
    memcpy(call->receipt.step_digest, event->step_digest, 32);
    /* Whoever went away has not got this answer, even if the engine was faster than the cancel. */
    aver_call_end(call, call->exchange == NULL ? AVER_FINISH_ABORTED : event->finish);
    return AVER_OK;
}

aver_err aver_call_refused(aver_call *call, const aver_event *event)
{
    char message[EVENT_REASON_BYTES_MAX + 1];
    size_t size =
        event->text.size < EVENT_REASON_BYTES_MAX ? event->text.size : EVENT_REASON_BYTES_MAX;

    if (call->phase != AVER_CALL_SUBMITTED || !event_text_valid(event->text)) {
        return AVER_E_PEER;
    }
    (void)snprintf(message, sizeof(message), "%.*s",
                   (int)aver_utf8_complete(aver_view_slice(event->text, 0, size)),
                   (const char *)event->text.data);
    aver_call_refuse(call, message);
    return AVER_OK;
}

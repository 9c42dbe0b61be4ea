/* SPDX-License-Identifier: Apache-2.0 */
/* call_say: an answer in the words of its endpoint, piece by piece or whole. */
#include "base/sys.h"
#include "node/bodies.h"
#include "node/call.h"
#include "node/keeper.h"
#include "node/logprobs.h"

#include <string.h>

#define SAY_BYTES_MAX AVER_CALL_BODY_BYTES_MAX
/* The last events of a response repeat all of it: they leave one by one, not at once. */
#define SAY_FLUSH_BYTES (1024u * 1024)

static bool say_responds(const aver_call *call)
{
    return call->job.endpoint == AVER_ENDPOINT_RESPONSES;
}

aver_err aver_call_say_init(aver_call *call)
{
    uint64_t created_s = aver_time_wall_ms() / 1000;
    aver_err err = AVER_OK;

    if (call->job.tools.size != 0) {
        err = aver_json_parse(aver_buf_view(&call->job.tools), AVER_JOB_TOOLS_BYTES_MAX,
                              &call->tools, NULL);
    }
    if (err != AVER_OK) {
        return err;
    }
    if (say_responds(call)) {
        aver_responses_init(&call->reply,
                            &(aver_responses_options){.job = &call->job,
                                                      .tools = call->tools,
                                                      .model = call->model->name,
                                                      .created_s = created_s},
                            SAY_BYTES_MAX);
        return AVER_OK;
    }
    aver_openai_options options = {.endpoint = call->job.endpoint,
                                   .model = call->model->name,
                                   .fingerprint = call->model->fingerprint,
                                   .created_s = created_s,
                                   .include_usage = call->job.include_usage};
    aver_random(options.id, sizeof(options.id));
    return aver_openai_init(&call->answer, &options);
}

void aver_call_say_deinit(aver_call *call)
{
    json_decref(call->tools);
    aver_openai_deinit(&call->answer);
    aver_responses_deinit(&call->reply);
}

/* Moves the events of a response into the stream, each a leaf. */
static void say_drain(aver_call *call)
{
    aver_buf *events = &call->reply.events;
    aver_buf *plain = &call->stream.plain;
    aver_view rest = aver_buf_view(events);
    size_t size;

    while (aver_call_stream_heard(call) && (size = aver_stream_event_size(rest)) != 0) {
        size_t start = plain->size;

        aver_buf_append(plain, aver_view_slice(rest, 0, size));
        aver_call_stream_close(call, start);
        rest = aver_view_slice(rest, size, rest.size - size);
        if (plain->size >= SAY_FLUSH_BYTES) {
            aver_call_stream_flush(call);
        }
    }
    if (aver_responses_status(&call->reply) != AVER_OK) {
        plain->failure = aver_responses_status(&call->reply);
    }
    aver_buf_clear(events);
}

void aver_call_say_begin(aver_call *call)
{
    aver_buf *plain = &call->stream.plain;

    if (say_responds(call)) {
        aver_responses_begin(&call->reply);
        say_drain(call);
    } else if (call->job.endpoint == AVER_ENDPOINT_CHAT) {
        for (uint32_t i = 0; i < call->choices_count; i++) {
            size_t start = plain->size;

            aver_openai_put_role(&call->answer, i, plain);
            aver_call_stream_close(call, start);
        }
    }
}

static void say_keep(aver_choice *choice, const aver_openai_piece *piece)
{
    aver_buf_append(&choice->text, piece->text);
    if (piece->logprobs_count > 0) {
        aver_logprobs_store(&choice->logprobs, piece->logprobs, piece->logprobs_count);
    }
}

void aver_call_say_piece(aver_call *call, const aver_openai_piece *piece)
{
    aver_choice *choice = &call->choices[piece->choice];
    size_t start = call->stream.plain.size;

    if (call->exchange == NULL || (piece->text.size == 0 && piece->logprobs_count == 0)) {
        return;
    }
    if (say_responds(call)) {
        aver_responses_add(&call->reply, piece);
        say_drain(call);
    } else if (call->stream.open) {
        aver_openai_put_piece(&call->answer, piece, &choice->characters, &call->stream.plain);
        aver_call_stream_close(call, start);
    } else {
        say_keep(choice, piece);
    }
}

void aver_call_say_call(aver_call *call, const aver_openai_call *said)
{
    size_t start = call->stream.plain.size;

    if (call->exchange == NULL) {
        return;
    }
    if (say_responds(call)) {
        /* The message before the call ends here, and its logprobs are told again. */
        if (call->stream.open) {
            aver_exchange_stream_bounded(call->exchange);
        }
        aver_responses_call(&call->reply, said);
        say_drain(call);
    } else if (call->stream.open) {
        aver_openai_put_call(&call->answer, said, &call->stream.plain);
        aver_call_stream_close(call, start);
    } else {
        aver_openai_put_call_item(said, &call->choices[said->choice].calls);
    }
}

void aver_call_say_choice(aver_call *call, uint32_t choice)
{
    size_t start = call->stream.plain.size;

    if (!say_responds(call) && aver_call_stream_heard(call)) {
        aver_openai_put_finish(&call->answer, choice, call->choices[choice].finish,
                               &call->stream.plain);
        aver_call_stream_close(call, start);
    }
}

static aver_usage say_usage(const aver_call *call)
{
    return (aver_usage){.prompt_tokens = call->prompt_count,
                        .cached_tokens = call->cached_count,
                        .generated_tokens = aver_call_generated(call)};
}

static void say_error(aver_call *call, const char *code, const char *message)
{
    aver_buf *plain = &call->stream.plain;
    size_t start = plain->size;

    aver_buf_append_text(plain, "data: ");
    aver_error_body(plain, 500, code, NULL, message);
    aver_buf_append_text(plain, "\n\n");
    aver_call_stream_close(call, start);
}

void aver_call_say_end(aver_call *call, aver_finish finish, const char *code, const char *message)
{
    aver_usage usage = say_usage(call);
    size_t start = call->stream.plain.size;

    if (say_responds(call)) {
        if (finish == AVER_FINISH_ERROR) {
            aver_responses_fail(&call->reply, code, message);
        } else {
            aver_responses_finish(&call->reply, finish, &usage);
        }
        say_drain(call);
    } else if (finish == AVER_FINISH_ERROR) {
        say_error(call, code, message);
    } else if (call->job.include_usage) {
        aver_openai_put_usage(&call->answer, &usage, &call->stream.plain);
        aver_call_stream_close(call, start);
    }
}

static void say_tokens(const aver_call *call, aver_buf *out)
{
    if (call->job.has_logprobs) {
        aver_bodies_put_pieces(aver_buf_view(&call->text), out);
    } else {
        aver_bodies_put_tokens(call->prompt, call->prompt_count, out);
    }
}

aver_err aver_call_say_whole(aver_call *call, aver_finish finish, aver_buf *out)
{
    aver_usage usage = say_usage(call);
    aver_err err = aver_buf_status(&call->text);

    for (size_t i = 0; i < call->choices_count && err == AVER_OK; i++) {
        err = aver_choice_status(&call->choices[i]);
    }
    switch (call->job.endpoint) {
    case AVER_ENDPOINT_CHAT:
    case AVER_ENDPOINT_COMPLETION:
        aver_openai_put_whole(&call->answer, call->choices, call->choices_count,
                              call->job.has_logprobs, &usage, out);
        break;
    case AVER_ENDPOINT_RESPONSES:
        aver_responses_finish(&call->reply, finish, &usage);
        aver_responses_put_whole(&call->reply, finish, &usage, out);
        err = err == AVER_OK ? aver_responses_status(&call->reply) : err;
        break;
    case AVER_ENDPOINT_EMBEDDINGS:
        aver_bodies_put_embeddings(aver_buf_view(&call->text), call->model->name,
                                   call->prompt_count, out);
        break;
    case AVER_ENDPOINT_TOKENIZE:
        say_tokens(call, out);
        break;
    case AVER_ENDPOINT_DETOKENIZE:
        aver_bodies_put_text("content", aver_buf_view(&call->text), out);
        break;
    case AVER_ENDPOINT_APPLY_TEMPLATE:
        aver_bodies_put_text("prompt", aver_buf_view(&call->text), out);
        break;
    }
    return err == AVER_OK ? aver_buf_status(out) : err;
}

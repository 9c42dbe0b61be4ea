/* SPDX-License-Identifier: Apache-2.0 */
#include "node/openai.h"

#include "codec/json.h"
#include "codec/text.h"
#include "node/logprobs.h"

#include <inttypes.h>

#define OPENAI_STEP_BYTES_MAX (2u * 1024 * 1024)

static bool openai_is_chat(const aver_openai *answer)
{
    return answer->options.endpoint == AVER_ENDPOINT_CHAT;
}

/* {"id":...,"object":...,"created":...,"model":...,"system_fingerprint":...,"choices":[ */
static void openai_put_head(const aver_openai_options *options, const char *object, aver_buf *out)
{
    aver_buf_append_text(out, options->endpoint == AVER_ENDPOINT_CHAT ? "{\"id\":\"chatcmpl-"
                                                                      : "{\"id\":\"cmpl-");
    aver_hex_append(out, AVER_VIEW_OF(options->id));
    aver_buf_append_format(out, "\",\"object\":\"%s\",\"created\":%" PRIu64 ",\"model\":", object,
                           options->created_s);
    aver_json_append_string(out, aver_view_text(options->model));
    aver_buf_append_text(out, ",\"system_fingerprint\":");
    aver_json_append_string(out, aver_view_text(options->fingerprint));
    aver_buf_append_text(out, ",\"choices\":[");
}

aver_err aver_openai_init(aver_openai *answer, const aver_openai_options *options)
{
    bool chat = options->endpoint == AVER_ENDPOINT_CHAT;

    answer->options = *options;
    aver_buf_init(&answer->prefix, AVER_OPENAI_PREFIX_BYTES_MAX);
    aver_buf_append_text(&answer->prefix, "data: ");
    openai_put_head(options, chat ? "chat.completion.chunk" : "text_completion", &answer->prefix);
    aver_err err = aver_buf_status(&answer->prefix);
    if (err != AVER_OK) {
        aver_buf_deinit(&answer->prefix);
    }
    return err;
}

void aver_openai_deinit(aver_openai *answer)
{
    aver_buf_deinit(&answer->prefix);
}

/* Opens an event's one choice. */
static void openai_put_choice(const aver_openai *answer, uint32_t choice, aver_buf *out)
{
    aver_buf_append(out, aver_buf_view(&answer->prefix));
    if (choice == 0) {
        aver_buf_append_text(out, "{\"index\":0,");
    } else {
        aver_buf_append_format(out, "{\"index\":%" PRIu32 ",", choice);
    }
}

/* Closes it. finish: text of a JSON value. */
static void openai_put_tail(const aver_openai *answer, const char *finish, aver_buf *out)
{
    aver_buf_append_text(out, ",\"finish_reason\":");
    aver_buf_append_text(out, finish);
    aver_buf_append_text(out, answer->options.include_usage ? "}],\"usage\":null}\n\n" : "}]}\n\n");
}

void aver_openai_put_role(const aver_openai *answer, uint32_t choice, aver_buf *out)
{
    openai_put_choice(answer, choice, out);
    aver_buf_append_text(
        out,
        "\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"logprobs\":null");
    openai_put_tail(answer, "null", out);
}

static void openai_put_step(const aver_openai *answer, const aver_openai_piece *piece,
                            uint64_t *characters, aver_buf *out)
{
    aver_buf step;

    if (piece->logprobs_count == 0) {
        aver_buf_append_text(out, ",\"logprobs\":null");
    } else if (openai_is_chat(answer)) {
        aver_buf_append_text(out, ",\"logprobs\":{\"content\":[");
        aver_logprobs_put(piece->logprobs, piece->logprobs_count, out);
        aver_buf_append_text(out, "],\"refusal\":null}");
    } else {
        aver_buf_init(&step, OPENAI_STEP_BYTES_MAX);
        aver_logprobs_store(&step, piece->logprobs, piece->logprobs_count);
        aver_buf_append_text(out, ",\"logprobs\":");
        aver_logprobs_put_columns(aver_buf_view(&step), characters, out);
        if (aver_buf_status(&step) != AVER_OK) {
            out->failure = aver_buf_status(&step);
        }
        aver_buf_deinit(&step);
    }
}

void aver_openai_put_piece(const aver_openai *answer, const aver_openai_piece *piece,
                           uint64_t *characters, aver_buf *out)
{
    bool chat = openai_is_chat(answer);

    openai_put_choice(answer, piece->choice, out);
    aver_buf_append_text(out, chat ? "\"delta\":{\"content\":" : "\"text\":");
    aver_json_append_string(out, piece->text);
    if (chat) {
        aver_buf_append_byte(out, '}');
    }
    openai_put_step(answer, piece, characters, out);
    openai_put_tail(answer, "null", out);
}

/* The members that a call has in streams and in whole bodies alike. */
static void openai_put_call_members(const aver_openai_call *call, aver_buf *out)
{
    aver_buf_append_format(out,
                           "\"id\":\"%s\",\"type\":\"function\",\"function\":{\"name\":", call->id);
    aver_json_append_string(out, call->name);
    aver_buf_append_text(out, ",\"arguments\":");
    aver_json_append_string(out, call->arguments);
    aver_buf_append_text(out, "}}");
}

void aver_openai_put_call(const aver_openai *answer, const aver_openai_call *call, aver_buf *out)
{
    openai_put_choice(answer, call->choice, out);
    aver_buf_append_format(out, "\"delta\":{\"tool_calls\":[{\"index\":%" PRIu32 ",", call->index);
    openai_put_call_members(call, out);
    aver_buf_append_text(out, "]},\"logprobs\":null");
    openai_put_tail(answer, "null", out);
}

void aver_openai_put_call_item(const aver_openai_call *call, aver_buf *calls)
{
    aver_buf_append_text(calls, calls->size == 0 ? "{" : ",{");
    openai_put_call_members(call, calls);
}

/* OpenAI knows no word for an answer that was cut: null says that there was no proper end. */
static const char *openai_finish(aver_finish finish)
{
    switch (finish) {
    case AVER_FINISH_STOP:
        return "\"stop\"";
    case AVER_FINISH_LENGTH:
        return "\"length\"";
    case AVER_FINISH_TOOL:
        return "\"tool_calls\"";
    case AVER_FINISH_ABORTED:
    case AVER_FINISH_ERROR:
        break;
    }
    return "null";
}

void aver_openai_put_finish(const aver_openai *answer, uint32_t choice, aver_finish finish,
                            aver_buf *out)
{
    openai_put_choice(answer, choice, out);
    aver_buf_append_text(out, openai_is_chat(answer) ? "\"delta\":{},\"logprobs\":null"
                                                     : "\"text\":\"\",\"logprobs\":null");
    openai_put_tail(answer, openai_finish(finish), out);
}

static void openai_put_counts(const aver_usage *usage, aver_buf *out)
{
    aver_buf_append_format(out,
                           "\"usage\":{\"prompt_tokens\":%" PRIu64 ",\"completion_tokens\":%" PRIu64
                           ",\"total_tokens\":%" PRIu64
                           ",\"prompt_tokens_details\":{\"cached_tokens\":%" PRIu64 "}}}",
                           usage->prompt_tokens, usage->generated_tokens,
                           usage->prompt_tokens + usage->generated_tokens, usage->cached_tokens);
}

void aver_openai_put_usage(const aver_openai *answer, const aver_usage *usage, aver_buf *out)
{
    aver_buf_append(out, aver_buf_view(&answer->prefix));
    aver_buf_append_text(out, "],");
    openai_put_counts(usage, out);
    aver_buf_append_text(out, "\n\n");
}

static void openai_put_message(const aver_choice *choice, aver_buf *out)
{
    aver_buf_append_text(out, "\"message\":{\"role\":\"assistant\",\"content\":");
    if (choice->text.size == 0 && choice->calls_count > 0) {
        aver_buf_append_text(out, "null");
    } else {
        aver_json_append_string(out, aver_buf_view(&choice->text));
    }
    aver_buf_append_text(out, ",\"refusal\":null");
    if (choice->calls_count > 0) {
        aver_buf_append_text(out, ",\"tool_calls\":[");
        aver_buf_append(out, aver_buf_view(&choice->calls));
        aver_buf_append_byte(out, ']');
    }
    aver_buf_append_byte(out, '}');
}

static void openai_put_all_logprobs(const aver_openai *answer, const aver_choice *choice,
                                    bool has_logprobs, aver_buf *out)
{
    aver_view store = aver_buf_view(&choice->logprobs);
    uint64_t characters = 0;

    aver_buf_append_text(out, ",\"logprobs\":");
    if (!has_logprobs) {
        aver_buf_append_text(out, "null");
    } else if (openai_is_chat(answer)) {
        aver_buf_append_text(out, "{\"content\":[");
        aver_logprobs_put_all(store, out);
        aver_buf_append_text(out, "],\"refusal\":null}");
    } else {
        aver_logprobs_put_columns(store, &characters, out);
    }
}

void aver_openai_put_whole(const aver_openai *answer, const aver_choice *choices, size_t count,
                           bool has_logprobs, const aver_usage *usage, aver_buf *out)
{
    bool chat = openai_is_chat(answer);

    openai_put_head(&answer->options, chat ? "chat.completion" : "text_completion", out);
    for (size_t i = 0; i < count; i++) {
        aver_buf_append_format(out, i == 0 ? "{\"index\":%zu," : ",{\"index\":%zu,", i);
        if (chat) {
            openai_put_message(&choices[i], out);
        } else {
            aver_buf_append_text(out, "\"text\":");
            aver_json_append_string(out, aver_buf_view(&choices[i].text));
        }
        openai_put_all_logprobs(answer, &choices[i], has_logprobs, out);
        aver_buf_append_text(out, ",\"finish_reason\":");
        aver_buf_append_text(out, openai_finish(choices[i].finish));
        aver_buf_append_byte(out, '}');
    }
    aver_buf_append_text(out, "],");
    openai_put_counts(usage, out);
}

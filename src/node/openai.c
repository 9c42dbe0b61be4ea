/* SPDX-License-Identifier: Apache-2.0 */
#include "node/openai.h"

#include "codec/json.h"
#include "codec/text.h"

#include <inttypes.h>

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

/* Closes an event's one choice. finish: text of a JSON value. */
static void openai_put_tail(const aver_openai *answer, const char *finish, aver_buf *out)
{
    aver_buf_append_text(out, ",\"logprobs\":null,\"finish_reason\":");
    aver_buf_append_text(out, finish);
    aver_buf_append_text(out, answer->options.include_usage ? "}],\"usage\":null}\n\n" : "}]}\n\n");
}

void aver_openai_put_role(const aver_openai *answer, aver_buf *out)
{
    aver_buf_append(out, aver_buf_view(&answer->prefix));
    aver_buf_append_text(out, "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}");
    openai_put_tail(answer, "null", out);
}

void aver_openai_put_text(const aver_openai *answer, aver_view text, aver_buf *out)
{
    bool chat = openai_is_chat(answer);

    aver_buf_append(out, aver_buf_view(&answer->prefix));
    aver_buf_append_text(out,
                         chat ? "{\"index\":0,\"delta\":{\"content\":" : "{\"index\":0,\"text\":");
    aver_json_append_string(out, text);
    if (chat) {
        aver_buf_append_byte(out, '}');
    }
    openai_put_tail(answer, "null", out);
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

void aver_openai_put_finish(const aver_openai *answer, aver_finish finish, aver_buf *out)
{
    aver_buf_append(out, aver_buf_view(&answer->prefix));
    aver_buf_append_text(out, openai_is_chat(answer) ? "{\"index\":0,\"delta\":{}"
                                                     : "{\"index\":0,\"text\":\"\"");
    openai_put_tail(answer, openai_finish(finish), out);
}

static void openai_put_counts(const aver_usage *usage, aver_buf *out)
{
    aver_buf_append_format(out,
                           "\"usage\":{\"prompt_tokens\":%" PRIu64 ",\"completion_tokens\":%" PRIu64
                           ",\"total_tokens\":%" PRIu64 "}}",
                           usage->prompt_tokens, usage->generated_tokens,
                           usage->prompt_tokens + usage->generated_tokens);
}

void aver_openai_put_usage(const aver_openai *answer, const aver_usage *usage, aver_buf *out)
{
    aver_buf_append(out, aver_buf_view(&answer->prefix));
    aver_buf_append_text(out, "],");
    openai_put_counts(usage, out);
    aver_buf_append_text(out, "\n\n");
}

void aver_openai_put_whole(const aver_openai *answer, aver_view text, aver_finish finish,
                           const aver_usage *usage, aver_buf *out)
{
    bool chat = openai_is_chat(answer);

    openai_put_head(&answer->options, chat ? "chat.completion" : "text_completion", out);
    aver_buf_append_text(out, chat ? "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
                                   : "{\"index\":0,\"text\":");
    aver_json_append_string(out, text);
    if (chat) {
        aver_buf_append_byte(out, '}');
    }
    aver_buf_append_text(out, ",\"logprobs\":null,\"finish_reason\":");
    aver_buf_append_text(out, openai_finish(finish));
    aver_buf_append_text(out, "}],");
    openai_put_counts(usage, out);
}

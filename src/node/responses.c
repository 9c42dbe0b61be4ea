/* SPDX-License-Identifier: Apache-2.0 */
#include "node/responses.h"

#include "base/sys.h"
#include "codec/text.h"
#include "node/logprobs.h"

#include <inttypes.h>

/* Beside what an event may repeat of a message stand tools, a schema and texts: together less than
 * AVER_STREAM_LINE_BYTES_MAX. */
#define REPEATED_BYTES_MAX ((size_t)5 * 1024 * 1024 / 2)

/* What the object says of an answer's state beside its items. */
typedef struct responses_state {
    const char *status;
    const char *reason;      /* why it is incomplete; NULL: it is not */
    const char *code;        /* of an error; NULL: none */
    const char *message;     /* with code */
    const aver_usage *usage; /* NULL: not known yet */
} responses_state;

void aver_responses_init(aver_responses *answer, const aver_responses_options *options,
                         size_t bytes_max)
{
    *answer = (aver_responses){.job = options->job,
                               .tools = options->tools,
                               .model = options->model,
                               .created_s = options->created_s,
                               .stream = options->job->stream};
    aver_random(answer->id, sizeof(answer->id));
    aver_buf_init(&answer->events, bytes_max);
    aver_buf_init(&answer->items, bytes_max);
    aver_buf_init(&answer->text, bytes_max);
    aver_buf_init(&answer->logprobs, bytes_max);
}

void aver_responses_deinit(aver_responses *answer)
{
    aver_buf *const bufs[] = {&answer->events, &answer->items, &answer->text, &answer->logprobs};

    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++) {
        aver_buf_wipe(bufs[i]);
        aver_buf_deinit(bufs[i]);
    }
}

aver_err aver_responses_status(const aver_responses *answer)
{
    const aver_buf *const bufs[] = {&answer->events, &answer->items, &answer->text,
                                    &answer->logprobs};
    aver_err err = AVER_OK;

    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]) && err == AVER_OK; i++) {
        err = aver_buf_status(bufs[i]);
    }
    return err;
}

/* "msg_" or "fc_", the answer's id, and the item's number. */
static void put_item_id(const aver_responses *answer, const char *kind, aver_buf *out)
{
    aver_buf_append_format(out, "\"%s_", kind);
    aver_hex_append(out, AVER_VIEW_OF(answer->id));
    aver_buf_append_format(out, "%08" PRIx32 "\"", answer->items_count - 1);
}

static void put_ppm(const char *name, uint32_t ppm, aver_buf *out)
{
    aver_buf_append_format(out, ",\"%s\":%" PRIu32 ".%06" PRIu32, name, ppm / 1000000,
                           ppm % 1000000);
}

static void put_format(const aver_job *job, aver_buf *out)
{
    aver_buf_append_text(out, ",\"text\":{\"format\":{\"type\":");
    switch (job->format) {
    case AVER_FORMAT_TEXT:
        aver_buf_append_text(out, "\"text\"");
        break;
    case AVER_FORMAT_JSON_OBJECT:
        aver_buf_append_text(out, "\"json_object\"");
        break;
    case AVER_FORMAT_JSON_SCHEMA:
        aver_buf_append_format(
            out, "\"json_schema\",\"name\":\"%s\",\"strict\":true,\"schema\":", job->schema_name);
        aver_buf_append(out, aver_buf_view(&job->schema));
        break;
    }
    aver_buf_append_text(out, "},\"verbosity\":\"medium\"}");
}

static void put_tool_choice(const aver_job *job, aver_buf *out)
{
    static const char *const words[] = {
        [AVER_TOOL_CHOICE_AUTO] = "\"auto\"",
        [AVER_TOOL_CHOICE_NONE] = "\"none\"",
        [AVER_TOOL_CHOICE_REQUIRED] = "\"required\"",
    };

    aver_buf_append_text(out, ",\"tool_choice\":");
    if (job->tool_choice == AVER_TOOL_CHOICE_NAMED) {
        aver_buf_append_format(out, "{\"type\":\"function\",\"name\":\"%s\"}", job->tool_name);
    } else {
        aver_buf_append_text(out, words[job->tool_choice]);
    }
}

static void put_tool_member(const json_t *function, const char *name, aver_buf *out)
{
    const json_t *value = json_object_get(function, name);

    aver_buf_append_format(out, ",\"%s\":", name);
    if (value != NULL) {
        aver_json_append_ordered(out, value);
    } else {
        aver_buf_append_text(out, "null");
    }
}

static void put_tools(const json_t *tools, aver_buf *out)
{
    aver_buf_append_text(out, ",\"tools\":[");
    for (size_t i = 0; i < json_array_size(tools); i++) {
        const json_t *function = json_object_get(json_array_get(tools, i), "function");

        aver_buf_append_text(out, i == 0 ? "{\"type\":\"function\"" : ",{\"type\":\"function\"");
        put_tool_member(function, "name", out);
        put_tool_member(function, "description", out);
        put_tool_member(function, "parameters", out);
        put_tool_member(function, "strict", out);
        aver_buf_append_byte(out, '}');
    }
    aver_buf_append_byte(out, ']');
}

static void put_usage(const aver_usage *usage, aver_buf *out)
{
    if (usage == NULL) {
        aver_buf_append_text(out, ",\"usage\":null");
        return;
    }
    aver_buf_append_format(out,
                           ",\"usage\":{\"input_tokens\":%" PRIu64
                           ",\"input_tokens_details\":{\"cached_tokens\":%" PRIu64
                           "},\"output_tokens\":%" PRIu64
                           ",\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":"
                           "%" PRIu64 "}",
                           usage->prompt_tokens, usage->cached_tokens, usage->generated_tokens,
                           usage->prompt_tokens + usage->generated_tokens);
}

static void put_outcome(const responses_state *state, aver_buf *out)
{
    aver_buf_append_format(out,
                           ",\"status\":\"%s\",\"background\":false,\"error\":", state->status);
    if (state->code != NULL) {
        aver_buf_append_text(out, "{\"code\":");
        aver_json_append_string(out, aver_view_text(state->code));
        aver_buf_append_text(out, ",\"message\":");
        aver_json_append_string(out, aver_view_text(state->message));
        aver_buf_append_byte(out, '}');
    } else {
        aver_buf_append_text(out, "null");
    }
    if (state->reason != NULL) {
        aver_buf_append_format(out, ",\"incomplete_details\":{\"reason\":\"%s\"}", state->reason);
    } else {
        aver_buf_append_text(out, ",\"incomplete_details\":null");
    }
}

/* The object, with the items that have ended. What the caller sent is repeated where it is short.
 */
static void put_object(const aver_responses *answer, const responses_state *state, aver_buf *out)
{
    const aver_job *job = answer->job;

    aver_buf_append_text(out, "{\"id\":\"resp_");
    aver_hex_append(out, AVER_VIEW_OF(answer->id));
    aver_buf_append_format(out, "\",\"object\":\"response\",\"created_at\":%" PRIu64,
                           answer->created_s);
    put_outcome(state, out);
    aver_buf_append_text(out, ",\"instructions\":null,\"max_output_tokens\":");
    if (job->max_tokens != 0) {
        aver_buf_append_format(out, "%" PRIu32, job->max_tokens);
    } else {
        aver_buf_append_text(out, "null");
    }
    aver_buf_append_text(out, ",\"model\":");
    aver_json_append_string(out, aver_view_text(answer->model));
    aver_buf_append_text(out, ",\"output\":[");
    aver_buf_append(out, aver_buf_view(&answer->items));
    aver_buf_append_format(out, "],\"parallel_tool_calls\":%s,\"previous_response_id\":null",
                           job->parallel_tool_calls ? "true" : "false");
    aver_buf_append_text(out, ",\"reasoning\":{\"effort\":null,\"summary\":null},\"store\":false");
    put_ppm("temperature", job->sampling.temperature_ppm, out);
    put_format(job, out);
    put_tool_choice(job, out);
    put_tools(answer->tools, out);
    aver_buf_append_format(out, ",\"top_logprobs\":%" PRIu32, job->top_logprobs);
    put_ppm("top_p", job->sampling.top_p_ppm, out);
    aver_buf_append_text(out, ",\"truncation\":\"disabled\"");
    put_usage(state->usage, out);
    aver_buf_append_text(out, ",\"user\":null,\"metadata\":{}}");
}

/* "event: NAME\ndata: {"type":NAME,"sequence_number":N */
static aver_buf *event_begin(aver_responses *answer, const char *name)
{
    aver_buf_append_format(&answer->events,
                           "event: response.%s\ndata: {\"type\":\"response.%s\","
                           "\"sequence_number\":%" PRIu64,
                           name, name, answer->sequence++);
    return &answer->events;
}

static void event_end(aver_responses *answer)
{
    aver_buf_append_text(&answer->events, "}\n\n");
}

static void event_object(aver_responses *answer, const char *name, const responses_state *state)
{
    if (answer->stream) {
        aver_buf *out = event_begin(answer, name);

        aver_buf_append_text(out, ",\"response\":");
        put_object(answer, state, out);
        event_end(answer);
    }
}

/* Where in the answer an event belongs: the item that was begun last. */
static void put_place(const aver_responses *answer, const char *kind, bool content, aver_buf *out)
{
    aver_buf_append_text(out, ",\"item_id\":");
    put_item_id(answer, kind, out);
    aver_buf_append_format(out, ",\"output_index\":%" PRIu32 "%s", answer->items_count - 1,
                           content ? ",\"content_index\":0" : "");
}

/* Of the message that is open. Where they would make an event longer than its readers take, they
 * are not told again: each came with its delta. */
static void put_logprobs(const aver_responses *answer, aver_buf *out)
{
    size_t start = out->size;

    aver_logprobs_put_all(aver_buf_view(&answer->logprobs), out);
    if (answer->stream && answer->items.size + (out->size - start) > REPEATED_BYTES_MAX) {
        out->size = start;
    }
}

static void put_part(const aver_responses *answer, aver_buf *out)
{
    aver_buf_append_text(out, "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[");
    put_logprobs(answer, out);
    aver_buf_append_text(out, "],\"text\":");
    aver_json_append_string(out, aver_buf_view(&answer->text));
    aver_buf_append_byte(out, '}');
}

/* The message that is open; status NULL: it has just begun. */
static void put_message(const aver_responses *answer, const char *status, aver_buf *out)
{
    aver_buf_append_text(out, "{\"id\":");
    put_item_id(answer, "msg", out);
    aver_buf_append_format(out, ",\"type\":\"message\",\"status\":\"%s\",\"content\":[",
                           status != NULL ? status : "in_progress");
    if (status != NULL) {
        put_part(answer, out);
    }
    aver_buf_append_text(out, "],\"role\":\"assistant\"}");
}

static void put_call(const aver_responses *answer, const aver_openai_call *call, bool ended,
                     aver_buf *out)
{
    aver_buf_append_text(out, "{\"id\":");
    put_item_id(answer, "fc", out);
    aver_buf_append_format(out, ",\"type\":\"function_call\",\"status\":\"%s\",\"arguments\":",
                           !ended      ? "in_progress"
                           : call->cut ? "incomplete"
                                       : "completed");
    aver_json_append_string(out, ended ? call->arguments : (aver_view){NULL, 0});
    aver_buf_append_format(out, ",\"call_id\":\"%s\",\"name\":", call->id);
    aver_json_append_string(out, call->name);
    aver_buf_append_byte(out, '}');
}

static void event_item_head(aver_responses *answer, const char *name)
{
    aver_buf *out = event_begin(answer, name);

    aver_buf_append_format(out, ",\"output_index\":%" PRIu32 ",\"item\":", answer->items_count - 1);
}

static void message_open(aver_responses *answer)
{
    if (answer->message_open) {
        return;
    }
    answer->message_open = true;
    answer->items_count++;
    if (!answer->stream) {
        return;
    }
    event_item_head(answer, "output_item.added");
    put_message(answer, NULL, &answer->events);
    event_end(answer);
    aver_buf *out = event_begin(answer, "content_part.added");
    put_place(answer, "msg", true, out);
    aver_buf_append_text(out, ",\"part\":{\"type\":\"output_text\",\"annotations\":[],"
                              "\"logprobs\":[],\"text\":\"\"}");
    event_end(answer);
}

static void message_events_last(aver_responses *answer, const char *status)
{
    aver_buf *out = event_begin(answer, "output_text.done");

    put_place(answer, "msg", true, out);
    aver_buf_append_text(out, ",\"logprobs\":[");
    put_logprobs(answer, out);
    aver_buf_append_text(out, "],\"text\":");
    aver_json_append_string(out, aver_buf_view(&answer->text));
    event_end(answer);
    out = event_begin(answer, "content_part.done");
    put_place(answer, "msg", true, out);
    aver_buf_append_text(out, ",\"part\":");
    put_part(answer, out);
    event_end(answer);
    event_item_head(answer, "output_item.done");
    put_message(answer, status, out);
    event_end(answer);
}

static void message_close(aver_responses *answer, const char *status)
{
    if (!answer->message_open) {
        return;
    }
    if (answer->stream) {
        message_events_last(answer, status);
    }
    if (answer->items.size > 0) {
        aver_buf_append_byte(&answer->items, ',');
    }
    put_message(answer, status, &answer->items);
    answer->message_open = false;
    aver_buf_clear(&answer->text);
    aver_buf_clear(&answer->logprobs);
}

void aver_responses_begin(aver_responses *answer)
{
    const responses_state state = {.status = "in_progress"};

    event_object(answer, "created", &state);
    event_object(answer, "in_progress", &state);
}

void aver_responses_add(aver_responses *answer, const aver_openai_piece *piece)
{
    if (piece->text.size == 0 && piece->logprobs_count == 0) {
        return;
    }
    message_open(answer);
    aver_buf_append(&answer->text, piece->text);
    if (piece->logprobs_count > 0) {
        aver_logprobs_store(&answer->logprobs, piece->logprobs, piece->logprobs_count);
    }
    if (!answer->stream) {
        return;
    }
    aver_buf *out = event_begin(answer, "output_text.delta");
    put_place(answer, "msg", true, out);
    aver_buf_append_text(out, ",\"delta\":");
    aver_json_append_string(out, piece->text);
    aver_buf_append_text(out, ",\"logprobs\":[");
    if (piece->logprobs_count > 0) {
        aver_logprobs_put(piece->logprobs, piece->logprobs_count, out);
    }
    aver_buf_append_byte(out, ']');
    event_end(answer);
}

static void call_events(aver_responses *answer, const aver_openai_call *call)
{
    aver_buf *out = &answer->events;

    event_item_head(answer, "output_item.added");
    put_call(answer, call, false, out);
    event_end(answer);
    (void)event_begin(answer, "function_call_arguments.delta");
    put_place(answer, "fc", false, out);
    aver_buf_append_text(out, ",\"delta\":");
    aver_json_append_string(out, call->arguments);
    event_end(answer);
    (void)event_begin(answer, "function_call_arguments.done");
    put_place(answer, "fc", false, out);
    aver_buf_append_text(out, ",\"name\":");
    aver_json_append_string(out, call->name);
    aver_buf_append_text(out, ",\"arguments\":");
    aver_json_append_string(out, call->arguments);
    event_end(answer);
    event_item_head(answer, "output_item.done");
    put_call(answer, call, true, out);
    event_end(answer);
}

void aver_responses_call(aver_responses *answer, const aver_openai_call *call)
{
    message_close(answer, "completed");
    answer->items_count++;
    if (answer->stream) {
        call_events(answer, call);
    }
    if (answer->items.size > 0) {
        aver_buf_append_byte(&answer->items, ',');
    }
    put_call(answer, call, true, &answer->items);
}

static responses_state responses_ended(aver_finish finish, const aver_usage *usage)
{
    bool cut = finish == AVER_FINISH_LENGTH;

    return (responses_state){.status = cut ? "incomplete" : "completed",
                             .reason = cut ? "max_output_tokens" : NULL,
                             .usage = usage};
}

void aver_responses_finish(aver_responses *answer, aver_finish finish, const aver_usage *usage)
{
    responses_state state = responses_ended(finish, usage);

    /* An answer of nothing is a message of nothing. */
    if (answer->items_count == 0) {
        message_open(answer);
    }
    message_close(answer, state.status);
    event_object(answer, state.status, &state);
}

void aver_responses_fail(aver_responses *answer, const char *code, const char *message)
{
    const responses_state state = {.status = "failed", .code = code, .message = message};

    message_close(answer, "incomplete");
    event_object(answer, "failed", &state);
}

void aver_responses_put_whole(const aver_responses *answer, aver_finish finish,
                              const aver_usage *usage, aver_buf *out)
{
    responses_state state = responses_ended(finish, usage);

    put_object(answer, &state, out);
}

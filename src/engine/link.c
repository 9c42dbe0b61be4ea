/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/link.h"

#include "codec/cbor.h"

#include <string.h>

#define SIZE_BYTES 4

/* Starts a frame; the size is filled in by frame_end. */
static size_t frame_begin(aver_buf *out, uint64_t count, aver_link_kind kind)
{
    size_t start = out->size;
    aver_buf_append_be32(out, 0);
    aver_cbor_put_array(out, count);
    aver_cbor_put_uint(out, (uint64_t)kind);
    return start;
}

static void frame_end(aver_buf *out, size_t start)
{
    if (aver_buf_status(out) != AVER_OK) {
        return;
    }
    size_t size = out->size - start - SIZE_BYTES;
    if (size > AVER_LINK_FRAME_BYTES_MAX) {
        /* Nobody would take it: make the writer fail as if the buffer were full. */
        out->failure = AVER_E_LIMIT;
        return;
    }
    aver_be32_write(out->data + start, (uint32_t)size);
}

static void link_put_fixed_text(aver_buf *out, const char *text, size_t size_max)
{
    aver_cbor_put_text_view(out, aver_view_make(text, strnlen(text, size_max)));
}

void aver_link_put_load(aver_buf *out, const aver_engine_options *options)
{
    size_t start = frame_begin(out, 7, AVER_LINK_LOAD);
    aver_cbor_put_uint(out, (uint64_t)options->profile);
    aver_cbor_put_uint(out, options->slots);
    aver_cbor_put_uint(out, options->context_tokens);
    aver_cbor_put_uint(out, options->batch_tokens);
    aver_cbor_put_uint(out, options->threads);
    aver_cbor_put_array(out, options->adapters_count);
    for (size_t i = 0; i < options->adapters_count; i++) {
        aver_cbor_put_uint(out, options->adapters[i].scale_ppm);
    }
    frame_end(out, start);
}

static void link_put_sampling(aver_buf *out, const aver_sampling *sampling)
{
    aver_cbor_put_array(out, 8);
    aver_cbor_put_uint(out, sampling->temperature_ppm);
    aver_cbor_put_uint(out, sampling->top_p_ppm);
    aver_cbor_put_uint(out, sampling->min_p_ppm);
    aver_cbor_put_uint(out, sampling->top_k);
    aver_cbor_put_uint(out, sampling->repetition_penalty_ppm);
    aver_cbor_put_int(out, sampling->frequency_penalty_ppm);
    aver_cbor_put_int(out, sampling->presence_penalty_ppm);
    aver_cbor_put_uint(out, sampling->seed);
}

void aver_link_put_submit(aver_buf *out, uint64_t job_id, const aver_job *job)
{
    size_t start = frame_begin(out, 7, AVER_LINK_SUBMIT);
    aver_cbor_put_uint(out, job_id);
    aver_cbor_put_uint(out, (uint64_t)job->endpoint);
    aver_cbor_put_text_view(out, aver_buf_view(&job->prompt));
    aver_cbor_put_uint(out, job->max_tokens);
    link_put_sampling(out, &job->sampling);
    aver_cbor_put_array(out, job->stops_count);
    for (size_t i = 0; i < job->stops_count; i++) {
        aver_cbor_put_bytes(out, aver_buf_view(&job->stops[i]));
    }
    frame_end(out, start);
}

static void link_put_id(aver_buf *out, aver_link_kind kind, uint64_t job_id)
{
    size_t start = frame_begin(out, 2, kind);
    aver_cbor_put_uint(out, job_id);
    frame_end(out, start);
}

void aver_link_put_cancel(aver_buf *out, uint64_t job_id)
{
    link_put_id(out, AVER_LINK_CANCEL, job_id);
}

void aver_link_put_busy(aver_buf *out, uint64_t job_id)
{
    link_put_id(out, AVER_LINK_BUSY, job_id);
}

void aver_link_put_ready(aver_buf *out, const aver_engine_info *info)
{
    size_t start = frame_begin(out, 14, AVER_LINK_READY);
    link_put_fixed_text(out, info->executor, sizeof(info->executor));
    link_put_fixed_text(out, info->description, sizeof(info->description));
    aver_cbor_put_uint(out, info->vocabulary_size);
    aver_cbor_put_uint(out, info->context_tokens);
    aver_cbor_put_uint(out, info->slots);
    aver_cbor_put_uint(out, (uint64_t)info->profile);
    aver_cbor_put_bool(out, info->chat_template_in_model);
    link_put_fixed_text(out, info->kv_type, sizeof(info->kv_type));
    aver_cbor_put_bytes(out, AVER_VIEW_OF(info->numeric_class));
    aver_cbor_put_bytes(out, AVER_VIEW_OF(info->template_digest));
    aver_cbor_put_bool(out, info->embeds);
    aver_cbor_put_uint(out, info->vector_size);
    aver_cbor_put_uint(out, info->memory_bytes);
    frame_end(out, start);
}

void aver_link_put_failed(aver_buf *out, const char *why)
{
    size_t start = frame_begin(out, 2, AVER_LINK_FAILED);
    aver_cbor_put_text(out, why);
    frame_end(out, start);
}

void aver_link_put_events(aver_buf *out, uint64_t count, aver_view events)
{
    size_t start = frame_begin(out, count + 1, AVER_LINK_EVENTS);
    aver_buf_append(out, events);
    frame_end(out, start);
}

static void event_put_ids(aver_buf *events, const int32_t *ids, size_t count)
{
    uint8_t number[4];
    aver_buf bytes;
    aver_buf_init(&bytes, count * sizeof(number));
    for (size_t i = 0; i < count; i++) {
        aver_be32_write(number, (uint32_t)ids[i]);
        aver_buf_append(&bytes, AVER_VIEW_OF(number));
    }
    if (aver_buf_status(&bytes) != AVER_OK) {
        events->failure = aver_buf_status(&bytes);
    }
    aver_cbor_put_bytes(events, aver_buf_view(&bytes));
    aver_buf_deinit(&bytes);
}

void aver_link_put_event(aver_buf *events, const aver_event *event)
{
    static const uint8_t members[] = {
        [AVER_EVENT_STARTED] = 4, [AVER_EVENT_TOKEN] = 5,  [AVER_EVENT_DONE] = 5,
        [AVER_EVENT_REFUSED] = 3, [AVER_EVENT_CHOICE] = 6,
    };
    aver_cbor_put_array(events, members[event->kind]);
    aver_cbor_put_uint(events, (uint64_t)event->kind);
    aver_cbor_put_uint(events, event->job_id);
    switch (event->kind) {
    case AVER_EVENT_STARTED:
        event_put_ids(events, event->prompt_ids, event->prompt_count);
        aver_cbor_put_uint(events, event->cached_count);
        break;
    case AVER_EVENT_TOKEN:
        aver_cbor_put_uint(events, event->choice);
        aver_cbor_put_int(events, event->token);
        aver_cbor_put_text_view(events, event->text);
        break;
    case AVER_EVENT_DONE:
        aver_cbor_put_uint(events, (uint64_t)event->finish);
        aver_cbor_put_uint(events, event->generated_count);
        if (event->has_step_digest) {
            aver_cbor_put_bytes(events, AVER_VIEW_OF(event->step_digest));
        } else {
            aver_cbor_put_null(events);
        }
        break;
    case AVER_EVENT_REFUSED:
        aver_cbor_put_text_view(events, event->text);
        break;
    case AVER_EVENT_CHOICE:
        aver_cbor_put_uint(events, event->choice);
        aver_cbor_put_uint(events, (uint64_t)event->finish);
        aver_cbor_put_uint(events, event->generated_count);
        aver_cbor_put_text_view(events, event->text);
        break;
    case AVER_EVENT_CALL:
    case AVER_EVENT_VECTOR:
    case AVER_EVENT_TEXT:
        break;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/link_parts.h"

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
    size_t start = frame_begin(out, 9, AVER_LINK_LOAD);
    aver_cbor_put_uint(out, (uint64_t)options->profile);
    aver_cbor_put_uint(out, options->slots);
    aver_cbor_put_uint(out, options->context_tokens);
    aver_cbor_put_uint(out, options->batch_tokens);
    aver_cbor_put_uint(out, options->threads);
    aver_cbor_put_bool(out, options->pin);
    aver_cbor_put_array(out, options->adapters_count);
    for (size_t i = 0; i < options->adapters_count; i++) {
        aver_cbor_put_uint(out, options->adapters[i].scale_ppm);
    }
    aver_cbor_put_array(out, options->shared_count);
    for (size_t i = 0; i < options->shared_count; i++) {
        aver_cbor_put_text_view(out, options->shared_prefixes[i]);
    }
    frame_end(out, start);
}

void aver_link_put_submit(aver_buf *out, uint64_t job_id, const aver_job *job)
{
    size_t start = frame_begin(out, 2 + AVER_LINK_JOB_MEMBERS, AVER_LINK_SUBMIT);
    aver_cbor_put_uint(out, job_id);
    aver_link_put_job(out, job);
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
    size_t start = frame_begin(out, 15, AVER_LINK_READY);
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
    if (info->has_shared) {
        aver_cbor_put_bytes(out, AVER_VIEW_OF(info->shared_digest));
    } else {
        aver_cbor_put_null(out);
    }
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

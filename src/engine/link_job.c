/* SPDX-License-Identifier: Apache-2.0 */
/* link_job: the job of a SUBMIT frame. */
#include "engine/link_parts.h"

#include <stdlib.h>
#include <string.h>

static void put_sampling(aver_buf *out, const aver_sampling *sampling)
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

static void put_tools(aver_buf *out, const aver_job *job)
{
    aver_cbor_put_text_view(out, aver_buf_view(&job->tools));
    if (job->tool_choice == AVER_TOOL_CHOICE_NAMED) {
        aver_cbor_put_text(out, job->tool_name);
    } else {
        aver_cbor_put_uint(out, (uint64_t)job->tool_choice);
    }
    aver_cbor_put_bool(out, job->parallel_tool_calls);
}

void aver_link_put_job(aver_buf *out, const aver_job *job)
{
    aver_cbor_put_uint(out, (uint64_t)job->endpoint);
    if (job->endpoint == AVER_ENDPOINT_COMPLETION && job->inputs_count > 0) {
        aver_cbor_put_bytes(out, aver_buf_view(&job->prompt));
    } else {
        aver_cbor_put_text_view(out, aver_buf_view(&job->prompt));
    }
    aver_cbor_put_uint(out, job->max_tokens);
    put_sampling(out, &job->sampling);
    aver_cbor_put_array(out, job->stops_count);
    for (size_t i = 0; i < job->stops_count; i++) {
        aver_cbor_put_bytes(out, aver_buf_view(&job->stops[i]));
    }
    aver_cbor_put_uint(out, job->choices_count == 0 ? 1 : job->choices_count);
    if (job->has_logprobs) {
        aver_cbor_put_uint(out, job->top_logprobs);
    } else {
        aver_cbor_put_null(out);
    }
    aver_cbor_put_array(out, 2 * job->biases_count);
    for (size_t i = 0; i < job->biases_count; i++) {
        aver_cbor_put_int(out, job->biases[i].token);
        aver_cbor_put_int(out, job->biases[i].bias_ppm);
    }
    put_tools(out, job);
    aver_cbor_put_uint(out, (uint64_t)job->format);
    aver_cbor_put_text_view(out, aver_buf_view(&job->schema));
    if (job->has_cache_scope) {
        aver_cbor_put_bytes(out, AVER_VIEW_OF(job->cache_scope));
    } else {
        aver_cbor_put_null(out);
    }
    aver_cbor_put_bool(out, job->add_special);
    aver_cbor_put_bytes(out, AVER_VIEW_OF(job->caller));
}

static aver_err read_sampling(aver_cbor_cursor *cursor, aver_sampling *sampling)
{
    aver_err err = aver_link_read_array(cursor, 8);
    err = err == AVER_OK ? aver_link_read_u32(cursor, 0, 2000000, &sampling->temperature_ppm) : err;
    err = err == AVER_OK ? aver_link_read_u32(cursor, 1, 1000000, &sampling->top_p_ppm) : err;
    err = err == AVER_OK ? aver_link_read_u32(cursor, 0, 1000000, &sampling->min_p_ppm) : err;
    err = err == AVER_OK ? aver_link_read_u32(cursor, 0, UINT32_MAX, &sampling->top_k) : err;
    err = err == AVER_OK
              ? aver_link_read_u32(cursor, 100000, 10000000, &sampling->repetition_penalty_ppm)
              : err;
    err = err == AVER_OK
              ? aver_link_read_i32(cursor, -2000000, 2000000, &sampling->frequency_penalty_ppm)
              : err;
    err = err == AVER_OK
              ? aver_link_read_i32(cursor, -2000000, 2000000, &sampling->presence_penalty_ppm)
              : err;
    return err == AVER_OK ? aver_link_read_uint(cursor, 0, UINT64_MAX, &sampling->seed) : err;
}

static aver_err read_stops(aver_cbor_cursor *cursor, aver_job *job)
{
    uint64_t count = 0;
    aver_err err = aver_cbor_read_array(cursor, &count);
    if (err == AVER_OK && count > AVER_JOB_STOPS_MAX) {
        err = AVER_E_FORMAT;
    }
    for (uint64_t i = 0; i < count && err == AVER_OK; i++) {
        aver_view stop;
        err = aver_cbor_read_bytes(cursor, &stop);
        if (err == AVER_OK && (stop.size == 0 || stop.size > AVER_JOB_STOP_BYTES_MAX)) {
            err = AVER_E_FORMAT;
        }
        if (err == AVER_OK) {
            aver_buf *copy = &job->stops[job->stops_count++];
            aver_buf_init(copy, AVER_JOB_STOP_BYTES_MAX);
            aver_buf_append(copy, stop);
            err = aver_buf_status(copy);
        }
    }
    return err;
}

static aver_err read_logprobs(aver_cbor_cursor *cursor, aver_job *job)
{
    bool none = false;
    aver_err err = aver_link_read_null(cursor, &none);
    if (err != AVER_OK || none) {
        return err;
    }
    job->has_logprobs = true;
    return aver_link_read_u32(cursor, 0, AVER_JOB_TOP_LOGPROBS_MAX, &job->top_logprobs);
}

/* By rising token, none twice: as the sampler wants them. */
static aver_err read_biases(aver_cbor_cursor *cursor, aver_job *job)
{
    uint64_t count = 0;
    aver_err err = aver_cbor_read_array(cursor, &count);
    if (err != AVER_OK) {
        return err;
    }
    if (count % 2 != 0 || count / 2 > AVER_JOB_BIASES_MAX) {
        return AVER_E_FORMAT;
    }
    if (count == 0) {
        return AVER_OK;
    }
    job->biases = calloc((size_t)count / 2, sizeof(*job->biases));
    if (job->biases == NULL) {
        return AVER_E_NOMEM;
    }
    int64_t least = 0;
    for (uint64_t i = 0; i < count / 2 && err == AVER_OK; i++) {
        aver_bias *bias = &job->biases[job->biases_count++];
        err = aver_link_read_i32(cursor, least, INT32_MAX, &bias->token);
        err = err == AVER_OK ? aver_link_read_i32(cursor, -100000000, 100000000, &bias->bias_ppm)
                             : err;
        least = (int64_t)bias->token + 1;
    }
    return err;
}

static aver_err read_copy(aver_cbor_cursor *cursor, size_t size_max, aver_buf *copy)
{
    aver_view text;
    aver_err err = aver_cbor_read_text(cursor, &text);
    if (err != AVER_OK) {
        return err;
    }
    if (text.size > size_max) {
        return AVER_E_FORMAT;
    }
    aver_buf_init(copy, size_max);
    aver_buf_append(copy, text);
    return aver_buf_status(copy);
}

static aver_err read_tools(aver_cbor_cursor *cursor, aver_job *job)
{
    aver_cbor_type type = AVER_CBOR_NULL;
    uint64_t choice = AVER_TOOL_CHOICE_NAMED;
    aver_err err = read_copy(cursor, AVER_JOB_TOOLS_BYTES_MAX, &job->tools);
    err = err == AVER_OK ? aver_cbor_peek(cursor, &type) : err;
    if (err == AVER_OK && type == AVER_CBOR_TEXT) {
        err = aver_link_read_text(cursor, job->tool_name, sizeof(job->tool_name));
    } else if (err == AVER_OK) {
        err =
            aver_link_read_uint(cursor, AVER_TOOL_CHOICE_AUTO, AVER_TOOL_CHOICE_REQUIRED, &choice);
    }
    job->tool_choice = (aver_tool_choice)choice;
    return err == AVER_OK ? aver_cbor_read_bool(cursor, &job->parallel_tool_calls) : err;
}

static aver_err read_format(aver_cbor_cursor *cursor, aver_job *job)
{
    uint64_t format = 0;
    aver_err err = aver_link_read_uint(cursor, AVER_FORMAT_TEXT, AVER_FORMAT_JSON_SCHEMA, &format);
    err = err == AVER_OK ? read_copy(cursor, AVER_JOB_SCHEMA_BYTES_MAX, &job->schema) : err;
    if (err == AVER_OK && (format == AVER_FORMAT_JSON_SCHEMA) != (job->schema.size != 0)) {
        err = AVER_E_FORMAT;
    }
    job->format = (aver_format)format;
    return err;
}

static aver_err read_scope(aver_cbor_cursor *cursor, aver_job *job)
{
    bool none = false;
    aver_err err = aver_link_read_null(cursor, &none);
    if (err != AVER_OK || none) {
        return err;
    }
    job->has_cache_scope = true;
    return aver_cbor_read_fixed(cursor, job->cache_scope, sizeof(job->cache_scope));
}

/* A text, or the token ids of a completion. */
static aver_err read_prompt(aver_cbor_cursor *cursor, aver_job *job)
{
    aver_cbor_type type = AVER_CBOR_NULL;
    aver_view ids;
    aver_err err = aver_cbor_peek(cursor, &type);
    if (err != AVER_OK || type != AVER_CBOR_BYTES || job->endpoint != AVER_ENDPOINT_COMPLETION) {
        return err == AVER_OK ? read_copy(cursor, AVER_JOB_PROMPT_BYTES_MAX, &job->prompt) : err;
    }
    err = aver_cbor_read_bytes(cursor, &ids);
    if (err != AVER_OK) {
        return err;
    }
    if (ids.size == 0 || ids.size % 4 != 0 || ids.size / 4 > AVER_JOB_TOKENS_MAX) {
        return AVER_E_FORMAT;
    }
    job->inputs_count = (uint32_t)(ids.size / 4);
    aver_buf_init(&job->prompt, AVER_JOB_PROMPT_BYTES_MAX);
    aver_buf_append(&job->prompt, ids);
    return aver_buf_status(&job->prompt);
}

aver_err aver_link_read_job(aver_cbor_cursor *cursor, aver_job *job)
{
    uint64_t endpoint = 0;
    aver_err err =
        aver_link_read_uint(cursor, AVER_ENDPOINT_CHAT, AVER_ENDPOINT_APPLY_TEMPLATE, &endpoint);
    job->endpoint = (aver_endpoint)endpoint;
    err = err == AVER_OK ? read_prompt(cursor, job) : err;
    err =
        err == AVER_OK ? aver_link_read_u32(cursor, 0, AVER_JOB_TOKENS_MAX, &job->max_tokens) : err;
    err = err == AVER_OK ? read_sampling(cursor, &job->sampling) : err;
    err = err == AVER_OK ? read_stops(cursor, job) : err;
    err = err == AVER_OK ? aver_link_read_u32(cursor, 1, AVER_JOB_CHOICES_MAX, &job->choices_count)
                         : err;
    err = err == AVER_OK ? read_logprobs(cursor, job) : err;
    err = err == AVER_OK ? read_biases(cursor, job) : err;
    err = err == AVER_OK ? read_tools(cursor, job) : err;
    err = err == AVER_OK ? read_format(cursor, job) : err;
    err = err == AVER_OK ? read_scope(cursor, job) : err;
    err = err == AVER_OK ? aver_cbor_read_bool(cursor, &job->add_special) : err;
    err = err == AVER_OK ? aver_cbor_read_fixed(cursor, job->caller, sizeof(job->caller)) : err;
    job->has_seed = true;
    return err;
}

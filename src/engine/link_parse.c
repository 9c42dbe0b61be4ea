/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/link_parts.h"

#include <string.h>

#define SIZE_BYTES 4

aver_err aver_link_frame(aver_view bytes, size_t *ret_size)
{
    if (bytes.size < SIZE_BYTES) {
        *ret_size = 0;
        return AVER_OK;
    }
    uint32_t size = aver_be32_read(bytes.data);
    if (size == 0 || size > AVER_LINK_FRAME_BYTES_MAX) {
        return AVER_E_FORMAT;
    }
    *ret_size = bytes.size - SIZE_BYTES < size ? 0 : SIZE_BYTES + (size_t)size;
    return AVER_OK;
}

aver_err aver_link_read_uint(aver_cbor_cursor *cursor, uint64_t least, uint64_t most,
                             uint64_t *ret_value)
{
    uint64_t value = 0;
    aver_err err = aver_cbor_read_uint(cursor, &value);
    if (err == AVER_OK && (value < least || value > most)) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        *ret_value = value;
    }
    return err;
}

aver_err aver_link_read_u32(aver_cbor_cursor *cursor, uint32_t least, uint32_t most,
                            uint32_t *ret_value)
{
    uint64_t value = 0;
    aver_err err = aver_link_read_uint(cursor, least, most, &value);
    if (err == AVER_OK) {
        *ret_value = (uint32_t)value;
    }
    return err;
}

aver_err aver_link_read_i32(aver_cbor_cursor *cursor, int64_t least, int64_t most,
                            int32_t *ret_value)
{
    int64_t value = 0;
    aver_err err = aver_cbor_read_int(cursor, &value);
    if (err == AVER_OK && (value < least || value > most)) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        *ret_value = (int32_t)value;
    }
    return err;
}

aver_err aver_link_read_array(aver_cbor_cursor *cursor, uint64_t wanted)
{
    uint64_t count = 0;
    aver_err err = aver_cbor_read_array(cursor, &count);
    return err == AVER_OK && count != wanted ? AVER_E_FORMAT : err;
}

aver_err aver_link_read_text(aver_cbor_cursor *cursor, char *text, size_t size_max)
{
    aver_view view;
    aver_err err = aver_cbor_read_text(cursor, &view);
    if (err != AVER_OK) {
        return err;
    }
    if (view.size >= size_max || memchr(view.data, 0, view.size) != NULL) {
        return AVER_E_FORMAT;
    }
    memcpy(text, view.data, view.size);
    text[view.size] = '\0';
    return AVER_OK;
}

aver_err aver_link_read_null(aver_cbor_cursor *cursor, bool *ret_null)
{
    aver_cbor_type type = AVER_CBOR_NULL;
    aver_err err = aver_cbor_peek(cursor, &type);
    if (err == AVER_OK && type == AVER_CBOR_NULL) {
        err = aver_cbor_read_null(cursor);
    }
    if (err == AVER_OK) {
        *ret_null = type == AVER_CBOR_NULL;
    }
    return err;
}

static aver_err parse_adapters(aver_cbor_cursor *cursor, aver_engine_options *options)
{
    uint64_t count = 0;
    aver_err err = aver_cbor_read_array(cursor, &count);
    if (err == AVER_OK && count > AVER_ENGINE_ADAPTERS_MAX) {
        err = AVER_E_FORMAT;
    }
    for (uint64_t i = 0; i < count && err == AVER_OK; i++) {
        options->adapters[i].fd = -1;
        err = aver_link_read_u32(cursor, 1, AVER_ADAPTER_SCALE_PPM_MAX,
                                 &options->adapters[i].scale_ppm);
    }
    options->adapters_count = err == AVER_OK ? (size_t)count : 0;
    return err;
}

static aver_err parse_shared(aver_cbor_cursor *cursor, aver_engine_options *options)
{
    uint64_t count = 0;
    aver_err err = aver_cbor_read_array(cursor, &count);
    if (err == AVER_OK && count > AVER_ENGINE_SHARED_MAX) {
        err = AVER_E_FORMAT;
    }
    for (uint64_t i = 0; i < count && err == AVER_OK; i++) {
        aver_view *text = &options->shared_prefixes[i];
        err = aver_cbor_read_text(cursor, text);
        if (err == AVER_OK && (text->size == 0 || text->size > AVER_ENGINE_SHARED_BYTES_MAX)) {
            err = AVER_E_FORMAT;
        }
    }
    options->shared_count = err == AVER_OK ? (size_t)count : 0;
    return err;
}

static aver_err parse_load(aver_cbor_cursor *cursor, aver_engine_options *options)
{
    uint64_t profile = 0;
    aver_err err = aver_link_read_uint(cursor, AVER_PROFILE_VERIFIED, AVER_PROFILE_FAST, &profile);
    err = err == AVER_OK ? aver_link_read_u32(cursor, 1, AVER_ENGINE_SLOTS_MAX, &options->slots)
                         : err;
    err = err == AVER_OK
              ? aver_link_read_u32(cursor, 0, AVER_JOB_TOKENS_MAX, &options->context_tokens)
              : err;
    err = err == AVER_OK
              ? aver_link_read_u32(cursor, 0, AVER_JOB_TOKENS_MAX, &options->batch_tokens)
              : err;
    err = err == AVER_OK ? aver_link_read_u32(cursor, 0, 1024, &options->threads) : err;
    err = err == AVER_OK ? aver_cbor_read_bool(cursor, &options->pin) : err;
    err = err == AVER_OK ? parse_adapters(cursor, options) : err;
    err = err == AVER_OK ? parse_shared(cursor, options) : err;
    options->profile = (aver_profile)profile;
    options->weights_fd = -1;
    return err;
}

static aver_err parse_ready(aver_cbor_cursor *cursor, aver_engine_info *info)
{
    uint64_t profile = 0;
    aver_err err = aver_link_read_text(cursor, info->executor, sizeof(info->executor));
    err = err == AVER_OK ? aver_link_read_text(cursor, info->description, sizeof(info->description))
                         : err;
    err = err == AVER_OK ? aver_link_read_u32(cursor, 1, INT32_MAX, &info->vocabulary_size) : err;
    err = err == AVER_OK ? aver_link_read_u32(cursor, 1, AVER_JOB_TOKENS_MAX, &info->context_tokens)
                         : err;
    err = err == AVER_OK ? aver_link_read_u32(cursor, 1, AVER_ENGINE_SLOTS_MAX, &info->slots) : err;
    err = err == AVER_OK
              ? aver_link_read_uint(cursor, AVER_PROFILE_VERIFIED, AVER_PROFILE_FAST, &profile)
              : err;
    err = err == AVER_OK ? aver_cbor_read_bool(cursor, &info->chat_template_in_model) : err;
    err = err == AVER_OK ? aver_link_read_text(cursor, info->kv_type, sizeof(info->kv_type)) : err;
    err = err == AVER_OK
              ? aver_cbor_read_fixed(cursor, info->numeric_class, sizeof(info->numeric_class))
              : err;
    info->profile = (aver_profile)profile;
    err = err == AVER_OK
              ? aver_cbor_read_fixed(cursor, info->template_digest, sizeof(info->template_digest))
              : err;
    err = err == AVER_OK ? aver_cbor_read_bool(cursor, &info->embeds) : err;
    err = err == AVER_OK
              ? aver_link_read_u32(cursor, info->embeds ? 1 : 0,
                                   info->embeds ? AVER_ENGINE_VECTOR_MAX : 0, &info->vector_size)
              : err;
    err = err == AVER_OK ? aver_link_read_uint(cursor, 0, INT64_MAX, &info->memory_bytes) : err;
    bool none = false;
    err = err == AVER_OK ? aver_link_read_null(cursor, &none) : err;
    info->has_shared = !none;
    return err == AVER_OK && !none
               ? aver_cbor_read_fixed(cursor, info->shared_digest, sizeof(info->shared_digest))
               : err;
}

/* The items themselves are checked as they are walked; here only that there are as many as the head
 * says. No events are no news: an engine could send them for ever without doing anything. */
static aver_err parse_events(aver_cbor_cursor *cursor, uint64_t count, aver_view *ret_events)
{
    aver_view all = cursor->rest;
    aver_view item;
    aver_err err = count > 0 ? AVER_OK : AVER_E_FORMAT;
    for (uint64_t i = 0; i < count && err == AVER_OK; i++) {
        err = aver_cbor_skip(cursor, &item);
    }
    if (err == AVER_OK) {
        *ret_events = aver_view_make(all.data, all.size - cursor->rest.size);
    }
    return err;
}

static aver_err parse_body(aver_cbor_cursor *cursor, uint64_t members, aver_link_message *message)
{
    static const uint8_t wanted[] = {
        [AVER_LINK_LOAD] = 8,   [AVER_LINK_SUBMIT] = 1 + AVER_LINK_JOB_MEMBERS,
        [AVER_LINK_CANCEL] = 1, [AVER_LINK_READY] = 14,
        [AVER_LINK_FAILED] = 1, [AVER_LINK_BUSY] = 1,
    };
    if (message->kind != AVER_LINK_EVENTS && members != wanted[message->kind]) {
        return AVER_E_FORMAT;
    }
    aver_err err = AVER_OK;
    switch (message->kind) {
    case AVER_LINK_LOAD:
        return parse_load(cursor, &message->options);
    case AVER_LINK_SUBMIT:
        err = aver_cbor_read_uint(cursor, &message->job_id);
        return err == AVER_OK ? aver_link_read_job(cursor, &message->job) : err;
    case AVER_LINK_READY:
        return parse_ready(cursor, &message->info);
    case AVER_LINK_EVENTS:
        return parse_events(cursor, members, &message->events);
    case AVER_LINK_FAILED:
        return aver_cbor_read_text(cursor, &message->text);
    case AVER_LINK_CANCEL:
    case AVER_LINK_BUSY:
        break;
    }
    return aver_cbor_read_uint(cursor, &message->job_id);
}

aver_err aver_link_parse(aver_view frame, aver_link_message *ret_message)
{
    aver_link_message message = {0};
    size_t size = 0;
    uint64_t members = 0;
    uint64_t kind = 0;
    aver_err err = aver_link_frame(frame, &size);
    if (err != AVER_OK || size != frame.size || size == 0) {
        return AVER_E_FORMAT;
    }
    aver_cbor_cursor cursor =
        aver_cbor_open(aver_view_slice(frame, SIZE_BYTES, frame.size - SIZE_BYTES), 0);
    err = aver_cbor_read_array(&cursor, &members);
    err =
        err == AVER_OK ? aver_link_read_uint(&cursor, AVER_LINK_LOAD, AVER_LINK_BUSY, &kind) : err;
    if (err != AVER_OK || members == 0) {
        return AVER_E_FORMAT;
    }
    message.kind = (aver_link_kind)kind;
    err = parse_body(&cursor, members - 1, &message);
    err = err == AVER_OK ? aver_cbor_end(&cursor) : err;
    if (err != AVER_OK) {
        aver_link_message_deinit(&message);
        return err;
    }
    *ret_message = message;
    return AVER_OK;
}

void aver_link_message_deinit(aver_link_message *message)
{
    aver_job_deinit(&message->job);
    memset(message, 0, sizeof(*message));
}

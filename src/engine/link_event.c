/* SPDX-License-Identifier: Apache-2.0 */
/* link_event: the events of an EVENTS frame. */
#include "engine/link_parts.h"

#include <math.h>
#include <string.h>

#define LOGPROB_PPM_MIN (-2000000000)

/* Elements of each event, kind and job id included. TOKEN has one more if it brings logprobs. */
static const uint8_t event_members[] = {
    [AVER_EVENT_STARTED] = 4, [AVER_EVENT_TOKEN] = 5,  [AVER_EVENT_DONE] = 5,
    [AVER_EVENT_REFUSED] = 3, [AVER_EVENT_CHOICE] = 6, [AVER_EVENT_CALL] = 6,
    [AVER_EVENT_VECTOR] = 4,  [AVER_EVENT_TEXT] = 3,   [AVER_EVENT_READ] = 3,
};

/* Four bytes each, by the writer of one. */
static void put_words(aver_buf *events, const void *words, size_t count,
                      void (*write)(uint8_t bytes[static 4], const void *words, size_t index))
{
    uint8_t word[4];
    aver_buf bytes;
    aver_buf_init(&bytes, count * sizeof(word));
    for (size_t i = 0; i < count; i++) {
        write(word, words, i);
        aver_buf_append(&bytes, AVER_VIEW_OF(word));
    }
    if (aver_buf_status(&bytes) != AVER_OK) {
        events->failure = aver_buf_status(&bytes);
    }
    aver_cbor_put_bytes(events, aver_buf_view(&bytes));
    aver_buf_deinit(&bytes);
}

static void write_id(uint8_t bytes[static 4], const void *words, size_t index)
{
    aver_be32_write(bytes, (uint32_t)((const int32_t *)words)[index]);
}

static void write_float(uint8_t bytes[static 4], const void *words, size_t index)
{
    uint32_t bits;
    memcpy(&bits, (const float *)words + index, sizeof(bits));
    for (unsigned i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(bits >> 8 * i);
    }
}

static void put_logprobs(aver_buf *events, const aver_event *event)
{
    aver_cbor_put_array(events, 3 * event->logprobs_count);
    for (size_t i = 0; i < event->logprobs_count; i++) {
        aver_cbor_put_int(events, event->logprobs[i].token);
        aver_cbor_put_int(events, event->logprobs[i].logprob_ppm);
        aver_cbor_put_bytes(events, event->logprobs[i].piece);
    }
}

static void put_done(aver_buf *events, const aver_event *event)
{
    aver_cbor_put_uint(events, (uint64_t)event->finish);
    aver_cbor_put_uint(events, event->generated_count);
    if (event->has_step_digest) {
        aver_cbor_put_bytes(events, AVER_VIEW_OF(event->step_digest));
    } else {
        aver_cbor_put_null(events);
    }
}

void aver_link_put_event(aver_buf *events, const aver_event *event)
{
    uint64_t more = event->kind == AVER_EVENT_TOKEN && event->logprobs_count > 0 ? 1 : 0;
    aver_cbor_put_array(events, event_members[event->kind] + more);
    aver_cbor_put_uint(events, (uint64_t)event->kind);
    aver_cbor_put_uint(events, event->job_id);
    switch (event->kind) {
    case AVER_EVENT_STARTED:
        put_words(events, event->prompt_ids, event->prompt_count, write_id);
        aver_cbor_put_uint(events, event->cached_count);
        break;
    case AVER_EVENT_TOKEN:
        aver_cbor_put_uint(events, event->choice);
        aver_cbor_put_int(events, event->token);
        aver_cbor_put_text_view(events, event->text);
        if (more != 0) {
            put_logprobs(events, event);
        }
        break;
    case AVER_EVENT_DONE:
        put_done(events, event);
        break;
    case AVER_EVENT_REFUSED:
    case AVER_EVENT_TEXT:
        aver_cbor_put_text_view(events, event->text);
        break;
    case AVER_EVENT_CHOICE:
        aver_cbor_put_uint(events, event->choice);
        aver_cbor_put_uint(events, (uint64_t)event->finish);
        aver_cbor_put_uint(events, event->generated_count);
        aver_cbor_put_text_view(events, event->text);
        break;
    case AVER_EVENT_CALL:
        aver_cbor_put_uint(events, event->choice);
        aver_cbor_put_uint(events, event->call_index);
        aver_cbor_put_text_view(events, event->call_name);
        aver_cbor_put_text_view(events, event->call_arguments);
        break;
    case AVER_EVENT_VECTOR:
        aver_cbor_put_uint(events, event->choice);
        put_words(events, event->vector, event->vector_count, write_float);
        break;
    case AVER_EVENT_READ:
        aver_cbor_put_uint(events, event->read_count);
        break;
    }
}

/* A byte string of whole words, at most count_max of them. */
static aver_err read_words(aver_cbor_cursor *cursor, size_t count_max, aver_view *ret_bytes)
{
    aver_view bytes;
    aver_err err = aver_cbor_read_bytes(cursor, &bytes);
    if (err == AVER_OK && bytes.size % 4 != 0) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK && bytes.size / 4 > count_max) {
        err = AVER_E_LIMIT;
    }
    if (err == AVER_OK) {
        *ret_bytes = bytes;
    }
    return err;
}

static aver_err read_started(aver_cbor_cursor *cursor, aver_event *event, aver_link_room *room)
{
    aver_view bytes;
    aver_err err = read_words(cursor, room->ids_max, &bytes);
    if (err != AVER_OK) {
        return err;
    }
    for (size_t i = 0; i < bytes.size / 4; i++) {
        uint32_t id = aver_be32_read(bytes.data + 4 * i);
        if (id > INT32_MAX) {
            return AVER_E_FORMAT;
        }
        room->ids[i] = (int32_t)id;
    }
    event->prompt_ids = room->ids;
    event->prompt_count = bytes.size / 4;
    return aver_link_read_u32(cursor, 0, (uint32_t)event->prompt_count, &event->cached_count);
}

static aver_err read_logprobs(aver_cbor_cursor *cursor, aver_event *event, aver_link_room *room)
{
    uint64_t count = 0;
    aver_err err = aver_cbor_read_array(cursor, &count);
    if (err == AVER_OK && (count == 0 || count % 3 != 0 || count / 3 > AVER_LINK_LOGPROBS_MAX)) {
        err = AVER_E_FORMAT;
    }
    for (uint64_t i = 0; i < count / 3 && err == AVER_OK; i++) {
        aver_logprob *logprob = &room->logprobs[i];
        err = aver_link_read_i32(cursor, 0, INT32_MAX, &logprob->token);
        err = err == AVER_OK ? aver_link_read_i32(cursor, LOGPROB_PPM_MIN, 0, &logprob->logprob_ppm)
                             : err;
        err = err == AVER_OK ? aver_cbor_read_bytes(cursor, &logprob->piece) : err;
    }
    event->logprobs = room->logprobs;
    event->logprobs_count = (size_t)count / 3;
    return err;
}

static aver_err read_choice_index(aver_cbor_cursor *cursor, aver_event *event)
{
    return aver_link_read_u32(cursor, 0, AVER_JOB_CHOICES_MAX - 1, &event->choice);
}

static aver_err read_token(aver_cbor_cursor *cursor, bool logprobs, aver_event *event,
                           aver_link_room *room)
{
    aver_err err = read_choice_index(cursor, event);
    err = err == AVER_OK ? aver_link_read_i32(cursor, 0, INT32_MAX, &event->token) : err;
    err = err == AVER_OK ? aver_cbor_read_text(cursor, &event->text) : err;
    return err == AVER_OK && logprobs ? read_logprobs(cursor, event, room) : err;
}

static aver_err read_choice(aver_cbor_cursor *cursor, aver_event *event)
{
    uint64_t finish = 0;
    aver_err err = read_choice_index(cursor, event);
    err = err == AVER_OK ? aver_link_read_uint(cursor, AVER_FINISH_STOP, AVER_FINISH_TOOL, &finish)
                         : err;
    err = err == AVER_OK
              ? aver_link_read_u32(cursor, 0, AVER_JOB_TOKENS_MAX + 1, &event->generated_count)
              : err;
    event->finish = (aver_finish)finish;
    return err == AVER_OK ? aver_cbor_read_text(cursor, &event->text) : err;
}

static aver_err read_call(aver_cbor_cursor *cursor, aver_event *event)
{
    aver_err err = read_choice_index(cursor, event);
    err = err == AVER_OK
              ? aver_link_read_u32(cursor, 0, AVER_LINK_CALLS_MAX - 1, &event->call_index)
              : err;
    err = err == AVER_OK ? aver_cbor_read_text(cursor, &event->call_name) : err;
    return err == AVER_OK ? aver_cbor_read_text(cursor, &event->call_arguments) : err;
}

static aver_err read_vector(aver_cbor_cursor *cursor, aver_event *event, aver_link_room *room)
{
    aver_view bytes;
    aver_err err = aver_link_read_u32(cursor, 0, AVER_JOB_INPUTS_MAX - 1, &event->choice);
    err = err == AVER_OK ? read_words(cursor, room->vector_max, &bytes) : err;
    if (err != AVER_OK) {
        return err;
    }
    for (size_t i = 0; i < bytes.size / 4; i++) {
        const uint8_t *at = bytes.data + 4 * i;
        uint32_t bits =
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        memcpy(&room->vector[i], &bits, sizeof(bits));
        if (!isfinite(room->vector[i])) {
            return AVER_E_FORMAT;
        }
    }
    event->vector = room->vector;
    event->vector_count = bytes.size / 4;
    return AVER_OK;
}

static aver_err read_done(aver_cbor_cursor *cursor, aver_event *event)
{
    uint64_t finish = 0;
    bool none = false;
    aver_err err = aver_link_read_uint(cursor, AVER_FINISH_STOP, AVER_FINISH_ERROR, &finish);
    err = err == AVER_OK
              ? aver_link_read_u32(cursor, 0, AVER_JOB_CHOICES_MAX * (AVER_JOB_TOKENS_MAX + 1u),
                                   &event->generated_count)
              : err;
    err = err == AVER_OK ? aver_link_read_null(cursor, &none) : err;
    event->finish = (aver_finish)finish;
    event->has_step_digest = !none;
    return err == AVER_OK && !none
               ? aver_cbor_read_fixed(cursor, event->step_digest, sizeof(event->step_digest))
               : err;
}

static aver_err read_event(aver_cbor_cursor *cursor, uint64_t members, aver_event *event,
                           aver_link_room *room)
{
    uint64_t kind = 0;
    aver_err err = aver_link_read_uint(cursor, AVER_EVENT_STARTED, AVER_EVENT_READ, &kind);
    err = err == AVER_OK ? aver_cbor_read_uint(cursor, &event->job_id) : err;
    if (err != AVER_OK) {
        return err;
    }
    bool more = kind == AVER_EVENT_TOKEN && members == event_members[kind] + 1u;
    if (members != event_members[kind] && !more) {
        return AVER_E_FORMAT;
    }
    event->kind = (aver_event_kind)kind;
    switch (event->kind) {
    case AVER_EVENT_STARTED:
        return read_started(cursor, event, room);
    case AVER_EVENT_TOKEN:
        return read_token(cursor, more, event, room);
    case AVER_EVENT_DONE:
        return read_done(cursor, event);
    case AVER_EVENT_CHOICE:
        return read_choice(cursor, event);
    case AVER_EVENT_CALL:
        return read_call(cursor, event);
    case AVER_EVENT_VECTOR:
        return read_vector(cursor, event, room);
    case AVER_EVENT_READ:
        return aver_link_read_u32(cursor, 1, AVER_TOKENS_MAX, &event->read_count);
    case AVER_EVENT_REFUSED:
    case AVER_EVENT_TEXT:
        break;
    }
    return aver_cbor_read_text(cursor, &event->text);
}

aver_err aver_link_event_next(aver_view *events, bool *ret_more, aver_event *ret_event,
                              aver_link_room *room)
{
    if (events->size == 0) {
        *ret_more = false;
        return AVER_OK;
    }
    aver_event event = {0};
    uint64_t members = 0;
    aver_cbor_cursor cursor = aver_cbor_open(*events, 0);
    aver_err err = aver_cbor_read_array(&cursor, &members);
    err = err == AVER_OK ? read_event(&cursor, members, &event, room) : err;
    if (err != AVER_OK) {
        return err;
    }
    *events = cursor.rest;
    *ret_event = event;
    *ret_more = true;
    return AVER_OK;
}

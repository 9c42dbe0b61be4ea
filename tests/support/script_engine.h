/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_SCRIPT_ENGINE_H
#define AVER_TESTS_SUPPORT_SCRIPT_ENGINE_H

/*
 * script_engine: an engine that says what its caller wrote. The text of each job, the first hex
 * digits of its prompt, holds encoded events; they are said of the job, whatever job they name, in
 * one frame. So a test can have a genuine keeper hear anything that is well formed.
 */

#include "codec/text.h"
#include "engine/link.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT_VOCABULARY  1000
#define SCRIPT_CONTEXT     256
#define SCRIPT_VECTOR_SIZE 3
#define SCRIPT_BYTES_MAX   (1u << 20)

static inline void script_send(const aver_buf *out)
{
    aver_view bytes = aver_buf_view(out);

    while (bytes.size > 0) {
        ssize_t sent = write(AVER_LINK_SOCKET_FD, bytes.data, bytes.size);
        if (sent <= 0) {
            return;
        }
        bytes = aver_view_slice(bytes, (size_t)sent, bytes.size - (size_t)sent);
    }
}

static inline void script_ready(bool embeds)
{
    aver_engine_info info = {.vocabulary_size = SCRIPT_VOCABULARY,
                             .context_tokens = SCRIPT_CONTEXT,
                             .slots = 4,
                             .profile = AVER_PROFILE_VERIFIED,
                             .embeds = embeds,
                             .vector_size = embeds ? SCRIPT_VECTOR_SIZE : 0};
    aver_buf out;

    (void)snprintf(info.executor, sizeof(info.executor), "script/1");
    (void)snprintf(info.kv_type, sizeof(info.kv_type), embeds ? "none" : "Q8_0");
    aver_buf_init(&out, SCRIPT_BYTES_MAX);
    aver_link_put_ready(&out, &info);
    script_send(&out);
    aver_buf_deinit(&out);
}

/* The first quoted or bare run of hex digits of the prompt, at least 8 of them. */
static inline aver_view script_find(aver_view prompt)
{
    size_t start = 0;

    for (size_t i = 0; i <= prompt.size; i++) {
        if (i < prompt.size && aver_hex_digit(prompt.data[i]) >= 0) {
            continue;
        }
        if (i - start >= 8) {
            return aver_view_slice(prompt, start, i - start);
        }
        start = i + 1;
    }
    return (aver_view){NULL, 0};
}

static inline void script_play(const aver_link_message *message)
{
    static int32_t ids[AVER_TOKENS_MAX];
    float vector[16];
    aver_link_room room = {
        .ids = ids, .ids_max = AVER_TOKENS_MAX, .vector = vector, .vector_max = 16};
    aver_buf script, events, out;
    aver_event event;
    uint64_t count = 0;
    bool more = true;

    aver_buf_init(&script, SCRIPT_BYTES_MAX);
    aver_buf_init(&events, SCRIPT_BYTES_MAX);
    aver_buf_init(&out, SCRIPT_BYTES_MAX);
    if (aver_hex_decode_buf(script_find(aver_buf_view(&message->job.prompt)), &script) != AVER_OK) {
        _exit(4);
    }
    aver_view rest = aver_buf_view(&script);
    while (aver_link_event_next(&rest, &more, &event, &room) == AVER_OK && more) {
        event.job_id = message->job_id;
        aver_link_put_event(&events, &event);
        count++;
    }
    if (count > 0) {
        aver_link_put_events(&out, count, aver_buf_view(&events));
        script_send(&out);
    }
    aver_buf_deinit(&script);
    aver_buf_deinit(&events);
    aver_buf_deinit(&out);
}

static inline void script_frame(aver_view frame, bool embeds)
{
    aver_link_message message;

    if (aver_link_parse(frame, &message) != AVER_OK) {
        _exit(3);
    }
    if (message.kind == AVER_LINK_LOAD) {
        script_ready(embeds);
    } else if (message.kind == AVER_LINK_SUBMIT) {
        script_play(&message);
    }
    aver_link_message_deinit(&message);
}

static inline int script_serve(bool embeds)
{
    aver_buf in;
    size_t size;
    ssize_t got;

    (void)signal(SIGPIPE, SIG_IGN);
    aver_buf_init(&in, AVER_LINK_FRAME_BYTES_MAX);
    do {
        while (aver_link_frame(aver_buf_view(&in), &size) == AVER_OK && size > 0) {
            script_frame(aver_view_slice(aver_buf_view(&in), 0, size), embeds);
            aver_buf_consume(&in, size);
        }
        uint8_t bytes[4096];
        got = read(AVER_LINK_SOCKET_FD, bytes, sizeof(bytes));
        if (got > 0) {
            aver_buf_append(&in, aver_view_make(bytes, (size_t)got));
        }
    } while (got > 0);
    return 0;
}

#endif

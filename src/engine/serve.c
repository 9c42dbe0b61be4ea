/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/link.h"

#include "base/log.h"
#include "engine/confine.h"
#include "engine/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES       ((size_t)4096)
#define IN_BYTES_MAX     ((size_t)AVER_LINK_FRAME_BYTES_MAX + 4 + READ_BYTES)
#define EVENTS_BYTES_MAX ((size_t)AVER_LINK_FRAME_BYTES_MAX - 64)
#define OUT_BYTES_MAX    ((size_t)AVER_LINK_FRAME_BYTES_MAX + 64)
/* Of jobs taken in between two steps. Tokenising hard text takes some 0.5 us a byte, so that this
 * much holds the answers up by no more than a step itself takes. */
#define STEP_BYTES ((size_t)64 * 1024)
/* A frame that brings no job: a CANCEL is never held. */
#define SMALL_FRAME_BYTES ((size_t)32)

enum { EXIT_CLOSED = 0, EXIT_FAILED = 1, EXIT_PROTOCOL = 2 };

typedef struct serve_state {
    int socket_fd;
    aver_engine_files files;
    bool confine;
    aver_engine *engine; /* NULL before LOAD */
    aver_buf in;
    aver_buf out;
    aver_buf events; /* of the step or submit in progress */
    uint64_t events_count;
    aver_err failure;  /* of a frame sent within a step */
    size_t owed_bytes; /* of jobs taken in; each step pays for STEP_BYTES */
    bool held;         /* in has a whole frame that waits for steps */
    bool closed;
    bool load_failed;
} serve_state;

static aver_err serve_wait(const serve_state *state, short events)
{
    struct pollfd poll_fd = {.fd = state->socket_fd, .events = events};
    while (poll(&poll_fd, 1, -1) < 0) {
        if (errno != EINTR) {
            return AVER_E_IO;
        }
    }
    return AVER_OK;
}

/* Writes a whole frame; the keeper reads at its own pace, and the engine waits for it. */
static aver_err serve_flush(serve_state *state)
{
    aver_err err = aver_buf_status(&state->out);
    size_t done = 0;
    while (err == AVER_OK && done < state->out.size) {
        ssize_t put = write(state->socket_fd, state->out.data + done, state->out.size - done);
        if (put > 0) {
            done += (size_t)put;
        } else if (put < 0 && errno == EAGAIN) {
            err = serve_wait(state, POLLOUT);
        } else if (put < 0 && errno != EINTR) {
            err = AVER_E_PEER;
        }
    }
    aver_buf_clear(&state->out);
    return err;
}

static aver_err serve_send_events(serve_state *state)
{
    aver_err err = state->failure;
    if (state->events_count == 0) {
        return err;
    }
    err = err == AVER_OK ? aver_buf_status(&state->events) : err;
    if (err == AVER_OK) {
        aver_link_put_events(&state->out, state->events_count, aver_buf_view(&state->events));
        err = serve_flush(state);
    }
    aver_buf_clear(&state->events);
    state->events_count = 0;
    return err;
}

/* A step in which many choices give out what they held may have more than a frame takes. */
static void serve_on_event(const aver_event *event, void *context)
{
    serve_state *state = context;
    aver_link_put_event(&state->events, event);
    state->events_count++;
    if (state->events.size > EVENTS_BYTES_MAX / 2 && state->failure == AVER_OK) {
        state->failure = serve_send_events(state);
    }
}

static bool serve_keeps(const serve_state *state, const aver_engine_options *options, int fd)
{
    bool kept = fd == state->socket_fd || fd == options->weights_fd;
    for (size_t i = 0; i < options->adapters_count; i++) {
        kept = kept || fd == options->adapters[i].fd;
    }
    return kept;
}

/* Everything but the standard streams, the socket, the weights and the adapters. */
static void serve_close_others(const serve_state *state, const aver_engine_options *options)
{
    int last = state->socket_fd > options->weights_fd ? state->socket_fd : options->weights_fd;
    for (size_t i = 0; i < options->adapters_count; i++) {
        last = options->adapters[i].fd > last ? options->adapters[i].fd : last;
    }
    for (int fd = STDERR_FILENO + 1; fd < last; fd++) {
        if (!serve_keeps(state, options, fd)) {
            (void)close(fd);
        }
    }
    (void)close_range((unsigned)last + 1, ~0U, 0);
}

static aver_err serve_load(serve_state *state, aver_engine_options *options)
{
    char why[160] = "";
    if (state->engine != NULL) {
        return AVER_E_PEER;
    }
    options->weights_fd = state->files.weights_fd;
    for (size_t i = 0; i < options->adapters_count; i++) {
        options->adapters[i].fd = state->files.adapters[i];
    }
    aver_err err = AVER_OK;
    if (state->confine) {
        serve_close_others(state, options);
        err = aver_confine_engine();
    }
    err =
        err == AVER_OK ? aver_engine_new(options, serve_on_event, state, &state->engine, why) : err;
    if (err != AVER_OK) {
        aver_link_put_failed(&state->out, why[0] != '\0' ? why : aver_err_text(err));
        state->load_failed = true;
        aver_err sent = serve_flush(state);
        return sent != AVER_OK ? sent : err;
    }
    aver_link_put_ready(&state->out, aver_engine_about(state->engine));
    return serve_flush(state);
}

static aver_err serve_submit(serve_state *state, const aver_link_message *message)
{
    aver_err err = aver_engine_submit(state->engine, message->job_id, &message->job);
    if (err == AVER_OK) {
        return serve_send_events(state);
    }
    aver_link_put_busy(&state->out, message->job_id);
    return serve_flush(state);
}

static aver_err serve_message(serve_state *state, aver_link_message *message)
{
    if (message->kind == AVER_LINK_LOAD) {
        return serve_load(state, &message->options);
    }
    if (state->engine == NULL) {
        return AVER_E_PEER;
    }
    if (message->kind == AVER_LINK_SUBMIT) {
        return serve_submit(state, message);
    }
    if (message->kind == AVER_LINK_CANCEL) {
        aver_engine_cancel(state->engine, message->job_id);
        return serve_send_events(state);
    }
    return AVER_E_PEER;
}

/* While answers are under way, a job that takes long to read is paid for by steps before the next
 * one is read: whoever sends many such jobs slows the answers of others, but cannot stop them. */
static bool serve_holds(const serve_state *state, size_t frame_size)
{
    return frame_size > SMALL_FRAME_BYTES && state->owed_bytes >= STEP_BYTES &&
           aver_engine_busy(state->engine);
}

static aver_err serve_frames(serve_state *state)
{
    for (;;) {
        size_t size = 0;
        aver_link_message message = {0};
        aver_err err = aver_link_frame(aver_buf_view(&state->in), &size);
        state->held = err == AVER_OK && size > 0 && serve_holds(state, size);
        if (err != AVER_OK || size == 0 || state->held) {
            return err;
        }
        err = aver_link_parse(aver_view_make(state->in.data, size), &message);
        err = err == AVER_OK ? serve_message(state, &message) : err;
        aver_link_message_deinit(&message);
        if (err != AVER_OK) {
            return err;
        }
        state->owed_bytes += size;
        aver_buf_consume(&state->in, size);
    }
}

/* Reads what is there and handles every whole frame, up to one that is held. */
static aver_err serve_read(serve_state *state)
{
    uint8_t bytes[READ_BYTES];
    aver_err err = serve_frames(state);
    while (err == AVER_OK && !state->held) {
        ssize_t got = read(state->socket_fd, bytes, sizeof(bytes));
        if (got == 0) {
            state->closed = true;
            return AVER_OK;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return errno == EAGAIN ? AVER_OK : AVER_E_PEER;
        }
        aver_buf_append(&state->in, aver_view_make(bytes, (size_t)got));
        err = aver_buf_status(&state->in);
        err = err == AVER_OK ? serve_frames(state) : err;
    }
    return err;
}

static aver_err serve_step(serve_state *state)
{
    bool busy = aver_engine_busy(state->engine);
    size_t paid_bytes = busy && state->owed_bytes > STEP_BYTES ? STEP_BYTES : state->owed_bytes;
    aver_err err = aver_engine_step(state->engine);
    state->owed_bytes -= paid_bytes;
    return err == AVER_OK ? serve_send_events(state) : err;
}

static aver_err serve_loop(serve_state *state)
{
    aver_err err = AVER_OK;
    while (err == AVER_OK && !state->closed) {
        if (!state->held && (state->engine == NULL || !aver_engine_busy(state->engine))) {
            err = serve_wait(state, POLLIN);
        }
        err = err == AVER_OK ? serve_read(state) : err;
        if (err == AVER_OK && !state->closed && state->engine != NULL) {
            err = serve_step(state);
        }
    }
    return err;
}

aver_engine_files aver_link_files(void)
{
    aver_engine_files files = {.weights_fd = AVER_LINK_WEIGHTS_FD};
    for (int i = 0; i < AVER_ENGINE_ADAPTERS_MAX; i++) {
        files.adapters[i] = AVER_LINK_WEIGHTS_FD + 1 + i;
    }
    return files;
}

int aver_engine_serve(int socket_fd, const aver_engine_files *files, bool confine)
{
    serve_state state = {
        .socket_fd = socket_fd,
        .files = *files,
        .confine = confine,
    };
    int flags = fcntl(socket_fd, F_GETFL);
    if (flags < 0 || fcntl(socket_fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        return EXIT_FAILED;
    }
    /* A keeper that went away is seen by write. */
    (void)signal(SIGPIPE, SIG_IGN);
    /* A failed assertion of ggml would start a debugger for its backtrace. */
    (void)setenv("GGML_NO_BACKTRACE", "1", 1);
    aver_host_prepare();
    aver_buf_init(&state.in, IN_BYTES_MAX);
    aver_buf_init(&state.out, OUT_BYTES_MAX);
    aver_buf_init(&state.events, EVENTS_BYTES_MAX);
    aver_err err = serve_loop(&state);
    if (err != AVER_OK) {
        aver_log(AVER_LOG_WARN, "engine.serve", "the engine ends: %s", aver_err_text(err));
    }
    aver_engine_free(state.engine);
    aver_buf_wipe(&state.in);
    aver_buf_wipe(&state.out);
    aver_buf_wipe(&state.events);
    aver_buf_deinit(&state.in);
    aver_buf_deinit(&state.out);
    aver_buf_deinit(&state.events);
    if (err == AVER_OK) {
        return EXIT_CLOSED;
    }
    if (state.load_failed) {
        return EXIT_FAILED;
    }
    return err == AVER_E_PEER || err == AVER_E_FORMAT ? EXIT_PROTOCOL : EXIT_FAILED;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_link.h"

#include "base/check.h"
#include "base/log.h"
#include "base/sys.h"
#include "node/engine_spawn.h"
#include "node/engine_voice.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENGINE_OUT_BYTES_MAX (64u * 1024 * 1024)
/* Of it kept for cancels, so that jobs that fill the rest leave no half of one behind. */
#define ENGINE_OUT_BYTES_SPARE (1024u * 1024)
#define ENGINE_IN_BYTES_MAX    (2u * (AVER_LINK_FRAME_BYTES_MAX + 4))
#define ENGINE_READ_BYTES      (256u * 1024)
#define ENGINE_PAUSE_FIRST_MS  100u
#define ENGINE_PAUSE_MAX_MS    10000u
#define ENGINE_SILENCE_NS      (300ull * 1000 * 1000 * 1000)

struct aver_engine_link {
    aver_engine_link_options options;
    aver_engine_state state;
    aver_engine_child child;
    aver_engine_voice voice;
    struct event *read_event;
    struct event *write_event;
    struct event *pause_event;
    aver_buf in;
    aver_buf out;
    uint64_t incarnation;
    uint64_t started_ns;
    uint64_t heard_ns;
    uint32_t pause_ms; /* before the next start; 0: at once */
    bool was_ready;    /* some engine of this keeper was */
};

static void engine_down(aver_engine_link *link, bool final);

static void engine_events_free(aver_engine_link *link)
{
    if (link->read_event != NULL) {
        event_free(link->read_event);
        link->read_event = NULL;
    }
    if (link->write_event != NULL) {
        event_free(link->write_event);
        link->write_event = NULL;
    }
}

/* What was on its way: prompts and answers. */
static void engine_wipe(aver_engine_link *link)
{
    aver_buf_wipe(&link->in);
    aver_buf_wipe(&link->out);
}

static void engine_failed(const aver_engine_link *link, aver_view why)
{
    aver_log(AVER_LOG_ERROR, "engine.failed", "engine %llu: %.*s",
             (unsigned long long)link->incarnation, (int)(why.size > 300 ? 300 : why.size),
             (const char *)why.data);
}

static aver_err engine_ready(aver_engine_link *link, const aver_engine_info *info)
{
    if (link->state != AVER_ENGINE_LOADING) {
        return AVER_E_PEER;
    }
    link->state = AVER_ENGINE_READY;
    link->was_ready = true;
    if (!AVER_ENGINE_VOICE_OPEN) {
        aver_engine_voice_end(&link->voice);
    }
    aver_log(AVER_LOG_INFO, "engine.ready",
             "engine %llu: %s, %s, %u tokens of context, loaded in %llu ms",
             (unsigned long long)link->incarnation, info->executor, info->description,
             info->context_tokens,
             (unsigned long long)((aver_time_monotonic_ns() - link->started_ns) / 1000000));
    aver_err err = link->options.hooks.on_ready(info, link->options.hooks.context);
    return err == AVER_OK ? AVER_OK : AVER_E_USAGE;
}

/* USAGE: this engine must not come back. PEER, FORMAT: it broke the protocol. */
static aver_err engine_message(aver_engine_link *link, const aver_link_message *message)
{
    const aver_engine_hooks *hooks = &link->options.hooks;

    switch (message->kind) {
    case AVER_LINK_READY:
        return engine_ready(link, &message->info);
    case AVER_LINK_EVENTS:
        return link->state == AVER_ENGINE_READY ? hooks->on_events(message->events, hooks->context)
                                                : AVER_E_PEER;
    case AVER_LINK_BUSY:
        return link->state == AVER_ENGINE_READY ? hooks->on_busy(message->job_id, hooks->context)
                                                : AVER_E_PEER;
    case AVER_LINK_FAILED:
        /* Once it knows prompts, its words are not for the log. */
        if (link->state != AVER_ENGINE_LOADING) {
            return AVER_E_PEER;
        }
        engine_failed(link, message->text);
        return link->was_ready ? AVER_E_PEER : AVER_E_USAGE;
    case AVER_LINK_LOAD:
    case AVER_LINK_SUBMIT:
    case AVER_LINK_CANCEL:
        break;
    }
    return AVER_E_PEER;
}

/* Takes whole frames off the front of what was read. */
static aver_err engine_frames(aver_engine_link *link)
{
    aver_view rest = aver_buf_view(&link->in);
    aver_err err = AVER_OK;

    while (err == AVER_OK) {
        aver_link_message message;
        size_t size;

        err = aver_link_frame(rest, &size);
        if (err != AVER_OK || size == 0) {
            break;
        }
        err = aver_link_parse(aver_view_slice(rest, 0, size), &message);
        if (err != AVER_OK) {
            break;
        }
        err = engine_message(link, &message);
        /* Not every byte: what the engine may say is bounded by its jobs, how slowly is not. */
        link->heard_ns = err == AVER_OK ? aver_time_monotonic_ns() : link->heard_ns;
        aver_link_message_deinit(&message);
        rest = aver_view_slice(rest, size, rest.size - size);
    }
    if (err == AVER_OK) {
        aver_buf_consume(&link->in, link->in.size - rest.size);
    } else if (err != AVER_E_USAGE) {
        aver_log(AVER_LOG_ERROR, "engine.protocol", "engine %llu broke the protocol: %s",
                 (unsigned long long)link->incarnation, aver_err_text(err));
    }
    return err;
}

static void engine_on_read(evutil_socket_t fd, short what, void *context)
{
    aver_engine_link *link = context;

    (void)what;
    if (aver_buf_reserve(&link->in, ENGINE_READ_BYTES) != AVER_OK) {
        engine_down(link, false);
        return;
    }
    ssize_t got = read(fd, link->in.data + link->in.size, ENGINE_READ_BYTES);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        engine_down(link, !link->was_ready);
        return;
    }
    link->in.size += (size_t)got;
    aver_err err = engine_frames(link);
    if (err != AVER_OK) {
        engine_down(link, err == AVER_E_USAGE);
    }
}

static void engine_send(aver_engine_link *link)
{
    while (link->out.size > 0) {
        ssize_t sent = send(link->child.socket_fd, link->out.data, link->out.size, MSG_NOSIGNAL);
        if (sent <= 0) {
            break;
        }
        aver_buf_consume(&link->out, (size_t)sent);
    }
    /* A broken socket shows on the reading side, which ends the engine. */
    if (link->out.size > 0) {
        (void)event_add(link->write_event, NULL);
    }
}

static void engine_on_write(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    engine_send(context);
}

static void engine_on_pause(evutil_socket_t fd, short what, void *context)
{
    aver_engine_link *link = context;

    (void)fd;
    (void)what;
    if (link->state == AVER_ENGINE_PAUSED && aver_engine_link_start(link) != AVER_OK) {
        engine_down(link, false);
    }
}

aver_err aver_engine_link_new(const aver_engine_link_options *options, aver_engine_link **ret_link)
{
    aver_engine_link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return AVER_E_NOMEM;
    }
    link->options = *options;
    link->state = AVER_ENGINE_STOPPED;
    link->child = (aver_engine_child){.socket_fd = -1, .voice_fd = -1};
    link->voice.fd = -1;
    aver_buf_init(&link->in, ENGINE_IN_BYTES_MAX);
    aver_buf_init(&link->out, ENGINE_OUT_BYTES_MAX);
    link->pause_event = evtimer_new(options->base, engine_on_pause, link);
    if (link->pause_event == NULL) {
        aver_engine_link_free(link);
        return AVER_E_NOMEM;
    }
    *ret_link = link;
    return AVER_OK;
}

void aver_engine_link_free(aver_engine_link *link)
{
    if (link == NULL) {
        return;
    }
    engine_events_free(link);
    aver_engine_reap(&link->child);
    aver_engine_voice_end(&link->voice);
    if (link->pause_event != NULL) {
        event_free(link->pause_event);
    }
    engine_wipe(link);
    aver_buf_deinit(&link->in);
    aver_buf_deinit(&link->out);
    free(link);
}

static aver_err engine_watch_socket(aver_engine_link *link)
{
    link->read_event = event_new(link->options.base, link->child.socket_fd, EV_READ | EV_PERSIST,
                                 engine_on_read, link);
    link->write_event =
        event_new(link->options.base, link->child.socket_fd, EV_WRITE, engine_on_write, link);
    if (link->read_event == NULL || link->write_event == NULL ||
        event_add(link->read_event, NULL) != 0) {
        return AVER_E_NOMEM;
    }
    return AVER_OK;
}

aver_err aver_engine_link_start(aver_engine_link *link)
{
    AVER_ASSERT(link->state == AVER_ENGINE_STOPPED || link->state == AVER_ENGINE_PAUSED);
    aver_err err = aver_engine_spawn(link->options.program, link->options.single_process,
                                     &link->options.engine, &link->child);
    if (err != AVER_OK) {
        return err;
    }
    if (link->child.voice_fd >= 0) {
        aver_engine_voice_listen(&link->voice, link->options.base, link->child.voice_fd);
    }
    err = engine_watch_socket(link);
    if (err != AVER_OK) {
        engine_events_free(link);
        aver_engine_reap(&link->child);
        aver_engine_voice_end(&link->voice);
        return err;
    }
    link->state = AVER_ENGINE_LOADING;
    link->incarnation++;
    link->started_ns = aver_time_monotonic_ns();
    link->heard_ns = link->started_ns;
    aver_buf_clear(&link->in);
    aver_buf_clear(&link->out);
    aver_link_put_load(&link->out, &link->options.engine);
    engine_send(link);
    return aver_buf_status(&link->out);
}

/* An engine that came up is started again at once; one that did not gets a pause that doubles. */
static void engine_restart(aver_engine_link *link, bool came_up)
{
    uint32_t doubled = link->pause_ms == 0 ? ENGINE_PAUSE_FIRST_MS : link->pause_ms * 2;
    uint32_t pause_ms = came_up ? 0 : link->pause_ms;
    struct timeval delay = {.tv_sec = pause_ms / 1000, .tv_usec = pause_ms % 1000 * 1000};

    link->state = AVER_ENGINE_PAUSED;
    link->pause_ms = came_up ? 0 : (doubled < ENGINE_PAUSE_MAX_MS ? doubled : ENGINE_PAUSE_MAX_MS);
    (void)event_add(link->pause_event, &delay);
}

static void engine_down(aver_engine_link *link, bool final)
{
    bool came_up = link->state == AVER_ENGINE_READY;

    aver_log(AVER_LOG_WARN, "engine.down", "engine %llu is gone%s",
             (unsigned long long)link->incarnation, final ? " for good" : "");
    engine_events_free(link);
    aver_engine_reap(&link->child);
    aver_engine_voice_end(&link->voice);
    engine_wipe(link);
    link->state = AVER_ENGINE_STOPPED;
    if (!final) {
        engine_restart(link, came_up);
    }
    link->options.hooks.on_down(final, link->options.hooks.context);
}

void aver_engine_link_stop(aver_engine_link *link)
{
    engine_events_free(link);
    (void)event_del(link->pause_event);
    aver_engine_reap(&link->child);
    aver_engine_voice_end(&link->voice);
    engine_wipe(link);
    link->state = AVER_ENGINE_STOPPED;
    link->pause_ms = 0;
}

void aver_engine_link_reload(aver_engine_link *link, const aver_engine_options *engine)
{
    AVER_ASSERT(link->state == AVER_ENGINE_STOPPED);
    link->options.engine = *engine;
}

aver_engine_state aver_engine_link_state(const aver_engine_link *link)
{
    return link->state;
}

uint64_t aver_engine_link_incarnation(const aver_engine_link *link)
{
    return link->incarnation;
}

pid_t aver_engine_link_pid(const aver_engine_link *link)
{
    return link->child.pid;
}

aver_err aver_engine_link_submit(aver_engine_link *link, uint64_t job_id, const aver_job *job)
{
    size_t before = link->out.size;

    if (link->state != AVER_ENGINE_READY) {
        return AVER_E_AGAIN;
    }
    aver_link_put_submit(&link->out, job_id, job);
    aver_err err = aver_buf_status(&link->out);
    if (err == AVER_OK && link->out.size > ENGINE_OUT_BYTES_MAX - ENGINE_OUT_BYTES_SPARE) {
        err = AVER_E_LIMIT;
    }
    if (err != AVER_OK) {
        link->out.size = before;
        link->out.failure = AVER_OK;
        return err;
    }
    engine_send(link);
    return AVER_OK;
}

void aver_engine_link_cancel(aver_engine_link *link, uint64_t job_id)
{
    if (link->state == AVER_ENGINE_READY) {
        aver_link_put_cancel(&link->out, job_id);
        engine_send(link);
    }
}

void aver_engine_link_watch(aver_engine_link *link, bool has_work)
{
    uint64_t now_ns = aver_time_monotonic_ns();

    if (!has_work) {
        link->heard_ns = now_ns;
    } else if (link->state == AVER_ENGINE_READY && now_ns - link->heard_ns > ENGINE_SILENCE_NS) {
        aver_log(AVER_LOG_ERROR, "engine.silent", "no word for %llu s although it has work",
                 (unsigned long long)(ENGINE_SILENCE_NS / 1000000000));
        engine_down(link, false);
    }
}

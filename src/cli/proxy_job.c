/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proxy_job.h"

#include "base/log.h"
#include "base/sys.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define JOB_HEADERS_BYTES_MAX (32u * 1024)
#define JOB_OUT_BYTES_MAX     (24u * 1024 * 1024)
#define LANE_TURN_MAX         256 /* jobs before other events get their turn */

void aver_proxy_job_drop(aver_proxy_job *job)
{
    if (atomic_fetch_sub(&job->references, 1) != 1) {
        return;
    }
    aver_buf_wipe(&job->body);
    aver_buf_wipe(&job->out);
    aver_buf_deinit(&job->body);
    aver_buf_deinit(&job->out);
    aver_buf_deinit(&job->headers);
    (void)pthread_cond_destroy(&job->room);
    (void)pthread_mutex_destroy(&job->mutex);
    free(job);
}

/* The loop will not answer any more. */
static void job_leave(aver_proxy_job *job)
{
    job->exchange = NULL;
    (void)pthread_mutex_lock(&job->mutex);
    atomic_store(&job->gone, true);
    (void)pthread_cond_broadcast(&job->room);
    (void)pthread_mutex_unlock(&job->mutex);
    aver_proxy_job_drop(job);
}

static void job_on_gone(aver_exchange *exchange, void *context)
{
    job_leave(context);
    aver_exchange_release(exchange);
}

static void job_set_headers(const aver_proxy_job *job)
{
    for (size_t at = 0; at < job->headers.size;) {
        const char *name = (const char *)job->headers.data + at;
        const char *value = name + strlen(name) + 1;
        aver_exchange_set_header(job->exchange, name, value);
        at += strlen(name) + strlen(value) + 2;
    }
}

static void job_flush_whole(aver_proxy_job *job)
{
    aver_exchange *exchange = job->exchange;
    job_set_headers(job);
    job->exchange = NULL;
    aver_exchange_reply(exchange, job->status, job->type, aver_buf_view(&job->out));
    aver_proxy_job_drop(job);
}

/* All that waits has left. */
static void job_flush_end(aver_proxy_job *job)
{
    aver_exchange *exchange = job->exchange;
    if (!job->cut) {
        job->exchange = NULL;
        aver_exchange_stream_end(exchange);
        aver_proxy_job_drop(job);
    } else if (aver_exchange_unsent(exchange) == 0) {
        job->exchange = NULL;
        aver_exchange_release(exchange);
        aver_proxy_job_drop(job);
    }
}

static void job_flush_stream(aver_proxy_job *job);

static void job_on_room(aver_exchange *exchange, void *context)
{
    (void)exchange;
    job_flush_stream(context);
}

static void job_flush_stream(aver_proxy_job *job)
{
    if (!job->headed) {
        job->headed = true;
        job_set_headers(job);
        aver_exchange_on_room(job->exchange, job_on_room, job);
        aver_exchange_stream_begin(job->exchange, job->status, job->type);
    }
    if (aver_exchange_unsent(job->exchange) > AVER_PROXY_JOB_AHEAD_BYTES) {
        return;
    }
    (void)pthread_mutex_lock(&job->mutex);
    aver_buf out = aver_buf_take(&job->out);
    bool ended = job->ended;
    (void)pthread_cond_broadcast(&job->room);
    (void)pthread_mutex_unlock(&job->mutex);
    aver_err err = aver_exchange_stream_write(job->exchange, aver_buf_view(&out));
    aver_buf_wipe(&out);
    aver_buf_deinit(&out);
    if (err != AVER_OK) {
        aver_exchange *exchange = job->exchange;
        job_leave(job);
        aver_exchange_release(exchange);
    } else if (ended) {
        job_flush_end(job);
    }
}

static void job_flush(aver_proxy_job *job)
{
    if (job->exchange == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&job->mutex);
    aver_proxy_job_state state = job->state;
    (void)pthread_mutex_unlock(&job->mutex);
    if (state == AVER_PROXY_JOB_WHOLE) {
        job_flush_whole(job);
    } else if (state == AVER_PROXY_JOB_STREAM) {
        job_flush_stream(job);
    }
}

/* The oldest job with something new, or NULL; the reference of the list goes to the caller. */
static aver_proxy_job *lane_take(aver_proxy_lane *lane)
{
    (void)pthread_mutex_lock(&lane->mutex);
    aver_proxy_job *job = lane->first;
    if (job != NULL) {
        lane->first = job->next_new;
        lane->last = lane->first != NULL ? lane->last : NULL;
        job->next_new = NULL;
        job->listed = false;
    }
    (void)pthread_mutex_unlock(&lane->mutex);
    return job;
}

static void lane_on_wake(evutil_socket_t fd, short what, void *context)
{
    aver_proxy_lane *lane = context;
    uint64_t count;
    (void)what;
    (void)!read(fd, &count, sizeof count);
    for (int i = 0; i < LANE_TURN_MAX; i++) {
        aver_proxy_job *job = lane_take(lane);
        if (job == NULL) {
            return;
        }
        job_flush(job);
        aver_proxy_job_drop(job);
    }
    event_active(lane->event, EV_READ, 0);
}

/* The loop shall look at this job. */
static void job_wake(aver_proxy_job *job)
{
    aver_proxy_lane *lane = job->lane;
    const uint64_t one = 1;
    (void)pthread_mutex_lock(&lane->mutex);
    bool wake = !job->listed;
    if (wake) {
        job->listed = true;
        if (lane->last != NULL) {
            lane->last->next_new = job;
        } else {
            lane->first = job;
        }
        lane->last = job;
        atomic_fetch_add(&job->references, 1);
    }
    (void)pthread_mutex_unlock(&lane->mutex);
    if (wake && write(lane->fd, &one, sizeof one) != (ssize_t)sizeof one) {
        aver_log(AVER_LOG_ERROR, "proxy.wake", "the loop could not be woken: %s", strerror(errno));
    }
}

aver_err aver_proxy_lane_open(aver_proxy_lane *lane, struct event_base *base)
{
    *lane = (aver_proxy_lane){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (lane->fd < 0) {
        return AVER_E_IO;
    }
    (void)pthread_mutex_init(&lane->mutex, NULL);
    lane->event = event_new(base, lane->fd, EV_READ | EV_PERSIST, lane_on_wake, lane);
    if (lane->event == NULL || event_add(lane->event, NULL) != 0) {
        aver_proxy_lane_close(lane);
        return AVER_E_NOMEM;
    }
    return AVER_OK;
}

void aver_proxy_lane_close(aver_proxy_lane *lane)
{
    while (lane->first != NULL) {
        aver_proxy_job_drop(lane_take(lane));
    }
    if (lane->event != NULL) {
        event_free(lane->event);
    }
    if (lane->fd > 0) {
        (void)close(lane->fd);
        (void)pthread_mutex_destroy(&lane->mutex);
    }
    *lane = (aver_proxy_lane){0};
}

/* What others wrote is data: no browser may show it as a page with this proxy's rights, which
 * reach as far as the stored capsules. */
static void job_put_data_only(aver_proxy_job *job)
{
    aver_proxy_job_header(job, "X-Content-Type-Options", "nosniff");
    aver_proxy_job_header(job, "Content-Security-Policy",
                          "default-src 'none'; frame-ancestors 'none'; sandbox");
}

aver_err aver_proxy_job_new(aver_proxy_lane *lane, aver_exchange *exchange,
                            aver_proxy_job **ret_job)
{
    const char *path = aver_exchange_path(exchange);
    const char *query = aver_exchange_query(exchange);
    bool post = strcmp(aver_exchange_method(exchange), "POST") == 0;
    if (strlen(path) >= AVER_PROXY_PATH_BYTES_MAX || strlen(query) >= AVER_PROXY_PATH_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_proxy_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return AVER_E_NOMEM;
    }
    job->lane = lane;
    job->post = post;
    job->exchange = exchange;
    job->begun_ns = aver_time_monotonic_ns();
    job->begun_ms = aver_time_wall_ms();
    job->state = AVER_PROXY_JOB_OPEN;
    (void)snprintf(job->path, sizeof job->path, "%s", path);
    (void)snprintf(job->target, sizeof job->target, "%s%s%s", path,
                   !post && query[0] != '\0' ? "?" : "", post ? "" : query);
    atomic_init(&job->gone, false);
    atomic_init(&job->references, 2);
    (void)pthread_mutex_init(&job->mutex, NULL);
    (void)pthread_cond_init(&job->room, NULL);
    aver_buf_init(&job->headers, JOB_HEADERS_BYTES_MAX);
    aver_buf_init(&job->out, JOB_OUT_BYTES_MAX);
    job_put_data_only(job);
    job->body = aver_exchange_body_take(exchange);
    aver_exchange_on_gone(exchange, job_on_gone, job);
    *ret_job = job;
    return AVER_OK;
}

void aver_proxy_job_header(aver_proxy_job *job, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 2;
    if (aver_buf_reserve(&job->headers, size) != AVER_OK) {
        aver_log(AVER_LOG_WARN, "proxy.header", "%s: too large, left out", name);
        return;
    }
    aver_buf_append(&job->headers, aver_view_make(name, strlen(name) + 1));
    aver_buf_append(&job->headers, aver_view_make(value, strlen(value) + 1));
}

static void job_open(aver_proxy_job *job, aver_proxy_job_state state, uint32_t status,
                     const char *type, aver_view body)
{
    (void)pthread_mutex_lock(&job->mutex);
    job->status = status;
    (void)snprintf(job->type, sizeof job->type, "%s", type);
    aver_buf_append(&job->out, body);
    if (aver_buf_status(&job->out) != AVER_OK) {
        aver_buf_clear(&job->out);
        job->status = 503;
    }
    job->state = state;
    (void)pthread_mutex_unlock(&job->mutex);
    job_wake(job);
}

void aver_proxy_job_reply(aver_proxy_job *job, uint32_t status, const char *type, aver_view body)
{
    job_open(job, AVER_PROXY_JOB_WHOLE, status, type, body);
}

void aver_proxy_job_begin(aver_proxy_job *job, uint32_t status, const char *type)
{
    job_open(job, AVER_PROXY_JOB_STREAM, status, type, (aver_view){NULL, 0});
}

aver_err aver_proxy_job_write(aver_proxy_job *job, aver_view bytes)
{
    (void)pthread_mutex_lock(&job->mutex);
    while (job->out.size >= AVER_PROXY_JOB_AHEAD_BYTES && !atomic_load(&job->gone)) {
        (void)pthread_cond_wait(&job->room, &job->mutex);
    }
    aver_buf_append(&job->out, bytes);
    aver_err err = atomic_load(&job->gone) ? AVER_E_PEER : aver_buf_status(&job->out);
    (void)pthread_mutex_unlock(&job->mutex);
    if (err == AVER_OK) {
        job_wake(job);
    }
    return err;
}

void aver_proxy_job_end(aver_proxy_job *job, bool cut)
{
    (void)pthread_mutex_lock(&job->mutex);
    job->ended = true;
    job->cut = cut;
    (void)pthread_mutex_unlock(&job->mutex);
    job_wake(job);
}

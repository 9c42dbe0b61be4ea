/* SPDX-License-Identifier: Apache-2.0 */
#include "node/model_files.h"

#include "base/check.h"
#include "base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the worker is to open, and what it found. */
typedef struct order_file {
    const char *path; /* NULL: open already */
    uint64_t bytes_max;
    aver_weights weights;
    bool opened;
} order_file;

typedef struct aver_model_order {
    aver_model_files *files;
    aver_model_file **list; /* the caller's */
    size_t count;
    aver_model_files_fn *done;
    void *context;
    order_file parts[AVER_RESIDENT_FILES_MAX];
    aver_err err;
    char why[160];
    struct event *event;
    int fd; /* written by the worker when it has finished */
    bool started;
    pthread_t worker;
} aver_model_order;

void aver_model_files_init(aver_model_files *files, struct event_base *base, unsigned threads)
{
    *files = (aver_model_files){.base = base, .threads = threads};
}

aver_err aver_model_files_add(aver_model_files *files, const char *path, aver_model_file **ret_file)
{
    struct stat info;

    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->list[i]->path, path) == 0) {
            *ret_file = files->list[i];
            return AVER_OK;
        }
    }
    if (stat(path, &info) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? AVER_E_ABSENT : AVER_E_IO;
    }
    AVER_ASSERT(files->count < AVER_MODEL_FILES_MAX);
    aver_model_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        return AVER_E_NOMEM;
    }
    file->counted.bytes = info.st_size > 0 ? (uint64_t)info.st_size : 0;
    file->path = strdup(path);
    if (file->path == NULL) {
        free(file);
        return AVER_E_NOMEM;
    }
    files->list[files->count++] = file;
    *ret_file = file;
    return AVER_OK;
}

void aver_model_files_leave(aver_model_file *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        AVER_ASSERT(list[i]->users > 0);
        if (--list[i]->users == 0) {
            aver_weights_close(&list[i]->weights);
        }
    }
}

static void *order_work(void *context)
{
    aver_model_order *order = context;
    const uint64_t one = 1;

    for (size_t i = 0; i < order->count && order->err == AVER_OK; i++) {
        order_file *part = &order->parts[i];

        if (part->path != NULL) {
            order->err = aver_weights_open(part->path, part->bytes_max, order->files->threads,
                                           &part->weights, order->why);
            part->opened = order->err == AVER_OK;
        }
    }
    if (write(order->fd, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
        aver_log(AVER_LOG_ERROR, "model.wake", "the loop could not be woken: %s", strerror(errno));
    }
    return NULL;
}

/* Another file of these contents that was there before. */
static aver_model_file *files_twin(const aver_model_files *files, const aver_model_file *file)
{
    for (size_t i = 0; i < files->count; i++) {
        aver_model_file *other = files->list[i];

        if (other != file && other->known && memcmp(other->root, file->root, 32) == 0) {
            return other;
        }
    }
    return NULL;
}

/* Hands what the worker opened to the entry, or to the entry of the same contents. */
static aver_err order_take(aver_model_order *order, size_t index)
{
    order_file *part = &order->parts[index];
    aver_model_file *file = order->list[index];

    if (!part->opened) {
        return AVER_OK;
    }
    if (file->known && memcmp(file->root, part->weights.root, 32) != 0) {
        (void)snprintf(order->why, sizeof(order->why), "%.100s is not what it was", file->path);
        return AVER_E_PROOF;
    }
    if (!file->known) {
        memcpy(file->root, part->weights.root, 32);
        file->counted.bytes = part->weights.bytes.size;
        file->known = true;
    }
    aver_model_file *twin = files_twin(order->files, file);
    if (twin != NULL && file->users == 0) {
        file = twin;
        order->list[index] = twin;
    }
    if (file->users > 0) {
        aver_weights_close(&part->weights);
    } else {
        file->weights = part->weights;
    }
    file->users++;
    part->opened = false;
    part->path = NULL;
    return AVER_OK;
}

static void order_free(aver_model_order *order)
{
    if (order->started) {
        (void)pthread_join(order->worker, NULL);
    }
    for (size_t i = 0; i < order->count; i++) {
        if (order->parts[i].opened) {
            aver_weights_close(&order->parts[i].weights);
        }
    }
    if (order->event != NULL) {
        event_free(order->event);
    }
    if (order->fd >= 0) {
        (void)close(order->fd);
    }
    free(order);
}

/* A file that became larger than it was is another one; there may be no room for it. */
static aver_err order_err(const aver_model_order *order)
{
    for (size_t i = 0; i < order->count; i++) {
        if (order->err == AVER_E_LIMIT && order->parts[i].path != NULL && !order->parts[i].opened &&
            order->parts[i].bytes_max != 0) {
            return AVER_E_PROOF;
        }
    }
    return order->err;
}

static void order_finish(evutil_socket_t fd, short what, void *context)
{
    aver_model_order *order = context;
    char why[sizeof(order->why)];

    (void)fd;
    (void)what;
    order->files->order = NULL;
    aver_err err = order_err(order);
    for (size_t i = 0; i < order->count && err == AVER_OK; i++) {
        err = order_take(order, i);
    }
    for (size_t i = 0; i < order->count && err != AVER_OK; i++) {
        if (order->parts[i].path == NULL) {
            aver_model_files_leave(&order->list[i], 1);
        }
    }
    memcpy(why, order->why, sizeof(why));
    aver_model_files_fn *done = order->done;
    void *done_context = order->context;
    order_free(order);
    done(err, why, done_context);
}

static aver_err order_start(aver_model_order *order)
{
    order->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (order->fd < 0) {
        return AVER_E_IO;
    }
    order->event = event_new(order->files->base, order->fd, EV_READ, order_finish, order);
    if (order->event == NULL || event_add(order->event, NULL) != 0) {
        return AVER_E_NOMEM;
    }
    if (pthread_create(&order->worker, NULL, order_work, order) != 0) {
        return AVER_E_NOMEM;
    }
    order->started = true;
    return AVER_OK;
}

aver_err aver_model_files_want(aver_model_files *files, aver_model_file **list, size_t count,
                               aver_model_files_fn *done, void *context)
{
    AVER_ASSERT(files->order == NULL && count <= AVER_RESIDENT_FILES_MAX);
    aver_model_order *order = calloc(1, sizeof(*order));
    if (order == NULL) {
        return AVER_E_NOMEM;
    }
    *order = (aver_model_order){
        .files = files, .list = list, .count = count, .done = done, .context = context, .fd = -1};
    for (size_t i = 0; i < count; i++) {
        aver_model_file *file = list[i];

        if (file->users == 0) {
            order->parts[i].path = file->path;
            order->parts[i].bytes_max = file->known ? file->counted.bytes : 0;
        }
    }
    aver_err err = order_start(order);
    if (err != AVER_OK) {
        order_free(order);
        return err;
    }
    for (size_t i = 0; i < count; i++) {
        list[i]->users += order->parts[i].path == NULL ? 1 : 0;
    }
    files->order = order;
    return AVER_OK;
}

void aver_model_files_deinit(aver_model_files *files)
{
    if (files->order != NULL) {
        order_free(files->order);
    }
    for (size_t i = 0; i < files->count; i++) {
        if (files->list[i]->users > 0) {
            aver_weights_close(&files->list[i]->weights);
        }
        free(files->list[i]->path);
        free(files->list[i]);
    }
    files->count = 0;
    files->order = NULL;
}

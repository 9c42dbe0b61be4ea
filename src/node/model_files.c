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

/* Coarser than the times of any file system. */
#define FILES_SETTLE_NS (2ull * 1000 * 1000 * 1000)

/* What the worker is to open, and what it found. */
typedef struct order_file {
    const char *path; /* NULL: open already */
    uint64_t bytes_max;
    aver_err refused_err; /* of the entry */
    aver_file_stamp refused;
    aver_weights weights;
    bool opened;
    bool read;
    aver_err err;
    aver_file_stamp stamp;
    bool stamped; /* the stamp is that of what was read, and of nothing else to come */
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
    *files = (aver_model_files){.base = base, .threads = threads, .settle_ns = FILES_SETTLE_NS};
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

static bool stamp_take(const char *path, aver_file_stamp *ret_stamp)
{
    struct stat info;

    if (stat(path, &info) != 0) {
        return false;
    }
    *ret_stamp = (aver_file_stamp){.device = info.st_dev,
                                   .inode = info.st_ino,
                                   .bytes = (uint64_t)info.st_size,
                                   .changed = info.st_mtim,
                                   .recorded = info.st_ctim};
    return true;
}

static bool stamp_same(const aver_file_stamp *a, const aver_file_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
           a->recorded.tv_sec == b->recorded.tv_sec && a->recorded.tv_nsec == b->recorded.tv_nsec;
}

/* A file that was refused and has not changed since; looked for before any file is read. */
static aver_err order_remember(aver_model_order *order)
{
    for (size_t i = 0; i < order->count; i++) {
        const order_file *part = &order->parts[i];
        aver_file_stamp stamp;

        if (part->path != NULL && part->refused_err != AVER_OK && stamp_take(part->path, &stamp) &&
            stamp_same(&stamp, &part->refused)) {
            (void)snprintf(order->why, sizeof(order->why),
                           "%.100s has not changed since it was refused", part->path);
            return part->refused_err;
        }
    }
    return AVER_OK;
}

/* False too for a time that is still to come: then nothing is known of its age. */
static bool stamp_settled(const aver_file_stamp *stamp, uint64_t settle_ns)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return false;
    }
    int64_t age_ns = (int64_t)(now.tv_sec - stamp->recorded.tv_sec) * 1000000000 +
                     (now.tv_nsec - stamp->recorded.tv_nsec);
    return age_ns > 0 && (uint64_t)age_ns > settle_ns;
}

static aver_err order_read(aver_model_order *order, order_file *part)
{
    aver_file_stamp after;
    bool before = stamp_take(part->path, &part->stamp) &&
                  stamp_settled(&part->stamp, order->files->settle_ns);

    part->read = true;
    part->err = aver_weights_open(part->path, part->bytes_max, order->files->threads,
                                  &part->weights, order->why);
    part->opened = part->err == AVER_OK;
    part->stamped = before && stamp_take(part->path, &after) && stamp_same(&part->stamp, &after);
    return part->err;
}

static void *order_work(void *context)
{
    aver_model_order *order = context;
    const uint64_t one = 1;

    order->err = order_remember(order);
    for (size_t i = 0; i < order->count && order->err == AVER_OK; i++) {
        if (order->parts[i].path != NULL) {
            order->err = order_read(order, &order->parts[i]);
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

static void file_refuse(aver_model_file *file, const order_file *part, aver_err err)
{
    file->refused_err = part->stamped ? err : AVER_OK;
    file->refused = part->stamp;
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
        file_refuse(file, part, AVER_E_PROOF);
        return AVER_E_PROOF;
    }
    if (!file->known) {
        memcpy(file->root, part->weights.root, 32);
        file->counted.bytes = part->weights.bytes.size;
        file->known = true;
    }
    file->refused_err = AVER_OK;
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

static void order_learn(const aver_model_order *order)
{
    for (size_t i = 0; i < order->count; i++) {
        const order_file *part = &order->parts[i];

        order->files->reads += part->read ? 1 : 0;
        if (part->err == AVER_E_FORMAT && order->list[i]->known) {
            file_refuse(order->list[i], part, AVER_E_FORMAT);
        }
    }
}

static void order_finish(evutil_socket_t fd, short what, void *context)
{
    aver_model_order *order = context;
    char why[sizeof(order->why)];

    (void)fd;
    (void)what;
    order->files->order = NULL;
    order_learn(order);
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
            order->parts[i].refused_err = file->refused_err;
            order->parts[i].refused = file->refused;
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

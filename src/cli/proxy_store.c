/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/proxy_store.h"

#include "aver/capsule.h"
#include "base/log.h"
#include "base/sys.h"
#include "codec/text.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of each name: 16 characters of time, a hyphen, 16 digits, the suffix. */
#define STORE_TIME_BYTES 16
#define STORE_MARK_BYTES 16
static const char store_suffix[] = ".capsule";

typedef struct store_file {
    char name[AVER_PROXY_CAPSULE_NAME_BYTES];
    uint64_t bytes;
} store_file;

struct aver_proxy_store {
    char dir[PATH_MAX - AVER_PROXY_CAPSULE_NAME_BYTES - 1];
    uint64_t files_max, bytes_max;
    pthread_mutex_t mutex;
    store_file *files; /* from first on, the oldest first */
    size_t first, count, capacity;
    uint64_t bytes;
};

static bool store_digits(const char *text, size_t size, bool hex)
{
    for (size_t i = 0; i < size; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (!digit && !(hex && text[i] >= 'a' && text[i] <= 'f')) {
            return false;
        }
    }
    return true;
}

bool aver_proxy_store_name_valid(const char *name)
{
    const size_t mark = STORE_TIME_BYTES + 1;
    return strlen(name) == mark + STORE_MARK_BYTES + sizeof store_suffix - 1 &&
           store_digits(name, 8, false) && name[8] == 'T' && store_digits(name + 9, 6, false) &&
           name[15] == 'Z' && name[16] == '-' &&
           store_digits(name + mark, STORE_MARK_BYTES, true) &&
           strcmp(name + mark + STORE_MARK_BYTES, store_suffix) == 0;
}

static void store_path(const aver_proxy_store *store, const char *name, char ret_path[PATH_MAX])
{
    (void)snprintf(ret_path, PATH_MAX, "%s/%s", store->dir, name);
}

/* Room for one more at the end of the list. */
static aver_err store_grow(aver_proxy_store *store)
{
    if (store->first > 0 && store->first >= store->count) {
        memmove(store->files, store->files + store->first, store->count * sizeof *store->files);
        store->first = 0;
    }
    if (store->first + store->count < store->capacity) {
        return AVER_OK;
    }
    size_t capacity = store->capacity == 0 ? 64 : 2 * store->capacity;
    store_file *files = realloc(store->files, capacity * sizeof *files);
    if (files == NULL) {
        return AVER_E_NOMEM;
    }
    store->files = files;
    store->capacity = capacity;
    return AVER_OK;
}

static void store_remove_oldest(aver_proxy_store *store)
{
    char path[PATH_MAX];
    const store_file *oldest = &store->files[store->first];
    store_path(store, oldest->name, path);
    if (unlink(path) != 0 && errno != ENOENT) {
        aver_log(AVER_LOG_WARN, "proxy.store", "%s stays: %s", oldest->name, strerror(errno));
    }
    store->bytes -= oldest->bytes;
    store->first++;
    store->count--;
}

static void store_make_room(aver_proxy_store *store)
{
    while (store->count > 0 &&
           (store->count > store->files_max || store->bytes > store->bytes_max)) {
        store_remove_oldest(store);
    }
}

static aver_err store_list(aver_proxy_store *store, const char *name, uint64_t bytes)
{
    aver_err err = store_grow(store);
    if (err != AVER_OK) {
        return err;
    }
    store_file *file = &store->files[store->first + store->count++];
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    file->bytes = bytes;
    store->bytes += bytes;
    return AVER_OK;
}

static int store_order(const void *a, const void *b)
{
    return strcmp(((const store_file *)a)->name, ((const store_file *)b)->name);
}

static aver_err store_read(aver_proxy_store *store)
{
    aver_err err = AVER_OK;
    char path[PATH_MAX];
    struct stat found;
    DIR *dir = opendir(store->dir);
    if (dir == NULL) {
        return AVER_E_IO;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL && err == AVER_OK;
         entry = readdir(dir)) {
        if (!aver_proxy_store_name_valid(entry->d_name)) {
            continue;
        }
        store_path(store, entry->d_name, path);
        if (lstat(path, &found) == 0 && S_ISREG(found.st_mode)) {
            err = store_list(store, entry->d_name, (uint64_t)found.st_size);
        }
    }
    (void)closedir(dir);
    if (err == AVER_OK && store->count > 0) {
        qsort(store->files, store->count, sizeof *store->files, store_order);
        store_make_room(store);
    }
    return err;
}

aver_err aver_proxy_store_open(const char *dir, uint64_t files_max, uint64_t bytes_max,
                               aver_proxy_store **ret_store)
{
    aver_proxy_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return AVER_E_NOMEM;
    }
    (void)pthread_mutex_init(&store->mutex, NULL);
    store->files_max = files_max;
    store->bytes_max = bytes_max;
    int size = snprintf(store->dir, sizeof store->dir, "%s", dir);
    aver_err err = size > 0 && (size_t)size < sizeof store->dir ? AVER_OK : AVER_E_USAGE;
    if (err == AVER_OK && mkdir(dir, 0700) != 0 && errno != EEXIST) {
        err = AVER_E_IO;
    }
    if (err == AVER_OK) {
        err = store_read(store);
    }
    if (err != AVER_OK) {
        aver_proxy_store_close(store);
        return err;
    }
    *ret_store = store;
    return AVER_OK;
}

void aver_proxy_store_close(aver_proxy_store *store)
{
    if (store == NULL) {
        return;
    }
    (void)pthread_mutex_destroy(&store->mutex);
    free(store->files);
    free(store);
}

static void store_name(const uint8_t mark[static 8], char ret_name[AVER_PROXY_CAPSULE_NAME_BYTES])
{
    char when[21];
    char hex[STORE_MARK_BYTES + 1];
    aver_time_format(aver_time_wall_ms(), when);
    aver_hex_encode(aver_view_make(mark, STORE_MARK_BYTES / 2), hex);
    (void)snprintf(ret_name, AVER_PROXY_CAPSULE_NAME_BYTES, "%.4s%.2s%.2sT%.2s%.2s%.2sZ-%s%s", when,
                   when + 5, when + 8, when + 11, when + 14, when + 17, hex, store_suffix);
}

/* Counts what is written, and lets the oldest go for it. */
static aver_err store_admit(aver_proxy_store *store, const char *name, uint64_t bytes)
{
    (void)pthread_mutex_lock(&store->mutex);
    aver_err err = store_list(store, name, bytes);
    if (err == AVER_OK) {
        store_make_room(store);
    }
    (void)pthread_mutex_unlock(&store->mutex);
    return err;
}

aver_err aver_proxy_store_put(aver_proxy_store *store, const uint8_t mark[static 8],
                              aver_view capsule, char ret_name[AVER_PROXY_CAPSULE_NAME_BYTES])
{
    char name[AVER_PROXY_CAPSULE_NAME_BYTES];
    char path[PATH_MAX];
    aver_err err = capsule.size <= store->bytes_max ? AVER_OK : AVER_E_LIMIT;
    store_name(mark, name);
    store_path(store, name, path);
    if (err == AVER_OK) {
        err = aver_file_write(path, capsule, 0600);
    }
    if (err == AVER_OK) {
        err = store_admit(store, name, capsule.size);
        if (err != AVER_OK) {
            (void)unlink(path);
        }
    }
    if (err == AVER_OK) {
        memcpy(ret_name, name, sizeof name);
    } else {
        aver_log(AVER_LOG_ERROR, "proxy.store", "a capsule was not stored: %s", aver_err_text(err));
    }
    return err;
}

aver_err aver_proxy_store_get(aver_proxy_store *store, const char *name, aver_buf *ret_capsule)
{
    char path[PATH_MAX];
    if (!aver_proxy_store_name_valid(name)) {
        return AVER_E_ABSENT;
    }
    store_path(store, name, path);
    return aver_file_read(path, AVER_CAPSULE_BYTES_MAX, ret_capsule);
}

void aver_proxy_store_size(aver_proxy_store *store, uint64_t *ret_files, uint64_t *ret_bytes)
{
    (void)pthread_mutex_lock(&store->mutex);
    *ret_files = store->count;
    *ret_bytes = store->bytes;
    (void)pthread_mutex_unlock(&store->mutex);
}

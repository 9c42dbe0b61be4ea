/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys.h"

#include "base/check.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The last second of the year 9999: later times do not fit the text form. */
#define TIME_SECONDS_MAX UINT64_C(253402300799)

uint64_t aver_time_monotonic_ns(void)
{
    struct timespec now;
    AVER_ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

uint64_t aver_time_wall_ms(void)
{
    struct timespec now;
    AVER_ASSERT(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return now.tv_sec < 0 ? 0 : (uint64_t)now.tv_sec * 1000U + (uint64_t)now.tv_nsec / 1000000U;
}

void aver_time_format(uint64_t wall_ms, char ret_text[static 21])
{
    uint64_t seconds = wall_ms / 1000;
    time_t clamped = (time_t)(seconds < TIME_SECONDS_MAX ? seconds : TIME_SECONDS_MAX);
    struct tm parts;
    AVER_ASSERT(gmtime_r(&clamped, &parts));
    AVER_ASSERT(strftime(ret_text, 21, "%Y-%m-%dT%H:%M:%SZ", &parts) == 20);
}

void aver_random(uint8_t *ret_bytes, size_t size)
{
    while (size > 0) {
        ssize_t got = getrandom(ret_bytes, size, 0);
        if (got < 0) {
            AVER_ASSERT(errno == EINTR);
            continue;
        }
        ret_bytes += got;
        size -= (size_t)got;
    }
}

uint64_t aver_random_u64(void)
{
    uint64_t value;
    aver_random((uint8_t *)&value, sizeof value);
    return value;
}

/*
 * Reads to the end of the file, at most size_max bytes: the size that fstat gives may be stale.
 * Straight into the buffer: the file may hold a secret, and this leaves no copy elsewhere.
 */
static aver_err file_read_all(int fd, size_t size_max, aver_buf *contents)
{
    size_t total = 0;
    for (;;) {
        /* A full buffer grows only for a byte that is there. */
        uint8_t beyond;
        size_t room = contents->capacity - contents->size;
        uint8_t *place = room > 0 ? contents->data + contents->size : &beyond;
        ssize_t got = read(fd, place, room > 0 ? room : 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? AVER_E_IO : AVER_OK;
        }
        if ((size_t)got > size_max - total) {
            return AVER_E_LIMIT;
        }
        total += (size_t)got;
        if (room > 0) {
            contents->size += (size_t)got;
            continue;
        }
        aver_err err = aver_buf_reserve(contents, 1);
        if (err != AVER_OK) {
            return err;
        }
        aver_buf_append_byte(contents, beyond);
    }
}

aver_err aver_file_read(const char *path, size_t size_max, aver_buf *ret_contents)
{
    /* Not blocking, because opening a pipe without a writer would wait for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR ? AVER_E_ABSENT : AVER_E_IO;
    }
    aver_err err = AVER_OK;
    size_t size_before = ret_contents->size;
    struct stat info;
    if (fstat(fd, &info) != 0) {
        err = AVER_E_IO;
        goto out;
    }
    if (!S_ISREG(info.st_mode)) {
        err = AVER_E_USAGE;
        goto out;
    }
    if ((uint64_t)info.st_size > size_max) {
        err = AVER_E_LIMIT;
        goto out;
    }
    err = aver_buf_reserve(ret_contents, (size_t)info.st_size);
    if (err == AVER_OK) {
        err = file_read_all(fd, size_max, ret_contents);
    }
out:
    if (err != AVER_OK) {
        ret_contents->size = size_before;
    }
    (void)close(fd);
    return err;
}

static aver_err file_write_all(int fd, aver_view contents)
{
    while (contents.size > 0) {
        ssize_t put = write(fd, contents.data, contents.size);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return AVER_E_IO;
        }
        contents = aver_view_slice(contents, (size_t)put, contents.size - (size_t)put);
    }
    return AVER_OK;
}

/* Makes the rename itself durable. A file system that cannot is not an error. Cuts path in place.
 */
static void file_sync_folder(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash) {
        slash[1] = '\0';
    }
    int fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

aver_err aver_file_write(const char *path, aver_view contents, unsigned mode)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return AVER_E_LIMIT;
    }
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR ? AVER_E_ABSENT : AVER_E_IO;
    }
    aver_err err = file_write_all(fd, contents);
    if (err == AVER_OK && (fchmod(fd, (mode_t)mode) != 0 || fsync(fd) != 0)) {
        err = AVER_E_IO;
    }
    /* Some file systems report a failed write only here. */
    if (close(fd) != 0 && err == AVER_OK) {
        err = AVER_E_IO;
    }
    if (err == AVER_OK && rename(temporary, path) != 0) {
        err = AVER_E_IO;
    }
    if (err == AVER_OK) {
        file_sync_folder(temporary);
    } else {
        int errno_saved = errno;
        (void)unlink(temporary);
        errno = errno_saved;
    }
    return err;
}

aver_err aver_self_open(int *ret_fd)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return AVER_E_IO;
    }
    *ret_fd = fd;
    return AVER_OK;
}

void aver_process_harden(void)
{
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        aver_log(AVER_LOG_WARN, "process.harden", "dumpable stays on: %s", strerror(errno));
    }
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) {
        aver_log(AVER_LOG_WARN, "process.harden", "core dumps stay on: %s", strerror(errno));
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/weights.h"

#include "model/cores.h"
#include "model/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WHY_BYTES  160
#define COPY_BYTES ((size_t)1 << 20)

typedef struct weights_copy {
    int from_fd;
    int to_fd;
    uint64_t size;
    atomic_uint_fast64_t next;
    atomic_int failure; /* errno of the first worker that failed; EIO if the file became shorter */
} weights_copy;

static int copy_piece(const weights_copy *copy, uint8_t *piece, uint64_t offset)
{
    uint64_t left = copy->size - offset;
    size_t size = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(copy->from_fd, piece + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? errno : EIO;
        }
        done += (size_t)got;
    }
    for (size_t done = 0; done < size;) {
        ssize_t put = pwrite(copy->to_fd, piece + done, size - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return put < 0 ? errno : EIO;
        }
        done += (size_t)put;
    }
    return 0;
}

static void *copy_worker(void *context)
{
    weights_copy *copy = context;
    uint8_t *piece = malloc(COPY_BYTES);
    int failure = piece == NULL ? ENOMEM : 0;
    while (failure == 0 && atomic_load(&copy->failure) == 0) {
        uint64_t offset = atomic_fetch_add(&copy->next, COPY_BYTES);
        if (offset >= copy->size) {
            break;
        }
        failure = copy_piece(copy, piece, offset);
    }
    if (failure != 0) {
        atomic_store(&copy->failure, failure);
    }
    free(piece);
    return NULL;
}

__attribute__((format(printf, 3, 4))) static aver_err weights_fail(char *ret_why, aver_err err,
                                                                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(ret_why, WHY_BYTES, format, args);
    va_end(args);
    return err;
}

static aver_err weights_file_open(const char *path, int *ret_fd, uint64_t *ret_size, char *why)
{
    struct stat stat;
    /* Not blocking, because opening a pipe without a writer would wait for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        bool absent = errno == ENOENT || errno == ENOTDIR;
        return weights_fail(why, absent ? AVER_E_ABSENT : AVER_E_IO,
                            "cannot open the model file: %s", strerror(errno));
    }
    aver_err err = AVER_OK;
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        err = weights_fail(why, AVER_E_IO, "the model is not a regular file");
    } else if (stat.st_size <= 0) {
        err = weights_fail(why, AVER_E_FORMAT, "the model file is empty");
    }
    if (err != AVER_OK) {
        (void)close(fd);
        return err;
    }
    *ret_fd = fd;
    *ret_size = (uint64_t)stat.st_size;
    return AVER_OK;
}

static aver_err weights_size_check(uint64_t size, uint64_t memory_max, char *why)
{
    uint64_t bound = memory_max != 0 ? memory_max : aver_memory_available();
    if (size <= bound) {
        return AVER_OK;
    }
    return weights_fail(why, AVER_E_LIMIT, "the model needs %llu MiB of memory, %llu MiB are %s",
                        (unsigned long long)(size >> 20), (unsigned long long)(bound >> 20),
                        memory_max != 0 ? "allowed" : "free");
}

static aver_err weights_seal(int from_fd, uint64_t size, unsigned threads, int *ret_fd, char *why)
{
    int fd = memfd_create("aver-weights", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return weights_fail(why, AVER_E_IO, "cannot make a memory file: %s", strerror(errno));
    }
    weights_copy copy = {.from_fd = from_fd, .to_fd = fd, .size = size};
    aver_err err = AVER_OK;
    if (ftruncate(fd, (off_t)size) != 0) {
        err = weights_fail(why, AVER_E_IO, "cannot size the memory file: %s", strerror(errno));
        goto out;
    }
    aver_cores_run(copy_worker, &copy, threads);
    if (atomic_load(&copy.failure) != 0) {
        err = weights_fail(why, AVER_E_IO, "cannot copy the model into memory: %s",
                           strerror(atomic_load(&copy.failure)));
        goto out;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        err = weights_fail(why, AVER_E_IO, "cannot seal the memory file: %s", strerror(errno));
    }
out:
    if (err != AVER_OK) {
        (void)close(fd);
        return err;
    }
    *ret_fd = fd;
    return AVER_OK;
}

/* Takes fd: it is closed on failure. */
static aver_err weights_load(int fd, uint64_t size, bool sealed, unsigned threads,
                             aver_weights *ret_weights, char *why)
{
    aver_weights weights = {.fd = fd, .sealed = sealed};
    aver_err err = AVER_OK;
    void *bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        (void)close(fd);
        return weights_fail(why, AVER_E_IO, "cannot map the model: %s", strerror(errno));
    }
    weights.bytes = aver_view_make(bytes, (size_t)size);
    err = aver_gguf_open(weights.bytes, &weights.gguf, why);
    err = err == AVER_OK ? aver_gguf_root(weights.gguf, threads, weights.root) : err;
    if (err != AVER_OK) {
        aver_weights_close(&weights);
        return err;
    }
    *ret_weights = weights;
    return AVER_OK;
}

aver_err aver_weights_open(const char *path, uint64_t memory_max, unsigned threads,
                           aver_weights *ret_weights, char ret_why[160])
{
    int file_fd = -1;
    int fd = -1;
    uint64_t size = 0;
    char why[WHY_BYTES] = "";
    aver_err err = weights_file_open(path, &file_fd, &size, why);
    err = err == AVER_OK ? weights_size_check(size, memory_max, why) : err;
    err = err == AVER_OK ? weights_seal(file_fd, size, threads, &fd, why) : err;
    err = err == AVER_OK ? weights_load(fd, size, true, threads, ret_weights, why) : err;
    if (file_fd >= 0) {
        (void)close(file_fd);
    }
    if (err != AVER_OK) {
        memcpy(ret_why, why, WHY_BYTES);
    }
    return err;
}

aver_err aver_weights_inspect(const char *path, unsigned threads, aver_weights *ret_weights,
                              char ret_why[160])
{
    int fd = -1;
    uint64_t size = 0;
    char why[WHY_BYTES] = "";
    aver_err err = weights_file_open(path, &fd, &size, why);
    err = err == AVER_OK ? weights_load(fd, size, false, threads, ret_weights, why) : err;
    if (err != AVER_OK) {
        memcpy(ret_why, why, WHY_BYTES);
    }
    return err;
}

void aver_weights_close(aver_weights *weights)
{
    aver_gguf_close(weights->gguf);
    if (weights->bytes.data != NULL) {
        /* The view is const because nobody may write; munmap only drops the mapping. */
        (void)munmap((void *)(uintptr_t)weights->bytes.data, weights->bytes.size);
        (void)close(weights->fd);
    }
    memset(weights, 0, sizeof(*weights));
    weights->fd = -1;
}

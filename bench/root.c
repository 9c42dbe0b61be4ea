/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root: how fast the model root is computed, against this machine's own SHA-256 on all cores in the
 * same run. The file lies in memory (made on the fly, or given and read once), the two alternate,
 * medians count.
 *
 *   bench-root [FILE.gguf]
 */
#include "model/cores.h"
#include "model/gguf.h"

#include "base/sys.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MIB    512u
#define BLOCK_BYTES ((size_t)1 << 20)
#define HEAD_BYTES  64u /* 57 and padding */
#define ROUNDS      7
#define GOAL        0.9

typedef struct sha_work {
    aver_view bytes;
    atomic_size_t next;
    atomic_uint sink; /* so that no digest is computed in vain */
} sha_work;

static void *sha_worker(void *context)
{
    sha_work *work = context;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    for (;;) {
        size_t offset = atomic_fetch_add(&work->next, BLOCK_BYTES);
        if (offset + BLOCK_BYTES > work->bytes.size) {
            return NULL;
        }
        if (EVP_Digest(work->bytes.data + offset, BLOCK_BYTES, digest, &size, EVP_sha256(), NULL) !=
            1) {
            abort();
        }
        atomic_fetch_add(&work->sink, digest[0]);
    }
}

static double measure_sha(aver_view bytes)
{
    sha_work work = {.bytes = bytes};
    uint64_t start = aver_time_monotonic_ns();
    aver_cores_run(sha_worker, &work, 0);
    uint64_t took_ns = aver_time_monotonic_ns() - start;
    return (double)(bytes.size / BLOCK_BYTES * BLOCK_BYTES) / (double)took_ns;
}

static double measure_root(aver_view bytes, const aver_gguf *gguf)
{
    uint8_t root[32];
    uint64_t start = aver_time_monotonic_ns();
    if (aver_gguf_root(gguf, 0, root) != AVER_OK) {
        abort();
    }
    return (double)bytes.size / (double)(aver_time_monotonic_ns() - start);
}

static void put_le(uint8_t **at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        *(*at)++ = (uint8_t)(value >> (8 * i));
    }
}

/* One tensor of type I8 after a head of HEAD_BYTES. */
static void file_fill(uint8_t *bytes, uint64_t data_bytes)
{
    uint8_t *at = bytes;
    memcpy(at, "GGUF", 4);
    at += 4;
    put_le(&at, 3, 4);
    put_le(&at, 1, 8);
    put_le(&at, 0, 8);
    put_le(&at, 1, 8);
    *at++ = 't';
    put_le(&at, 1, 4);
    put_le(&at, data_bytes, 8);
    put_le(&at, 24, 4);
    put_le(&at, 0, 8);
    uint64_t state = aver_random_u64() | 1;
    for (uint64_t i = HEAD_BYTES; i < HEAD_BYTES + data_bytes; i += 8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        memcpy(bytes + i, &state, 8);
    }
}

static bool file_make(aver_view *ret_bytes)
{
    size_t data_bytes = (size_t)FILE_MIB << 20;
    size_t size = data_bytes + HEAD_BYTES;
    int fd = memfd_create("aver-bench", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) {
        return false;
    }
    uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (bytes == MAP_FAILED) {
        return false;
    }
    file_fill(bytes, data_bytes);
    *ret_bytes = aver_view_make(bytes, size);
    return true;
}

static bool file_map(const char *path, aver_view *ret_bytes)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat) != 0 || stat.st_size <= 0) {
        return false;
    }
    void *bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    (void)close(fd);
    if (bytes == MAP_FAILED) {
        return false;
    }
    *ret_bytes = aver_view_make(bytes, (size_t)stat.st_size);
    return true;
}

static int double_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(*values), double_compare);
    return values[ROUNDS / 2];
}

int main(int argc, char **argv)
{
    aver_view bytes;
    aver_gguf *gguf = NULL;
    char why[160] = "";
    double sha[ROUNDS];
    double root[ROUNDS];
    if (!(argc > 1 ? file_map(argv[1], &bytes) : file_make(&bytes))) {
        (void)fprintf(stderr, "bench-root: no file to measure\n");
        return 1;
    }
    if (aver_gguf_open(bytes, &gguf, why) != AVER_OK) {
        (void)fprintf(stderr, "bench-root: %s\n", why);
        return 1;
    }
    (void)measure_sha(bytes);
    (void)measure_root(bytes, gguf);
    for (size_t i = 0; i < ROUNDS; i++) {
        sha[i] = measure_sha(bytes);
        root[i] = measure_root(bytes, gguf);
    }
    double sha_speed = median(sha);
    double root_speed = median(root);
    (void)printf("file %zu MiB, %u cores, median of %d\n", bytes.size >> 20, aver_cores_count(),
                 ROUNDS);
    (void)printf("SHA-256 (OpenSSL, 1 MiB blocks)  %.2f GB/s\n", sha_speed);
    (void)printf("model root                       %.2f GB/s\n", root_speed);
    double share = root_speed / sha_speed;
    (void)printf("figure model_root_speed %.3f x goal >= 0.9 %s\n", share,
                 share >= GOAL ? "ok" : "short");
    aver_gguf_close(gguf);
    return 0;
}

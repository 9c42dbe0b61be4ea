/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_BASE_SECRET_H
#define AVER_BASE_SECRET_H

/*
 * secret: keys of at most 64 bytes in memory that is locked, kept out of core dumps, and wiped.
 *
 * Ownership: aver_secret_new/free; free wipes. The bytes are reached only through aver_secret_data
 *            and aver_secret_bytes, which makes every use easy to find.
 * Limits:    AVER_SECRET_BYTES_MAX bytes each. Where the system refuses to lock memory
 *            (RLIMIT_MEMLOCK), that is logged once and the secret lives in unlocked memory.
 * Fork:      a child sees zeros; a secret belongs to the process that made it.
 * Threads:   new and free are safe; each secret has one owner at a time.
 */

#include "aver/bytes.h"

#define AVER_SECRET_BYTES_MAX 64

typedef struct aver_secret aver_secret;

/* A zeroed secret of size bytes (1 to 64, else LIMIT). */
AVER_MUST_USE aver_err aver_secret_new(size_t size, aver_secret **ret_secret);
AVER_MUST_USE aver_err aver_secret_random(size_t size, aver_secret **ret_secret);
AVER_MUST_USE aver_err aver_secret_copy(aver_view bytes, aver_secret **ret_secret);
void aver_secret_free(aver_secret *secret); /* NULL is fine */
size_t aver_secret_size(const aver_secret *secret);
uint8_t *aver_secret_data(aver_secret *secret);
const uint8_t *aver_secret_bytes(const aver_secret *secret);

/* Overwrites memory in a way that the compiler keeps. */
void aver_wipe(void *data, size_t size);
/* Constant time in the contents; sizes that differ give false. */
bool aver_equal_secret(aver_view a, aver_view b);

#endif

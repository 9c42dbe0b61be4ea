/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_BASE_SYS_H
#define AVER_BASE_SYS_H

/*
 * sys: time, randomness and whole files, the few things asked of the operating system by name.
 */

#include "aver/bytes.h"

/* Monotonic time in nanoseconds; for durations only. */
uint64_t aver_time_monotonic_ns(void);
/* Host wall-clock time in milliseconds since 1970 (UTC). Inside a TEE it is the host's word. */
uint64_t aver_time_wall_ms(void);
/* Writes "2026-01-02T03:04:05Z" (20 characters and a terminator). */
void aver_time_format(uint64_t wall_ms, char ret_text[static 21]);

/* Fills with kernel randomness (getrandom); aborts the program if the kernel has none to give. */
void aver_random(uint8_t *ret_bytes, size_t size);
uint64_t aver_random_u64(void);

/*
 * Appends a whole regular file of at most size_max bytes to an initialised buffer. ABSENT if it is
 * not there, USAGE if it is no regular file, LIMIT if it is larger than size_max or the buffer, IO.
 */
AVER_MUST_USE aver_err aver_file_read(const char *path, size_t size_max, aver_buf *ret_contents);
/* Writes through a temporary file and a rename, mode as given (0600 for secrets). */
AVER_MUST_USE aver_err aver_file_write(const char *path, aver_view contents, unsigned mode);
/* Opens the running program itself for reading, to be hashed; the caller closes. */
AVER_MUST_USE aver_err aver_self_open(int *ret_fd);

/* Turns off core dumps and ptrace by others for this process; what is refused is logged. */
void aver_process_harden(void);

#endif

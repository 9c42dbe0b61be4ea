/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ENGINE_LINK_PARTS_H
#define AVER_ENGINE_LINK_PARTS_H

/* link_parts: bounded readers and the parts of frames; private to src/engine/link*.c. */

#include "codec/cbor.h"
#include "engine/link.h"

#define AVER_LINK_JOB_MEMBERS 16 /* elements of SUBMIT behind the job id */

/* FORMAT outside of [least, most]. */
AVER_MUST_USE aver_err aver_link_read_uint(aver_cbor_cursor *cursor, uint64_t least, uint64_t most,
                                           uint64_t *ret_value);
AVER_MUST_USE aver_err aver_link_read_u32(aver_cbor_cursor *cursor, uint32_t least, uint32_t most,
                                          uint32_t *ret_value);
AVER_MUST_USE aver_err aver_link_read_i32(aver_cbor_cursor *cursor, int64_t least, int64_t most,
                                          int32_t *ret_value);
/* The head of an array of exactly wanted items. */
AVER_MUST_USE aver_err aver_link_read_array(aver_cbor_cursor *cursor, uint64_t wanted);
/* Copies with a terminator; a NUL inside is refused. */
AVER_MUST_USE aver_err aver_link_read_text(aver_cbor_cursor *cursor, char *text, size_t size_max);
/* True if null comes next, which is then taken. */
AVER_MUST_USE aver_err aver_link_read_null(aver_cbor_cursor *cursor, bool *ret_null);

/* Of link_job.c. What was allocated on failure is the caller's too: aver_job_deinit. */
void aver_link_put_job(aver_buf *out, const aver_job *job);
AVER_MUST_USE aver_err aver_link_read_job(aver_cbor_cursor *cursor, aver_job *job);

#endif

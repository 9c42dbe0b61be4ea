/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CODEC_INFLATE_H
#define AVER_CODEC_INFLATE_H

/*
 * inflate: one gzip member (RFC 1952, RFC 1951) of a few hundred KiB at most, as others wrap
 * evidence. Bounded by the buffer's maximum, so that a small file cannot become a large one; sums
 * and sizes are checked, and nothing may stand behind the member.
 * Strict: no optional header fields (FEXTRA, FNAME, FCOMMENT, FHCRC), complete codes only.
 */

#include "aver/bytes.h"

/* Appends what was packed. FORMAT, LIMIT (no room), NOMEM; the buffer is then as it was. */
AVER_MUST_USE aver_err aver_gzip_unpack(aver_view packed, aver_buf *ret_bytes);

#endif

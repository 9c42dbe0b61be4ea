/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_STREAM_H
#define AVER_STREAM_H

/*
 * stream: a server-sent event stream that carries its own proof. On the wire (sealed or not):
 *
 *   : aver-opening <b64url>\n\n     first
 *   data: {...}\n\n                 one event, one leaf: its bytes with the blank line; a line
 *                                 "event: NAME" may stand before its data line
 *   : aver-head <b64url>\n\n        after every 64 events or one second
 *   : aver-tokens <b64url>\n\n      if the caller sent an "aver" member
 *   : aver-receipt <b64url>\n\n     the last data event is behind us
 *   data: [DONE]\n\n
 *
 * Comments and [DONE] are outside the tree. The reader takes the bytes as they come in pieces of
 * any size. The response commitment covers the concatenation of the events.
 *
 * Every item is one line, or two where an event has a name, and a blank line, ended by LF alone;
 * anything else is FORMAT, as is anything after [DONE]. A name is 1 to 64 of a-z, '_' and '.';
 * [DONE] has none.
 *
 * Limits: an item's lines of at most AVER_STREAM_LINE_BYTES_MAX. Threads: none.
 */

#include "aver/receipt.h"

AVER_C_BEGIN

#define AVER_STREAM_LINE_BYTES_MAX   (4 * 1024 * 1024)
#define AVER_STREAM_COMMENT_OPENING  "aver-opening"
#define AVER_STREAM_COMMENT_HEAD     "aver-head"
#define AVER_STREAM_COMMENT_TOKENS   "aver-tokens"
#define AVER_STREAM_COMMENT_RECEIPT  "aver-receipt"
#define AVER_STREAM_HEAD_EVENTS      64
#define AVER_STREAM_HEAD_INTERVAL_MS 1000

typedef enum aver_stream_item_kind {
    AVER_STREAM_EVENT = 1, /* a data event other than [DONE] */
    AVER_STREAM_DONE = 2,
    AVER_STREAM_OPENING = 3, /* value: the signed message, decoded from base64url */
    AVER_STREAM_HEAD = 4,
    AVER_STREAM_TOKENS = 5,
    AVER_STREAM_RECEIPT = 6,
    AVER_STREAM_COMMENT = 7, /* any other comment */
} aver_stream_item_kind;

typedef struct aver_stream_item {
    aver_stream_item_kind kind;
    aver_view raw;   /* EVENT: the bytes of the leaf */
    aver_view value; /* EVENT: the JSON after "data: "; others: decoded bytes */
    aver_view name;  /* EVENT: of its event line; empty: there is none */
} aver_stream_item;

typedef struct aver_stream_reader aver_stream_reader;

/* Called for each item in order; a result other than OK stops the feed and is returned by it. */
typedef aver_err aver_stream_item_fn(const aver_stream_item *item, void *context);

AVER_MUST_USE aver_err aver_stream_reader_new(aver_stream_item_fn *on_item, void *context,
                                              aver_stream_reader **ret_reader);
void aver_stream_reader_free(aver_stream_reader *reader);
AVER_MUST_USE aver_err aver_stream_reader_feed(aver_stream_reader *reader, aver_view bytes);
/* FORMAT if bytes of an unfinished item are left. */
AVER_MUST_USE aver_err aver_stream_reader_end(const aver_stream_reader *reader);

/* Bytes of the first event, its blank line included; 0 if none is whole. */
size_t aver_stream_event_size(aver_view events);
/*
 * The tree over the first events_max of a stream's events, laid one after the other: how many there
 * are and their root. FORMAT if the bytes end inside an event.
 */
AVER_MUST_USE aver_err aver_stream_tree(aver_view events, uint64_t events_max, uint64_t *ret_count,
                                        uint8_t ret_root[AVER_AT_LEAST(32)]);

/* Writing side: appends one comment with a signed message; name is one of AVER_STREAM_COMMENT_*. */
void aver_stream_put_comment(aver_buf *out, const char *name, aver_view message);

AVER_C_END

#endif

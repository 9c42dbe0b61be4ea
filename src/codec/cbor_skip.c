/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/cbor_head.h"
#include "codec/text.h"

#include <string.h>

/* One open array, map, tag or chunked string on the way down. */
typedef struct cbor_frame {
    uint8_t major;
    bool indefinite;
    uint64_t left;     /* items still to come, if not indefinite; a map's pairs count twice */
    bool value_next;   /* in a map: the key has been read */
    size_t item_start; /* where the item now being read begins */
    aver_view key_last;
} cbor_frame;

typedef struct cbor_walk {
    aver_view bytes;
    size_t at;
    unsigned flags;
    size_t depth;
    cbor_frame frames[AVER_CBOR_DEPTH_MAX];
} cbor_walk;

int aver_cbor_key_compare(aver_view a, aver_view b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static aver_err cbor_walk_push(cbor_walk *walk, const aver_cbor_head *head)
{
    if (walk->depth == AVER_CBOR_DEPTH_MAX) {
        return AVER_E_LIMIT;
    }
    uint64_t left = head->value;
    if (head->major == CBOR_MAJOR_TAG) {
        left = 1;
    } else if (head->major == CBOR_MAJOR_MAP) {
        left *= 2; /* the head check bounds it by the bytes left */
    }
    walk->frames[walk->depth++] = (cbor_frame){
        .major = head->major, .indefinite = head->indefinite, .left = left, .item_start = walk->at};
    return AVER_OK;
}

/* A key has ended: in the deterministic form it must be greater than the one before. */
static aver_err cbor_walk_key(const cbor_walk *walk, cbor_frame *frame)
{
    if (walk->flags & AVER_CBOR_LENIENT) {
        return AVER_OK;
    }
    aver_view key = aver_view_slice(walk->bytes, frame->item_start, walk->at - frame->item_start);
    if (frame->key_last.size > 0 && aver_cbor_key_compare(frame->key_last, key) >= 0) {
        return AVER_E_FORMAT;
    }
    frame->key_last = key;
    return AVER_OK;
}

/* An item has ended at walk->at: counts it in what holds it, and closes what is full with it. */
static aver_err cbor_walk_complete(cbor_walk *walk)
{
    while (walk->depth > 0) {
        cbor_frame *frame = &walk->frames[walk->depth - 1];
        if (frame->major == CBOR_MAJOR_MAP) {
            aver_err err = frame->value_next ? AVER_OK : cbor_walk_key(walk, frame);
            if (err != AVER_OK) {
                return err;
            }
            frame->value_next = !frame->value_next;
        }
        frame->item_start = walk->at;
        if (frame->indefinite || --frame->left > 0) {
            return AVER_OK;
        }
        walk->depth--;
    }
    return AVER_OK;
}

static aver_err cbor_walk_break(cbor_walk *walk)
{
    if (walk->depth == 0) {
        return AVER_E_FORMAT;
    }
    const cbor_frame *frame = &walk->frames[walk->depth - 1];
    if (!frame->indefinite || frame->value_next) {
        return AVER_E_FORMAT;
    }
    walk->depth--;
    return cbor_walk_complete(walk);
}

static aver_err cbor_walk_string(cbor_walk *walk, const aver_cbor_head *head)
{
    aver_view bytes = aver_view_slice(walk->bytes, walk->at, (size_t)head->value);
    if (head->major == CBOR_MAJOR_TEXT && !aver_utf8_valid(bytes)) {
        return AVER_E_FORMAT;
    }
    walk->at += bytes.size;
    return cbor_walk_complete(walk);
}

/* Inside a chunked string only definite strings of its own kind may stand. */
static bool cbor_walk_allows(const cbor_walk *walk, const aver_cbor_head *head)
{
    if (walk->depth == 0) {
        return true;
    }
    uint8_t outer = walk->frames[walk->depth - 1].major;
    if (outer != CBOR_MAJOR_BYTES && outer != CBOR_MAJOR_TEXT) {
        return true;
    }
    return head->major == outer && !head->indefinite;
}

/* Reads one head and what belongs to it directly. */
static aver_err cbor_walk_step(cbor_walk *walk)
{
    aver_cbor_cursor cursor = aver_cbor_open(
        aver_view_slice(walk->bytes, walk->at, walk->bytes.size - walk->at), walk->flags);
    aver_cbor_head head;
    aver_err err = aver_cbor_head_read(&cursor, &head);
    if (err != AVER_OK) {
        return err;
    }
    walk->at += head.size;
    if (head.major == CBOR_MAJOR_SIMPLE && head.indefinite) {
        return cbor_walk_break(walk);
    }
    if (!cbor_walk_allows(walk, &head)) {
        return AVER_E_FORMAT;
    }
    if (head.major == CBOR_MAJOR_SIMPLE && head.info > 22 && !(walk->flags & AVER_CBOR_LENIENT)) {
        return AVER_E_FORMAT; /* a float: no format of ours has one */
    }
    bool string = head.major == CBOR_MAJOR_BYTES || head.major == CBOR_MAJOR_TEXT;
    if (string && !head.indefinite) {
        return cbor_walk_string(walk, &head);
    }
    bool holds = head.major == CBOR_MAJOR_ARRAY || head.major == CBOR_MAJOR_MAP;
    if (head.indefinite || head.major == CBOR_MAJOR_TAG || (holds && head.value > 0)) {
        return cbor_walk_push(walk, &head);
    }
    return cbor_walk_complete(walk);
}

aver_err aver_cbor_skip(aver_cbor_cursor *cursor, aver_view *ret_item)
{
    cbor_walk walk;
    walk.bytes = cursor->rest;
    walk.at = 0;
    walk.flags = cursor->flags;
    walk.depth = 0;
    do {
        aver_err err = cbor_walk_step(&walk);
        if (err != AVER_OK) {
            return err;
        }
    } while (walk.depth > 0);
    *ret_item = aver_view_slice(walk.bytes, 0, walk.at);
    cursor->rest = aver_view_slice(walk.bytes, walk.at, walk.bytes.size - walk.at);
    return AVER_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/stream.h"

#include "codec/text.h"
#include "crypto/merkle.h"

#include <stdlib.h>
#include <string.h>

/* A comment carries base64url, which takes 4 characters for 3 bytes. */
enum {
    STREAM_VALUE_BYTES_MAX = AVER_STREAM_LINE_BYTES_MAX / 4 * 3 + 3,
    STREAM_NAME_BYTES_MAX = 64
};

struct aver_stream_reader {
    aver_stream_item_fn *on_item;
    void *context;
    aver_buf pending; /* an item that has not ended */
    aver_buf value;   /* the decoded comment at hand */
    bool done;        /* [DONE] was seen: nothing may follow */
};

typedef struct stream_comment {
    const char *prefix;
    aver_stream_item_kind kind;
} stream_comment;

static const stream_comment stream_comments[] = {
    {": " AVER_STREAM_COMMENT_OPENING " ", AVER_STREAM_OPENING},
    {": " AVER_STREAM_COMMENT_HEAD " ", AVER_STREAM_HEAD},
    {": " AVER_STREAM_COMMENT_TOKENS " ", AVER_STREAM_TOKENS},
    {": " AVER_STREAM_COMMENT_RECEIPT " ", AVER_STREAM_RECEIPT},
};

aver_err aver_stream_reader_new(aver_stream_item_fn *on_item, void *context,
                                aver_stream_reader **ret_reader)
{
    aver_stream_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return AVER_E_NOMEM;
    }
    reader->on_item = on_item;
    reader->context = context;
    aver_buf_init(&reader->pending, AVER_STREAM_LINE_BYTES_MAX + 2);
    aver_buf_init(&reader->value, STREAM_VALUE_BYTES_MAX);
    *ret_reader = reader;
    return AVER_OK;
}

void aver_stream_reader_free(aver_stream_reader *reader)
{
    if (reader) {
        aver_buf_deinit(&reader->pending);
        aver_buf_deinit(&reader->value);
        free(reader);
    }
}

static bool stream_starts(aver_view line, const char *prefix)
{
    size_t size = strlen(prefix);
    return line.size >= size && memcmp(line.data, prefix, size) == 0;
}

static aver_err stream_comment_give(aver_stream_reader *reader, aver_view raw, aver_view line)
{
    aver_stream_item item = {.kind = AVER_STREAM_COMMENT, .raw = raw, .value = line};
    for (size_t i = 0; i < sizeof stream_comments / sizeof stream_comments[0]; i++) {
        size_t size = strlen(stream_comments[i].prefix);
        if (!stream_starts(line, stream_comments[i].prefix)) {
            continue;
        }
        aver_buf_clear(&reader->value);
        aver_err err =
            aver_base64url_decode(aver_view_slice(line, size, line.size - size), &reader->value);
        if (err != AVER_OK) {
            return err;
        }
        item.kind = stream_comments[i].kind;
        item.value = aver_buf_view(&reader->value);
        break;
    }
    return reader->on_item(&item, reader->context);
}

static bool stream_name_valid(aver_view name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        if (!(byte >= 'a' && byte <= 'z') && byte != '_' && byte != '.') {
            return false;
        }
    }
    return name.size > 0 && name.size <= STREAM_NAME_BYTES_MAX;
}

/* Takes the line "event: NAME" off, if the item begins with one. */
static aver_err stream_name_take(aver_view *lines, aver_view *ret_name)
{
    static const char event[] = "event: ";
    if (!stream_starts(*lines, event)) {
        return AVER_OK;
    }
    const uint8_t *end = memchr(lines->data, '\n', lines->size);
    if (!end) {
        return AVER_E_FORMAT;
    }
    size_t size = (size_t)(end - lines->data);
    aver_view name = aver_view_slice(*lines, sizeof event - 1, size - (sizeof event - 1));
    if (!stream_name_valid(name)) {
        return AVER_E_FORMAT;
    }
    *lines = aver_view_slice(*lines, size + 1, lines->size - size - 1);
    *ret_name = name;
    return AVER_OK;
}

/* One item, its blank line included. */
static aver_err stream_item_give(aver_stream_reader *reader, aver_view raw)
{
    static const char data[] = "data: ";
    aver_stream_item item = {.kind = AVER_STREAM_EVENT, .raw = raw};
    aver_view line = aver_view_slice(raw, 0, raw.size - 2);
    aver_err err = stream_name_take(&line, &item.name);
    if (err != AVER_OK || reader->done || memchr(line.data, '\n', line.size) ||
        memchr(line.data, '\r', line.size)) {
        return AVER_E_FORMAT;
    }
    if (line.size > 0 && line.data[0] == ':' && item.name.size == 0) {
        return stream_comment_give(reader, raw, line);
    }
    if (!stream_starts(line, data)) {
        return AVER_E_FORMAT;
    }
    item.value = aver_view_slice(line, sizeof data - 1, line.size - (sizeof data - 1));
    if (aver_view_equal_text(item.value, "[DONE]")) {
        if (item.name.size != 0) {
            return AVER_E_FORMAT;
        }
        item.kind = AVER_STREAM_DONE;
        reader->done = true;
    }
    return reader->on_item(&item, reader->context);
}

/* Bytes up to and with the first blank line from offset on, 0 if there is none. */
static size_t stream_item_end(aver_view bytes, size_t from)
{
    const uint8_t *at =
        from < bytes.size ? memmem(bytes.data + from, bytes.size - from, "\n\n", 2) : NULL;
    return at ? (size_t)(at - bytes.data) + 2 : 0;
}

/* Completes the pending item with the head of bytes; *ret_taken of them were used. */
static aver_err stream_pending_feed(aver_stream_reader *reader, aver_view bytes, size_t *ret_taken)
{
    /* The blank line may lie across the border, or end somewhere in the new bytes. */
    bool across = reader->pending.data[reader->pending.size - 1] == '\n' && bytes.data[0] == '\n';
    size_t taken = across ? 1 : stream_item_end(bytes, 0);
    taken = taken ? taken : bytes.size;
    aver_buf_append(&reader->pending, aver_view_slice(bytes, 0, taken));
    aver_err err = aver_buf_status(&reader->pending);
    if (err != AVER_OK) {
        return err;
    }
    *ret_taken = taken;
    aver_view pending = aver_buf_view(&reader->pending);
    if (pending.size < 2 || memcmp(pending.data + pending.size - 2, "\n\n", 2) != 0) {
        return AVER_OK;
    }
    err = stream_item_give(reader, pending);
    aver_buf_clear(&reader->pending);
    return err;
}

aver_err aver_stream_reader_feed(aver_stream_reader *reader, aver_view bytes)
{
    size_t at = 0;
    while (at < bytes.size) {
        aver_view rest = aver_view_slice(bytes, at, bytes.size - at);
        aver_err err;
        size_t end = 0;
        if (reader->pending.size > 0) {
            err = stream_pending_feed(reader, rest, &end);
        } else {
            end = stream_item_end(rest, 0);
            if (end > AVER_STREAM_LINE_BYTES_MAX + 2) {
                return AVER_E_LIMIT;
            }
            if (end) {
                err = stream_item_give(reader, aver_view_slice(rest, 0, end));
            } else {
                aver_buf_append(&reader->pending, rest);
                err = aver_buf_status(&reader->pending);
                end = rest.size;
            }
        }
        if (err != AVER_OK) {
            return err;
        }
        at += end;
    }
    return AVER_OK;
}

aver_err aver_stream_reader_end(const aver_stream_reader *reader)
{
    return reader->pending.size == 0 ? AVER_OK : AVER_E_FORMAT;
}

void aver_stream_put_comment(aver_buf *out, const char *name, aver_view message)
{
    aver_buf_append_format(out, ": %s ", name);
    aver_base64url_append(out, message);
    aver_buf_append_text(out, "\n\n");
}

size_t aver_stream_event_size(aver_view events)
{
    return stream_item_end(events, 0);
}

aver_err aver_stream_tree(aver_view events, uint64_t events_max, uint64_t *ret_count,
                          uint8_t ret_root[static 32])
{
    aver_merkle tree;
    aver_merkle_init(&tree);
    size_t at = 0;
    while (at < events.size && tree.size < events_max) {
        size_t end = stream_item_end(events, at);
        if (end == 0) {
            return AVER_E_FORMAT;
        }
        aver_merkle_append(&tree, aver_view_slice(events, at, end - at));
        at = end;
    }
    *ret_count = tree.size;
    aver_merkle_root(&tree, ret_root);
    return AVER_OK;
}

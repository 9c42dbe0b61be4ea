/* SPDX-License-Identifier: Apache-2.0 */
#include "support/load_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_BYTES_MAX ((size_t)65536)
#define LINE_BYTES_MAX ((size_t)4 * 1024 * 1024)

void load_stream_init(load_stream *stream)
{
    *stream = (load_stream){.seal = NULL};
    aver_buf_init(&stream->head, HEAD_BYTES_MAX);
    aver_buf_init(&stream->lines, LINE_BYTES_MAX);
    aver_buf_init(&stream->plain, LINE_BYTES_MAX);
}

void load_stream_end(load_stream *stream)
{
    aver_seal_free(stream->seal);
    stream->seal = NULL;
}

void load_stream_deinit(load_stream *stream)
{
    load_stream_end(stream);
    aver_buf_deinit(&stream->head);
    aver_buf_deinit(&stream->lines);
    aver_buf_deinit(&stream->plain);
}

void load_stream_begin(load_stream *stream, aver_seal *seal)
{
    load_stream next = {
        .seal = seal, .head = stream->head, .lines = stream->lines, .plain = stream->plain};
    load_stream_end(stream);
    *stream = next;
    aver_buf_clear(&stream->head);
    aver_buf_clear(&stream->lines);
    aver_buf_clear(&stream->plain);
}

static const uint8_t *line_find(aver_view line, const char *text)
{
    return memmem(line.data, line.size, text, strlen(text));
}

static uint64_t line_number(aver_view line, const char *name)
{
    const uint8_t *at = line_find(line, name);
    return at == NULL ? 0 : strtoull((const char *)at + strlen(name), NULL, 10);
}

/* Lines end in a line feed, which ends every number in them as well. */
static void stream_line(load_stream *stream, aver_view line)
{
    static const char *const texts[] = {"\"text\":\"", "\"content\":\""};
    if (line.size < 6) {
        return;
    }
    (void)snprintf(stream->last, sizeof(stream->last), "%.*s", (int)line.size,
                   (const char *)line.data);
    if (line.data[0] == ':') {
        stream->has_receipt = stream->has_receipt || line_find(line, "aver-receipt") != NULL;
        return;
    }
    if (memcmp(line.data, "data: ", 6) != 0) {
        return;
    }
    stream->done = stream->done || line_find(line, "[DONE]") != NULL;
    for (size_t i = 0; i < 2 && !stream->has_text; i++) {
        const uint8_t *at = line_find(line, texts[i]);
        stream->has_text = at != NULL && at[strlen(texts[i])] != '"';
    }
    if (line_find(line, "\"usage\":{") != NULL) {
        stream->has_usage = true;
        stream->prompt_tokens = line_number(line, "\"prompt_tokens\":");
        stream->generated_tokens = line_number(line, "\"completion_tokens\":");
    }
}

/* Whole lines are looked at, the rest is kept. */
static void stream_lines(load_stream *stream, aver_view text)
{
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        if (end == NULL) {
            aver_buf_append(&stream->lines, text);
            return;
        }
        size_t size = (size_t)(end - text.data) + 1;
        aver_view line = aver_view_slice(text, 0, size);
        if (stream->lines.size > 0) {
            aver_buf_append(&stream->lines, line);
            line = aver_buf_view(&stream->lines);
        }
        stream_line(stream, line);
        aver_buf_clear(&stream->lines);
        text = aver_view_slice(text, size, text.size - size);
    }
}

static bool stream_body(load_stream *stream, aver_view bytes)
{
    if (stream->seal == NULL) {
        stream_lines(stream, bytes);
        return true;
    }
    aver_buf_clear(&stream->plain);
    if (aver_seal_feed(stream->seal, bytes, &stream->plain) != AVER_OK) {
        return false;
    }
    stream_lines(stream, aver_buf_view(&stream->plain));
    return true;
}

/* One byte of a chunk's size line, or of the line end before it. */
static bool chunk_size_byte(load_stream *stream, uint8_t byte)
{
    if (stream->chunk_tail) {
        stream->chunk_tail = byte != '\n';
        return true;
    }
    if (byte != '\n') {
        if (stream->size_count + 1 >= sizeof(stream->size_text)) {
            return false;
        }
        stream->size_text[stream->size_count++] = (char)byte;
        return true;
    }
    stream->size_text[stream->size_count] = '\0';
    stream->size_count = 0;
    stream->chunk_left = strtoull(stream->size_text, NULL, 16);
    stream->in_chunk = stream->chunk_left > 0;
    /* Without trailers the last chunk is followed by an empty line, which comes with it. */
    stream->ended = !stream->in_chunk;
    return true;
}

static bool stream_chunks(load_stream *stream, aver_view bytes)
{
    while (bytes.size > 0 && !stream->ended) {
        size_t used = 1;
        if (stream->in_chunk) {
            used = bytes.size < stream->chunk_left ? bytes.size : stream->chunk_left;
            if (!stream_body(stream, aver_view_slice(bytes, 0, used))) {
                return false;
            }
            stream->chunk_left -= used;
            stream->in_chunk = stream->chunk_left > 0;
            stream->chunk_tail = !stream->in_chunk;
        } else if (!chunk_size_byte(stream, bytes.data[0])) {
            return false;
        }
        bytes = aver_view_slice(bytes, used, bytes.size - used);
    }
    return true;
}

/* The head is a text with a NUL behind it. */
static bool stream_head(load_stream *stream)
{
    static const char nonce_name[] = "\r\nEhbp-Response-Nonce: ";
    const char *head = (const char *)stream->head.data;
    stream->status = (unsigned)strtoul(head + strcspn(head, " "), NULL, 10);
    stream->chunked = strcasestr(head, "\r\nTransfer-Encoding: chunked") != NULL;
    if (stream->status != 200) {
        (void)snprintf(stream->last, sizeof(stream->last), "%s", head);
    }
    if (stream->seal != NULL) {
        char hex[65];
        const char *at = strcasestr(head, nonce_name);
        if (at == NULL) {
            return false;
        }
        (void)snprintf(hex, sizeof(hex), "%.64s", at + sizeof(nonce_name) - 1);
        return aver_seal_expect(stream->seal, hex) == AVER_OK && stream->chunked;
    }
    return stream->chunked;
}

bool load_stream_feed(load_stream *stream, aver_view bytes)
{
    /* The empty line behind an answer may come on its own. */
    while (stream->status == 0 && stream->head.size == 0 && bytes.size > 0 &&
           (bytes.data[0] == '\r' || bytes.data[0] == '\n')) {
        bytes = aver_view_slice(bytes, 1, bytes.size - 1);
    }
    if (stream->status == 0) {
        size_t before = stream->head.size;
        aver_buf_append(&stream->head, bytes);
        if (aver_buf_status(&stream->head) != AVER_OK) {
            return false;
        }
        const uint8_t *end = memmem(stream->head.data, stream->head.size, "\r\n\r\n", 4);
        if (end == NULL) {
            return true;
        }
        size_t head_size = (size_t)(end - stream->head.data) + 4;
        bytes = aver_view_slice(bytes, head_size - before, bytes.size - (head_size - before));
        stream->head.size = head_size;
        aver_buf_append_byte(&stream->head, '\0');
        if (aver_buf_status(&stream->head) != AVER_OK || !stream_head(stream)) {
            return false;
        }
    }
    return stream_chunks(stream, bytes) && aver_buf_status(&stream->lines) == AVER_OK;
}

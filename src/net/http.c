/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/check.h"
#include "codec/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Empty lines that old clients leave between requests. */
enum { HTTP_BLANK_BYTES_MAX = 8 };
/* A chunk's size line: eight digits at most, and extensions that nobody reads. */
enum { HTTP_CHUNK_DIGITS_MAX = 8, HTTP_CHUNK_LINE_BYTES_MAX = 256 };

void aver_http_init(aver_http *http, size_t head_bytes_max, size_t body_bytes_max)
{
    *http = (aver_http){.state = AVER_HTTP_HEAD, .query = ""};
    aver_buf_init(&http->head, head_bytes_max);
    aver_buf_init(&http->body, body_bytes_max);
}

void aver_http_deinit(aver_http *http)
{
    aver_buf_wipe(&http->head);
    aver_buf_wipe(&http->body);
    aver_buf_deinit(&http->head);
    aver_buf_deinit(&http->body);
    *http = (aver_http){.state = AVER_HTTP_FAILED};
}

aver_err aver_http_refuse(aver_http *http, aver_err err, uint32_t status, const char *why)
{
    http->state = AVER_HTTP_FAILED;
    http->status = status;
    http->why = why;
    return err;
}

const char *aver_http_header(const aver_http *http, const char *name)
{
    for (size_t i = 0; i < http->fields_count; i++) {
        if (strcasecmp(http->fields[i].name, name) == 0) {
            return http->fields[i].value;
        }
    }
    return NULL;
}

/* One byte of a line: lines end in CR LF, and hold no other control byte than the tab. */
static bool http_line_byte_valid(uint8_t last, uint8_t byte)
{
    if (last == '\r' || byte == '\n') {
        return last == '\r' && byte == '\n';
    }
    return byte == '\r' || byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

/*
 * Walks over line bytes until the empty line. *ret_end: it was found. Counts into line_bytes and
 * last.
 */
static aver_err http_lines_walk(aver_http *http, aver_view bytes, size_t *used, bool *ret_end)
{
    while (*used < bytes.size) {
        uint8_t byte = bytes.data[(*used)++];
        if (!http_line_byte_valid(http->last, byte)) {
            return aver_http_refuse(http, AVER_E_FORMAT, 400, "control byte in the request's head");
        }
        http->last = byte;
        if (byte == '\n') {
            if (http->line_bytes == 0) {
                *ret_end = true;
                return AVER_OK;
            }
            http->line_bytes = 0;
        } else if (byte != '\r') {
            http->line_bytes++;
        }
    }
    return AVER_OK;
}

static aver_err http_blank_skip(aver_http *http, aver_view bytes, size_t *used)
{
    while (http->head.size == 0 && *used < bytes.size &&
           bytes.data[*used] == (http->last == '\r' ? '\n' : '\r')) {
        http->last = bytes.data[(*used)++];
        if (++http->trailer_bytes > HTTP_BLANK_BYTES_MAX) {
            return aver_http_refuse(http, AVER_E_FORMAT, 400, "no request line");
        }
    }
    return AVER_OK;
}

static aver_err http_head_feed(aver_http *http, aver_view bytes, size_t *used)
{
    bool end = false;
    aver_err err = http_blank_skip(http, bytes, used);
    size_t begin = *used;
    if (err == AVER_OK) {
        err = http_lines_walk(http, bytes, used, &end);
    }
    if (err != AVER_OK) {
        return err;
    }
    aver_buf_append(&http->head, aver_view_slice(bytes, begin, *used - begin));
    err = aver_buf_status(&http->head);
    if (err == AVER_E_LIMIT) {
        return aver_http_refuse(http, err, 431, "the request's head is too large");
    }
    if (err != AVER_OK) {
        return aver_http_refuse(http, err, 503, "out of memory");
    }
    return end ? aver_http_head_read(http) : AVER_OK;
}

static aver_err http_body_take(aver_http *http, aver_view bytes, size_t *used)
{
    size_t size = bytes.size - *used;
    if (size > http->left) {
        size = (size_t)http->left;
    }
    aver_buf_append(&http->body, aver_view_slice(bytes, *used, size));
    aver_err err = aver_buf_status(&http->body);
    if (err == AVER_E_LIMIT) {
        return aver_http_refuse(http, err, 413, "the request's body is too large");
    }
    if (err != AVER_OK) {
        return aver_http_refuse(http, err, 503, "out of memory");
    }
    *used += size;
    http->left -= size;
    return AVER_OK;
}

/* The size's digits, then at most an extension after ';', up to CR LF. */
static aver_err http_chunk_line_byte(aver_http *http, uint8_t byte)
{
    int digit = aver_hex_digit(byte);
    if (!http_line_byte_valid(http->last, byte) ||
        ++http->trailer_bytes > HTTP_CHUNK_LINE_BYTES_MAX) {
        return aver_http_refuse(http, AVER_E_FORMAT, 400, "malformed chunk size");
    }
    http->last = byte;
    if (byte == '\r' || http->chunk_digits_end) {
        return AVER_OK;
    }
    if (digit >= 0 && http->line_bytes < HTTP_CHUNK_DIGITS_MAX) {
        http->left = http->left << 4 | (uint64_t)digit;
        http->line_bytes++;
        return AVER_OK;
    }
    if (http->line_bytes == 0 || byte != ';') {
        return aver_http_refuse(http, AVER_E_FORMAT, 400, "malformed chunk size");
    }
    http->chunk_digits_end = true;
    return AVER_OK;
}

void aver_http_chunks_begin(aver_http *http)
{
    http->state = AVER_HTTP_CHUNK_LINE;
    http->left = 0;
    http->line_bytes = 0;
    http->trailer_bytes = 0;
    http->last = 0;
    http->chunk_digits_end = false;
}

static aver_err http_chunk_line_end(aver_http *http)
{
    if (http->line_bytes == 0) {
        return aver_http_refuse(http, AVER_E_FORMAT, 400, "malformed chunk size");
    }
    if (http->left > http->body.capacity_max - http->body.size) {
        return aver_http_refuse(http, AVER_E_LIMIT, 413, "the request's body is too large");
    }
    http->state = http->left > 0 ? AVER_HTTP_CHUNK : AVER_HTTP_TRAILER;
    http->line_bytes = 0;
    http->trailer_bytes = 0;
    http->last = 0;
    return AVER_OK;
}

static aver_err http_chunk_line_feed(aver_http *http, aver_view bytes, size_t *used)
{
    while (*used < bytes.size) {
        uint8_t byte = bytes.data[(*used)++];
        if (byte == '\n' && http->last == '\r') {
            return http_chunk_line_end(http);
        }
        aver_err err = http_chunk_line_byte(http, byte);
        if (err != AVER_OK) {
            return err;
        }
    }
    return AVER_OK;
}

/* The CR LF behind a chunk's data. */
static aver_err http_chunk_end_feed(aver_http *http, aver_view bytes, size_t *used)
{
    uint8_t byte = bytes.data[(*used)++];
    if (byte != (http->last == '\r' ? '\n' : '\r')) {
        return aver_http_refuse(http, AVER_E_FORMAT, 400, "chunk data without its end");
    }
    http->last = byte;
    if (byte == '\n') {
        aver_http_chunks_begin(http);
    }
    return AVER_OK;
}

/* Trailers are bounded, checked as lines, and dropped. */
static aver_err http_trailer_feed(aver_http *http, aver_view bytes, size_t *used)
{
    bool end = false;
    size_t begin = *used;
    aver_err err = http_lines_walk(http, bytes, used, &end);
    if (err != AVER_OK) {
        return err;
    }
    http->trailer_bytes += *used - begin;
    if (http->trailer_bytes > http->head.capacity_max) {
        return aver_http_refuse(http, AVER_E_LIMIT, 431, "the request's trailers are too large");
    }
    if (end) {
        http->state = AVER_HTTP_DONE;
    }
    return AVER_OK;
}

static aver_err http_step(aver_http *http, aver_view bytes, size_t *used)
{
    aver_err err = AVER_OK;
    switch (http->state) {
    case AVER_HTTP_HEAD:
        return http_head_feed(http, bytes, used);
    case AVER_HTTP_BODY:
        err = http_body_take(http, bytes, used);
        if (err == AVER_OK && http->left == 0) {
            http->state = AVER_HTTP_DONE;
        }
        return err;
    case AVER_HTTP_CHUNK_LINE:
        return http_chunk_line_feed(http, bytes, used);
    case AVER_HTTP_CHUNK:
        err = http_body_take(http, bytes, used);
        if (err == AVER_OK && http->left == 0) {
            http->state = AVER_HTTP_CHUNK_END;
            http->last = 0;
        }
        return err;
    case AVER_HTTP_CHUNK_END:
        return http_chunk_end_feed(http, bytes, used);
    case AVER_HTTP_TRAILER:
        return http_trailer_feed(http, bytes, used);
    case AVER_HTTP_DONE:
    case AVER_HTTP_FAILED:
        break;
    }
    return AVER_E_USAGE;
}

aver_err aver_http_feed(aver_http *http, aver_view bytes, size_t *ret_used)
{
    AVER_ASSERT(http->state != AVER_HTTP_FAILED);
    size_t used = 0;
    while (used < bytes.size && http->state != AVER_HTTP_DONE) {
        aver_err err = http_step(http, bytes, &used);
        if (err != AVER_OK) {
            return err;
        }
    }
    *ret_used = used;
    return AVER_OK;
}

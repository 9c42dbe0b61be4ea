/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/cbor.h"

#include "codec/cbor_head.h"
#include "codec/text.h"

#include <string.h>

aver_cbor_cursor aver_cbor_open(aver_view bytes, unsigned flags)
{
    return (aver_cbor_cursor){bytes, flags};
}

/* The value after a head byte with 1, 2, 4 or 8 more bytes. */
static uint64_t cbor_head_value(const uint8_t *data, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | data[i];
    }
    return value;
}

/* True if value would have fitted in a head with half as many bytes after it, or none. */
static bool cbor_head_long(uint64_t value, size_t more)
{
    return more == 1 ? value < 24 : value >> (4 * more) == 0;
}

static aver_err cbor_head_check(const aver_cbor_head *head, size_t more, unsigned flags,
                                size_t rest_size)
{
    bool lenient = (flags & AVER_CBOR_LENIENT) != 0;
    if (head->major == CBOR_MAJOR_SIMPLE) {
        /* false, true, null, floats of 2, 4 and 8 bytes, break; nothing else has a meaning here. */
        bool known = head->info >= 20 && head->info <= 22;
        bool wide = head->info >= 25 && head->info <= 27;
        return known || wide || (head->indefinite && lenient) ? AVER_OK : AVER_E_FORMAT;
    }
    if (head->indefinite) {
        bool can = head->major >= CBOR_MAJOR_BYTES && head->major <= CBOR_MAJOR_MAP;
        return can && lenient ? AVER_OK : AVER_E_FORMAT;
    }
    if (more > 0 && !lenient && cbor_head_long(head->value, more)) {
        return AVER_E_FORMAT;
    }
    bool string = head->major == CBOR_MAJOR_BYTES || head->major == CBOR_MAJOR_TEXT;
    if ((string || head->major == CBOR_MAJOR_ARRAY) && head->value > rest_size) {
        return AVER_E_FORMAT;
    }
    if (head->major == CBOR_MAJOR_MAP && head->value > rest_size / 2) {
        return AVER_E_FORMAT;
    }
    return AVER_OK;
}

aver_err aver_cbor_head_read(const aver_cbor_cursor *cursor, aver_cbor_head *ret_head)
{
    aver_view rest = cursor->rest;
    if (rest.size == 0) {
        return AVER_E_FORMAT;
    }
    aver_cbor_head head = {.major = rest.data[0] >> 5, .info = rest.data[0] & 31, .size = 1};
    size_t more = 0;
    if (head.info < 24) {
        head.value = head.info;
    } else if (head.info < 28) {
        more = (size_t)1 << (head.info - 24);
        if (more > rest.size - 1) {
            return AVER_E_FORMAT;
        }
        head.value = cbor_head_value(rest.data + 1, more);
        head.size += more;
    } else if (head.info == 31) {
        head.indefinite = true;
    } else {
        return AVER_E_FORMAT;
    }
    aver_err err = cbor_head_check(&head, more, cursor->flags, rest.size - head.size);
    if (err == AVER_OK) {
        *ret_head = head;
    }
    return err;
}

static aver_cbor_type cbor_type_simple(const aver_cbor_head *head)
{
    if (head->indefinite) {
        return AVER_CBOR_BREAK;
    }
    if (head->info == 22) {
        return AVER_CBOR_NULL;
    }
    return head->info < 22 ? AVER_CBOR_BOOL : AVER_CBOR_FLOAT;
}

aver_err aver_cbor_peek(const aver_cbor_cursor *cursor, aver_cbor_type *ret_type)
{
    static const aver_cbor_type types[] = {AVER_CBOR_UINT, AVER_CBOR_NEGATIVE, AVER_CBOR_BYTES,
                                           AVER_CBOR_TEXT, AVER_CBOR_ARRAY,    AVER_CBOR_MAP,
                                           AVER_CBOR_TAG};
    aver_cbor_head head;
    aver_err err = aver_cbor_head_read(cursor, &head);
    if (err == AVER_OK) {
        *ret_type = head.major == CBOR_MAJOR_SIMPLE ? cbor_type_simple(&head) : types[head.major];
    }
    return err;
}

/* Reads a head of this major type and moves past it. */
static aver_err cbor_take(aver_cbor_cursor *cursor, unsigned major, aver_cbor_head *ret_head)
{
    aver_cbor_head head;
    aver_err err = aver_cbor_head_read(cursor, &head);
    if (err != AVER_OK) {
        return err;
    }
    if (head.major != major) {
        return AVER_E_FORMAT;
    }
    cursor->rest = aver_view_slice(cursor->rest, head.size, cursor->rest.size - head.size);
    *ret_head = head;
    return AVER_OK;
}

aver_err aver_cbor_read_uint(aver_cbor_cursor *cursor, uint64_t *ret_value)
{
    aver_cbor_head head;
    aver_err err = cbor_take(cursor, CBOR_MAJOR_UINT, &head);
    if (err == AVER_OK) {
        *ret_value = head.value;
    }
    return err;
}

aver_err aver_cbor_read_int(aver_cbor_cursor *cursor, int64_t *ret_value)
{
    aver_cbor_cursor ahead = *cursor;
    aver_cbor_head head;
    aver_err err = aver_cbor_head_read(&ahead, &head);
    if (err != AVER_OK) {
        return err;
    }
    if (head.major > CBOR_MAJOR_NEGATIVE || head.value > INT64_MAX) {
        return AVER_E_FORMAT;
    }
    int64_t magnitude = (int64_t)head.value;
    *ret_value = head.major == CBOR_MAJOR_UINT ? magnitude : -1 - magnitude;
    cursor->rest = aver_view_slice(ahead.rest, head.size, ahead.rest.size - head.size);
    return AVER_OK;
}

static aver_err cbor_read_string(aver_cbor_cursor *cursor, unsigned major, aver_view *ret_bytes)
{
    aver_cbor_cursor ahead = *cursor;
    aver_cbor_head head;
    aver_err err = cbor_take(&ahead, major, &head);
    if (err != AVER_OK) {
        return err;
    }
    if (head.indefinite) {
        return AVER_E_FORMAT;
    }
    size_t size = (size_t)head.value;
    aver_view bytes = aver_view_slice(ahead.rest, 0, size);
    if (major == CBOR_MAJOR_TEXT && !aver_utf8_valid(bytes)) {
        return AVER_E_FORMAT;
    }
    cursor->rest = aver_view_slice(ahead.rest, size, ahead.rest.size - size);
    *ret_bytes = bytes;
    return AVER_OK;
}

aver_err aver_cbor_read_bytes(aver_cbor_cursor *cursor, aver_view *ret_bytes)
{
    return cbor_read_string(cursor, CBOR_MAJOR_BYTES, ret_bytes);
}

aver_err aver_cbor_read_fixed(aver_cbor_cursor *cursor, uint8_t *ret_bytes, size_t size)
{
    aver_cbor_cursor ahead = *cursor;
    aver_view bytes;
    aver_err err = aver_cbor_read_bytes(&ahead, &bytes);
    if (err != AVER_OK) {
        return err;
    }
    if (bytes.size != size) {
        return AVER_E_FORMAT;
    }
    if (size > 0) {
        memcpy(ret_bytes, bytes.data, size);
    }
    *cursor = ahead;
    return AVER_OK;
}

aver_err aver_cbor_read_text(aver_cbor_cursor *cursor, aver_view *ret_text)
{
    return cbor_read_string(cursor, CBOR_MAJOR_TEXT, ret_text);
}

/* Moves past a simple value of one byte whose low bits are info, or info + 1 if two are allowed. */
static aver_err cbor_read_simple(aver_cbor_cursor *cursor, aver_cbor_type type, uint8_t *ret_info)
{
    aver_cbor_cursor ahead = *cursor;
    aver_cbor_head head;
    aver_err err = cbor_take(&ahead, CBOR_MAJOR_SIMPLE, &head);
    if (err != AVER_OK) {
        return err;
    }
    if (cbor_type_simple(&head) != type) {
        return AVER_E_FORMAT;
    }
    *cursor = ahead;
    *ret_info = head.info;
    return AVER_OK;
}

aver_err aver_cbor_read_bool(aver_cbor_cursor *cursor, bool *ret_value)
{
    uint8_t info;
    aver_err err = cbor_read_simple(cursor, AVER_CBOR_BOOL, &info);
    if (err == AVER_OK) {
        *ret_value = info == 21;
    }
    return err;
}

aver_err aver_cbor_read_null(aver_cbor_cursor *cursor)
{
    uint8_t info;
    return cbor_read_simple(cursor, AVER_CBOR_NULL, &info);
}

aver_err aver_cbor_read_break(aver_cbor_cursor *cursor)
{
    uint8_t info;
    return cbor_read_simple(cursor, AVER_CBOR_BREAK, &info);
}

aver_err aver_cbor_read_tag(aver_cbor_cursor *cursor, uint64_t *ret_tag)
{
    aver_cbor_head head;
    aver_err err = cbor_take(cursor, CBOR_MAJOR_TAG, &head);
    if (err == AVER_OK) {
        *ret_tag = head.value;
    }
    return err;
}

aver_err aver_cbor_read_array(aver_cbor_cursor *cursor, uint64_t *ret_count)
{
    aver_cbor_head head;
    aver_err err = cbor_take(cursor, CBOR_MAJOR_ARRAY, &head);
    if (err == AVER_OK) {
        *ret_count = head.indefinite ? AVER_CBOR_INDEFINITE : head.value;
    }
    return err;
}

aver_err aver_cbor_array_more(aver_cbor_cursor *cursor, uint64_t *count, bool *ret_more)
{
    if (*count != AVER_CBOR_INDEFINITE) {
        *ret_more = *count > 0;
        *count -= *count > 0 ? 1 : 0;
        return AVER_OK;
    }
    aver_cbor_type type;
    aver_err err = aver_cbor_peek(cursor, &type);
    if (err != AVER_OK) {
        return err;
    }
    if (type == AVER_CBOR_BREAK) {
        err = aver_cbor_read_break(cursor);
        *count = 0;
    }
    if (err == AVER_OK) {
        *ret_more = type != AVER_CBOR_BREAK;
    }
    return err;
}

aver_err aver_cbor_end(const aver_cbor_cursor *cursor)
{
    return cursor->rest.size == 0 ? AVER_OK : AVER_E_FORMAT;
}

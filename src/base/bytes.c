/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/bytes.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first allocation of a buffer; below it growth by doubling would only cost calls. */
enum { BUF_CAPACITY_MIN = 64 };

aver_view aver_view_make(const void *data, size_t size)
{
    return (aver_view){data, size};
}

aver_view aver_view_text(const char *text)
{
    return (aver_view){(const uint8_t *)text, text ? strlen(text) : 0};
}

aver_view aver_view_slice(aver_view view, size_t offset, size_t size)
{
    AVER_ASSERT(offset <= view.size && size <= view.size - offset);
    /* An offset from a NULL pointer, even of zero, is undefined. */
    return (aver_view){view.data ? view.data + offset : NULL, size};
}

bool aver_view_equal(aver_view a, aver_view b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool aver_view_equal_text(aver_view a, const char *text)
{
    return aver_view_equal(a, aver_view_text(text));
}

void aver_buf_init(aver_buf *buf, size_t capacity_max)
{
    *buf = (aver_buf){.capacity_max = capacity_max};
}

void aver_buf_deinit(aver_buf *buf)
{
    free(buf->data);
    *buf = (aver_buf){0};
}

void aver_buf_wipe(aver_buf *buf)
{
    if (buf->data) {
        explicit_bzero(buf->data, buf->capacity);
    }
    buf->size = 0;
}

void aver_buf_clear(aver_buf *buf)
{
    buf->size = 0;
    buf->failure = AVER_OK;
}

/*
 * Not realloc: it would leave what the buffer held, perhaps a prompt or a token, behind in memory
 * that aver_buf_wipe no longer reaches.
 */
static aver_err buf_move(aver_buf *buf, size_t capacity)
{
    uint8_t *data = malloc(capacity);
    if (!data) {
        return AVER_E_NOMEM;
    }
    if (buf->data) {
        memcpy(data, buf->data, buf->size);
        explicit_bzero(buf->data, buf->capacity);
        free(buf->data);
    }
    buf->data = data;
    buf->capacity = capacity;
    return AVER_OK;
}

aver_err aver_buf_reserve(aver_buf *buf, size_t size)
{
    if (buf->failure != AVER_OK) {
        return buf->failure;
    }
    if (size <= buf->capacity - buf->size) {
        return AVER_OK;
    }
    if (size > buf->capacity_max - buf->size) {
        return AVER_E_LIMIT;
    }
    size_t capacity = buf->size + size;
    size_t doubled = buf->capacity > buf->capacity_max / 2 ? buf->capacity_max : buf->capacity * 2;
    if (capacity < doubled) {
        capacity = doubled;
    }
    if (capacity < BUF_CAPACITY_MIN && buf->capacity_max >= BUF_CAPACITY_MIN) {
        capacity = BUF_CAPACITY_MIN;
    }
    return buf_move(buf, capacity);
}

/* Room for size more bytes at the returned place, already counted; NULL once the buffer failed. */
static uint8_t *buf_extend(aver_buf *buf, size_t size)
{
    aver_err err = aver_buf_reserve(buf, size);
    if (err != AVER_OK) {
        buf->failure = err;
        return NULL;
    }
    uint8_t *place = buf->data + buf->size;
    buf->size += size;
    return place;
}

void aver_buf_append(aver_buf *buf, aver_view bytes)
{
    if (bytes.size == 0) {
        return;
    }
    uintptr_t from = (uintptr_t)bytes.data;
    uintptr_t own = (uintptr_t)buf->data;
    AVER_ASSERT(from && (!own || from >= own + buf->capacity || from + bytes.size <= own));
    uint8_t *place = buf_extend(buf, bytes.size);
    if (place) {
        memcpy(place, bytes.data, bytes.size);
    }
}

void aver_buf_append_byte(aver_buf *buf, uint8_t byte)
{
    uint8_t *place = buf_extend(buf, 1);
    if (place) {
        *place = byte;
    }
}

void aver_buf_append_text(aver_buf *buf, const char *text)
{
    aver_buf_append(buf, aver_view_text(text));
}

void aver_buf_append_format(aver_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    AVER_ASSERT(length >= 0);
    /* vsnprintf writes a terminator, which takes room for a moment but is not counted. */
    aver_err err = aver_buf_reserve(buf, (size_t)length);
    if (err == AVER_OK) {
        char small[256];
        char *text = (size_t)length < sizeof small ? small : malloc((size_t)length + 1);
        if (text) {
            va_start(args, format);
            (void)vsnprintf(text, (size_t)length + 1, format, args);
            va_end(args);
            aver_buf_append(buf, aver_view_make(text, (size_t)length));
            if (text != small) {
                free(text);
            }
            return;
        }
        err = AVER_E_NOMEM;
    }
    buf->failure = err;
}

void aver_buf_append_be16(aver_buf *buf, uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    aver_buf_append(buf, AVER_VIEW_OF(bytes));
}

void aver_buf_append_be32(aver_buf *buf, uint32_t value)
{
    uint8_t bytes[4];
    aver_be32_write(bytes, value);
    aver_buf_append(buf, AVER_VIEW_OF(bytes));
}

void aver_buf_append_be64(aver_buf *buf, uint64_t value)
{
    uint8_t bytes[8];
    aver_be64_write(bytes, value);
    aver_buf_append(buf, AVER_VIEW_OF(bytes));
}

void aver_buf_consume(aver_buf *buf, size_t size)
{
    AVER_ASSERT(size <= buf->size);
    if (size == 0) {
        return;
    }
    buf->size -= size;
    memmove(buf->data, buf->data + size, buf->size);
}

aver_err aver_buf_status(const aver_buf *buf)
{
    return buf->failure;
}

aver_view aver_buf_view(const aver_buf *buf)
{
    return (aver_view){buf->data, buf->size};
}

aver_buf aver_buf_take(aver_buf *from)
{
    aver_buf taken = *from;
    aver_buf_init(from, taken.capacity_max);
    return taken;
}

uint16_t aver_be16_read(const uint8_t bytes[static 2])
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

uint32_t aver_be32_read(const uint8_t bytes[static 4])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

uint64_t aver_be64_read(const uint8_t bytes[static 8])
{
    return (uint64_t)aver_be32_read(bytes) << 32 | aver_be32_read(bytes + 4);
}

void aver_be32_write(uint8_t ret_bytes[static 4], uint32_t value)
{
    ret_bytes[0] = (uint8_t)(value >> 24);
    ret_bytes[1] = (uint8_t)(value >> 16);
    ret_bytes[2] = (uint8_t)(value >> 8);
    ret_bytes[3] = (uint8_t)value;
}

void aver_be64_write(uint8_t ret_bytes[static 8], uint64_t value)
{
    aver_be32_write(ret_bytes, (uint32_t)(value >> 32));
    aver_be32_write(ret_bytes + 4, (uint32_t)value);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/fields.h"

#include "base/check.h"

#include <string.h>

static bool fields_ascii(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] < 0x20 || bytes[i] > 0x7e) {
            return false;
        }
    }
    return size > 0;
}

bool aver_field_text_valid(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    return length < size && fields_ascii((const uint8_t *)text, length);
}

aver_err aver_field_text_get(aver_cbor_cursor *cursor, char *ret_text, size_t size)
{
    aver_view text;
    aver_err err = aver_cbor_read_text(cursor, &text);
    if (err != AVER_OK) {
        return err;
    }
    if (text.size >= size || !fields_ascii(text.data, text.size)) {
        return AVER_E_FORMAT;
    }
    memcpy(ret_text, text.data, text.size);
    ret_text[text.size] = '\0';
    return AVER_OK;
}

static const uint8_t *field_at(const aver_field *field, const void *record)
{
    return (const uint8_t *)record + field->offset;
}

static aver_view field_view(const aver_field *field, const void *record)
{
    aver_view view;
    memcpy(&view, field_at(field, record), sizeof view);
    return view;
}

static bool field_present(const aver_field *field, const void *record)
{
    switch (field->presence) {
    case AVER_FIELD_REQUIRED:
        return true;
    case AVER_FIELD_FLAGGED:
        return *((const bool *)record + field->flag);
    case AVER_FIELD_NONEMPTY:
        return field_view(field, record).size > 0;
    }
    return false;
}

static aver_err field_put_enum(const aver_field *field, const void *record, aver_buf *out)
{
    uint32_t value;
    memcpy(&value, field_at(field, record), sizeof value);
    if (value < 1 || value > field->size) {
        return AVER_E_USAGE;
    }
    aver_cbor_put_uint(out, value);
    return AVER_OK;
}

static aver_err field_put_uint(const aver_field *field, const void *record, aver_buf *out)
{
    uint64_t value;
    memcpy(&value, field_at(field, record), sizeof value);
    aver_cbor_put_uint(out, value);
    return AVER_OK;
}

static aver_err field_put_text(const aver_field *field, const void *record, aver_buf *out)
{
    const char *text = (const char *)field_at(field, record);
    if (!aver_field_text_valid(text, field->size)) {
        return AVER_E_USAGE;
    }
    aver_cbor_put_text(out, text);
    return AVER_OK;
}

static aver_err field_put_view(const aver_field *field, const void *record, aver_buf *out)
{
    aver_view view = field_view(field, record);
    if (view.size > field->size) {
        return AVER_E_LIMIT;
    }
    if (field->presence == AVER_FIELD_REQUIRED && view.size == 0) {
        return AVER_E_USAGE;
    }
    aver_cbor_put_bytes(out, view);
    return AVER_OK;
}

static aver_err field_put(const aver_field *field, const void *record, aver_buf *out)
{
    switch (field->kind) {
    case AVER_FIELD_VERSION:
        aver_cbor_put_uint(out, field->size);
        return AVER_OK;
    case AVER_FIELD_UINT:
        return field_put_uint(field, record, out);
    case AVER_FIELD_ENUM:
        return field_put_enum(field, record, out);
    case AVER_FIELD_BOOL:
        aver_cbor_put_bool(out, *((const bool *)record + field->offset));
        return AVER_OK;
    case AVER_FIELD_FIXED:
        aver_cbor_put_bytes(out, aver_view_make(field_at(field, record), field->size));
        return AVER_OK;
    case AVER_FIELD_TEXT:
        return field_put_text(field, record, out);
    case AVER_FIELD_VIEW:
        return field_put_view(field, record, out);
    case AVER_FIELD_NESTED:
        return field->put(record, out);
    }
    return AVER_E_USAGE;
}

aver_err aver_fields_put(const aver_field *fields, size_t count, const void *record, aver_buf *out)
{
    AVER_ASSERT(count <= AVER_FIELDS_MAX);
    uint64_t pairs = 0;
    for (size_t i = 0; i < count; i++) {
        AVER_ASSERT(i == 0 || fields[i - 1].key < fields[i].key);
        pairs += field_present(&fields[i], record) ? 1 : 0;
    }
    size_t size_before = out->size;
    aver_cbor_put_map(out, pairs);
    aver_err err = AVER_OK;
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        if (field_present(&fields[i], record)) {
            aver_cbor_put_uint(out, fields[i].key);
            err = field_put(&fields[i], record, out);
        }
    }
    if (err == AVER_OK) {
        err = aver_buf_status(out);
    }
    if (err != AVER_OK) {
        out->size = size_before;
    }
    return err;
}

static aver_err field_get_uint(const aver_field *field, aver_cbor_cursor *cursor, void *record)
{
    uint64_t value;
    aver_err err = aver_cbor_read_uint(cursor, &value);
    if (err != AVER_OK) {
        return err;
    }
    if (field->kind == AVER_FIELD_VERSION) {
        return value == field->size ? AVER_OK : AVER_E_UNSUPPORTED;
    }
    if (field->kind == AVER_FIELD_UINT) {
        memcpy((uint8_t *)record + field->offset, &value, sizeof value);
        return AVER_OK;
    }
    if (value < 1 || value > field->size) {
        return AVER_E_FORMAT;
    }
    uint32_t narrow = (uint32_t)value;
    memcpy((uint8_t *)record + field->offset, &narrow, sizeof narrow);
    return AVER_OK;
}

static aver_err field_get_view(const aver_field *field, aver_cbor_cursor *cursor, void *record)
{
    aver_view view;
    aver_err err = aver_cbor_read_bytes(cursor, &view);
    if (err != AVER_OK) {
        return err;
    }
    if (view.size > field->size) {
        return AVER_E_LIMIT;
    }
    if (field->presence != AVER_FIELD_FLAGGED && view.size == 0) {
        return AVER_E_FORMAT;
    }
    memcpy((uint8_t *)record + field->offset, &view, sizeof view);
    return AVER_OK;
}

static aver_err field_get(const aver_field *field, aver_cbor_cursor *cursor, void *record)
{
    uint8_t *place = (uint8_t *)record + field->offset;
    switch (field->kind) {
    case AVER_FIELD_VERSION:
    case AVER_FIELD_UINT:
    case AVER_FIELD_ENUM:
        return field_get_uint(field, cursor, record);
    case AVER_FIELD_BOOL:
        return aver_cbor_read_bool(cursor, (bool *)record + field->offset);
    case AVER_FIELD_FIXED:
        return aver_cbor_read_fixed(cursor, place, field->size);
    case AVER_FIELD_TEXT:
        return aver_field_text_get(cursor, (char *)place, field->size);
    case AVER_FIELD_VIEW:
        return field_get_view(field, cursor, record);
    case AVER_FIELD_NESTED:
        return field->get(cursor, record);
    }
    return AVER_E_FORMAT;
}

/* Every field that must be there was seen, and flagged ones all together. */
static aver_err fields_complete(const aver_field *fields, size_t count, const bool *seen,
                                const void *record)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].presence != AVER_FIELD_NONEMPTY &&
            seen[i] != field_present(&fields[i], record)) {
            return AVER_E_FORMAT;
        }
    }
    return AVER_OK;
}

aver_err aver_fields_get(const aver_field *fields, size_t count, aver_cbor_cursor *cursor,
                         void *record)
{
    AVER_ASSERT(count <= AVER_FIELDS_MAX);
    bool seen[AVER_FIELDS_MAX] = {false};
    aver_cbor_map map;
    aver_err err = aver_cbor_read_map(cursor, &map);
    while (err == AVER_OK) {
        bool more;
        int64_t key;
        err = aver_cbor_map_key_int(cursor, &map, &more, &key);
        if (err != AVER_OK || !more) {
            break;
        }
        size_t i = 0;
        while (i < count && (key < 0 || fields[i].key != (uint64_t)key)) {
            i++;
        }
        if (i == count) {
            return AVER_E_FORMAT;
        }
        err = field_get(&fields[i], cursor, record);
        seen[i] = true;
        if (fields[i].presence == AVER_FIELD_FLAGGED) {
            *((bool *)record + fields[i].flag) = true;
        }
    }
    return err == AVER_OK ? fields_complete(fields, count, seen, record) : err;
}

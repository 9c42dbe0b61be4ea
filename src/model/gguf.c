/* SPDX-License-Identifier: Apache-2.0 */
#include "model/gguf.h"

#include "model/gguf_state.h"
#include "model/gguf_type.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT_DEFAULT   32u
#define ALIGNMENT_MAX       65536u
#define TENSOR_ELEMENTS_MAX ((uint64_t)1 << 48)
#define WHY_BYTES           160

enum {
    VALUE_U8 = 0,
    VALUE_I8 = 1,
    VALUE_U16 = 2,
    VALUE_I16 = 3,
    VALUE_U32 = 4,
    VALUE_I32 = 5,
    VALUE_F32 = 6,
    VALUE_BOOL = 7,
    VALUE_TEXT = 8,
    VALUE_ARRAY = 9,
    VALUE_U64 = 10,
    VALUE_I64 = 11,
    VALUE_F64 = 12,
};

typedef struct gguf_reader {
    aver_view file;
    size_t offset;
    char why[WHY_BYTES];
} gguf_reader;

static uint64_t le_read(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i > 0; i--) {
        value = value << 8 | bytes[i - 1];
    }
    return value;
}

__attribute__((format(printf, 3, 4))) static aver_err reader_fail(gguf_reader *reader, aver_err err,
                                                                  const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reader->why, sizeof(reader->why), format, args);
    va_end(args);
    return err;
}

static aver_err reader_bytes(gguf_reader *reader, uint64_t size, aver_view *ret_bytes)
{
    if (size > reader->file.size - reader->offset) {
        return reader_fail(reader, AVER_E_FORMAT,
                           "the file ends too early: more must follow byte %zu", reader->offset);
    }
    *ret_bytes = aver_view_make(reader->file.data + reader->offset, (size_t)size);
    reader->offset += (size_t)size;
    return AVER_OK;
}

static aver_err reader_uint(gguf_reader *reader, size_t size, uint64_t *ret_value)
{
    aver_view bytes;
    aver_err err = reader_bytes(reader, size, &bytes);
    if (err == AVER_OK) {
        *ret_value = le_read(bytes.data, size);
    }
    return err;
}

static aver_err reader_text(gguf_reader *reader, aver_view *ret_text)
{
    uint64_t size = 0;
    aver_err err = reader_uint(reader, 8, &size);
    return err == AVER_OK ? reader_bytes(reader, size, ret_text) : err;
}

/* A key or tensor name: 1 to 256 printable ASCII characters, because they are shown to people. */
static aver_err reader_name(gguf_reader *reader, aver_view *ret_name)
{
    aver_view name;
    aver_err err = reader_text(reader, &name);
    if (err != AVER_OK) {
        return err;
    }
    if (name.size == 0 || name.size > AVER_GGUF_NAME_BYTES_MAX) {
        return reader_fail(reader, AVER_E_FORMAT, "a name of %zu bytes at byte %zu", name.size,
                           reader->offset - name.size);
    }
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] < 0x20 || name.data[i] > 0x7e) {
            return reader_fail(reader, AVER_E_FORMAT,
                               "other than printable ASCII in the name at byte %zu",
                               reader->offset - name.size);
        }
    }
    *ret_name = name;
    return AVER_OK;
}

/* Bytes of a scalar value, 0 if the type is no scalar. */
static size_t scalar_size(uint64_t type)
{
    static const uint8_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return type < sizeof(sizes) ? sizes[type] : 0;
}

static aver_err reader_bools_check(gguf_reader *reader, aver_view bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] > 1) {
            return reader_fail(reader, AVER_E_FORMAT, "a truth value that is neither 0 nor 1");
        }
    }
    return AVER_OK;
}

static aver_err reader_array(gguf_reader *reader)
{
    uint64_t type = 0;
    uint64_t count = 0;
    aver_err err = reader_uint(reader, 4, &type);
    if (err == AVER_OK) {
        err = reader_uint(reader, 8, &count);
    }
    if (err != AVER_OK) {
        return err;
    }
    if (count > AVER_GGUF_ARRAY_MAX) {
        return reader_fail(reader, AVER_E_LIMIT, "an array of %llu elements",
                           (unsigned long long)count);
    }
    aver_view bytes;
    if (type == VALUE_TEXT) {
        for (uint64_t i = 0; i < count && err == AVER_OK; i++) {
            err = reader_text(reader, &bytes);
        }
        return err;
    }
    if (scalar_size(type) == 0) {
        return reader_fail(reader, AVER_E_FORMAT, "an array of type %llu",
                           (unsigned long long)type);
    }
    err = reader_bytes(reader, count * scalar_size(type), &bytes);
    return err == AVER_OK && type == VALUE_BOOL ? reader_bools_check(reader, bytes) : err;
}

static aver_err reader_value(gguf_reader *reader, uint32_t type)
{
    aver_view bytes;
    if (type == VALUE_TEXT) {
        return reader_text(reader, &bytes);
    }
    if (type == VALUE_ARRAY) {
        return reader_array(reader);
    }
    size_t size = scalar_size(type);
    if (size == 0) {
        return reader_fail(reader, AVER_E_FORMAT, "an item of unknown type %u", type);
    }
    aver_err err = reader_bytes(reader, size, &bytes);
    return err == AVER_OK && type == VALUE_BOOL ? reader_bools_check(reader, bytes) : err;
}

static aver_err reader_item(gguf_reader *reader, aver_gguf_item *item)
{
    size_t start = reader->offset;
    uint64_t type = 0;
    aver_err err = reader_name(reader, &item->key);
    if (err == AVER_OK) {
        err = reader_uint(reader, 4, &type);
    }
    if (err != AVER_OK) {
        return err;
    }
    item->type = (uint32_t)type;
    size_t value_start = reader->offset;
    err = reader_value(reader, item->type);
    if (err == AVER_OK) {
        item->value = aver_view_make(reader->file.data + value_start, reader->offset - value_start);
        item->entry = aver_view_make(reader->file.data + start, reader->offset - start);
    }
    return err;
}

static aver_err reader_dims(gguf_reader *reader, aver_gguf_tensor *tensor, uint64_t *ret_elements)
{
    uint64_t count = 0;
    aver_err err = reader_uint(reader, 4, &count);
    if (err != AVER_OK) {
        return err;
    }
    if (count == 0 || count > AVER_GGUF_DIMS_MAX) {
        return reader_fail(reader, AVER_E_FORMAT, "a tensor of %llu dimensions",
                           (unsigned long long)count);
    }
    uint64_t elements = 1;
    tensor->dims_count = (uint32_t)count;
    for (uint32_t i = 0; i < tensor->dims_count; i++) {
        err = reader_uint(reader, 8, &tensor->dims[i]);
        if (err != AVER_OK) {
            return err;
        }
        if (tensor->dims[i] == 0 || tensor->dims[i] > TENSOR_ELEMENTS_MAX / elements) {
            return reader_fail(reader, AVER_E_FORMAT, "a tensor dimension of %llu",
                               (unsigned long long)tensor->dims[i]);
        }
        elements *= tensor->dims[i];
    }
    *ret_elements = elements;
    return AVER_OK;
}

/* Data offsets must follow from the sizes: data_offset is where this tensor has to lie. */
static aver_err reader_tensor(gguf_reader *reader, aver_gguf_tensor *tensor, uint64_t data_offset)
{
    size_t start = reader->offset;
    uint64_t elements = 0;
    uint64_t type = 0;
    uint64_t offset = 0;
    aver_err err = reader_name(reader, &tensor->name);
    err = err == AVER_OK ? reader_dims(reader, tensor, &elements) : err;
    err = err == AVER_OK ? reader_uint(reader, 4, &type) : err;
    err = err == AVER_OK ? reader_uint(reader, 8, &offset) : err;
    if (err != AVER_OK) {
        return err;
    }
    uint32_t block_elements = 0;
    uint32_t block_bytes = 0;
    if (!aver_gguf_type_block((uint32_t)type, &block_elements, &block_bytes)) {
        return reader_fail(reader, AVER_E_FORMAT, "a tensor of unknown type %u", (unsigned)type);
    }
    if (tensor->dims[0] % block_elements != 0) {
        return reader_fail(
            reader, AVER_E_FORMAT, "a row of %llu elements is no whole number of %s blocks",
            (unsigned long long)tensor->dims[0], aver_gguf_type_name((uint32_t)type));
    }
    if (offset != data_offset) {
        return reader_fail(reader, AVER_E_FORMAT, "tensor %.*s lies at %llu and not at %llu",
                           (int)(tensor->name.size > 64 ? 64 : tensor->name.size),
                           (const char *)tensor->name.data, (unsigned long long)offset,
                           (unsigned long long)data_offset);
    }
    tensor->type = (uint32_t)type;
    tensor->info = aver_view_make(reader->file.data + start, reader->offset - start);
    /* Elements are at most 2^48 and a block of 1 element at most 8 bytes: no overflow. */
    tensor->data.size = (size_t)(elements / block_elements * block_bytes);
    return AVER_OK;
}

static int view_compare(aver_view a, aver_view b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = memcmp(a.data, b.data, size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int name_compare(const void *a, const void *b)
{
    return view_compare(*(const aver_view *)a, *(const aver_view *)b);
}

static aver_err reader_names_check(gguf_reader *reader, aver_view *names, uint64_t count,
                                   const char *what)
{
    qsort(names, (size_t)count, sizeof(*names), name_compare);
    for (uint64_t i = 1; i < count; i++) {
        if (aver_view_equal(names[i - 1], names[i])) {
            return reader_fail(reader, AVER_E_FORMAT, "%s %.*s twice", what,
                               (int)(names[i].size > 64 ? 64 : names[i].size),
                               (const char *)names[i].data);
        }
    }
    return AVER_OK;
}

static aver_err gguf_names_check(gguf_reader *reader, const aver_gguf *gguf)
{
    uint64_t count_max =
        gguf->items_count > gguf->tensors_count ? gguf->items_count : gguf->tensors_count;
    aver_view *names = calloc((size_t)count_max + 1, sizeof(*names));
    if (names == NULL) {
        return reader_fail(reader, AVER_E_NOMEM, "out of memory");
    }
    for (uint64_t i = 0; i < gguf->items_count; i++) {
        names[i] = gguf->items[i].key;
    }
    aver_err err = reader_names_check(reader, names, gguf->items_count, "key");
    if (err == AVER_OK) {
        for (uint64_t i = 0; i < gguf->tensors_count; i++) {
            names[i] = gguf->tensors[i].name;
        }
        err = reader_names_check(reader, names, gguf->tensors_count, "tensor");
    }
    free(names);
    return err;
}

static aver_err reader_padding(gguf_reader *reader, uint64_t alignment)
{
    uint64_t size = (alignment - reader->offset % alignment) % alignment;
    aver_view padding;
    aver_err err = reader_bytes(reader, size, &padding);
    for (size_t i = 0; err == AVER_OK && i < padding.size; i++) {
        if (padding.data[i] != 0) {
            err = reader_fail(reader, AVER_E_FORMAT, "padding that is not zero before byte %zu",
                              reader->offset);
        }
    }
    return err;
}

static aver_err gguf_alignment(gguf_reader *reader, const aver_gguf *gguf, uint64_t *ret_alignment)
{
    uint64_t alignment = ALIGNMENT_DEFAULT;
    aver_err err = aver_gguf_uint(gguf, "general.alignment", &alignment);
    if (err != AVER_OK && err != AVER_E_ABSENT) {
        return reader_fail(reader, AVER_E_FORMAT, "general.alignment is no number");
    }
    if (alignment < 8 || alignment > ALIGNMENT_MAX || (alignment & (alignment - 1)) != 0) {
        return reader_fail(reader, AVER_E_FORMAT, "an alignment of %llu",
                           (unsigned long long)alignment);
    }
    *ret_alignment = alignment;
    return AVER_OK;
}

static aver_err gguf_read_header(gguf_reader *reader, aver_gguf *gguf)
{
    aver_view magic;
    uint64_t version = 0;
    aver_err err = reader_bytes(reader, 4, &magic);
    err = err == AVER_OK ? reader_uint(reader, 4, &version) : err;
    err = err == AVER_OK ? reader_uint(reader, 8, &gguf->tensors_count) : err;
    err = err == AVER_OK ? reader_uint(reader, 8, &gguf->items_count) : err;
    if (err != AVER_OK) {
        return err;
    }
    if (memcmp(magic.data, "GGUF", 4) != 0) {
        return reader_fail(reader, AVER_E_FORMAT, "not a GGUF file");
    }
    if (version != 3) {
        return reader_fail(reader, AVER_E_FORMAT, "GGUF version %u; this program reads version 3",
                           (unsigned)version);
    }
    if (gguf->tensors_count > AVER_GGUF_TENSORS_MAX || gguf->items_count > AVER_GGUF_ITEMS_MAX) {
        return reader_fail(
            reader, AVER_E_LIMIT, "%llu tensors and %llu items are more than allowed",
            (unsigned long long)gguf->tensors_count, (unsigned long long)gguf->items_count);
    }
    return AVER_OK;
}

static aver_err gguf_read_tables(gguf_reader *reader, aver_gguf *gguf, uint64_t *ret_alignment)
{
    gguf->items = calloc((size_t)gguf->items_count + 1, sizeof(*gguf->items));
    gguf->tensors = calloc((size_t)gguf->tensors_count + 1, sizeof(*gguf->tensors));
    if (gguf->items == NULL || gguf->tensors == NULL) {
        return reader_fail(reader, AVER_E_NOMEM, "out of memory");
    }
    aver_err err = AVER_OK;
    for (uint64_t i = 0; i < gguf->items_count && err == AVER_OK; i++) {
        err = reader_item(reader, &gguf->items[i]);
    }
    err = err == AVER_OK ? gguf_alignment(reader, gguf, ret_alignment) : err;
    uint64_t data_offset = 0;
    for (uint64_t i = 0; i < gguf->tensors_count && err == AVER_OK; i++) {
        err = reader_tensor(reader, &gguf->tensors[i], data_offset);
        if (err == AVER_OK) {
            data_offset += gguf->tensors[i].data.size;
            data_offset += (*ret_alignment - data_offset % *ret_alignment) % *ret_alignment;
        }
        if (err == AVER_OK && data_offset > reader->file.size) {
            err = reader_fail(reader, AVER_E_FORMAT, "the tensors are larger than the file");
        }
    }
    return err;
}

static aver_err gguf_read(gguf_reader *reader, aver_gguf *gguf)
{
    uint64_t alignment = 0;
    aver_err err = gguf_read_header(reader, gguf);
    err = err == AVER_OK ? gguf_read_tables(reader, gguf, &alignment) : err;
    err = err == AVER_OK ? gguf_names_check(reader, gguf) : err;
    err = err == AVER_OK ? reader_padding(reader, alignment) : err;
    for (uint64_t i = 0; i < gguf->tensors_count && err == AVER_OK; i++) {
        aver_gguf_tensor *tensor = &gguf->tensors[i];
        err = reader_bytes(reader, tensor->data.size, &tensor->data);
        err = err == AVER_OK ? reader_padding(reader, alignment) : err;
    }
    if (err == AVER_OK && reader->offset != reader->file.size) {
        err = reader_fail(reader, AVER_E_FORMAT, "%zu bytes follow the last tensor",
                          reader->file.size - reader->offset);
    }
    return err;
}

aver_err aver_gguf_open(aver_view file, aver_gguf **ret_gguf, char ret_why[160])
{
    gguf_reader reader = {.file = file};
    aver_gguf *gguf = calloc(1, sizeof(*gguf));
    if (gguf == NULL) {
        return AVER_E_NOMEM;
    }
    gguf->file = file;
    aver_err err = gguf_read(&reader, gguf);
    if (err != AVER_OK) {
        if (ret_why != NULL) {
            memcpy(ret_why, reader.why, WHY_BYTES);
        }
        aver_gguf_close(gguf);
        return err;
    }
    *ret_gguf = gguf;
    return AVER_OK;
}

void aver_gguf_close(aver_gguf *gguf)
{
    if (gguf != NULL) {
        free(gguf->items);
        free(gguf->tensors);
        free(gguf);
    }
}

uint64_t aver_gguf_tensor_count(const aver_gguf *gguf)
{
    return gguf->tensors_count;
}

const aver_gguf_tensor *aver_gguf_tensor_at(const aver_gguf *gguf, uint64_t index)
{
    return index < gguf->tensors_count ? &gguf->tensors[index] : NULL;
}

uint64_t aver_gguf_item_count(const aver_gguf *gguf)
{
    return gguf->items_count;
}

const aver_gguf_item *aver_gguf_item_at(const aver_gguf *gguf, uint64_t index)
{
    return index < gguf->items_count ? &gguf->items[index] : NULL;
}

static const aver_gguf_item *gguf_find(const aver_gguf *gguf, const char *key)
{
    for (uint64_t i = 0; i < gguf->items_count; i++) {
        if (aver_view_equal_text(gguf->items[i].key, key)) {
            return &gguf->items[i];
        }
    }
    return NULL;
}

aver_err aver_gguf_text(const aver_gguf *gguf, const char *key, aver_view *ret_text)
{
    const aver_gguf_item *item = gguf_find(gguf, key);
    if (item == NULL) {
        return AVER_E_ABSENT;
    }
    if (item->type != VALUE_TEXT) {
        return AVER_E_FORMAT;
    }
    *ret_text = aver_view_slice(item->value, 8, item->value.size - 8);
    return AVER_OK;
}

aver_err aver_gguf_uint(const aver_gguf *gguf, const char *key, uint64_t *ret_value)
{
    const aver_gguf_item *item = gguf_find(gguf, key);
    if (item == NULL) {
        return AVER_E_ABSENT;
    }
    bool is_signed = item->type == VALUE_I8 || item->type == VALUE_I16 || item->type == VALUE_I32 ||
                     item->type == VALUE_I64;
    bool is_unsigned = item->type == VALUE_U8 || item->type == VALUE_U16 ||
                       item->type == VALUE_U32 || item->type == VALUE_U64;
    if (!is_unsigned && !is_signed) {
        return AVER_E_FORMAT;
    }
    if (is_signed && (item->value.data[item->value.size - 1] & 0x80) != 0) {
        return AVER_E_FORMAT;
    }
    *ret_value = le_read(item->value.data, item->value.size);
    return AVER_OK;
}

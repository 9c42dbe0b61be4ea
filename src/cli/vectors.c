/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/vectors.h"

#include "codec/json.h"
#include "codec/text.h"

#include <stdlib.h>
#include <string.h>

#define VECTORS_JSON_BYTES_MAX (64u * 1024 * 1024)
#define VECTORS_COUNT_MAX      2048
#define VECTORS_SIZE_MAX       65536

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "base64 holds little-endian floats");

/* A vector of this many floats begins: the first one fixes the size of all. */
static aver_err vectors_row(aver_vectors *vectors, size_t count, size_t size, float **ret_row)
{
    if (size == 0 || size > VECTORS_SIZE_MAX || (vectors->count > 0 && size != vectors->size)) {
        return AVER_E_FORMAT;
    }
    if (vectors->floats == NULL) {
        vectors->floats = calloc(count * size, sizeof(*vectors->floats));
        vectors->size = size;
    }
    if (vectors->floats == NULL) {
        return AVER_E_NOMEM;
    }
    *ret_row = vectors->floats + vectors->count * size;
    return AVER_OK;
}

static aver_err vectors_base64(aver_vectors *vectors, size_t count, aver_view text)
{
    aver_buf bytes;
    float *row = NULL;
    aver_buf_init(&bytes, VECTORS_SIZE_MAX * sizeof(float));
    aver_err err = aver_base64_decode(text, &bytes);
    if (err == AVER_OK && bytes.size % sizeof(float) != 0) {
        err = AVER_E_FORMAT;
    }
    err = err == AVER_OK ? vectors_row(vectors, count, bytes.size / sizeof(float), &row) : err;
    if (err == AVER_OK) {
        memcpy(row, bytes.data, bytes.size);
    }
    aver_buf_deinit(&bytes);
    return err;
}

static aver_err vectors_numbers(aver_vectors *vectors, size_t count, const json_t *list)
{
    float *row = NULL;
    aver_err err = vectors_row(vectors, count, json_array_size(list), &row);
    for (size_t i = 0; i < json_array_size(list) && err == AVER_OK; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_number(item)) {
            return AVER_E_FORMAT;
        }
        row[i] = (float)json_number_value(item);
    }
    return err;
}

static aver_err vectors_item(aver_vectors *vectors, size_t count, const json_t *item)
{
    const json_t *index = json_object_get(item, "index");
    const json_t *embedding = json_object_get(item, "embedding");
    aver_err err = AVER_E_FORMAT;
    if (!json_is_integer(index) || json_integer_value(index) != (json_int_t)vectors->count) {
        return err;
    }
    if (json_is_string(embedding)) {
        err = vectors_base64(
            vectors, count,
            aver_view_make(json_string_value(embedding), json_string_length(embedding)));
    } else if (json_is_array(embedding)) {
        err = vectors_numbers(vectors, count, embedding);
    }
    vectors->count += err == AVER_OK ? 1 : 0;
    return err;
}

aver_err aver_vectors_read(aver_view json, aver_vectors *ret_vectors)
{
    aver_vectors vectors = {.count = 0};
    json_t *root = NULL;
    aver_err err = aver_json_parse(json, VECTORS_JSON_BYTES_MAX, &root, NULL);
    if (err != AVER_OK) {
        return err;
    }
    const json_t *data = json_object_get(root, "data");
    size_t count = json_array_size(data);
    err = count == 0 || count > VECTORS_COUNT_MAX ? AVER_E_FORMAT : AVER_OK;
    for (size_t i = 0; i < count && err == AVER_OK; i++) {
        err = vectors_item(&vectors, count, json_array_get(data, i));
    }
    json_decref(root);
    if (err != AVER_OK) {
        aver_vectors_deinit(&vectors);
        return err;
    }
    *ret_vectors = vectors;
    return AVER_OK;
}

void aver_vectors_deinit(aver_vectors *vectors)
{
    free(vectors->floats);
    *vectors = (aver_vectors){.count = 0};
}

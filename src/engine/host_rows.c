/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/host_rows.h"

#include <stdlib.h>
#include <string.h>

aver_err aver_host_rows_init(aver_host_rows *rows, uint32_t rows_max, uint32_t hidden_size,
                             uint32_t vocabulary_size)
{
    memset(rows, 0, sizeof(*rows));
    rows->rows_max = rows_max;
    rows->hidden_size = hidden_size;
    rows->vocabulary_size = vocabulary_size;
    rows->hidden = calloc((size_t)rows_max * hidden_size, sizeof(float));
    rows->marks = calloc((size_t)rows_max * HOST_MARKS, sizeof(float));
    rows->row_of = calloc(rows_max, sizeof(*rows->row_of));
    rows->index_of = calloc(rows_max, sizeof(*rows->index_of));
    if (rows->hidden == NULL || rows->marks == NULL || rows->row_of == NULL ||
        rows->index_of == NULL) {
        aver_host_rows_deinit(rows);
        return AVER_E_NOMEM;
    }
    return AVER_OK;
}

void aver_host_rows_deinit(aver_host_rows *rows)
{
    free(rows->hidden);
    free(rows->marks);
    free(rows->row_of);
    free(rows->index_of);
    memset(rows, 0, sizeof(*rows));
}

void aver_host_rows_begin(aver_host_rows *rows)
{
    rows->hidden_count = 0;
    rows->marks_count = 0;
    rows->outputs_count = 0;
    rows->failed = false;
}

static void marks_take(const aver_host_rows *rows, const float *logits, float *marks)
{
    for (uint32_t i = 0; i < HOST_MARKS; i++) {
        marks[i] = logits[(uint64_t)i * rows->vocabulary_size / HOST_MARKS];
    }
}

static bool rows_fit(const aver_host_rows *rows, const struct ggml_tensor *tensor, uint32_t width,
                     uint32_t count)
{
    return tensor->type == GGML_TYPE_F32 && ggml_is_contiguous(tensor) && tensor->data != NULL &&
           tensor->ne[0] == (int64_t)width && tensor->ne[2] == 1 && tensor->ne[3] == 1 &&
           tensor->ne[1] <= (int64_t)(rows->rows_max - count);
}

static void rows_take(aver_host_rows *rows, const struct ggml_tensor *tensor, bool is_hidden)
{
    uint32_t *count = is_hidden ? &rows->hidden_count : &rows->marks_count;
    uint32_t width = is_hidden ? rows->hidden_size : rows->vocabulary_size;
    if (tensor->ne[1] == 0) {
        return;
    }
    if (!rows_fit(rows, tensor, width, *count)) {
        rows->failed = true;
        return;
    }
    const float *data = tensor->data;
    for (int64_t i = 0; i < tensor->ne[1]; i++) {
        const float *row = data + i * (int64_t)width;
        if (is_hidden) {
            memcpy(rows->hidden + (size_t)*count * width, row, width * sizeof(*row));
        } else {
            marks_take(rows, row, rows->marks + (size_t)*count * HOST_MARKS);
        }
        (*count)++;
    }
}

bool aver_host_rows_watch(struct ggml_tensor *tensor, bool ask, void *context)
{
    bool is_hidden = strcmp(tensor->name, "result_norm") == 0;
    if (!is_hidden && strcmp(tensor->name, "result_output") != 0) {
        return !ask;
    }
    if (!ask) {
        rows_take(context, tensor, is_hidden);
    }
    return true;
}

/* Is there another hidden row with these marks? Then nothing tells which one is meant. */
static bool rows_ambiguous(const aver_host_rows *rows, uint32_t found, const float *marks)
{
    size_t width = rows->hidden_size;
    const float *hidden = rows->hidden + found * width;
    for (uint32_t row = 0; row < rows->hidden_count; row++) {
        const float *other = rows->marks + (size_t)row * HOST_MARKS;
        if (row != found && memcmp(other, marks, HOST_MARKS * sizeof(*marks)) == 0 &&
            memcmp(rows->hidden + row * width, hidden, width * sizeof(*hidden)) != 0) {
            return true;
        }
    }
    return false;
}

aver_err aver_host_rows_match(aver_host_rows *rows, uint32_t index, uint32_t output,
                              const float *logits)
{
    float marks[HOST_MARKS];
    if (rows->failed || rows->hidden_count != rows->marks_count || logits == NULL ||
        output >= rows->hidden_count) {
        return AVER_E_FORMAT;
    }
    marks_take(rows, logits, marks);
    for (uint32_t i = 0; i < rows->hidden_count; i++) {
        /* Most often the order is the batch's own: that row is tried first. */
        uint32_t row = (output + i) % rows->hidden_count;
        if (memcmp(rows->marks + (size_t)row * HOST_MARKS, marks, sizeof(marks)) == 0) {
            if (rows_ambiguous(rows, row, marks)) {
                return AVER_E_FORMAT;
            }
            rows->row_of[output] = row;
            rows->index_of[output] = index;
            rows->outputs_count = output + 1;
            return AVER_OK;
        }
    }
    return AVER_E_FORMAT;
}

const float *aver_host_rows_at(const aver_host_rows *rows, uint32_t index)
{
    for (uint32_t i = 0; i < rows->outputs_count; i++) {
        if (rows->index_of[i] == index) {
            return rows->hidden + (size_t)rows->row_of[i] * rows->hidden_size;
        }
    }
    return NULL;
}

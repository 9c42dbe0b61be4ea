/* SPDX-License-Identifier: Apache-2.0 */
/* tokens: the document [[prompt ids], [generated ids]]. */
#include "aver/receipt.h"

#include "codec/cbor.h"

#include <stdlib.h>

static aver_err tokens_put(const int32_t *ids, size_t count, aver_buf *out)
{
    aver_cbor_put_array(out, count);
    for (size_t i = 0; i < count; i++) {
        if (ids[i] < 0) {
            return AVER_E_USAGE;
        }
        aver_cbor_put_uint(out, (uint64_t)ids[i]);
    }
    return AVER_OK;
}

aver_err aver_tokens_encode(const int32_t *prompt, size_t prompt_count, const int32_t *generated,
                            size_t generated_count, aver_buf *ret_bytes)
{
    if (prompt_count > AVER_TOKENS_MAX || generated_count > AVER_TOKENS_MAX - prompt_count) {
        return AVER_E_LIMIT;
    }
    size_t size_before = ret_bytes->size;
    aver_cbor_put_array(ret_bytes, 2);
    aver_err err = tokens_put(prompt, prompt_count, ret_bytes);
    if (err == AVER_OK) {
        err = tokens_put(generated, generated_count, ret_bytes);
    }
    if (err == AVER_OK) {
        err = aver_buf_status(ret_bytes);
    }
    if (err != AVER_OK) {
        ret_bytes->size = size_before;
    }
    return err;
}

static aver_err tokens_get(aver_cbor_cursor *cursor, int32_t *ids, size_t room, size_t *ret_count)
{
    uint64_t count;
    aver_err err = aver_cbor_read_array(cursor, &count);
    if (err == AVER_OK && count > room) {
        err = AVER_E_LIMIT;
    }
    for (size_t i = 0; err == AVER_OK && i < count; i++) {
        uint64_t id;
        err = aver_cbor_read_uint(cursor, &id);
        if (err == AVER_OK && id > INT32_MAX) {
            err = AVER_E_FORMAT;
        }
        if (err == AVER_OK) {
            ids[i] = (int32_t)id;
        }
    }
    if (err == AVER_OK) {
        *ret_count = (size_t)count;
    }
    return err;
}

aver_err aver_tokens_decode(aver_view bytes, int32_t **ret_ids, size_t *ret_prompt_count,
                            size_t *ret_generated_count)
{
    if (bytes.size > AVER_TOKENS_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    /* Each id takes at least one byte. */
    size_t room = bytes.size < AVER_TOKENS_MAX ? bytes.size : AVER_TOKENS_MAX;
    int32_t *ids = malloc((room + 1) * sizeof *ids);
    if (!ids) {
        return AVER_E_NOMEM;
    }
    aver_cbor_cursor cursor = aver_cbor_open(bytes, 0);
    uint64_t parts;
    size_t prompt_count = 0;
    size_t generated_count = 0;
    aver_err err = aver_cbor_read_array(&cursor, &parts);
    if (err == AVER_OK && parts != 2) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = tokens_get(&cursor, ids, room, &prompt_count);
    }
    if (err == AVER_OK) {
        err = tokens_get(&cursor, ids + prompt_count, room - prompt_count, &generated_count);
    }
    if (err == AVER_OK) {
        err = aver_cbor_end(&cursor);
    }
    if (err != AVER_OK) {
        free(ids);
        return err;
    }
    *ret_ids = ids;
    *ret_prompt_count = prompt_count;
    *ret_generated_count = generated_count;
    return AVER_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* tokens: the document [[prompt ids], [ids of choice 0], [ids of choice 1], ...]. */
#include "aver/receipt.h"

#include "codec/cbor.h"

#include <stdlib.h>
#include <string.h>

size_t aver_tokens_generated(const aver_tokens *tokens)
{
    size_t sum = 0;
    for (size_t i = 0; i < tokens->choices_count; i++) {
        sum += tokens->counts[i];
    }
    return sum;
}

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

static aver_err tokens_check(const aver_tokens *tokens)
{
    if (tokens->choices_count == 0) {
        return AVER_E_USAGE;
    }
    if (tokens->choices_count > AVER_TOKENS_CHOICES_MAX || tokens->prompt_count > AVER_TOKENS_MAX) {
        return AVER_E_LIMIT;
    }
    size_t room = AVER_TOKENS_MAX - tokens->prompt_count;
    for (size_t i = 0; i < tokens->choices_count; i++) {
        if (tokens->counts[i] > room) {
            return AVER_E_LIMIT;
        }
        room -= tokens->counts[i];
    }
    return AVER_OK;
}

aver_err aver_tokens_encode(const aver_tokens *tokens, aver_buf *ret_bytes)
{
    size_t size_before = ret_bytes->size;
    aver_err err = tokens_check(tokens);
    if (err != AVER_OK) {
        return err;
    }
    aver_cbor_put_array(ret_bytes, tokens->choices_count + 1);
    err = tokens_put(tokens->ids, tokens->prompt_count, ret_bytes);
    size_t at = tokens->prompt_count;
    for (size_t i = 0; err == AVER_OK && i < tokens->choices_count; i++) {
        err = tokens_put(tokens->ids + at, tokens->counts[i], ret_bytes);
        at += tokens->counts[i];
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

static aver_err tokens_read(aver_cbor_cursor *cursor, size_t room, aver_tokens *tokens)
{
    uint64_t parts;
    aver_err err = aver_cbor_read_array(cursor, &parts);
    if (err == AVER_OK && parts < 2) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK && parts > AVER_TOKENS_CHOICES_MAX + 1) {
        err = AVER_E_LIMIT;
    }
    if (err == AVER_OK) {
        err = tokens_get(cursor, tokens->ids, room, &tokens->prompt_count);
    }
    size_t at = tokens->prompt_count;
    for (uint64_t i = 1; err == AVER_OK && i < parts; i++) {
        size_t *count = &tokens->counts[tokens->choices_count++];
        err = tokens_get(cursor, tokens->ids + at, room - at, count);
        at += *count;
    }
    return err == AVER_OK ? aver_cbor_end(cursor) : err;
}

aver_err aver_tokens_decode(aver_view bytes, aver_tokens *ret_tokens)
{
    if (bytes.size > AVER_TOKENS_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    /* Each id takes at least one byte. */
    size_t room = bytes.size < AVER_TOKENS_MAX ? bytes.size : AVER_TOKENS_MAX;
    aver_tokens tokens = {.ids = malloc((room + 1) * sizeof(int32_t))};
    if (!tokens.ids) {
        return AVER_E_NOMEM;
    }
    aver_cbor_cursor cursor = aver_cbor_open(bytes, 0);
    aver_err err = tokens_read(&cursor, room, &tokens);
    if (err != AVER_OK) {
        aver_tokens_deinit(&tokens);
        return err;
    }
    *ret_tokens = tokens;
    return AVER_OK;
}

void aver_tokens_deinit(aver_tokens *tokens)
{
    free(tokens->ids);
    memset(tokens, 0, sizeof *tokens);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/logprobs.h"

#include "codec/json.h"
#include "codec/text.h"

#include <inttypes.h>
#include <string.h>

#define PIECE_BYTES_MAX 65535u

/* Each candidate: token and logprob, u32 each, u16 size of the piece, the piece; a byte with their
 * number before them. */
void aver_logprobs_store(aver_buf *store, const aver_logprob *list, size_t count)
{
    aver_buf_append_byte(store, (uint8_t)count);
    for (size_t i = 0; i < count; i++) {
        size_t size = list[i].piece.size < PIECE_BYTES_MAX ? list[i].piece.size : PIECE_BYTES_MAX;

        aver_buf_append_be32(store, (uint32_t)list[i].token);
        aver_buf_append_be32(store, (uint32_t)list[i].logprob_ppm);
        aver_buf_append_be16(store, (uint16_t)size);
        aver_buf_append(store, aver_view_slice(list[i].piece, 0, size));
    }
}

static aver_view store_take(aver_view *store, size_t size)
{
    aver_view taken = aver_view_slice(*store, 0, size);

    *store = aver_view_slice(*store, size, store->size - size);
    return taken;
}

bool aver_logprobs_next(aver_view *store, aver_logprob *ret_list, size_t *ret_count)
{
    if (store->size == 0) {
        return false;
    }
    *ret_count = store_take(store, 1).data[0];
    for (size_t i = 0; i < *ret_count; i++) {
        ret_list[i].token = (int32_t)aver_be32_read(store_take(store, 4).data);
        ret_list[i].logprob_ppm = (int32_t)aver_be32_read(store_take(store, 4).data);
        aver_view size = store_take(store, 2);
        ret_list[i].piece = store_take(store, (size_t)size.data[0] << 8 | size.data[1]);
    }
    return true;
}

static void put_text(aver_view piece, aver_buf *out)
{
    aver_buf clean;

    aver_buf_init(&clean, 3 * (size_t)PIECE_BYTES_MAX);
    aver_utf8_append_clean(&clean, piece);
    aver_json_append_string(out, aver_buf_view(&clean));
    aver_buf_deinit(&clean);
}

static void put_number(int32_t ppm, aver_buf *out)
{
    uint32_t size = ppm < 0 ? 0u - (uint32_t)ppm : (uint32_t)ppm;

    aver_buf_append_format(out, "%s%" PRIu32 ".%06" PRIu32, ppm < 0 ? "-" : "", size / 1000000,
                           size % 1000000);
}

static void put_candidate(const aver_logprob *logprob, aver_buf *out)
{
    aver_buf_append_text(out, "{\"token\":");
    put_text(logprob->piece, out);
    aver_buf_append_text(out, ",\"logprob\":");
    put_number(logprob->logprob_ppm, out);
    aver_buf_append_text(out, ",\"bytes\":[");
    for (size_t i = 0; i < logprob->piece.size; i++) {
        aver_buf_append_format(out, i == 0 ? "%u" : ",%u", logprob->piece.data[i]);
    }
    aver_buf_append_byte(out, ']');
}

void aver_logprobs_put(const aver_logprob *list, size_t count, aver_buf *out)
{
    put_candidate(&list[0], out);
    aver_buf_append_text(out, ",\"top_logprobs\":[");
    for (size_t i = 1; i < count; i++) {
        if (i > 1) {
            aver_buf_append_byte(out, ',');
        }
        put_candidate(&list[i], out);
        aver_buf_append_byte(out, '}');
    }
    aver_buf_append_text(out, "]}");
}

void aver_logprobs_put_all(aver_view store, aver_buf *out)
{
    aver_logprob list[AVER_JOB_TOP_LOGPROBS_MAX + 1];
    size_t count;

    for (bool first = true; aver_logprobs_next(&store, list, &count); first = false) {
        if (!first) {
            aver_buf_append_byte(out, ',');
        }
        aver_logprobs_put(list, count, out);
    }
}

/* True if an earlier one of the list has the same text, as its reader sees it. */
static bool text_repeats(const aver_logprob *list, size_t index)
{
    aver_buf mine, other;
    bool same = false;

    aver_buf_init(&mine, 3 * (size_t)PIECE_BYTES_MAX);
    aver_buf_init(&other, 3 * (size_t)PIECE_BYTES_MAX);
    aver_utf8_append_clean(&mine, list[index].piece);
    for (size_t i = 0; i < index && !same; i++) {
        aver_buf_clear(&other);
        aver_utf8_append_clean(&other, list[i].piece);
        same = aver_view_equal(aver_buf_view(&mine), aver_buf_view(&other));
    }
    aver_buf_deinit(&mine);
    aver_buf_deinit(&other);
    return same;
}

static uint64_t text_characters(aver_view piece)
{
    aver_buf clean;
    uint64_t count = 0;

    aver_buf_init(&clean, 3 * (size_t)PIECE_BYTES_MAX);
    aver_utf8_append_clean(&clean, piece);
    for (size_t i = 0; i < clean.size; i++) {
        count += (clean.data[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    aver_buf_deinit(&clean);
    return count;
}

/* One {"text":logprob,...} of a step: the likeliest, and the one drawn. */
static void put_map(const aver_logprob *list, size_t count, aver_buf *out)
{
    aver_buf_append_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (text_repeats(list, i)) {
            continue;
        }
        if (i > 0) {
            aver_buf_append_byte(out, ',');
        }
        put_text(list[i].piece, out);
        aver_buf_append_byte(out, ':');
        put_number(list[i].logprob_ppm, out);
    }
    aver_buf_append_byte(out, '}');
}

typedef enum logprobs_column { COLUMN_TOKENS, COLUMN_LOGPROBS, COLUMN_TOP, COLUMN_OFFSETS } column;

static void put_column(aver_view store, column kind, uint64_t *characters, aver_buf *out)
{
    static const char *const heads[] = {"{\"tokens\":[", "],\"token_logprobs\":[",
                                        "],\"top_logprobs\":[", "],\"text_offset\":["};
    aver_logprob list[AVER_JOB_TOP_LOGPROBS_MAX + 1];
    size_t count;

    aver_buf_append_text(out, heads[kind]);
    for (bool first = true; aver_logprobs_next(&store, list, &count); first = false) {
        if (!first) {
            aver_buf_append_byte(out, ',');
        }
        switch (kind) {
        case COLUMN_TOKENS:
            put_text(list[0].piece, out);
            break;
        case COLUMN_LOGPROBS:
            put_number(list[0].logprob_ppm, out);
            break;
        case COLUMN_TOP:
            put_map(list, count, out);
            break;
        case COLUMN_OFFSETS:
            aver_buf_append_format(out, "%" PRIu64, *characters);
            *characters += text_characters(list[0].piece);
            break;
        }
    }
}

void aver_logprobs_put_columns(aver_view store, uint64_t *characters, aver_buf *out)
{
    for (unsigned kind = COLUMN_TOKENS; kind <= COLUMN_OFFSETS; kind++) {
        put_column(store, (column)kind, characters, out);
    }
    aver_buf_append_text(out, "]}");
}

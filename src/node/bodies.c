/* SPDX-License-Identifier: Apache-2.0 */
#include "node/bodies.h"

#include "codec/json.h"
#include "codec/text.h"

#include <inttypes.h>
#include <string.h>

#define FLOAT_BYTES_MAX  16   /* sign, nine digits, point, exponent, comma */
#define VECTOR_BYTES_MAX 80   /* what stands around the numbers of one */
#define LIST_BYTES_MAX   4096 /* around all of them; the model's name is in it */

static void put_base64(const float *vector, size_t count, aver_buf *out)
{
    aver_buf bytes;

    aver_buf_init(&bytes, count * sizeof(uint32_t));
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, &vector[i], sizeof(bits));
        for (unsigned shift = 0; shift < 32; shift += 8) {
            aver_buf_append_byte(&bytes, (uint8_t)(bits >> shift));
        }
    }
    aver_buf_append_byte(out, '"');
    aver_base64_append(out, aver_buf_view(&bytes));
    aver_buf_append_byte(out, '"');
    if (aver_buf_status(&bytes) != AVER_OK) {
        out->failure = aver_buf_status(&bytes);
    }
    aver_buf_deinit(&bytes);
}

void aver_bodies_put_vector(uint32_t index, const float *vector, size_t count, bool base64,
                            aver_buf *vectors)
{
    aver_buf_append_format(vectors,
                           "%s{\"object\":\"embedding\",\"index\":%" PRIu32 ",\"embedding\":",
                           vectors->size == 0 ? "" : ",", index);
    if (base64) {
        put_base64(vector, count, vectors);
    } else {
        /* Nine digits tell every float of 32 bits from the others. */
        for (size_t i = 0; i < count; i++) {
            aver_buf_append_format(vectors, "%s%.9g", i == 0 ? "[" : ",", (double)vector[i]);
        }
        aver_buf_append_byte(vectors, ']');
    }
    aver_buf_append_byte(vectors, '}');
}

void aver_bodies_put_embeddings(aver_view vectors, const char *model, uint64_t prompt_tokens,
                                aver_buf *out)
{
    aver_buf_append_text(out, "{\"object\":\"list\",\"data\":[");
    aver_buf_append(out, vectors);
    aver_buf_append_text(out, "],\"model\":");
    aver_json_append_string(out, aver_view_text(model));
    aver_buf_append_format(
        out, ",\"usage\":{\"prompt_tokens\":%" PRIu64 ",\"total_tokens\":%" PRIu64 "}}",
        prompt_tokens, prompt_tokens);
}

uint64_t aver_bodies_embeddings_bytes_max(uint64_t inputs, uint64_t vector_count, bool base64)
{
    uint64_t numbers =
        base64 ? (vector_count * sizeof(uint32_t) + 2) / 3 * 4 : vector_count * FLOAT_BYTES_MAX;

    return LIST_BYTES_MAX + inputs * (VECTOR_BYTES_MAX + numbers);
}

void aver_bodies_put_tokens(const int32_t *ids, size_t count, aver_buf *out)
{
    aver_buf_append_text(out, "{\"tokens\":[");
    for (size_t i = 0; i < count; i++) {
        aver_buf_append_format(out, i == 0 ? "%" PRId32 : ",%" PRId32, ids[i]);
    }
    aver_buf_append_text(out, "]}");
}

void aver_bodies_put_piece(int32_t id, aver_view piece, aver_buf *pieces)
{
    aver_buf_append_format(pieces, "%s{\"id\":%" PRId32 ",\"piece\":", pieces->size == 0 ? "" : ",",
                           id);
    if (aver_utf8_valid(piece)) {
        aver_json_append_string(pieces, piece);
    } else {
        for (size_t i = 0; i < piece.size; i++) {
            aver_buf_append_format(pieces, i == 0 ? "[%u" : ",%u", piece.data[i]);
        }
        aver_buf_append_byte(pieces, ']');
    }
    aver_buf_append_byte(pieces, '}');
}

void aver_bodies_put_pieces(aver_view pieces, aver_buf *out)
{
    aver_buf_append_text(out, "{\"tokens\":[");
    aver_buf_append(out, pieces);
    aver_buf_append_text(out, "]}");
}

void aver_bodies_put_text(const char *name, aver_view text, aver_buf *out)
{
    aver_buf_append_format(out, "{\"%s\":", name);
    aver_json_append_string(out, text);
    aver_buf_append_byte(out, '}');
}

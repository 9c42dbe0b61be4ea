/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/inflate.h"

#include <string.h>

enum {
    INFLATE_BITS_MAX = 15,
    INFLATE_LITERALS = 288,
    INFLATE_DISTANCES = 30,
    INFLATE_END = 256,
    GZIP_HEADER_BYTES = 10,
    GZIP_TRAILER_BYTES = 8,
};

/* A canonical Huffman code: how many codes of each length, and the symbols in their order. */
typedef struct inflate_code {
    uint16_t counts[INFLATE_BITS_MAX + 1];
    uint16_t symbols[INFLATE_LITERALS];
} inflate_code;

typedef struct inflate_state {
    aver_view packed;
    size_t at;
    uint32_t bits;
    unsigned bits_count;
    bool bad;
    aver_buf *out;
} inflate_state;

static uint32_t inflate_bits(inflate_state *state, unsigned count)
{
    while (state->bits_count < count) {
        if (state->at == state->packed.size) {
            state->bad = true;
            return 0;
        }
        state->bits |= (uint32_t)state->packed.data[state->at++] << state->bits_count;
        state->bits_count += 8;
    }
    uint32_t value = state->bits & ((1u << count) - 1);
    state->bits >>= count;
    state->bits_count -= count;
    return value;
}

/* False if the lengths leave codes over, or have too many. One code of one bit is a whole one where
 * there is a single symbol (RFC 1951, 3.2.7). */
static bool inflate_code_make(const uint8_t *lengths, size_t count, inflate_code *ret_code)
{
    uint16_t offsets[INFLATE_BITS_MAX + 2] = {0};
    memset(ret_code, 0, sizeof *ret_code);
    for (size_t i = 0; i < count; i++) {
        ret_code->counts[lengths[i]]++;
    }
    size_t used = count - ret_code->counts[0];
    int left = 1;
    for (unsigned bits = 1; bits <= INFLATE_BITS_MAX; bits++) {
        left = left * 2 - ret_code->counts[bits];
        if (left < 0) {
            return false;
        }
        offsets[bits + 1] = (uint16_t)(offsets[bits] + ret_code->counts[bits]);
    }
    for (size_t i = 0; i < count; i++) {
        if (lengths[i] != 0) {
            ret_code->symbols[offsets[lengths[i]]++] = (uint16_t)i;
        }
    }
    return left == 0 || used == 0 || (used == 1 && ret_code->counts[1] == 1);
}

static unsigned inflate_symbol(inflate_state *state, const inflate_code *code)
{
    unsigned value = 0;
    unsigned first = 0;
    unsigned index = 0;
    for (unsigned bits = 1; bits <= INFLATE_BITS_MAX && !state->bad; bits++) {
        value |= inflate_bits(state, 1);
        unsigned count = code->counts[bits];
        if (value < first + count) {
            return code->symbols[index + (value - first)];
        }
        index += count;
        first = (first + count) << 1;
        value <<= 1;
    }
    state->bad = true;
    return INFLATE_END;
}

static void inflate_copy(inflate_state *state, size_t distance, size_t size)
{
    if (distance > state->out->size) {
        state->bad = true;
        return;
    }
    for (size_t i = 0; i < size && aver_buf_status(state->out) == AVER_OK; i++) {
        aver_buf_append_byte(state->out, state->out->data[state->out->size - distance]);
    }
}

static void inflate_pair(inflate_state *state, unsigned symbol, const inflate_code *distances)
{
    static const uint16_t lengths[] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                       15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                       67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t length_bits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                          2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const uint16_t starts[] = {
        1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
        193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    size_t place = symbol - INFLATE_END - 1;
    if (place >= sizeof lengths / sizeof lengths[0]) {
        state->bad = true;
        return;
    }
    size_t size = lengths[place] + inflate_bits(state, length_bits[place]);
    unsigned far = inflate_symbol(state, distances);
    if (state->bad || far >= INFLATE_DISTANCES) {
        state->bad = true;
        return;
    }
    unsigned far_bits = far < 2 ? 0 : far / 2 - 1;
    size_t distance = starts[far] + inflate_bits(state, far_bits);
    if (!state->bad) {
        inflate_copy(state, distance, size);
    }
}

static void inflate_block(inflate_state *state, const inflate_code *literals,
                          const inflate_code *distances)
{
    while (!state->bad && aver_buf_status(state->out) == AVER_OK) {
        unsigned symbol = inflate_symbol(state, literals);
        if (symbol == INFLATE_END || state->bad) {
            return;
        }
        if (symbol < INFLATE_END) {
            aver_buf_append_byte(state->out, (uint8_t)symbol);
        } else {
            inflate_pair(state, symbol, distances);
        }
    }
}

static void inflate_stored(inflate_state *state)
{
    state->bits = 0;
    state->bits_count = 0;
    if (state->packed.size - state->at < 4) {
        state->bad = true;
        return;
    }
    const uint8_t *head = state->packed.data + state->at;
    size_t size = head[0] | (size_t)head[1] << 8;
    size_t inverse = head[2] | (size_t)head[3] << 8;
    state->at += 4;
    if ((size ^ inverse) != 0xffff || size > state->packed.size - state->at) {
        state->bad = true;
        return;
    }
    aver_buf_append(state->out, aver_view_slice(state->packed, state->at, size));
    state->at += size;
}

static void inflate_fixed(inflate_state *state)
{
    uint8_t lengths[INFLATE_LITERALS];
    uint8_t far[INFLATE_DISTANCES + 2];
    inflate_code literals;
    inflate_code distances;
    for (size_t i = 0; i < INFLATE_LITERALS; i++) {
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    }
    memset(far, 5, sizeof far);
    if (inflate_code_make(lengths, sizeof lengths, &literals) &&
        inflate_code_make(far, sizeof far, &distances)) {
        inflate_block(state, &literals, &distances);
    }
}

/* Lengths of both codes, themselves packed by a third one. */
static bool inflate_lengths(inflate_state *state, const inflate_code *code, uint8_t *lengths,
                            size_t count)
{
    size_t at = 0;
    while (at < count && !state->bad) {
        unsigned symbol = inflate_symbol(state, code);
        if (symbol < 16) {
            lengths[at++] = (uint8_t)symbol;
            continue;
        }
        size_t repeat = symbol == 16   ? 3 + inflate_bits(state, 2)
                        : symbol == 17 ? 3 + inflate_bits(state, 3)
                                       : 11 + inflate_bits(state, 7);
        if (repeat > count - at || symbol > 18 || (symbol == 16 && at == 0)) {
            return false;
        }
        memset(lengths + at, symbol == 16 ? lengths[at - 1] : 0, repeat);
        at += repeat;
    }
    return !state->bad;
}

static void inflate_dynamic(inflate_state *state)
{
    static const uint8_t order[] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                    11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[INFLATE_LITERALS + 32] = {0};
    inflate_code code;
    inflate_code literals;
    inflate_code distances;
    size_t literals_count = inflate_bits(state, 5) + 257;
    size_t distances_count = inflate_bits(state, 5) + 1;
    size_t codes_count = inflate_bits(state, 4) + 4;
    for (size_t i = 0; i < codes_count; i++) {
        lengths[order[i]] = (uint8_t)inflate_bits(state, 3);
    }
    if (state->bad || literals_count > 286 || distances_count > INFLATE_DISTANCES ||
        !inflate_code_make(lengths, sizeof order, &code)) {
        state->bad = true;
        return;
    }
    memset(lengths, 0, sizeof lengths);
    if (!inflate_lengths(state, &code, lengths, literals_count + distances_count) ||
        lengths[INFLATE_END] == 0 || !inflate_code_make(lengths, literals_count, &literals) ||
        !inflate_code_make(lengths + literals_count, distances_count, &distances)) {
        state->bad = true;
        return;
    }
    inflate_block(state, &literals, &distances);
}

static void inflate_all(inflate_state *state)
{
    bool last = false;
    while (!last && !state->bad && aver_buf_status(state->out) == AVER_OK) {
        last = inflate_bits(state, 1) != 0;
        uint32_t kind = inflate_bits(state, 2);
        if (state->bad || kind == 3) {
            state->bad = true;
        } else if (kind == 0) {
            inflate_stored(state);
        } else if (kind == 1) {
            inflate_fixed(state);
        } else {
            inflate_dynamic(state);
        }
    }
}

static uint32_t gzip_le32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint32_t gzip_crc(aver_view bytes)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.size; i++) {
        crc ^= bytes.data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0 - (crc & 1)));
        }
    }
    return ~crc;
}

aver_err aver_gzip_unpack(aver_view packed, aver_buf *ret_bytes)
{
    static const uint8_t magic[] = {0x1f, 0x8b, 8, 0};
    if (packed.size < GZIP_HEADER_BYTES + GZIP_TRAILER_BYTES ||
        memcmp(packed.data, magic, sizeof magic) != 0) {
        return AVER_E_FORMAT;
    }
    aver_buf out;
    aver_buf_init(&out, ret_bytes->capacity_max - ret_bytes->size);
    inflate_state state = {
        .packed = aver_view_slice(packed, 0, packed.size - GZIP_TRAILER_BYTES),
        .at = GZIP_HEADER_BYTES,
        .out = &out,
    };
    inflate_all(&state);
    const uint8_t *trailer = packed.data + packed.size - GZIP_TRAILER_BYTES;
    aver_err err = aver_buf_status(&out);
    if (err == AVER_OK && (state.bad || state.at != state.packed.size ||
                           gzip_le32(trailer) != gzip_crc(aver_buf_view(&out)) ||
                           gzip_le32(trailer + 4) != (uint32_t)out.size)) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = aver_buf_reserve(ret_bytes, out.size);
    }
    if (err == AVER_OK) {
        aver_buf_append(ret_bytes, aver_buf_view(&out));
    }
    aver_buf_deinit(&out);
    return err;
}

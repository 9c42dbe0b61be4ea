/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/text.h"

#include "base/check.h"

static const char text_hex_digits[] = "0123456789abcdef";
static const char text_base64_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char text_base64_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of a digit and one, 0 for what is none. Digits come in no order that a branch could
 * foresee, and revocation lists have thousands of them. */
static const uint8_t text_hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};
/* Those that both alphabets have. */
static const uint8_t text_base64_values[256] = {
    ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
    ['8'] = 61, ['9'] = 62, ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,
    ['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
    ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,
    ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
    ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38,
    ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46,
    ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52,
};

void aver_hex_encode(aver_view bytes, char *ret_text)
{
    for (size_t i = 0; i < bytes.size; i++) {
        ret_text[2 * i] = text_hex_digits[bytes.data[i] >> 4];
        ret_text[2 * i + 1] = text_hex_digits[bytes.data[i] & 15];
    }
    ret_text[2 * bytes.size] = '\0';
}

/* Makes the room for a whole encoding first, so that a failed one leaves no part behind. */
static bool text_reserve(aver_buf *out, size_t size)
{
    aver_err err = aver_buf_reserve(out, size);
    if (err != AVER_OK) {
        out->failure = err;
    }
    return err == AVER_OK;
}

void aver_hex_append(aver_buf *out, aver_view bytes)
{
    if (bytes.size > SIZE_MAX / 2) {
        out->failure = AVER_E_LIMIT;
        return;
    }
    if (!text_reserve(out, 2 * bytes.size)) {
        return;
    }
    for (size_t i = 0; i < bytes.size; i++) {
        aver_buf_append_byte(out, (uint8_t)text_hex_digits[bytes.data[i] >> 4]);
        aver_buf_append_byte(out, (uint8_t)text_hex_digits[bytes.data[i] & 15]);
    }
}

int aver_hex_digit(uint8_t digit)
{
    return text_hex_values[digit] - 1;
}

static bool hex_valid(aver_view text)
{
    bool valid = text.size % 2 == 0;
    for (size_t i = 0; i < text.size; i++) {
        valid = valid && text_hex_values[text.data[i]] != 0;
    }
    return valid;
}

static uint8_t hex_byte(const uint8_t digits[static 2])
{
    return (uint8_t)((unsigned)aver_hex_digit(digits[0]) << 4 |
                     (unsigned)aver_hex_digit(digits[1]));
}

aver_err aver_hex_decode(aver_view text, uint8_t *ret_bytes, size_t size)
{
    if (text.size / 2 != size || !hex_valid(text)) {
        return AVER_E_FORMAT;
    }
    for (size_t i = 0; i < size; i++) {
        ret_bytes[i] = hex_byte(text.data + 2 * i);
    }
    return AVER_OK;
}

aver_err aver_hex_decode_buf(aver_view text, aver_buf *ret_bytes)
{
    if (!hex_valid(text)) {
        return AVER_E_FORMAT;
    }
    aver_err err = aver_buf_reserve(ret_bytes, text.size / 2);
    for (size_t i = 0; err == AVER_OK && i < text.size; i += 2) {
        ret_bytes->data[ret_bytes->size++] = hex_byte(text.data + i);
    }
    return err;
}

static void base64_append(aver_buf *out, aver_view bytes, const char alphabet[static 64],
                          bool padded)
{
    size_t tail = bytes.size % 3;
    size_t whole = bytes.size / 3;
    if (whole > SIZE_MAX / 4 - 1) {
        out->failure = AVER_E_LIMIT;
        return;
    }
    size_t tail_size = tail == 0 ? 0 : padded ? 4 : tail + 1;
    if (!text_reserve(out, 4 * whole + tail_size)) {
        return;
    }
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)bytes.data[i + 2] : 0;
        size_t digits = left > 2 ? 4 : left + 1;
        for (size_t digit = 0; digit < 4; digit++) {
            if (digit < digits) {
                aver_buf_append_byte(out, (uint8_t)alphabet[group >> (18 - 6 * digit) & 63]);
            } else if (padded) {
                aver_buf_append_byte(out, '=');
            }
        }
    }
}

void aver_base64_append(aver_buf *out, aver_view bytes)
{
    base64_append(out, bytes, text_base64_standard, true);
}

void aver_base64url_append(aver_buf *out, aver_view bytes)
{
    base64_append(out, bytes, text_base64_url, false);
}

static int base64_value(uint8_t digit, const char alphabet[static 64])
{
    int value = text_base64_values[digit] - 1;
    if (value < 0) {
        value = digit == (uint8_t)alphabet[62] ? 62 : digit == (uint8_t)alphabet[63] ? 63 : -1;
    }
    return value;
}

/* Two to four digits: only the last group of a text may have fewer than four. There is room. */
static bool base64_group(aver_view digits, const char alphabet[static 64], aver_buf *out)
{
    AVER_ASSERT(digits.size >= 2 && digits.size <= 4);
    uint32_t group = 0;
    for (size_t i = 0; i < digits.size; i++) {
        int value = base64_value(digits.data[i], alphabet);
        if (value < 0) {
            return false;
        }
        group |= (uint32_t)value << (18 - 6 * i);
    }
    size_t size = digits.size - 1;
    /* Bits beyond the last byte must be zero, or two texts would mean the same bytes. */
    if ((group & (UINT32_C(0xffffff) >> (8 * size))) != 0) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        out->data[out->size++] = (uint8_t)(group >> (16 - 8 * i));
    }
    return true;
}

static aver_err base64_decode(aver_view text, const char alphabet[static 64], aver_buf *ret_bytes)
{
    if (text.size % 4 == 1) {
        return AVER_E_FORMAT;
    }
    size_t tail = text.size % 4;
    aver_err err = aver_buf_reserve(ret_bytes, text.size / 4 * 3 + (tail ? tail - 1 : 0));
    if (err != AVER_OK) {
        return err;
    }
    size_t size_before = ret_bytes->size;
    for (size_t i = 0; i < text.size; i += 4) {
        size_t left = text.size - i;
        if (!base64_group(aver_view_slice(text, i, left < 4 ? left : 4), alphabet, ret_bytes)) {
            ret_bytes->size = size_before;
            return AVER_E_FORMAT;
        }
    }
    return AVER_OK;
}

aver_err aver_base64_decode(aver_view text, aver_buf *ret_bytes)
{
    if (text.size % 4 != 0) {
        return AVER_E_FORMAT;
    }
    for (int i = 0; i < 2 && text.size > 0 && text.data[text.size - 1] == '='; i++) {
        text.size--;
    }
    return base64_decode(text, text_base64_standard, ret_bytes);
}

aver_err aver_base64url_decode(aver_view text, aver_buf *ret_bytes)
{
    return base64_decode(text, text_base64_url, ret_bytes);
}

char *aver_list_cut(char **rest)
{
    char *piece = *rest;
    char *to = piece;
    if (piece == NULL) {
        return NULL;
    }
    for (char *from = piece;; from++) {
        if (from[0] == ',' && from[1] == ',') {
            from++;
        } else if (*from == ',' || *from == '\0') {
            *rest = *from == ',' ? from + 1 : NULL;
            break;
        }
        *to++ = *from;
    }
    *to = '\0';
    return piece;
}

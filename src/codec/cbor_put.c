/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/cbor_head.h"

/* The shortest head for a value. */
static void cbor_put_head(aver_buf *out, unsigned major, uint64_t value)
{
    uint8_t top = (uint8_t)(major << 5);
    if (value < 24) {
        aver_buf_append_byte(out, (uint8_t)(top | value));
    } else if (value <= UINT8_MAX) {
        uint8_t bytes[2] = {(uint8_t)(top | 24), (uint8_t)value};
        aver_buf_append(out, AVER_VIEW_OF(bytes));
    } else if (value <= UINT16_MAX) {
        uint8_t bytes[3] = {(uint8_t)(top | 25), (uint8_t)(value >> 8), (uint8_t)value};
        aver_buf_append(out, AVER_VIEW_OF(bytes));
    } else if (value <= UINT32_MAX) {
        uint8_t bytes[5] = {(uint8_t)(top | 26)};
        aver_be32_write(bytes + 1, (uint32_t)value);
        aver_buf_append(out, AVER_VIEW_OF(bytes));
    } else {
        uint8_t bytes[9] = {(uint8_t)(top | 27)};
        aver_be64_write(bytes + 1, value);
        aver_buf_append(out, AVER_VIEW_OF(bytes));
    }
}

void aver_cbor_put_uint(aver_buf *out, uint64_t value)
{
    cbor_put_head(out, CBOR_MAJOR_UINT, value);
}

void aver_cbor_put_int(aver_buf *out, int64_t value)
{
    if (value >= 0) {
        cbor_put_head(out, CBOR_MAJOR_UINT, (uint64_t)value);
    } else {
        cbor_put_head(out, CBOR_MAJOR_NEGATIVE, (uint64_t)(-1 - value));
    }
}

void aver_cbor_put_bytes(aver_buf *out, aver_view bytes)
{
    cbor_put_head(out, CBOR_MAJOR_BYTES, bytes.size);
    aver_buf_append(out, bytes);
}

void aver_cbor_put_text(aver_buf *out, const char *text)
{
    aver_cbor_put_text_view(out, aver_view_text(text));
}

void aver_cbor_put_text_view(aver_buf *out, aver_view text)
{
    cbor_put_head(out, CBOR_MAJOR_TEXT, text.size);
    aver_buf_append(out, text);
}

void aver_cbor_put_bool(aver_buf *out, bool value)
{
    cbor_put_head(out, CBOR_MAJOR_SIMPLE, value ? 21 : 20);
}

void aver_cbor_put_null(aver_buf *out)
{
    cbor_put_head(out, CBOR_MAJOR_SIMPLE, 22);
}

void aver_cbor_put_tag(aver_buf *out, uint64_t tag)
{
    cbor_put_head(out, CBOR_MAJOR_TAG, tag);
}

void aver_cbor_put_array(aver_buf *out, uint64_t count)
{
    cbor_put_head(out, CBOR_MAJOR_ARRAY, count);
}

void aver_cbor_put_map(aver_buf *out, uint64_t pairs)
{
    cbor_put_head(out, CBOR_MAJOR_MAP, pairs);
}

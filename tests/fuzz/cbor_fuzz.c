/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor: every reader over the bytes in both forms; whatever is taken in the strict form must be
 * taken in the lenient one, with the same end.
 */
#include "base/check.h"
#include "codec/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the item under the cursor by the reader of its type; arrays and maps are only entered. */
static aver_err fuzz_read(aver_cbor_cursor *cursor)
{
    aver_cbor_type type;
    aver_err err = aver_cbor_peek(cursor, &type);
    if (err != AVER_OK) {
        return err;
    }
    uint64_t number;
    int64_t integer;
    aver_view view;
    aver_cbor_map map;
    bool flag;
    switch (type) {
    case AVER_CBOR_UINT:
        return aver_cbor_read_uint(cursor, &number);
    case AVER_CBOR_NEGATIVE:
        return aver_cbor_read_int(cursor, &integer);
    case AVER_CBOR_BYTES:
        return aver_cbor_read_bytes(cursor, &view);
    case AVER_CBOR_TEXT:
        return aver_cbor_read_text(cursor, &view);
    case AVER_CBOR_ARRAY:
        return aver_cbor_read_array(cursor, &number);
    case AVER_CBOR_MAP:
        return aver_cbor_read_map(cursor, &map);
    case AVER_CBOR_TAG:
        return aver_cbor_read_tag(cursor, &number);
    case AVER_CBOR_BOOL:
        return aver_cbor_read_bool(cursor, &flag);
    case AVER_CBOR_NULL:
        return aver_cbor_read_null(cursor);
    case AVER_CBOR_BREAK:
        return aver_cbor_read_break(cursor);
    case AVER_CBOR_FLOAT:
        return aver_cbor_skip(cursor, &view);
    }
    return AVER_E_FORMAT;
}

static void fuzz_walk_map(aver_view bytes, unsigned flags, bool text)
{
    aver_cbor_cursor cursor = aver_cbor_open(bytes, flags);
    aver_cbor_map map;
    bool more = true;
    aver_err err = aver_cbor_read_map(&cursor, &map);
    while (err == AVER_OK && more) {
        int64_t number;
        aver_view view;
        err = text ? aver_cbor_map_key_text(&cursor, &map, &more, &view)
                   : aver_cbor_map_key_int(&cursor, &map, &more, &number);
        if (err == AVER_OK && more) {
            err = aver_cbor_skip(&cursor, &view);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aver_view bytes = aver_view_make(data, size);
    aver_view strict_item;
    aver_view lenient_item;
    aver_cbor_cursor strict = aver_cbor_open(bytes, 0);
    aver_cbor_cursor lenient = aver_cbor_open(bytes, AVER_CBOR_LENIENT);
    aver_err lenient_err = aver_cbor_skip(&lenient, &lenient_item);
    if (aver_cbor_skip(&strict, &strict_item) == AVER_OK) {
        AVER_ASSERT(lenient_err == AVER_OK && strict_item.size == lenient_item.size);
    }
    for (unsigned flags = 0; flags <= AVER_CBOR_LENIENT; flags++) {
        aver_cbor_cursor cursor = aver_cbor_open(bytes, flags);
        size_t rest = size + 1;
        while (cursor.rest.size < rest && cursor.rest.size > 0) {
            rest = cursor.rest.size;
            if (fuzz_read(&cursor) != AVER_OK) {
                break;
            }
        }
        fuzz_walk_map(bytes, flags, false);
        fuzz_walk_map(bytes, flags, true);
    }
    return 0;
}

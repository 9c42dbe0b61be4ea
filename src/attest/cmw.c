/* SPDX-License-Identifier: Apache-2.0 */
/* cmw: a bundle as RATS conceptual message wrapper: [media type, value] in JSON or CBOR. */
#include "aver/bundle.h"

#include "codec/cbor.h"
#include "codec/json.h"
#include "codec/text.h"

/* base64 takes 4 characters for 3 bytes; the rest is the media type and its quotes. */
#define CMW_JSON_BYTES_MAX (AVER_BUNDLE_BYTES_MAX / 3 * 4 + 256)

static aver_err cmw_unwrap_json(aver_view bytes, aver_buf *ret_bytes)
{
    json_t *json = NULL;
    aver_err err = aver_json_parse(bytes, CMW_JSON_BYTES_MAX, &json, NULL);
    if (err != AVER_OK) {
        return err;
    }
    const char *type = json_string_value(json_array_get(json, 0));
    const json_t *value = json_array_get(json, 1);
    if (!json_is_array(json) || json_array_size(json) != 2 || !type || !json_is_string(value)) {
        err = AVER_E_FORMAT;
    } else if (!aver_view_equal_text(aver_view_text(type), AVER_BUNDLE_MEDIA_TYPE)) {
        err = AVER_E_UNSUPPORTED;
    } else {
        aver_view text = aver_view_make(json_string_value(value), json_string_length(value));
        err = aver_base64url_decode(text, ret_bytes);
    }
    json_decref(json);
    return err;
}

static aver_err cmw_unwrap_cbor(aver_view bytes, aver_buf *ret_bytes)
{
    aver_cbor_cursor cursor = aver_cbor_open(bytes, 0);
    uint64_t count;
    aver_view type;
    aver_view value;
    aver_err err = aver_cbor_read_array(&cursor, &count);
    if (err == AVER_OK && count != 2) {
        err = AVER_E_FORMAT;
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_text(&cursor, &type);
    }
    if (err == AVER_OK && !aver_view_equal_text(type, AVER_BUNDLE_MEDIA_TYPE)) {
        err = AVER_E_UNSUPPORTED;
    }
    if (err == AVER_OK) {
        err = aver_cbor_read_bytes(&cursor, &value);
    }
    if (err == AVER_OK) {
        err = aver_cbor_end(&cursor);
    }
    if (err != AVER_OK) {
        return err;
    }
    if (value.size > AVER_BUNDLE_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_buf_append(ret_bytes, value);
    return aver_buf_status(ret_bytes);
}

aver_err aver_cmw_unwrap(aver_view bytes, aver_buf *ret_bytes)
{
    if (bytes.size == 0) {
        return AVER_E_FORMAT;
    }
    if (bytes.data[0] == '[') {
        return cmw_unwrap_json(bytes, ret_bytes);
    }
    if (bytes.data[0] >> 5 == 4) { /* CBOR major type 4: an array */
        return cmw_unwrap_cbor(bytes, ret_bytes);
    }
    if (bytes.size > AVER_BUNDLE_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_buf_append(ret_bytes, bytes);
    return aver_buf_status(ret_bytes);
}

aver_err aver_cmw_wrap_json(aver_view bundle, aver_buf *ret_text)
{
    if (bundle.size > AVER_BUNDLE_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_buf_append_text(ret_text, "[\"" AVER_BUNDLE_MEDIA_TYPE "\",\"");
    aver_base64url_append(ret_text, bundle);
    aver_buf_append_text(ret_text, "\"]");
    return aver_buf_status(ret_text);
}

aver_err aver_cmw_wrap_cbor(aver_view bundle, aver_buf *ret_bytes)
{
    if (bundle.size > AVER_BUNDLE_BYTES_MAX) {
        return AVER_E_LIMIT;
    }
    aver_cbor_put_array(ret_bytes, 2);
    aver_cbor_put_text(ret_bytes, AVER_BUNDLE_MEDIA_TYPE);
    aver_cbor_put_bytes(ret_bytes, bundle);
    return aver_buf_status(ret_bytes);
}

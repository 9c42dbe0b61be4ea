/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/json.h"
#include "codec/text.h"
#include "net/server.h"

/* The message of an error answer is for people: this much of it. */
enum { ERROR_TEXT_BYTES_MAX = 4096 };

static const char *error_type(uint32_t status)
{
    switch (status) {
    case 401:
        return "authentication_error";
    case 403:
        return "permission_error";
    case 429:
        return "rate_limit_error";
    default:
        return status >= 500 ? "server_error" : "invalid_request_error";
    }
}

static void error_text_append(aver_buf *out, const char *text)
{
    aver_buf clean;
    aver_buf_init(&clean, ERROR_TEXT_BYTES_MAX);
    aver_utf8_append_clean(&clean, aver_view_text(text));
    aver_json_append_string(out, aver_buf_view(&clean));
    aver_buf_deinit(&clean);
}

static void error_member_append(aver_buf *out, const char *name, const char *text)
{
    aver_buf_append_format(out, ",\"%s\":", name);
    if (text) {
        error_text_append(out, text);
    } else {
        aver_buf_append_text(out, "null");
    }
}

void aver_error_body(aver_buf *out, uint32_t status, const char *code, const char *param,
                     const char *message)
{
    aver_buf_append_text(out, "{\"error\":{\"message\":");
    error_text_append(out, message);
    error_member_append(out, "type", error_type(status));
    error_member_append(out, "code", code);
    error_member_append(out, "param", param);
    aver_buf_append_text(out, "}}");
}

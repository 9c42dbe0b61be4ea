/* SPDX-License-Identifier: Apache-2.0 */
/* The request reader: the first byte says how the rest is cut into feeds; whole or cut, one result.
 */
#include "base/check.h"
#include "net/http.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static aver_http_state http_feed_by(aver_http *http, aver_view bytes, size_t step, size_t *ret_used)
{
    size_t total = 0;
    aver_http_init(http, 4096, 4096);
    while (total < bytes.size && http->state != AVER_HTTP_DONE) {
        size_t used = 0;
        size_t size = bytes.size - total < step ? bytes.size - total : step;
        if (aver_http_feed(http, aver_view_slice(bytes, total, size), &used) != AVER_OK) {
            AVER_ASSERT(http->state == AVER_HTTP_FAILED && http->status >= 400 && http->why);
            break;
        }
        AVER_ASSERT(used > 0 && used <= size);
        total += used;
    }
    *ret_used = total;
    return http->state;
}

static void http_request_check(const aver_http *http)
{
    AVER_ASSERT(http->method && http->path && http->query);
    AVER_ASSERT(http->path[0] == '/' || strcmp(http->path, "*") == 0);
    AVER_ASSERT(!strstr(http->path, "/../") && !strpbrk(http->path, "\r\n"));
    AVER_ASSERT(http->body.size <= 4096 && http->fields_count <= AVER_HTTP_HEADERS_MAX);
    for (size_t i = 0; i < http->fields_count; i++) {
        AVER_ASSERT(aver_http_token_valid(http->fields[i].name));
        AVER_ASSERT(!strpbrk(http->fields[i].value, "\r\n"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aver_http whole;
    aver_http cut;
    size_t whole_used = 0;
    size_t cut_used = 0;
    if (size == 0) {
        return 0;
    }
    aver_view bytes = aver_view_make(data + 1, size - 1);
    aver_http_state state = http_feed_by(&whole, bytes, SIZE_MAX, &whole_used);
    AVER_ASSERT(http_feed_by(&cut, bytes, (data[0] & 15U) + 1, &cut_used) == state);
    AVER_ASSERT(whole.status == cut.status);
    if (state == AVER_HTTP_DONE) {
        AVER_ASSERT(whole_used == cut_used);
        AVER_ASSERT(aver_view_equal(aver_buf_view(&whole.body), aver_buf_view(&cut.body)));
        http_request_check(&whole);
        http_request_check(&cut);
    }
    aver_http_deinit(&whole);
    aver_http_deinit(&cut);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text: a decoded text encodes to itself (hex in lower case), cleaned text is valid, and what may
 * be sent of a valid text is valid.
 */
#include "base/check.h"
#include "codec/text.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_decoders(aver_view text)
{
    aver_buf bytes;
    aver_buf again;
    aver_buf_init(&bytes, text.size);
    aver_buf_init(&again, text.size);
    if (aver_base64_decode(text, &bytes) == AVER_OK) {
        aver_base64_append(&again, aver_buf_view(&bytes));
        AVER_ASSERT(aver_view_equal(aver_buf_view(&again), text));
    }
    aver_buf_clear(&bytes);
    aver_buf_clear(&again);
    if (aver_base64url_decode(text, &bytes) == AVER_OK) {
        aver_base64url_append(&again, aver_buf_view(&bytes));
        AVER_ASSERT(aver_view_equal(aver_buf_view(&again), text));
    }
    aver_buf_clear(&bytes);
    aver_buf_clear(&again);
    if (aver_hex_decode_buf(text, &bytes) == AVER_OK) {
        aver_hex_append(&again, aver_buf_view(&bytes));
        AVER_ASSERT(again.size == text.size);
        AVER_ASSERT(text.size == 0 ||
                    strncasecmp((const char *)again.data, (const char *)text.data, text.size) == 0);
    }
    aver_buf_deinit(&bytes);
    aver_buf_deinit(&again);
}

static void fuzz_utf8(aver_view text)
{
    aver_buf clean;
    aver_buf_init(&clean, 3 * text.size);
    aver_utf8_append_clean(&clean, text);
    AVER_ASSERT(aver_buf_status(&clean) == AVER_OK);
    AVER_ASSERT(aver_utf8_valid(aver_buf_view(&clean)));
    size_t complete = aver_utf8_complete(text);
    AVER_ASSERT(complete <= text.size && text.size - complete <= 3);
    if (aver_utf8_valid(text)) {
        AVER_ASSERT(complete == text.size && aver_view_equal(aver_buf_view(&clean), text));
        for (size_t size = text.size > 8 ? text.size - 8 : 0; size < text.size; size++) {
            aver_view part = aver_view_slice(text, 0, size);
            AVER_ASSERT(aver_utf8_valid(aver_view_slice(part, 0, aver_utf8_complete(part))));
        }
    }
    aver_buf_deinit(&clean);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_decoders(aver_view_make(data, size));
    fuzz_utf8(aver_view_make(data, size));
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: what parses, written again and parsed again, is equal; what does not gives a reason.
 */
#include "base/check.h"
#include "codec/json.h"
#include "codec/text.h"

enum { FUZZ_SIZE_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[AVER_JSON_WHY_BYTES] = "";
    json_t *json;
    aver_view text = aver_view_make(data, size);
    if (aver_json_parse(text, FUZZ_SIZE_MAX, &json, why) != AVER_OK) {
        AVER_ASSERT(why[0] && aver_utf8_valid(aver_view_text(why)));
        return 0;
    }
    aver_buf out;
    aver_buf_init(&out, 8 * FUZZ_SIZE_MAX);
    aver_json_append(&out, json);
    AVER_ASSERT(aver_buf_status(&out) == AVER_OK);
    json_t *again;
    AVER_ASSERT(aver_json_parse(aver_buf_view(&out), 8 * FUZZ_SIZE_MAX, &again, why) == AVER_OK);
    AVER_ASSERT(json_equal(json, again));
    json_decref(again);
    json_decref(json);
    aver_buf_deinit(&out);
    return 0;
}

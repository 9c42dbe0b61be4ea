/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jcs: the canonical text is JSON of the same value, and canonical itself.
 */
#include "base/check.h"
#include "codec/jcs.h"
#include "codec/json.h"

enum { FUZZ_SIZE_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = NULL;
    if (aver_json_parse(aver_view_make(data, size), FUZZ_SIZE_MAX, &json, NULL) != AVER_OK) {
        return 0;
    }
    aver_buf first;
    aver_buf second;
    aver_buf_init(&first, 8 * FUZZ_SIZE_MAX);
    aver_buf_init(&second, 8 * FUZZ_SIZE_MAX);
    aver_err err = aver_jcs_append(&first, json);
    AVER_ASSERT(err == AVER_OK || err == AVER_E_FORMAT);
    if (err == AVER_OK) {
        json_t *again = NULL;
        AVER_ASSERT(aver_json_parse(aver_buf_view(&first), 8 * FUZZ_SIZE_MAX, &again, NULL) ==
                    AVER_OK);
        AVER_ASSERT(json_equal(json, again));
        AVER_ASSERT(aver_jcs_append(&second, again) == AVER_OK);
        AVER_ASSERT(aver_view_equal(aver_buf_view(&first), aver_buf_view(&second)));
        json_decref(again);
    }
    aver_buf_deinit(&first);
    aver_buf_deinit(&second);
    json_decref(json);
    return 0;
}

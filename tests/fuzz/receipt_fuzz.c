/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts, openings, heads and token documents: read without a fault, and shown as they are. */
#include "base/check.h"
#include "receipt/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_tokens(aver_view bytes)
{
    aver_tokens tokens;
    aver_buf again;
    if (aver_tokens_decode(bytes, &tokens) != AVER_OK) {
        return;
    }
    aver_buf_init(&again, AVER_TOKENS_BYTES_MAX);
    AVER_ASSERT(aver_tokens_encode(&tokens, &again) == AVER_OK);
    AVER_ASSERT(aver_view_equal(aver_buf_view(&again), bytes));
    aver_buf_deinit(&again);
    aver_tokens_deinit(&tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[32] = {1};
    aver_view bytes = aver_view_make(data, size);
    aver_receipt receipt;
    aver_opening opening;
    aver_head head;
    aver_buf out;
    aver_buf_init(&out, 65536);
    if (aver_receipt_decode_unverified(bytes, &receipt) == AVER_OK) {
        aver_receipt_show(&receipt, false, &out);
        aver_receipt_show(&receipt, true, &out);
        AVER_ASSERT(aver_buf_status(&out) == AVER_OK);
        AVER_ASSERT(aver_receipt_verify_signature(bytes, key) != AVER_OK);
    }
    AVER_ASSERT(aver_opening_open(bytes, key, &opening) != AVER_OK);
    AVER_ASSERT(aver_head_open(bytes, key, &head) != AVER_OK);
    fuzz_tokens(bytes);
    aver_buf_deinit(&out);
    return 0;
}

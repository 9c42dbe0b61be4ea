/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cose: a message that parses has only one encoding: putting its parts together again gives the
 * same bytes. Its signature is then judged, which must not crash either.
 */
#include "base/check.h"
#include "codec/cbor.h"
#include "crypto/cose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_encode(const aver_cose *cose, aver_buf *out)
{
    aver_cbor_put_tag(out, 18);
    aver_cbor_put_array(out, 4);
    aver_cbor_put_bytes(out, cose->protected_header);
    aver_cbor_put_map(out, 0);
    aver_cbor_put_bytes(out, cose->payload);
    aver_cbor_put_bytes(out, cose->signature);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aver_cose cose;
    if (aver_cose_parse(aver_view_make(data, size), &cose) != AVER_OK) {
        return 0;
    }
    aver_buf again;
    aver_buf_init(&again, AVER_COSE_BYTES_MAX);
    fuzz_encode(&cose, &again);
    AVER_ASSERT(aver_view_equal(aver_buf_view(&again), aver_view_make(data, size)));
    aver_buf_deinit(&again);
    uint8_t identity[32];
    AVER_ASSERT(aver_cose_identity(&cose, "aver/receipt/1", identity) == AVER_OK);
    aver_err err = aver_cose_verify(&cose, "aver/receipt/1", cose.kid.data);
    AVER_ASSERT(err == AVER_OK || err == AVER_E_PROOF || err == AVER_E_FORMAT);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TPM's evidence brings from outside; the first byte says which. 0: evidence as a whole;
 * 1: the message; 2: the signature; 3: a public key.
 */
#include "attest/tpm_quote.h"
#include "base/check.h"
#include "support/pki.h"

#include <openssl/x509.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static aver_view fuzz_key(void)
{
    static unsigned char *der;
    static int size;
    if (der == NULL) {
        size = i2d_PUBKEY(pki_key(0, PKI_RSA2048), &der);
        AVER_ASSERT(size > 0);
    }
    return aver_view_make(der, (size_t)size);
}

static void fuzz_whole(aver_view bytes)
{
    static aver_verdict verdict;
    static aver_claims claims;
    bool readable = false;
    aver_attest_input input = {.evidence = bytes, .key = fuzz_key()};
    aver_verdict_init(&verdict);
    AVER_ASSERT(aver_attest_judge(AVER_FAMILY_TPM, &input, &verdict, &claims, &readable) ==
                AVER_OK);
    AVER_ASSERT(!aver_attest_holds(AVER_FAMILY_TPM, false, &verdict));
    aver_buf json;
    aver_buf_init(&json, 1ul << 20);
    aver_claims_json(&claims, &json);
    AVER_ASSERT(aver_buf_status(&json) == AVER_OK);
    aver_buf_deinit(&json);
}

static void fuzz_signature(aver_view bytes)
{
    aver_public_key key = {0};
    aver_tpm_signature signature;
    AVER_ASSERT(aver_public_key_open(fuzz_key(), &key) == AVER_OK);
    if (aver_tpm_signature_parse(bytes, 256, &signature) == AVER_OK) {
        aver_err err = aver_tpm_signature_verify(&signature, bytes, &key);
        AVER_ASSERT(err == AVER_E_PROOF || err == AVER_E_UNSUPPORTED);
    }
    aver_public_key_close(&key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    aver_view rest = aver_view_make(data + 1, size - 1);
    aver_tpm_quote quote;
    aver_public_key key = {0};
    switch (data[0]) {
    case 0:
        fuzz_whole(rest);
        break;
    case 1:
        if (aver_tpm_quote_parse(rest, &quote) == AVER_OK) {
            AVER_ASSERT(quote.selections_count > 0 && quote.pcr_digest.size > 0);
        }
        break;
    case 2:
        fuzz_signature(rest);
        break;
    case 3:
        if (aver_public_key_open(rest, &key) == AVER_OK) {
            AVER_ASSERT((key.ec == NULL) != (key.rsa == NULL));
        }
        aver_public_key_close(&key);
        break;
    default:
        break;
    }
    return 0;
}

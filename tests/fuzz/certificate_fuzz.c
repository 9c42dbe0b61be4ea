/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates from outside: whatever is read is DER, and both readers agree whether it is one. */
#include "base/check.h"
#include "codec/der.h"
#include "net/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t digest[32];
    aver_buf cmw;
    aver_view der = aver_view_make(data, size);
    aver_buf_init(&cmw, 1 << 20);
    aver_err shape = aver_der_check(der);
    aver_err of_key = aver_tls_certificate_digest(der, digest);
    aver_err of_cmw = aver_tls_certificate_cmw(der, &cmw);
    AVER_ASSERT(shape == AVER_OK || (of_key == shape && of_cmw == shape));
    AVER_ASSERT(of_cmw != AVER_OK || (of_key == AVER_OK && cmw.size > 0));
    AVER_ASSERT(of_cmw == AVER_OK || cmw.size == 0);
    aver_buf names;
    aver_buf_init(&names, 1 << 20);
    if (aver_tls_authority_names(der, &names) == AVER_OK) {
        AVER_ASSERT(of_key == AVER_OK && names.size > 0);
    }
    aver_buf_deinit(&names);
    aver_buf_deinit(&cmw);
    return 0;
}

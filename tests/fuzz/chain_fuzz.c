/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of certificates from outside: none is of this key, and none changes what is served. */
#include "base/check.h"
#include "net/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static aver_tls_key *key;
    static struct ssl_ctx_st *tls;
    uint64_t until_ms = 7;
    if (tls == NULL) {
        AVER_ASSERT(aver_tls_key_new(&key) == AVER_OK &&
                    aver_tls_server_new(key, "aver", (aver_view){0}, &tls) == AVER_OK);
    }
    AVER_ASSERT(aver_tls_server_chain(tls, key, aver_view_make(data, size), &until_ms) != AVER_OK);
    AVER_ASSERT(until_ms == 7);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/caller.h"

#include "crypto/hash.h"
#include "node/bearer.h"

#include <string.h>

void aver_caller_id(const uint8_t key[static AVER_CALLER_KEY_BYTES], bool checked,
                    const char *authorization, aver_view peer,
                    uint8_t ret_id[static AVER_JOB_CALLER_BYTES])
{
    uint8_t mac[AVER_SHA256_BYTES];
    aver_view who = checked ? aver_bearer_token(authorization) : peer;

    /* One node takes either tokens or addresses: they need not be told apart. */
    aver_hmac_sha256(aver_view_make(key, AVER_CALLER_KEY_BYTES), who, mac);
    memcpy(ret_id, mac, AVER_JOB_CALLER_BYTES);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* commit: salted commitments SHA-256(tag || salt || bytes). */
#include "aver/receipt.h"

#include "crypto/hash.h"

#include <string.h>

_Static_assert(sizeof(aver_commit) == sizeof(aver_sha256),
               "a commitment in progress is a hash in progress");

void aver_commit_request(const uint8_t salt[static 32], aver_view request,
                         uint8_t ret_commitment[static 32])
{
    aver_sha256_tagged("aver/commit/request/1", aver_view_make(salt, 32), request, ret_commitment);
}

void aver_commit_response(const uint8_t salt[static 32], aver_view response,
                          uint8_t ret_commitment[static 32])
{
    aver_sha256_tagged("aver/commit/response/1", aver_view_make(salt, 32), response,
                       ret_commitment);
}

void aver_commit_tokens(const uint8_t salt[static 32], aver_view tokens,
                        uint8_t ret_commitment[static 32])
{
    aver_sha256_tagged("aver/commit/tokens/1", aver_view_make(salt, 32), tokens, ret_commitment);
}

void aver_commit_response_init(aver_commit *commit, const uint8_t salt[static 32])
{
    aver_sha256 hash;
    aver_sha256_init(&hash);
    aver_sha256_update(&hash, AVER_VIEW_LITERAL("aver/commit/response/1"));
    aver_sha256_update(&hash, aver_view_make(salt, 32));
    memcpy(commit, &hash, sizeof hash);
}

void aver_commit_update(aver_commit *commit, aver_view bytes)
{
    aver_sha256 hash;
    memcpy(&hash, commit, sizeof hash);
    aver_sha256_update(&hash, bytes);
    memcpy(commit, &hash, sizeof hash);
}

void aver_commit_final(aver_commit *commit, uint8_t ret_commitment[static 32])
{
    aver_sha256 hash;
    memcpy(&hash, commit, sizeof hash);
    aver_sha256_final(&hash, ret_commitment);
}

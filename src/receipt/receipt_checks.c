/* SPDX-License-Identifier: Apache-2.0 */
#include "receipt/receipt_checks.h"

#include "attest/compare.h"
#include "base/check.h"
#include "base/secret.h"

#include <string.h>

const char *const aver_receipt_check_names[] = {
    "receipt.signature",   "receipt.keyset",   "receipt.evidence",
    "receipt.incarnation", "receipt.platform", "receipt.node",
    "receipt.model",       "receipt.config",   "receipt.class",
    "receipt.request",     "receipt.response", "receipt.tokens",
    "receipt.stream",      "receipt.enc",      "receipt.route",
    "receipt.nonce",       "receipt.seed",     "receipt.finish",
    "receipt.time",        "time.as-of",       NULL};

typedef struct commitment_kind {
    const char *name;
    const char *what;
    void (*commit)(const uint8_t salt[static 32], aver_view bytes,
                   uint8_t ret_commitment[static 32]);
} commitment_kind;

static const commitment_kind commitment_kinds[] = {
    {"receipt.request", "request", aver_commit_request},
    {"receipt.response", "answer", aver_commit_response},
    {"receipt.tokens", "token list", aver_commit_tokens},
};

static const commitment_kind *commitment_find(const char *name)
{
    size_t i = 0;
    while (i < sizeof commitment_kinds / sizeof commitment_kinds[0] &&
           strcmp(commitment_kinds[i].name, name) != 0) {
        i++;
    }
    AVER_ASSERT(i < sizeof commitment_kinds / sizeof commitment_kinds[0]);
    return &commitment_kinds[i];
}

void aver_check_commitment(aver_verdict *verdict, const char *name,
                           const aver_transcript *transcript, bool has, aver_view bytes,
                           const uint8_t commitment[static 32])
{
    const commitment_kind *kind = commitment_find(name);
    if (!has) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "the %s is not here to compare",
                         kind->what);
        return;
    }
    if (!transcript->salt) {
        /* Not a SKIP: text that nothing can compare would pass where stripped capsules do. */
        aver_verdict_add(verdict, name, AVER_CHECK_FAIL,
                         "the %s is here and the salt to compare it with is not", kind->what);
        return;
    }
    uint8_t found[32];
    kind->commit(transcript->salt, bytes, found);
    bool same = aver_equal_secret(AVER_VIEW_OF(found), aver_view_make(commitment, 32));
    aver_verdict_add(verdict, name, same ? AVER_CHECK_PASS : AVER_CHECK_FAIL,
                     same ? "the %s of %zu bytes is the one committed to"
                          : "the %s of %zu bytes is not the one that the node committed to",
                     kind->what, bytes.size);
}

void aver_check_request(aver_verdict *verdict, const aver_transcript *transcript,
                        const uint8_t commitment[static 32])
{
    aver_check_commitment(verdict, "receipt.request", transcript, transcript->has_request,
                          transcript->request, commitment);
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_FOREIGN_ACI_H
#define AVER_ATTEST_FOREIGN_ACI_H

/*
 * foreign_aci: what both halves of ACI (Attested Confidential Inference, "aci/1") share: the
 * report with the keyset, and the receipt with its session.
 */

#include "attest/foreign_work.h"

typedef struct aver_aci {
    json_t *keyset;     /* borrowed from the report */
    uint8_t digest[32]; /* of the keyset's canonical text */
    bool direct;        /* the workload serves by itself, without an upstream */
} aver_aci;

/* SHA-256 of the canonical text. FORMAT where it has none. */
AVER_MUST_USE aver_err aver_aci_digest(json_t *json, uint8_t ret_digest[static 32]);
/* False, with words, for a receipt (and session) that is not of its form. */
bool aver_aci_receipt_sound(const aver_foreign_work *work, const char **ret_why);
/* aci.receipt, foreign.signature, foreign.request, foreign.response, aci.upstream, aci.session. */
AVER_MUST_USE aver_err aver_aci_receipt_judge(aver_foreign_work *work, const aver_aci *aci);

#endif

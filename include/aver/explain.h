/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_EXPLAIN_H
#define AVER_EXPLAIN_H

/*
 * explain: how far a value that failed is from one that would have passed. Words for people, from
 * the verdict, the claims and the collateral that were judged; they decide nothing. Threads: pure
 * functions.
 */

#include "aver/attest.h"

AVER_C_BEGIN

/*
 * claims may be NULL. Appends to out, which may stay empty, what is known about the distance:
 *   dates of the detail        "2026-03-31T19:36:43Z is 12 days before the time of judgement"
 *   tcb.status                 months behind, advisories, which SVN is short of which level
 */
void aver_explain_distance(const aver_attest_input *input, const aver_claims *claims,
                           const aver_check *check, aver_buf *out);

AVER_C_END

#endif

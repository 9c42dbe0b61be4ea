/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_EXPECT_H
#define AVER_CLI_EXPECT_H

/*
 * expect: what a case of a manifest must give against what was found. Every expected field must be
 * among the claims with the same value; maps by number (pcrs, measurements) are the same as a
 * whole, maps by name may have further members. A fraction is never equal to anything.
 */

#include "aver/claims.h"
#include "aver/verdict.h"
#include "codec/json.h"

typedef struct aver_expect_found {
    bool holds;
    aver_reason reason; /* of the first check that failed */
    const aver_verdict *verdict;
    const aver_claims *claims;
} aver_expect_found;

/*
 * True if it is what was expected. differences is an array, to which an object is added for
 * everything that is not: {"field","expected","found"}, the last absent where nothing was found.
 * NOMEM, and FORMAT if expect itself cannot be read.
 */
AVER_MUST_USE aver_err aver_expect_compare(const json_t *expect, const aver_expect_found *found,
                                           json_t *differences, bool *ret_as_expected);

#endif

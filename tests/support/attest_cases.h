/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TEST_ATTEST_CASES_H
#define AVER_TEST_ATTEST_CASES_H

/*
 * attest_cases: what tests of the TEE families share. unit/checks_test.sh reads the tests for the
 * names that stand in fails_alone(..., "name", ...): each named check must be among them.
 */

#include "aver/attest.h"
#include "support/attest_write.h"

#include <stdio.h>
#include <string.h>

/* One judgement with everything that it filled. */
typedef struct attest_case {
    aver_verdict verdict;
    aver_claims claims;
    bool readable;
} attest_case;

static inline aver_err attest_case_run(attest_case *run, aver_family family,
                                       const aver_attest_input *input)
{
    aver_verdict_init(&run->verdict);
    run->readable = false;
    aver_err err = aver_attest_judge(family, input, &run->verdict, &run->claims, &run->readable);
    if (err == AVER_OK) {
        attest_write(family, input, &run->verdict, &run->claims, run->readable);
    }
    return err;
}

static inline void attest_case_print(const aver_verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++) {
        const aver_check *check = &verdict->checks[i];
        (void)fprintf(stderr, "  %s %s %s: %s\n", aver_check_status_text(check->status),
                      check->name, aver_reason_text(check->reason), check->detail);
    }
}

/* True if that check failed, with that class, and no other did. */
static inline bool fails_alone(const aver_verdict *verdict, const char *name, aver_reason reason)
{
    const aver_check *check = aver_verdict_find(verdict, name);
    bool alone = check != NULL && check->status == AVER_CHECK_FAIL && check->reason == reason;
    for (size_t i = 0; i < verdict->count; i++) {
        alone = alone && (verdict->checks[i].status != AVER_CHECK_FAIL ||
                          strcmp(verdict->checks[i].name, name) == 0);
    }
    if (!alone) {
        (void)fprintf(stderr, "%s should have failed alone as %s:\n", name,
                      aver_reason_text(reason));
        attest_case_print(verdict);
    }
    return alone;
}

/* True if the evidence holds. */
static inline bool attest_case_holds(const attest_case *run, aver_family family)
{
    bool holds = run->readable && aver_attest_holds(family, false, &run->verdict);
    if (!holds) {
        attest_case_print(&run->verdict);
    }
    return holds;
}

#endif

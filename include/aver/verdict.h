/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_VERDICT_H
#define AVER_VERDICT_H

/*
 * verdict: a list of named checks, each PASS, FAIL or SKIP with a reason in words. SKIP is never
 * PASS. Accepted means: no check failed, and every check that the reader's policy requires passed.
 */

#include "aver/bytes.h"

AVER_C_BEGIN

#define AVER_CHECKS_MAX 64

typedef enum aver_check_status {
    AVER_CHECK_PASS = 1,
    AVER_CHECK_FAIL = 2,
    AVER_CHECK_SKIP = 3,
} aver_check_status;

typedef struct aver_check {
    const char *name; /* constant, from the table of aver_check_names */
    aver_check_status status;
    char detail[240];
} aver_check;

typedef struct aver_verdict {
    aver_check checks[AVER_CHECKS_MAX];
    size_t count;
    bool simulated; /* some evidence came from the simulator: shown with every verdict */
} aver_verdict;

/* Every check that exists: its name and, in one sentence, what a PASS means. Ends with a NULL name.
 */
typedef struct aver_check_name {
    const char *name;
    const char *meaning;
} aver_check_name;
const aver_check_name *aver_check_names(void);

/* "PASS", "FAIL" or "SKIP". */
const char *aver_check_status_text(aver_check_status status);
/* What a verdict does not claim, one sentence a line, always printed with it. */
const char *aver_verdict_limits(void);

void aver_verdict_init(aver_verdict *verdict);
/* name must be in the table (asserted) and not yet in the verdict. */
void aver_verdict_add(aver_verdict *verdict, const char *name, aver_check_status status,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* NULL if that check was not made. */
const aver_check *aver_verdict_find(const aver_verdict *verdict, const char *name);
bool aver_verdict_failed(const aver_verdict *verdict); /* some check is FAIL */
/* {"accepted":…,"simulated":…,"checks":[{"name","status","detail"}…]}; accepted as the caller
 * found. */
void aver_verdict_json(const aver_verdict *verdict, bool accepted, aver_buf *out);

AVER_C_END

#endif

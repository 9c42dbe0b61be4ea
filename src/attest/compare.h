/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_COMPARE_H
#define AVER_ATTEST_COMPARE_H

/* compare: checks that two byte strings agree, in constant time, told in words with shortened hex.
 */

#include "aver/verdict.h"

/* The first 16 hex digits and an ellipsis if there are more. */
typedef struct aver_short {
    char text[24];
} aver_short;

aver_short aver_short_of(aver_view bytes);
/* Adds name as PASS ("what 3f2a…") or FAIL ("what is 3f2a…, not 77aa… of source"). */
void aver_verdict_compare(aver_verdict *verdict, const char *name, const char *what,
                          aver_view found, aver_view wanted, const char *source);
/* Adds each of the NULL-terminated names that is not in the verdict yet as SKIP for one reason. */
void aver_verdict_skip_all(aver_verdict *verdict, const char *const *names, const char *reason);

#endif

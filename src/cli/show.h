/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_SHOW_H
#define AVER_CLI_SHOW_H

/* show: verdicts as people read them. */

#include "aver/explain.h"
#include "aver/verify.h"
#include "cli/term.h"

#define AVER_SHOW_COLUMNS 100

/* Every check on a line of its own: status, name, what was found. */
void aver_show_checks(const aver_term *term, const aver_verdict *verdict);
/* What distances are measured from: time, collateral, claims. */
typedef struct aver_show_from {
    aver_attest_input input;
    const aver_claims *claims;
} aver_show_from;
/* The same with what each check means, how far off it is (from may be NULL), and what would mend
 * those that did not pass, if anything. */
void aver_show_explained(const aver_term *term, const aver_verdict *verdict,
                         const aver_show_from *from);
/*
 * One line: "VERIFIED 24 checks · model 3f2a… · sim (SIMULATED: proves nothing)" or
 * "REFUSED receipt.response: …". root and platform may be NULL; why as aver_policy_accepts gave it.
 */
void aver_show_line(const aver_term *term, const aver_verdict *verdict, bool accepted,
                    const char *why, const uint8_t *root, const char *platform);
/* Every claim on a line; lists, and maps in maps, as JSON. */
void aver_show_claims(const aver_term *term, const aver_claims *claims);
/* What no verdict claims. */
void aver_show_limits(const aver_term *term);
/* First 16 hex digits and an ellipsis. */
void aver_show_short(const uint8_t bytes[static 8], char ret_text[24]);
/* After a refusal: what would mend the first check that failed; nothing if none failed. */
void aver_show_remedy(const aver_term *term, const aver_verdict *verdict);
/* What the reader can do about a check that failed. */
const char *aver_show_mend(const char *check_name);
/* True if the same also mends a SKIP of this check; the others have nothing to compare with. */
bool aver_show_mends_skip(const char *check_name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_VERDICT_H
#define AVER_VERDICT_H

/*
 * verdict: a list of named checks, each PASS, FAIL or SKIP with a reason in words. SKIP is never
 * PASS. Accepted means: no check failed, and every check that the reader's policy requires passed.
 */

#include "aver/bytes.h"

AVER_C_BEGIN

#define AVER_CHECKS_MAX 128

typedef enum aver_check_status {
    AVER_CHECK_PASS = 1,
    AVER_CHECK_FAIL = 2,
    AVER_CHECK_SKIP = 3,
} aver_check_status;

/* The class of a fault, for programs; the detail is for people. */
typedef enum aver_reason {
    AVER_REASON_NONE = 0, /* not a FAIL, or none of these */
    AVER_REASON_MALFORMED,
    AVER_REASON_BAD_SIGNATURE,
    AVER_REASON_CHAIN_UNTRUSTED,
    AVER_REASON_EXPIRED,
    AVER_REASON_REVOKED,
    AVER_REASON_NONCE_MISMATCH,
    AVER_REASON_DEBUG_ENABLED,
    AVER_REASON_KEY_MISMATCH,         /* a key or certificate of another device or role */
    AVER_REASON_MEASUREMENT_MISMATCH, /* values that should be equal to signed ones are not */
    AVER_REASON_QE_IDENTITY_MISMATCH,
    AVER_REASON_TCB_OUT_OF_DATE,
    AVER_REASON_TCB_MISMATCH, /* the firmware level of the certificate is not the evidence's */
    AVER_REASON_COLLATERAL_MISSING,
    AVER_REASON_COLLATERAL_MISMATCH, /* collateral of another platform */
    AVER_REASON_VMPL_MISMATCH,
} aver_reason;

typedef struct aver_check {
    const char *name; /* constant, from the table of aver_check_names */
    aver_check_status status;
    aver_reason reason;
    char detail[240];
} aver_check;

typedef struct aver_verdict {
    aver_check checks[AVER_CHECKS_MAX];
    size_t count;
    /* Which of the table are in checks, and where the search for the next name begins: names are
     * added mostly in the order of the table. */
    bool made[AVER_CHECKS_MAX];
    size_t next;
    bool simulated; /* some evidence came from the simulator: shown with every verdict */
    bool timeless;  /* evidence of this platform carries no time: evidence.age is not required */
    const char *const *required; /* what the platform itself requires too, NULL-terminated; or NULL
                                  */
} aver_verdict;

/* Every check that exists: its name and, in one sentence, what a PASS means. Ends with a NULL name.
 * of: NULL for checks of every judgement; else the platforms that it is made for, separated by
 * blanks, "hardware" for all but the simulator. */
typedef struct aver_check_name {
    const char *name;
    const char *meaning;
    const char *of;
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
/* A FAIL of that class. */
void aver_verdict_fail(aver_verdict *verdict, const char *name, aver_reason reason,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* "malformed", "bad_signature", ...; "" for none. */
const char *aver_reason_text(aver_reason reason);
/* NONE for another text. */
aver_reason aver_reason_find(const char *text);
/* The class of the first check that failed. */
aver_reason aver_verdict_reason(const aver_verdict *verdict);
/* NULL if that check was not made. */
const aver_check *aver_verdict_find(const aver_verdict *verdict, const char *name);
bool aver_verdict_failed(const aver_verdict *verdict); /* some check is FAIL */
/* {"accepted":…,"simulated":…,"checks":[{"name","status","detail"}…]}; accepted as the caller
 * found. */
void aver_verdict_json(const aver_verdict *verdict, bool accepted, aver_buf *out);

AVER_C_END

#endif

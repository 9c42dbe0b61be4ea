/* SPDX-License-Identifier: Apache-2.0 */
#include "aver/verdict.h"

#include "base/check.h"
#include "codec/json.h"
#include "codec/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void aver_verdict_init(aver_verdict *verdict)
{
    verdict->count = 0;
    memset(verdict->made, 0, sizeof verdict->made);
    verdict->next = 0;
    verdict->simulated = false;
    verdict->timeless = false;
    verdict->required = NULL;
}

/* The place of a name in the table. */
static size_t verdict_place(const aver_verdict *verdict, const char *name)
{
    const aver_check_name *names = aver_check_names();
    size_t from = verdict->next;
    for (size_t i = from; names[i].name != NULL; i++) {
        if (strcmp(names[i].name, name) == 0) {
            return i;
        }
    }
    for (size_t i = 0; i < from; i++) {
        if (strcmp(names[i].name, name) == 0) {
            return i;
        }
    }
    aver_check_fail(__FILE__, __LINE__, name);
}

__attribute__((format(printf, 5, 0))) static void
verdict_put(aver_verdict *verdict, const char *name, aver_check_status status, aver_reason reason,
            const char *format, va_list args)
{
    size_t place = verdict_place(verdict, name);
    AVER_ASSERT(!verdict->made[place] && verdict->count < AVER_CHECKS_MAX);
    verdict->made[place] = true;
    verdict->next = place + 1;
    aver_check *check = &verdict->checks[verdict->count++];
    check->name = aver_check_names()[place].name;
    check->status = status;
    check->reason = reason;
    int length = vsnprintf(check->detail, sizeof check->detail, format, args);
    AVER_ASSERT(length >= 0);
    if ((size_t)length >= sizeof check->detail) {
        /* Cut where no character is split. */
        aver_view text = aver_view_make(check->detail, sizeof check->detail - 1);
        check->detail[aver_utf8_complete(text)] = '\0';
    }
}

void aver_verdict_add(aver_verdict *verdict, const char *name, aver_check_status status,
                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    verdict_put(verdict, name, status, AVER_REASON_NONE, format, args);
    va_end(args);
}

void aver_verdict_fail(aver_verdict *verdict, const char *name, aver_reason reason,
                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    verdict_put(verdict, name, AVER_CHECK_FAIL, reason, format, args);
    va_end(args);
}

static const char *const verdict_reasons[] = {
    [AVER_REASON_NONE] = "",
    [AVER_REASON_MALFORMED] = "malformed",
    [AVER_REASON_BAD_SIGNATURE] = "bad_signature",
    [AVER_REASON_CHAIN_UNTRUSTED] = "chain_untrusted",
    [AVER_REASON_EXPIRED] = "expired",
    [AVER_REASON_REVOKED] = "revoked",
    [AVER_REASON_NONCE_MISMATCH] = "nonce_mismatch",
    [AVER_REASON_DEBUG_ENABLED] = "debug_enabled",
    [AVER_REASON_KEY_MISMATCH] = "key_mismatch",
    [AVER_REASON_MEASUREMENT_MISMATCH] = "measurement_mismatch",
    [AVER_REASON_QE_IDENTITY_MISMATCH] = "qe_identity_mismatch",
    [AVER_REASON_TCB_OUT_OF_DATE] = "tcb_out_of_date",
    [AVER_REASON_TCB_MISMATCH] = "tcb_mismatch",
    [AVER_REASON_COLLATERAL_MISSING] = "collateral_missing",
    [AVER_REASON_COLLATERAL_MISMATCH] = "collateral_mismatch",
    [AVER_REASON_VMPL_MISMATCH] = "vmpl_mismatch",
};
enum { VERDICT_REASONS = sizeof verdict_reasons / sizeof verdict_reasons[0] };

const char *aver_reason_text(aver_reason reason)
{
    return (size_t)reason < VERDICT_REASONS ? verdict_reasons[reason] : "";
}

aver_reason aver_reason_find(const char *text)
{
    for (size_t i = 1; i < VERDICT_REASONS; i++) {
        if (strcmp(verdict_reasons[i], text) == 0) {
            return (aver_reason)i;
        }
    }
    return AVER_REASON_NONE;
}

aver_reason aver_verdict_reason(const aver_verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++) {
        if (verdict->checks[i].status == AVER_CHECK_FAIL) {
            return verdict->checks[i].reason;
        }
    }
    return AVER_REASON_NONE;
}

const aver_check *aver_verdict_find(const aver_verdict *verdict, const char *name)
{
    for (size_t i = 0; i < verdict->count; i++) {
        if (strcmp(verdict->checks[i].name, name) == 0) {
            return &verdict->checks[i];
        }
    }
    return NULL;
}

bool aver_verdict_failed(const aver_verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++) {
        if (verdict->checks[i].status == AVER_CHECK_FAIL) {
            return true;
        }
    }
    return false;
}

const char *aver_check_status_text(aver_check_status status)
{
    switch (status) {
    case AVER_CHECK_PASS:
        return "PASS";
    case AVER_CHECK_FAIL:
        return "FAIL";
    case AVER_CHECK_SKIP:
        return "SKIP";
    }
    return "FAIL";
}

void aver_verdict_json(const aver_verdict *verdict, bool accepted, aver_buf *out)
{
    aver_buf_append_format(out, "{\"accepted\":%s,\"simulated\":%s,\"checks\":[",
                           accepted ? "true" : "false", verdict->simulated ? "true" : "false");
    for (size_t i = 0; i < verdict->count; i++) {
        const aver_check *check = &verdict->checks[i];
        aver_buf_append_format(out,
                               "%s{\"name\":\"%s\",\"status\":\"%s\",\"detail\":", i ? "," : "",
                               check->name, aver_check_status_text(check->status));
        aver_json_append_string(out, aver_view_text(check->detail));
        aver_buf_append_byte(out, '}');
    }
    aver_buf_append_text(out, "]}");
}

const char *aver_verdict_limits(void)
{
    return "whether the text is true or harmless: a verdict is about who answered, not what is "
           "right\n"
           "the time: it is what the node's host said, unless time.as-of passed\n"
           "secrecy against side channels, physical interposers on the memory bus, or the maker of "
           "the "
           "hardware\n"
           "secrecy against a quantum computer that records today and reads later\n"
           "what the engine alone reports (tokens, step digest): covered by a re-check or a proof "
           "only\n"
           "that no other answer was given to the same question\n";
}

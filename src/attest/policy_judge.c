/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/policy_state.h"

#include "base/check.h"
#include "codec/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { POLICY_REASON_BYTES = 400 };

/* clang-format off */
#define POLICY_ONE(name) {.names = {name}, .names_count = 1}
#define POLICY_EITHER(a, b) {.names = {a, b}, .names_count = 2}

#define POLICY_EVIDENCE                                                                            \
    POLICY_ONE("bundle.format"), POLICY_ONE("platform.known"), POLICY_ONE("platform.allowed"),     \
    POLICY_ONE("evidence.format"), POLICY_ONE("platform.root"), POLICY_ONE("evidence.signature"),  \
    POLICY_ONE("evidence.debug"), POLICY_ONE("evidence.age"), POLICY_ONE("measurement.allowed"),   \
    POLICY_ONE("tcb.min"), POLICY_ONE("binding"), POLICY_ONE("keyset.format"),                     \
    POLICY_ONE("keyset.platform"), POLICY_ONE("keyset.incarnation"), POLICY_ONE("model.allowed")

#define POLICY_RECEIPT                                                                             \
    POLICY_ONE("receipt.format"), POLICY_ONE("receipt.signature"), POLICY_ONE("receipt.keyset"),   \
    POLICY_ONE("receipt.evidence"), POLICY_ONE("receipt.incarnation"),                             \
    POLICY_ONE("receipt.platform"), POLICY_ONE("receipt.node"), POLICY_ONE("receipt.model"),       \
    POLICY_ONE("receipt.config"), POLICY_ONE("receipt.class"), POLICY_ONE("receipt.finish"),       \
    POLICY_ONE("receipt.time")

/* Last, so that a policy which allows stripped capsules can leave them out. */
#define POLICY_BODIES POLICY_ONE("receipt.request"), POLICY_ONE("receipt.response")

static const aver_policy_any policy_connect[] = {
    POLICY_EVIDENCE, POLICY_ONE("nonce"), POLICY_EITHER("channel.seal", "channel.tls"), {.names_count = 0}};

/* A receipt that names this sealed request, or else a connection that ends at the node itself. */
static const aver_policy_any policy_answer[] = {
    POLICY_EVIDENCE, POLICY_ONE("nonce"), POLICY_EITHER("channel.seal", "channel.tls"),
    POLICY_RECEIPT, POLICY_ONE("receipt.route"), POLICY_EITHER("receipt.enc", "channel.tls"),
    POLICY_BODIES, {.names_count = 0}};

static const aver_policy_any policy_capsule[] = {
    POLICY_ONE("capsule.format"), POLICY_EVIDENCE, POLICY_RECEIPT, POLICY_BODIES, {.names_count = 0}};

static const aver_policy_any policy_bundle[] = {POLICY_EVIDENCE, {.names_count = 0}};
/* clang-format on */

const aver_policy_any *aver_policy_builtin(aver_use use)
{
    switch (use) {
    case AVER_USE_CONNECT:
        return policy_connect;
    case AVER_USE_ANSWER:
        return policy_answer;
    case AVER_USE_CAPSULE:
        return policy_capsule;
    case AVER_USE_BUNDLE:
        return policy_bundle;
    }
    /* An unknown use is a mistake of the caller; asking for everything is the safe answer. */
    return policy_answer;
}

/* Words about what stands in the way, cut where the room ends. */
typedef struct policy_reason {
    char *text;
    size_t size;
    const char *missing; /* the first check that was not made */
    size_t missing_count;
} policy_reason;

__attribute__((format(printf, 2, 3))) static void reason_add(policy_reason *reason,
                                                             const char *format, ...)
{
    size_t room = POLICY_REASON_BYTES - reason->size;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(reason->text + reason->size, room, format, args);
    va_end(args);
    AVER_ASSERT(length >= 0);
    if ((size_t)length < room) {
        reason->size += (size_t)length;
        return;
    }
    reason->size = aver_utf8_complete(aver_view_make(reason->text, POLICY_REASON_BYTES - 1));
    reason->text[reason->size] = '\0';
}

static void reason_add_check(policy_reason *reason, const aver_verdict *verdict, const char *name)
{
    const aver_check *check = aver_verdict_find(verdict, name);
    if (!check) {
        reason->missing = reason->missing_count++ ? reason->missing : name;
        return;
    }
    reason_add(reason, "%s%s is %s: %s", reason->size ? "; " : "", name,
               aver_check_status_text(check->status), check->detail);
}

static void reason_add_missing(policy_reason *reason)
{
    const char *between = reason->size ? "; " : "";
    if (reason->missing_count == 1) {
        reason_add(reason, "%s%s was not made", between, reason->missing);
    } else if (reason->missing_count > 1) {
        reason_add(reason, "%s%s and %zu more were not made", between, reason->missing,
                   reason->missing_count - 1);
    }
}

static bool policy_passed(const aver_verdict *verdict, const char *name)
{
    const aver_check *check = aver_verdict_find(verdict, name);
    return check && check->status == AVER_CHECK_PASS;
}

/* True if one of them passed; else adds to the reason what is known about the first. */
static bool policy_any_passed(const aver_policy_any *any, const aver_verdict *verdict,
                              policy_reason *reason)
{
    for (size_t i = 0; i < any->names_count; i++) {
        if (policy_passed(verdict, any->names[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < any->names_count; i++) {
        const aver_check *check = aver_verdict_find(verdict, any->names[i]);
        /* What failed has been named already. */
        if (!check || check->status != AVER_CHECK_FAIL) {
            reason_add_check(reason, verdict, any->names[i]);
        }
    }
    return false;
}

static bool policy_waived(const aver_policy *policy, aver_use use, const aver_policy_any *any)
{
    return use == AVER_USE_CAPSULE && policy->allow_stripped &&
           (strcmp(any->names[0], "receipt.request") == 0 ||
            strcmp(any->names[0], "receipt.response") == 0);
}

/* Before the prompt leaves there is no receipt; the answer's verdict is asked for it. */
static bool policy_waits(aver_use use, const aver_policy_any *any)
{
    bool waits = false;
    for (size_t i = 0; i < any->names_count && use == AVER_USE_CONNECT; i++) {
        waits = waits || strncmp(any->names[i], "receipt.", 8) == 0 ||
                strcmp(any->names[i], "time.as-of") == 0;
    }
    return waits;
}

/* Freshness of evidence without a time rests on the reader's nonce. */
static bool policy_ageless(const aver_verdict *verdict, const aver_policy_any *any)
{
    return verdict->timeless && strcmp(any->names[0], "evidence.age") == 0;
}

/* What the platform itself requires. */
static bool policy_platform_passed(const aver_verdict *verdict, policy_reason *reason)
{
    bool passed = true;
    for (const char *const *name = verdict->required; name && *name; name++) {
        aver_policy_any any = {.names = {*name}, .names_count = 1};
        passed = policy_any_passed(&any, verdict, reason) && passed;
    }
    return passed;
}

bool aver_policy_accepts(const aver_policy *policy, aver_use use, const aver_verdict *verdict,
                         char ret_why[400])
{
    policy_reason reason = {.text = ret_why};
    ret_why[0] = '\0';
    bool accepted = true;
    for (size_t i = 0; i < verdict->count; i++) {
        if (verdict->checks[i].status == AVER_CHECK_FAIL) {
            accepted = false;
            reason_add_check(&reason, verdict, verdict->checks[i].name);
        }
    }
    for (const aver_policy_any *any = aver_policy_builtin(use); any->names_count; any++) {
        if (!policy_waived(policy, use, any) && !policy_ageless(verdict, any) &&
            !policy_any_passed(any, verdict, &reason)) {
            accepted = false;
        }
    }
    accepted = policy_platform_passed(verdict, &reason) && accepted;
    for (size_t i = 0; i < policy->require_count; i++) {
        if (!policy_waits(use, &policy->require[i]) &&
            !policy_any_passed(&policy->require[i], verdict, &reason)) {
            accepted = false;
        }
    }
    reason_add_missing(&reason);
    return accepted;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* policy_words: what a policy means, and what is unwise about it, in sentences. */
#include "attest/compare.h"
#include "attest/policy_state.h"

#include <string.h>

/* Beyond these a stolen machine or an old fault stays trusted for long. */
#define POLICY_EVIDENCE_AGE_WISE_MS (24ull * 3600 * 1000)
#define POLICY_RECEIPT_AGE_WISE_MS  (3600ull * 1000)

static void policy_lint_lists(const aver_policy *policy, aver_buf *out)
{
    if (policy->platforms_count == 0) {
        aver_buf_append_text(out, "no platform is allowed: everything is refused\n");
    }
    if (policy->entries_count == 0) {
        aver_buf_append_text(out, "no measurement is allowed: everything is refused\n");
    }
    if (policy->models_count == 0) {
        aver_buf_append_text(out, "no model is allowed: everything is refused\n");
    }
    if (policy->has_configs && policy->configs_count == 0) {
        aver_buf_append_text(out, "the list of configurations is empty: everything is refused\n");
    }
    if (!policy->has_configs) {
        aver_buf_append_text(
            out, "any configuration is allowed: template, context size and adapters are free\n");
    }
    if (aver_policy_allows_profile(policy, AVER_POLICY_FAST)) {
        aver_buf_append_text(out,
                             "profile fast is allowed: such answers cannot be computed again\n");
    }
}

static void policy_lint_platform(const aver_policy *policy, aver_buf *out)
{
    if (policy->tcb_statuses == 0) {
        aver_buf_append_text(out, "no TCB status is accepted: Intel's platforms are refused\n");
    }
    for (size_t i = AVER_TCB_OUT_OF_DATE; i < AVER_TCB_STATUS_COUNT; i++) {
        if ((policy->tcb_statuses & AVER_TCB_SET(i)) != 0) {
            aver_buf_append_format(out, "TCB status %s is accepted: its faults are known\n",
                                   aver_tcb_status_text((aver_tcb_status)i));
        }
    }
    if (policy->has_machines && policy->machines_count == 0) {
        aver_buf_append_text(out, "the list of machines is empty: everything is refused\n");
    }
}

static bool policy_entry_has(const aver_policy_entry *entry, const char *kind)
{
    for (size_t i = 0; i < entry->values_count; i++) {
        if (strcmp(entry->values[i].kind, kind) == 0) {
            return true;
        }
    }
    return false;
}

/* What an entry leaves free although the platform measures it, and what that lets pass. */
static void policy_lint_gaps(const aver_policy_entry *entry, aver_buf *out)
{
    static const struct {
        const char *platform;
        const char *kind;
        const char *what;
    } gaps[] = {
        {"nitro", "pcr0", "the image is free: its parts alone do not name it"},
        {"sgx", "mrenclave", "any enclave of that signer passes, also an old one"},
        {"tdx", "mrtd", "the firmware is free"},
        {"tdx", "rtmr0", "the firmware's settings are free"},
        {"tdx", "rtmr1", "kernel and boot loader are free"},
        {"tdx", "rtmr2", "the kernel's command line and initrd are free"},
        {"tdx", "rtmr3", "anything may have been measured at run time"},
        {"snp", "measurement", "the launched memory is free"},
        {"cca", "rim", "the realm's initial memory is free"},
    };
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        if (strcmp(gaps[i].platform, entry->platform) == 0 &&
            !policy_entry_has(entry, gaps[i].kind)) {
            aver_buf_append_format(out, "a measurement for %s leaves out %s: %s\n", entry->platform,
                                   gaps[i].kind, gaps[i].what);
        }
    }
}

static void policy_lint_entries(const aver_policy *policy, aver_buf *out)
{
    for (size_t i = 0; i < policy->entries_count; i++) {
        policy_lint_gaps(&policy->entries[i], out);
        if (!aver_policy_allows_platform(policy, policy->entries[i].platform)) {
            aver_buf_append_format(
                out, "a measurement for platform %s is never used: the platform is not allowed\n",
                policy->entries[i].platform);
        }
    }
    for (size_t i = 0; i < policy->platforms_count; i++) {
        bool used = false;
        for (size_t j = 0; j < policy->entries_count; j++) {
            used = used || strcmp(policy->entries[j].platform, policy->platforms[i]) == 0;
        }
        if (!used) {
            aver_buf_append_format(
                out, "platform %s is allowed and has no measurement: it is always refused\n",
                policy->platforms[i]);
        }
    }
}

void aver_policy_lint(const aver_policy *policy, aver_buf *out)
{
    policy_lint_lists(policy, out);
    policy_lint_platform(policy, out);
    policy_lint_entries(policy, out);
    if (aver_policy_allows_platform(policy, "sim")) {
        aver_buf_append_text(out,
                             "the simulator is allowed: it proves nothing about the machine\n");
    }
    if (policy->accept_debug) {
        aver_buf_append_text(
            out, "debug is accepted: the operator can read and change everything inside\n");
    }
    if (policy->allow_stripped) {
        aver_buf_append_text(out, "stripped capsules are accepted: their text is not compared\n");
    }
    for (size_t i = 0; i < policy->require_count; i++) {
        const aver_policy_any *any = &policy->require[i];
        if (any->names_count == 1 && strcmp(any->names[0], "time.as-of") == 0) {
            aver_buf_append_text(out, "time.as-of is required, which nothing can prove yet: every "
                                      "answer is refused\n");
        }
    }
    if (policy->evidence_age_max_ms > POLICY_EVIDENCE_AGE_WISE_MS) {
        aver_buf_append_text(out, "evidence older than a day is accepted\n");
    }
    if (policy->receipt_age_max_ms > POLICY_RECEIPT_AGE_WISE_MS) {
        aver_buf_append_text(out, "a live receipt older than an hour is accepted\n");
    }
}

static void policy_explain_entries(const aver_policy *policy, aver_buf *out)
{
    aver_buf_append_format(out, "Programs allowed: %zu\n", policy->entries_count);
    for (size_t i = 0; i < policy->entries_count; i++) {
        const aver_policy_entry *entry = &policy->entries[i];
        aver_buf_append_format(out, "  on %s%s%s:", entry->platform, entry->name[0] ? ", " : "",
                               entry->name);
        for (size_t j = 0; j < entry->values_count; j++) {
            aver_view value = aver_view_make(entry->values[j].bytes, entry->values[j].size);
            aver_buf_append_format(out, "%s %s %s", j ? " and" : "", entry->values[j].kind,
                                   aver_short_of(value).text);
        }
        aver_buf_append_text(out, "\n");
    }
}

static void policy_explain_digests(const char *title, const uint8_t (*list)[32], size_t count,
                                   aver_buf *out)
{
    aver_buf_append_format(out, "%s: %zu\n", title, count);
    for (size_t i = 0; i < count; i++) {
        aver_buf_append_format(out, "  %s\n", aver_short_of(AVER_VIEW_OF(list[i])).text);
    }
}

static void policy_explain_any(const aver_policy_any *any, aver_buf *out)
{
    for (size_t i = 0; i < any->names_count; i++) {
        aver_buf_append_format(out, "%s%s", i ? " or " : "  ", any->names[i]);
    }
    aver_buf_append_text(out, "\n");
}

static void policy_explain_platform(const aver_policy *policy, aver_buf *out)
{
    aver_buf_append_text(out, "TCB statuses accepted:");
    for (size_t i = 1; i < AVER_TCB_STATUS_COUNT; i++) {
        if ((policy->tcb_statuses & AVER_TCB_SET(i)) != 0) {
            aver_buf_append_format(out, " %s", aver_tcb_status_text((aver_tcb_status)i));
        }
    }
    aver_buf_append_format(out, "%s\nEvaluation data number at least %u\n",
                           policy->tcb_statuses == 0 ? " none" : "",
                           (unsigned)policy->evaluation_min);
    if (!policy->has_machines) {
        aver_buf_append_text(out, "Machines allowed: any\n");
        return;
    }
    aver_buf_append_format(out, "Machines allowed: %zu\n", policy->machines_count);
    for (size_t i = 0; i < policy->machines_count; i++) {
        const aver_policy_machine *machine = &policy->machines[i];
        aver_buf_append_format(out, "  %s\n",
                               aver_short_of(aver_view_make(machine->bytes, machine->size)).text);
    }
}

void aver_policy_explain(const aver_policy *policy, aver_buf *out)
{
    aver_buf_append_format(
        out, "Policy: %s\nPlatforms allowed:", policy->name[0] ? policy->name : "(no name)");
    for (size_t i = 0; i < policy->platforms_count; i++) {
        aver_buf_append_format(out, " %s", policy->platforms[i]);
    }
    aver_buf_append_text(out, policy->platforms_count ? "\n" : " none\n");
    policy_explain_entries(policy, out);
    policy_explain_platform(policy, out);
    policy_explain_digests("Models allowed", (const uint8_t(*)[32])policy->models,
                           policy->models_count, out);
    if (policy->has_configs) {
        policy_explain_digests("Configurations allowed", (const uint8_t(*)[32])policy->configs,
                               policy->configs_count, out);
    } else {
        aver_buf_append_text(out, "Configurations allowed: any\n");
    }
    aver_buf_append_format(out, "Profiles allowed:%s%s\n",
                           aver_policy_allows_profile(policy, AVER_POLICY_VERIFIED) ? " verified"
                                                                                    : "",
                           aver_policy_allows_profile(policy, AVER_POLICY_FAST) ? " fast" : "");
    aver_buf_append_format(
        out,
        "Evidence may be %llu s old, a live receipt %llu s; firmware level at least %llu\n"
        "Debug is %s; stripped capsules are %s\n",
        (unsigned long long)policy->evidence_age_max_ms / 1000,
        (unsigned long long)policy->receipt_age_max_ms / 1000, (unsigned long long)policy->tcb_min,
        policy->accept_debug ? "accepted" : "refused",
        policy->allow_stripped ? "accepted" : "refused");
    aver_buf_append_text(out, "A live answer must pass (aver checks says what each means):\n");
    for (const aver_policy_any *any = aver_policy_builtin(AVER_USE_ANSWER); any->names_count;
         any++) {
        policy_explain_any(any, out);
    }
    if (policy->require_count) {
        aver_buf_append_text(out, "This policy also asks for:\n");
    }
    for (size_t i = 0; i < policy->require_count; i++) {
        policy_explain_any(&policy->require[i], out);
    }
}

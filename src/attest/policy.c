/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/policy_state.h"

#include <stdlib.h>
#include <string.h>

void aver_policy_free(aver_policy *policy)
{
    if (policy) {
        free(policy->entries);
        free(policy);
    }
}

const char *aver_policy_name(const aver_policy *policy)
{
    return policy->name;
}

bool aver_policy_allows_platform(const aver_policy *policy, const char *platform)
{
    for (size_t i = 0; i < policy->platforms_count; i++) {
        if (strcmp(policy->platforms[i], platform) == 0) {
            return true;
        }
    }
    return false;
}

static bool policy_value_is(const aver_measurement *value, const char *kind, aver_view bytes)
{
    return strcmp(value->kind, kind) == 0 &&
           aver_view_equal(aver_view_make(value->bytes, value->size), bytes);
}

bool aver_policy_allows_measurement(const aver_policy *policy, const char *platform,
                                    const char *kind, aver_view value)
{
    for (size_t i = 0; i < policy->entries_count; i++) {
        const aver_policy_entry *entry = &policy->entries[i];
        for (size_t j = 0; j < entry->values_count && strcmp(entry->platform, platform) == 0; j++) {
            if (policy_value_is(&entry->values[j], kind, value)) {
                return true;
            }
        }
    }
    return false;
}

static bool policy_found(const aver_measurement *wanted, const aver_measurement *measurements,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (policy_value_is(wanted, measurements[i].kind,
                            aver_view_make(measurements[i].bytes, measurements[i].size))) {
            return true;
        }
    }
    return false;
}

bool aver_policy_matches(const aver_policy *policy, const char *platform,
                         const aver_measurement *measurements, size_t count)
{
    for (size_t i = 0; i < policy->entries_count; i++) {
        const aver_policy_entry *entry = &policy->entries[i];
        bool matches = entry->values_count > 0 && strcmp(entry->platform, platform) == 0;
        for (size_t j = 0; j < entry->values_count && matches; j++) {
            matches = policy_found(&entry->values[j], measurements, count);
        }
        if (matches) {
            return true;
        }
    }
    return false;
}

size_t aver_policy_measurement_count(const aver_policy *policy, const char *platform,
                                     const char *kind)
{
    size_t found = 0;
    for (size_t i = 0; i < policy->entries_count; i++) {
        const aver_policy_entry *entry = &policy->entries[i];
        for (size_t j = 0; j < entry->values_count && strcmp(entry->platform, platform) == 0; j++) {
            found += strcmp(entry->values[j].kind, kind) == 0 ? 1 : 0;
        }
    }
    return found;
}

bool aver_policy_allows_model(const aver_policy *policy, const uint8_t root[static 32])
{
    for (size_t i = 0; i < policy->models_count; i++) {
        if (memcmp(policy->models[i], root, 32) == 0) {
            return true;
        }
    }
    return false;
}

size_t aver_policy_model_count(const aver_policy *policy)
{
    return policy->models_count;
}

bool aver_policy_allows_config(const aver_policy *policy, const uint8_t digest[static 32],
                               bool *ret_any)
{
    *ret_any = !policy->has_configs;
    for (size_t i = 0; i < policy->configs_count; i++) {
        if (memcmp(policy->configs[i], digest, 32) == 0) {
            return true;
        }
    }
    return !policy->has_configs;
}

const char *aver_policy_profile_name(size_t profile)
{
    static const char *const names[AVER_POLICY_PROFILES_MAX + 1] = {"", "verified", "fast"};
    return profile <= AVER_POLICY_PROFILES_MAX ? names[profile] : "unknown";
}

bool aver_policy_allows_profile(const aver_policy *policy, uint32_t profile)
{
    return !policy->has_profiles ||
           (profile <= AVER_POLICY_PROFILES_MAX && policy->profiles[profile]);
}

bool aver_policy_accepts_debug(const aver_policy *policy)
{
    return policy->accept_debug;
}

bool aver_policy_allows_stripped(const aver_policy *policy)
{
    return policy->allow_stripped;
}

uint64_t aver_policy_evidence_age_max_ms(const aver_policy *policy)
{
    return policy->evidence_age_max_ms;
}

uint64_t aver_policy_receipt_age_max_ms(const aver_policy *policy)
{
    return policy->receipt_age_max_ms;
}

uint64_t aver_policy_tcb_min(const aver_policy *policy)
{
    return policy->tcb_min;
}

uint32_t aver_policy_tcb_statuses(const aver_policy *policy)
{
    return policy->tcb_statuses;
}

uint32_t aver_policy_evaluation_min(const aver_policy *policy)
{
    return policy->evaluation_min;
}

bool aver_policy_allows_machine(const aver_policy *policy, aver_view machine, bool *ret_any)
{
    *ret_any = !policy->has_machines;
    for (size_t i = 0; i < policy->machines_count; i++) {
        const aver_policy_machine *allowed = &policy->machines[i];
        if (aver_view_equal(aver_view_make(allowed->bytes, allowed->size), machine)) {
            return true;
        }
    }
    return !policy->has_machines;
}

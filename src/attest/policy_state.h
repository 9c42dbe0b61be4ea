/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_POLICY_STATE_H
#define AVER_ATTEST_POLICY_STATE_H

/* policy_state: the parsed form of a policy, shared by the files that read, apply and explain it.
 */

#include "aver/keyset.h"
#include "aver/policy.h"

#define AVER_POLICY_PLATFORMS_MAX 16
#define AVER_POLICY_KINDS_MAX     24
#define AVER_POLICY_REQUIRE_MAX   64
/* The numbers of aver_profile, which a later layer defines. */
#define AVER_POLICY_VERIFIED      1
#define AVER_POLICY_FAST          2
#define AVER_POLICY_PROFILES_MAX  2
#define AVER_POLICY_AGE_MAX_S     (10ull * 366 * 24 * 3600)
#define AVER_POLICY_AGE_DEFAULT_S 300ull

/* A value that a platform measures. */
typedef struct aver_policy_kind {
    const char *name;
    size_t bytes;
    size_t bytes_other; /* where another hash is possible too (not on nitro), or 0 */
} aver_policy_kind;

typedef struct aver_policy_machine {
    uint8_t bytes[64];
    uint8_t size;
} aver_policy_machine;

typedef struct aver_policy_entry {
    char platform[AVER_PLATFORM_BYTES_MAX];
    char name[64]; /* for people; may be empty */
    aver_measurement values[AVER_POLICY_KINDS_MAX];
    size_t values_count;
} aver_policy_entry;

/* Any one of these checks must pass. Names are from the table of checks. */
typedef struct aver_policy_any {
    const char *names[AVER_POLICY_ANY_MAX];
    size_t names_count;
} aver_policy_any;

struct aver_policy {
    char name[64];
    char platforms[AVER_POLICY_PLATFORMS_MAX][AVER_PLATFORM_BYTES_MAX];
    size_t platforms_count;
    aver_policy_entry *entries;
    size_t entries_count;
    uint8_t models[AVER_POLICY_LIST_MAX][32];
    size_t models_count;
    bool has_configs;
    uint8_t configs[AVER_POLICY_LIST_MAX][32];
    size_t configs_count;
    bool has_profiles;
    bool profiles[AVER_POLICY_PROFILES_MAX + 1]; /* by aver_profile; entry 0 is unused */
    uint64_t evidence_age_max_ms;
    uint64_t receipt_age_max_ms;
    uint64_t tcb_min;
    uint32_t tcb_statuses; /* AVER_TCB_SET of each that is accepted */
    uint32_t evaluation_min;
    bool has_machines;
    aver_policy_machine machines[AVER_POLICY_LIST_MAX];
    size_t machines_count;
    bool accept_debug;
    bool allow_stripped;
    aver_policy_any require[AVER_POLICY_REQUIRE_MAX];
    size_t require_count;
};

/* By its name, or by what it stands for on that platform ("image", "kernel"); NULL for another. */
const aver_policy_kind *aver_policy_kind_find(const char *platform, const char *name);
/* "verified", "fast". */
const char *aver_policy_profile_name(size_t profile);

/* The built-in requirements of a use, ends with an entry of no names. */
const aver_policy_any *aver_policy_builtin(aver_use use);

#endif

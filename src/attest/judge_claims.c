/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/compare.h"
#include "aver/judge.h"

static void claims_measurement(const aver_policy *policy, const char *platform,
                               const aver_claims *claims, aver_verdict *verdict)
{
    const aver_measurement *first = &claims->measurements[0];
    aver_view value =
        claims->measurements_count ? aver_view_make(first->bytes, first->size) : (aver_view){0};
    const char *kind = claims->measurements_count ? first->kind : "none";
    if (aver_policy_matches(policy, platform, claims->measurements, claims->measurements_count)) {
        aver_verdict_add(verdict, "measurement.allowed", AVER_CHECK_PASS, "%s %s is allowed", kind,
                         aver_short_of(value).text);
    } else {
        aver_verdict_add(verdict, "measurement.allowed", AVER_CHECK_FAIL,
                         "%s %s is not among the %zu that the policy allows on %s", kind,
                         aver_short_of(value).text,
                         aver_policy_measurement_count(policy, platform, kind), platform);
    }
}

static void claims_machine(const aver_policy *policy, const aver_claims *claims,
                           aver_verdict *verdict)
{
    aver_view machine = aver_view_make(claims->machine_id, claims->machine_id_size);
    bool any = false;
    bool allowed = aver_policy_allows_machine(policy, machine, &any);
    if (any) {
        return; /* the policy names no machines */
    }
    if (machine.size == 0) {
        aver_verdict_add(verdict, "machine.allowed", AVER_CHECK_FAIL,
                         "the evidence names no machine");
        return;
    }
    aver_verdict_add(verdict, "machine.allowed", allowed ? AVER_CHECK_PASS : AVER_CHECK_FAIL,
                     allowed ? "machine %s is allowed"
                             : "machine %s is not among those that the policy names",
                     aver_short_of(machine).text);
}

static void claims_tcb(const aver_policy *policy, const aver_claims *claims, aver_verdict *verdict)
{
    uint64_t wanted = aver_policy_tcb_min(policy);
    aver_verdict_add(verdict, "tcb.min", claims->tcb >= wanted ? AVER_CHECK_PASS : AVER_CHECK_FAIL,
                     "firmware level %llu, at least %llu wanted", (unsigned long long)claims->tcb,
                     (unsigned long long)wanted);
}

void aver_judge_claims(const aver_policy *policy, const char *platform, const aver_claims *claims,
                       aver_verdict *verdict)
{
    claims_measurement(policy, platform, claims, verdict);
    claims_machine(policy, claims, verdict);
    claims_tcb(policy, claims, verdict);
}

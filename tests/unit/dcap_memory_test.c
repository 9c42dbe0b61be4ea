/* SPDX-License-Identifier: Apache-2.0 */
/* Whichever allocation fails, a judgement of Intel's evidence ends in an error or a verdict, and
 * what does not hold with memory does not hold without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/alloc_fail.h"
#include "support/attest_cases.h"
#include "support/dcap_make.h"

static attest_case run;

/* A new one each time: nothing is to be found in it. */
static void cache_renew(aver_attest_cache **cache)
{
    aver_attest_cache_free(*cache);
    *cache = NULL;
    assert_int_equal(aver_attest_cache_new(4, cache), AVER_OK);
}

static void judge_with_each(const dcap_recipe *recipe, bool cached, bool holds)
{
    dcap_made made;
    aver_attest_cache *cache = NULL;
    dcap_make(recipe, &made);
    aver_attest_input input = dcap_input(&made);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_TDX, &input), AVER_OK);
    assert_true(aver_attest_holds(AVER_FAMILY_TDX, false, &run.verdict) == holds);
    /* Further apart as they get later: the first ones are ours, then come thousands of OpenSSL's.
     */
    for (size_t at = 0;; at += 1 + at / 40) {
        if (cached) {
            cache_renew(&cache);
            input.cache = cache;
        }
        alloc_fail_at(at);
        aver_err err = attest_case_run(&run, AVER_FAMILY_TDX, &input);
        bool failed = alloc_fail_end();
        bool found = err == AVER_OK && aver_attest_holds(AVER_FAMILY_TDX, false, &run.verdict);
        assert_true(err == AVER_OK || (failed && (err == AVER_E_NOMEM || err == AVER_E_CRYPTO)));
        assert_true(holds || !found);
        if (!failed) {
            assert_true(found == holds);
            break;
        }
    }
    aver_attest_cache_free(cache);
    dcap_unmake(&made);
}

static void allocations_that_fail(void **state)
{
    (void)state;
    dcap_recipe good = dcap_recipe_good(true);
    dcap_recipe revoked = good;
    dcap_recipe forged = good;
    good.advisories = "[\"INTEL-SA-00040\"]";
    revoked.revoke_pck = true;
    forged.qe_other_signer = true;
    judge_with_each(&good, false, true);
    judge_with_each(&good, true, true);
    judge_with_each(&revoked, false, false);
    judge_with_each(&forged, true, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(allocations_that_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

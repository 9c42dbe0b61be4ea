/* SPDX-License-Identifier: Apache-2.0 */
/* Whichever allocation fails, a judgement of Intel's evidence ends in an error or a verdict, and
 * what does not hold with memory does not hold without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/attest_cases.h"
#include "support/dcap_make.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define MEMORY_IS_OTHERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MEMORY_IS_OTHERS 1
#endif
#endif

#ifdef MEMORY_IS_OTHERS

static void allocations_that_fail(void **state)
{
    (void)state;
    skip(); /* a sanitizer has the allocator */
}

#else

/* glibc's own, under the names that programs may put theirs over. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *place, size_t size);

static bool memory_counted; /* between begin and end */
static size_t memory_left;  /* allocations until one fails */
static size_t memory_failed;
static bool memory_for_good; /* and every one behind it */

static bool memory_fails(void)
{
    if (!memory_counted) {
        return false;
    }
    if (memory_left > 0) {
        memory_left--;
        return false;
    }
    if (memory_failed > 0 && !memory_for_good) {
        return false;
    }
    memory_failed++;
    return true;
}

void *malloc(size_t size)
{
    return memory_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return memory_fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *place, size_t size)
{
    return memory_fails() ? NULL : __libc_realloc(place, size);
}

static attest_case run;

/* True if an allocation failed. */
static bool judge_with(const aver_attest_input *input, size_t allocations, aver_err *ret_err)
{
    memory_left = allocations;
    memory_failed = 0;
    memory_counted = true;
    *ret_err = attest_case_run(&run, AVER_FAMILY_TDX, input);
    memory_counted = false;
    return memory_failed > 0;
}

static void judge_with_each(const dcap_recipe *recipe, bool cached, bool holds)
{
    dcap_made made;
    aver_attest_cache *cache = NULL;
    aver_err err = AVER_OK;
    dcap_make(recipe, &made);
    aver_attest_input input = dcap_input(&made);
    assert_int_equal(attest_case_run(&run, AVER_FAMILY_TDX, &input), AVER_OK);
    assert_true(aver_attest_holds(AVER_FAMILY_TDX, false, &run.verdict) == holds);
    size_t failures = 0;
    for (size_t n = 0; judge_with(&input, n, &err); n += n < 64 ? 1 : 1 + n / 40) {
        failures++;
        assert_true(err == AVER_OK || err == AVER_E_NOMEM || err == AVER_E_CRYPTO);
        assert_true(err != AVER_OK || holds ||
                    !aver_attest_holds(AVER_FAMILY_TDX, false, &run.verdict));
        if (cached) {
            aver_attest_cache_free(cache);
            cache = NULL;
            assert_int_equal(aver_attest_cache_new(4, &cache), AVER_OK);
            input.cache = cache;
        }
    }
    assert_true(failures > 100);
    assert_int_equal(err, AVER_OK);
    assert_true(aver_attest_holds(AVER_FAMILY_TDX, false, &run.verdict) == holds);
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
    for (size_t i = 0; i < 2; i++) {
        memory_for_good = i == 1;
        judge_with_each(&good, false, true);
        judge_with_each(&good, true, true);
        judge_with_each(&revoked, false, false);
        judge_with_each(&forged, true, false);
    }
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(allocations_that_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

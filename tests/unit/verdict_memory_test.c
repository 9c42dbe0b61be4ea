/* SPDX-License-Identifier: Apache-2.0 */
/* Whichever allocation fails, policies, attestation results, explanations and comparisons end in an
 * error or as they would have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/ear.h"
#include "aver/explain.h"
#include "aver/policy.h"
#include "cli/expect.h"
#include "support/alloc_fail.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

static aver_claims claims;
static aver_verdict verdict;
static aver_buf key;

static aver_err try_policy(void)
{
    static const char text[] = "{\"version\":1,\"platforms\":[\"tdx\"],\"machines\":[\"00ff\"],"
                               "\"accept_tcb\":[\"UpToDate\"],\"require\":[[\"nonce\"]],"
                               "\"measurements\":[{\"platform\":\"sgx\",\"image\":"
                               "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
                               "\"}]}";
    aver_policy *policy = NULL;
    char why[200];
    aver_err err = aver_policy_parse(aver_view_text(text), &policy, why);
    aver_policy_free(policy);
    return err;
}

static aver_err try_result(void)
{
    aver_ear ear = {.verdict = &verdict,
                    .accepted = true,
                    .platform = "tdx",
                    .claims = &claims,
                    .policy = AVER_VIEW_LITERAL("{}")};
    aver_buf out;
    aver_buf_init(&out, 1 << 20);
    aver_err err = aver_ear_jwt(&ear, aver_buf_view(&key), &out);
    assert_true(err == AVER_OK || out.size == 0);
    aver_buf_deinit(&out);
    return err;
}

static aver_err try_expect(void)
{
    json_t *expect =
        json_loads("{\"verdict\":\"valid\",\"fields\":{\"version\":5,\"a\":{\"b\":1}}}", 0, NULL);
    json_t *differences = json_array();
    aver_expect_found found = {.holds = true, .verdict = &verdict, .claims = &claims};
    bool good = true;
    aver_err err = AVER_E_NOMEM;
    if (expect != NULL && differences != NULL) {
        err = aver_expect_compare(expect, &found, differences, &good);
        assert_true(err != AVER_OK || !good);
    }
    json_decref(expect);
    json_decref(differences);
    return err;
}

/* Words that cannot be had are left out. */
static aver_err try_explain(void)
{
    aver_check check = {.name = "tcb.status", .detail = "until 2026-01-01T00:00:00Z"};
    aver_attest_input input = {
        .time_s = 1800000000,
        .collateral = AVER_VIEW_LITERAL("{\"tcb_info\":\"{\\\"tcbLevels\\\":[{}]}\"}")};
    aver_buf out;
    aver_buf_init(&out, 65536);
    aver_explain_distance(&input, &claims, &check, &out);
    aver_buf_deinit(&out);
    return AVER_OK;
}

static void allocations_that_fail(void **state)
{
    (void)state;
    aver_err (*const tries[])(void) = {try_policy, try_result, try_expect, try_explain};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        size_t at = 0;
        aver_err err;
        bool failed;
        do {
            size_t live = alloc_fail_live;
            alloc_fail_at(at++);
            err = tries[i]();
            failed = alloc_fail_end();
            /* OpenSSL may call a key unreadable, or unknown, that it had no room for. */
            assert_true(err == AVER_OK || err == AVER_E_NOMEM || err == AVER_E_CRYPTO ||
                        err == AVER_E_FORMAT || err == AVER_E_UNSUPPORTED);
            /* OpenSSL keeps for itself what it makes when it is first used. */
            assert_true(i == 1 || alloc_fail_live == live);
        } while (failed);
        assert_int_equal(err, AVER_OK);
#ifdef ALLOC_FAIL_ACTIVE
        assert_true(at > 2);
#endif
    }
}

static int set_up(void **state)
{
    char *text = NULL;
    (void)state;
    aver_claims_init(&claims);
    aver_verdict_init(&verdict);
    aver_claims_put_uint(&claims, "version", 4);
    aver_claims_put_member(&claims, "advisories", AVER_VIEW_LITERAL("INTEL-SA-1"));
    aver_verdict_add(&verdict, "platform.root", AVER_CHECK_PASS, "root");
    aver_buf_init(&key, 65536);
    EVP_PKEY *made = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, made, NULL, NULL, 0, NULL, NULL), 1);
    long size = BIO_get_mem_data(bio, &text);
    aver_buf_append(&key, aver_view_make(text, (size_t)size));
    BIO_free(bio);
    EVP_PKEY_free(made);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aver_buf_deinit(&key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(allocations_that_fail, set_up, tear_down)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

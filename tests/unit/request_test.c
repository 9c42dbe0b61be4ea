/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "node/request.h"

#include <stdio.h>
#include <string.h>

/* The scope of a request with this key (NULL: none) and this header. */
static bool scope_of(const char *key, const char *authorization, uint8_t ret_scope[static 32])
{
    char body[512];
    aver_job job;
    aver_job_refusal refusal;

    (void)snprintf(body, sizeof(body), "{\"model\":\"m\",\"prompt\":\"x\"%s%s%s}",
                   key != NULL ? ",\"prompt_cache_key\":\"" : "", key != NULL ? key : "",
                   key != NULL ? "\"" : "");
    assert_int_equal(aver_job_parse(aver_view_text(body), AVER_ENDPOINT_COMPLETION, &job, &refusal),
                     AVER_OK);
    aver_request_scope(&job, authorization);
    memcpy(ret_scope, job.cache_scope, 32);
    bool has = job.has_cache_scope;
    aver_job_deinit(&job);
    return has;
}

static void whoever_says_nothing_shares_nothing(void **state)
{
    static const char *const headers[] = {NULL, "", "Basic abc", "Bearer ", "Bearer"};
    uint8_t scope[32];

    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        assert_false(scope_of(NULL, headers[i], scope));
    }
    assert_true(scope_of("k", NULL, scope));
    assert_true(scope_of(NULL, "Bearer t", scope));
}

static void scopes_differ_by_token_and_key(void **state)
{
    static const struct {
        const char *key;
        const char *authorization;
    } cases[] = {{"ab", NULL},       {NULL, "Bearer ab"}, {"a", "Bearer b"},
                 {"b", "Bearer a"},  {"a", NULL},         {"ab", "Bearer ab"},
                 {"a", "Bearer ab"}, {"ab", "Bearer a"},  {NULL, "Bearer a"}};
    const size_t count = sizeof(cases) / sizeof(cases[0]);
    uint8_t scopes[9][32], again[32];

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_true(scope_of(cases[i].key, cases[i].authorization, scopes[i]));
        assert_true(scope_of(cases[i].key, cases[i].authorization, again));
        assert_memory_equal(scopes[i], again, 32);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(scopes[i], scopes[j], 32);
        }
    }
}

static void a_scope_is_what_the_page_says(void **state)
{
    static const uint8_t parts[] = {0, 0, 0, 2, 't', 'o', 0, 0, 0, 3, 'k', 'e', 'y'};
    uint8_t scope[32], wanted[32];

    (void)state;
    assert_true(scope_of("key", "bearer to", scope));
    aver_sha256_tagged("aver/cache/1", AVER_VIEW_OF(parts), (aver_view){NULL, 0}, wanted);
    assert_memory_equal(scope, wanted, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_says_nothing_shares_nothing),
        cmocka_unit_test(scopes_differ_by_token_and_key),
        cmocka_unit_test(a_scope_is_what_the_page_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

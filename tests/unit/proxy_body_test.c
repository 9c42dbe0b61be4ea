/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "cli/proxy_body.h"
#include "support/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES  "1111111111111111111111111111111111111111111111111111111111111111"

/* Made of a body by claims of zeroes, path /v1/x and deadline 5; terminated. */
typedef struct made_body {
    aver_err err;
    aver_buf sealed;
    aver_proxy_body facts;
    aver_proxy_refusal refusal;
} made_body;

static made_body make(const char *body)
{
    const aver_proxy_claims claims = {.path = "/v1/x", .base = {.deadline_ms = 5}};
    made_body made = {.err = AVER_OK};
    aver_buf_init(&made.sealed, AVER_QUESTION_BODY_BYTES_MAX);
    made.err = aver_proxy_body_make(aver_view_text(body), &claims, &made.sealed, &made.facts,
                                    &made.refusal);
    size_t size = made.sealed.size;
    aver_buf_append_byte(&made.sealed, 0);
    made.sealed.size = size;
    return made;
}

static const char member[] =
    "\"aver\":{\"method\":\"POST\",\"path\":\"/v1/x\",\"keyset\":\"" ZEROS
    "\",\"evidence\":\"" ZEROS "\",\"nonce\":\"" ZEROS "\",\"deadline_ms\":5}}";

static void assert_sealed(const char *body, const char *before)
{
    char wanted[2048];
    made_body made = make(body);
    assert_ok(made.err);
    (void)snprintf(wanted, sizeof(wanted), "%s%s", before, member);
    assert_string_equal((const char *)made.sealed.data, wanted);
    aver_buf_deinit(&made.sealed);
}

static void the_client_s_bytes_stay_as_they_are(void **state)
{
    (void)state;
    assert_sealed("{}", "{");
    assert_sealed(" { } \r\n", " { ");
    assert_sealed("{\"b\":0.70,\"a\":1e0 }\n", "{\"b\":0.70,\"a\":1e0 ,");
    assert_sealed("{\"a\":\"}\\u0041\"}", "{\"a\":\"}\\u0041\",");
    assert_sealed("{\"aver \":1}", "{\"aver \":1,");
    assert_sealed("{\"a\":{\"aver\":1}}", "{\"a\":{\"aver\":1},");
}

static void facts_are_read(void **state)
{
    (void)state;
    made_body made = make("{\"model\":\"m\",\"n\":3,\"stream\":true,\"seed\":7}");
    assert_ok(made.err);
    assert_string_equal(made.facts.model, "m");
    assert_true(made.facts.stream && made.facts.has_seed);
    assert_int_equal(made.facts.choices, 3);
    assert_int_equal(made.facts.seed, 7);
    aver_buf_deinit(&made.sealed);
    /* What is no such value is left to the node. */
    made = make("{\"model\":7,\"n\":0,\"stream\":\"true\",\"seed\":-1}");
    assert_ok(made.err);
    assert_string_equal(made.facts.model, "");
    assert_false(made.facts.stream || made.facts.has_seed);
    assert_int_equal(made.facts.choices, 1);
    aver_buf_deinit(&made.sealed);
}

static void a_client_s_own_claims_are_used(void **state)
{
    (void)state;
    made_body made = make("{\"z\":1,\"aver\":{\"nonce\":\"" ONES "\",\"deadline_ms\":9,"
                          "\"method\":\"POST\",\"path\":\"/v1/x\",\"keyset\":\"" ZEROS
                          "\",\"evidence\":\"" ZEROS "\"},\"a\":2}");
    assert_ok(made.err);
    assert_string_equal((const char *)made.sealed.data,
                        "{\"z\":1,\"a\":2,\"aver\":{\"method\":\"POST\",\"path\":\"/v1/x\","
                        "\"keyset\":\"" ZEROS "\",\"evidence\":\"" ZEROS "\",\"nonce\":\"" ONES
                        "\",\"deadline_ms\":9}}");
    assert_int_equal(made.facts.nonce[31], 0x11);
    aver_buf_deinit(&made.sealed);
    made = make("{\"aver\":{}}");
    assert_ok(made.err);
    assert_int_equal(made.sealed.size, 1 + sizeof(member) - 1);
    aver_buf_deinit(&made.sealed);
}

static void assert_refused(const char *body, uint32_t status, const char *code, const char *param)
{
    made_body made = make(body);
    if (made.err != AVER_E_FORMAT || made.refusal.status != status) {
        fail_msg("%s: %d, %u", body, (int)made.err, made.refusal.status);
    }
    assert_string_equal(made.refusal.code, code);
    if (param != NULL) {
        assert_string_equal(made.refusal.param, param);
    }
    assert_int_equal(made.sealed.size, 0);
    aver_buf_deinit(&made.sealed);
}

static void what_the_proxy_did_not_verify_is_refused(void **state)
{
    (void)state;
    assert_refused("{\"aver\":{\"method\":\"GET\"}}", 400, "route_mismatch", "aver.method");
    assert_refused("{\"aver\":{\"path\":\"/v1/y\"}}", 400, "route_mismatch", "aver.path");
    assert_refused("{\"aver\":{\"keyset\":\"" ONES "\"}}", 409, "wrong_keyset", "aver.keyset");
    assert_refused("{\"aver\":{\"evidence\":\"" ONES "\"}}", 409, "unknown_evidence",
                   "aver.evidence");
    assert_refused("{\"aver\":{\"nonce\":\"11\"}}", 400, "invalid_value", "aver.nonce");
    assert_refused("{\"aver\":{\"nonce\":1}}", 400, "invalid_value", "aver.nonce");
    assert_refused("{\"aver\":{\"deadline_ms\":-1}}", 400, "invalid_value", "aver.deadline_ms");
    assert_refused("{\"aver\":{\"deadline_ms\":\"1\"}}", 400, "invalid_value", "aver.deadline_ms");
    assert_refused("{\"aver\":{\"other\":1}}", 400, "unknown_parameter", "aver");
    assert_refused("{\"aver\":null}", 400, "invalid_value", "aver");
    assert_refused("[1]", 400, "invalid_json", NULL);
    assert_refused("{\"a\":1", 400, "invalid_json", NULL);
    assert_refused("{\"a\":1}}", 400, "invalid_json", NULL);
    assert_refused("{\"a\":1,\"a\":2}", 400, "invalid_json", NULL);
    assert_refused("", 400, "invalid_json", NULL);
}

static void a_body_too_large_for_the_member_is_refused(void **state)
{
    (void)state;
    static char body[AVER_QUESTION_BODY_BYTES_MAX];
    memset(body, ' ', sizeof(body) - 1);
    memcpy(body, "{}", 2);
    made_body made = make(body);
    assert_err(made.err, AVER_E_LIMIT);
    assert_int_equal(made.refusal.status, 413);
    aver_buf_deinit(&made.sealed);
    body[sizeof(body) - 4096] = '\0';
    made = make(body);
    assert_ok(made.err);
    aver_buf_deinit(&made.sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_s_bytes_stay_as_they_are),
        cmocka_unit_test(facts_are_read),
        cmocka_unit_test(a_client_s_own_claims_are_used),
        cmocka_unit_test(what_the_proxy_did_not_verify_is_refused),
        cmocka_unit_test(a_body_too_large_for_the_member_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

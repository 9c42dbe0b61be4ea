/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/forge.h"

#include <string.h>

#define ROOT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static aver_err parse(const char *text, char why[200])
{
    aver_policy *policy = NULL;
    aver_err err = aver_policy_parse(aver_view_text(text), &policy, why);
    assert_int_equal(err == AVER_OK, policy != NULL);
    aver_policy_free(policy);
    return err;
}

static void what_is_not_a_policy_is_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"", "not JSON"},
        {"[]", "object"},
        {"{}", "\"version\" is missing"},
        {"{\"version\":2}", "\"version\" must be 1"},
        {"{\"version\":1,\"version\":1}", "not JSON"},
        {"{\"version\":1,\"modles\":[]}", "unknown member \"modles\""},
        {"{\"version\":1,\"platforms\":\"sim\"}", "must be a list"},
        {"{\"version\":1,\"platforms\":[\"simulator\"]}", "no platform name"},
        {"{\"version\":1,\"platforms\":[1]}", "no platform name"},
        {"{\"version\":1,\"models\":[\"12\"]}", "64 hex digits"},
        {"{\"version\":1,\"models\":[\"" ROOT "00\"]}", "64 hex digits"},
        {"{\"version\":1,\"models\":[7]}", "64 hex digits"},
        {"{\"version\":1,\"configs\":{}}", "must be a list"},
        {"{\"version\":1,\"measurements\":[{\"platform\":\"sim\"}]}", "names no value"},
        {"{\"version\":1,\"measurements\":[{\"program\":\"" ROOT "\"}]}", "no platform name"},
        {"{\"version\":1,\"measurements\":[{\"platform\":\"sim\",\"pcr99\":\"00\"}]}",
         "unknown member \"pcr99\""},
        {"{\"version\":1,\"measurements\":[{\"platform\":\"nitro\",\"pcr0\":\"" ROOT "\"}]}",
         "96 hex digits"},
        {"{\"version\":1,\"max_evidence_age_s\":-1}", "whole number"},
        {"{\"version\":1,\"max_receipt_age_s\":1.5}", "whole number"},
        {"{\"version\":1,\"max_receipt_age_s\":99999999999}", "whole number"},
        {"{\"version\":1,\"min_tcb\":\"3\"}", "whole number"},
        {"{\"version\":1,\"accept_debug\":1}", "true or false"},
        {"{\"version\":1,\"machines\":\"00\"}", "must be a list"},
        {"{\"version\":1,\"machines\":[\"\"]}", "hex digits each"},
        {"{\"version\":1,\"machines\":[\"0\"]}", "hex digits each"},
        {"{\"version\":1,\"machines\":[\"zz\"]}", "hex digits"},
        {"{\"version\":1,\"machines\":[1]}", "hex digits each"},
        {"{\"version\":1,\"accept_tcb\":[\"Good\"]}", "\"Good\" is no TCB status"},
        {"{\"version\":1,\"accept_tcb\":[3]}", "is no TCB status"},
        {"{\"version\":1,\"min_evaluation\":4294967296}", "whole number"},
        {"{\"version\":1,\"measurements\":[{\"platform\":\"sgx\",\"kernel\":\"" ROOT "\"}]}",
         "unknown member \"kernel\""},
        {"{\"version\":1,\"allow_stripped\":\"no\"}", "true or false"},
        {"{\"version\":1,\"name\":\"\"}", "printable"},
        {"{\"version\":1,\"require\":[\"nonces\"]}", "\"nonces\" is no check"},
        {"{\"version\":1,\"require\":[[]]}", "empty list"},
        {"{\"version\":1,\"require\":[[\"nonce\",[\"binding\"]]]}", "is no check"},
        {"{\"version\":1,\"require\":[[\"nonce\",\"nonce\",\"nonce\",\"nonce\",\"nonce\",\"nonce\","
         "\"nonce\",\"nonce\","
         "\"nonce\"]]}",
         "more than 8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[200] = "";
        assert_int_not_equal(parse(cases[i].text, why), AVER_OK);
        if (!strstr(why, cases[i].words)) {
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, why, cases[i].words);
        }
    }
}

static void each_kind_of_an_entry_must_match(void **state)
{
    (void)state;
    static const char text[] = "{\"version\":1,\"platforms\":[\"sgx\"],\"measurements\":["
                               "{\"platform\":\"sgx\",\"mrenclave\":\"" ROOT
                               "\",\"mrsigner\":\"" ROOT "\",\"name\":\"ours\"}]}";
    aver_policy *policy = NULL;
    char why[200];
    assert_int_equal(aver_policy_parse(aver_view_text(text), &policy, why), AVER_OK);
    aver_measurement found[2] = {{.kind = "mrenclave", .size = 32},
                                 {.kind = "mrsigner", .size = 32}};
    for (size_t i = 0; i < 32; i++) {
        found[0].bytes[i] = (uint8_t)(i % 16 * 0x11);
        found[1].bytes[i] = (uint8_t)(i % 16 * 0x11);
    }
    assert_true(aver_policy_matches(policy, "sgx", found, 2));
    assert_false(aver_policy_matches(policy, "sgx", found, 1));
    assert_false(aver_policy_matches(policy, "sim", found, 2));
    assert_false(aver_policy_matches(policy, "sgx", found, 0));
    assert_true(aver_policy_allows_measurement(policy, "sgx", "mrsigner",
                                               aver_view_make(found[1].bytes, 32)));
    assert_int_equal(aver_policy_measurement_count(policy, "sgx", "mrsigner"), 1);
    assert_int_equal(aver_policy_measurement_count(policy, "sim", "mrsigner"), 0);
    found[1].bytes[31] ^= 1;
    assert_false(aver_policy_matches(policy, "sgx", found, 2));
    assert_false(aver_policy_allows_measurement(policy, "sgx", "mrsigner",
                                                aver_view_make(found[1].bytes, 32)));
    aver_policy_free(policy);
}

static void defaults_are_the_strict_ones(void **state)
{
    (void)state;
    aver_policy *policy = NULL;
    char why[200];
    uint8_t any[32] = {0};
    bool free_config = false;
    assert_int_equal(aver_policy_parse(AVER_VIEW_LITERAL("{\"version\":1}"), &policy, why),
                     AVER_OK);
    assert_false(aver_policy_accepts_debug(policy));
    assert_false(aver_policy_allows_stripped(policy));
    assert_false(aver_policy_allows_platform(policy, "sim"));
    assert_false(aver_policy_allows_model(policy, any));
    assert_true(aver_policy_allows_config(policy, any, &free_config));
    assert_true(free_config);
    assert_int_equal(aver_policy_evidence_age_max_ms(policy), 300000);
    assert_int_equal(aver_policy_receipt_age_max_ms(policy), 300000);
    assert_int_equal(aver_policy_tcb_min(policy), 0);
    assert_string_equal(aver_policy_name(policy), "");
    aver_policy_free(policy);
    assert_int_equal(
        aver_policy_parse(AVER_VIEW_LITERAL("{\"version\":1,\"configs\":[]}"), &policy, why),
        AVER_OK);
    assert_false(aver_policy_allows_config(policy, any, &free_config));
    assert_false(free_config);
    aver_policy_free(policy);
}

static void platforms_are_held_to_what_the_reader_names(void **state)
{
    (void)state;
    static const char text[] =
        "{\"version\":1,\"machines\":[\"00ff\",\"" ROOT "\"],"
        "\"accept_tcb\":[\"UpToDate\",\"SWHardeningNeeded\"],\"min_evaluation\":17}";
    aver_policy *policy = NULL;
    char why[200];
    bool any = true;
    assert_int_equal(aver_policy_parse(aver_view_text(text), &policy, why), AVER_OK);
    assert_int_equal(aver_policy_tcb_statuses(policy),
                     AVER_TCB_SET(AVER_TCB_UP_TO_DATE) |
                         AVER_TCB_SET(AVER_TCB_SW_HARDENING_NEEDED));
    assert_int_equal(aver_policy_evaluation_min(policy), 17);
    assert_true(aver_policy_allows_machine(policy, AVER_VIEW_LITERAL("\x00\xff"), &any));
    assert_false(any);
    assert_false(aver_policy_allows_machine(policy, AVER_VIEW_LITERAL("\x00"), &any));
    assert_false(aver_policy_allows_machine(policy, (aver_view){0}, &any));
    aver_policy_free(policy);
    assert_int_equal(aver_policy_parse(AVER_VIEW_LITERAL("{\"version\":1}"), &policy, why),
                     AVER_OK);
    assert_int_equal(aver_policy_tcb_statuses(policy), AVER_TCB_SET(AVER_TCB_UP_TO_DATE));
    assert_int_equal(aver_policy_evaluation_min(policy), 0);
    assert_true(aver_policy_allows_machine(policy, (aver_view){0}, &any));
    assert_true(any);
    aver_policy_free(policy);
}

/* A value by what it stands for is the value of the kind that holds it on that platform. */
static void values_have_names_by_what_they_stand_for(void **state)
{
    (void)state;
    static const char text[] =
        "{\"version\":1,\"measurements\":["
        "{\"platform\":\"sgx\",\"image\":\"" ROOT "\"},"
        "{\"platform\":\"azure\",\"pcr9\":\"" ROOT "\"},"
        "{\"platform\":\"nitro\",\"signer\":\"" ROOT "00112233445566778899aabbccddeeff\"}]}";
    aver_policy *policy = NULL;
    char why[200];
    assert_int_equal(aver_policy_parse(aver_view_text(text), &policy, why), AVER_OK);
    assert_int_equal(aver_policy_measurement_count(policy, "sgx", "mrenclave"), 1);
    assert_int_equal(aver_policy_measurement_count(policy, "azure", "pcr9"), 1);
    assert_int_equal(aver_policy_measurement_count(policy, "nitro", "pcr8"), 1);
    aver_policy_free(policy);
}

static void expect_words(const char *text, void (*tell)(const aver_policy *, aver_buf *),
                         const char *words)
{
    aver_policy *policy = NULL;
    char why[200];
    aver_buf out;
    aver_buf_init(&out, 65536);
    assert_int_equal(aver_policy_parse(aver_view_text(text), &policy, why), AVER_OK);
    tell(policy, &out);
    aver_buf_append_byte(&out, 0);
    assert_int_equal(aver_buf_status(&out), AVER_OK);
    if (!strstr((const char *)out.data, words)) {
        fail_msg("\"%s\" does not say \"%s\"", (const char *)out.data, words);
    }
    aver_policy_free(policy);
    aver_buf_deinit(&out);
}

static void lint_and_explain_say_what_matters(void **state)
{
    (void)state;
    expect_words("{\"version\":1}", aver_policy_lint, "no model is allowed");
    expect_words("{\"version\":1}", aver_policy_lint, "no platform is allowed");
    expect_words("{\"version\":1,\"accept_debug\":true}", aver_policy_lint, "debug is accepted");
    expect_words("{\"version\":1,\"allow_stripped\":true}", aver_policy_lint,
                 "stripped capsules are accepted");
    expect_words("{\"version\":1,\"platforms\":[\"sim\"]}", aver_policy_lint,
                 "the simulator is allowed");
    expect_words("{\"version\":1,\"platforms\":[\"sim\"]}", aver_policy_lint,
                 "sim is allowed and has no measurement");
    expect_words("{\"version\":1,\"measurements\":[{\"platform\":\"sim\",\"program\":\"" ROOT
                 "\"}]}",
                 aver_policy_lint, "is never used");
    expect_words("{\"version\":1,\"machines\":[]}", aver_policy_lint, "list of machines is empty");
    expect_words("{\"version\":1,\"accept_tcb\":[]}", aver_policy_lint,
                 "no TCB status is accepted");
    expect_words("{\"version\":1,\"accept_tcb\":[\"OutOfDate\"]}", aver_policy_lint,
                 "OutOfDate is accepted");
    expect_words("{\"version\":1,\"machines\":[\"" ROOT "\"]}", aver_policy_explain,
                 "Machines allowed: 1\n  0011223344556677…\n");
    expect_words("{\"version\":1}", aver_policy_explain, "TCB statuses accepted: UpToDate\n");
    expect_words("{\"version\":1,\"measurements\":[{\"platform\":\"sgx\",\"signer\":\"" ROOT
                 "\"}]}",
                 aver_policy_lint, "leaves out mrenclave: any enclave of that signer passes");
    expect_words("{\"version\":1,\"measurements\":[{\"platform\":\"tdx\",\"mrtd\":\"" ROOT
                 "00112233445566778899aabbccddeeff\"}]}",
                 aver_policy_lint, "leaves out rtmr3");
    expect_words("{\"version\":1,\"require\":[\"time.as-of\"]}", aver_policy_lint,
                 "every answer is refused");
    expect_words("{\"version\":1,\"max_evidence_age_s\":100000}", aver_policy_lint,
                 "older than a day");
    expect_words("{\"version\":1,\"max_receipt_age_s\":4000}", aver_policy_lint,
                 "older than an hour");
    expect_words("{\"version\":1,\"name\":\"mine\",\"models\":[\"" ROOT "\"]}", aver_policy_explain,
                 "Models allowed: 1\n  0011223344556677…\n");
    expect_words("{\"version\":1}", aver_policy_explain, "channel.seal or channel.tls");
    expect_words("{\"version\":1,\"require\":[\"time.as-of\"]}", aver_policy_explain,
                 "This policy also asks for:\n  time.as-of");
}

static void verified_only(aver_buf *json)
{
    json->size -= 2;
    aver_buf_append_text(json, ",\"profiles\":[\"verified\"]}");
}

static void no_profile(aver_buf *json)
{
    json->size -= 2;
    aver_buf_append_text(json, ",\"profiles\":[]}");
}

static void fast_model(aver_keyset *keyset)
{
    for (size_t i = 0; i < keyset->models_count; i++) {
        keyset->models[i].profile = AVER_PROFILE_FAST;
    }
}

static void fast_answer(aver_receipt *receipt)
{
    receipt->profile = AVER_PROFILE_FAST;
    receipt->has_step_digest = false;
}

static bool accepted(void (*edit_policy)(aver_buf *json), bool fast, aver_verdict *verdict)
{
    static forge_state made;
    forge_init(&made);
    made.edits.edit_policy = edit_policy;
    if (fast) {
        made.edits.edit_keyset = fast_model;
        made.edits.edit_receipt = fast_answer;
    }
    forge_build(&made);
    aver_verdict_init(verdict);
    bool connected = forge_judge_connect(&made, verdict);
    aver_verdict_init(verdict);
    bool saved = forge_judge_capsule(&made, verdict);
    aver_verdict_init(verdict);
    bool answered = forge_judge_answer(&made, verdict);
    forge_deinit(&made);
    assert_int_equal(connected, answered);
    assert_int_equal(connected, saved);
    return answered;
}

/* Who wants answers that can be computed again says so, and no prompt goes elsewhere. */
static void a_profile_that_is_not_listed_is_refused(void **state)
{
    (void)state;
    static aver_verdict verdict;
    assert_true(accepted(NULL, true, &verdict));
    assert_true(accepted(verified_only, false, &verdict));
    assert_false(accepted(no_profile, false, &verdict));
    assert_false(accepted(verified_only, true, &verdict));
    assert_int_equal(aver_verdict_find(&verdict, "model.allowed")->status, AVER_CHECK_FAIL);
    assert_int_equal(aver_verdict_find(&verdict, "receipt.model")->status, AVER_CHECK_FAIL);
    expect_words("{\"version\":1,\"profiles\":[\"verified\"]}", aver_policy_explain,
                 "Profiles allowed: verified\n");
    expect_words("{\"version\":1}", aver_policy_lint, "profile fast is allowed");
    char why[200];
    assert_int_equal(parse("{\"version\":1,\"profiles\":[\"quick\"]}", why), AVER_E_FORMAT);
    assert_int_equal(parse("{\"version\":1,\"profiles\":[1]}", why), AVER_E_FORMAT);
    assert_int_equal(parse("{\"version\":1,\"profiles\":\"fast\"}", why), AVER_E_FORMAT);
}

static void empty_policy(aver_buf *json)
{
    aver_buf_clear(json);
    aver_buf_append_text(json, "{\"version\":1}");
}

static void a_policy_without_lists_refuses_everything(void **state)
{
    (void)state;
    static aver_verdict verdict;
    static const char *const refused[] = {"platform.allowed", "measurement.allowed",
                                          "model.allowed", "receipt.model"};
    assert_false(accepted(empty_policy, false, &verdict));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(aver_verdict_find(&verdict, refused[i])->status, AVER_CHECK_FAIL);
    }
}

static void require_tokens(aver_buf *json)
{
    /* The closing brace and newline make room for one more member. */
    json->size -= 2;
    aver_buf_append_text(json, ",\"require\":[\"receipt.tokens\",[\"time.as-of\",\"nonce\"]]}");
}

static void no_tokens(aver_transcript *transcript)
{
    transcript->has_tokens = false;
}

/* Before the prompt leaves there is no receipt: what is asked of it is asked of the answer. */
static void what_a_policy_asks_of_the_receipt_waits_for_the_answer(void **state)
{
    (void)state;
    static forge_state made;
    static aver_verdict verdict;
    char why[400];
    forge_init(&made);
    made.edits = (forge_edits){.edit_policy = require_tokens, .edit_transcript = no_tokens};
    forge_build(&made);
    aver_verdict_init(&verdict);
    assert_true(forge_judge_connect(&made, &verdict));
    assert_false(aver_policy_accepts(made.policy, AVER_USE_BUNDLE, &verdict, why));
    aver_verdict_init(&verdict);
    assert_false(forge_judge_answer(&made, &verdict));
    assert_false(aver_policy_accepts(made.policy, AVER_USE_ANSWER, &verdict, why));
    assert_non_null(strstr(why, "receipt.tokens is SKIP"));
    made.transcript.has_tokens = true;
    aver_verdict_init(&verdict);
    assert_true(forge_judge_answer(&made, &verdict));
    forge_deinit(&made);
}

/* What one damaged file leaves unmade is counted, not listed. */
static void checks_that_were_not_made_are_counted(void **state)
{
    (void)state;
    static aver_verdict verdict;
    static const char text[] = "{\"version\":1}";
    aver_policy *policy = NULL;
    char why[400];
    assert_int_equal(aver_policy_parse(aver_view_text(text), &policy, why), AVER_OK);
    aver_verdict_init(&verdict);
    aver_verdict_add(&verdict, "capsule.format", AVER_CHECK_FAIL, "damaged");
    assert_false(aver_policy_accepts(policy, AVER_USE_CAPSULE, &verdict, why));
    assert_string_equal(why, "capsule.format is FAIL: damaged; bundle.format and 28 more were not "
                             "made");
    aver_policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_a_policy_is_refused_in_words),
        cmocka_unit_test(each_kind_of_an_entry_must_match),
        cmocka_unit_test(defaults_are_the_strict_ones),
        cmocka_unit_test(platforms_are_held_to_what_the_reader_names),
        cmocka_unit_test(values_have_names_by_what_they_stand_for),
        cmocka_unit_test(lint_and_explain_say_what_matters),
        cmocka_unit_test(a_profile_that_is_not_listed_is_refused),
        cmocka_unit_test(a_policy_without_lists_refuses_everything),
        cmocka_unit_test(what_a_policy_asks_of_the_receipt_waits_for_the_answer),
        cmocka_unit_test(checks_that_were_not_made_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

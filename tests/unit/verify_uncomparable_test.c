/* SPDX-License-Identifier: Apache-2.0 */
/* What is there and cannot be compared with anything is refused, under every policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/forge.h"

#include <string.h>

typedef struct uncomparable_case {
    const char *check; /* the one that must be FAIL */
    forge_edits edits;
} uncomparable_case;

static forge_state made;
static aver_verdict verdict;

static void allow_stripped(aver_buf *json)
{
    /* The closing brace and newline make room for one more member. */
    json->size -= 2;
    aver_buf_append_text(json, ",\"allow_stripped\":true}");
}

static void other_response_no_salt(aver_capsule *capsule)
{
    capsule->response = AVER_VIEW_LITERAL("{\"choices\":[{\"text\":\"not the answer\"}]}");
    capsule->has_salt = capsule->has_request = capsule->has_tokens = false;
}

static void other_request_no_salt(aver_capsule *capsule)
{
    capsule->request = AVER_VIEW_LITERAL("{\"prompt\":\"not what was asked\"}");
    capsule->has_salt = capsule->has_response = capsule->has_tokens = false;
}

static void tokens_no_salt(aver_capsule *capsule)
{
    capsule->has_salt = capsule->has_response = capsule->has_request = false;
}

static void no_salt(aver_transcript *transcript)
{
    transcript->salt = NULL;
}

static void no_step_digest(aver_receipt *receipt)
{
    receipt->has_step_digest = false;
}

static void tokens_without_step_digest(aver_receipt *receipt)
{
    static const char path[] = "/tokenize";
    receipt->has_step_digest = false;
    memcpy(receipt->path, path, sizeof path);
}

static void path_of_tokens(aver_transcript *transcript)
{
    transcript->path = "/tokenize";
}

static void fast_without_step_digest(aver_receipt *receipt)
{
    receipt->has_step_digest = false;
    receipt->profile = AVER_PROFILE_FAST;
}

static void fast_model(aver_keyset *keyset)
{
    for (size_t i = 0; i < keyset->models_count; i++) {
        keyset->models[i].profile = AVER_PROFILE_FAST;
    }
}

static void build(const forge_edits *edits)
{
    forge_init(&made);
    made.edits = *edits;
    forge_build(&made);
}

static void event_log_for_nobody(aver_bundle *bundle)
{
    bundle->event_log = AVER_VIEW_LITERAL("boot: all is well");
}

static void collateral_for_nobody(aver_bundle *bundle)
{
    bundle->collateral_count = 1;
    bundle->collateral[0] =
        (aver_collateral){AVER_VIEW_LITERAL("audit"), AVER_VIEW_LITERAL("passed")};
}

static void gpu_evidence_for_nobody(aver_bundle *bundle)
{
    bundle->gpu_evidence = AVER_VIEW_LITERAL("a GPU of the best kind");
}

static bool accepted_live(void)
{
    aver_verdict_init(&verdict);
    return forge_judge_answer(&made, &verdict);
}

static bool accepted_saved(void)
{
    aver_verdict_init(&verdict);
    return forge_judge_capsule(&made, &verdict);
}

static void assert_fails(const char *name)
{
    const aver_check *check = aver_verdict_find(&verdict, name);
    assert_non_null(check);
    assert_int_equal(check->status, AVER_CHECK_FAIL);
}

static void a_body_without_the_salt_is_refused_in_any_capsule(void **state)
{
    (void)state;
    static const uncomparable_case cases[] = {
        {"receipt.response", {.whole = true, .edit_capsule = other_response_no_salt}},
        {"receipt.request", {.whole = true, .edit_capsule = other_request_no_salt}},
        {"receipt.tokens", {.whole = true, .edit_capsule = tokens_no_salt}},
        {"receipt.request", {.edit_capsule = other_request_no_salt}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        forge_edits edits = cases[i].edits;
        edits.edit_policy = allow_stripped;
        build(&edits);
        assert_false(accepted_saved());
        assert_fails(cases[i].check);
        forge_deinit(&made);
    }
}

static void a_live_answer_without_the_salt_is_refused(void **state)
{
    (void)state;
    build(&(forge_edits){.edit_transcript = no_salt});
    assert_false(accepted_live());
    assert_fails("receipt.request");
    assert_fails("receipt.response");
    forge_deinit(&made);
}

static void a_verified_answer_without_step_digest_is_refused(void **state)
{
    (void)state;
    build(&(forge_edits){.edit_receipt = no_step_digest});
    assert_false(accepted_live());
    assert_fails("receipt.class");
    assert_false(accepted_saved());
    assert_fails("receipt.class");
    forge_deinit(&made);
    /* The fast profile promises none. */
    build(&(forge_edits){.edit_receipt = fast_without_step_digest, .edit_keyset = fast_model});
    assert_true(accepted_live());
    forge_deinit(&made);
    /* Nor do token ids that were only looked up. */
    build(&(forge_edits){.edit_receipt = tokens_without_step_digest,
                         .edit_transcript = path_of_tokens});
    assert_true(accepted_live());
    assert_true(accepted_saved());
    forge_deinit(&made);
}

/* The simulator signs none of these: anybody could have added them on the way. */
static void what_no_verifier_of_the_platform_reads_is_refused(void **state)
{
    (void)state;
    void (*const added[])(aver_bundle * bundle) = {event_log_for_nobody, collateral_for_nobody,
                                                   gpu_evidence_for_nobody};
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++) {
        build(&(forge_edits){.edit_bundle = added[i]});
        assert_false(accepted_live());
        assert_fails("evidence.format");
        assert_false(accepted_saved());
        assert_fails("evidence.format");
        forge_deinit(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_without_the_salt_is_refused_in_any_capsule),
        cmocka_unit_test(a_live_answer_without_the_salt_is_refused),
        cmocka_unit_test(a_verified_answer_without_step_digest_is_refused),
        cmocka_unit_test(what_no_verifier_of_the_platform_reads_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

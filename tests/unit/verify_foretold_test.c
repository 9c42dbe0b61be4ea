/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node signs while it answers binds it: opening and heads that contradict the receipt, or
 * the events that came, fail receipt.stream and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/forge.h"

#include <string.h>

typedef struct foretold_case {
    const char *words;
    forge_edits edits;
} foretold_case;

static forge_state made;
static aver_verdict verdict;

static void opening_id(aver_opening *opening)
{
    opening->receipt_id[0] ^= 1;
}

static void opening_keyset(aver_opening *opening)
{
    opening->keyset_digest[0] ^= 1;
}

static void opening_incarnation(aver_opening *opening)
{
    opening->incarnation[0] ^= 1;
}

static void opening_request(aver_opening *opening)
{
    opening->request_commitment[0] ^= 1;
}

static void opening_unsigned(aver_transcript *transcript)
{
    transcript->opening = transcript->heads;
}

static void head_id(aver_head *head)
{
    head->receipt_id[0] ^= 1;
}

static void head_root(aver_head *head)
{
    head->root[0] ^= 1;
}

static void head_beyond(aver_head *head)
{
    head->size = FORGE_EVENTS + 1;
}

static void head_unsigned(aver_transcript *transcript)
{
    static uint8_t copy[AVER_RECEIPT_BYTES_MAX];
    memcpy(copy, transcript->heads.data, transcript->heads.size);
    transcript->heads.data = copy;
    copy[transcript->heads.size - 1] ^= 1;
}

static void heads_cut(aver_transcript *transcript)
{
    transcript->heads.size--;
}

#define TWO "the node signed two things: "

static const foretold_case foretold_cases[] = {
    {TWO "the opening is of another receipt id", {.edit_opening = opening_id}},
    {TWO "the opening names another keyset", {.edit_opening = opening_keyset}},
    {TWO "the opening names another incarnation", {.edit_opening = opening_incarnation}},
    {TWO "the opening commits to another request", {.edit_opening = opening_request}},
    {"the opening is not signed", {.edit_transcript = opening_unsigned}},
    {TWO "a head is of another receipt id", {.edit_head = head_id}},
    {TWO "the first 64 events are others", {.edit_head = head_root}},
    {"only 70 were received", {.edit_head = head_beyond}},
    {"a head is not signed", {.edit_transcript = head_unsigned}},
    {"a head cannot be read", {.edit_transcript = heads_cut}},
};

/* Refused for receipt.stream, with these words, and for nothing else; or accepted without words. */
static void expect(bool accepted, const char *words)
{
    const aver_check *check = aver_verdict_find(&verdict, "receipt.stream");
    assert_non_null(check);
    if (words == NULL) {
        assert_true(accepted);
        assert_int_equal(check->status, AVER_CHECK_PASS);
        return;
    }
    assert_false(accepted);
    for (size_t i = 0; i < verdict.count; i++) {
        if ((verdict.checks[i].status == AVER_CHECK_FAIL) != (&verdict.checks[i] == check)) {
            fail_msg("%s: %s is %s", words, verdict.checks[i].name,
                     aver_check_status_text(verdict.checks[i].status));
        }
    }
    if (strstr(check->detail, words) == NULL) {
        fail_msg("wanted: %s; found: %s", words, check->detail);
    }
}

static void make(const forge_edits *edits)
{
    forge_init(&made);
    made.edits = *edits;
    forge_build(&made);
    aver_verdict_init(&verdict);
}

static void a_node_that_signs_two_things_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof foretold_cases / sizeof foretold_cases[0]; i++) {
        make(&foretold_cases[i].edits);
        expect(forge_judge_answer(&made, &verdict), foretold_cases[i].words);
        forge_deinit(&made);
    }
}

/* Signs a head over the first size events and appends it to out. */
static void head_append(uint64_t size, bool wrong, aver_buf *out)
{
    aver_head head = {.size = 0};
    memcpy(head.receipt_id, made.receipt.receipt_id, 32);
    assert_int_equal(aver_stream_tree(aver_buf_view(&made.response), size, &head.size, head.root),
                     AVER_OK);
    assert_int_equal(head.size, size);
    head.root[31] ^= wrong ? 1 : 0;
    assert_int_equal(aver_head_sign(&head, made.receipt.incarnation, made.receipt_key, out),
                     AVER_OK);
}

/* count heads of these sizes; wrong is the index of one whose root is another, -1: none. */
static bool judge_heads(const uint64_t *sizes, int count, int wrong)
{
    aver_buf heads;
    aver_buf one;
    make(&(forge_edits){.whole = false});
    aver_buf_init(&heads, 65536);
    aver_buf_init(&one, AVER_RECEIPT_BYTES_MAX);
    for (int i = 0; i < count; i++) {
        aver_buf_clear(&one);
        head_append(sizes[i], i == wrong, &one);
        aver_buf_append(&heads, aver_buf_view(&one));
    }
    assert_int_equal(aver_buf_status(&heads), AVER_OK);
    made.transcript.heads = aver_buf_view(&heads);
    bool accepted = forge_judge_answer(&made, &verdict);
    aver_buf_deinit(&one);
    aver_buf_deinit(&heads);
    forge_deinit(&made);
    return accepted;
}

static void every_head_is_compared_not_the_last_alone(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 1, 20, 64, FORGE_EVENTS};
    static const uint64_t back[] = {64, 63};
    expect(judge_heads(sizes, 0, -1), NULL);
    expect(judge_heads(sizes, 5, -1), NULL);
    for (int i = 0; i < 5; i++) {
        expect(judge_heads(sizes, 5, i), TWO);
    }
    expect(judge_heads(back, 2, -1), "a head of 63 events follows one of 64");
}

/* A stream without its receipt is refused anyhow; a contradiction has a name there too. */
static void a_cut_stream_is_compared_too(void **state)
{
    (void)state;
    static aver_judged judged;
    static const struct {
        forge_edits edits;
        aver_check_status status;
    } cases[] = {
        {{.cut = true}, AVER_CHECK_PASS},
        {{.cut = true, .edit_head = head_root}, AVER_CHECK_FAIL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        aver_buf good;
        make(&cases[i].edits);
        aver_buf_init(&good, AVER_RECEIPT_BYTES_MAX);
        /* The last head is sound in both cases: only all of them together show the other one. */
        head_append(64, false, &good);
        assert_int_equal(
            aver_verify_bundle(aver_buf_view(&made.bundle), &made.context, &verdict, &judged),
            AVER_OK);
        assert_int_equal(aver_verify_cut(aver_buf_view(&made.opening_bytes), aver_buf_view(&good),
                                         &judged, &made.transcript, &made.context, &verdict),
                         AVER_OK);
        assert_int_equal(aver_verdict_find(&verdict, "receipt.stream")->status, cases[i].status);
        assert_int_equal(aver_verdict_find(&verdict, "receipt.format")->status, AVER_CHECK_FAIL);
        aver_buf_deinit(&good);
        forge_deinit(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_that_signs_two_things_is_refused),
        cmocka_unit_test(every_head_is_compared_not_the_last_alone),
        cmocka_unit_test(a_cut_stream_is_compared_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/forge.h"

#include <string.h>

static aver_verdict verdict;

static const char *detail_of(const char *name)
{
    const aver_check *check = aver_verdict_find(&verdict, name);
    assert_non_null(check);
    return check->detail;
}

static void expect(const char *name, aver_check_status status)
{
    const aver_check *check = aver_verdict_find(&verdict, name);
    assert_non_null(check);
    if (check->status != status) {
        fail_msg("%s is %s: %s", name, aver_check_status_text(check->status), check->detail);
    }
}

static void judge(forge_edits edits)
{
    static forge_state made;
    forge_init(&made);
    made.edits = edits;
    forge_build(&made);
    aver_verdict_init(&verdict);
    /* No cut stream is ever accepted. */
    assert_false(forge_judge_capsule(&made, &verdict));
    forge_deinit(&made);
}

static void a_capsule_comes_back_as_it_was(void **state)
{
    (void)state;
    static forge_state made;
    aver_capsule capsule;
    aver_buf again;
    forge_init(&made);
    forge_build(&made);
    aver_buf_init(&again, AVER_CAPSULE_BYTES_MAX);
    assert_int_equal(aver_capsule_decode(aver_buf_view(&made.capsule), &capsule), AVER_OK);
    assert_true(aver_view_equal(capsule.response, aver_buf_view(&made.response)));
    assert_memory_equal(capsule.salt, made.salt, 32);
    assert_int_equal(aver_capsule_encode(&capsule, &again), AVER_OK);
    assert_true(aver_view_equal(aver_buf_view(&again), aver_buf_view(&made.capsule)));
    aver_buf_clear(&again);
    /* An empty body is not an absent one. */
    capsule.response = (aver_view){0};
    assert_int_equal(aver_capsule_encode(&capsule, &again), AVER_OK);
    assert_int_equal(aver_capsule_decode(aver_buf_view(&again), &capsule), AVER_OK);
    assert_true(capsule.has_response);
    aver_buf_deinit(&again);
    forge_deinit(&made);
}

static void a_capsule_is_of_an_answer_or_of_a_cut_stream(void **state)
{
    (void)state;
    aver_buf bytes;
    aver_buf_init(&bytes, 4096);
    aver_capsule capsule = {.bundle = AVER_VIEW_LITERAL("b")};
    assert_int_equal(aver_capsule_encode(&capsule, &bytes), AVER_E_USAGE);
    capsule.opening = AVER_VIEW_LITERAL("o");
    assert_int_equal(aver_capsule_encode(&capsule, &bytes), AVER_OK);
    capsule.receipt = AVER_VIEW_LITERAL("r");
    assert_int_equal(aver_capsule_encode(&capsule, &bytes), AVER_E_USAGE);
    capsule.opening = (aver_view){0};
    capsule.head = AVER_VIEW_LITERAL("h");
    assert_int_equal(aver_capsule_encode(&capsule, &bytes), AVER_E_USAGE);
    /* {0: 1, 1: h'72', 2: h'62', 9: [h'6f']} holds both. */
    static const uint8_t both[] = {0xa4, 0x00, 0x01, 0x01, 0x41, 0x72, 0x02,
                                   0x41, 0x62, 0x09, 0x81, 0x41, 0x6f};
    assert_int_equal(aver_capsule_decode(AVER_VIEW_OF(both), &capsule), AVER_E_FORMAT);
    aver_buf_deinit(&bytes);
}

static void a_cut_stream_is_proven_up_to_its_last_head(void **state)
{
    (void)state;
    judge((forge_edits){.cut = true});
    expect("receipt.format", AVER_CHECK_FAIL);
    assert_string_equal(detail_of("receipt.format"), "cut stream: proven up to event 64");
    expect("receipt.signature", AVER_CHECK_PASS);
    expect("receipt.keyset", AVER_CHECK_PASS);
    expect("receipt.incarnation", AVER_CHECK_PASS);
    expect("receipt.request", AVER_CHECK_PASS);
    expect("receipt.stream", AVER_CHECK_PASS);
    expect("receipt.finish", AVER_CHECK_SKIP);
    expect("binding", AVER_CHECK_PASS);
}

static void other_size(aver_head *head)
{
    head->size--;
}

static void other_id(aver_head *head)
{
    head->receipt_id[0] ^= 1;
}

static void other_commitment(aver_opening *opening)
{
    opening->request_commitment[0] ^= 1;
}

static void other_keyset(aver_opening *opening)
{
    opening->keyset_digest[0] ^= 1;
}

static void other_incarnation(aver_opening *opening)
{
    opening->incarnation[0] ^= 1;
}

static void changed_event(aver_capsule *capsule)
{
    /* Inside the sixty-fourth event or before: the cut leaves the first bytes. */
    static uint8_t copy[65536];
    memcpy(copy, capsule->response.data, capsule->response.size);
    copy[50] ^= 1;
    capsule->response.data = copy;
}

static void too_few_events(aver_capsule *capsule)
{
    capsule->response.size = 100;
}

static void foreign_opening(aver_capsule *capsule)
{
    static uint8_t copy[4096];
    memcpy(copy, capsule->opening.data, capsule->opening.size);
    copy[capsule->opening.size - 1] ^= 1;
    capsule->opening.data = copy;
}

static void foreign_head(aver_capsule *capsule)
{
    static uint8_t copy[4096];
    memcpy(copy, capsule->head.data, capsule->head.size);
    copy[capsule->head.size - 1] ^= 1;
    capsule->head.data = copy;
}

static void no_head(aver_capsule *capsule)
{
    capsule->head = (aver_view){0};
}

static void a_cut_stream_that_was_tampered_with_proves_nothing(void **state)
{
    (void)state;
    static const struct {
        forge_edits edits;
        const char *check;
        aver_check_status status;
    } cases[] = {
        {{.cut = true, .edit_head = other_size}, "receipt.stream", AVER_CHECK_FAIL},
        {{.cut = true, .edit_head = other_id}, "receipt.signature", AVER_CHECK_FAIL},
        {{.cut = true, .edit_capsule = changed_event}, "receipt.stream", AVER_CHECK_FAIL},
        {{.cut = true, .edit_capsule = too_few_events}, "receipt.stream", AVER_CHECK_FAIL},
        {{.cut = true, .edit_capsule = foreign_opening}, "receipt.signature", AVER_CHECK_FAIL},
        {{.cut = true, .edit_capsule = foreign_head}, "receipt.signature", AVER_CHECK_FAIL},
        {{.cut = true, .edit_capsule = no_head}, "receipt.stream", AVER_CHECK_SKIP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        judge(cases[i].edits);
        expect(cases[i].check, cases[i].status);
        assert_string_equal(detail_of("receipt.format"), "cut stream: proven up to event 0");
    }
}

static void the_opening_is_of_this_request_and_node(void **state)
{
    (void)state;
    judge((forge_edits){.cut = true, .edit_opening = other_commitment});
    expect("receipt.request", AVER_CHECK_FAIL);
    judge((forge_edits){.cut = true, .edit_opening = other_keyset});
    expect("receipt.keyset", AVER_CHECK_FAIL);
    judge((forge_edits){.cut = true, .edit_opening = other_incarnation});
    expect("receipt.incarnation", AVER_CHECK_FAIL);
}

static void broken_event(aver_capsule *capsule)
{
    capsule->response.size--;
}

static void a_saved_stream_is_split_into_its_events_again(void **state)
{
    (void)state;
    judge((forge_edits){.edit_capsule = broken_event});
    expect("receipt.stream", AVER_CHECK_FAIL);
    assert_string_equal(detail_of("receipt.stream"), "the bytes end inside an event");
    judge((forge_edits){.edit_capsule = changed_event});
    expect("receipt.stream", AVER_CHECK_FAIL);
    expect("receipt.response", AVER_CHECK_FAIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_capsule_comes_back_as_it_was),
        cmocka_unit_test(a_capsule_is_of_an_answer_or_of_a_cut_stream),
        cmocka_unit_test(a_cut_stream_is_proven_up_to_its_last_head),
        cmocka_unit_test(a_cut_stream_that_was_tampered_with_proves_nothing),
        cmocka_unit_test(the_opening_is_of_this_request_and_node),
        cmocka_unit_test(a_saved_stream_is_split_into_its_events_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

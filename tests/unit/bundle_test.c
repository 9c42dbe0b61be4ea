/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/forge.h"

#include <stdlib.h>
#include <string.h>

static void a_bundle_comes_back_as_it_was(void **state)
{
    (void)state;
    static forge_state made;
    static aver_bundle bundle;
    aver_buf again;
    forge_init(&made);
    forge_build(&made);
    assert_int_equal(aver_bundle_decode(aver_buf_view(&made.bundle), &bundle), AVER_OK);
    bundle.collateral_count = 2;
    bundle.collateral[0] = (aver_collateral){AVER_VIEW_LITERAL("b"), AVER_VIEW_LITERAL("x")};
    bundle.collateral[1] = (aver_collateral){AVER_VIEW_LITERAL("aa"), AVER_VIEW_LITERAL("")};
    bundle.gpu_evidence = AVER_VIEW_LITERAL("gpu");
    bundle.event_log = AVER_VIEW_LITERAL("log");
    aver_buf_init(&again, AVER_BUNDLE_BYTES_MAX);
    assert_int_equal(aver_bundle_encode(&bundle, &again), AVER_OK);
    static aver_bundle back;
    assert_int_equal(aver_bundle_decode(aver_buf_view(&again), &back), AVER_OK);
    assert_int_equal(back.collateral_count, 2);
    assert_true(aver_view_equal_text(back.collateral[1].name, "aa"));
    assert_true(aver_view_equal_text(back.event_log, "log"));
    assert_int_equal(back.nonce_count, 2);
    assert_int_equal(back.nonce_index, 1);
    assert_true(aver_view_equal(back.evidence, aver_buf_view(&made.evidence)));
    aver_buf_deinit(&again);
    forge_deinit(&made);
}

static void what_a_bundle_cannot_say_is_refused(void **state)
{
    (void)state;
    static forge_state made;
    static aver_bundle good;
    aver_buf bytes;
    forge_init(&made);
    forge_build(&made);
    aver_buf_init(&bytes, 2 * AVER_BUNDLE_BYTES_MAX);
    assert_int_equal(aver_bundle_decode(aver_buf_view(&made.bundle), &good), AVER_OK);
    static aver_bundle bad;
    bad = good;
    bad.nonce_index = 2;
    assert_int_equal(aver_bundle_encode(&bad, &bytes), AVER_E_USAGE);
    bad = good;
    bad.nonce_count = 65537;
    assert_int_equal(aver_bundle_encode(&bad, &bytes), AVER_E_USAGE);
    bad = good;
    bad.evidence.size = 0;
    assert_int_equal(aver_bundle_encode(&bad, &bytes), AVER_E_USAGE);
    bad = good;
    bad.collateral_count = 2;
    bad.collateral[0] = (aver_collateral){AVER_VIEW_LITERAL("b"), AVER_VIEW_LITERAL("x")};
    bad.collateral[1] = (aver_collateral){AVER_VIEW_LITERAL("a"), AVER_VIEW_LITERAL("x")};
    assert_int_equal(aver_bundle_encode(&bad, &bytes), AVER_E_USAGE);
    uint8_t *large = calloc(1, AVER_BUNDLE_BYTES_MAX);
    assert_non_null(large);
    bad = good;
    bad.event_log = aver_view_make(large, AVER_BUNDLE_BYTES_MAX);
    assert_int_equal(aver_bundle_encode(&bad, &bytes), AVER_E_LIMIT);
    assert_int_equal(
        aver_bundle_decode(aver_view_make(large, AVER_BUNDLE_BYTES_MAX + (size_t)1), &bad),
        AVER_E_LIMIT);
    free(large);
    assert_int_equal(bytes.size, 0);
    for (size_t size = 0; size < made.bundle.size; size++) {
        assert_int_not_equal(aver_bundle_decode(aver_view_make(made.bundle.data, size), &bad),
                             AVER_OK);
    }
    aver_buf_deinit(&bytes);
    forge_deinit(&made);
}

static void a_wrapped_bundle_is_found_by_its_first_byte(void **state)
{
    (void)state;
    static forge_state made;
    aver_buf wrapped[3];
    forge_init(&made);
    forge_build(&made);
    for (size_t i = 0; i < 3; i++) {
        aver_buf_init(&wrapped[i], 2 * AVER_BUNDLE_BYTES_MAX);
    }
    assert_int_equal(aver_cmw_wrap_json(aver_buf_view(&made.bundle), &wrapped[0]), AVER_OK);
    assert_int_equal(aver_cmw_wrap_cbor(aver_buf_view(&made.bundle), &wrapped[1]), AVER_OK);
    aver_buf_append(&wrapped[2], aver_buf_view(&made.bundle));
    assert_int_equal(wrapped[0].data[0], '[');
    for (size_t i = 0; i < 3; i++) {
        aver_buf bare;
        aver_buf_init(&bare, AVER_BUNDLE_BYTES_MAX);
        assert_int_equal(aver_cmw_unwrap(aver_buf_view(&wrapped[i]), &bare), AVER_OK);
        assert_true(aver_view_equal(aver_buf_view(&bare), aver_buf_view(&made.bundle)));
        aver_buf_deinit(&bare);
        aver_buf_deinit(&wrapped[i]);
    }
    forge_deinit(&made);
}

static void a_foreign_wrapper_is_refused(void **state)
{
    (void)state;
    static const char *const wrappers[] = {
        "",
        "[]",
        "[\"application/vnd.aver.bundle+cbor\"]",
        "[\"application/vnd.aver.bundle+cbor\",\"oA\",1]",
        "[\"application/vnd.aver.bundle+cbor\",\"o=\"]",
        "[\"application/vnd.aver.bundle+cbor\",7]",
        "[\"application/eat+cwt\",\"oA\"]",
        "\x82\x61x\x40",
        "\x81\x40",
    };
    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++) {
        aver_buf bare;
        aver_buf_init(&bare, AVER_BUNDLE_BYTES_MAX);
        assert_int_not_equal(aver_cmw_unwrap(aver_view_text(wrappers[i]), &bare), AVER_OK);
        assert_int_equal(bare.size, 0);
        aver_buf_deinit(&bare);
    }
}

static void the_binding_covers_each_of_its_parts(void **state)
{
    (void)state;
    uint8_t a[32] = {1};
    uint8_t b[32] = {2};
    uint8_t data[4][64];
    aver_binding(a, b, (aver_view){0}, data[0]);
    aver_binding(b, a, (aver_view){0}, data[1]);
    aver_binding(a, b, AVER_VIEW_OF(a), data[2]);
    aver_binding(a, b, AVER_VIEW_OF(b), data[3]);
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = i + 1; j < 4; j++) {
            assert_memory_not_equal(data[i], data[j], 64);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_comes_back_as_it_was),
        cmocka_unit_test(what_a_bundle_cannot_say_is_refused),
        cmocka_unit_test(a_wrapped_bundle_is_found_by_its_first_byte),
        cmocka_unit_test(a_foreign_wrapper_is_refused),
        cmocka_unit_test(the_binding_covers_each_of_its_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_bounds: documents of tokens at their bounds and one beyond, each bound alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/receipt.h"
#include "codec/cbor.h"

#include <stdlib.h>

#define ROOM_MAX (4u * 1024 * 1024)

static int32_t *ids_new(void)
{
    int32_t *ids = calloc(AVER_TOKENS_MAX + 1, sizeof(*ids));
    assert_non_null(ids);
    return ids;
}

static void writers_keep_the_bounds(void **state)
{
    static const struct {
        size_t prompt, first, second;
        aver_err err;
    } cases[] = {
        {AVER_TOKENS_MAX, 0, 0, AVER_OK},     {AVER_TOKENS_MAX + 1, 0, 0, AVER_E_LIMIT},
        {AVER_TOKENS_MAX - 2, 1, 1, AVER_OK}, {AVER_TOKENS_MAX - 1, 1, 1, AVER_E_LIMIT},
        {0, AVER_TOKENS_MAX, 0, AVER_OK},     {0, AVER_TOKENS_MAX, 1, AVER_E_LIMIT},
    };
    int32_t *ids = ids_new();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        aver_tokens tokens = {.ids = ids,
                              .prompt_count = cases[i].prompt,
                              .choices_count = 2,
                              .counts = {cases[i].first, cases[i].second}};
        aver_buf bytes;
        aver_buf_init(&bytes, ROOM_MAX);
        assert_int_equal(aver_tokens_encode(&tokens, &bytes), cases[i].err);
        assert_true((bytes.size == 0) == (cases[i].err != AVER_OK));
        aver_buf_deinit(&bytes);
    }
    free(ids);
}

/* A buffer without room for it all is what it was. */
static void what_has_no_room_is_not_begun(void **state)
{
    int32_t *ids = ids_new();
    aver_tokens tokens = {.ids = ids, .prompt_count = 100, .choices_count = 1};
    aver_buf bytes;

    (void)state;
    aver_buf_init(&bytes, 50);
    aver_buf_append_byte(&bytes, 7);
    assert_int_equal(aver_tokens_encode(&tokens, &bytes), AVER_E_LIMIT);
    assert_int_equal(bytes.size, 1);
    aver_buf_deinit(&bytes);
    free(ids);
}

static void ids_put(aver_buf *out, size_t count)
{
    aver_cbor_put_array(out, count);
    for (size_t i = 0; i < count; i++) {
        aver_cbor_put_uint(out, 1);
    }
}

static void readers_keep_the_bounds(void **state)
{
    static const struct {
        size_t parts, prompt, first, rest;
        aver_err err;
    } cases[] = {
        {2, AVER_TOKENS_MAX, 0, 0, AVER_OK},
        {2, AVER_TOKENS_MAX + 1, 0, 0, AVER_E_LIMIT},
        {2, 0, AVER_TOKENS_MAX, 0, AVER_OK},
        {2, 0, AVER_TOKENS_MAX + 1, 0, AVER_E_LIMIT},
        {2, AVER_TOKENS_MAX - 5, 6, 0, AVER_E_LIMIT},
        {3, AVER_TOKENS_MAX - 5, 5, 1, AVER_E_LIMIT},
        {AVER_TOKENS_CHOICES_MAX + 1, 0, 0, 0, AVER_OK},
        {AVER_TOKENS_CHOICES_MAX + 2, 0, 0, 0, AVER_E_LIMIT},
        {1, 0, 0, 0, AVER_E_FORMAT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        aver_tokens tokens = {0};
        aver_buf bytes;
        aver_buf_init(&bytes, ROOM_MAX);
        aver_cbor_put_array(&bytes, cases[i].parts);
        for (size_t part = 0; part < cases[i].parts; part++) {
            ids_put(&bytes, part == 0   ? cases[i].prompt
                            : part == 1 ? cases[i].first
                                        : cases[i].rest);
        }
        assert_int_equal(aver_buf_status(&bytes), AVER_OK);
        assert_int_equal(aver_tokens_decode(aver_buf_view(&bytes), &tokens), cases[i].err);
        aver_tokens_deinit(&tokens);
        aver_buf_deinit(&bytes);
    }
}

/* Bytes beyond the bound are not looked at, whatever they are. */
static void long_documents_are_not_read(void **state)
{
    aver_tokens tokens = {0};
    aver_buf bytes;

    (void)state;
    aver_buf_init(&bytes, ROOM_MAX);
    while (bytes.size < AVER_TOKENS_BYTES_MAX) {
        aver_buf_append_byte(&bytes, 0);
    }
    assert_int_equal(aver_tokens_decode(aver_buf_view(&bytes), &tokens), AVER_E_FORMAT);
    aver_buf_append_byte(&bytes, 0);
    assert_int_equal(aver_tokens_decode(aver_buf_view(&bytes), &tokens), AVER_E_LIMIT);
    aver_buf_deinit(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_keep_the_bounds),
        cmocka_unit_test(what_has_no_room_is_not_begun),
        cmocka_unit_test(readers_keep_the_bounds),
        cmocka_unit_test(long_documents_are_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

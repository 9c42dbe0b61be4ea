/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/host_rows.h"

#include <string.h>

#define HIDDEN     4
#define VOCABULARY 128

static float hidden[3][HIDDEN];
static float logits[3][VOCABULARY];

/* What llama.cpp shows: rows of this width, one for each position. */
static void show(aver_host_rows *rows, const char *name, void *data, int64_t width, int64_t count)
{
    struct ggml_tensor tensor = {.type = GGML_TYPE_F32, .ne = {width, count, 1, 1}, .data = data};
    tensor.nb[0] = sizeof(float);
    tensor.nb[1] = tensor.nb[0] * (size_t)width;
    tensor.nb[2] = tensor.nb[1] * (size_t)count;
    tensor.nb[3] = tensor.nb[2];
    memcpy(tensor.name, name, strlen(name) + 1);
    assert_true(aver_host_rows_watch(&tensor, true, rows));
    assert_true(aver_host_rows_watch(&tensor, false, rows));
}

static void rows_open(aver_host_rows *rows)
{
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < VOCABULARY; k++) {
            logits[i][k] = (float)(i * 1000 + k);
        }
        for (size_t k = 0; k < HIDDEN; k++) {
            hidden[i][k] = (float)(i * 10 + k);
        }
    }
    assert_int_equal(aver_host_rows_init(rows, 3, HIDDEN, VOCABULARY), AVER_OK);
    aver_host_rows_begin(rows);
}

static void rows_show(aver_host_rows *rows)
{
    show(rows, "result_norm", hidden, HIDDEN, 3);
    show(rows, "result_output", logits, VOCABULARY, 3);
}

static void rows_are_found_in_whatever_order_they_came(void **state)
{
    (void)state;
    static const size_t came[] = {2, 0, 1};
    aver_host_rows rows;
    rows_open(&rows);
    rows_show(&rows);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(aver_host_rows_match(&rows, 7 + i, i, logits[came[i]]), AVER_OK);
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_memory_equal(aver_host_rows_at(&rows, 7 + i), hidden[came[i]], sizeof(hidden[0]));
    }
    assert_null(aver_host_rows_at(&rows, 1));
    aver_host_rows_deinit(&rows);
}

static void logits_of_no_row_are_refused(void **state)
{
    (void)state;
    float other[VOCABULARY] = {5};
    aver_host_rows rows;
    rows_open(&rows);
    rows_show(&rows);
    assert_int_equal(aver_host_rows_match(&rows, 0, 0, other), AVER_E_FORMAT);
    aver_host_rows_deinit(&rows);
}

static void a_row_is_never_guessed(void **state)
{
    (void)state;
    aver_host_rows rows;
    rows_open(&rows);
    memcpy(logits[2], logits[0], sizeof(logits[0]));
    rows_show(&rows);
    assert_int_equal(aver_host_rows_match(&rows, 0, 0, logits[0]), AVER_E_FORMAT);
    assert_int_equal(aver_host_rows_match(&rows, 1, 1, logits[1]), AVER_OK);
    aver_host_rows_deinit(&rows);
}

static void equal_rows_may_stand_for_each_other(void **state)
{
    (void)state;
    aver_host_rows rows;
    rows_open(&rows);
    memcpy(logits[2], logits[0], sizeof(logits[0]));
    memcpy(hidden[2], hidden[0], sizeof(hidden[0]));
    rows_show(&rows);
    assert_int_equal(aver_host_rows_match(&rows, 0, 0, logits[2]), AVER_OK);
    assert_memory_equal(aver_host_rows_at(&rows, 0), hidden[0], sizeof(hidden[0]));
    aver_host_rows_deinit(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found_in_whatever_order_they_came),
        cmocka_unit_test(logits_of_no_row_are_refused),
        cmocka_unit_test(a_row_is_never_guessed),
        cmocka_unit_test(equal_rows_may_stand_for_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

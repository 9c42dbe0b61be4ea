/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static void buf_grows_to_its_maximum_and_no_further(void **state)
{
    (void)state;
    aver_buf buf;
    aver_buf_init(&buf, 100);
    for (unsigned i = 0; i < 100; i++) {
        aver_buf_append_byte(&buf, (uint8_t)i);
    }
    assert_ok(aver_buf_status(&buf));
    assert_int_equal(buf.size, 100);
    assert_true(buf.capacity <= 100);
    aver_buf_append_byte(&buf, 1);
    assert_err(aver_buf_status(&buf), AVER_E_LIMIT);
    assert_int_equal(buf.size, 100);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(buf.data[i], i);
    }
    aver_buf_deinit(&buf);
}

static void buf_failure_sticks_until_cleared(void **state)
{
    (void)state;
    aver_buf buf;
    aver_buf_init(&buf, 4);
    aver_buf_append_text(&buf, "abcde");
    aver_buf_append_text(&buf, "a");
    assert_err(aver_buf_status(&buf), AVER_E_LIMIT);
    assert_int_equal(buf.size, 0);
    assert_err(aver_buf_reserve(&buf, 1), AVER_E_LIMIT);
    aver_buf_clear(&buf);
    aver_buf_append_text(&buf, "abcd");
    assert_ok(aver_buf_status(&buf));
    assert_true(aver_view_equal_text(aver_buf_view(&buf), "abcd"));
    aver_buf_deinit(&buf);
}

static void buf_reserve_refusal_does_not_stick(void **state)
{
    (void)state;
    aver_buf buf;
    aver_buf_init(&buf, 8);
    assert_err(aver_buf_reserve(&buf, 9), AVER_E_LIMIT);
    assert_err(aver_buf_reserve(&buf, SIZE_MAX), AVER_E_LIMIT);
    assert_ok(aver_buf_reserve(&buf, 8));
    assert_ok(aver_buf_status(&buf));
    aver_buf_deinit(&buf);
}

static void buf_format_numbers_and_limit(void **state)
{
    (void)state;
    aver_buf buf;
    aver_buf_init(&buf, 8);
    aver_buf_append_format(&buf, "%d-%s", 12, "abcde");
    assert_ok(aver_buf_status(&buf));
    assert_true(aver_view_equal_text(aver_buf_view(&buf), "12-abcde"));
    aver_buf_append_format(&buf, "%s", "");
    assert_ok(aver_buf_status(&buf));
    aver_buf_append_format(&buf, "%d", 1);
    assert_err(aver_buf_status(&buf), AVER_E_LIMIT);
    aver_buf_deinit(&buf);
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    aver_buf_init(&buf, 1000);
    aver_buf_append_format(&buf, "%s", text);
    assert_true(aver_view_equal_text(aver_buf_view(&buf), text));
    aver_buf_deinit(&buf);
}

static void buf_big_endian_both_ways(void **state)
{
    (void)state;
    aver_buf buf;
    aver_buf_init(&buf, 14);
    aver_buf_append_be16(&buf, 0x0102);
    aver_buf_append_be32(&buf, 0xf3040506);
    aver_buf_append_be64(&buf, UINT64_C(0xf708090a0b0c0d0e));
    test_assert_hex(aver_buf_view(&buf), "0102f3040506f708090a0b0c0d0e");
    assert_int_equal(aver_be16_read(buf.data), 0x0102);
    assert_int_equal(aver_be32_read(buf.data + 2), 0xf3040506);
    assert_true(aver_be64_read(buf.data + 6) == UINT64_C(0xf708090a0b0c0d0e));
    aver_buf_deinit(&buf);
}

static void buf_consume_and_take(void **state)
{
    (void)state;
    aver_buf buf;
    aver_buf_init(&buf, 16);
    aver_buf_consume(&buf, 0);
    aver_buf_append_text(&buf, "abcdef");
    aver_buf_consume(&buf, 4);
    assert_true(aver_view_equal_text(aver_buf_view(&buf), "ef"));
    aver_buf taken = aver_buf_take(&buf);
    assert_true(aver_view_equal_text(aver_buf_view(&taken), "ef"));
    assert_int_equal(buf.size, 0);
    assert_null(buf.data);
    assert_int_equal(buf.capacity_max, 16);
    aver_buf_deinit(&taken);
    aver_buf_deinit(&buf);
}

static void buf_wipe_zeroes_the_bytes(void **state)
{
    (void)state;
    aver_buf buf;
    aver_buf_init(&buf, 64);
    aver_buf_append_text(&buf, "secret");
    aver_buf_wipe(&buf);
    assert_int_equal(buf.size, 0);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(buf.data[i], 0);
    }
    aver_buf_deinit(&buf);
}

/* Reads freed memory, which only the system may do. */
static size_t buf_test_memory_read(uintptr_t address, uint8_t *ret_bytes, size_t size)
{
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t got = pread(fd, ret_bytes, size, (off_t)address);
    close(fd);
    return got > 0 ? (size_t)got : 0;
}

static void buf_growth_leaves_no_copy_behind(void **state)
{
    (void)state;
    aver_buf buf;
    uint8_t left[200];
    aver_buf_init(&buf, 1 << 20);
    aver_buf_append_text(&buf, "a prompt that nobody else should ever read: "
                               "0123456789012345678901234567890123456789012345678901234567890123");
    uintptr_t before = (uintptr_t)buf.data;
    void *wall = malloc(sizeof left); /* lies behind, so that growth has to move */
    assert_non_null(wall);
    assert_ok(aver_buf_reserve(&buf, 100000));
    assert_true((uintptr_t)buf.data != before);
    size_t size = buf_test_memory_read(before, left, sizeof left);
    assert_null(memmem(left, size, "0123456789", 10));
    assert_true(memmem(buf.data, buf.size, "0123456789", 10) != NULL);
    free(wall);
    aver_buf_deinit(&buf);
}

static void view_slices_and_compares(void **state)
{
    (void)state;
    aver_view view = AVER_VIEW_LITERAL("hello");
    assert_int_equal(view.size, 5);
    assert_true(aver_view_equal_text(aver_view_slice(view, 1, 3), "ell"));
    assert_true(aver_view_equal_text(aver_view_slice(view, 5, 0), ""));
    assert_true(aver_view_equal(aver_view_text(NULL), aver_view_text("")));
    assert_false(aver_view_equal(view, aver_view_slice(view, 0, 4)));
    assert_false(aver_view_equal_text(view, "hellO"));
}

static void err_names_differ(void **state)
{
    (void)state;
    for (int a = AVER_OK; a <= AVER_E_CRYPTO; a++) {
        for (int b = a + 1; b <= AVER_E_CRYPTO + 1; b++) {
            assert_string_not_equal(aver_err_text((aver_err)a), aver_err_text((aver_err)b));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_grows_to_its_maximum_and_no_further),
        cmocka_unit_test(buf_failure_sticks_until_cleared),
        cmocka_unit_test(buf_reserve_refusal_does_not_stick),
        cmocka_unit_test(buf_format_numbers_and_limit),
        cmocka_unit_test(buf_big_endian_both_ways),
        cmocka_unit_test(buf_consume_and_take),
        cmocka_unit_test(buf_wipe_zeroes_the_bytes),
        cmocka_unit_test(buf_growth_leaves_no_copy_behind),
        cmocka_unit_test(view_slices_and_compares),
        cmocka_unit_test(err_names_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

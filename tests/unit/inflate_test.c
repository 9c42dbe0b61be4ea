/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/inflate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES_MAX = 300000 };

/* gzip packs text at that level ('1' to '9'); skipped where there is none. */
static void pack(aver_view text, char level, aver_buf *out)
{
    char name[] = "/tmp/aver-inflate-XXXXXX";
    char command[128];
    uint8_t block[4096];
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "wb");
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(command, sizeof command, "gzip -n -c -%c %s", level, name);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    aver_buf_init(out, (size_t)2 * TEXT_BYTES_MAX);
    for (size_t size = 1; size > 0;) {
        size = fread(block, 1, sizeof block, pipe);
        aver_buf_append(out, aver_view_make(block, size));
    }
    int status = pclose(pipe);
    (void)remove(name);
    if (status != 0) {
        aver_buf_deinit(out);
        skip();
    }
}

static void assert_unpacks(aver_view text, char level)
{
    aver_buf packed;
    aver_buf found;
    pack(text, level, &packed);
    aver_buf_init(&found, TEXT_BYTES_MAX);
    assert_int_equal(aver_gzip_unpack(aver_buf_view(&packed), &found), AVER_OK);
    assert_true(aver_view_equal(aver_buf_view(&found), text));
    aver_buf_deinit(&found);
    aver_buf_deinit(&packed);
}

static void what_gzip_packs_is_unpacked(void **state)
{
    (void)state;
    uint8_t *text = malloc(TEXT_BYTES_MAX);
    assert_non_null(text);
    uint32_t random = 1;
    for (size_t i = 0; i < TEXT_BYTES_MAX; i++) {
        random = random * 1103515245 + 12345;
        /* words, then noise that cannot be packed, then one byte many times */
        text[i] = i < 100000   ? (uint8_t)((uint8_t)"evidence"[i % 8] + (random >> 16) % 3)
                  : i < 200000 ? (uint8_t)(random >> 16)
                               : 'x';
    }
    for (char level = '1'; level <= '9'; level += 4) {
        assert_unpacks(aver_view_make(text, TEXT_BYTES_MAX), level);
        assert_unpacks(aver_view_make(text, 1000), level);
        assert_unpacks(aver_view_make(text, 1), level);
        assert_unpacks(aver_view_make(text, 0), level);
    }
    free(text);
}

static void bounds_hold_and_nothing_is_left(void **state)
{
    (void)state;
    static const uint8_t zeros[100000];
    aver_buf packed;
    aver_buf found;
    pack(AVER_VIEW_OF(zeros), '9', &packed);
    aver_buf_init(&found, sizeof zeros + 3);
    aver_buf_append_text(&found, "abcd");
    assert_int_equal(aver_gzip_unpack(aver_buf_view(&packed), &found), AVER_E_LIMIT);
    assert_true(aver_view_equal_text(aver_buf_view(&found), "abcd"));
    aver_buf_deinit(&found);
    aver_buf_deinit(&packed);
}

/* Each bit of a packed text: the sum finds what the code does not. */
static void each_changed_bit_is_refused(void **state)
{
    (void)state;
    aver_buf packed;
    pack(AVER_VIEW_LITERAL("report data, report data, report"), '9', &packed);
    for (size_t i = 0; i < 8 * packed.size; i++) {
        aver_buf found;
        bool ignored = i / 8 >= 4 && i / 8 < 10; /* time, level and system of the header */
        aver_buf_init(&found, 4096);
        packed.data[i / 8] ^= (uint8_t)(1u << i % 8);
        aver_err err = aver_gzip_unpack(aver_buf_view(&packed), &found);
        if (err == AVER_OK && !ignored) {
            /* Bits that only fill the last byte mean nothing. */
            assert_true(
                aver_view_equal_text(aver_buf_view(&found), "report data, report data, report"));
            assert_int_equal(i / 8, packed.size - 9);
        }
        packed.data[i / 8] ^= (uint8_t)(1u << i % 8);
        aver_buf_deinit(&found);
    }
    for (size_t size = 0; size < packed.size; size++) {
        aver_buf found;
        aver_buf_init(&found, 4096);
        assert_int_equal(aver_gzip_unpack(aver_view_make(packed.data, size), &found),
                         AVER_E_FORMAT);
        assert_int_equal(found.size, 0);
        aver_buf_deinit(&found);
    }
    aver_buf_append_byte(&packed, 0);
    aver_buf found;
    aver_buf_init(&found, 4096);
    assert_int_equal(aver_gzip_unpack(aver_buf_view(&packed), &found), AVER_E_FORMAT);
    aver_buf_deinit(&found);
    aver_buf_deinit(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_gzip_packs_is_unpacked),
        cmocka_unit_test(bounds_hold_and_nothing_is_left),
        cmocka_unit_test(each_changed_bit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

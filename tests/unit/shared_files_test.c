/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/shared_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static aver_err files_open(const char *bytes, size_t size, aver_shared_files *ret_files)
{
    const char *const paths[] = {path};
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    (void)fclose(file);
    return aver_shared_files_open(paths, 1, ret_files);
}

static void texts_are_given_without_their_last_newline(void **state)
{
    (void)state;
    aver_shared_files files;
    aver_engine_options options = {0};
    assert_int_equal(files_open("one\ntwo\n\n", 9, &files), AVER_OK);
    aver_shared_files_give(&files, &options);
    assert_int_equal(options.shared_count, 1);
    assert_true(aver_view_equal_text(options.shared_prefixes[0], "one\ntwo\n"));
    aver_shared_files_deinit(&files);
    aver_shared_files_deinit(&files);
    assert_int_equal(aver_shared_files_open(NULL, 0, &files), AVER_OK);
    aver_shared_files_give(&files, &options);
    assert_int_equal(options.shared_count, 0);
}

static void what_is_no_text_is_refused(void **state)
{
    (void)state;
    static char large[AVER_ENGINE_SHARED_BYTES_MAX + 2];
    aver_shared_files files;
    const char *const missing[] = {"/nonexistent/text"};
    memset(large, 'x', sizeof(large));
    assert_int_equal(files_open("", 0, &files), AVER_E_USAGE);
    assert_int_equal(files_open("\n", 1, &files), AVER_E_USAGE);
    assert_int_equal(files_open("a\0b", 3, &files), AVER_E_USAGE);
    assert_int_equal(files_open("\xff", 1, &files), AVER_E_USAGE);
    assert_int_equal(files_open(large, sizeof(large), &files), AVER_E_USAGE);
    assert_int_equal(files_open(large, sizeof(large) - 1, &files), AVER_E_USAGE);
    assert_int_equal(files_open(large, sizeof(large) - 2, &files), AVER_OK);
    aver_shared_files_deinit(&files);
    assert_int_equal(aver_shared_files_open(missing, 1, &files), AVER_E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_given_without_their_last_newline),
        cmocka_unit_test(what_is_no_text_is_refused),
    };
    (void)snprintf(path, sizeof(path), "/tmp/aver-shared-XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0) {
        return 1;
    }
    (void)close(fd);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failures;
}

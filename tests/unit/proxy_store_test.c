/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "base/sys.h"
#include "cli/proxy_store.h"
#include "support/bytes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static unsigned files_there(void)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(dir);
    return count;
}

static void path_of(const char *name, char ret_path[160])
{
    (void)snprintf(ret_path, 160, "%s/%s", folder, name);
}

static aver_proxy_store *open_store(uint64_t files_max, uint64_t bytes_max)
{
    aver_proxy_store *store = NULL;
    assert_ok(aver_proxy_store_open(folder, files_max, bytes_max, &store));
    return store;
}

static void put(aver_proxy_store *store, uint8_t mark, aver_view bytes,
                char ret_name[AVER_PROXY_CAPSULE_NAME_BYTES])
{
    const uint8_t marks[8] = {mark};
    assert_ok(aver_proxy_store_put(store, marks, bytes, ret_name));
    assert_true(aver_proxy_store_name_valid(ret_name));
}

static void what_is_put_can_be_got(void **state)
{
    (void)state;
    char name[AVER_PROXY_CAPSULE_NAME_BYTES], path[160];
    struct stat found;
    aver_buf bytes;
    aver_proxy_store *store = open_store(10, 1000);
    aver_buf_init(&bytes, 1000);
    put(store, 7, AVER_VIEW_LITERAL("capsule"), name);
    assert_non_null(strstr(name, "-0700000000000000.capsule"));
    assert_ok(aver_proxy_store_get(store, name, &bytes));
    assert_true(aver_view_equal_text(aver_buf_view(&bytes), "capsule"));
    path_of(name, path);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    aver_proxy_store_close(store);
    aver_buf_deinit(&bytes);
}

static void other_names_are_not_given_out(void **state)
{
    (void)state;
    static const char *const names[] = {"",
                                        "x",
                                        "../20260102T030405Z-0123456789abcdef.capsule",
                                        "20260102T030405Z-0123456789ABCDEF.capsule",
                                        "20260102T030405Z-0123456789abcdef.capsulE",
                                        "20260102T030405Z-0123456789abcdef.capsule2",
                                        "20260102T030405Z/0123456789abcdef.capsule",
                                        "2026010AT030405Z-0123456789abcdef.capsule"};
    aver_buf bytes;
    aver_proxy_store *store = open_store(10, 1000);
    aver_buf_init(&bytes, 1000);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_false(aver_proxy_store_name_valid(names[i]));
        assert_err(aver_proxy_store_get(store, names[i], &bytes), AVER_E_ABSENT);
    }
    assert_err(aver_proxy_store_get(store, "20260102T030405Z-0123456789abcdef.capsule", &bytes),
               AVER_E_ABSENT);
    aver_proxy_store_close(store);
    aver_buf_deinit(&bytes);
}

static void the_oldest_goes_first(void **state)
{
    (void)state;
    char names[4][AVER_PROXY_CAPSULE_NAME_BYTES], path[160];
    uint64_t files, bytes;
    aver_proxy_store *store = open_store(3, 1000);
    for (uint8_t i = 0; i < 4; i++) {
        put(store, i, AVER_VIEW_LITERAL("0123456789"), names[i]);
    }
    aver_proxy_store_size(store, &files, &bytes);
    assert_int_equal(files, 3);
    assert_int_equal(bytes, 30);
    assert_int_equal(files_there(), 3);
    path_of(names[0], path);
    assert_int_not_equal(access(path, F_OK), 0);
    aver_proxy_store_close(store);
    /* The same bounds hold for what was there before, and bytes count as well. */
    store = open_store(3, 25);
    assert_int_equal(files_there(), 2);
    path_of(names[1], path);
    assert_int_not_equal(access(path, F_OK), 0);
    const uint8_t mark[8] = {9};
    char name[AVER_PROXY_CAPSULE_NAME_BYTES];
    assert_err(
        aver_proxy_store_put(store, mark, AVER_VIEW_LITERAL("01234567890123456789012345"), name),
        AVER_E_LIMIT);
    assert_int_equal(files_there(), 2);
    aver_proxy_store_close(store);
}

static void files_of_others_stay(void **state)
{
    (void)state;
    char path[160], name[AVER_PROXY_CAPSULE_NAME_BYTES];
    path_of("notes.txt", path);
    assert_ok(aver_file_write(path, AVER_VIEW_LITERAL("mine"), 0600));
    aver_proxy_store *store = open_store(1, 10);
    put(store, 1, AVER_VIEW_LITERAL("0123456789"), name);
    put(store, 2, AVER_VIEW_LITERAL("0123456789"), name);
    assert_int_equal(files_there(), 2);
    assert_int_equal(access(path, F_OK), 0);
    aver_proxy_store_close(store);
}

static void many_files_go_by_without_a_trace(void **state)
{
    (void)state;
    char name[AVER_PROXY_CAPSULE_NAME_BYTES];
    uint64_t files, bytes;
    aver_proxy_store *store = open_store(5, 1000);
    for (unsigned i = 0; i < 300; i++) {
        const uint8_t mark[8] = {(uint8_t)(i >> 8), (uint8_t)i};
        assert_ok(aver_proxy_store_put(store, mark, AVER_VIEW_LITERAL("x"), name));
    }
    aver_proxy_store_size(store, &files, &bytes);
    assert_int_equal(files, 5);
    assert_int_equal(bytes, 5);
    assert_int_equal(files_there(), 5);
    aver_proxy_store_close(store);
}

/* The folder is away for a while. */
static void what_cannot_be_written_is_not_counted(void **state)
{
    (void)state;
    char name[AVER_PROXY_CAPSULE_NAME_BYTES] = "none", kept[AVER_PROXY_CAPSULE_NAME_BYTES];
    char moved[80], path[160];
    const uint8_t mark[8] = {1};
    uint64_t files, bytes;
    aver_proxy_store *store = open_store(1, 1000);
    put(store, 9, AVER_VIEW_LITERAL("kept"), kept);
    (void)snprintf(moved, sizeof(moved), "%s-moved", folder);
    assert_int_equal(rename(folder, moved), 0);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_not_equal(aver_proxy_store_put(store, mark, AVER_VIEW_LITERAL("lost"), name),
                             AVER_OK);
        assert_string_equal(name, "none");
    }
    assert_int_equal(rename(moved, folder), 0);
    aver_proxy_store_size(store, &files, &bytes);
    assert_int_equal(files, 1);
    assert_int_equal(bytes, 4);
    path_of(kept, path);
    assert_int_equal(access(path, F_OK), 0);
    put(store, 2, AVER_VIEW_LITERAL("again"), name);
    aver_proxy_store_size(store, &files, &bytes);
    assert_int_equal(files, 1);
    assert_int_equal(bytes, 5);
    assert_int_equal(files_there(), 1);
    aver_proxy_store_close(store);
}

static int folder_make(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/aver-store-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int folder_remove(void **state)
{
    (void)state;
    DIR *dir = opendir(folder);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    (void)closedir(dir);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_put_can_be_got, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(other_names_are_not_given_out, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(the_oldest_goes_first, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(files_of_others_stay, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_is_not_counted, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(many_files_go_by_without_a_trace, folder_make,
                                        folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

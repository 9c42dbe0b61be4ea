/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/gguf_make.h"
#include "model/memory.h"
#include "model/weights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/aver-weights-XXXXXX";

static int file_write(void **state)
{
    (void)state;
    aver_buf file;
    make_small(&file);
    int fd = mkstemp(path);
    bool written = fd >= 0 && write(fd, file.data, file.size) == (ssize_t)file.size;
    (void)close(fd);
    aver_buf_deinit(&file);
    return written ? 0 : -1;
}

static int file_remove(void **state)
{
    (void)state;
    return unlink(path);
}

static void weights_are_sealed_and_have_the_root_of_the_file(void **state)
{
    (void)state;
    aver_weights sealed;
    aver_weights plain;
    char why[160] = "";
    assert_int_equal(aver_weights_open(path, 0, 2, &sealed, why), AVER_OK);
    assert_int_equal(aver_weights_inspect(path, 0, &plain, why), AVER_OK);
    assert_true(sealed.sealed);
    assert_false(plain.sealed);
    assert_memory_equal(sealed.root, plain.root, 32);
    assert_int_equal(fcntl(sealed.fd, F_GET_SEALS),
                     F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    assert_int_equal(pwrite(sealed.fd, "x", 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(sealed.fd, 0), -1);
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, sealed.fd, 0),
                     MAP_FAILED);
    aver_weights_close(&sealed);
    aver_weights_close(&plain);
    assert_int_equal(sealed.fd, -1);
}

static void a_later_change_of_the_file_does_not_reach_the_weights(void **state)
{
    (void)state;
    aver_weights before;
    aver_weights after;
    char why[160] = "";
    uint8_t byte = 0;
    assert_int_equal(aver_weights_open(path, 0, 0, &before, why), AVER_OK);
    size_t place = before.bytes.size - 100; /* inside the data of the last tensor */
    uint8_t kept = before.bytes.data[place];
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    byte = kept ^ 1;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)place), 1);
    assert_int_equal(before.bytes.data[place], kept);
    assert_int_equal(aver_weights_open(path, 0, 0, &after, why), AVER_OK);
    assert_memory_not_equal(before.root, after.root, 32);
    assert_int_equal(pwrite(fd, &kept, 1, (off_t)place), 1);
    (void)close(fd);
    aver_weights_close(&before);
    aver_weights_close(&after);
}

static void what_cannot_be_loaded_says_why(void **state)
{
    (void)state;
    aver_weights weights;
    char why[160] = "";
    assert_int_equal(aver_weights_open("/nonexistent/model", 0, 0, &weights, why), AVER_E_ABSENT);
    assert_non_null(strstr(why, "cannot open"));
    assert_int_equal(aver_weights_open("/tmp", 0, 0, &weights, why), AVER_E_IO);
    assert_non_null(strstr(why, "regular file"));
    assert_int_equal(aver_weights_open("/proc/self/exe", 0, 0, &weights, why), AVER_E_FORMAT);
    assert_non_null(strstr(why, "not a GGUF file"));
    assert_int_equal(aver_weights_open(path, 100, 0, &weights, why), AVER_E_LIMIT);
    assert_non_null(strstr(why, "MiB are allowed"));
}

/* Opening a pipe must not wait for a writer that never comes. */
static void what_is_no_regular_file_is_refused_at_once(void **state)
{
    (void)state;
    char dir[] = "/tmp/aver-weights-dir-XXXXXX";
    char pipe[64];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(pipe, sizeof(pipe), "%s/pipe", dir);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    const char *const paths[] = {pipe, dir, "/dev/zero"};
    (void)alarm(10); /* ends the test where it would hang */
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        aver_weights weights;
        char why[160] = "";
        assert_int_equal(aver_weights_open(paths[i], 0, 0, &weights, why), AVER_E_IO);
        assert_non_null(strstr(why, "regular file"));
        assert_int_equal(aver_weights_inspect(paths[i], 0, &weights, why), AVER_E_IO);
    }
    (void)alarm(0);
    (void)unlink(pipe);
    (void)rmdir(dir);
}

static void a_file_larger_than_the_memory_is_refused_before_it_is_read(void **state)
{
    (void)state;
    char large[] = "/tmp/aver-weights-large-XXXXXX";
    aver_weights weights;
    char why[160] = "";
    int fd = mkstemp(large);
    assert_true(fd >= 0);
    /* A hole: it takes no room on the disk. */
    assert_int_equal(ftruncate(fd, (off_t)1 << 43), 0);
    assert_int_equal(aver_weights_open(large, 0, 0, &weights, why), AVER_E_LIMIT);
    assert_non_null(strstr(why, "MiB are free"));
    (void)close(fd);
    (void)unlink(large);
}

static void the_system_says_how_much_memory_is_free(void **state)
{
    (void)state;
    uint64_t available = aver_memory_available();
    assert_true(available > (uint64_t)1 << 20);
    assert_true(available < (uint64_t)1 << 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_sealed_and_have_the_root_of_the_file),
        cmocka_unit_test(a_later_change_of_the_file_does_not_reach_the_weights),
        cmocka_unit_test(what_cannot_be_loaded_says_why),
        cmocka_unit_test(what_is_no_regular_file_is_refused_at_once),
        cmocka_unit_test(a_file_larger_than_the_memory_is_refused_before_it_is_read),
        cmocka_unit_test(the_system_says_how_much_memory_is_free),
    };
    return cmocka_run_group_tests(tests, file_write, file_remove);
}

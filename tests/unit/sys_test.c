/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first. */
#include <cmocka.h>

#include "../support/bytes.h"

#include "base/check.h"
#include "base/sys.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char sys_folder[] = "/tmp/aver-sys-XXXXXX";

static int sys_folder_make(void **state)
{
    (void)state;
    return mkdtemp(sys_folder) ? 0 : -1;
}

static int sys_folder_remove(void **state)
{
    (void)state;
    return rmdir(sys_folder);
}

static const char *sys_path(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", sys_folder, name);
    return path;
}

static void time_formats_known_moments(void **state)
{
    (void)state;
    char text[21];
    aver_time_format(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
    aver_time_format(UINT64_C(951827696789), text);
    assert_string_equal(text, "2000-02-29T12:34:56Z");
    aver_time_format(UINT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
}

static void time_goes_forward(void **state)
{
    (void)state;
    uint64_t before_ns = aver_time_monotonic_ns();
    assert_true(aver_time_monotonic_ns() >= before_ns);
    assert_true(aver_time_wall_ms() > UINT64_C(1600000000000));
}

static void random_fills_every_byte(void **state)
{
    (void)state;
    uint8_t seen[64] = {0};
    for (int round = 0; round < 64; round++) {
        uint8_t bytes[64] = {0};
        aver_random(bytes, sizeof bytes);
        for (size_t i = 0; i < sizeof bytes; i++) {
            seen[i] |= bytes[i];
        }
    }
    /* A byte that stays zero through 64 draws has a chance of 2^-512. */
    for (size_t i = 0; i < sizeof seen; i++) {
        assert_int_not_equal(seen[i], 0);
    }
    assert_true(aver_random_u64() != aver_random_u64());
}

static void file_is_written_and_read_back(void **state)
{
    (void)state;
    const char *path = sys_path("file");
    uint8_t bytes[50000];
    aver_random(bytes, sizeof bytes);
    assert_ok(aver_file_write(path, AVER_VIEW_LITERAL("old"), 0644));
    assert_ok(aver_file_write(path, AVER_VIEW_OF(bytes), 0600));
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    aver_buf contents;
    aver_buf_init(&contents, 60000);
    aver_buf_append_text(&contents, "kept");
    assert_err(aver_file_read(path, sizeof bytes - 1, &contents), AVER_E_LIMIT);
    assert_int_equal(contents.size, 4);
    assert_ok(aver_file_read(path, sizeof bytes, &contents));
    assert_int_equal(contents.size, sizeof bytes + 4);
    assert_memory_equal(contents.data + 4, bytes, sizeof bytes);
    aver_buf_deinit(&contents);
    aver_buf_init(&contents, 10);
    assert_err(aver_file_read(path, sizeof bytes, &contents), AVER_E_LIMIT);
    aver_buf_deinit(&contents);
    assert_int_equal(unlink(path), 0);
}

static void file_read_refuses_what_is_no_file(void **state)
{
    (void)state;
    aver_buf contents;
    aver_buf_init(&contents, 100);
    assert_err(aver_file_read(sys_path("absent"), 100, &contents), AVER_E_ABSENT);
    assert_err(aver_file_read(sys_folder, 100, &contents), AVER_E_USAGE);
    const char *pipe_path = sys_path("pipe");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_err(aver_file_read(pipe_path, 100, &contents), AVER_E_USAGE);
    assert_int_equal(unlink(pipe_path), 0);
    /* A file that says it is empty and is not. */
    assert_err(aver_file_read("/proc/self/status", 10, &contents), AVER_E_LIMIT);
    assert_int_equal(contents.size, 0);
    aver_buf_deinit(&contents);
}

static void file_write_failure_leaves_nothing(void **state)
{
    (void)state;
    assert_err(aver_file_write(sys_path("absent/file"), AVER_VIEW_LITERAL("x"), 0600),
               AVER_E_ABSENT);
    /* Renaming a file onto a folder fails after the temporary file was written. */
    assert_int_equal(mkdir(sys_path("folder"), 0700), 0);
    assert_err(aver_file_write(sys_path("folder"), AVER_VIEW_LITERAL("x"), 0600), AVER_E_IO);
    assert_int_equal(rmdir(sys_path("folder")), 0);
    DIR *folder = opendir(sys_folder);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        assert_int_equal(entry->d_name[0], '.');
    }
    closedir(folder);
}

static void self_is_a_program(void **state)
{
    (void)state;
    int fd;
    assert_ok(aver_self_open(&fd));
    char magic[4];
    assert_int_equal(read(fd, magic, 4), 4);
    assert_memory_equal(magic,
                        "\x7f"
                        "ELF",
                        4);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

/* Runs the function in a child and gives its wait status. */
static int sys_in_child(void (*function)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int quiet = open("/dev/null", O_WRONLY);
        (void)dup2(quiet, STDERR_FILENO);
        struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        function();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void sys_check_wrong(void)
{
    AVER_ASSERT(1 + 1 == 3);
}

static void sys_harden_and_look(void)
{
    aver_process_harden();
    struct rlimit cores;
    bool hard = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && getrlimit(RLIMIT_CORE, &cores) == 0 &&
                cores.rlim_cur == 0 && cores.rlim_max == 0;
    _exit(hard ? 0 : 1);
}

static void assertion_ends_the_program(void **state)
{
    (void)state;
    int status = sys_in_child(sys_check_wrong);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void hardened_process_gives_no_core(void **state)
{
    (void)state;
    int status = sys_in_child(sys_harden_and_look);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_formats_known_moments),
        cmocka_unit_test(time_goes_forward),
        cmocka_unit_test(random_fills_every_byte),
        cmocka_unit_test(file_is_written_and_read_back),
        cmocka_unit_test(file_read_refuses_what_is_no_file),
        cmocka_unit_test(file_write_failure_leaves_nothing),
        cmocka_unit_test(self_is_a_program),
        cmocka_unit_test(assertion_ends_the_program),
        cmocka_unit_test(hardened_process_gives_no_core),
    };
    return cmocka_run_group_tests(tests, sys_folder_make, sys_folder_remove);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A manager's socket of this name, "@" for the abstract space. */
static int manager_open(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0 && size < sizeof(address.sun_path));
    memcpy(address.sun_path, name, size);
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    return fd;
}

static void assert_told(int fd, const char *lines)
{
    char said[256] = "";

    assert_int_equal(aver_notify_send(lines), AVER_OK);
    ssize_t size = recv(fd, said, sizeof(said) - 1, 0);
    assert_int_equal(size, strlen(lines));
    assert_string_equal(said, lines);
    assert_true(recv(fd, said, sizeof(said) - 1, 0) < 0);
}

static void test_the_manager_is_told_by_path(void **state)
{
    char folder[] = "/tmp/aver-notify-XXXXXX";
    char name[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(name, sizeof(name), "%s/s", folder);
    int fd = manager_open(name);
    assert_told(fd, "READY=1\nSTATUS=serving\n");
    (void)close(fd);
    (void)unlink(name);
    assert_int_equal(aver_notify_send("READY=1"), AVER_E_IO);
    (void)rmdir(folder);
}

static void test_the_manager_is_told_by_abstract_name(void **state)
{
    char name[64];

    (void)state;
    (void)snprintf(name, sizeof(name), "@aver-notify-%d", (int)getpid());
    int fd = manager_open(name);
    assert_told(fd, "STOPPING=1");
    (void)close(fd);
}

static void test_no_manager_and_wrong_names(void **state)
{
    char longest[200];

    (void)state;
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_int_equal(aver_notify_send("READY=1"), AVER_E_ABSENT);
    assert_int_equal(setenv("NOTIFY_SOCKET", "vsock:2:1234", 1), 0);
    assert_int_equal(aver_notify_send("READY=1"), AVER_E_USAGE);
    assert_int_equal(setenv("NOTIFY_SOCKET", "", 1), 0);
    assert_int_equal(aver_notify_send("READY=1"), AVER_E_USAGE);
    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(setenv("NOTIFY_SOCKET", longest, 1), 0);
    assert_int_equal(aver_notify_send("READY=1"), AVER_E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_manager_is_told_by_path),
        cmocka_unit_test(test_the_manager_is_told_by_abstract_name),
        cmocka_unit_test(test_no_manager_and_wrong_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

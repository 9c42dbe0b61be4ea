/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GOOD 42

/* Runs act in a confined child; gives the child's wait status. act returns its exit status. */
static int child_run(int (*act)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int status = aver_confine_engine() == AVER_OK ? act() : 1;
        _exit(status);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void assert_killed(int (*act)(void))
{
    int status = child_run(act);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void assert_allowed(int (*act)(void))
{
    int status = child_run(act);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), GOOD);
}

static int act_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? GOOD : 2;
}

static int act_fork(void)
{
    pid_t pid = fork();
    return pid >= 0 ? GOOD : 2;
}

static int act_exec(void)
{
    char *const arguments[] = {NULL};
    (void)execve("/bin/true", arguments, arguments);
    return GOOD;
}

static int act_kill(void)
{
    return kill(getppid(), 0) == 0 ? GOOD : 2;
}

static int act_execute_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED
               ? GOOD
               : 2;
}

static int act_make_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 ? GOOD : 2;
}

static int act_unlink(void)
{
    return unlink("/nonexistent/file") == 0 ? GOOD : 2;
}

static int act_open(void)
{
    return open("/dev/null", O_RDONLY) < 0 && errno == EACCES ? GOOD : 2;
}

/* The keeper runs as the same user: its share of the processors is not the engine's to cut. */
static pid_t parent;

static int act_slow_parent(void)
{
    const struct sched_param param = {.sched_priority = 0};
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    if (sched_setaffinity(parent, sizeof(set), &set) == 0 || errno != EACCES) {
        return 2;
    }
    return sched_setscheduler(parent, SCHED_OTHER, &param) < 0 && errno == EACCES ? GOOD : 3;
}

/* Each thread may choose among its own cores. */
static int act_choose_core(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0) {
        return 2;
    }
    return sched_setaffinity(0, sizeof(set), &set) == 0 ? GOOD : 3;
}

static void *thread_body(void *context)
{
    *(int *)context = GOOD;
    return NULL;
}

static int act_thread(void)
{
    pthread_t thread;
    int value = 0;
    if (pthread_create(&thread, NULL, thread_body, &value) != 0 ||
        pthread_join(thread, NULL) != 0) {
        return 2;
    }
    return value;
}

static int act_memory(void)
{
    char *bytes = malloc((size_t)32 << 20);
    if (bytes == NULL) {
        return 2;
    }
    bytes[(size_t)31 << 20] = 1;
    free(bytes);
    return GOOD;
}

/* Limits can be neither read nor raised again. */
static int act_limit(void)
{
    struct rlimit limit = {0, 0};
    return getrlimit(RLIMIT_CORE, &limit) == 0 ? GOOD : 2;
}

static void what_an_engine_never_needs_kills_it(void **state)
{
    (void)state;
    assert_killed(act_socket);
    assert_killed(act_fork);
    assert_killed(act_exec);
    assert_killed(act_kill);
    assert_killed(act_execute_memory);
    assert_killed(act_make_executable);
    assert_killed(act_unlink);
    assert_killed(act_limit);
}

static void files_cannot_be_opened(void **state)
{
    (void)state;
    assert_allowed(act_open);
}

static void other_processes_keep_their_processors(void **state)
{
    (void)state;
    parent = getpid();
    assert_allowed(act_slow_parent);
    assert_allowed(act_choose_core);
}

static void threads_and_memory_go_on_working(void **state)
{
    (void)state;
    assert_allowed(act_thread);
    assert_allowed(act_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_engine_never_needs_kills_it),
        cmocka_unit_test(files_cannot_be_opened),
        cmocka_unit_test(other_processes_keep_their_processors),
        cmocka_unit_test(threads_and_memory_go_on_working),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/confine.h"
#include "engine/host_pin.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define GOOD 42

static struct ggml_threadpool *pool_new(unsigned threads)
{
    struct ggml_threadpool_params params = ggml_threadpool_params_default((int)threads);
    params.poll = 0;
    return ggml_threadpool_new(&params);
}

static int own_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;
}

/* How many threads of this process have one core alone, and how many cores these are. */
static void threads_count(int *ret_pinned, int *ret_cores)
{
    cpu_set_t all, set;
    const struct dirent *entry;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    CPU_ZERO(&all);
    *ret_pinned = 0;
    while ((entry = readdir(tasks)) != NULL) {
        pid_t id = (pid_t)strtol(entry->d_name, NULL, 10);
        if (id > 0 && sched_getaffinity(id, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1) {
            CPU_OR(&all, &all, &set);
            (*ret_pinned)++;
        }
    }
    (void)closedir(tasks);
    *ret_cores = CPU_COUNT(&all);
}

/* In a process of its own, since a confined one stays so. Exits with GOOD if all were pinned. */
static int confined_run(void)
{
    aver_host_pin pin;
    if (aver_confine_engine() != AVER_OK) {
        return 1;
    }
    struct ggml_threadpool *pool = pool_new(2);
    aver_host_pin_init(&pin, pool, 2);
    bool good = pin.on && own_cores() == 1;
    aver_host_pin_hold(&pin, false);
    return good && own_cores() == (int)pin.count ? GOOD : 2;
}

static void a_confined_process_pins_its_threads(void **state)
{
    int status = 0;
    (void)state;
    if (own_cores() < 2) {
        skip();
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(confined_run());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), GOOD);
}

static void each_thread_gets_a_core_of_its_own(void **state)
{
    aver_host_pin pin;
    int pinned = 0;
    int cores = 0;
    int before = own_cores();
    (void)state;
    if (before < 2) {
        skip();
    }
    struct ggml_threadpool *pool = pool_new(2);
    aver_host_pin_init(&pin, pool, 2);
    assert_true(pin.on);
    threads_count(&pinned, &cores);
    assert_int_equal(pinned, 2);
    assert_int_equal(cores, 2);
    aver_host_pin_hold(&pin, false);
    assert_int_equal(own_cores(), before);
    threads_count(&pinned, &cores);
    assert_int_equal(pinned, 1);
    aver_host_pin_hold(&pin, true);
    assert_int_equal(own_cores(), 1);
    aver_host_pin_hold(&pin, false);
    ggml_threadpool_free(pool);
}

static void more_threads_than_cores_stay_free(void **state)
{
    aver_host_pin pin;
    int before = own_cores();
    unsigned threads = (unsigned)before + 1;
    (void)state;
    struct ggml_threadpool *pool = pool_new(threads);
    aver_host_pin_init(&pin, pool, threads);
    assert_false(pin.on);
    assert_int_equal(own_cores(), before);
    aver_host_pin_hold(&pin, true);
    assert_int_equal(own_cores(), before);
    ggml_threadpool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_confined_process_pins_its_threads),
        cmocka_unit_test(each_thread_gets_a_core_of_its_own),
        cmocka_unit_test(more_threads_than_cores_stay_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

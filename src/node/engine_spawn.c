/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_spawn.h"

#include "base/log.h"
#include "node/engine_link.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENGINE_FD_SPARE 16 /* above the numbers that the child expects */

#define ENGINE_FILES_MAX (1 + AVER_ENGINE_ADAPTERS_MAX)

/* What the child's ends are called on our side. */
typedef struct engine_ends {
    int socket_fd;
    int voice_fd;
    int files[ENGINE_FILES_MAX]; /* weights, then adapters */
    size_t files_count;
} engine_ends;

_Static_assert(ENGINE_FD_SPARE >= AVER_LINK_WEIGHTS_FD + ENGINE_FILES_MAX,
               "the numbers that the child expects are below the spare ones");

/* Where memory is short, the engine goes and not the keeper: it can be started again. */
static void engine_child_offer(void)
{
    static const char most[] = "1000";
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0) {
        (void)!write(fd, most, sizeof(most) - 1);
        (void)close(fd);
    }
}

/* All standard streams are the writing end of one pipe: what is read from it is an error. */
static bool engine_child_streams(const engine_ends *ends)
{
    bool good =
        dup2(ends->voice_fd, STDIN_FILENO) >= 0 && dup2(ends->voice_fd, STDOUT_FILENO) >= 0 &&
        dup2(ends->voice_fd, STDERR_FILENO) >= 0 && dup2(ends->socket_fd, AVER_LINK_SOCKET_FD) >= 0;

    for (size_t i = 0; i < ends->files_count && good; i++) {
        good = dup2(ends->files[i], AVER_LINK_WEIGHTS_FD + (int)i) >= 0;
    }
    return good;
}

/*
 * Between fork and exec in a program with threads only async-signal-safe calls are allowed: this
 * function and those that it calls make nothing but system calls.
 */
static _Noreturn void engine_child_exec(const char *program, const engine_ends *ends, pid_t parent)
{
    static char argv0[] = AVER_ENGINE_ARGV0;
    static char argv1[] = AVER_ENGINE_ARGV1;
    static char *const argv[] = {argv0, argv1, NULL};
    static char *const environment[] = {NULL};
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(126);
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    engine_child_offer();
    if (!engine_child_streams(ends)) {
        _exit(126);
    }
    (void)close_range(AVER_LINK_WEIGHTS_FD + (unsigned)ends->files_count, ~0U, 0);
    (void)execve(program, argv, environment);
    _exit(127);
}

static void engine_ends_close(const engine_ends *ends)
{
    if (ends->socket_fd >= 0) {
        (void)close(ends->socket_fd);
    }
    if (ends->voice_fd >= 0) {
        (void)close(ends->voice_fd);
    }
    for (size_t i = 0; i < ends->files_count; i++) {
        if (ends->files[i] >= 0) {
            (void)close(ends->files[i]);
        }
    }
}

static bool engine_ends_open(engine_ends *ends, int socket_fd, int voice_fd,
                             const aver_engine_options *options)
{
    ends->socket_fd = fcntl(socket_fd, F_DUPFD_CLOEXEC, ENGINE_FD_SPARE);
    ends->voice_fd = fcntl(voice_fd, F_DUPFD_CLOEXEC, ENGINE_FD_SPARE);
    ends->files_count = 1 + options->adapters_count;
    bool good = ends->socket_fd >= 0 && ends->voice_fd >= 0;
    for (size_t i = 0; i < ends->files_count; i++) {
        int fd = i == 0 ? options->weights_fd : options->adapters[i - 1].fd;

        ends->files[i] = fcntl(fd, F_DUPFD_CLOEXEC, ENGINE_FD_SPARE);
        good = good && ends->files[i] >= 0;
    }
    return good;
}

/* Takes voice_fd. */
static aver_err engine_fork(const char *program, int socket_fd, const aver_engine_options *options,
                            int voice_fd, pid_t *ret_pid)
{
    engine_ends ends;
    aver_err err = AVER_E_IO;

    if (engine_ends_open(&ends, socket_fd, voice_fd, options)) {
        pid_t parent = getpid();
        pid_t pid = fork();

        if (pid == 0) {
            engine_child_exec(program, &ends, parent);
        }
        if (pid > 0) {
            *ret_pid = pid;
            err = AVER_OK;
        }
    }
    if (err != AVER_OK) {
        aver_log(AVER_LOG_ERROR, "engine.spawn", "no engine process: %s", strerror(errno));
    }
    engine_ends_close(&ends);
    (void)close(voice_fd);
    return err;
}

static aver_err engine_process_start(const char *program, int socket_fd,
                                     const aver_engine_options *options, aver_engine_child *child)
{
    int voice[2];

    if (pipe2(voice, O_CLOEXEC) != 0) {
        aver_log(AVER_LOG_ERROR, "engine.spawn", "no pipe: %s", strerror(errno));
        return AVER_E_IO;
    }
    aver_err err = engine_fork(program != NULL ? program : "/proc/self/exe", socket_fd, options,
                               voice[1], &child->pid);
    if (err != AVER_OK) {
        (void)close(voice[0]);
        return err;
    }
    child->voice_fd = voice[0];
    return AVER_OK;
}

typedef struct engine_thread {
    int socket_fd; /* owned */
    aver_engine_files files;
} engine_thread;

static void *engine_thread_run(void *context)
{
    engine_thread thread = *(engine_thread *)context;

    free(context);
    (void)aver_engine_serve(thread.socket_fd, &thread.files, false);
    (void)close(thread.socket_fd);
    return NULL;
}

/* Takes socket_fd on success. */
static aver_err engine_thread_start(int socket_fd, const aver_engine_options *options,
                                    pthread_t *ret_thread)
{
    engine_thread *thread = malloc(sizeof(*thread));
    if (thread == NULL) {
        return AVER_E_NOMEM;
    }
    *thread = (engine_thread){.socket_fd = socket_fd, .files.weights_fd = options->weights_fd};
    for (size_t i = 0; i < options->adapters_count; i++) {
        thread->files.adapters[i] = options->adapters[i].fd;
    }
    if (pthread_create(ret_thread, NULL, engine_thread_run, thread) != 0) {
        free(thread);
        return AVER_E_IO;
    }
    return AVER_OK;
}

aver_err aver_engine_spawn(const char *program, bool single_process,
                           const aver_engine_options *options, aver_engine_child *ret_child)
{
    aver_engine_child child = {.socket_fd = -1, .voice_fd = -1};
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        aver_log(AVER_LOG_ERROR, "engine.spawn", "no socket pair: %s", strerror(errno));
        return AVER_E_IO;
    }
    aver_err err = AVER_OK;
    if (fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) {
        err = AVER_E_IO;
    } else if (single_process) {
        err = engine_thread_start(pair[1], options, &child.thread);
        child.has_thread = err == AVER_OK;
    } else {
        err = engine_process_start(program, pair[1], options, &child);
    }
    if (!child.has_thread) {
        (void)close(pair[1]);
    }
    if (err != AVER_OK) {
        (void)close(pair[0]);
        return err;
    }
    child.socket_fd = pair[0];
    *ret_child = child;
    return AVER_OK;
}

void aver_engine_reap(aver_engine_child *child)
{
    int status = 0;

    if (child->socket_fd >= 0) {
        (void)shutdown(child->socket_fd, SHUT_RDWR);
        (void)close(child->socket_fd);
    }
    if (child->pid > 0) {
        (void)kill(child->pid, SIGKILL);
        while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
        }
        if (WIFSIGNALED(status)) {
            aver_log(AVER_LOG_INFO, "engine.exit", "ended by signal %d", WTERMSIG(status));
        } else {
            aver_log(AVER_LOG_INFO, "engine.exit", "ended with status %d", WEXITSTATUS(status));
        }
    }
    if (child->has_thread) {
        (void)pthread_join(child->thread, NULL);
    }
    *child = (aver_engine_child){.socket_fd = -1, .voice_fd = -1};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_node.h"

#include "base/sys.h"
#include "codec/json.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEMO_NODE_READY_MS 120000u
#define DEMO_NODE_END_MS   10000u
#define DEMO_NODE_POLL_MS  20
#define DEMO_NODE_ARGS_MAX 24

static void demo_node_sleep(void)
{
    struct timespec pause = {.tv_nsec = DEMO_NODE_POLL_MS * 1000000L};
    (void)nanosleep(&pause, NULL);
}

static bool demo_node_join(char *ret_path, size_t size, const char *dir, const char *tag,
                           const char *end)
{
    int written = snprintf(ret_path, size, "%s/%s%s", dir, tag, end);
    return written > 0 && (size_t)written < size;
}

/* In the child: never returns. */
static _Noreturn void demo_node_exec(const char *const *argv, const char *log)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && null >= 0 && dup2(null, 0) == 0 && dup2(fd, 1) == 1 && dup2(fd, 2) == 2) {
        (void)execv(argv[0], (char *const *)(uintptr_t)argv);
    }
    _exit(127);
}

/* In a value of --model a comma ends the path, unless it is written twice. */
static void demo_node_model(const char *path, char ret_value[2 * AVER_DEMO_PATH_MAX])
{
    size_t size = 0;
    for (const char *at = path; *at != '\0' && size < 2 * AVER_DEMO_PATH_MAX - 2; at++) {
        ret_value[size++] = *at;
        if (*at == ',') {
            ret_value[size++] = ',';
        }
    }
    ret_value[size] = '\0';
}

static aver_err demo_node_spawn(const aver_demo_node_options *options, const char *ready,
                                aver_demo_node *node)
{
    char platform[AVER_DEMO_PATH_MAX + 16];
    char socket[AVER_DEMO_PATH_MAX + 16];
    char model[2 * AVER_DEMO_PATH_MAX];
    demo_node_model(options->model, model);
    (void)snprintf(platform, sizeof platform, "sim:key=%s", options->key);
    (void)snprintf(socket, sizeof socket, "unix:%s", node->unix_socket);
    const char *argv[DEMO_NODE_ARGS_MAX] = {
        options->program,
        "--model",
        model,
        "--model-name",
        options->model_name,
        "--profile",
        options->profile,
        "--listen",
        "tcp:127.0.0.1:0",
        "--listen",
        socket,
        "--platform",
        platform,
        "--slots",
        "2",
        "--ready-file",
        ready,
        "--context",
        "1024",
    };
    size_t count = 19;
    if (options->engine != NULL) {
        argv[count++] = "--sim-engine";
        argv[count++] = options->engine;
    }
    argv[count] = NULL;
    pid_t pid = fork();
    if (pid < 0) {
        return AVER_E_IO;
    }
    if (pid == 0) {
        demo_node_exec(argv, node->log);
    }
    node->pid = pid;
    return AVER_OK;
}

/* The port in {"listen":["tcp:127.0.0.1:PORT", ...]}. */
static aver_err demo_node_read_ready(const char *path, aver_demo_node *node)
{
    aver_buf text;
    aver_buf_init(&text, 65536);
    json_t *document = NULL;
    aver_err err = aver_file_read(path, 65536, &text);
    if (err == AVER_OK) {
        err = aver_json_parse(aver_buf_view(&text), 65536, &document, NULL);
    }
    if (err == AVER_OK) {
        const char *first =
            json_string_value(json_array_get(json_object_get(document, "listen"), 0));
        err = AVER_E_FORMAT;
        if (first != NULL && strncmp(first, "tcp:", 4) == 0) {
            (void)snprintf(node->url, sizeof node->url, "https://%.50s", first + 4);
            err = AVER_OK;
        }
    }
    json_decref(document);
    aver_buf_deinit(&text);
    return err;
}

static aver_err demo_node_wait(const char *ready, aver_demo_node *node)
{
    uint64_t end = aver_time_monotonic_ns() + DEMO_NODE_READY_MS * UINT64_C(1000000);
    while (aver_time_monotonic_ns() < end) {
        if (access(ready, R_OK) == 0) {
            return demo_node_read_ready(ready, node);
        }
        int status = 0;
        if (waitpid(node->pid, &status, WNOHANG) == node->pid) {
            node->pid = 0;
            return AVER_E_PEER;
        }
        demo_node_sleep();
    }
    return AVER_E_PEER;
}

aver_err aver_demo_node_start(const aver_demo_node_options *options, aver_demo_node *ret_node)
{
    char ready[AVER_DEMO_PATH_MAX];
    *ret_node = (aver_demo_node){0};
    if (!demo_node_join(ready, sizeof ready, options->dir, options->tag, ".ready") ||
        !demo_node_join(ret_node->log, sizeof ret_node->log, options->dir, options->tag, ".log") ||
        !demo_node_join(ret_node->unix_socket, sizeof ret_node->unix_socket, options->dir,
                        options->tag, ".sock")) {
        return AVER_E_LIMIT;
    }
    (void)unlink(ready);
    aver_err err = demo_node_spawn(options, ready, ret_node);
    if (err == AVER_OK) {
        err = demo_node_wait(ready, ret_node);
    }
    if (err != AVER_OK) {
        aver_demo_node_stop(ret_node);
    }
    return err;
}

void aver_demo_node_stop(aver_demo_node *node)
{
    if (node->pid == 0) {
        return;
    }
    (void)kill(node->pid, SIGTERM);
    uint64_t end = aver_time_monotonic_ns() + DEMO_NODE_END_MS * UINT64_C(1000000);
    while (waitpid(node->pid, NULL, WNOHANG) == 0) {
        if (aver_time_monotonic_ns() > end) {
            (void)kill(node->pid, SIGKILL);
            (void)waitpid(node->pid, NULL, 0);
            break;
        }
        demo_node_sleep();
    }
    node->pid = 0;
}

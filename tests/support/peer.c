/* SPDX-License-Identifier: Apache-2.0 */
#include "support/peer.h"

#include "base/sys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PEER_START_MS    60000u
#define PEER_ARGS_MAX    32
#define PEER_REPEATS_MAX 64
#define PEER_SKIP        77

static _Noreturn void peer_die(const char *what)
{
    (void)fprintf(stderr, "peer: %s\n", what);
    exit(1);
}

const char *peer_program(const char *name)
{
    static char path[4096];
    const char *folder = getenv("AVER_PEER");
    (void)snprintf(path, sizeof(path), "%s/%s", folder != NULL ? folder : ".", name);
    if (access(path, X_OK) != 0) {
        (void)printf("SKIP: no %s in AVER_PEER; tools/setup --bench makes it\n", name);
        exit(PEER_SKIP);
    }
    return path;
}

static struct sockaddr_in peer_address(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* One that was free a moment ago: the server takes no descriptor and tells no port. */
static unsigned peer_free_port(void)
{
    struct sockaddr_in address = peer_address(0);
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        peer_die("no free port");
    }
    (void)close(fd);
    return ntohs(address.sin_port);
}

/* GET /health says 200 once the model is loaded. */
static bool peer_server_ready(const peer_server *server)
{
    static const char request[] = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct sockaddr_in address = peer_address(server->port);
    char answer[64] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ready = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                 send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0 &&
                 recv(fd, answer, sizeof(answer) - 1, 0) > 0 && strstr(answer, " 200 ") != NULL;
    if (fd >= 0) {
        (void)close(fd);
    }
    return ready;
}

static _Noreturn void peer_exec(char *const *argv, int out, int err, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0) {
        _exit(126);
    }
    (void)execv(argv[0], argv);
    _exit(127);
}

void peer_server_start(peer_server *server, const peer_plan *plan, const char *const *args)
{
    char numbers[4][16];
    char *argv[PEER_ARGS_MAX + 1] = {NULL};
    size_t count = 0;
    server->port = peer_free_port();
    const unsigned values[] = {server->port, plan->streams, plan->streams * plan->context_tokens,
                               plan->threads};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        (void)snprintf(numbers[i], sizeof(numbers[i]), "%u", values[i]);
    }
    const char *const base[] = {peer_program("llama-server"),
                                "-m",
                                plan->model,
                                "--host",
                                "127.0.0.1",
                                "--port",
                                numbers[0],
                                "-np",
                                numbers[1],
                                "-c",
                                numbers[2],
                                "-t",
                                numbers[3],
                                "--log-disable",
                                NULL};
    for (size_t i = 0; base[i] != NULL; i++) {
        argv[count++] = (char *)(uintptr_t)base[i];
    }
    for (size_t i = 0; args != NULL && args[i] != NULL && count < PEER_ARGS_MAX; i++) {
        argv[count++] = (char *)(uintptr_t)args[i];
    }
    (void)snprintf(server->log, sizeof(server->log), "/tmp/aver-peer-XXXXXX");
    int log = mkstemp(server->log);
    pid_t parent = getpid();
    server->pid = log < 0 ? -1 : fork();
    if (server->pid == 0) {
        peer_exec(argv, log, log, parent);
    }
    if (server->pid < 0) {
        peer_die("no process for llama-server");
    }
    (void)close(log);
    uint64_t end_ns = aver_time_monotonic_ns() + PEER_START_MS * UINT64_C(1000000);
    while (!peer_server_ready(server)) {
        struct timespec pause = {.tv_nsec = 20000000};
        if (waitpid(server->pid, NULL, WNOHANG) != 0 || aver_time_monotonic_ns() > end_ns) {
            peer_die("llama-server does not come up");
        }
        (void)nanosleep(&pause, NULL);
    }
}

void peer_server_stop(peer_server *server)
{
    (void)kill(server->pid, SIGKILL);
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    (void)unlink(server->log);
    server->pid = -1;
}

/* The times of a line of its JSON together, in seconds: t_pp and t_tg. */
static double limit_line(const char *line)
{
    const char *prompt = strstr(line, "\"t_pp\":");
    const char *generated = strstr(line, "\"t_tg\":");
    if (prompt == NULL || generated == NULL) {
        return 0.0;
    }
    return strtod(prompt + 7, NULL) + strtod(generated + 7, NULL);
}

static int limit_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The median of the lines, without the first, which warms up. */
static double limit_read(int fd, pid_t pid)
{
    char line[4096];
    double seconds[PEER_REPEATS_MAX + 1];
    size_t count = 0;
    int status = 0;
    FILE *out = fdopen(fd, "r");
    while (out != NULL && count <= PEER_REPEATS_MAX && fgets(line, sizeof(line), out) != NULL) {
        seconds[count] = limit_line(line);
        count += seconds[count] > 0.0 ? 1 : 0;
    }
    if (out != NULL) {
        (void)fclose(out);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0 || count < 2) {
        peer_die("llama-batched-bench gave no times");
    }
    qsort(seconds + 1, count - 1, sizeof(*seconds), limit_compare);
    return seconds[1 + (count - 1) / 2];
}

/* The number of streams, as often as it is to be run. */
static void limit_streams(const peer_plan *plan, unsigned repeats, char *text, size_t size)
{
    size_t used = 0;
    for (unsigned i = 0; i <= repeats && used + 8 < size; i++) {
        used += (size_t)snprintf(text + used, size - used, i == 0 ? "%u" : ",%u", plan->streams);
    }
}

double peer_limit(const peer_plan *plan, const peer_work *work)
{
    char numbers[4][16];
    char streams[16 * (PEER_REPEATS_MAX + 1)];
    int out[2];
    unsigned repeats = work->repeats < PEER_REPEATS_MAX ? work->repeats : PEER_REPEATS_MAX;
    const unsigned values[] = {work->prompt_tokens, work->tokens,
                               plan->streams * plan->context_tokens, plan->threads};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        (void)snprintf(numbers[i], sizeof(numbers[i]), "%u", values[i]);
    }
    limit_streams(plan, repeats, streams, sizeof(streams));
    const char *const argv[] = {peer_program("llama-batched-bench"),
                                "-m",
                                plan->model,
                                "-npp",
                                numbers[0],
                                "-ntg",
                                numbers[1],
                                "-npl",
                                streams,
                                "-c",
                                numbers[2],
                                "-t",
                                numbers[3],
                                "--output-format",
                                "jsonl",
                                NULL};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0 || pipe2(out, O_CLOEXEC) != 0) {
        peer_die("no pipe");
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        peer_exec((char *const *)(uintptr_t)argv, out[1], null, parent);
    }
    (void)close(out[1]);
    (void)close(null);
    if (pid < 0) {
        peer_die("no process for llama-batched-bench");
    }
    return (double)plan->streams * work->tokens / limit_read(out[0], pid);
}

static uint64_t memory_read(const char *path, const char *label)
{
    char line[256];
    uint64_t bytes = 0;
    FILE *file = fopen(path, "r");
    while (file != NULL && bytes == 0 && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, label, strlen(label)) == 0) {
            bytes = strtoull(line + strlen(label), NULL, 10) * 1024;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return bytes;
}

uint64_t peer_memory_bytes(pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    uint64_t bytes = memory_read(path, "Pss:");
    if (bytes == 0) {
        (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
        bytes = memory_read(path, "VmRSS:");
    }
    return bytes;
}

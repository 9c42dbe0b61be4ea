/* SPDX-License-Identifier: Apache-2.0 */
#include "support/node_fixture.h"

#include "base/sys.h"
#include "codec/json.h"
#include "codec/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIXTURE_START_MS 60000u
#define FIXTURE_STOP_MS  60000u
#define FIXTURE_SKIP     77

static _Noreturn void fixture_die(const node_fixture *node, const char *what)
{
    char line[512];
    FILE *log = fopen(node->log, "r");

    (void)fprintf(stderr, "node fixture: %s\n", what);
    while (log != NULL && fgets(line, sizeof(line), log) != NULL) {
        (void)fprintf(stderr, "  node: %s", line);
    }
    if (node->pid > 0) {
        (void)kill(node->pid, SIGKILL);
    }
    exit(1);
}

const char *node_fixture_model(void)
{
    static char path[4096];
    const char *const places[] = {getenv("AVER_TEST_MODEL"), getenv("AVER_MODELS"),
                                  getenv("AVER_CACHE"), getenv("AVER_SHARED")};
    const char *const ends[] = {"", "/stories15M-q8_0.gguf", "/models/stories15M-q8_0.gguf",
                                "/models/stories15M-q8_0.gguf"};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (places[i] == NULL || places[i][0] == '\0') {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s%s", places[i], ends[i]);
        if (access(path, R_OK) == 0) {
            return path;
        }
    }
    (void)printf("SKIP: no stories15M-q8_0.gguf in AVER_MODELS, AVER_CACHE or AVER_SHARED\n");
    exit(FIXTURE_SKIP);
}

uint64_t node_fixture_now_ms(void)
{
    return aver_time_monotonic_ns() / 1000000;
}

void node_fixture_sleep_ms(unsigned ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&pause, NULL);
}

static void fixture_folder(node_fixture *node)
{
    *node = (node_fixture){.pid = -1};
    (void)snprintf(node->dir, sizeof(node->dir), "/tmp/aver-node-XXXXXX");
    if (mkdtemp(node->dir) == NULL) {
        fixture_die(node, "no temporary folder");
    }
    (void)snprintf(node->unix_socket, sizeof(node->unix_socket), "%s/socket", node->dir);
    (void)snprintf(node->log, sizeof(node->log), "%s/log", node->dir);
    (void)snprintf(node->key, sizeof(node->key), "%s/key", node->dir);
}

static void fixture_exec(const node_fixture *node, char *const *argv, pid_t parent)
{
    int log = open(node->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (log < 0 || getppid() != parent || dup2(log, STDERR_FILENO) < 0) {
        _exit(126);
    }
    (void)execv(argv[0], argv);
    _exit(127);
}

static void fixture_spawn(node_fixture *node, const char *const *base, const char *const *args)
{
    static char program[4096];
    char *argv[NODE_FIXTURE_ARGS_MAX + 1] = {program};
    const char *bin = getenv("AVER_BIN");
    size_t count = 1;

    (void)snprintf(program, sizeof(program), "%s/aver-node-sim", bin != NULL ? bin : ".");
    for (size_t i = 0; base[i] != NULL && count < NODE_FIXTURE_ARGS_MAX; i++) {
        argv[count++] = strdup(base[i]);
    }
    for (size_t i = 0; args != NULL && args[i] != NULL && count < NODE_FIXTURE_ARGS_MAX; i++) {
        argv[count++] = strdup(args[i]);
    }
    pid_t parent = getpid();
    node->pid = fork();
    if (node->pid == 0) {
        fixture_exec(node, argv, parent);
    }
    for (size_t i = 1; i < count; i++) {
        free(argv[i]);
    }
    if (node->pid < 0) {
        fixture_die(node, "fork failed");
    }
}

static void fixture_read_ready(node_fixture *node, const char *ready)
{
    aver_buf text;
    json_t *json;

    aver_buf_init(&text, 65536);
    if (aver_file_read(ready, 65536, &text) != AVER_OK ||
        aver_json_parse(aver_buf_view(&text), 65536, &json, NULL) != AVER_OK) {
        fixture_die(node, "the ready file cannot be read");
    }
    const char *bound = json_string_value(json_array_get(json_object_get(json, "listen"), 0));
    const char *root = json_string_value(json_object_get(json, "model_root"));
    const char *model = json_string_value(json_object_get(json, "model"));
    if (bound == NULL || model == NULL || sscanf(bound, "tcp:127.0.0.1:%u", &node->port) != 1 ||
        root == NULL || aver_hex_decode(aver_view_text(root), node->model_root, 32) != AVER_OK) {
        fixture_die(node, "the ready file lacks something");
    }
    (void)snprintf(node->model, sizeof(node->model), "%s", model);
    (void)snprintf(node->url, sizeof(node->url), "https://127.0.0.1:%u", node->port);
    json_decref(json);
    aver_buf_deinit(&text);
}

void node_fixture_start(node_fixture *node, const char *const *args)
{
    const char *model = node_fixture_model();
    char platform[160], socket_text[160], ready[160];

    fixture_folder(node);
    (void)snprintf(platform, sizeof(platform), "sim:key=%s", node->key);
    (void)snprintf(socket_text, sizeof(socket_text), "unix:%s", node->unix_socket);
    (void)snprintf(ready, sizeof(ready), "%s/ready", node->dir);
    const char *const base[] = {
        "--model",         model,      "--platform", platform,       "--listen",
        "tcp:127.0.0.1:0", "--listen", socket_text,  "--ready-file", ready,
        "--threads",       "1",        NULL};
    fixture_spawn(node, base, args);
    for (uint64_t end = node_fixture_now_ms() + FIXTURE_START_MS; access(ready, R_OK) != 0;) {
        if (!node_fixture_alive(node) || node_fixture_now_ms() > end) {
            fixture_die(node, "the node did not start");
        }
        node_fixture_sleep_ms(20);
    }
    fixture_read_ready(node, ready);
}

int node_fixture_fail(node_fixture *node, const char *const *args)
{
    const char *const base[] = {NULL};

    fixture_folder(node);
    fixture_spawn(node, base, args);
    int status = node_fixture_wait(node, FIXTURE_START_MS);
    if (status < 0) {
        fixture_die(node, "the node goes on although it should not");
    }
    return status;
}

bool node_fixture_alive(node_fixture *node)
{
    return node->pid > 0 && node_fixture_wait(node, 0) < 0;
}

int node_fixture_wait(node_fixture *node, unsigned timeout_ms)
{
    uint64_t end = node_fixture_now_ms() + timeout_ms;
    int status;

    if (node->pid <= 0) {
        return 255;
    }
    while (waitpid(node->pid, &status, WNOHANG) == 0) {
        if (node_fixture_now_ms() >= end) {
            return -1;
        }
        node_fixture_sleep_ms(5);
    }
    node->pid = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void node_fixture_remove(node_fixture *node)
{
    DIR *dir = opendir(node->dir);

    for (struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL;
         entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
        (void)rmdir(node->dir);
    }
}

int node_fixture_stop(node_fixture *node)
{
    if (node->pid > 0) {
        (void)kill(node->pid, SIGTERM);
    }
    int status = node_fixture_wait(node, FIXTURE_STOP_MS);
    if (status < 0) {
        fixture_die(node, "the node does not end");
    }
    node_fixture_remove(node);
    return status;
}

size_t node_fixture_engines(const node_fixture *node, pid_t *ret_engines, size_t engines_max)
{
    char path[96];
    int child = 0;
    size_t count = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)node->pid, (int)node->pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && count < engines_max && fscanf(file, "%d", &child) == 1) {
        ret_engines[count++] = child;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return count;
}

pid_t node_fixture_engine(const node_fixture *node)
{
    pid_t engine = 0;

    return node_fixture_engines(node, &engine, 1) == 1 ? engine : 0;
}

static uint64_t fixture_proportional(pid_t pid)
{
    char path[64], line[256];
    unsigned long long kib = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "Pss: %llu kB", &kib) == 1) {
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return (uint64_t)kib * 1024;
}

/* The sanitizer's own memory would be counted, and engines cannot tell theirs under it. */
static bool fixture_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return true;
#else
    return false;
#endif
#else
    return false;
#endif
}

uint64_t node_fixture_proportional_bytes(const node_fixture *node)
{
    pid_t engines[64];
    size_t count = node_fixture_engines(node, engines, 64);
    uint64_t sum = 0;

    if (fixture_sanitized()) {
        return 0;
    }
    sum = fixture_proportional(node->pid);
    for (size_t i = 0; i < count; i++) {
        sum += fixture_proportional(engines[i]);
    }
    return sum;
}

static uint64_t fixture_resident(pid_t pid)
{
    unsigned long long total, resident;
    uint64_t bytes = 0;
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        if (fscanf(file, "%llu %llu", &total, &resident) == 2) {
            bytes = (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
        }
        (void)fclose(file);
    }
    return bytes;
}

uint64_t node_fixture_resident_bytes(const node_fixture *node)
{
    pid_t engine = node_fixture_engine(node);

    return fixture_resident(node->pid) + (engine > 0 ? fixture_resident(engine) : 0);
}

bool node_fixture_log_has(const node_fixture *node, const char *text)
{
    aver_buf log;
    bool found = false;

    aver_buf_init(&log, 64u * 1024 * 1024);
    if (aver_file_read(node->log, 64u * 1024 * 1024, &log) == AVER_OK) {
        found = memmem(log.data, log.size, text, strlen(text)) != NULL;
    }
    aver_buf_deinit(&log);
    return found;
}

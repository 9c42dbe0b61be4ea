/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node and a proxy work inside the sandboxes of their services: a filter of system calls made
 * from the lines of deploy/systemd/NAME.service.in, as systemd makes it, but with death in the
 * place of an error number, so that nothing refused goes unseen; no capabilities, no new
 * privileges. The node tells its manager when it serves and when it ends.
 *
 * The fixtures start $AVER_BIN/aver-node-sim and $AVER_BIN/aver. Here these are links to this very
 * program, which puts the sandbox on and becomes the real one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "support/node_client.h"
#include "support/proxy_run.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS_MAX       1024
#define NAME_MAX_BYTES  64
#define UNIT_BYTES_MAX  65536
#define CAPABILITY_MAX  63
#define SANDBOX_SKIP    77
#define NAMESPACE_FLAGS 0x7e020080u /* every CLONE_NEW* of namespaces(7) */

typedef struct calls {
    char names[CALLS_MAX][NAME_MAX_BYTES];
    bool allowed[CALLS_MAX];
    size_t count;
} calls;

typedef struct sandbox {
    char folder[64];
    int manager_fd;
} sandbox;

static node_fixture node;

/* The status of a program, found on the path, with its output in out. */
static int program_run(char *const *argv, int out)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        int none = open("/dev/null", O_RDWR | O_CLOEXEC);
        (void)dup2(out >= 0 ? out : none, STDOUT_FILENO);
        (void)dup2(none, STDERR_FILENO);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    if (pid > 0 && waitpid(pid, &status, 0) != pid) {
        status = -1;
    }
    return status;
}

/* What systemd says about a group of calls, NULL if it is not here. */
static FILE *group_open(const char *name)
{
    char program[] = "systemd-analyze";
    char verb[] = "syscall-filter";
    char group[NAME_MAX_BYTES];
    char *argv[] = {program, verb, group, NULL};
    FILE *said = tmpfile();

    (void)snprintf(group, sizeof(group), "%s", name);
    if (said != NULL && program_run(argv, fileno(said)) != 0) {
        (void)fclose(said);
        return NULL;
    }
    if (said != NULL) {
        rewind(said);
    }
    return said;
}

/* Sets one call, or with "@" before it the calls of a group, to allowed or not. */
static void calls_set(calls *list, const char *name, bool allowed)
{
    char line[256];

    if (name[0] != '@') {
        size_t at = 0;
        while (at < list->count && strcmp(list->names[at], name) != 0) {
            at++;
        }
        assert_true(at < CALLS_MAX);
        (void)snprintf(list->names[at], NAME_MAX_BYTES, "%s", name);
        list->allowed[at] = allowed;
        list->count += at == list->count;
        return;
    }
    FILE *group = group_open(name);
    assert_non_null(group);
    for (size_t count = 0; fgets(line, sizeof(line), group) != NULL; count++) {
        char word[NAME_MAX_BYTES] = "";

        if (count > 0 && sscanf(line, " %63s", word) == 1 && word[0] != '#') {
            calls_set(list, word, allowed);
        }
    }
    (void)fclose(group);
}

/* A line of the unit behind its "name=", the words set one after the other. */
static void calls_set_words(calls *list, const char *words)
{
    bool allowed = words[0] != '~';
    char word[NAME_MAX_BYTES];
    int used = 0;

    words += allowed ? 0 : 1;
    while (sscanf(words, " %63[^ \n]%n", word, &used) == 1) {
        calls_set(list, word, allowed);
        words += used;
        if (*words == '\n' || *words == '\0') {
            return;
        }
    }
}

/* The programs with a sandbox, and whose it is. */
static const struct {
    const char *program, *unit, *list;
} boxes[] = {{"aver-node-sim", "aver-node", "calls-node"}, {"aver", "aver-proxy", "calls-proxy"}};

static char *unit_text(const char *name)
{
    static char text[UNIT_BYTES_MAX];
    char path[4096];
    const char *source = getenv("AVER_SOURCE");

    (void)snprintf(path, sizeof(path), "%s/deploy/systemd/%s.service.in",
                   source != NULL ? source : ".", name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return NULL;
    }
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

/* What stands behind "\nNAME=" from here on, NULL if nothing does. */
static const char *unit_next(const char *from, const char *name)
{
    char key[64];

    (void)snprintf(key, sizeof(key), "\n%s=", name);
    const char *at = strstr(from, key);
    return at != NULL ? at + strlen(key) : NULL;
}

static void rule(int status)
{
    if (status != 0) {
        (void)fprintf(stderr, "sandbox: no rule: %s\n", strerror(-status));
        _exit(126);
    }
}

/* Memory is writable or executable, never both, nor made executable later. */
static void rules_memory(scmp_filter_ctx filter)
{
    const uint32_t action = SCMP_ACT_KILL_PROCESS;

    rule(seccomp_rule_add(
        filter, action, SCMP_SYS(mmap), 1,
        SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC | PROT_WRITE)));
    rule(seccomp_rule_add(filter, action, SCMP_SYS(mprotect), 1,
                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)));
    rule(seccomp_rule_add(filter, action, SCMP_SYS(pkey_mprotect), 1,
                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)));
}

static void rules_namespaces(scmp_filter_ctx filter)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t flag = 1u << bit;

        if ((NAMESPACE_FLAGS & flag) != 0) {
            rule(seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag)));
        }
    }
    rule(seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(unshare), 0));
    rule(seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(setns), 0));
    /* Its flags cannot be seen by a filter: systemd too sends callers back to clone. */
    rule(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));
}

static void rules_families(scmp_filter_ctx filter, const char *families)
{
    static const struct {
        const char *name;
        int family;
    } known[] = {{"AF_UNIX", AF_UNIX},
                 {"AF_INET", AF_INET},
                 {"AF_INET6", AF_INET6},
                 {"AF_VSOCK", AF_VSOCK},
                 {"AF_NETLINK", AF_NETLINK}};

    for (int family = 0; family < AF_MAX; family++) {
        bool allowed = false;

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            const char *at = known[i].family == family ? strstr(families, known[i].name) : NULL;
            size_t size = strlen(known[i].name);
            allowed = allowed || (at != NULL && (at[size] == ' ' || at[size] == '\n'));
        }
        if (!allowed) {
            rule(seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(socket), 1,
                                  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family)));
        }
    }
}

/* Filters of seccomp stack: each must allow a call. */
static void filter_calls(const char *path)
{
    char name[NAME_MAX_BYTES];
    FILE *file = fopen(path, "r");
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);

    if (file == NULL || filter == NULL) {
        _exit(126);
    }
    while (fscanf(file, "%63s", name) == 1) {
        int call = seccomp_syscall_resolve_name(name);
        if (call >= 0) {
            rule(seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0));
        }
    }
    (void)fclose(file);
    rule(seccomp_load(filter));
    seccomp_release(filter);
}

static void filter_rest(const char *unit)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    const char *families = unit_next(unit, "RestrictAddressFamilies");

    if (filter == NULL || families == NULL || unit_next(unit, "MemoryDenyWriteExecute") == NULL ||
        unit_next(unit, "RestrictNamespaces") == NULL) {
        _exit(126);
    }
    char line[256] = "";
    (void)snprintf(line, sizeof(line), "%.*s\n", (int)strcspn(families, "\n"), families);
    rules_memory(filter);
    rules_namespaces(filter);
    rules_families(filter, line);
    rule(seccomp_load(filter));
    seccomp_release(filter);
}

/* This program as $AVER_BIN/NAME, the box'th of boxes. */
static int sandbox_enter(size_t box, char **argv)
{
    const char *programs = getenv("SANDBOX_PROGRAMS");
    const char *folder = getenv("SANDBOX_FOLDER");
    const char *unit = unit_text(boxes[box].unit);
    char path[4096];

    if (programs == NULL || folder == NULL || unit == NULL) {
        return 126;
    }
    for (unsigned long capability = 0; capability <= CAPABILITY_MAX && geteuid() == 0;
         capability++) {
        (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return 126;
    }
    filter_rest(unit);
    (void)snprintf(path, sizeof(path), "%s/%s", folder, boxes[box].list);
    filter_calls(path);
    (void)snprintf(path, sizeof(path), "%s/%s", programs, boxes[box].program);
    (void)execv(path, argv);
    return 127;
}

static void sandbox_calls_write(const char *name, const char *path)
{
    static calls list;
    aver_buf text;
    const char *unit = unit_text(name);
    size_t allowed = 0;

    list.count = 0;
    assert_non_null(unit);
    for (const char *at = unit; (at = unit_next(at, "SystemCallFilter")) != NULL;) {
        calls_set_words(&list, at);
    }
    aver_buf_init(&text, UNIT_BYTES_MAX);
    for (size_t i = 0; i < list.count; i++) {
        if (list.allowed[i]) {
            aver_buf_append_format(&text, "%s\n", list.names[i]);
            allowed++;
        }
    }
    assert_true(allowed > 100 && allowed < 400);
    assert_int_equal(aver_file_write(path, aver_buf_view(&text), 0600), AVER_OK);
    aver_buf_deinit(&text);
}

static int manager_open(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 60};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", folder);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&address, sizeof(address)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
    return fd;
}

static void assert_manager_hears(const sandbox *box, const char *words)
{
    char said[256] = "";

    assert_true(recv(box->manager_fd, said, sizeof(said) - 1, 0) > 0);
    if (strstr(said, words) == NULL) {
        fail_msg("the manager heard \"%s\", not \"%s\"", said, words);
    }
}

static int sandbox_setup(void **state)
{
    static sandbox box;
    char path[4096];
    char self[4096] = "";

    (void)snprintf(box.folder, sizeof(box.folder), "/tmp/aver-sandbox-XXXXXX");
    if (mkdtemp(box.folder) == NULL || readlink("/proc/self/exe", self, sizeof(self) - 1) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", box.folder, boxes[i].list);
        sandbox_calls_write(boxes[i].unit, path);
        (void)snprintf(path, sizeof(path), "%s/%s", box.folder, boxes[i].program);
        if (symlink(self, path) != 0) {
            return -1;
        }
    }
    (void)setenv("SANDBOX_PROGRAMS", getenv("AVER_BIN"), 1);
    (void)setenv("SANDBOX_FOLDER", box.folder, 1);
    (void)setenv("AVER_BIN", box.folder, 1);
    box.manager_fd = manager_open(box.folder);
    *state = &box;
    return 0;
}

static int sandbox_teardown(void **state)
{
    static const char *const names[] = {"calls-node", "calls-proxy", "aver-node-sim", "aver",
                                        "notify"};
    const sandbox *box = *state;
    char path[128];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", box->folder, names[i]);
        (void)unlink(path);
    }
    (void)close(box->manager_fd);
    return rmdir(box->folder);
}

static void sandbox_ask(bool plain, bool sealed)
{
    char body[256];
    node_question question = {.path = "/v1/completions", .body = body, .sealed = sealed};
    node_session session;
    node_answer answer;

    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"prompt\":\"Once\",\"max_tokens\":8,\"stream\":true}",
                   node.model);
    node_session_open(&session, &node, plain);
    node_ask(&session, &question, &answer);
    assert_int_equal(answer.err, AVER_OK);
    assert_int_equal(answer.status, 200);
    assert_true(node_answer_check(&session, &question, &answer));
    node_answer_deinit(&answer);
    node_session_close(&session);
}

static void test_a_node_in_the_sandbox_answers_and_tells_its_manager(void **state)
{
    node_fixture_start(&node, NULL);
    assert_manager_hears(*state, "READY=1\n");
    assert_true(node_fixture_engine(&node) > 0);
    sandbox_ask(false, true);
    sandbox_ask(false, false);
    sandbox_ask(true, true);
    int status = node_fixture_stop(&node);
    assert_manager_hears(*state, "STOPPING=1\n");
    assert_int_equal(status, 0);
}

/* A lost engine is replaced: fork and exec are allowed where they are needed. */
static void test_the_engine_starts_again_in_the_sandbox(void **state)
{
    node_fixture_start(&node, NULL);
    assert_manager_hears(*state, "READY=1\n");
    pid_t first = node_fixture_engine(&node);
    assert_true(first > 0);
    assert_int_equal(kill(first, SIGKILL), 0);
    while (node_fixture_engine(&node) == first || node_fixture_engine(&node) == 0) {
        assert_true(node_fixture_alive(&node));
        node_fixture_sleep_ms(20);
    }
    sandbox_ask(false, true);
    assert_int_equal(node_fixture_stop(&node), 0);
    assert_manager_hears(*state, "STOPPING=1\n");
}

/* The policy is pinned from the real program: the link's bytes are others. */
static void test_a_proxy_in_the_sandbox_answers(void **state)
{
    const sandbox *box = *state;
    proxy_answer answer = {0};
    proxy_run proxy;
    cli_run run;
    char body[256];

    node_fixture_start(&node, NULL);
    assert_manager_hears(box, "READY=1\n");
    (void)setenv("AVER_BIN", getenv("SANDBOX_PROGRAMS"), 1);
    cli_run_open(&run, &node);
    (void)setenv("AVER_BIN", box->folder, 1);
    const char *const words[] = {"--url", node.url, NULL};
    proxy_run_start(&proxy, &run, NULL, words);
    (void)snprintf(body, sizeof(body), "{\"model\":\"%s\",\"prompt\":\"Once\",\"max_tokens\":8}",
                   node.model);
    proxy_ask(&proxy, "/v1/completions", body, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.verdict, "accepted");
    proxy_answer_deinit(&answer);
    assert_int_equal(proxy_run_stop(&proxy), 0);
    cli_run_close(&run);
    assert_int_equal(node_fixture_stop(&node), 0);
    assert_manager_hears(box, "STOPPING=1\n");
}

/* The sandbox is one: what it forbids ends this program. */
static void test_the_sandbox_forbids(void **state)
{
    static const char *const wrong[] = {"exec-memory", "namespace", "packet-socket", "chown"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char program[4096], option[] = "--sandbox", how[32];
        char *argv[] = {program, option, how, NULL};

        (void)snprintf(program, sizeof(program), "%s/aver-node-sim", getenv("AVER_BIN"));
        (void)snprintf(how, sizeof(how), "%s", wrong[i]);
        int status = program_run(argv, -1);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
            fail_msg("%s: status %d", wrong[i], status);
        }
    }
}

/* Inside the sandbox, in the place of the node: does what it must not. */
static int sandbox_offend(const char *how)
{
    (void)setenv("SANDBOX_PROGRAMS", "/nonexistent", 1);
    static char name[] = "aver-node-sim";
    char *argv[] = {name, NULL};
    if (sandbox_enter(0, argv) != 127) {
        return 1;
    }
    if (strcmp(how, "exec-memory") == 0) {
        (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                   0);
    } else if (strcmp(how, "namespace") == 0) {
        (void)unshare(CLONE_NEWUSER);
    } else if (strcmp(how, "packet-socket") == 0) {
        (void)socket(AF_PACKET, SOCK_RAW, 0);
    } else {
        (void)!chown("/nonexistent", 1, 1);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_node_in_the_sandbox_answers_and_tells_its_manager),
        cmocka_unit_test(test_the_engine_starts_again_in_the_sandbox),
        cmocka_unit_test(test_a_proxy_in_the_sandbox_answers),
        cmocka_unit_test(test_the_sandbox_forbids),
    };
    const char *slash = strrchr(argv[0], '/');

    if (argc == 3 && strcmp(argv[1], "--sandbox") == 0) {
        return sandbox_offend(argv[2]);
    }
    for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++) {
        if (strcmp(slash != NULL ? slash + 1 : argv[0], boxes[i].program) == 0) {
            return sandbox_enter(i, argv);
        }
    }
    FILE *group = group_open("@default");
    if (group == NULL) {
        (void)printf("SKIP: no systemd-analyze: which calls its groups hold\n");
        return SANDBOX_SKIP;
    }
    (void)fclose(group);
    (void)node_fixture_model();
    return cmocka_run_group_tests(tests, sandbox_setup, sandbox_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prompt never leaves for a node that is not accepted: a server that records every byte it gets
 * plays the node, once with rubbish and once with genuine evidence for somebody else's nonce.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aver/bundle.h"
#include "base/sys.h"
#include "cli/pin.h"
#include "codec/text.h"
#include "crypto/ed25519.h"
#include "support/node_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROMPT   "the words that must stay at home"
#define TEXT_MAX (4u * 1024 * 1024)

static node_fixture node;
static char dir[64];
static char policy_path[128], root_path[128], bundle_path[128];

static void path_in(char *ret_path, const char *name)
{
    (void)snprintf(ret_path, 128, "%s/%s", dir, name);
}

/* Runs aver; its standard error goes to a file, whose text is given back in ret_err. */
static int aver_run(const char *const *words, char *ret_err, size_t err_size)
{
    char program[512], err_path[128], out_path[128];
    const char *argv[24] = {program};
    const char *bin = getenv("AVER_BIN");
    assert_non_null(bin);
    (void)snprintf(program, sizeof program, "%s/aver", bin);
    for (size_t i = 0; words[i] != NULL; i++) {
        argv[i + 1] = words[i];
    }
    path_in(err_path, "err");
    path_in(out_path, "out");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int err = open(err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int out = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        (void)dup2(out, 1);
        (void)dup2(err, 2);
        (void)execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    aver_buf text;
    aver_buf_init(&text, TEXT_MAX);
    assert_int_equal(aver_file_read(err_path, TEXT_MAX, &text), AVER_OK);
    (void)snprintf(ret_err, err_size, "%.*s", (int)text.size, (const char *)text.data);
    aver_buf_deinit(&text);
    return WEXITSTATUS(status);
}

/* One connection of the recording server: all bytes go to the file, each request gets the answer.
 */
static void server_serve(int fd, int record, aver_view answer)
{
    char bytes[65536];
    ssize_t got;
    while ((got = read(fd, bytes, sizeof bytes)) > 0) {
        if (write(record, bytes, (size_t)got) != got || write(fd, answer.data, answer.size) < 0) {
            return;
        }
    }
}

static pid_t server_start(const char *socket_path, const char *record_path, aver_view answer)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.100s", socket_path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 4), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int record = open(record_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            if (fd >= 0) {
                server_serve(fd, record, answer);
                (void)close(fd);
            }
        }
    }
    (void)close(listener);
    return pid;
}

static bool record_has(const aver_buf *record, const char *text)
{
    return memmem(record->data, record->size, text, strlen(text)) != NULL;
}

/* Asks the recording server; nothing but the question for evidence may have reached it. */
static int ask_recorded(const char *name, aver_view body, char *ret_err, size_t err_size)
{
    char socket_path[128], record_path[128];
    path_in(socket_path, name);
    path_in(record_path, "record");
    aver_buf answer;
    aver_buf_init(&answer, TEXT_MAX);
    aver_buf_append_format(&answer,
                           "HTTP/1.1 200 OK\r\nContent-Type: " AVER_BUNDLE_MEDIA_TYPE
                           "\r\nContent-Length: %zu\r\n\r\n",
                           body.size);
    aver_buf_append(&answer, body);
    pid_t pid = server_start(socket_path, record_path, aver_buf_view(&answer));
    const char *const words[] = {"ask",        "--unix",  socket_path,    "--policy", policy_path,
                                 "--sim-root", root_path, "--completion", PROMPT,     NULL};
    int code = aver_run(words, ret_err, err_size);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    aver_buf record;
    aver_buf_init(&record, TEXT_MAX);
    assert_int_equal(aver_file_read(record_path, TEXT_MAX, &record), AVER_OK);
    assert_true(record_has(&record, "GET /v1/attestation?nonce="));
    assert_false(record_has(&record, "POST"));
    assert_false(record_has(&record, "Ehbp-Encapsulated-Key"));
    assert_false(record_has(&record, "must stay"));
    aver_buf_deinit(&record);
    aver_buf_deinit(&answer);
    return code;
}

static void rubbish_gets_no_prompt(void **state)
{
    (void)state;
    char err[8192];
    assert_int_equal(ask_recorded("rubbish.sock", AVER_VIEW_LITERAL("rubbish"), err, sizeof err),
                     1);
    assert_non_null(strstr(err, "FAIL  bundle.format"));
    assert_non_null(strstr(err, "The prompt was not sent"));
}

static void replayed_evidence_gets_no_prompt(void **state)
{
    (void)state;
    char err[16384];
    aver_buf bundle;
    aver_buf_init(&bundle, AVER_BUNDLE_BYTES_MAX);
    const char *const fetch[] = {"attest", "fetch", "--url", node.url, "-o", bundle_path, NULL};
    assert_int_equal(aver_run(fetch, err, sizeof err), 0);
    assert_int_equal(aver_file_read(bundle_path, AVER_BUNDLE_BYTES_MAX, &bundle), AVER_OK);
    assert_int_equal(ask_recorded("replay.sock", aver_buf_view(&bundle), err, sizeof err), 1);
    assert_non_null(strstr(err, "FAIL  nonce"));
    assert_null(strstr(err, "FAIL  b"));
    assert_non_null(strstr(err, "The prompt was not sent"));
    aver_buf_deinit(&bundle);
}

/* The same command against the genuine node is accepted: the refusals above are not for another
 * reason. */
static void genuine_node_gets_it(void **state)
{
    (void)state;
    char err[8192];
    const char *const words[] = {"ask",       "--unix",     node.unix_socket, "--policy",
                                 policy_path, "--sim-root", root_path,        "--completion",
                                 "-n",        "4",          PROMPT,           NULL};
    assert_int_equal(aver_run(words, err, sizeof err), 0);
    assert_non_null(strstr(err, "VERIFIED"));
}

static void write_policy(void)
{
    char program[512];
    aver_pin pin = {.name = "test", .platform = "sim", .measurements_count = 1, .models_count = 1};
    pin.measurements[0] = (aver_measurement){.kind = "program", .size = 32};
    (void)snprintf(program, sizeof program, "%s/aver-node-sim", getenv("AVER_BIN"));
    assert_int_equal(aver_pin_program(program, pin.measurements[0].bytes), AVER_OK);
    memcpy(pin.models[0], node.model_root, 32);
    aver_buf text;
    aver_buf_init(&text, 65536);
    aver_pin_write(&pin, &text);
    assert_int_equal(aver_file_write(policy_path, aver_buf_view(&text), 0600), AVER_OK);
    aver_buf_clear(&text);
    assert_int_equal(aver_file_read(node.key, 64, &text), AVER_OK);
    aver_ed25519 *key = NULL;
    assert_int_equal(text.size, 32);
    assert_int_equal(aver_ed25519_from_seed(text.data, &key), AVER_OK);
    aver_buf_clear(&text);
    aver_hex_append(&text, aver_view_make(aver_ed25519_public(key), 32));
    assert_int_equal(aver_file_write(root_path, aver_buf_view(&text), 0600), AVER_OK);
    aver_ed25519_free(key);
    aver_buf_deinit(&text);
}

static int set_up(void **state)
{
    (void)state;
    node_fixture_start(&node, NULL);
    (void)snprintf(dir, sizeof dir, "/tmp/aver-prompt.XXXXXX");
    assert_non_null(mkdtemp(dir));
    path_in(policy_path, "policy.json");
    path_in(root_path, "root");
    path_in(bundle_path, "bundle");
    write_policy();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"policy.json", "root",   "bundle",       "err",
                                        "out",         "record", "rubbish.sock", "replay.sock"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_in(path, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
    return node_fixture_stop(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genuine_node_gets_it),
        cmocka_unit_test(rubbish_gets_no_prompt),
        cmocka_unit_test(replayed_evidence_gets_no_prompt),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

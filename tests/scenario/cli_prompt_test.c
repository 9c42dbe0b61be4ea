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
#include "support/cli_run.h"

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
static cli_run run;

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

/* Nothing but the question for evidence may have reached the server. */
static void record_check(const char *record_path)
{
    aver_buf record;
    aver_buf_init(&record, TEXT_MAX);
    assert_int_equal(aver_file_read(record_path, TEXT_MAX, &record), AVER_OK);
    assert_true(record_has(&record, "GET /v1/attestation?nonce="));
    assert_false(record_has(&record, "POST"));
    assert_false(record_has(&record, "Ehbp-Encapsulated-Key"));
    assert_false(record_has(&record, "must stay"));
    aver_buf_deinit(&record);
}

static int ask_recorded(const char *name, aver_view body)
{
    char socket_path[CLI_RUN_PATH_BYTES];
    char record_path[CLI_RUN_PATH_BYTES];
    cli_run_path(&run, name, socket_path);
    cli_run_path(&run, "record", record_path);
    aver_buf answer;
    aver_buf_init(&answer, TEXT_MAX);
    aver_buf_append_format(&answer,
                           "HTTP/1.1 200 OK\r\nContent-Type: " AVER_BUNDLE_MEDIA_TYPE
                           "\r\nContent-Length: %zu\r\n\r\n",
                           body.size);
    aver_buf_append(&answer, body);
    pid_t pid = server_start(socket_path, record_path, aver_buf_view(&answer));
    const char *const words[] = {"ask",        "--unix", socket_path,    "--policy", run.policy,
                                 "--sim-root", run.root, "--completion", PROMPT,     NULL};
    int code = cli_run_words(&run, words);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    record_check(record_path);
    aver_buf_deinit(&answer);
    return code;
}

static void rubbish_gets_no_prompt(void **state)
{
    (void)state;
    assert_int_equal(ask_recorded("rubbish.sock", AVER_VIEW_LITERAL("rubbish")), 1);
    assert_non_null(strstr(run.err, "FAIL  bundle.format"));
    assert_non_null(strstr(run.err, "The prompt was not sent"));
}

static void replayed_evidence_gets_no_prompt(void **state)
{
    (void)state;
    aver_buf bundle;
    aver_buf_init(&bundle, AVER_BUNDLE_BYTES_MAX);
    cli_run_fetch(&run, &node, &bundle);
    assert_int_equal(ask_recorded("replay.sock", aver_buf_view(&bundle)), 1);
    assert_non_null(strstr(run.err, "FAIL  nonce"));
    assert_null(strstr(run.err, "FAIL  b"));
    assert_non_null(strstr(run.err, "The prompt was not sent"));
    aver_buf_deinit(&bundle);
}

/* The same command against the genuine node is accepted: the refusals above are not for another
 * reason. */
static void genuine_node_gets_it(void **state)
{
    (void)state;
    const char *const words[] = {"ask",      "--unix",     node.unix_socket, "--policy",
                                 run.policy, "--sim-root", run.root,         "--completion",
                                 "-n",       "4",          PROMPT,           NULL};
    assert_int_equal(cli_run_words(&run, words), 0);
    assert_non_null(strstr(run.err, "VERIFIED"));
}

static int set_up(void **state)
{
    (void)state;
    cli_run_start(&run, &node, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return cli_run_stop(&run, &node);
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

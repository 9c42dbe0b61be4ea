/* SPDX-License-Identifier: Apache-2.0 */
#include "support/proxy_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROXY_START_MS 60000u

static void proxy_exec(const proxy_run *proxy, char *const *argv, pid_t parent)
{
    int log = open(proxy->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (log < 0 || getppid() != parent || dup2(log, STDERR_FILENO) < 0) {
        _exit(126);
    }
    (void)execv(argv[0], argv);
    _exit(127);
}

static void proxy_read_ready(proxy_run *proxy, const char *ready)
{
    unsigned port = 0;
    aver_buf text;
    aver_buf_init(&text, 4096);
    assert_int_equal(aver_file_read(ready, 4096, &text), AVER_OK);
    aver_buf_append_byte(&text, 0);
    const char *at = strstr((const char *)text.data, "tcp:127.0.0.1:");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "tcp:127.0.0.1:%u", &port), 1);
    (void)snprintf(proxy->url, sizeof(proxy->url), "http://127.0.0.1:%u", port);
    aver_buf_deinit(&text);
}

static void proxy_start(proxy_run *proxy, const cli_run *run, const char *const *base,
                        const char *const *words)
{
    char program[512], ready[CLI_RUN_PATH_BYTES];
    const char *bin = getenv("AVER_BIN");
    assert_non_null(bin);
    *proxy = (proxy_run){.pid = -1};
    (void)snprintf(program, sizeof(program), "%s/aver", bin);
    cli_run_path(run, "proxy.log", proxy->log);
    cli_run_path(run, "capsules", proxy->store);
    cli_run_path(run, "proxy.ready", ready);
    (void)unlink(ready);
    const char *argv[2 * PROXY_RUN_WORDS_MAX + 10] = {
        program, "proxy", "--sim-root", run->root, "--store", proxy->store, "--ready-file", ready};
    size_t count = 8;
    const char *const *const lists[] = {base, words};
    for (size_t list = 0; list < 2; list++) {
        for (size_t i = 0; lists[list] != NULL && lists[list][i] != NULL; i++) {
            assert_true(i < PROXY_RUN_WORDS_MAX);
            argv[count++] = lists[list][i];
        }
    }
    pid_t parent = getpid();
    proxy->pid = fork();
    if (proxy->pid == 0) {
        proxy_exec(proxy, (char *const *)(uintptr_t)argv, parent);
    }
    assert_true(proxy->pid > 0);
    for (uint64_t end = node_fixture_now_ms() + PROXY_START_MS; access(ready, R_OK) != 0;) {
        assert_true(node_fixture_now_ms() < end && waitpid(proxy->pid, NULL, WNOHANG) == 0);
        node_fixture_sleep_ms(20);
    }
}

void proxy_run_start(proxy_run *proxy, const cli_run *run, const char *policy,
                     const char *const *words)
{
    char ready[CLI_RUN_PATH_BYTES];
    const char *const base[] = {"--policy", policy != NULL ? policy : run->policy, "--listen",
                                "tcp:127.0.0.1:0", NULL};
    proxy_start(proxy, run, base, words);
    cli_run_path(run, "proxy.ready", ready);
    proxy_read_ready(proxy, ready);
}

void proxy_run_start_at(proxy_run *proxy, const cli_run *run, const char *const *words)
{
    const char *const base[] = {"--policy", run->policy, NULL};
    proxy_start(proxy, run, base, words);
}

static void proxy_remove_store(const proxy_run *proxy)
{
    DIR *dir = opendir(proxy->store);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    (void)closedir(dir);
    assert_int_equal(rmdir(proxy->store), 0);
}

int proxy_run_stop(proxy_run *proxy)
{
    int status = 0;
    assert_int_equal(kill(proxy->pid, SIGTERM), 0);
    assert_int_equal(waitpid(proxy->pid, &status, 0), proxy->pid);
    proxy_remove_store(proxy);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool proxy_run_log_has(const proxy_run *proxy, const char *text)
{
    aver_buf log;
    aver_buf_init(&log, PROXY_RUN_BODY_MAX);
    assert_int_equal(aver_file_read(proxy->log, PROXY_RUN_BODY_MAX, &log), AVER_OK);
    bool found = log.size > 0 && memmem(log.data, log.size, text, strlen(text)) != NULL;
    aver_buf_deinit(&log);
    return found;
}

static void answer_value(const aver_response *response, const char *name, char *ret_value,
                         size_t size)
{
    const char *value = aver_client_header(response->client, name);
    (void)snprintf(ret_value, size, "%s", value != NULL ? value : "");
}

static aver_err answer_on_head(const aver_response *response, void *context)
{
    proxy_answer *answer = context;
    answer->status = response->status;
    answer_value(response, "Aver-Verdict", answer->verdict, sizeof(answer->verdict));
    answer_value(response, "Aver-Checks", answer->checks, sizeof(answer->checks));
    answer_value(response, "Aver-Capsule", answer->capsule, sizeof(answer->capsule));
    answer_value(response, "Aver-Receipt", answer->receipt, sizeof(answer->receipt));
    answer_value(response, "Aver-Source", answer->source, sizeof(answer->source));
    answer_value(response, "Access-Control-Allow-Origin", answer->cors, sizeof(answer->cors));
    answer_value(response, "Content-Type", answer->type, sizeof(answer->type));
    answer_value(response, "X-Content-Type-Options", answer->sniff, sizeof(answer->sniff));
    answer_value(response, "Content-Security-Policy", answer->page, sizeof(answer->page));
    return AVER_OK;
}

static aver_err answer_on_body(aver_view bytes, void *context)
{
    proxy_answer *answer = context;
    aver_buf_append(&answer->body, bytes);
    if (answer->on_piece != NULL) {
        answer->on_piece(answer->context);
    }
    if (answer->leave_after_bytes != 0 && answer->body.size >= answer->leave_after_bytes) {
        return AVER_E_PEER;
    }
    return aver_buf_status(&answer->body);
}

void proxy_ask_headers(const proxy_run *proxy, const char *path, const char *body,
                       const char *const *headers, proxy_answer *answer)
{
    aver_client *client = NULL;
    aver_client_options options = {.url = proxy->url};
    aver_client_request request = {.method = body != NULL ? "POST" : "GET",
                                   .path = path,
                                   .headers = headers,
                                   .body = aver_view_text(body),
                                   .on_head = answer_on_head,
                                   .on_body = answer_on_body,
                                   .context = answer};
    uint32_t status = 0;
    answer->status = 0;
    aver_buf_init(&answer->body, PROXY_RUN_BODY_MAX);
    assert_int_equal(aver_client_new(&options, &client), AVER_OK);
    answer->err = aver_client_send(client, &request, &status);
    aver_client_free(client);
    aver_buf_append_byte(&answer->body, 0);
    assert_int_equal(aver_buf_status(&answer->body), AVER_OK);
    answer->body.size--;
}

void proxy_ask(const proxy_run *proxy, const char *path, const char *body, proxy_answer *answer)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    proxy_ask_headers(proxy, path, body, headers, answer);
}

void proxy_answer_deinit(proxy_answer *answer)
{
    aver_buf_deinit(&answer->body);
    *answer = (proxy_answer){.err = AVER_OK};
}

bool proxy_answer_has(const proxy_answer *answer, const char *text)
{
    return strstr((const char *)answer->body.data, text) != NULL;
}

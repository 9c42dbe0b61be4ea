/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cli_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"
#include "cli/pin.h"
#include "codec/text.h"
#include "crypto/ed25519.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_MAX (1024u * 1024)

static const char *bin_dir(void)
{
    const char *bin = getenv("AVER_BIN");
    assert_non_null(bin);
    return bin;
}

void cli_run_path(const cli_run *run, const char *name, char ret_path[CLI_RUN_PATH_BYTES])
{
    (void)snprintf(ret_path, CLI_RUN_PATH_BYTES, "%s/%s", run->dir, name);
}

static void policy_write(const cli_run *run, const node_fixture *node)
{
    char program[512];
    aver_buf text;
    aver_pin pin = {.name = "test", .platform = "sim", .measurements_count = 1, .models_count = 1};
    pin.measurements[0] = (aver_measurement){.kind = "program", .size = 32};
    memcpy(pin.models[0], node->model_root, 32);
    (void)snprintf(program, sizeof(program), "%s/aver-node-sim", bin_dir());
    assert_int_equal(aver_pin_program(program, pin.measurements[0].bytes), AVER_OK);
    aver_buf_init(&text, FILE_MAX);
    aver_pin_write(&pin, &text);
    assert_int_equal(aver_file_write(run->policy, aver_buf_view(&text), 0600), AVER_OK);
    aver_buf_deinit(&text);
}

static void root_write(const cli_run *run, const node_fixture *node)
{
    aver_ed25519 *key = NULL;
    aver_buf text;
    aver_buf_init(&text, FILE_MAX);
    assert_int_equal(aver_file_read(node->key, 64, &text), AVER_OK);
    assert_int_equal(text.size, 32);
    assert_int_equal(aver_ed25519_from_seed(text.data, &key), AVER_OK);
    aver_buf_clear(&text);
    aver_hex_append(&text, aver_view_make(aver_ed25519_public(key), 32));
    assert_int_equal(aver_file_write(run->root, aver_buf_view(&text), 0600), AVER_OK);
    aver_ed25519_free(key);
    aver_buf_deinit(&text);
}

void cli_run_open(cli_run *run, const node_fixture *node)
{
    (void)snprintf(run->dir, sizeof(run->dir), "/tmp/aver-cli.XXXXXX");
    assert_non_null(mkdtemp(run->dir));
    cli_run_path(run, "policy.json", run->policy);
    cli_run_path(run, "root", run->root);
    policy_write(run, node);
    root_write(run, node);
}

void cli_run_close(cli_run *run)
{
    DIR *dir = opendir(run->dir);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    (void)closedir(dir);
    (void)rmdir(run->dir);
}

static void text_read(const cli_run *run, const char *name, char ret_text[CLI_RUN_TEXT_BYTES])
{
    char path[CLI_RUN_PATH_BYTES];
    aver_buf text;
    cli_run_path(run, name, path);
    aver_buf_init(&text, FILE_MAX);
    assert_int_equal(aver_file_read(path, FILE_MAX, &text), AVER_OK);
    (void)snprintf(ret_text, CLI_RUN_TEXT_BYTES, "%.*s", (int)text.size, (const char *)text.data);
    aver_buf_deinit(&text);
}

int cli_run_words(cli_run *run, const char *const *words)
{
    char program[512];
    char out_path[CLI_RUN_PATH_BYTES];
    char err_path[CLI_RUN_PATH_BYTES];
    const char *argv[CLI_RUN_WORDS_MAX + 2] = {program};
    (void)snprintf(program, sizeof(program), "%s/aver", bin_dir());
    for (size_t i = 0; words[i] != NULL; i++) {
        assert_true(i < CLI_RUN_WORDS_MAX);
        argv[i + 1] = words[i];
    }
    cli_run_path(run, "out", out_path);
    cli_run_path(run, "err", err_path);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int out = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int err = open(err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        (void)dup2(out, 1);
        (void)dup2(err, 2);
        (void)execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    text_read(run, "out", run->out);
    text_read(run, "err", run->err);
    return WEXITSTATUS(status);
}

void cli_run_fetch(cli_run *run, const node_fixture *node, aver_buf *bundle)
{
    char path[CLI_RUN_PATH_BYTES];
    cli_run_path(run, "bundle", path);
    const char *const words[] = {"attest", "fetch", "--url", node->url, "-o", path, NULL};
    assert_int_equal(cli_run_words(run, words), 0);
    assert_int_equal(aver_file_read(path, FILE_MAX, bundle), AVER_OK);
}

void cli_run_start(cli_run *run, node_fixture *node, const char *const *args)
{
    node_fixture_start(node, args);
    cli_run_open(run, node);
}

int cli_run_stop(cli_run *run, node_fixture *node)
{
    cli_run_close(run);
    return node_fixture_stop(node);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inputs.h"

#include "base/secret.h"
#include "base/sys.h"
#include "codec/text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define INPUTS_SMALL_BYTES_MAX 4096

aver_exit aver_inputs_policy(const aver_cli *cli, const char *path, aver_policy **ret_policy)
{
    if (path == NULL) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE,
                             "a policy is needed: --policy FILE (aver policy pin makes one)");
    }
    aver_buf text;
    aver_buf_init(&text, AVER_POLICY_BYTES_MAX);
    aver_exit code = aver_inputs_file(cli, path, AVER_POLICY_BYTES_MAX, &text);
    char why[200] = "";
    if (code == AVER_EXIT_DONE) {
        aver_err err = aver_policy_parse(aver_buf_view(&text), ret_policy, why);
        if (err != AVER_OK) {
            code = aver_cli_fail(cli, AVER_EXIT_USAGE, "%s is no policy: %s", path,
                                 why[0] != '\0' ? why : aver_err_text(err));
        }
    }
    aver_buf_deinit(&text);
    return code;
}

static void inputs_trim(aver_buf *text)
{
    while (text->size > 0 && strchr(" \t\r\n", text->data[text->size - 1]) != NULL) {
        text->size--;
    }
}

aver_exit aver_inputs_roots(const aver_cli *cli, const char *path, aver_roots *ret_roots)
{
    *ret_roots = (aver_roots){0};
    if (path == NULL) {
        return AVER_EXIT_DONE;
    }
    aver_buf text;
    aver_buf_init(&text, INPUTS_SMALL_BYTES_MAX);
    aver_exit code = aver_inputs_file(cli, path, INPUTS_SMALL_BYTES_MAX, &text);
    if (code == AVER_EXIT_DONE) {
        inputs_trim(&text);
        if (aver_hex_decode(aver_buf_view(&text), ret_roots->sim_root, 32) == AVER_OK) {
            ret_roots->has_sim_root = true;
        } else {
            code = aver_cli_fail(cli, AVER_EXIT_USAGE,
                                 "%s is no simulator root: 64 hex digits are wanted", path);
        }
    }
    aver_buf_deinit(&text);
    return code;
}

static aver_err inputs_stdin(size_t size_max, aver_buf *ret_bytes)
{
    uint8_t piece[16384];
    size_t before = ret_bytes->size;
    for (;;) {
        ssize_t got = read(STDIN_FILENO, piece, sizeof piece);
        if (got == 0) {
            return AVER_OK;
        }
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            return AVER_E_IO;
        }
        if (ret_bytes->size - before + (size_t)got > size_max) {
            return AVER_E_LIMIT;
        }
        aver_buf_append(ret_bytes, aver_view_make(piece, (size_t)got));
        aver_err err = aver_buf_status(ret_bytes);
        if (err != AVER_OK) {
            return err;
        }
    }
}

aver_exit aver_inputs_file(const aver_cli *cli, const char *path, size_t size_max,
                           aver_buf *ret_bytes)
{
    bool standard = strcmp(path, "-") == 0;
    aver_err err =
        standard ? inputs_stdin(size_max, ret_bytes) : aver_file_read(path, size_max, ret_bytes);
    const char *name = standard ? "standard input" : path;
    switch ((int)err) {
    case AVER_OK:
        return AVER_EXIT_DONE;
    case AVER_E_LIMIT:
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "%s is larger than %zu bytes", name, size_max);
    case AVER_E_ABSENT:
        return aver_cli_fail(cli, AVER_EXIT_IO, "%s: there is no such file", name);
    case AVER_E_USAGE:
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "%s is no regular file", name);
    default:
        return aver_cli_fail(cli, AVER_EXIT_IO, "%s cannot be read: %s", name, aver_err_text(err));
    }
}

aver_exit aver_inputs_test_roots(const aver_cli *cli, const char *path, aver_buf *ret_store,
                                 aver_roots *roots)
{
    if (path == NULL) {
        return AVER_EXIT_DONE;
    }
    aver_exit code = aver_inputs_file(cli, path, AVER_INPUTS_ROOTS_BYTES_MAX, ret_store);
    if (code == AVER_EXIT_DONE && ret_store->size == 0) {
        code = aver_cli_fail(cli, AVER_EXIT_USAGE, "%s is empty", path);
    }
    roots->test_roots = (aver_attest_roots){{aver_buf_view(ret_store)}, 1};
    return code;
}

aver_exit aver_inputs_token(const aver_cli *cli, const char *path, aver_buf *ret_token)
{
    if (path == NULL) {
        return AVER_EXIT_DONE;
    }
    aver_exit code = aver_inputs_file(cli, path, INPUTS_SMALL_BYTES_MAX, ret_token);
    if (code != AVER_EXIT_DONE) {
        return code;
    }
    inputs_trim(ret_token);
    for (size_t i = 0; i < ret_token->size; i++) {
        if (ret_token->data[i] <= 0x20 || ret_token->data[i] >= 0x7f) {
            return aver_cli_fail(cli, AVER_EXIT_USAGE,
                                 "%s must hold one line of printable characters", path);
        }
    }
    aver_buf_append_byte(ret_token, 0);
    return aver_buf_status(ret_token) == AVER_OK ? AVER_EXIT_DONE : AVER_EXIT_CANNOT;
}

aver_exit aver_inputs_hex32(const aver_cli *cli, const char *name, const char *text,
                            uint8_t ret_bytes[static 32])
{
    if (aver_hex_decode(aver_view_text(text), ret_bytes, 32) == AVER_OK) {
        return AVER_EXIT_DONE;
    }
    return aver_cli_fail(cli, AVER_EXIT_USAGE, "--%s must be 64 hex digits", name);
}

aver_exit aver_inputs_writable(const aver_cli *cli, const char *path)
{
    if (path == NULL || strcmp(path, "-") == 0) {
        return AVER_EXIT_DONE;
    }
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    size_t size = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    if (size >= sizeof folder) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "the name of the file to write is too long");
    }
    if (size > 0) {
        memcpy(folder, path, size);
        folder[size] = '\0';
    }
    if (access(folder, W_OK | X_OK) == 0) {
        return AVER_EXIT_DONE;
    }
    return aver_cli_fail(cli, AVER_EXIT_IO, "%s cannot be written: %s", path, strerror(errno));
}

aver_exit aver_inputs_write(const aver_cli *cli, const char *path, aver_view bytes)
{
    aver_err err = AVER_OK;
    if (strcmp(path, "-") == 0 && cli->out.terminal) {
        aver_term_text(&cli->out, bytes);
    } else if (strcmp(path, "-") == 0) {
        bool whole = bytes.size == 0 || fwrite(bytes.data, 1, bytes.size, stdout) == bytes.size;
        err = whole ? AVER_OK : AVER_E_IO;
    } else {
        /* A capsule holds question, answer and salt: the reader's own business. */
        err = aver_file_write(path, bytes, 0600);
    }
    if (err == AVER_OK) {
        return AVER_EXIT_DONE;
    }
    return aver_cli_fail(cli, AVER_EXIT_IO, "%s cannot be written: %s", path,
                         err == AVER_E_ABSENT ? "there is no such folder" : aver_err_text(err));
}

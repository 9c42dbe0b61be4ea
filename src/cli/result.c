/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/result.h"

#include "base/sys.h"
#include "cli/inputs.h"

#include <string.h>

#define RESULT_TEXT_BYTES_MAX (16ul * 1024 * 1024)
#define RESULT_KEY_BYTES_MAX  16384u

bool aver_result_alone(const aver_args *args)
{
    const char *path = aver_args_get(args, "ear");
    return path != NULL && strcmp(path, "-") == 0;
}

static aver_exit result_sign(const aver_cli *cli, const char *path, const aver_ear *ear,
                             aver_buf *text)
{
    aver_buf key;
    aver_buf_init(&key, RESULT_KEY_BYTES_MAX);
    aver_exit code = aver_inputs_file(cli, path, RESULT_KEY_BYTES_MAX, &key);
    if (code == AVER_EXIT_DONE) {
        aver_err err = aver_ear_jwt(ear, aver_buf_view(&key), text);
        if (err == AVER_E_FORMAT || err == AVER_E_UNSUPPORTED) {
            code = aver_cli_fail(cli, AVER_EXIT_USAGE,
                                 "%s is no key for --ear-key: P-256 or Ed25519 in PEM, not "
                                 "encrypted",
                                 path);
        } else if (err != AVER_OK) {
            code = aver_cli_fail_err(cli, err, "--ear-key");
        }
    }
    aver_buf_wipe(&key);
    aver_buf_deinit(&key);
    return code;
}

static aver_exit result_put(const aver_cli *cli, const aver_args *args, const aver_ear *ear)
{
    const char *key = aver_args_get(args, "ear-key");
    aver_buf text;
    aver_buf_init(&text, RESULT_TEXT_BYTES_MAX);
    aver_exit code = AVER_EXIT_DONE;
    if (key != NULL) {
        code = result_sign(cli, key, ear, &text);
    } else {
        aver_ear_json(ear, &text);
    }
    aver_buf_append_byte(&text, '\n');
    if (code == AVER_EXIT_DONE) {
        code = aver_buf_status(&text) == AVER_OK
                   ? aver_inputs_write(cli, aver_args_get(args, "ear"), aver_buf_view(&text))
                   : aver_cli_fail_err(cli, aver_buf_status(&text), "--ear");
    }
    aver_buf_deinit(&text);
    return code;
}

aver_exit aver_result_write(const aver_cli *cli, const aver_args *args, const char *policy_path,
                            aver_ear *ear)
{
    aver_buf policy;
    aver_exit code = AVER_EXIT_DONE;
    if (aver_args_get(args, "ear") == NULL) {
        return aver_args_get(args, "ear-key") == NULL
                   ? AVER_EXIT_DONE
                   : aver_cli_fail(cli, AVER_EXIT_USAGE, "--ear-key signs what --ear writes");
    }
    aver_buf_init(&policy, AVER_POLICY_BYTES_MAX);
    if (policy_path != NULL) {
        code = aver_inputs_file(cli, policy_path, AVER_POLICY_BYTES_MAX, &policy);
    }
    ear->policy = aver_buf_view(&policy);
    ear->issued_s = aver_time_wall_ms() / 1000;
    code = code == AVER_EXIT_DONE ? result_put(cli, args, ear) : code;
    ear->policy = (aver_view){0};
    aver_buf_deinit(&policy);
    return code;
}

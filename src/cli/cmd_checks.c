/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/inputs.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/ed25519.h"

#define CHECKS_KEY_FILE_BYTES_MAX 4096 /* room to say how long a wrong file is */

static aver_exit checks_json(aver_cli *cli)
{
    aver_buf out;
    aver_buf_init(&out, 1024 * 1024);
    aver_buf_append_text(&out, "[");
    for (const aver_check_name *at = aver_check_names(); at->name != NULL; at++) {
        aver_buf_append_text(&out, at == aver_check_names() ? "{\"name\":" : ",\n {\"name\":");
        aver_json_append_string(&out, aver_view_text(at->name));
        aver_buf_append_text(&out, ",\"meaning\":");
        aver_json_append_string(&out, aver_view_text(at->meaning));
        aver_buf_append_text(&out, ",\"of\":");
        aver_json_append_string(&out, aver_view_text(at->of != NULL ? at->of : "all"));
        aver_buf_append_text(&out, "}");
    }
    aver_buf_append_text(&out, "]\n");
    aver_exit code = aver_inputs_write(cli, "-", aver_buf_view(&out));
    aver_buf_deinit(&out);
    return code;
}

static aver_exit checks_run(aver_cli *cli, const aver_args *args)
{
    if (aver_args_has(args, "json")) {
        return checks_json(cli);
    }
    for (const aver_check_name *at = aver_check_names(); at->name != NULL; at++) {
        aver_term_print(&cli->out, AVER_STYLE_ACCENT, "%-26s", at->name);
        aver_term_print(&cli->out, AVER_STYLE_PLAIN, "%s\n", at->meaning);
    }
    return AVER_EXIT_DONE;
}

static const aver_option checks_options[] = {
    AVER_INPUTS_OPTION_JSON,
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_checks = {
    .name = "checks",
    .operands = "",
    .summary = "list every named check and what a PASS means",
    .options = checks_options,
    .run = checks_run,
};

/* The public root of a simulator's key file, as --sim-root wants it. */
static aver_exit checks_run_sim_root(aver_cli *cli, const aver_args *args)
{
    aver_buf seed;
    aver_buf_init(&seed, CHECKS_KEY_FILE_BYTES_MAX);
    aver_exit code = aver_inputs_file(cli, args->operands[0], CHECKS_KEY_FILE_BYTES_MAX, &seed);
    aver_ed25519 *key = NULL;
    if (code == AVER_EXIT_DONE && seed.size != 32) {
        code =
            aver_cli_fail(cli, AVER_EXIT_USAGE, "%s is no simulator key: it has %zu bytes, not 32",
                          args->operands[0], seed.size);
    }
    if (code == AVER_EXIT_DONE) {
        aver_err err = aver_ed25519_from_seed(seed.data, &key);
        code = err == AVER_OK ? AVER_EXIT_DONE : aver_cli_fail_err(cli, err, "sim-root");
    }
    if (code == AVER_EXIT_DONE) {
        char hex[65];
        aver_hex_encode(aver_view_make(aver_ed25519_public(key), 32), hex);
        aver_term_print(&cli->out, AVER_STYLE_PLAIN, "%s\n", hex);
    }
    aver_ed25519_free(key);
    aver_buf_wipe(&seed);
    aver_buf_deinit(&seed);
    return code;
}

static const aver_option checks_no_options[] = {{NULL, 0, NULL, NULL}};

const aver_command aver_command_sim_root = {
    .name = "sim-root",
    .operands = "KEYFILE",
    .summary = "print the root of a simulator's key file, for --sim-root",
    .options = checks_no_options,
    .notes =
        "KEYFILE is the file that aver-node-sim was started with (--platform sim:key=KEYFILE).\n"
        "Whoever has it can forge any evidence: the simulator proves nothing.\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = checks_run_sim_root,
};

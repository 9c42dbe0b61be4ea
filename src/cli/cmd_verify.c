/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/show.h"

#include <stdlib.h>

/* A saved answer and what was found in it. */
typedef struct verify_run {
    aver_policy *policy;
    aver_buf bytes;
    aver_verify_context context;
    aver_verdict verdict;
    aver_receipt receipt;
    bool accepted;
    char why[400];
} verify_run;

static aver_exit verify_judge(aver_cli *cli, const aver_args *args, verify_run *run)
{
    aver_exit code = aver_inputs_policy(cli, aver_args_get(args, "policy"), &run->policy);
    if (code == AVER_EXIT_DONE) {
        code = aver_inputs_roots(cli, aver_args_get(args, "sim-root"), &run->context.roots);
    }
    if (code == AVER_EXIT_DONE) {
        code = aver_inputs_file(cli, args->operands[0], AVER_CAPSULE_BYTES_MAX, &run->bytes);
    }
    if (code != AVER_EXIT_DONE) {
        return code;
    }
    run->context.use = AVER_USE_CAPSULE;
    run->context.policy = run->policy;
    run->context.platforms = cli->platforms;
    run->context.now_ms = aver_time_wall_ms();
    aver_verdict_init(&run->verdict);
    aver_err err = aver_verify_capsule(aver_buf_view(&run->bytes), &run->context, &run->verdict,
                                       &run->receipt);
    if (err != AVER_OK) {
        return aver_cli_fail_err(cli, err, "cannot judge");
    }
    run->accepted = aver_policy_accepts(run->policy, AVER_USE_CAPSULE, &run->verdict, run->why);
    return AVER_EXIT_DONE;
}

static aver_exit verify_json(aver_cli *cli, const verify_run *run)
{
    aver_buf out;
    aver_buf_init(&out, 1024 * 1024);
    aver_verdict_json(&run->verdict, run->accepted, &out);
    aver_buf_append_text(&out, "\n");
    aver_exit code = aver_inputs_write(cli, "-", aver_buf_view(&out));
    aver_buf_deinit(&out);
    return code;
}

static void verify_print(aver_cli *cli, const aver_args *args, const verify_run *run)
{
    bool read = run->receipt.platform[0] != '\0';
    if (aver_args_has(args, "explain")) {
        aver_show_explained(&cli->out, &run->verdict);
        (void)fputc('\n', cli->out.file);
        aver_show_limits(&cli->out);
        (void)fputc('\n', cli->out.file);
    } else if (!aver_args_has(args, "quiet")) {
        aver_show_checks(&cli->out, &run->verdict);
    }
    aver_show_line(&cli->out, &run->verdict, run->accepted, run->why,
                   read ? run->receipt.model_root : NULL, run->receipt.platform);
    if (!run->accepted && !aver_args_has(args, "quiet") && !aver_args_has(args, "explain")) {
        aver_show_remedy(&cli->out, &run->verdict);
    }
}

static aver_exit verify_run_command(aver_cli *cli, const aver_args *args)
{
    verify_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return AVER_EXIT_CANNOT;
    }
    aver_buf_init(&run->bytes, AVER_CAPSULE_BYTES_MAX);
    aver_exit code = verify_judge(cli, args, run);
    if (code == AVER_EXIT_DONE) {
        if (aver_args_has(args, "json")) {
            code = verify_json(cli, run);
        } else {
            verify_print(cli, args, run);
        }
        code = run->accepted ? code : AVER_EXIT_REFUSED;
    }
    aver_policy_free(run->policy);
    aver_buf_deinit(&run->bytes);
    free(run);
    return code;
}

static const aver_option verify_options[] = {
    {"policy", 'p', "FILE", "what you accept (required)"},
    AVER_INPUTS_OPTION_SIM_ROOT,
    {"explain", 0, NULL, "for each check: what it means, what was found, what would mend it"},
    AVER_INPUTS_OPTION_JSON,
    {"quiet", 'q', NULL, "only the last line"},
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_verify = {
    .name = "verify",
    .operands = "FILE.capsule",
    .summary = "judge a saved answer, offline",
    .options = verify_options,
    .notes =
        "Only your policy, your roots and your clock count; what the file itself claims is shown,\n"
        "never used. No network is touched.\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = verify_run_command,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys.h"
#include "cli/cli.h"
#include "cli/foreign.h"
#include "cli/inputs.h"
#include "cli/result.h"
#include "cli/show.h"

#include <stdlib.h>

/* A saved answer and what was found in it. */
typedef struct verify_run {
    aver_policy *policy;
    aver_buf bytes;
    aver_buf test_roots;
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
        code = aver_inputs_test_roots(cli, aver_args_get(args, "test-roots"), &run->test_roots,
                                      &run->context.roots);
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
        aver_show_from from = {.input.time_s = run->context.now_ms / 1000};
        aver_show_explained(&cli->out, &run->verdict, &from);
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

static aver_exit verify_run_capsule(aver_cli *cli, const aver_args *args)
{
    verify_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return AVER_EXIT_CANNOT;
    }
    aver_buf_init(&run->bytes, AVER_CAPSULE_BYTES_MAX);
    aver_buf_init(&run->test_roots, AVER_INPUTS_ROOTS_BYTES_MAX);
    aver_exit code = verify_judge(cli, args, run);
    if (code == AVER_EXIT_DONE) {
        if (aver_args_has(args, "json") && !aver_result_alone(args)) {
            code = verify_json(cli, run);
        } else if (!aver_result_alone(args)) {
            verify_print(cli, args, run);
        }
        aver_ear ear = {
            .verdict = &run->verdict, .accepted = run->accepted, .platform = run->receipt.platform};
        code = code == AVER_EXIT_DONE
                   ? aver_result_write(cli, args, aver_args_get(args, "policy"), &ear)
                   : code;
        code = code == AVER_EXIT_DONE && !run->accepted ? AVER_EXIT_REFUSED : code;
    }
    aver_policy_free(run->policy);
    aver_buf_deinit(&run->bytes);
    aver_buf_deinit(&run->test_roots);
    free(run);
    return code;
}

static aver_exit verify_run_command(aver_cli *cli, const aver_args *args)
{
    aver_foreign format = AVER_FOREIGN_NEAR;
    bool foreign = false;
    aver_exit code = aver_foreign_wanted(cli, args, &foreign, &format);
    if (code != AVER_EXIT_DONE) {
        return code;
    }
    if (foreign) {
        return aver_foreign_run(cli, args, format);
    }
    code = aver_foreign_not_wanted(cli, args);
    return code == AVER_EXIT_DONE ? verify_run_capsule(cli, args) : code;
}

static const aver_option verify_options[] = {
    {"policy", 'p', "FILE", "what you accept (required for a capsule)"},
    AVER_INPUTS_OPTION_SIM_ROOT,
    {"test-roots", 0, "FILE", "roots of your own instead of the makers', PEM; proves nothing"},
    {"explain", 0, NULL, "for each check: what it means, what was found, what would mend it"},
    AVER_RESULT_OPTIONS,
    AVER_INPUTS_OPTION_JSON,
    {"quiet", 'q', NULL, "only the last line"},
    AVER_FOREIGN_OPTIONS,
    AVER_EVIDENCE_COMMON_OPTIONS,
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_verify = {
    .name = "verify",
    .operands = "FILE.capsule|FILE...",
    .summary = "judge a saved answer, offline",
    .options = verify_options,
    .notes =
        "Only your policy, your roots and your clock count; what the file itself claims is shown,\n"
        "never used. No network is touched.\n"
        "\n"
        "Answers of other systems: --format near MESSAGE REPORT, --format aci RECEIPT REPORT\n"
        "[SESSION], --format tinfoil DOCUMENT; the format is found where the file leaves no "
        "doubt.\n"
        "The options behind --format are for them alone; there is no policy for them.\n",
    .operands_min = 1,
    .operands_max = 3,
    .run = verify_run_command,
};

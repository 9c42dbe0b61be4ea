/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence.h"
#include "cli/inputs.h"
#include "cli/result.h"
#include "cli/show.h"

#include <stdlib.h>
#include <string.h>

#define JUDGE_JSON_BYTES_MAX (4ul * 1024 * 1024)

typedef struct judge_run {
    aver_evidence evidence;
    aver_policy *policy; /* or NULL */
    aver_verdict verdict;
    aver_claims claims;
    bool readable;
    bool holds;
} judge_run;

static void judge_print(const aver_cli *cli, const aver_args *args, const judge_run *run)
{
    if (aver_args_has(args, "explain")) {
        aver_show_from from = {.input = run->evidence.input, .claims = &run->claims};
        aver_show_explained(&cli->out, &run->verdict, &from);
    } else {
        aver_show_checks(&cli->out, &run->verdict);
    }
    if (run->readable) {
        (void)fputc('\n', cli->out.file);
        aver_show_claims(&cli->out, &run->claims);
    }
    (void)fputc('\n', cli->out.file);
    aver_show_line(&cli->out, &run->verdict, run->holds, "a check that must pass could not be made",
                   NULL, aver_family_name(run->evidence.family));
    if (!run->holds && !aver_args_has(args, "explain")) {
        aver_show_remedy(&cli->out, &run->verdict);
    }
}

static aver_exit judge_json(const aver_cli *cli, const judge_run *run)
{
    aver_buf out;
    aver_buf_init(&out, JUDGE_JSON_BYTES_MAX);
    aver_buf_append_format(&out, "{\"family\":\"%s\",\"reason\":\"%s\",\"verdict\":",
                           aver_family_name(run->evidence.family),
                           aver_reason_text(aver_verdict_reason(&run->verdict)));
    aver_verdict_json(&run->verdict, run->holds, &out);
    aver_buf_append_text(&out, ",\"claims\":");
    if (run->readable) {
        aver_claims_json(&run->claims, &out);
    } else {
        aver_buf_append_text(&out, "null");
    }
    aver_buf_append_text(&out, "}\n");
    aver_exit code = aver_buf_status(&out) == AVER_OK
                         ? aver_inputs_write(cli, "-", aver_buf_view(&out))
                         : aver_cli_fail_err(cli, aver_buf_status(&out), "attest judge");
    aver_buf_deinit(&out);
    return code;
}

/* What the reader's policy says of a platform is asked for like what the command line says. */
static aver_exit judge_policy(const aver_cli *cli, const aver_args *args, judge_run *run)
{
    const char *path = aver_args_get(args, "policy");
    aver_attest_input *input = &run->evidence.input;
    if (path == NULL) {
        return AVER_EXIT_DONE;
    }
    if (aver_args_has(args, "accept-tcb") || aver_args_has(args, "evaluation-min") ||
        aver_args_has(args, "allow-debug")) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE,
                             "--accept-tcb, --evaluation-min and --allow-debug are in the policy");
    }
    aver_exit code = aver_inputs_policy(cli, path, &run->policy);
    if (code == AVER_EXIT_DONE) {
        /* No status at all is a set too. */
        input->accept_tcb = aver_policy_tcb_statuses(run->policy) | AVER_TCB_SET(AVER_TCB_NONE);
        input->evaluation_min = aver_policy_evaluation_min(run->policy);
        input->allow_debug = aver_policy_accepts_debug(run->policy);
    }
    return code;
}

static aver_exit judge_evidence(const aver_cli *cli, const aver_args *args, judge_run *run)
{
    const aver_attest_input *input = &run->evidence.input;
    const char *name = aver_family_name(run->evidence.family);
    aver_verdict_init(&run->verdict);
    if (run->policy != NULL) {
        bool allowed = aver_policy_allows_platform(run->policy, name);
        aver_verdict_add(
            &run->verdict, "platform.allowed", allowed ? AVER_CHECK_PASS : AVER_CHECK_FAIL,
            allowed ? "%s is allowed" : "%s is not among the platforms that the policy allows",
            name);
    }
    aver_err err =
        aver_attest_judge(run->evidence.family, input, &run->verdict, &run->claims, &run->readable);
    if (err == AVER_E_USAGE) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "a root of yours cannot be read");
    }
    if (err != AVER_OK) {
        return aver_cli_fail_err(cli, err, "attest judge");
    }
    if (run->policy != NULL && run->readable) {
        aver_judge_claims(run->policy, name, &run->claims, &run->verdict);
    }
    /* Roots of the reader's own may be anybody's. */
    run->verdict.simulated = input->roots.given_count > 0 || input->key.size > 0;
    run->holds = aver_attest_holds(run->evidence.family, input->signature_only, &run->verdict);
    aver_exit code = AVER_EXIT_DONE;
    if (aver_args_has(args, "json") && !aver_result_alone(args)) {
        code = judge_json(cli, run);
    } else if (!aver_result_alone(args)) {
        judge_print(cli, args, run);
    }
    aver_ear ear = {.verdict = &run->verdict,
                    .accepted = run->holds,
                    .platform = name,
                    .claims = run->readable ? &run->claims : NULL,
                    .nonce = input->nonce};
    code = code == AVER_EXIT_DONE
               ? aver_result_write(cli, args, aver_args_get(args, "policy"), &ear)
               : code;
    return code == AVER_EXIT_DONE && !run->holds ? AVER_EXIT_REFUSED : code;
}

static aver_exit judge_command(aver_cli *cli, const aver_args *args)
{
    judge_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return aver_cli_fail_err(cli, AVER_E_NOMEM, "attest judge");
    }
    aver_exit code = aver_evidence_open(cli, args, args->operands[0], &run->evidence);
    if (code == AVER_EXIT_DONE) {
        code = judge_policy(cli, args, run);
    }
    if (code == AVER_EXIT_DONE) {
        code = judge_evidence(cli, args, run);
    }
    aver_evidence_close(&run->evidence);
    aver_policy_free(run->policy);
    free(run);
    return code;
}

static const aver_option judge_options[] = {
    AVER_EVIDENCE_OPTIONS,
    {"policy", 'p', "FILE", "what you accept: measurements, machines, TCB, debugging"},
    AVER_RESULT_OPTIONS,
    {"explain", 0, NULL, "for each check: what it means, how far off it is, what would mend it"},
    {"json", 0, NULL, "one JSON document instead of text"},
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_attest_judge = {
    .name = "attest judge",
    .operands = "FILE|-",
    .summary = "judge one piece of evidence of any TEE, offline",
    .options = judge_options,
    .notes =
        "Roots are the makers' own, pinned in this program, unless --roots names others. Nothing "
        "is\n"
        "fetched: aver attest collect gets what is missing. A verdict says that the hardware is\n"
        "genuine and what it measured; whether that is the program you want is for a policy.\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = judge_command,
};

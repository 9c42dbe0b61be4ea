/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/review.h"
#include "cli/show.h"

#include <stdlib.h>

/* With a policy, the capsule must first be accepted by it. */
static aver_exit recheck_policy(aver_cli *cli, const aver_args *args, aver_view capsule)
{
    const char *path = aver_args_get(args, "policy");
    if (path == NULL) {
        aver_term_print(
            &cli->err, AVER_STYLE_WARN,
            "no --policy: who signed the receipt is not judged, only what was computed\n");
        return AVER_EXIT_DONE;
    }
    aver_policy *policy = NULL;
    aver_verify_context context = {.use = AVER_USE_CAPSULE, .platforms = cli->platforms};
    aver_exit code = aver_inputs_policy(cli, path, &policy);
    if (code == AVER_EXIT_DONE) {
        code = aver_inputs_roots(cli, aver_args_get(args, "sim-root"), &context.roots);
    }
    aver_receipt receipt;
    aver_verdict verdict;
    char why[400];
    if (code == AVER_EXIT_DONE) {
        aver_verdict_init(&verdict);
        context.policy = policy;
        context.now_ms = aver_time_wall_ms();
        aver_err err = aver_verify_capsule(capsule, &context, &verdict, &receipt);
        if (err != AVER_OK) {
            code = aver_cli_fail_err(cli, err, "cannot judge");
        } else if (!aver_policy_accepts(policy, AVER_USE_CAPSULE, &verdict, why)) {
            aver_show_line(&cli->out, &verdict, false, why, NULL, NULL);
            code = AVER_EXIT_REFUSED;
        } else {
            aver_show_line(&cli->err, &verdict, true, why, receipt.model_root, receipt.platform);
        }
    }
    aver_policy_free(policy);
    return code;
}

static aver_exit recheck_print(aver_cli *cli, const aver_review *review)
{
    const aver_recheck_result *result = &review->result;
    if (review->broken != NULL) {
        aver_term_print(&cli->out, AVER_STYLE_BAD, "REFUSED");
        aver_term_print(&cli->out, AVER_STYLE_PLAIN, " %s: %s\n", review->broken, review->why);
        return AVER_EXIT_REFUSED;
    }
    if (!review->judged || result->outcome == AVER_RECHECK_CANNOT) {
        aver_term_print(&cli->out, AVER_STYLE_WARN, "cannot judge");
        aver_term_print(&cli->out, AVER_STYLE_PLAIN, ": %s\n",
                        review->judged ? result->detail : review->why);
        return AVER_EXIT_CANNOT;
    }
    if (result->outcome == AVER_RECHECK_SAME) {
        aver_term_print(&cli->out, AVER_STYLE_GOOD, "same digest");
        aver_term_print(&cli->out, AVER_STYLE_PLAIN,
                        ": %llu prompt and %llu generated tokens, computed again bit for bit\n",
                        (unsigned long long)review->prompt_tokens,
                        (unsigned long long)review->generated_tokens);
        return AVER_EXIT_DONE;
    }
    if (result->outcome == AVER_RECHECK_TOKEN) {
        aver_term_print(&cli->out, AVER_STYLE_BAD, "first wrong token at position %llu",
                        (unsigned long long)result->position);
        aver_term_print(&cli->out, AVER_STYLE_PLAIN, ": claimed %d, expected %d (%s)\n",
                        result->token_claimed, result->token_expected, result->detail);
    } else {
        aver_term_print(&cli->out, AVER_STYLE_BAD, "not what this model gives");
        aver_term_print(&cli->out, AVER_STYLE_PLAIN, ": %s\n", result->detail);
    }
    return AVER_EXIT_REFUSED;
}

static aver_exit recheck_run_command(aver_cli *cli, const aver_args *args)
{
    const char *model = aver_args_get(args, "model");
    if (model == NULL) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "the model is needed: --model FILE.gguf");
    }
    char why[AVER_ARGS_WHY_BYTES];
    uint64_t threads = 0;
    if (aver_args_uint(args, "threads", 1, 1024, &threads, why) != AVER_OK) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "%s", why);
    }
    aver_buf capsule;
    aver_buf_init(&capsule, AVER_CAPSULE_BYTES_MAX);
    aver_exit code = aver_inputs_file(cli, args->operands[0], AVER_CAPSULE_BYTES_MAX, &capsule);
    if (code == AVER_EXIT_DONE) {
        code = recheck_policy(cli, args, aver_buf_view(&capsule));
    }
    if (code == AVER_EXIT_DONE) {
        aver_review_options options = {.capsule = aver_buf_view(&capsule),
                                       .model_path = model,
                                       .lora = aver_args_get(args, "lora"),
                                       .threads = (uint32_t)threads};
        aver_review review;
        aver_err err = aver_review_run(&options, &review);
        code = err == AVER_OK ? recheck_print(cli, &review)
                              : aver_cli_fail_err(cli, err, "cannot judge");
    }
    aver_buf_deinit(&capsule);
    return code;
}

static const aver_option recheck_options[] = {
    {"model", 'm', "FILE", "the model (GGUF) that the answer is said to be of (required)"},
    {"lora", 0, "FILE[:SCALE],...", "the LoRA adapters on it, in their order"},
    {"policy", 'p', "FILE", "first judge the capsule by this policy"},
    AVER_INPUTS_OPTION_SIM_ROOT,
    {"threads", 0, "N", "threads to compute with"},
    {NULL, 0, NULL, NULL},
};

const aver_command aver_command_recheck = {
    .name = "recheck",
    .operands = "FILE.capsule",
    .summary = "compute a saved answer again and compare it bit for bit",
    .options = recheck_options,
    .notes =
        "Prints \"same digest\" (exit 0), the first wrong token and its position (exit 1), or why "
        "it\n"
        "cannot judge (exit 3: another model, profile or numeric class; that is never fraud).\n",
    .operands_min = 1,
    .operands_max = 1,
    .run = recheck_run_command,
};

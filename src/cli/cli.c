/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "base/log.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>

static const aver_command *const cli_commands[] = {
    &aver_command_ask,
    &aver_command_proxy,
    &aver_command_verify,
    &aver_command_recheck,
    &aver_command_policy_pin,
    &aver_command_policy_lint,
    &aver_command_policy_explain,
    &aver_command_attest_fetch,
    &aver_command_attest_show,
    &aver_command_attest_verify,
    &aver_command_attest_judge,
    &aver_command_attest_collect,
    &aver_command_receipt_show,
    &aver_command_capsule_show,
    &aver_command_capsule_strip,
    &aver_command_model_root,
    &aver_command_checks,
    &aver_command_vectors,
    &aver_command_sim_root,
    &aver_command_demo,
    &aver_command_completion,
    NULL,
};

const aver_command *const *aver_cli_commands(void)
{
    return cli_commands;
}

aver_exit aver_cli_fail(const aver_cli *cli, aver_exit code, const char *format, ...)
{
    aver_term_print(&cli->err, AVER_STYLE_BAD, "aver: ");
    va_list args;
    va_start(args, format);
    aver_term_vprint(&cli->err, AVER_STYLE_PLAIN, format, args);
    va_end(args);
    (void)fputc('\n', cli->err.file);
    return code;
}

aver_exit aver_cli_fail_err(const aver_cli *cli, aver_err err, const char *doing)
{
    aver_exit code = AVER_EXIT_CANNOT;
    if (err == AVER_E_IO || err == AVER_E_ABSENT || err == AVER_E_AGAIN || err == AVER_E_PEER) {
        code = AVER_EXIT_IO;
    } else if (err == AVER_E_USAGE) {
        code = AVER_EXIT_USAGE;
    } else if (err == AVER_E_PROOF) {
        code = AVER_EXIT_REFUSED;
    }
    return aver_cli_fail(cli, code, "%s: %s", doing, aver_err_text(err));
}

/* The command whose words begin the line; *ret_words says how many it has. */
static const aver_command *cli_find(int argc, const char *const *argv, int *ret_words)
{
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        const char *name = cli_commands[i]->name;
        const char *blank = strchr(name, ' ');
        size_t first = blank != NULL ? (size_t)(blank - name) : strlen(name);
        if (argc < 1 || strlen(argv[0]) != first || memcmp(argv[0], name, first) != 0) {
            continue;
        }
        if (blank == NULL || (argc >= 2 && strcmp(argv[1], blank + 1) == 0)) {
            *ret_words = blank == NULL ? 1 : 2;
            return cli_commands[i];
        }
    }
    return NULL;
}

static aver_exit cli_run(aver_cli *cli, const aver_command *command, int argc,
                         const char *const *argv)
{
    aver_args args;
    char why[AVER_ARGS_WHY_BYTES];
    if (aver_args_parse(command->options, argc, argv, &args, why) != AVER_OK) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "%s (see aver help %s)", why, command->name);
    }
    if (args.help) {
        aver_help_command(&cli->out, command);
        return AVER_EXIT_DONE;
    }
    if (args.operands_count < command->operands_min ||
        args.operands_count > command->operands_max) {
        return aver_cli_fail(cli, AVER_EXIT_USAGE, "usage: aver %s %s%s (see aver help %s)",
                             command->name, command->options[0].name != NULL ? "[options] " : "",
                             command->operands, command->name);
    }
    return command->run(cli, &args);
}

static aver_exit cli_help(aver_cli *cli, int argc, const char *const *argv)
{
    if (argc == 0) {
        aver_help_overview(&cli->out);
        return AVER_EXIT_DONE;
    }
    int words = 0;
    const aver_command *command = cli_find(argc, argv, &words);
    if (command != NULL && words == argc) {
        aver_help_command(&cli->out, command);
        return AVER_EXIT_DONE;
    }
    if (argc == 1 && aver_help_topic(&cli->out, argv[0])) {
        return AVER_EXIT_DONE;
    }
    return aver_cli_fail(cli, AVER_EXIT_USAGE, "no help for '%s%s%s' (see aver help)", argv[0],
                         argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
}

static aver_exit cli_dispatch(aver_cli *cli, int argc, const char *const *argv)
{
    if (argc == 0) {
        aver_help_overview(&cli->err);
        return AVER_EXIT_USAGE;
    }
    if (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "version") == 0) {
        aver_term_print(&cli->out, AVER_STYLE_PLAIN, "aver %s\n", AVER_VERSION);
        return AVER_EXIT_DONE;
    }
    if (strcmp(argv[0], "help") == 0 || strcmp(argv[0], "--help") == 0 ||
        strcmp(argv[0], "-h") == 0) {
        return cli_help(cli, argc - 1, argv + 1);
    }
    int words = 0;
    const aver_command *command = cli_find(argc, argv, &words);
    if (command != NULL) {
        return cli_run(cli, command, argc - words, argv + words);
    }
    bool asks_help = argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if (asks_help && aver_help_topic(&cli->out, argv[0])) {
        return AVER_EXIT_DONE;
    }
    if (argc == 1 && aver_help_topic(&cli->err, argv[0])) {
        return AVER_EXIT_USAGE;
    }
    return aver_cli_fail(cli, AVER_EXIT_USAGE, "'%s%s%s' is no command of aver (see aver help)",
                         argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
}

aver_exit aver_cli_main(const aver_platform *const *platforms, int argc, const char *const *argv)
{
    aver_cli cli = {.platforms = platforms};
    aver_term_init(&cli.out, stdout, true);
    aver_term_init(&cli.err, stderr, true);
    /* A reader that goes away (aver ... | head) is an error of write, not a death. */
    (void)signal(SIGPIPE, SIG_IGN);
    aver_log_setup(AVER_LOG_ERROR, false);
    aver_exit code = cli_dispatch(&cli, argc > 0 ? argc - 1 : 0, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        code = code == AVER_EXIT_DONE ? AVER_EXIT_IO : code;
    }
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_CLI_H
#define AVER_CLI_CLI_H

/*
 * cli: the program `aver`: a table of commands, each with its options, its help and its function.
 * A command's name may have two words ("policy pin"). Help is written from the tables.
 */

#include "aver/verify.h"
#include "cli/args.h"
#include "cli/term.h"

/* What the program says to its caller; documented in `aver help exit`. */
typedef enum aver_exit {
    AVER_EXIT_DONE = 0,    /* accepted, or done */
    AVER_EXIT_REFUSED = 1, /* some check failed, or one that the policy requires did not pass */
    AVER_EXIT_USAGE = 2,   /* the command line, or a file of the reader's own, is wrong */
    AVER_EXIT_CANNOT = 3,  /* no judgement is possible */
    AVER_EXIT_IO = 4,      /* no connection, or a file could not be read or written */
    AVER_EXIT_PEER = 5,    /* the node answered with an error */
} aver_exit;

typedef struct aver_cli {
    const aver_platform *const *platforms; /* NULL-terminated: what this program can judge */
    aver_term out;
    aver_term err;
} aver_cli;

typedef struct aver_command {
    const char *name;
    const char *operands; /* as the usage line shows them */
    const char *summary;
    const aver_option *options;
    const char *notes; /* more text for its help, or NULL */
    size_t operands_min, operands_max;
    aver_exit (*run)(aver_cli *cli, const aver_args *args);
} aver_command;

/* All commands, NULL-terminated, in the order of the help. */
const aver_command *const *aver_cli_commands(void);
/* The whole program. argv[0] is its name. */
aver_exit aver_cli_main(const aver_platform *const *platforms, int argc, const char *const *argv);
/* "aver: WORDS" on standard error; gives code back. */
aver_exit aver_cli_fail(const aver_cli *cli, aver_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The exit code for an error of the library, with words on standard error. */
aver_exit aver_cli_fail_err(const aver_cli *cli, aver_err err, const char *doing);

void aver_help_overview(const aver_term *term);
void aver_help_command(const aver_term *term, const aver_command *command);
/* "exit codes:" and a line for each. */
const char *aver_help_exit_text(void);
/* False if no command and no topic begins with this name. */
bool aver_help_topic(const aver_term *term, const char *name);

extern const aver_command aver_command_ask;
extern const aver_command aver_command_proxy;
extern const aver_command aver_command_verify;
extern const aver_command aver_command_recheck;
extern const aver_command aver_command_policy_pin;
extern const aver_command aver_command_policy_lint;
extern const aver_command aver_command_policy_explain;
extern const aver_command aver_command_attest_fetch;
extern const aver_command aver_command_attest_show;
extern const aver_command aver_command_attest_verify;
extern const aver_command aver_command_attest_judge;
extern const aver_command aver_command_attest_collect;
extern const aver_command aver_command_receipt_show;
extern const aver_command aver_command_capsule_show;
extern const aver_command aver_command_capsule_strip;
extern const aver_command aver_command_model_root;
extern const aver_command aver_command_checks;
extern const aver_command aver_command_vectors;
extern const aver_command aver_command_demo;
extern const aver_command aver_command_completion;
extern const aver_command aver_command_sim_root;

#endif

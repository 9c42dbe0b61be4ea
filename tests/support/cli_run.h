/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_CLI_RUN_H
#define AVER_TESTS_SUPPORT_CLI_RUN_H

/*
 * cli_run: runs the program aver of $AVER_BIN in a temporary folder of the test's own, and the
 * reader's files there: a policy that accepts one node, and the root of its simulator. Failures of
 * the set-up end the test.
 */

#include "aver/bytes.h"
#include "support/node_fixture.h"

#include <stddef.h>

#define CLI_RUN_PATH_BYTES 128
#define CLI_RUN_TEXT_BYTES 16384
#define CLI_RUN_WORDS_MAX  24

typedef struct cli_run {
    char dir[64];
    char policy[CLI_RUN_PATH_BYTES];
    char root[CLI_RUN_PATH_BYTES];
    char out[CLI_RUN_TEXT_BYTES]; /* of the last run */
    char err[CLI_RUN_TEXT_BYTES];
} cli_run;

void cli_run_open(cli_run *run, const node_fixture *node);
/* A node with these options, NULL for none, and its reader's files; and the end of both: 0, or what
 * the node's exit status was. */
void cli_run_start(cli_run *run, node_fixture *node, const char *const *args);
int cli_run_stop(cli_run *run, node_fixture *node);
void cli_run_close(cli_run *run);
/* A path in the folder. */
void cli_run_path(const cli_run *run, const char *name, char ret_path[CLI_RUN_PATH_BYTES]);
/* words without the program's name, NULL-terminated; the exit status. */
int cli_run_words(cli_run *run, const char *const *words);
/* The node's evidence, as aver attest fetch gives it; appended. */
void cli_run_fetch(cli_run *run, const node_fixture *node, aver_buf *bundle);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_COMPLETION_H
#define AVER_CLI_COMPLETION_H

/*
 * completion: scripts that complete the command lines of aver and of the node in a shell, written
 * from the tables that help is written from.
 */

#include "cli/cli.h"

#define AVER_COMPLETION_WORDS_BYTES 128

typedef enum aver_completion_kind {
    AVER_COMPLETION_ANY, /* nothing to propose */
    AVER_COMPLETION_FILE,
    AVER_COMPLETION_FOLDER,
    AVER_COMPLETION_WORDS, /* one of a few */
} aver_completion_kind;

/*
 * What a value or an operand is, from what help calls it: FILE, PATH and PROGRAM are files, DIR a
 * folder, "a|b" one of these words, which ret_words then has with blanks between.
 */
aver_completion_kind aver_completion_kind_of(const char *value,
                                             char ret_words[static AVER_COMPLETION_WORDS_BYTES]);
/* The words of all commands that begin with first ("" for the first words themselves), each once;
 * returns false where there is none. tell is called with the word and the summary. */
bool aver_completion_each(const char *first,
                          void (*tell)(void *context, const char *word, const char *summary),
                          void *context);
/* Options of the node as a table of aver's form; it stays. */
const aver_option *aver_completion_node_options(void);

void aver_completion_bash(FILE *out);
void aver_completion_zsh(FILE *out);
void aver_completion_fish(FILE *out);

#endif

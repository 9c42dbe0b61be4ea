/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_OPTION_TABLE_H
#define AVER_NODE_OPTION_TABLE_H

/*
 * option_table: every option of a node, once: the command line, the configuration file, --help and
 * the manual are made from it. A new option is a row here and a case in options.c.
 */

#include <stdbool.h>
#include <stddef.h>

typedef enum aver_node_option_id {
    AVER_OPTION_MODEL = 256, /* beyond what getopt takes for letters */
    AVER_OPTION_MODEL_NAME,
    AVER_OPTION_MEMORY,
    AVER_OPTION_LISTEN,
    AVER_OPTION_PLATFORM,
    AVER_OPTION_PROFILE,
    AVER_OPTION_SLOTS,
    AVER_OPTION_CONTEXT,
    AVER_OPTION_THREADS,
    AVER_OPTION_PIN,
    AVER_OPTION_BATCH,
    AVER_OPTION_QUEUE,
    AVER_OPTION_SHARED_PREFIX,
    AVER_OPTION_TOKEN_FILE,
    AVER_OPTION_OPERATOR,
    AVER_OPTION_NAME,
    AVER_OPTION_SINGLE_PROCESS,
    AVER_OPTION_RECEIPTS_MAX,
    AVER_OPTION_SEAL_USES,
    AVER_OPTION_LOG,
    AVER_OPTION_LOG_LEVEL,
    AVER_OPTION_READY_FILE,
    AVER_OPTION_SERVER_NAME,
    AVER_OPTION_CSR,
    AVER_OPTION_CERTIFICATE,
    AVER_OPTION_ENGINE, /* its name comes from the build; not in the table */
    AVER_OPTION_CONFIG,
    AVER_OPTION_HELP,
    AVER_OPTION_VERSION,
} aver_node_option_id;

typedef enum aver_node_option_kind {
    AVER_OPTION_ONCE,    /* in the file at most once */
    AVER_OPTION_REPEATS, /* may be given again, which adds */
    AVER_OPTION_COMMAND, /* on the command line only */
} aver_node_option_kind;

typedef struct aver_node_option {
    const char *name;  /* without its dashes; NULL ends the table */
    const char *value; /* what help calls the value; NULL: a flag, yes or no in a file */
    aver_node_option_id id;
    aver_node_option_kind kind;
    const char *help; /* lines of at most 72 columns; NULL: not shown by itself */
} aver_node_option;

/* In the order of the help. */
extern const aver_node_option aver_node_option_table[];

/* Prints the table as --help shows it. */
void aver_node_option_table_print(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_CONFIG_FILE_H
#define AVER_NODE_CONFIG_FILE_H

/*
 * config_file: the settings of a node as lines of text.
 *
 *   # comment
 *   name = value
 *
 * A name has small letters, digits and dashes; a value is the rest of the line without the blanks
 * around it: printable UTF-8, not quoted, not empty. A line ends in LF or CR LF. Anything else is
 * refused with the number of its line. What the names mean is not known here.
 * Ownership: the config owns its text, into which the settings point. Threads: one owner.
 */

#include "aver/bytes.h"

#define AVER_NODE_CONFIG_BYTES_MAX    65536
#define AVER_NODE_CONFIG_SETTINGS_MAX 256
#define AVER_NODE_CONFIG_NAME_MAX     32
#define AVER_NODE_CONFIG_VALUE_MAX    4096
#define AVER_NODE_CONFIG_WHY_BYTES    160

typedef struct aver_node_setting {
    const char *name;
    const char *value;
    uint32_t line; /* from 1 */
} aver_node_setting;

typedef struct aver_node_config {
    char *text;
    aver_node_setting settings[AVER_NODE_CONFIG_SETTINGS_MAX];
    size_t count;
} aver_node_config;

/* FORMAT with "line N: words" in ret_why; LIMIT for a text or a list that is too long. */
AVER_MUST_USE aver_err aver_node_config_parse(aver_view text, aver_node_config *ret_config,
                                              char ret_why[AVER_NODE_CONFIG_WHY_BYTES]);
/* The same for a file; also ABSENT, USAGE (no regular file), LIMIT and IO, with words. */
AVER_MUST_USE aver_err aver_node_config_open(const char *path, aver_node_config *ret_config,
                                             char ret_why[AVER_NODE_CONFIG_WHY_BYTES]);
void aver_node_config_deinit(aver_node_config *config);

#endif

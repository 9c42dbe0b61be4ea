/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_INPUTS_H
#define AVER_CLI_INPUTS_H

/*
 * inputs: what the reader brings: policy, simulator root, token, and files to be judged. Each
 * function says what is wrong on standard error and gives AVER_EXIT_DONE, or the code to end with.
 */

#include "cli/cli.h"

#define AVER_INPUTS_ROOTS_BYTES_MAX  65536u
#define AVER_INPUTS_PROMPT_BYTES_MAX (2u * 1024 * 1024)

/* Options that several commands have, as rows of their tables. */
#define AVER_INPUTS_OPTION_SIM_ROOT                                                                \
    {                                                                                              \
        "sim-root", 0, "FILE", "root of a simulator that you trust, 64 hex digits; proves nothing" \
    }
#define AVER_INPUTS_OPTION_JSON                                                                    \
    {                                                                                              \
        "json", 0, NULL, "one JSON document instead of text"                                       \
    }

/* path NULL: refused, a policy is always needed. The caller frees. */
aver_exit aver_inputs_policy(const aver_cli *cli, const char *path, aver_policy **ret_policy);
/* path NULL: no simulator root. The file holds 64 hex digits. */
aver_exit aver_inputs_roots(const aver_cli *cli, const char *path, aver_roots *ret_roots);
/* path NULL: none. The file holds certificates, PEM or one in DER; the initialised ret_store keeps
 * them and must outlive the roots. */
aver_exit aver_inputs_test_roots(const aver_cli *cli, const char *path, aver_buf *ret_store,
                                 aver_roots *roots);
/* "-" is standard input. Appends to an initialised buffer. */
aver_exit aver_inputs_file(const aver_cli *cli, const char *path, size_t size_max,
                           aver_buf *ret_bytes);
/* The first line of a file; appended with a terminator, to be used as text. Wipe it. */
aver_exit aver_inputs_token(const aver_cli *cli, const char *path, aver_buf *ret_token);
/* 64 hex digits; name is the option that they came with. */
aver_exit aver_inputs_hex32(const aver_cli *cli, const char *name, const char *text,
                            uint8_t ret_bytes[static 32]);
/* Before work whose result would be lost: the folder of path is there and takes files. NULL: yes.
 */
aver_exit aver_inputs_writable(const aver_cli *cli, const char *path);
aver_exit aver_inputs_write(const aver_cli *cli, const char *path, aver_view bytes);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_RESULT_H
#define AVER_CLI_RESULT_H

/* result: the verdict as an attestation result (aver/ear.h), where the command line asks for it. */

#include "aver/ear.h"
#include "cli/cli.h"

#define AVER_RESULT_OPTIONS                                                                        \
    {"ear", 0, "FILE|-", "write the verdict as an EAT attestation result, JSON"},                  \
    {                                                                                              \
        "ear-key", 0, "FILE", "sign that as a JWT: a private key in PEM, P-256 or Ed25519"         \
    }

/* Standard output is for the result alone. */
bool aver_result_alone(const aver_args *args);
/* Writes it if --ear was given. policy_path: the reader's policy, or NULL; ear->policy is set here.
 */
aver_exit aver_result_write(const aver_cli *cli, const aver_args *args, const char *policy_path,
                            aver_ear *ear);

#endif

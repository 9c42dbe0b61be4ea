/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_FOREIGN_H
#define AVER_CLI_FOREIGN_H

/* foreign: aver verify for the files of other systems (aver/foreign.h). */

#include "aver/foreign.h"
#include "cli/evidence.h"

/* clang-format off */
#define AVER_FOREIGN_OPTIONS                                                                       \
    {"format", 'f', "near|aci|tinfoil", "the files are of another system"},                        \
    {"request", 0, "FILE", "near, aci: the body that you sent, byte for byte"},                    \
    {"response", 0, "FILE", "near, aci: the body that you received, with all framing of a stream"},\
    {"tls-key", 0, "HEX", "SHA-256 of the public key (SPKI) that your connection ended at"},       \
    {"domain", 0, "NAME", "aci: the host name that you asked"},                                    \
    {"seal-key", 0, "HEX", "the X25519 key that you seal to"},                                     \
    {"any-age", 0, NULL, "evidence that was not made for a nonce of yours is good enough"}
/* clang-format on */

/* *ret_foreign: --format names one, or the first file is one of them without doubt. */
aver_exit aver_foreign_wanted(const aver_cli *cli, const aver_args *args, bool *ret_foreign,
                              aver_foreign *ret_format);
/* Refuses what is given for such files alone. */
aver_exit aver_foreign_not_wanted(const aver_cli *cli, const aver_args *args);
aver_exit aver_foreign_run(aver_cli *cli, const aver_args *args, aver_foreign format);

#endif

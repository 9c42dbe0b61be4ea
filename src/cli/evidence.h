/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_EVIDENCE_H
#define AVER_CLI_EVIDENCE_H

/*
 * evidence: one piece of evidence with its collateral and what is expected of it, from a command
 * line that has AVER_EVIDENCE_OPTIONS in its table. Ownership: close.
 */

#include "aver/attest.h"
#include "cli/cli.h"

#define AVER_EVIDENCE_FILES_MAX 40

/* clang-format off */
#define AVER_EVIDENCE_OPTIONS                                                                      \
    {"family", 'f', "nitro|sgx|tdx|snp|nvidia|azure|cca|tpm", "what made it (required)"},          \
    AVER_EVIDENCE_COMMON_OPTIONS
#define AVER_EVIDENCE_COMMON_OPTIONS                                                               \
    {"time", 't', "TIME", "when it must be valid: seconds since 1970 or 2026-01-02T03:04:05Z (now)"},\
    {"nonce", 0, "HEX", "what you expect where a verifier puts its nonce"},                        \
    {"collateral", 0, "FILE", "sgx, tdx: TCB info, QE identity and lists, JSON"},                  \
    {"leaf", 0, "FILE", "snp, azure: VCEK or VLEK, DER or PEM"},                                   \
    {"chain", 0, "FILE", "snp, azure: ASK and ARK; nvidia: the device's certificates, leaf first"},\
    {"key", 0, "FILE", "cca, tpm: the public key that signs, PEM or DER"},                         \
    {"crl", 0, "FILE[,FILE]", "revocation lists, DER or PEM"},                                     \
    {"rim", 0, "FILE[,FILE]", "nvidia: signed reference values"},                                  \
    {"roots", 0, "FILE[,FILE]", "trust these roots instead of those of the makers"},               \
    {"rim-roots", 0, "FILE[,FILE]", "the same for reference values"},                              \
    {"accept-tcb", 0, "LIST", "TCB statuses taken as good, by commas (UpToDate)"},                 \
    {"evaluation-min", 0, "N", "least evaluation data number of Intel's collateral"},              \
    {"vmpl", 0, "N", "snp: the privilege level that asked for the report"},                        \
    {"allow-debug", 0, NULL, "take debugging as good"},                                            \
    {"require-revocation", 0, NULL, "refuse where a revocation list is missing"},                  \
    {"signature-only", 0, NULL, "sgx, tdx: without collateral; the TCB is not judged"}
/* clang-format on */

typedef struct aver_evidence {
    aver_family family;
    aver_attest_input input;
    aver_buf files[AVER_EVIDENCE_FILES_MAX];
    size_t files_count;
    aver_buf nonce;
} aver_evidence;

/* path is the evidence itself, "-" standard input. close also after a failure. */
aver_exit aver_evidence_open(const aver_cli *cli, const aver_args *args, const char *path,
                             aver_evidence *ret_evidence);
/* The same without the evidence and its family, of which files of others speak themselves. */
aver_exit aver_evidence_open_common(const aver_cli *cli, const aver_args *args,
                                    aver_evidence *ret_evidence);
void aver_evidence_close(aver_evidence *evidence);

#endif

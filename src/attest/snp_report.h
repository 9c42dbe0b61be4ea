/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_SNP_REPORT_H
#define AVER_ATTEST_SNP_REPORT_H

/*
 * snp_report: the ATTESTATION_REPORT of AMD's SEV-SNP firmware ABI (publication 56860), versions 2
 * to 5, 1184 bytes, little-endian:
 *
 *   000 version, guest SVN, policy, family and image id, VMPL, algorithm     050 report data
 *   090 measurement   0c0 host data   0e0 id key   110 author key   140 report ids
 *   180 reported TCB  188 CPUID (from v3)   1a0 chip id   1e0 committed TCB, builds, launch TCB
 *   1f8 mitigation vectors (from v5)        2a0 signature: r, s of 72 bytes each
 *
 * Signed is everything before the signature. Fields that the version reserves must be zero, but
 * for those of platform info, which every firmware may extend.
 */

#include "aver/bytes.h"

#define AVER_SNP_REPORT_BYTES 1184
#define AVER_SNP_SIGNED_BYTES 0x2a0

/* Of a guest policy. */
#define AVER_SNP_POLICY_DEBUG (1ull << 19)

typedef enum aver_snp_signer {
    AVER_SNP_VCEK = 0,
    AVER_SNP_VLEK = 1,
    AVER_SNP_UNSIGNED = 7,
} aver_snp_signer;

/* The lines of processors, which order the bytes of a TCB version in two ways. */
typedef enum aver_snp_product {
    AVER_SNP_NONE = 0,
    AVER_SNP_MILAN,
    AVER_SNP_GENOA, /* Bergamo and Siena have the same root and names */
    AVER_SNP_TURIN,
} aver_snp_product;

typedef struct aver_snp_tcb {
    uint8_t fmc; /* Turin alone */
    uint8_t bootloader;
    uint8_t tee;
    uint8_t snp;
    uint8_t microcode;
} aver_snp_tcb;

typedef struct aver_snp_report {
    aver_view bytes; /* all views point into the report */
    uint32_t version, guest_svn, vmpl, signature_algorithm, key_info;
    uint64_t policy, platform_info;
    uint64_t current_tcb, reported_tcb, committed_tcb, launch_tcb;
    aver_view family_id, image_id, report_data, measurement, host_data, id_key_digest,
        author_key_digest, report_id, report_id_ma, chip_id;
    bool has_cpuid;
    uint8_t cpuid_family, cpuid_model, cpuid_stepping;
    aver_snp_signer signer;
    uint8_t signature[96]; /* r || s, big-endian */
} aver_snp_report;

/* FORMAT, or UNSUPPORTED for another version or algorithm. */
AVER_MUST_USE aver_err aver_snp_report_parse(aver_view bytes, aver_snp_report *ret_report);
/* NONE for a processor that is not known. */
aver_snp_product aver_snp_product_of_cpuid(uint8_t family, uint8_t model);
/* By the name's beginning, "Milan-B0" is Milan. */
aver_snp_product aver_snp_product_of_name(aver_view name);
const char *aver_snp_product_name(aver_snp_product product);
aver_snp_tcb aver_snp_tcb_of(uint64_t value, aver_snp_product product);

#endif

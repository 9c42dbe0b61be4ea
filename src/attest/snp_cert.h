/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_SNP_CERT_H
#define AVER_ATTEST_SNP_CERT_H

/*
 * snp_cert: what AMD writes into the extensions of the certificates that sign reports (publication
 * 57230), OIDs 1.3.6.1.4.1.3704.1.*: product name, the security patch levels that the key is
 * derived from, and for a VCEK the chip, for a VLEK the provider.
 */

#include "attest/snp_report.h"
#include "aver/claims.h"
#include "crypto/x509.h"

#define AVER_SNP_NAME_BYTES 64

typedef struct aver_snp_cert {
    bool is_vlek; /* by its common name, SEV-VLEK; a VCEK is SEV-VCEK */
    char product_name[AVER_SNP_NAME_BYTES];
    char provider[AVER_SNP_NAME_BYTES]; /* "" for a VCEK */
    aver_snp_product product;
    aver_snp_tcb tcb;
    uint8_t chip_id[64]; /* size 0: none */
    size_t chip_id_size;
    aver_ecdsa_key *key;
} aver_snp_cert;

/* FORMAT if an extension is missing, twice, or not of its form; ownership: aver_snp_cert_deinit. */
AVER_MUST_USE aver_err aver_snp_cert_read(const aver_cert *cert, aver_snp_cert *ret_cert);
void aver_snp_cert_deinit(aver_snp_cert *cert);

/* Fills the claims with what the report says; cert may be NULL. */
void aver_snp_claim(const aver_snp_report *report, const aver_snp_cert *cert, aver_claims *claims);
/* "vcek", "vlek", "none". */
const char *aver_snp_signer_text(aver_snp_signer signer);
bool aver_snp_is_zero(aver_view bytes);

#endif

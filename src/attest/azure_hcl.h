/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_AZURE_HCL_H
#define AVER_ATTEST_AZURE_HCL_H

/*
 * azure_hcl: the report that the paravisor of an Azure confidential virtual machine (the host
 * compatibility layer, HCL) leaves in the vTPM. Little-endian:
 *
 *   0     32  header       "HCLA", version, bytes, kind of request (2), status (0), 12 zeros
 *   32    1184  report     of the hardware: an SEV-SNP report, or a TD report in its first 1024
 * bytes 1216  20  request      bytes, version, kind of report (2 SNP, 4 TDX), hash, bytes of claims
 *   1236      claims       JSON: the public keys of the vTPM, the configuration of the machine
 *
 * The report data of the hardware's report is the hash of the claims, filled with zeros.
 */

#include "codec/json.h"
#include "crypto/hash.h"
#include "crypto/public_key.h"

typedef enum aver_hcl_kind { AVER_HCL_SNP = 2, AVER_HCL_TDX = 4 } aver_hcl_kind;
typedef enum aver_hcl_hash { AVER_HCL_SHA256 = 1, AVER_HCL_SHA384, AVER_HCL_SHA512 } aver_hcl_hash;

/* Views point into the report. */
typedef struct aver_hcl {
    uint32_t version, report_bytes, request_type, claims_bytes;
    aver_hcl_kind kind;
    aver_hcl_hash hash;
    aver_view report; /* 1184 bytes */
    aver_view claims;
} aver_hcl;
/* FORMAT with words. */
AVER_MUST_USE aver_err aver_hcl_parse(aver_view bytes, aver_hcl *ret_hcl, const char **ret_why);
/* What the report data must be. */
void aver_hcl_report_data(const aver_hcl *hcl, uint8_t ret_report_data[static 64]);

/* The claims as JSON; ret_key is the vTPM's attestation key ("HCLAkPub"). FORMAT or LIMIT with
 * words if either cannot be had. The caller drops ret_json and closes ret_key. */
AVER_MUST_USE aver_err aver_hcl_claims_read(const aver_hcl *hcl, json_t **ret_json,
                                            aver_public_key *ret_key, const char **ret_why);

/* The TD report that the paravisor keeps, against the body of a quote made from it (of 584 bytes or
 * more): true if all that both hold is equal. */
bool aver_hcl_td_equal(const aver_hcl *hcl, aver_view quote_body);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_TPM_QUOTE_H
#define AVER_ATTEST_TPM_QUOTE_H

/*
 * tpm_quote: what TPM2_Quote gives (TPM 2.0 Library, Part 2: TPMS_ATTEST, TPMT_SIGNATURE), all
 * big-endian, and the values of PCRs that stand beside it in evidence:
 *
 *   {"tpm_message": hex, "tpm_signature": hex, "tpm_pcrs": [hex, ...]}
 *
 * message is a TPMS_ATTEST. signature is a TPMT_SIGNATURE, or the bytes of an RSA signature alone,
 * which is then PKCS#1 v1.5 with SHA-256. pcrs are the values from PCR 0 on, of the bank of the
 * quote's first selection, null for one that is not told; or an object of such lists by bank:
 * "sha1", "sha256", "sha384", "sha512".
 */

#include "attest/family.h"
#include "crypto/hash.h"
#include "crypto/public_key.h"

#define AVER_TPM_PCRS           24
#define AVER_TPM_SELECTIONS_MAX 4

/* TPM_ALG_ID. */
enum {
    AVER_TPM_SHA1 = 0x0004,
    AVER_TPM_SHA256 = 0x000b,
    AVER_TPM_SHA384 = 0x000c,
    AVER_TPM_SHA512 = 0x000d,
    AVER_TPM_RSASSA = 0x0014,
    AVER_TPM_RSAPSS = 0x0016,
    AVER_TPM_ECDSA = 0x0018,
};

typedef struct aver_tpm_selection {
    uint16_t hash;
    uint32_t pcrs; /* bit n: PCR n */
} aver_tpm_selection;

/* Views point into the message. */
typedef struct aver_tpm_quote {
    aver_view message, qualified_signer, extra_data, pcr_digest;
    uint64_t clock_ms, firmware_version;
    uint32_t reset_count, restart_count;
    bool safe; /* the clock was written to what survives a loss of power */
    aver_tpm_selection selections[AVER_TPM_SELECTIONS_MAX];
    size_t selections_count;
} aver_tpm_quote;
/* FORMAT: not a quote, or anything in it out of its bounds, or bytes after it. */
AVER_MUST_USE aver_err aver_tpm_quote_parse(aver_view message, aver_tpm_quote *ret_quote);

typedef struct aver_tpm_signature {
    uint16_t scheme, hash;
    aver_view rsa, r, s;
} aver_tpm_signature;
/* A TPMT_SIGNATURE, or alone_bytes bytes of RSA alone (0: no such form). FORMAT. */
AVER_MUST_USE aver_err aver_tpm_signature_parse(aver_view bytes, size_t alone_bytes,
                                                aver_tpm_signature *ret_signature);
/* PROOF if it does not hold; UNSUPPORTED if the scheme is not one for that key. */
AVER_MUST_USE aver_err aver_tpm_signature_verify(const aver_tpm_signature *signature,
                                                 aver_view message, const aver_public_key *key);

/* Bytes of a digest by that algorithm; 0 if it is not known here. */
size_t aver_tpm_hash_bytes(uint16_t hash);
/* SHA-256, SHA-384 or SHA-512. */
void aver_tpm_digest(uint16_t hash, aver_view bytes, uint8_t ret_digest[static AVER_SHA512_BYTES]);

typedef struct aver_tpm_bank {
    uint16_t hash; /* 0: of the quote's first selection */
    bool has[AVER_TPM_PCRS];
    uint8_t sizes[AVER_TPM_PCRS];
    uint8_t values[AVER_TPM_PCRS][64];
} aver_tpm_bank;

/* The members of evidence with a quote in it: the last three are of Azure's alone. */
typedef struct aver_tpm_evidence {
    aver_buf message, signature;
    aver_tpm_bank banks[AVER_TPM_SELECTIONS_MAX];
    size_t banks_count;
    aver_buf hcl_report, td_quote;
    uint8_t *vcek_bytes;
    aver_view vcek;
} aver_tpm_evidence;
/* Reads a JSON object; members that are not known here are passed over. FORMAT where message or
 * signature is missing or a member cannot be read; NOMEM. To be closed in each case. */
AVER_MUST_USE aver_err aver_tpm_evidence_read(aver_view text, aver_tpm_evidence *ret_evidence);
void aver_tpm_evidence_close(aver_tpm_evidence *evidence);

/*
 * Adds tpm.format, tpm.signature and tpm.pcrs and puts the claims: what the quote says into group
 * (may be NULL), the values of PCRs beside it. key is NULL where there is none to judge by. The
 * claims hold copies.
 */
AVER_MUST_USE aver_err aver_tpm_judge(const aver_tpm_evidence *evidence, const aver_public_key *key,
                                      const char *group, aver_verdict *verdict,
                                      aver_claims *claims);

#endif

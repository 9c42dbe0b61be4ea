/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_FOREIGN_H
#define AVER_FOREIGN_H

/*
 * foreign: what other systems of confidential inference hand out, judged with the same verifiers
 * and told by the same kind of named checks.
 *
 *   format    message                              report                    evidence inside
 *   near      signed chat message (NEAR, Phala)    attestation report        tdx
 *   aci       receipt of aci/1                     attestation report        tdx, snp
 *   tinfoil   attestation document v1, v2, v3      none                      tdx, snp
 *
 * GPUs that a file shows are judged too where the reader gives reference values (evidence->rims
 * and, for other roots than NVIDIA's, evidence->rim_roots).
 *
 * Nothing is fetched, and nothing that a file says about itself is a measure of it: roots,
 * collateral, time and nonce are the reader's. What binds a key to the hardware is computed again
 * from what the file shows and compared with the report data of the evidence.
 *
 * Ownership: aver_foreign_judge fills a judged record, which aver_foreign_judged_deinit releases;
 *            its claims point into it.
 * Memory:    at most 100 bytes for each bracket, comma and colon of the files, of which there are
 *            at most 65536 each, and twice the files' size.
 * Threads:   pure functions.
 */

#include "aver/attest.h"

AVER_C_BEGIN

typedef enum aver_foreign {
    AVER_FOREIGN_NEAR = 1,
    AVER_FOREIGN_ACI,
    AVER_FOREIGN_TINFOIL,
} aver_foreign;
#define AVER_FOREIGN_COUNT 4

#define AVER_FOREIGN_FILE_BYTES_MAX (4ul * 1024 * 1024)

typedef struct aver_foreign_input {
    aver_view message; /* near: text, signature, signing_address; aci: receipt; tinfoil: document */
    aver_view report;  /* near, aci: the attestation report */
    aver_view session; /* aci: the attested session that the receipt names, or empty */
    const aver_view *request;  /* the exact bytes that the reader sent, or NULL: not compared */
    const aver_view *response; /* the exact bytes received, with all framing, or NULL */
    const uint8_t *nonce;      /* 32 bytes that the reader chose, or NULL */
    const uint8_t *tls_key;    /* SHA-256 of the connection's SubjectPublicKeyInfo, or NULL */
    const char *domain;        /* aci: the host name asked, or NULL */
    const uint8_t *seal_key;   /* the X25519 key that the reader seals to, or NULL */
    bool any_age;              /* evidence without the reader's nonce is good enough */
    const aver_attest_input *evidence; /* roots, time, collateral and what is accepted; its evidence
                                          and nonce are not looked at; leaf, chain and lists win
                                          over those in the files */
} aver_foreign_input;

typedef struct aver_foreign_judged {
    aver_verdict verdict;
    aver_claims claims; /* of the evidence; meaningful where readable */
    aver_family family; /* of the evidence; 0: none was found */
    bool readable;
    aver_buf evidence, leaf, chain, list; /* as the files hold them */
} aver_foreign_judged;

/* "near", "aci", "tinfoil"; NULL for another number. */
const char *aver_foreign_name(aver_foreign format);
bool aver_foreign_find(const char *name, aver_foreign *ret_format);
/* Which format a file is of, by members that only one of them has. False where that is not sure. */
bool aver_foreign_detect(aver_view message, aver_foreign *ret_format);

/* Errors only where nothing could be judged: NOMEM, CRYPTO, USAGE. ret_judged is initialised here
 * and to be released in each case. */
AVER_MUST_USE aver_err aver_foreign_judge(aver_foreign format, const aver_foreign_input *input,
                                          aver_foreign_judged *ret_judged);
void aver_foreign_judged_deinit(aver_foreign_judged *judged);

/* True if no check failed and everything that the format and the evidence require passed; ret_why
 * names a required check that did not. Request, response and, unless any_age, nonce are among them
 * where the format has them. */
bool aver_foreign_holds(aver_foreign format, const aver_foreign_input *input,
                        const aver_foreign_judged *judged, const char **ret_why);

AVER_C_END

#endif

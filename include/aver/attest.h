/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_H
#define AVER_ATTEST_H

/*
 * attest: the evidence of one TEE, judged by itself: bytes, collateral, roots, time and what is
 * expected go in; named checks and claims come out. Bundles (judge.h) use the same verifiers.
 *
 *   family   format                                          collateral that it needs
 *   nitro    AWS Nitro Enclaves attestation document         none: certificates are inside
 *   sgx      Intel DCAP quote v3, v4, v5                      TCB info, QE identity, CRLs
 *   tdx      Intel DCAP quote v4, v5                          the same
 *   snp      AMD SEV-SNP report v2 to v5                      VCEK or VLEK, ASK or ASVK, ARK, CRL
 *   nvidia   SPDM 1.1 measurements of a GPU or a switch       the device's certificates, RIM files
 *   azure    HCL report, vTPM quote                           those of the inner snp or tdx
 *   cca      Arm CCA token                                    the platform's public key
 *   tpm      TPM 2.0 quote                                    the attestation key or certificates
 *
 * No network, no file, no clock, no environment, no global state but OpenSSL's own: whatever is
 * wrong with the evidence is a FAIL in the verdict; an error is returned only where nothing could
 * be judged (NOMEM, CRYPTO, USAGE). Threads: pure functions; a cache has one owner at a time.
 * Memory: docs/verifier.md states the most that one judgement of each family takes.
 */

#include "aver/claims.h"
#include "aver/verdict.h"

AVER_C_BEGIN

typedef enum aver_family {
    AVER_FAMILY_NITRO = 1,
    AVER_FAMILY_SGX,
    AVER_FAMILY_TDX,
    AVER_FAMILY_SNP,
    AVER_FAMILY_NVIDIA,
    AVER_FAMILY_AZURE,
    AVER_FAMILY_CCA,
    AVER_FAMILY_TPM,
} aver_family;
#define AVER_FAMILY_COUNT 9

#define AVER_ATTEST_EVIDENCE_BYTES_MAX   (256ul * 1024)
#define AVER_ATTEST_COLLATERAL_BYTES_MAX (1024ul * 1024)
#define AVER_ATTEST_ROOTS_MAX            8
#define AVER_ATTEST_CRLS_MAX             8
#define AVER_ATTEST_RIMS_MAX             8

/* Who is trusted. Pinned: the vendor's own roots, by the SHA-256 of their DER, constants of each
 * family. Given: certificates from the reader, DER or PEM, and then no pinned one counts. */
typedef struct aver_attest_roots {
    aver_view given[AVER_ATTEST_ROOTS_MAX];
    size_t given_count; /* 0: the pinned ones */
} aver_attest_roots;

typedef struct aver_attest_cache aver_attest_cache;

typedef struct aver_attest_input {
    aver_view evidence;
    aver_attest_roots roots;
    uint64_t time_s; /* at which certificates, revocation lists and collateral must be valid */

    /* Collateral; empty where there is none. */
    aver_view leaf;  /* snp: VCEK or VLEK, DER or PEM */
    aver_view chain; /* snp: ASK or ASVK and ARK; nvidia: device chain, leaf first; PEM or DER */
    aver_view collateral; /* sgx, tdx: one JSON object, see dcap in docs/verifier.md */
    aver_view key;        /* cca, tpm: the public key that signs, PEM or DER */
    aver_view crls[AVER_ATTEST_CRLS_MAX]; /* snp, nvidia, tpm: DER or PEM */
    size_t crls_count;
    aver_view rims[AVER_ATTEST_RIMS_MAX]; /* nvidia: signed reference values */
    size_t rims_count;
    aver_attest_roots rim_roots;

    /* What is expected. Checks of what is not asked for are SKIP. */
    aver_view nonce; /* nitro: nonce; sgx, tdx, snp: 64 bytes of report data; nvidia: 32 bytes;
                        azure, tpm: extra data of the quote; cca: realm challenge */
    bool allow_debug;
    uint32_t accept_tcb;     /* AVER_TCB_SET of each; 0: UpToDate alone */
    uint32_t evaluation_min; /* least TCB evaluation data number of Intel's collateral */
    bool has_vmpl;
    uint32_t vmpl;
    bool require_revocation; /* lists that are missing are FAIL, not SKIP */
    bool signature_only;     /* no collateral: the TCB is SKIP, which is never PASS */

    aver_attest_cache *cache; /* or NULL */
} aver_attest_input;

/* "nitro", ...; NULL for another number. */
const char *aver_family_name(aver_family family);
/* False for another name. */
bool aver_family_find(const char *name, aver_family *ret_family);

/*
 * Judges. *ret_readable: the evidence could be read, and ret_claims (initialised here) is filled as
 * far as it says anything.
 */
AVER_MUST_USE aver_err aver_attest_judge(aver_family family, const aver_attest_input *input,
                                         aver_verdict *verdict, aver_claims *ret_claims,
                                         bool *ret_readable);

/* The checks that must pass for evidence of this family to hold, NULL-terminated. NULL if there is
 * no such family, or it knows no signature_only. */
const char *const *aver_attest_required(aver_family family, bool signature_only);
/* True if no check failed and those that the family requires passed. With signature_only, no check
 * of the TCB is among them: what holds so far says nothing about known faults of the platform. */
bool aver_attest_holds(aver_family family, bool signature_only, const aver_verdict *verdict);

/*
 * Remembers, by the SHA-256 of their bytes, certificate paths and collateral that held, with the
 * time in which they do: signatures over them are not verified twice. Ownership: free.
 * entries_max: 1 to 4096, about 4 KiB each, 200 KiB for Intel's collateral.
 */
AVER_MUST_USE aver_err aver_attest_cache_new(size_t entries_max, aver_attest_cache **ret_cache);
void aver_attest_cache_free(aver_attest_cache *cache);

AVER_C_END

#endif

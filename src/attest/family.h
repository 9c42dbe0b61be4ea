/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_FAMILY_H
#define AVER_ATTEST_FAMILY_H

/*
 * family: what the verifiers of the TEE families share. Each family is a file pair: nitro, dcap
 * (sgx and tdx), snp, nvidia, azure, cca, tpm.
 *
 * A verifier adds every check of its list, in the order of the table of checks, as PASS, FAIL (with
 * a class) or SKIP; where evidence cannot be read it adds evidence.format alone and the caller adds
 * the rest as SKIP. It then fills the claims.
 */

#include "aver/attest.h"
#include "crypto/x509.h"

typedef struct aver_family_verifier {
    const char *name;
    /* All checks that it makes, NULL-terminated, in order. */
    const char *const *checks;
    /* Those that must pass for the evidence to hold, NULL-terminated. */
    const char *const *required;
    /* The same where no collateral is to be had (signature_only); NULL: no such level. */
    const char *const *required_signature_only;
    /* claims are initialised. An error only where nothing could be judged. */
    aver_err (*judge)(const aver_attest_input *input, aver_verdict *verdict, aver_claims *claims,
                      bool *ret_readable);
} aver_family_verifier;

extern const aver_family_verifier aver_family_nitro, aver_family_sgx, aver_family_tdx,
    aver_family_snp, aver_family_nvidia, aver_family_azure, aver_family_cca, aver_family_tpm;

/* Roots of one family, opened from what the reader gave or the constants. */
typedef struct aver_family_roots {
    aver_certs given;
    aver_x509_roots roots;
} aver_family_roots;

/* USAGE if a given root cannot be read: the reader's mistake. */
AVER_MUST_USE aver_err aver_family_roots_open(const aver_attest_roots *roots,
                                              const uint8_t (*pinned)[32], size_t pinned_count,
                                              aver_family_roots *ret_roots);
void aver_family_roots_close(aver_family_roots *roots);

/* platform.root and evidence.validity for a path. */
void aver_family_path_told(aver_verdict *verdict, const aver_x509_result *path);
/* The same for a path that the cache kept, good at this time. */
void aver_family_path_kept_told(aver_verdict *verdict, const aver_x509_result *path,
                                const uint8_t root_digest[static 32], size_t certificates);
/*
 * evidence.revocation: each of the input's lists against the path. If require_revocation is set,
 * every certificate but the root must be one that a list speaks of. FORMAT is never returned.
 */
AVER_MUST_USE aver_err aver_family_revocation(const aver_attest_input *input,
                                              const aver_x509_result *path, aver_verdict *verdict);

/* What every family expects in the same way, after its own checks: evidence.debug and
 * evidence.nonce, from the claims. */
void aver_family_debug_told(const aver_attest_input *input, const aver_claims *claims,
                            aver_verdict *verdict);
void aver_family_nonce_told(const aver_attest_input *input, const aver_claims *claims,
                            aver_verdict *verdict);
/* tcb.status of the claims against accept_tcb. */
void aver_family_status_told(const aver_attest_input *input, const aver_claims *claims,
                             aver_verdict *verdict);

/* PASS with these words, or FAIL of that class with those. */
void aver_family_told(aver_verdict *verdict, const char *name, bool good, aver_reason reason,
                      const char *words_good, const char *words_bad);

/* Little-endian integers of Intel's and AMD's structures. */
uint16_t aver_le16_read(const uint8_t bytes[static 2]);
uint32_t aver_le32_read(const uint8_t bytes[static 4]);
uint64_t aver_le64_read(const uint8_t bytes[static 8]);

/*
 * Cache of what held: key is 32 bytes that the family makes of everything that the value depends
 * on, a tag of its own first. put takes value, which release frees, also where there is no cache.
 */
void *aver_attest_cache_find(aver_attest_cache *cache, const uint8_t key[static 32]);
void aver_attest_cache_put(aver_attest_cache *cache, const uint8_t key[static 32], void *value,
                           void (*release)(void *value));
/* SHA-256 over tag and parts, each with its size before it. */
void aver_attest_cache_key(const char *tag, const aver_view *parts, size_t parts_count,
                           uint8_t ret_key[static 32]);

#endif

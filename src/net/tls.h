/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NET_TLS_H
#define AVER_NET_TLS_H

/*
 * tls: TLS 1.3 contexts, and RA-TLS: a P-256 certificate whose extension 2.23.133.5.4.9 holds the
 * evidence bundle as a CBOR CMW record. It is self-signed, or issued by an authority of the same
 * key that stays while the key does, so that plain clients can be given something to trust; or a
 * chain that others issued for the key takes its place. Ownership: new/free. Threads: a context may
 * be used by the loop's thread only.
 */

#include "aver/bytes.h"

struct ssl_ctx_st;
struct x509_st;
struct stack_st_X509;

typedef struct aver_tls_key aver_tls_key; /* a P-256 key */

AVER_MUST_USE aver_err aver_tls_key_new(aver_tls_key **ret_key);
void aver_tls_key_free(aver_tls_key *key);
/* SHA-256 of the DER SubjectPublicKeyInfo: the tls role of a keyset. */
void aver_tls_key_digest(const aver_tls_key *key, uint8_t ret_digest[static 32]);

#define AVER_TLS_NAMES_MAX       16
#define AVER_TLS_CHAIN_BYTES_MAX (256u * 1024)

/*
 * Certificates to come are issued by an authority of this same key, for these names, which are
 * copied; once. USAGE for a name that is neither host nor address.
 */
AVER_MUST_USE aver_err aver_tls_key_certify(aver_tls_key *key, const char *const *names,
                                            size_t names_count);
/* A PKCS #10 request for these names, appended as PEM. */
AVER_MUST_USE aver_err aver_tls_key_request(const aver_tls_key *key, const char *const *names,
                                            size_t names_count, aver_buf *ret_pem);
bool aver_tls_name_valid(const char *name);

/* Server context: TLS 1.3 only, session tickets on, this key. cmw may be empty (no extension). */
AVER_MUST_USE aver_err aver_tls_server_new(const aver_tls_key *key, const char *common_name,
                                           aver_view cmw, struct ssl_ctx_st **ret_tls);
/* Replaces the certificate (fresh evidence) for connections to come. */
AVER_MUST_USE aver_err aver_tls_server_renew(struct ssl_ctx_st *tls, const aver_tls_key *key,
                                             const char *common_name, aver_view cmw);
/*
 * Serves this chain from now on, the key's own certificate first, in PEM. PROOF: the first one is
 * of another key; UNSUPPORTED: it is not valid at this time; FORMAT, LIMIT. ret_until, wall clock:
 * when it ends.
 */
AVER_MUST_USE aver_err aver_tls_server_chain(struct ssl_ctx_st *tls, const aver_tls_key *key,
                                             aver_view pem, uint64_t *ret_until_ms);
/* For tls_chain.c: shows this certificate, of this key, and behind it the chain, which may be NULL.
 */
AVER_MUST_USE aver_err aver_tls_server_present(struct ssl_ctx_st *tls, const aver_tls_key *key,
                                               struct x509_st *leaf, struct stack_st_X509 *chain);
void aver_tls_free(struct ssl_ctx_st *tls);

/* From a DER certificate: the key's digest, and the CMW extension (ABSENT if there is none). Strict
 * about the DER around it. */
AVER_MUST_USE aver_err aver_tls_certificate_digest(aver_view der, uint8_t ret_digest[static 32]);
AVER_MUST_USE aver_err aver_tls_certificate_cmw(aver_view der, aver_buf *ret_cmw);
/*
 * The names that an authority vouches for by its name constraints, as text in an empty buffer: host
 * names, each standing for those below it too, addresses, networks as ADDRESS/MASK, "any host name"
 * and "any address" where no constraint binds that kind. FORMAT where the constraints cannot be
 * read.
 */
AVER_MUST_USE aver_err aver_tls_authority_names(aver_view der, aver_buf *ret_text);
/* An authority as aver_tls_key_certify makes it, of the key with this digest, appended as PEM.
 * PROOF if it is of another key, or no authority. */
AVER_MUST_USE aver_err aver_tls_authority_pem(aver_view der, const uint8_t key_digest[static 32],
                                              aver_buf *ret_pem);

#endif

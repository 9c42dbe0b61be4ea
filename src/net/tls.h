/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NET_TLS_H
#define AVER_NET_TLS_H

/*
 * tls: TLS 1.3 contexts, and RA-TLS: a self-signed P-256 certificate whose extension 2.23.133.5.4.9
 * holds the evidence bundle as a CBOR CMW record.
 * Ownership: new/free. Threads: a context may be used by the loop's thread only.
 */

#include "aver/bytes.h"

struct ssl_ctx_st;
struct x509_st;

typedef struct aver_tls_key aver_tls_key; /* a P-256 key */

AVER_MUST_USE aver_err aver_tls_key_new(aver_tls_key **ret_key);
void aver_tls_key_free(aver_tls_key *key);
/* SHA-256 of the DER SubjectPublicKeyInfo: the tls role of a keyset. */
void aver_tls_key_digest(const aver_tls_key *key, uint8_t ret_digest[static 32]);

/* Server context: TLS 1.3 only, session tickets on, this key. cmw may be empty (no extension). */
AVER_MUST_USE aver_err aver_tls_server_new(const aver_tls_key *key, const char *common_name,
                                           aver_view cmw, struct ssl_ctx_st **ret_tls);
/* Replaces the certificate (fresh evidence) for connections to come. */
AVER_MUST_USE aver_err aver_tls_server_renew(struct ssl_ctx_st *tls, const aver_tls_key *key,
                                             const char *common_name, aver_view cmw);
void aver_tls_free(struct ssl_ctx_st *tls);

/* From a DER certificate: the key's digest, and the CMW extension (ABSENT if there is none). Strict
 * about the DER around it. */
AVER_MUST_USE aver_err aver_tls_certificate_digest(aver_view der, uint8_t ret_digest[static 32]);
AVER_MUST_USE aver_err aver_tls_certificate_cmw(aver_view der, aver_buf *ret_cmw);

#endif

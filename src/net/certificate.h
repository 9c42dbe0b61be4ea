/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NET_CERTIFICATE_H
#define AVER_NET_CERTIFICATE_H

/*
 * certificate: what a TLS key of a node is shown by; for tls.c. X.509 v3, ECDSA with SHA-256, a
 * random serial, valid from one hour ago.
 *
 *   leaf       for 90 days, the CMW bytes as the value of the non-critical extension 2.23.133.5.4.9
 *   authority  for 3 years; issues leaves of the same key and no others: path length 0, and name
 *              constraints (critical) to the names that it was made for; where these are all
 *              host names, or all addresses, the other kind is shut out
 *
 * Whoever trusts an authority trusts its key, which is the key of the leaves themselves, for these
 * names alone. A leaf without an authority is self-signed.
 */

#include "aver/bytes.h"

#define AVER_CERTIFICATE_CMW_OID "2.23.133.5.4.9"
/* An evidence bundle is at most 1 MiB; the rest is its frame and the certificate around it. */
#define AVER_CERTIFICATE_BYTES_MAX (1024 * 1024 + 64 * 1024)

struct evp_pkey_st;
struct x509_st;
struct X509_req_st;

/* Host names, "*." at their beginning allowed, or addresses. */
typedef struct aver_certificate_names {
    const char *const *list;
    size_t count;
} aver_certificate_names;

AVER_MUST_USE aver_err aver_certificate_new(struct evp_pkey_st *key, const char *common_name,
                                            aver_view cmw, struct x509_st **ret_certificate);
/* The same, issued by this authority, for these names. */
AVER_MUST_USE aver_err aver_certificate_issue(struct evp_pkey_st *key,
                                              const struct x509_st *authority,
                                              const aver_certificate_names *names,
                                              const char *common_name, aver_view cmw,
                                              struct x509_st **ret_certificate);
AVER_MUST_USE aver_err aver_certificate_authority_new(struct evp_pkey_st *key,
                                                      const char *common_name,
                                                      const aver_certificate_names *names,
                                                      struct x509_st **ret_certificate);
/* A PKCS #10 request for these names, appended as PEM. */
AVER_MUST_USE aver_err aver_certificate_request(struct evp_pkey_st *key,
                                                const aver_certificate_names *names,
                                                aver_buf *ret_pem);
/* True for what may stand in such a list. */
bool aver_certificate_name_valid(const char *name);

/* certificate_names.c: the extensions about names. */
bool aver_certificate_names_set(struct x509_st *certificate, const aver_certificate_names *names);
bool aver_certificate_constraints_set(struct x509_st *certificate,
                                      const aver_certificate_names *names);
/* For aver_tls_authority_names. */
AVER_MUST_USE aver_err aver_certificate_constraints_text(const struct x509_st *certificate,
                                                         aver_buf *ret_text);
bool aver_certificate_request_names_set(struct X509_req_st *request,
                                        const aver_certificate_names *names);

#endif

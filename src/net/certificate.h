/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NET_CERTIFICATE_H
#define AVER_NET_CERTIFICATE_H

/*
 * certificate: the RA-TLS certificate: X.509 v3, self-signed with ECDSA and SHA-256, a random
 * serial, valid from one hour ago for 90 days, the CMW bytes as the value of the non-critical
 * extension 2.23.133.5.4.9. For tls.c.
 */

#include "aver/bytes.h"

#define AVER_CERTIFICATE_CMW_OID "2.23.133.5.4.9"
/* An evidence bundle is at most 1 MiB; the rest is its frame and the certificate around it. */
#define AVER_CERTIFICATE_BYTES_MAX (1024 * 1024 + 64 * 1024)

struct evp_pkey_st;
struct x509_st;

AVER_MUST_USE aver_err aver_certificate_new(struct evp_pkey_st *key, const char *common_name,
                                            aver_view cmw, struct x509_st **ret_certificate);

#endif

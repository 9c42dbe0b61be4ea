/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TEST_PKI_H
#define AVER_TEST_PKI_H

/*
 * pki: certificates, revocation lists and raw signatures of test vendors, made anew by each test.
 * Everything aborts the test where OpenSSL refuses. Keys are kept for the whole run by number, so
 * that a test program makes each once.
 */

#include "aver/bytes.h"

#include <openssl/evp.h>

#define PKI_KEYS_MAX 16
#define PKI_NOW_S    1767225600ull /* 2026-01-01 */
#define PKI_YEAR_S   (365ull * 86400)

typedef enum pki_kind { PKI_P256 = 1, PKI_P384, PKI_P521, PKI_RSA2048, PKI_RSA4096 } pki_kind;

/* The key of that number and kind. */
EVP_PKEY *pki_key(size_t number, pki_kind kind);
/* x || y of an EC key; returns the size. */
size_t pki_point(EVP_PKEY *key, uint8_t ret_point[132]);

typedef struct pki_extension {
    const char *oid; /* dotted; NULL ends a list */
    bool critical;
    aver_view value; /* what lies inside the OCTET STRING */
} pki_extension;

typedef struct pki_cert {
    aver_buf der;
    EVP_PKEY *key;
} pki_cert;

typedef struct pki_options {
    const char *name; /* common name */
    EVP_PKEY *key;
    const pki_cert *issuer; /* NULL: signed by itself */
    bool ca;
    bool no_usage;         /* without key usage */
    bool wrong_usage;      /* key usage that allows nothing of its role */
    long path_length;      /* of a CA; -1: none */
    uint64_t serial;       /* 0: 1 */
    uint64_t from_s, to_s; /* 0: a year before PKI_NOW_S to a year after */
    bool pss;              /* RSA-PSS with SHA-384 and 48 bytes of salt, as AMD signs */
    bool sha1;
    bool version1;
    const pki_extension *extensions;
} pki_options;

/* The caller hands it to pki_cert_deinit. */
pki_cert pki_cert_make(const pki_options *options);
void pki_cert_deinit(pki_cert *cert);
/* Appends the certificate as PEM. */
void pki_pem(const pki_cert *cert, aver_buf *out);

typedef struct pki_crl_options {
    const pki_cert *issuer;
    EVP_PKEY *signer;        /* NULL: the issuer's key */
    uint64_t from_s, to_s;   /* 0: a day before PKI_NOW_S to 30 days after */
    const uint64_t *revoked; /* serials, 0 ends; or NULL */
    bool critical;           /* with a critical extension */
    bool pss;
} pki_crl_options;
/* Appends the DER. */
void pki_crl(const pki_crl_options *options, aver_buf *out);

/* r || s, big-endian, over a digest. Returns the size. */
size_t pki_sign(EVP_PKEY *key, aver_view digest, uint8_t ret_signature[132]);

#endif

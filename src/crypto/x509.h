/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_X509_H
#define AVER_CRYPTO_X509_H

/*
 * x509: certificate paths (RFC 5280) by OpenSSL, at a time that the caller gives, to roots that the
 * caller names; never the system's store, never the clock. Each certificate and list is first held
 * against strict DER (codec/der.h).
 *
 *   certs:  [ leaf | issuer | ... | root? ]     as they came, leaf first where the format says so
 *
 * A path is good when every certificate in it, the root included, is valid at that time, each
 * issuer is a CA for that length of path, no critical extension is unknown, and it ends at a root
 * by its whole DER: another certificate with the root's key or name is not the root.
 *
 * Ownership: aver_certs_deinit. Views into certificates live as long as the set.
 * Limits:    AVER_CERTS_MAX certificates of AVER_CERT_BYTES_MAX, AVER_CRL_BYTES_MAX a list.
 * Threads:   none; one owner at a time.
 */

#include "crypto/ecdsa.h"

#define AVER_CERTS_MAX      10
#define AVER_CERT_BYTES_MAX 8192
#define AVER_CRL_BYTES_MAX  (512ul * 1024)
#define AVER_X509_WHY_BYTES 120

typedef struct aver_cert {
    void *x509;    /* OpenSSL's */
    aver_view der; /* owned by x509's set */
    uint64_t not_before_s, not_after_s;
} aver_cert;

typedef struct aver_certs {
    aver_cert list[AVER_CERTS_MAX];
    size_t count;
} aver_certs;

typedef enum aver_path {
    AVER_PATH_GOOD = 1,
    AVER_PATH_UNTRUSTED, /* it ends at no root, or a signature or a CA's right in it does not hold
                          */
    AVER_PATH_EXPIRED,   /* a certificate or list is not valid at that time */
    AVER_PATH_REVOKED,   /* a certificate is on a list */
    AVER_PATH_BAD_CRL,   /* a list is not signed by the issuer that it names */
} aver_path;

/* Roots: a certificate in the set to verify, or given, is one if its SHA-256 is pinned or its DER
 * is given. */
typedef struct aver_x509_roots {
    const uint8_t (*pinned)[32];
    size_t pinned_count;
    const aver_certs *given; /* or NULL; if not NULL, pinned must be empty (asserted) */
} aver_x509_roots;

typedef struct aver_x509_options {
    aver_x509_roots roots;
    uint64_t time_s;
    const char *const *critical_known; /* OIDs of critical extensions that the caller reads itself,
                                          dotted, NULL-terminated; or NULL */
} aver_x509_options;

typedef struct aver_x509_result {
    aver_path path;
    const aver_cert *chain[AVER_CERTS_MAX + 1]; /* leaf first, root last; borrowed from the sets */
    size_t chain_count;                         /* 0 unless GOOD */
    uint64_t not_before_s, not_after_s;         /* in which all of the path is valid */
    char why[AVER_X509_WHY_BYTES];              /* words for the verdict, where not GOOD */
} aver_x509_result;

void aver_certs_init(aver_certs *certs);
void aver_certs_deinit(aver_certs *certs);
/* One certificate, nothing after it. FORMAT, LIMIT, NOMEM. */
AVER_MUST_USE aver_err aver_certs_add_der(aver_certs *certs, aver_view der);
/* One or more PEM certificates with nothing but white space between and after; a NUL at the end is
 * passed over, as Intel's quotes have it. */
AVER_MUST_USE aver_err aver_certs_add_pem(aver_certs *certs, aver_view pem);
/* DER or PEM, by the first byte. */
AVER_MUST_USE aver_err aver_certs_add(aver_certs *certs, aver_view bytes);

/* Judges the path from certs->list[leaf]; a bad one is a result, not an error. */
AVER_MUST_USE aver_err aver_x509_judge(const aver_certs *certs, size_t leaf,
                                       const aver_x509_options *options,
                                       aver_x509_result *ret_result);

/*
 * One revocation list (DER or PEM) against a path that was judged GOOD: signed by the certificate
 * of the path that it names as its issuer, this update <= time <= next update, no unknown critical
 * extension, and none of the path's certificates of that issuer on it. ret_covered[i] is set for
 * each entry of path->chain that the list speaks of. FORMAT if it cannot be read, ABSENT if its
 * issuer is not in the path.
 */
AVER_MUST_USE aver_err aver_x509_revoked(aver_view crl, const aver_x509_result *path,
                                         uint64_t time_s, aver_path *ret_path,
                                         bool ret_covered[AVER_CERTS_MAX + 1],
                                         char ret_why[AVER_X509_WHY_BYTES]);

/* The same for a list that several paths are held against: it is read once, and its signature
 * verified once for each certificate that issued it. Ownership: free, before the paths' sets. */
typedef struct aver_crl aver_crl;
AVER_MUST_USE aver_err aver_crl_new(aver_view bytes, aver_crl **ret_crl);
void aver_crl_free(aver_crl *crl);
AVER_MUST_USE aver_err aver_crl_judge(aver_crl *crl, const aver_x509_result *path, uint64_t time_s,
                                      aver_path *ret_path, bool ret_covered[AVER_CERTS_MAX + 1],
                                      char ret_why[AVER_X509_WHY_BYTES]);
/* From this update to next update, of a list that was judged GOOD. */
void aver_crl_window(const aver_crl *crl, uint64_t *ret_from_s, uint64_t *ret_to_s);

/* An EC key of P-256, P-384 or P-521; point is x || y. UNSUPPORTED for another. */
AVER_MUST_USE aver_err aver_cert_ec_point(const aver_cert *cert, aver_curve *ret_curve,
                                          aver_view *ret_point);
/* Not a CA, and key usage, where it is there, has digitalSignature. */
bool aver_cert_may_sign(const aver_cert *cert);
/* The value of an extension (dotted OID), inside its OCTET STRING. ABSENT, or FORMAT if twice. */
AVER_MUST_USE aver_err aver_cert_extension(const aver_cert *cert, const char *oid,
                                           aver_view *ret_value);
/* Subject as RFC 2253 text (CN=...,O=...), at most size bytes with its end. */
AVER_MUST_USE aver_err aver_cert_subject(const aver_cert *cert, char *ret_text, size_t size);
/* The common name, the same. ABSENT if there is none or more than one. */
AVER_MUST_USE aver_err aver_cert_common_name(const aver_cert *cert, char *ret_text, size_t size);
void aver_cert_digest(const aver_cert *cert, uint8_t ret_digest[static 32]);

#endif

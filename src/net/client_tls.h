/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NET_CLIENT_TLS_H
#define AVER_NET_CLIENT_TLS_H

/*
 * client_tls: the certificate check of one client, inside libcurl's handshake; for client.c.
 * The digest of the key that on_certificate accepted is kept, and compared with the key of the
 * connection in use before each request: neither a resumed session nor a reused connection can
 * stand for another certificate.
 */

#include "net/client.h"

struct ssl_st;

typedef struct aver_client_tls {
    aver_client_certificate_fn *on_certificate;
    void *context;
    bool required; /* the URL says https: a connection without TLS is refused */
    bool accepted; /* digest is that of a key that on_certificate accepted */
    bool refused;  /* on_certificate, or its absence, said no during this request */
    uint8_t digest[32];
    struct ssl_st
        *ssl; /* borrowed: the connection in use; NULL on plain ones and once it is closed */
} aver_client_tls;

/* curl: a CURL handle. Sets every option that concerns TLS. */
AVER_MUST_USE aver_err aver_client_tls_setup(aver_client_tls *tls, void *curl);
/* Before a request is sent on the connection. PROOF if its key is not the accepted one. */
AVER_MUST_USE aver_err aver_client_tls_adopt(aver_client_tls *tls, void *curl);
void aver_client_tls_drop(aver_client_tls *tls);
/* ABSENT on plain connections. issuer: the second certificate of the server, appended. */
AVER_MUST_USE aver_err aver_client_tls_digest(const aver_client_tls *tls,
                                              uint8_t ret_digest[static 32]);
AVER_MUST_USE aver_err aver_client_tls_issuer(const aver_client_tls *tls, aver_buf *ret_der);
AVER_MUST_USE aver_err aver_client_tls_export(const aver_client_tls *tls, const char *label,
                                              aver_view context, uint8_t *ret_bytes, size_t size);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_DOMAIN_H
#define AVER_NODE_DOMAIN_H

/*
 * domain: the names that a node is reached by, and the certificate for them.
 *
 * By itself the node issues its own: an authority of the TLS key, which is the key in the keyset,
 * and leaves of that key with fresh evidence. If a CA has issued a certificate for the key (by the
 * request that is written at start), that one is served instead, and evidence is to be had from
 * /v1/attestation alone. A file with another key is never served: it stays as it was.
 *
 * Threads: the loop's.
 */

#include "net/tls.h"
#include "node/options.h"

#include <time.h>

typedef struct aver_domain {
    const aver_node_options *options;
    bool foreign;          /* a certificate of others is served */
    bool seen;             /* the next two are of the file as it was read last */
    struct timespec mtime; /* of the file */
    unsigned long long inode;
    uint64_t until_ms; /* the end of the certificate that is served */
} aver_domain;

/* Gives the key its authority, and writes the request if the options say so. USAGE, logged: a
 * request without a name. */
AVER_MUST_USE aver_err aver_domain_open(aver_domain *domain, const aver_node_options *options,
                                        aver_tls_key *key);
/*
 * Reads the file if it changed, or in any case if forced, and serves it if it is good; what is
 * wrong is logged. True while a certificate of others is served.
 */
bool aver_domain_watch(aver_domain *domain, struct ssl_ctx_st *tls, const aver_tls_key *key,
                       bool forced);

#endif

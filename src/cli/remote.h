/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_REMOTE_H
#define AVER_CLI_REMOTE_H

/*
 * remote: the way to a node. The digest of the certificate's key is recorded in the first
 * handshake, before anything is sent; a later handshake with another key is refused. The struct
 * must not move while it is open (its address is the callback's context).
 */

#include "net/client.h"

#define AVER_REMOTE_WHY_BYTES 240

typedef struct aver_remote {
    aver_client *client;
    bool has_tls;
    uint8_t tls_digest[32];
    uint32_t status; /* of the last answer; 0: none came */
    char why[AVER_REMOTE_WHY_BYTES];
} aver_remote;

/* url or unix_socket (or both). bearer may be NULL. Nothing is sent yet. */
AVER_MUST_USE aver_err aver_remote_open(aver_remote *remote, const char *url,
                                        const char *unix_socket, const char *bearer);
void aver_remote_close(aver_remote *remote);
/* nonce may be NULL: the latest evidence. Appends the bare bundle. PEER with words if the node said
 * no. */
AVER_MUST_USE aver_err aver_remote_attestation(aver_remote *remote, const uint8_t *nonce,
                                               aver_buf *ret_bundle);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_REMOTE_H
#define AVER_CLI_REMOTE_H

/*
 * remote: the way to a node. The digest of the certificate's key is recorded in the first
 * handshake, before anything is sent; a later handshake with another key is refused. The struct
 * must not move while it is open (its address is the callback's context).
 */

#include "cli/cli.h"
#include "net/client.h"

#define AVER_REMOTE_WHY_BYTES 240

typedef struct aver_remote {
    aver_client *client;
    bool has_tls;
    uint8_t tls_digest[32];
    bool has_node_id; /* the URL ends in /n/<node id> */
    uint8_t node_id[32];
    uint64_t deadline_ns; /* of everything together, monotonic; 0: none */
    bool plain;           /* the URL is of HTTP without TLS */
    uint32_t status;      /* of the last answer; 0: none came */
    char why[AVER_REMOTE_WHY_BYTES];
} aver_remote;

/*
 * url or unix_socket (or both). bearer may be NULL. Nothing is sent yet. USAGE with words: a bearer
 * that would travel over TCP without TLS, or a URL whose /n/ is followed by no node id.
 */
AVER_MUST_USE aver_err aver_remote_open(aver_remote *remote, const char *url,
                                        const char *unix_socket, const char *bearer);
/* From now on all requests together may take so long. */
void aver_remote_limit(aver_remote *remote, uint64_t total_ms);
/* For the next request: what is left of that, at least 1; 0 without a limit. */
uint32_t aver_remote_left_ms(const aver_remote *remote);
/* A URL's node id: ABSENT if it has none, FORMAT if /n/ is not followed by 64 hex digits. */
AVER_MUST_USE aver_err aver_remote_node_id(const char *url, uint8_t ret_node_id[static 32]);
/* The exit code for a node that could not be reached, or would not say anything. */
aver_exit aver_remote_exit(aver_err err);
void aver_remote_close(aver_remote *remote);
/* nonce may be NULL: the latest evidence. Appends the bare bundle. PEER with words if the node said
 * no. */
AVER_MUST_USE aver_err aver_remote_attestation(aver_remote *remote, const uint8_t *nonce,
                                               aver_buf *ret_bundle);

#endif

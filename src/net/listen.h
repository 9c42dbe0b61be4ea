/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NET_LISTEN_H
#define AVER_NET_LISTEN_H

/*
 * listen: listening sockets by their text: "tcp:127.0.0.1:8000", "tcp:[::1]:0",
 * "unix:/run/aver.sock", "vsock:5005". TCP takes numeric addresses only. A Unix socket gets mode
 * 0600; one left behind by a dead process is replaced, one in use is not. ret_bound is the same
 * text with the real port.
 */

#include "aver/bytes.h"

#define AVER_LISTEN_TEXT_BYTES 128

/* USAGE for a text of another form, IO with errno where the system refuses. Non-blocking, closed on
 * exec. */
AVER_MUST_USE aver_err aver_listen_open(const char *address, int *ret_fd,
                                        char ret_bound[AVER_LISTEN_TEXT_BYTES]);

/* Who is at the other end, for telling peers apart. */
typedef struct aver_peer {
    uint8_t bytes[9];
    size_t size;
} aver_peer;

/* Address family, then an IPv4 address, the first 64 bits of an IPv6 one, which one peer has all
 * of, or a vsock CID; nothing for a Unix socket. */
aver_peer aver_listen_peer(int fd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NET_WIRE_H
#define AVER_NET_WIRE_H

/*
 * wire: reading and writing one non-blocking stream socket, with or without TLS.
 *
 * Why not bufferevents: their TLS form hides how far a write came and whether a read waits for a
 * write, and both decide who is cut here. SIGPIPE must be ignored by the process.
 * Ownership: the wire owns fd and ssl from open to close.
 */

#include "aver/bytes.h"

struct evbuffer;
struct ssl_st;
struct ssl_ctx_st;

typedef struct aver_wire {
    int fd; /* -1 once closed */
    struct ssl_st *ssl;
    bool shaken;           /* the handshake is over; true on plain wires */
    bool broken;           /* TLS failed: no close_notify can be sent */
    bool read_wants_write; /* AGAIN from a read that waits until the socket can be written */
    bool write_wants_read; /* and the other way round */
} aver_wire;

/* Takes fd, also when it fails. tls may be NULL. */
AVER_MUST_USE aver_err aver_wire_open(aver_wire *wire, int fd, struct ssl_ctx_st *tls);
/* AGAIN or PEER. Sends its alert where there is cause for one. */
AVER_MUST_USE aver_err aver_wire_handshake(aver_wire *wire);
/* At least one byte, AGAIN, or PEER: the other side ended or broke. */
AVER_MUST_USE aver_err aver_wire_read(aver_wire *wire, uint8_t *ret_bytes, size_t size_max,
                                      size_t *ret_size);
/* OK when output is empty, AGAIN or PEER. What was written is gone from output in each case. */
AVER_MUST_USE aver_err aver_wire_write(aver_wire *wire, struct evbuffer *output);
/* Says that nothing more follows, and from then on only reads raw bytes. */
void aver_wire_finish(aver_wire *wire);
/* Throws away what has come. AGAIN, or PEER at the end. *ret_size in both cases. */
AVER_MUST_USE aver_err aver_wire_discard(aver_wire *wire, size_t *ret_size);
void aver_wire_close(aver_wire *wire);

#endif

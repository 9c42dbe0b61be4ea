/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_ABUSERS_H
#define AVER_TESTS_SUPPORT_ABUSERS_H

/*
 * abusers: clients that a node must bear with, each one attempt at a time, over loopback: they send
 * what is wrong, too much, or nothing. An attempt is clear if the node refused it in the way that
 * it should (a status, or the end of a handshake), or, for those that only hold a connection, if
 * the node bore it.
 * Threads: any number may try at once.
 */

#include "support/node_fixture.h"

typedef enum abuse_kind {
    ABUSE_SILENT,       /* connects and says nothing, not even a TLS hello */
    ABUSE_HALF_HEAD,    /* half a request, then nothing */
    ABUSE_SLOW_READER,  /* asks for a stream and hardly reads it */
    ABUSE_BAD_JSON,     /* 400 */
    ABUSE_DEEP_JSON,    /* 400 */
    ABUSE_HUGE_NUMBERS, /* 400 */
    ABUSE_BAD_UTF8,     /* 400 */
    ABUSE_LONG_PROMPT,  /* 400 */
    ABUSE_LARGE_BODY,   /* 413 */
    ABUSE_HEADER_FLOOD, /* 431 */
    ABUSE_OLD_TLS,      /* a hello of TLS 1.2: an alert */
    ABUSE_KINDS,
} abuse_kind;

const char *abuse_name(abuse_kind kind);
/*
 * One attempt, the number-th (kinds with several forms take turns). Those that hold a connection
 * do so until end_ms (of node_fixture_now_ms). True if it was clear.
 */
bool abuse_try(abuse_kind kind, const node_fixture *node, unsigned number, uint64_t end_ms);
/* The request of the slow reader, read as fast as it comes. True if it came whole. */
bool abuse_read_well(const node_fixture *node);

#endif

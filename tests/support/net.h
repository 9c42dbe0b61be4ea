/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TESTS_SUPPORT_NET_H
#define AVER_TESTS_SUPPORT_NET_H

/*
 * net: a server in a thread of its own, whose handler does what the path says, and a client that
 * sends raw bytes. Any failure of the set-up ends the test program.
 *
 *   /echo         200, the body; headers Seen-Method, Seen-Path, Seen-Query, Seen-Token
 *   /later        the same after 20 ms
 *   /events       a stream of 5 events, 5 ms apart, then its end
 *   /flood        a stream written until the server says that the reader is too slow
 *   /big          a whole answer of 4 MiB
 *   /pump         the same as a stream, each 16 KiB when the client has taken those before
 *   /take         200, the body, which was moved out of the exchange before
 *   /hang         never answers
 *   /hang-stream  one event, and no end
 *   /cut          one event, then the connection is cut
 *   /export       the TLS exporter "EXPORTER-test" over the context "abc", in hex
 *   /header       tries to set a header with a line end in it
 *   other         404 with an error body
 */

#include "net/server.h"
#include "net/tls.h"

#define TEST_NET_TEXT_BYTES (256 * 1024)
#define TEST_NET_BIG_BYTES  (4u * 1024 * 1024)

typedef struct test_server test_server;

typedef struct test_counts {
    unsigned requests;
    unsigned gones;
    unsigned slow; /* LIMIT from a stream */
    unsigned exchanges;
    unsigned connections;
} test_counts;

test_server *test_server_start(const aver_server_limits *limits, const char *address, bool secure);
/* NULL if the system refuses to listen there. */
test_server *test_server_try(const aver_server_limits *limits, const char *address, bool secure);
void test_server_stop(test_server *server);
void test_server_drain(test_server *server);
/* A new certificate over the same key, or over a new one. */
void test_server_renew(test_server *server, bool new_key);
const char *test_server_bound(const test_server *server);
unsigned test_server_port(const test_server *server);
test_counts test_server_counts(test_server *server);
/* SHA-256 of the key in use. */
void test_server_digest(const test_server *server, uint8_t ret_digest[static 32]);
/* Waits up to 3 s until the counts fit (a member of 0 in mask is not compared). */
bool test_server_wait(test_server *server, test_counts wanted, test_counts mask);

struct ssl_st;
typedef struct test_raw {
    int fd;
    struct ssl_st *ssl;
    char *text; /* what was read, terminated */
    size_t size;
    size_t total; /* read in all, also what text has no room for */
} test_raw;

test_raw test_raw_open(const test_server *server, bool secure);
void test_raw_send(test_raw *raw, const void *bytes, size_t size);
void test_raw_text(test_raw *raw, const char *text);
/* False if the connection does not take it. */
bool test_raw_try(test_raw *raw, const void *bytes, size_t size);
/* Reads until the other side ends, or text has come, or timeout_ms is over. True: it ended. */
bool test_raw_read(test_raw *raw, const char *until, unsigned timeout_ms);
/* Reads once: 1, 0 at the end, -1 if nothing came in time. */
int test_raw_sip(test_raw *raw, unsigned timeout_ms);
void test_raw_close(test_raw *raw);
void test_sleep_ms(unsigned timeout_ms);

#endif

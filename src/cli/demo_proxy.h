/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_DEMO_PROXY_H
#define AVER_CLI_DEMO_PROXY_H

/*
 * demo_proxy: somebody between client and node who does not mean well, in a thread of this program.
 *
 *   client --- TLS with the proxy's own key, or a Unix socket --- proxy --- Unix socket --- node
 *
 * It carries requests and answers whole and tampers in one way.
 */

#include "aver/bytes.h"
#include "cli/demo_node.h"

typedef enum aver_demo_tamper {
    AVER_DEMO_TLS = 1,    /* ends TLS with a key of its own */
    AVER_DEMO_REPLAY = 2, /* answers for the node with evidence that it saw earlier */
    AVER_DEMO_STRIP = 3,  /* leaves out the sealed pieces at the end, where the receipt is */
    AVER_DEMO_CUT = 4,    /* cuts the connection at four fifths of the answer */
    AVER_DEMO_FLIP = 5,   /* changes one bit of the sealed answer at four fifths */
} aver_demo_tamper;

typedef struct aver_demo_proxy aver_demo_proxy;

/*
 * upstream is the node's Unix socket; path (NULL for TLS) the socket to listen on; evidence
 * (REPLAY) what is answered to GET, borrowed. ret_address: a URL for TLS, else the path again.
 */
AVER_MUST_USE aver_err aver_demo_proxy_start(aver_demo_tamper tamper, const char *upstream,
                                             const char *path, aver_view evidence,
                                             char ret_address[AVER_DEMO_PATH_MAX],
                                             aver_demo_proxy **ret_proxy);
/* Ends the thread; *ret_posts (may be NULL) tells how many POST requests it saw. */
void aver_demo_proxy_stop(aver_demo_proxy *proxy, unsigned *ret_posts);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CLI_PROXY_RELAY_H
#define AVER_CLI_PROXY_RELAY_H

/*
 * proxy_relay: the events of a verified node's stream on their way to a client. Each is authentic,
 * for it came out of the seal; that all of them came, and that nothing was left out, only the
 * receipt says. So an event by which a client would take the answer for complete is kept back until
 * the verdict is there:
 *
 *   - from the finish_reason of the last choice on, everything
 *   - from an event named response.completed, .incomplete or .failed on, or one of an error,
 *     everything
 *   - of events of another kind, the newest
 *
 * With hold, everything is kept back. Threads: the worker's.
 */

#include "aver/stream.h"
#include "cli/proxy_job.h"

typedef struct aver_proxy_relay {
    aver_proxy_job *job;
    bool hold;
    uint32_t finishes_left; /* choices that still run */
    bool failed;            /* the node sent the event of an error */
    bool named;             /* its events have names: such streams end without [DONE] */
    bool begun;
    aver_buf kept;
} aver_proxy_relay;

void aver_proxy_relay_init(aver_proxy_relay *relay, aver_proxy_job *job, uint32_t choices,
                           bool hold, size_t kept_bytes_max);
void aver_proxy_relay_deinit(aver_proxy_relay *relay);
/* The headers of the job are set: the client may see the head of its stream. */
void aver_proxy_relay_begin(aver_proxy_relay *relay);
/* PEER: the client is gone. */
AVER_MUST_USE aver_err aver_proxy_relay_event(aver_proxy_relay *relay,
                                              const aver_stream_item *item);
/*
 * The verdict is there. outcome: comments, and the last event; each with its blank line. pass: what
 * was kept back goes out before it; else it is thrown away. cut: the client must see that the
 * stream is broken.
 */
void aver_proxy_relay_end(aver_proxy_relay *relay, bool pass, bool cut, aver_view outcome);

#endif

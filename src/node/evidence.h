/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_NODE_EVIDENCE_H
#define AVER_NODE_EVIDENCE_H

/*
 * evidence: quotes over batches of nonces. One quote is in flight, in a worker thread, since
 * hardware is slow; the nonces that arrive meanwhile form the next batch, so one quote serves all
 * of them.
 *
 *   ask(nonce) -> waiting ... -> batch -> tree root -> binding -> quote -> a bundle with its path
 * to each
 *
 * The last AVER_EVIDENCE_RECENT digests stay known: a receipt may name any of them. When the keyset
 * is replaced, evidence for the next one is made first; until it is there the present one stands,
 * with all its evidence. A bundle holds the keyset that its own quote binds, always. Threads: the
 * loop's thread calls everything; the worker only sees the report data and the platform.
 */

#include "node/keyring.h"
#include "tee/tee.h"

#define AVER_EVIDENCE_RECENT 16384u
/* Between the starts of two quotes, so that nobody can make RECENT digests pass within minutes. */
#define AVER_EVIDENCE_INTERVAL_MS 10u

struct event_base;

typedef struct aver_evidence aver_evidence;
/* bundle is empty if err is not OK; it lives until the callback returns. */
typedef void aver_evidence_fn(aver_err err, aver_view bundle, void *context);

typedef struct aver_evidence_options {
    struct event_base *base;
    const aver_tee_platform *platform;
    aver_tee *tee;               /* borrowed */
    const aver_keyring *keyring; /* borrowed */
    uint32_t interval_ms;        /* at least so long between the starts of two quotes */
} aver_evidence_options;

AVER_MUST_USE aver_err aver_evidence_new(const aver_evidence_options *options,
                                         aver_evidence **ret_evidence);
/* Waits for the quote in flight; the callbacks still waiting are not called. */
void aver_evidence_free(aver_evidence *evidence);
/* LIMIT if a whole batch waits already. done is called once, from the loop. */
AVER_MUST_USE aver_err aver_evidence_ask(aver_evidence *evidence,
                                         const uint8_t nonce[static AVER_NONCE_BYTES],
                                         aver_evidence_fn *done, void *context);
/* The callback with this context will not be called any more. */
void aver_evidence_forget(aver_evidence *evidence, const void *context);
/*
 * The next quote binds the keyset of next; it serves all who wait, and whom the quote in flight was
 * for. Once it is made, next is the keyring, the evidence of the former one is forgotten, and done
 * is called with the newest bundle, before anyone else gets theirs. After a failure all is as it
 * was. next is borrowed, the former keyring is no more used once done is called. USAGE if another
 * one is on its way.
 */
AVER_MUST_USE aver_err aver_evidence_rotate(aver_evidence *evidence, const aver_keyring *next,
                                            aver_evidence_fn *done, void *context);
/* The newest bundle, without a nonce path; empty before the first quote. */
aver_view aver_evidence_bundle(const aver_evidence *evidence);
const uint8_t *aver_evidence_latest(const aver_evidence *evidence); /* digest, 32 bytes */
bool aver_evidence_recent(const aver_evidence *evidence, const uint8_t digest[static 32]);
uint64_t aver_evidence_quotes(const aver_evidence *evidence);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_RECEIPT_RECEIPT_CHECKS_H
#define AVER_RECEIPT_RECEIPT_CHECKS_H

/* receipt_checks: what the judgements of a whole receipt and of a cut stream share. */

#include "aver/verify.h"

/* Every check about a receipt but receipt.format, NULL-terminated. */
extern const char *const aver_receipt_check_names[];

/* Adds name: the bytes open this commitment under the salt, SKIP where bytes or salt are not here.
 */
void aver_check_commitment(aver_verdict *verdict, const char *name,
                           const aver_transcript *transcript, bool has, aver_view bytes,
                           const uint8_t commitment[static 32]);
/*
 * Opening and heads of the transcript against what the node says of the answer elsewhere (its
 * receipt, or the opening alone; the time does not count) and against the events received. Words in
 * ret_fault where they contradict it; empty where they do not.
 */
#define AVER_FORETOLD_FAULT_BYTES 160
AVER_MUST_USE aver_err aver_check_foretold(const aver_judged *judged,
                                           const aver_transcript *transcript,
                                           const aver_opening *said,
                                           char ret_fault[AVER_FORETOLD_FAULT_BYTES]);
/* Adds receipt.request for this commitment. */
void aver_check_request(aver_verdict *verdict, const aver_transcript *transcript,
                        const uint8_t commitment[static 32]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_RECEIPT_SHOW_H
#define AVER_RECEIPT_SHOW_H

/*
 * show: receipts, bundles and claims in words for people, one fact a line, or as one JSON object.
 * Nothing here verifies: what is shown is what the bytes say. Hex is lower-case and whole; in JSON
 * all numbers that may pass 2^53 (seed) are text. An append past the maximum of out shows in its
 * status.
 */

#include "aver/judge.h"
#include "aver/receipt.h"

void aver_receipt_show(const aver_receipt *receipt, bool json, aver_buf *out);
/* keyset may be NULL where the bundle's could not be read. */
void aver_bundle_show(const aver_bundle *bundle, const aver_keyset *keyset, bool json,
                      aver_buf *out);
void aver_claims_show(const aver_claims *claims, bool json, aver_buf *out);

#endif

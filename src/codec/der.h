/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CODEC_DER_H
#define AVER_CODEC_DER_H

/*
 * der: is a document DER (ITU-T X.690), and not merely BER? Parsers of X.509 accept more than DER,
 * and two readers that understand one document in two ways are how checks are passed by.
 *
 * Checked at every level: one element and nothing after it, tags and lengths in their shortest
 * form, no indefinite lengths, BOOLEAN 00 or ff, INTEGER and ENUMERATED without surplus octets,
 * NULL empty, unused bits of a BIT STRING zero, strings of universal types not in pieces, the order
 * of a SET OF. What lies inside OCTET STRINGs is theirs.
 * Limits: AVER_DER_DEPTH_MAX levels.
 */

#include "aver/bytes.h"

#define AVER_DER_DEPTH_MAX 24

/* FORMAT, or LIMIT for a document deeper than allowed. */
AVER_MUST_USE aver_err aver_der_check(aver_view der);

#endif

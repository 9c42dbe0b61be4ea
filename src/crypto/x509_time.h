/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_CRYPTO_X509_TIME_H
#define AVER_CRYPTO_X509_TIME_H

/* x509_time: dates of certificates as RFC 5280 allows them, without the C library's time zones, and
 * PEM (RFC 7468) read strictly. */

#include "aver/bytes.h"

#include <openssl/asn1.h>

/* UTCTime YYMMDDHHMMSSZ or GeneralizedTime YYYYMMDDHHMMSSZ from 1970 on, with dates that exist. */
bool aver_asn1_time_read(const ASN1_TIME *time, uint64_t *ret_time_s);

/*
 * Takes one block of that label from the front of *pem, white space around it passed over, and
 * appends its bytes. *ret_more false, and nothing taken, where only white space is left. FORMAT for
 * another label, other text between, or base64 that is not strict; LIMIT beyond the buffer's
 * maximum.
 */
AVER_MUST_USE aver_err aver_pem_next(aver_view *pem, const char *label, bool *ret_more,
                                     aver_buf *ret_bytes);

#endif

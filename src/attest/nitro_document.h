/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_NITRO_DOCUMENT_H
#define AVER_ATTEST_NITRO_DOCUMENT_H

/*
 * nitro_document: the payload of an AWS Nitro Enclaves attestation document, a CBOR map with text
 * keys in any order, definite or not:
 *
 *   module_id text | digest "SHA384" | timestamp ms | pcrs {0..31: 32, 48 or 64 bytes} |
 *   certificate DER | cabundle [DER, root first] | public_key, user_data, nonce: bytes or null
 *
 * The last three may be absent too. Bounds are those that AWS publishes, with 1024 bytes for each
 * of the three. A key that is not known is passed over; a key twice is refused.
 */

#include "attest/cose_document.h"

#define AVER_NITRO_PCRS_MAX     32
#define AVER_NITRO_CABUNDLE_MAX 8

typedef struct aver_nitro_document {
    aver_cose_document cose;
    aver_view module_id;
    aver_view digest;
    uint64_t timestamp_ms;
    bool has_pcr[AVER_NITRO_PCRS_MAX];
    aver_view pcrs[AVER_NITRO_PCRS_MAX];
    size_t pcrs_count;
    aver_view certificate;
    aver_view cabundle[AVER_NITRO_CABUNDLE_MAX];
    size_t cabundle_count;
    bool has_public_key, has_user_data, has_nonce;
    aver_view public_key, user_data, nonce;
} aver_nitro_document;

/* Views point into bytes. FORMAT, or LIMIT for something beyond its bound. */
AVER_MUST_USE aver_err aver_nitro_document_parse(aver_view bytes,
                                                 aver_nitro_document *ret_document);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_NVIDIA_RIM_H
#define AVER_ATTEST_NVIDIA_RIM_H

/*
 * nvidia_rim: NVIDIA's reference values for one driver or VBIOS, a SWID tag (ISO/IEC 19770-2) with
 * an enveloped XML signature:
 *
 *   SoftwareIdentity
 *     Entity
 *     Meta      colloquialVersion = the version, edition = GPU or SWITCH, product = the chip
 *     Payload   Resource type="Measurement" index active alternatives Hash0 ... size="48"
 *     Signature SignedInfo (one reference, to the whole document) SignatureValue KeyInfo
 *
 * The signature is read as NVIDIA makes it and in no other way: Canonical XML 1.1, the document
 * without the signature, SHA-384, ECDSA P-384, the certificates in KeyInfo. There is one Signature,
 * a child of the root, with these parts alone; what it covers is everything else, so that nothing
 * in the document is unsigned. Index i is block i + 1 of a report.
 */

#include "attest/nvidia_spdm.h"
#include "codec/xml.h"
#include "crypto/x509.h"

#define AVER_NVIDIA_RIM_VALUES_MAX       128
#define AVER_NVIDIA_RIM_ALTERNATIVES_MAX 64

typedef struct aver_nvidia_rim_value {
    uint8_t index;
    bool active;
    size_t alternatives;
    size_t node; /* the Resource */
} aver_nvidia_rim_value;

typedef struct aver_nvidia_rim {
    aver_xml xml;
    size_t signature, signed_info, certificates; /* nodes */
    aver_view version, edition, product;
    aver_nvidia_rim_value values[AVER_NVIDIA_RIM_VALUES_MAX];
    size_t values_count, active_count;
    aver_view digest_text, signature_text; /* base64 */
    aver_certs certs;                      /* leaf first, once they were read */
} aver_nvidia_rim;

/* FORMAT, LIMIT, NOMEM. text must stay. ret_rim is the caller's to hand to aver_nvidia_rim_close.
 */
AVER_MUST_USE aver_err aver_nvidia_rim_open(aver_view text, aver_nvidia_rim *ret_rim);
void aver_nvidia_rim_close(aver_nvidia_rim *rim);
/* Reads the certificates of the signature, once. FORMAT, LIMIT, NOMEM. */
AVER_MUST_USE aver_err aver_nvidia_rim_certs_read(aver_nvidia_rim *rim);
/* PROOF if the document or SignedInfo is not what the first certificate signed. */
AVER_MUST_USE aver_err aver_nvidia_rim_verify(const aver_nvidia_rim *rim);
/* True if a block of the report has one of the value's digests. */
bool aver_nvidia_rim_matches(const aver_nvidia_rim *rim, const aver_nvidia_rim_value *value,
                             const aver_nvidia_report *report);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_NVIDIA_SPDM_H
#define AVER_ATTEST_NVIDIA_SPDM_H

/*
 * nvidia_spdm: the attestation report of an NVIDIA GPU or switch, the two messages of one SPDM 1.1
 * exchange (DMTF DSP0274 1.1, 10.11) one after the other. Integers are little-endian.
 *
 *   request   version 11 | code e0 | param1 | param2 | nonce 32 | slot           37 bytes
 *   response  version 11 | code 60 | param1 | param2 | blocks 1 | record size 3
 *             blocks: index 1 | specification 1 | size 2 | type 1 | value size 2 | value
 *             nonce 32 | opaque size 2 | opaque data | signature 96
 *   opaque    fields: type 2 | size 2 | value
 *
 * The signature (ECDSA P-384, r || s, big-endian) is over everything before it. Blocks are DMTF
 * measurements with an index once; a digest is one of SHA-384. Everything is consumed exactly.
 */

#include "aver/bytes.h"

#define AVER_NVIDIA_BLOCKS_MAX 128
#define AVER_NVIDIA_FIELDS_MAX 64
#define AVER_NVIDIA_SIGNATURE  96
/* A version as text; each byte of the opaque data is three characters of it at most. */
#define AVER_NVIDIA_VERSION_BYTES 64

typedef struct aver_nvidia_block {
    uint8_t index; /* 1 to 254 */
    uint8_t type;  /* DMTFSpecMeasurementValueType; 0x80: the value itself, not its digest */
    aver_view value;
} aver_nvidia_block;

/* Fields of the opaque data that this verifier reads; aver_nvidia_field_name names more. */
enum {
    AVER_NVIDIA_DRIVER_VERSION = 3,
    AVER_NVIDIA_VBIOS_VERSION = 6,
    AVER_NVIDIA_NVDEC0_STATUS = 11,
    AVER_NVIDIA_CHIP_SKU = 15,
    AVER_NVIDIA_PROJECT = 17,
    AVER_NVIDIA_PROJECT_SKU = 18,
    AVER_NVIDIA_FWID = 20,
};

typedef struct aver_nvidia_field {
    uint16_t type;
    aver_view value;
} aver_nvidia_field;

typedef struct aver_nvidia_report {
    aver_view request;  /* head of four bytes, nonce and slot */
    aver_view response; /* its head of four bytes */
    uint8_t slot;
    aver_view requester_nonce, responder_nonce;
    aver_nvidia_block blocks[AVER_NVIDIA_BLOCKS_MAX];
    size_t blocks_count;
    aver_nvidia_field fields[AVER_NVIDIA_FIELDS_MAX]; /* in the order of the opaque data */
    size_t fields_count;
    aver_view signed_bytes;
    aver_view signature;
} aver_nvidia_report;

/* Views point into bytes. FORMAT, or LIMIT for something beyond its bound. */
AVER_MUST_USE aver_err aver_nvidia_report_parse(aver_view bytes, aver_nvidia_report *ret_report);
/* Why the response is no answer to the request for all signed measurements; NULL if it is. */
const char *aver_nvidia_report_unfit(const aver_nvidia_report *report);
/* False if the opaque data have no such field. */
bool aver_nvidia_report_field(const aver_nvidia_report *report, uint16_t type,
                              aver_view *ret_value);
/* The field as text, which ends at its first zero. False if there is none, or it is no UTF-8. */
bool aver_nvidia_report_text(const aver_nvidia_report *report, uint16_t type, aver_view *ret_text);
/*
 * The VBIOS version as text, from the first half of its bytes in reverse and the byte behind:
 * 00 a5 00 96 | 01 00 00 00 is 96.00.A5.00.01. False if there is none, or none of that kind.
 */
bool aver_nvidia_report_vbios(const aver_nvidia_report *report,
                              char ret_text[static AVER_NVIDIA_VERSION_BYTES]);
/* NULL if no block has that index. */
const aver_nvidia_block *aver_nvidia_report_block(const aver_nvidia_report *report, uint8_t index);
/* "fwid", ...; NULL for a type that is not known. */
const char *aver_nvidia_field_name(uint16_t type);

#endif

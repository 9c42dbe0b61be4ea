/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_GPU_H
#define AVER_ATTEST_GPU_H

/*
 * gpu: the evidence of GPUs (and the switches between them) beside a CPU's. In a bundle it is one
 * deterministic CBOR array, an entry a device:
 *
 *   [["nvidia", report, certificates, [revocation list...], [reference values...]], ...]
 *
 * Three ties make one machine's moment of it: the CPU's evidence commits to these bytes and to the
 * keyset (binding); every report carries the nonce that only that keyset and those nonces give
 * (aver_gpu_nonce), so it was made after both were known; and no device is there twice, so that n
 * reports are of n devices. That GPU and CPU sit in one box, no evidence of today says.
 *
 * A device holds only with reference values for all that it runs: a GPU's driver and VBIOS, the
 * one firmware of a switch. Without them a GPU in the hands of its operator's debugger looks like
 * any other.
 */

#include "attest/family.h"

#define AVER_GPU_DEVICES_MAX 16

typedef struct aver_gpu_input {
    aver_view evidence;      /* the CBOR */
    aver_view nonce;         /* that every report must carry */
    aver_attest_roots roots; /* of devices and of reference values */
    uint64_t time_s;
    aver_attest_cache *cache; /* or NULL */
    /* The CPU's claims, or NULL, to which comes what the devices are, where there is room:
     * gpus = [{"machine":hex,"driver_version":text,"vbios_version":text}...] */
    aver_claims *claims;
} aver_gpu_input;

/* Adds gpu.evidence and gpu.nonce. */
AVER_MUST_USE aver_err aver_gpu_judge(const aver_gpu_input *input, aver_verdict *verdict);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_NVIDIA_CERT_H
#define AVER_ATTEST_NVIDIA_CERT_H

/*
 * nvidia_cert: what the leaf certificate of an NVIDIA device says, beyond X.509, of the firmware
 * that holds its key (TCG DICE). Two forms are in use, each the value of an extension:
 *
 *   2.23.133.5.4.1     SEQUENCE { version, [device's key,] FWID }
 *   2.23.133.5.4.1.1   SEQUENCE { ..., [6] { FWID, ... }, ... }     DiceTcbInfo
 *
 * FWID is SEQUENCE { hash algorithm, digest }; the first of SHA-384 is the firmware's.
 */

#include "crypto/x509.h"

#define AVER_NVIDIA_FWID_BYTES    48
#define AVER_NVIDIA_SUBJECT_BYTES 256

/* Extensions that are read here, for paths in which they are critical. */
extern const char *const aver_nvidia_extensions[];

/* ABSENT if no extension names any, FORMAT if it cannot be read. */
AVER_MUST_USE aver_err aver_nvidia_fwid_read(const aver_cert *leaf,
                                             uint8_t ret_fwid[static AVER_NVIDIA_FWID_BYTES]);
/* Subject as in RFC 4514, the serial number of the device by its OID (2.5.4.5=...), as other
 * verifiers of these devices write it. */
AVER_MUST_USE aver_err aver_nvidia_subject(const aver_cert *cert,
                                           char ret_text[static AVER_NVIDIA_SUBJECT_BYTES]);

#endif

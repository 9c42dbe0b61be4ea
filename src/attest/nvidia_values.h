/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_ATTEST_NVIDIA_VALUES_H
#define AVER_ATTEST_NVIDIA_VALUES_H

/*
 * nvidia_values: a report against the reference values that the reader gives. A GPU has two sets,
 * its driver's and its VBIOS's, a switch has one. Every active value is compared with the
 * measurement of its index. Index 35 speaks of the video decoder's firmware and is passed over
 * where the report says that the decoder is off (NVDEC0 status 55), as there is nothing measured.
 */

#include "attest/family.h"
#include "attest/nvidia_spdm.h"

/* Adds nvidia.rim-signature, nvidia.rim-version and nvidia.measurements and the claims on the
 * reference values. */
AVER_MUST_USE aver_err aver_nvidia_values_judge(const aver_attest_input *input,
                                                const aver_nvidia_report *report,
                                                aver_verdict *verdict, aver_claims *claims);

#endif

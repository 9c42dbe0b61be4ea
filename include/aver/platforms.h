/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_PLATFORMS_H
#define AVER_PLATFORMS_H

/*
 * platforms: the verifiers of real hardware (attest.h) as platforms of bundles (judge.h). What of a
 * bundle's collateral each takes, by the names of members of aver_attest_input:
 *
 *   nitro, cca   nothing
 *   sgx, tdx     collateral
 *   snp          leaf, chain, crl.0 ... crl.7
 *   azure        the same, collateral
 *
 * GPU evidence (attest/gpu.h) is judged beside sgx, tdx, snp and azure, and refused elsewhere.
 * Any other name is refused. The key that a CCA platform signs with is known from the reader only:
 * the first of the test roots.
 *
 * What binds evidence to a keyset is where a program puts 64 bytes of its own: report data of sgx,
 * tdx and snp; user data of nitro; the quote's extra data of azure and tpm; the challenge of cca.
 */

#include "aver/judge.h"

AVER_C_BEGIN

extern const aver_platform aver_platform_nitro, aver_platform_sgx, aver_platform_tdx,
    aver_platform_snp, aver_platform_azure, aver_platform_cca;

AVER_C_END

#endif

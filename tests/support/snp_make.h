/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TEST_SNP_MAKE_H
#define AVER_TEST_SNP_MAKE_H

/*
 * snp_make: a report of SEV-SNP of a Milan machine, with its VCEK, under a test root that has the
 * names of AMD's, for tests of what stands around evidence.
 */

#include "support/pki.h"

#define SNP_MAKE_REPORT_BYTES 1184
#define SNP_MAKE_SIGNED_BYTES 0x2a0
/* What AMD's service calls it by: the chip and the level of every report that is made here. */
#define SNP_MAKE_LEAF_PATH                                                                         \
    "/vcek/v1/Milan/"                                                                              \
    "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"               \
    "28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219"

typedef struct snp_recipe {
    const uint8_t *report_data; /* 64 bytes, or NULL */
    bool version2;              /* which does not say what product it is of */
    bool vlek;                  /* says that a provider's key signed it */
    bool other_chip;            /* the certificate is of another one */
    uint64_t crl_to_s;
    bool revoked;
} snp_recipe;

typedef struct snp_made {
    pki_cert root, middle, leaf;
    uint8_t report[SNP_MAKE_REPORT_BYTES];
    aver_buf chain, crl; /* PEM; DER */
} snp_made;

void snp_make(const snp_recipe *recipe, snp_made *ret_made);
void snp_unmake(snp_made *made);

#endif

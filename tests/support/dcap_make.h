/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TEST_DCAP_MAKE_H
#define AVER_TEST_DCAP_MAKE_H

/*
 * dcap_make: quotes of enclaves and trust domains, with their collateral, under a test root that
 * has the names of Intel's. What a recipe of dcap_recipe_good makes holds; tests change one thing.
 */

#include "aver/attest.h"
#include "support/pki.h"

typedef struct dcap_recipe {
    bool tdx, td15;
    uint16_t version;
    /* The body. */
    uint8_t sgx_attributes[2]; /* of the flags, the lowest two bytes */
    uint8_t sgx_reserved;
    uint64_t td_attributes, xfam;
    uint8_t tee_tcb_svn[2], tee_tcb_svn2[2]; /* SVN and version of the module */
    uint8_t seam_signer, seam_attributes;
    uint8_t report_data;
    const uint8_t *report_data_whole; /* 64 bytes in the place of that byte, or NULL */
    /* Quoting enclave and signatures. */
    uint8_t qe_signer, qe_attributes, qe_misc;
    uint16_t qe_product, qe_svn;
    bool qe_other_key, qe_padded, quote_other_signer, qe_other_signer;
    uint16_t certs_type;
    size_t trailing;
    uint8_t trailing_byte;
    /* The PCK certificate. */
    const char *pck_name, *ca_name;
    bool other_root, no_extension, extension_twice_ppid;
    uint8_t pck_svn;
    uint64_t pck_to_s;
    /* Collateral. */
    const char *tcb_id, *identity_id, *fmspc, *pceid, *tcb_version, *tcb_type;
    const char *status, *module_status, *qe_status, *advisories, *qe_advisories;
    unsigned evaluation;
    uint64_t tcb_next_s, identity_next_s;
    const char *signer_name;
    bool tcb_other_signer, identity_other_signer;
    bool revoke_pck, revoke_ca, revoke_signer, other_ca_list;
    const char *omit; /* a member of the collateral */
    const char *module_signer, *module_id;
} dcap_recipe;

typedef struct dcap_made {
    pki_cert root, ca, pck, signer;
    aver_buf quote, collateral;
} dcap_made;

dcap_recipe dcap_recipe_good(bool tdx);
void dcap_make(const dcap_recipe *recipe, dcap_made *ret_made);
void dcap_unmake(dcap_made *made);
/* Judged with the test root at PKI_NOW_S. */
aver_attest_input dcap_input(const dcap_made *made);

#endif

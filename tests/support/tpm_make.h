/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TEST_TPM_MAKE_H
#define AVER_TEST_TPM_MAKE_H

/* tpm_make: quotes of a TPM that is software, with one bank of PCRs of SHA-256. What a recipe of
 * tpm_recipe_good makes holds; tests change one thing. */

#include "support/pki.h"

typedef struct tpm_recipe {
    EVP_PKEY *key, *signer; /* signer: in the place of key, or NULL */
    bool pss, alone;        /* RSA-PSS; the RSA signature's bytes alone */
    bool sha384;            /* hash of the signature and of the digest of PCRs */
    uint32_t pcrs;          /* selected */
    uint32_t magic;
    uint16_t type, scheme; /* scheme: in the place of the key's, or 0 */
    uint8_t safe, select_bytes;
    size_t selections, surplus_bytes;
    uint16_t bank;
    const char *extra;
    bool short_pcr, no_pcr7, pcr_changed, no_pcrs, banks_named;
} tpm_recipe;

typedef struct tpm_made {
    aver_buf message, signature; /* as bytes */
} tpm_made;

tpm_recipe tpm_recipe_good(EVP_PKEY *key);
void tpm_make(const tpm_recipe *recipe, tpm_made *ret_made);
void tpm_unmake(tpm_made *made);
/* Appends "tpm_message":...,"tpm_signature":...,"tpm_pcrs":[...] */
void tpm_members(const tpm_recipe *recipe, const tpm_made *made, aver_buf *out);

/* A signature over a message by EVP: ECDSA as DER. */
void tpm_sign(EVP_PKEY *key, bool pss, bool sha384, aver_view message, aver_buf *out);

#endif

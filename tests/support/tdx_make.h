/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVER_TEST_TDX_MAKE_H
#define AVER_TEST_TDX_MAKE_H

/*
 * tdx_make: a TDX quote of version 4 under a test vendor's root, for tests of what stands around
 * evidence. Without collateral: to be judged with signature_only.
 */

#include "support/pki.h"

typedef struct tdx_recipe {
    uint8_t report_data[64];
    uint8_t rtmr3[48];
    uint8_t mr_config_id[48];
    bool other_signer; /* the quote is signed by another key than the reported one */
    bool debug;
} tdx_recipe;

typedef struct tdx_made {
    pki_cert root, middle, leaf;
    aver_buf quote;
} tdx_made;

void tdx_make(const tdx_recipe *recipe, tdx_made *ret_made);
void tdx_unmake(tdx_made *made);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include "crypto/hash.h"

#include <stdlib.h>

/*
 * Remembered are, each under the digest of all that it depends on:
 *
 *   pck         of chain, collateral and roots   the key, what it says, that no list names it
 *   collateral  of collateral and roots          levels and identity, signed
 *
 * and only where everything held, with the time in which it does.
 */
static void basis_identify(const aver_attest_input *input, const aver_dcap_quote *quote,
                           aver_dcap_basis *basis)
{
    aver_view parts[3 + AVER_ATTEST_ROOTS_MAX];
    uint8_t collateral[32];
    size_t count = 0;
    if (input->cache == NULL) {
        return;
    }
    aver_sha256_of(input->signature_only ? (aver_view){0} : input->collateral, collateral);
    parts[count++] = AVER_VIEW_OF(collateral);
    for (size_t i = 0; i < input->roots.given_count; i++) {
        parts[count++] = input->roots.given[i];
    }
    aver_attest_cache_key(input->signature_only ? "dcap/none" : "dcap/collateral", parts, count,
                          basis->collateral_id);
    const aver_view pck[] = {AVER_VIEW_OF(basis->collateral_id), quote->certs};
    aver_attest_cache_key("dcap/pck", pck, 2, basis->pck_id);
}

/* True if both were remembered and hold at that time. */
static bool basis_remembered(const aver_attest_input *input, aver_dcap_basis *basis)
{
    uint64_t time_s = input->time_s;
    basis->pck = aver_attest_cache_find(input->cache, basis->pck_id);
    basis->collateral = aver_attest_cache_find(input->cache, basis->collateral_id);
    bool found = basis->pck != NULL && aver_dcap_window_holds(&basis->pck->path, time_s) &&
                 aver_dcap_window_holds(&basis->pck->lists, time_s) && basis->collateral != NULL &&
                 aver_dcap_window_holds(&basis->collateral->window, time_s);
    if (!found) {
        basis->pck = NULL;
        basis->collateral = NULL;
    }
    basis->certs_read = found;
    return found;
}

static aver_err basis_open_cold(const aver_attest_input *input, const aver_dcap_quote *quote,
                                aver_dcap_basis *basis)
{
    basis->cold = true;
    basis->pck = calloc(1, sizeof *basis->pck);
    basis->collateral = calloc(1, sizeof *basis->collateral);
    if (basis->pck == NULL || basis->collateral == NULL) {
        return AVER_E_NOMEM;
    }
    basis->collateral->window = (aver_dcap_window){0, UINT64_MAX};
    basis->pck->lists = basis->collateral->window;
    aver_err err = aver_dcap_pck_open(&basis->work, quote->certs, basis->pck, &basis->certs_read);
    if (err == AVER_OK && !input->signature_only) {
        err = aver_dcap_collateral_open(&basis->work, basis->pck, basis->collateral);
    }
    return err;
}

aver_err aver_dcap_basis_open(const aver_attest_input *input, const aver_dcap_quote *quote,
                              aver_dcap_basis *basis)
{
    basis_identify(input, quote, basis);
    if (quote->certs_type != 5 || basis_remembered(input, basis)) {
        return AVER_OK;
    }
    aver_err err = aver_dcap_work_open(input, &basis->work);
    return err == AVER_OK ? basis_open_cold(input, quote, basis) : err;
}

void aver_dcap_basis_release(const aver_attest_input *input, aver_dcap_basis *basis)
{
    bool keep =
        basis->cold && basis->pck != NULL && basis->collateral != NULL && input->cache != NULL &&
        basis->pck->path_count > 0 && basis->pck->key != NULL &&
        aver_dcap_held(&basis->pck->named) &&
        (input->signature_only || (aver_dcap_held(&basis->pck->revocation) &&
                                   basis->collateral->has_tcb && basis->collateral->has_identity));
    if (keep) {
        aver_attest_cache_put(input->cache, basis->pck_id, basis->pck, aver_dcap_pck_free);
        aver_attest_cache_put(input->cache, basis->collateral_id, basis->collateral,
                              aver_dcap_collateral_free);
    } else if (basis->cold) {
        aver_dcap_pck_free(basis->pck);
        aver_dcap_collateral_free(basis->collateral);
    }
    if (basis->cold) {
        aver_dcap_work_close(&basis->work);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include <string.h>

/*
 * Levels are listed from the newest down; a platform stands at the first whose every number it
 * reaches. Members of the module's own SVN (0 and 1) are not compared here where the module has an
 * identity of its own.
 */
static bool status_reaches(const uint8_t *found, const uint8_t *wanted, size_t from)
{
    for (size_t i = from; i < AVER_DCAP_COMPONENTS; i++) {
        if (found[i] < wanted[i]) {
            return false;
        }
    }
    return true;
}

/* tee_tcb_svn is NULL for an enclave. */
static const aver_dcap_level *status_level(const aver_dcap_tcb *tcb, const aver_dcap_pck_info *pck,
                                           const uint8_t *tee_tcb_svn)
{
    size_t from = tee_tcb_svn != NULL && tee_tcb_svn[1] > 0 ? 2 : 0;
    for (size_t i = 0; i < tcb->levels_count; i++) {
        const aver_dcap_level *level = &tcb->levels[i];
        if (status_reaches(pck->components, level->sgx, 0) && pck->pce_svn >= level->pce_svn &&
            (tee_tcb_svn == NULL || status_reaches(tee_tcb_svn, level->tdx, from))) {
            return level;
        }
    }
    return NULL;
}

static const aver_dcap_isv_level *status_isv_level(const aver_dcap_isv_level *levels, size_t count,
                                                   uint32_t isv_svn)
{
    for (size_t i = 0; i < count; i++) {
        if (isv_svn >= levels[i].isv_svn) {
            return &levels[i];
        }
    }
    return NULL;
}

static const aver_dcap_module *status_module(const aver_dcap_tcb *tcb, uint8_t version)
{
    for (size_t i = 0; i < tcb->modules_count; i++) {
        if (tcb->modules[i].version == version) {
            return &tcb->modules[i];
        }
    }
    return NULL;
}

/* Of the module, by its version and SVN in the first two members of the TEE's SVNs. A module that
 * is below every level is out of date; NONE: modules of version 0 have no levels. */
static aver_tcb_status status_of_module(const aver_dcap_tcb *tcb, const uint8_t *tee_tcb_svn,
                                        aver_view *ret_advisories)
{
    const aver_dcap_module *module = status_module(tcb, tee_tcb_svn[1]);
    if (tee_tcb_svn[1] == 0) {
        return AVER_TCB_NONE;
    }
    const aver_dcap_isv_level *level =
        module != NULL ? status_isv_level(module->levels, module->levels_count, tee_tcb_svn[0])
                       : NULL;
    *ret_advisories = level != NULL ? level->advisories : (aver_view){0};
    return level != NULL ? level->status : AVER_TCB_OUT_OF_DATE;
}

/* A part that is out of date or revoked makes the platform so; what else it says adds nothing. */
static aver_tcb_status status_with(aver_tcb_status platform, aver_tcb_status part)
{
    if (part == AVER_TCB_REVOKED) {
        return AVER_TCB_REVOKED;
    }
    if (part != AVER_TCB_OUT_OF_DATE) {
        return platform;
    }
    if (platform == AVER_TCB_UP_TO_DATE || platform == AVER_TCB_SW_HARDENING_NEEDED) {
        return AVER_TCB_OUT_OF_DATE;
    }
    return platform == AVER_TCB_CONFIGURATION_NEEDED ||
                   platform == AVER_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED
               ? AVER_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED
               : platform;
}

static bool status_needs_configuration(aver_tcb_status status)
{
    return status == AVER_TCB_CONFIGURATION_NEEDED ||
           status == AVER_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED ||
           status == AVER_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

/* A domain that was launched on what is out of date now, on a platform whose module was updated
 * under it since, would be in order if it were launched again. NONE for every other. */
static aver_tcb_status status_relaunch(aver_tcb_status launched, aver_tcb_status current)
{
    bool old =
        launched == AVER_TCB_OUT_OF_DATE || launched == AVER_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
    bool in_order = current == AVER_TCB_UP_TO_DATE || current == AVER_TCB_SW_HARDENING_NEEDED ||
                    current == AVER_TCB_CONFIGURATION_NEEDED ||
                    current == AVER_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED;
    if (!old || !in_order) {
        return AVER_TCB_NONE;
    }
    return status_needs_configuration(launched) || status_needs_configuration(current)
               ? AVER_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
               : AVER_TCB_RELAUNCH_ADVISED;
}

/* What the platform would be with the module that runs now; NONE where that is not said. */
static aver_tcb_status status_current(const aver_dcap_tcb *tcb, const aver_dcap_pck_info *pck,
                                      const aver_dcap_td *td, aver_tcb_status qe)
{
    aver_view advisories;
    if (td->tee_tcb_svn2.size == 0) {
        return AVER_TCB_NONE;
    }
    const aver_dcap_level *level = status_level(tcb, pck, td->tee_tcb_svn2.data);
    aver_tcb_status module = status_of_module(tcb, td->tee_tcb_svn2.data, &advisories);
    return level != NULL ? status_with(status_with(level->status, module), qe) : AVER_TCB_NONE;
}

void aver_dcap_standing_find(const aver_dcap_tcb *tcb, const aver_dcap_identity *identity,
                             const aver_dcap_pck_info *pck, const aver_dcap_report *qe,
                             const aver_dcap_td *td, aver_dcap_standing *ret_standing)
{
    aver_dcap_standing standing = {0};
    const uint8_t *svn = td != NULL ? td->tee_tcb_svn.data : NULL;
    const aver_dcap_level *level = status_level(tcb, pck, svn);
    const aver_dcap_isv_level *enclave =
        status_isv_level(identity->levels, identity->levels_count, qe->isv_svn);
    standing.below = level == NULL;
    standing.qe = enclave != NULL ? enclave->status : AVER_TCB_OUT_OF_DATE;
    standing.advisories[2] = enclave != NULL ? enclave->advisories : (aver_view){0};
    if (td != NULL) {
        standing.module = status_of_module(tcb, svn, &standing.advisories[1]);
    }
    standing.platform = level != NULL ? level->status : AVER_TCB_OUT_OF_DATE;
    standing.date_s = level != NULL ? level->date_s : 0;
    standing.advisories[0] = level != NULL ? level->advisories : (aver_view){0};
    standing.all = status_with(status_with(standing.platform, standing.module), standing.qe);
    if (level != NULL && td != NULL) {
        standing.relaunch =
            status_relaunch(standing.all, status_current(tcb, pck, td, standing.qe));
    }
    *ret_standing = standing;
}

static bool status_masked(aver_view found, const uint8_t *mask, const uint8_t *wanted)
{
    for (size_t i = 0; i < found.size; i++) {
        if ((found.data[i] & mask[i]) != wanted[i]) {
            return false;
        }
    }
    return true;
}

void aver_dcap_module_judge(const aver_dcap_tcb *tcb, const aver_dcap_td *td,
                            aver_dcap_fault *ret_fault)
{
    uint8_t version = td->tee_tcb_svn.data[1];
    const aver_dcap_module *module = version > 0       ? status_module(tcb, version)
                                     : tcb->has_module ? &tcb->module
                                                       : NULL;
    if (module == NULL) {
        aver_dcap_bad(ret_fault, AVER_REASON_MEASUREMENT_MISMATCH,
                      "the TCB info describes no TDX module of version %u", version);
    } else if (memcmp(td->mr_signer_seam.data, module->mr_signer, sizeof module->mr_signer) != 0) {
        aver_dcap_bad(ret_fault, AVER_REASON_MEASUREMENT_MISMATCH,
                      "the TDX module is signed by another than the TCB info names");
    } else if (!status_masked(td->seam_attributes, module->attributes_mask, module->attributes)) {
        aver_dcap_bad(ret_fault, AVER_REASON_MEASUREMENT_MISMATCH,
                      "the TDX module has other attributes than the TCB info names");
    } else {
        aver_dcap_good(ret_fault);
    }
}

void aver_dcap_identity_judge(const aver_dcap_identity *identity, const aver_dcap_report *qe,
                              aver_dcap_fault *ret_fault)
{
    const char *what = NULL;
    if ((qe->misc_select & identity->misc_select_mask) != identity->misc_select) {
        what = "MISCSELECT";
    } else if (!status_masked(qe->attributes, identity->attributes_mask, identity->attributes)) {
        what = "attributes";
    } else if (memcmp(qe->mr_signer.data, identity->mr_signer, sizeof identity->mr_signer) != 0) {
        what = "MRSIGNER";
    } else if (qe->isv_prod_id != identity->isv_prod_id) {
        what = "product id";
    }
    /* Bit 1: a debugger may read the quoting enclave's key. */
    if ((qe->attributes.data[0] & 2) != 0) {
        aver_dcap_bad(ret_fault, AVER_REASON_QE_IDENTITY_MISMATCH,
                      "the quoting enclave is open to a debugger");
    } else if (what != NULL) {
        aver_dcap_bad(ret_fault, AVER_REASON_QE_IDENTITY_MISMATCH,
                      "the quoting enclave's %s is not the one of Intel's identity", what);
    } else {
        aver_dcap_good(ret_fault);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include "codec/text.h"
#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>

/*
 * The JSON object, all members texts:
 *
 *   tcb_info, tcb_info_signature, tcb_info_issuer_chain
 *   qe_identity, qe_identity_signature, qe_identity_issuer_chain
 *   pck_crl, root_ca_crl
 *
 * tcb_info and qe_identity are the very texts that Intel signed, signatures are hex of r || s,
 * chains are PEM, signer first, lists are hex of DER, or PEM.
 */

void aver_dcap_collateral_free(void *value)
{
    aver_dcap_collateral *collateral = value;
    if (collateral != NULL) {
        free(collateral->tcb.text);
        free(collateral->identity.text);
        free(collateral);
    }
}

static const char *const collateral_names[AVER_DCAP_MEMBERS + 1] = {
    [AVER_DCAP_TCB_INFO] = "tcb_info",
    [AVER_DCAP_TCB_SIGNATURE] = "tcb_info_signature",
    [AVER_DCAP_TCB_CHAIN] = "tcb_info_issuer_chain",
    [AVER_DCAP_IDENTITY] = "qe_identity",
    [AVER_DCAP_IDENTITY_SIGNATURE] = "qe_identity_signature",
    [AVER_DCAP_IDENTITY_CHAIN] = "qe_identity_issuer_chain",
    [AVER_DCAP_PCK_LIST] = "pck_crl",
    [AVER_DCAP_ROOT_LIST] = "root_ca_crl",
    [AVER_DCAP_MEMBERS] = NULL,
};

/* *ret_read false: it is no object, or has a member twice or of another kind. */
static aver_err collateral_members(aver_dcap_work *work, bool *ret_read)
{
    aver_view text = work->input->collateral;
    aver_dcap_json json;
    uint32_t seen = 0;
    size_t used = 0;
    work->texts = malloc(text.size);
    if (work->texts == NULL) {
        return AVER_E_NOMEM;
    }
    aver_dcap_json_open(&json, text);
    (void)aver_dcap_json_into(&json, '{');
    while (aver_dcap_json_more(&json, '}')) {
        size_t member = aver_dcap_json_member(&json, collateral_names, &seen);
        if (member < AVER_DCAP_MEMBERS) {
            (void)aver_dcap_json_unescape(&json, work->texts + used, &work->members[member]);
            used += work->members[member].size;
        } else {
            aver_dcap_json_skip(&json);
        }
    }
    *ret_read = aver_dcap_json_end(&json);
    return AVER_OK;
}

static aver_err collateral_list(const aver_dcap_work *work, aver_dcap_member member,
                                aver_crl **ret_list, aver_dcap_fault *fault)
{
    const char *name = collateral_names[member];
    aver_view text = work->members[member];
    aver_buf der;
    if (text.size == 0) {
        aver_dcap_bad(fault, AVER_REASON_COLLATERAL_MISSING, "the collateral has no %s", name);
        return AVER_OK;
    }
    aver_buf_init(&der, AVER_CRL_BYTES_MAX);
    bool pem = text.size > 0 && text.data[0] == '-';
    aver_err err = pem ? AVER_OK : aver_hex_decode_buf(text, &der);
    if (err == AVER_OK) {
        err = aver_crl_new(pem ? text : aver_buf_view(&der), ret_list);
    }
    aver_buf_deinit(&der);
    if (err == AVER_E_FORMAT || err == AVER_E_LIMIT) {
        aver_dcap_bad(fault, AVER_REASON_MALFORMED,
                      "%s is no revocation list in hex of DER, or PEM", name);
        return AVER_OK;
    }
    return err;
}

static aver_reason collateral_path_reason(aver_path path)
{
    switch (path) {
    case AVER_PATH_EXPIRED:
        return AVER_REASON_EXPIRED;
    case AVER_PATH_REVOKED:
        return AVER_REASON_REVOKED;
    case AVER_PATH_BAD_CRL:
        return AVER_REASON_BAD_SIGNATURE;
    case AVER_PATH_GOOD:
    case AVER_PATH_UNTRUSTED:
        break;
    }
    return AVER_REASON_CHAIN_UNTRUSTED;
}

/* One list against one path; it must speak of the entry that stands where it is looked for. */
static aver_err collateral_revoked(const aver_dcap_work *work, aver_crl *list, const char *name,
                                   const aver_x509_result *path, size_t entry,
                                   aver_dcap_window *window, aver_dcap_fault *fault)
{
    bool covered[AVER_CERTS_MAX + 1] = {false};
    char why[AVER_X509_WHY_BYTES] = "";
    aver_path judged = AVER_PATH_GOOD;
    if (fault->reason != AVER_REASON_NONE) {
        return AVER_OK;
    }
    aver_err err = aver_crl_judge(list, path, work->input->time_s, &judged, covered, why);
    if (err == AVER_E_ABSENT || (err == AVER_OK && judged == AVER_PATH_GOOD && !covered[entry])) {
        aver_dcap_bad(fault, AVER_REASON_COLLATERAL_MISMATCH,
                      "%s is of another authority than those of the certificates", name);
    } else if (err != AVER_OK) {
        return err;
    } else if (judged != AVER_PATH_GOOD) {
        aver_dcap_bad(fault, collateral_path_reason(judged), "%s: %s", name, why);
    } else {
        uint64_t from_s = 0;
        uint64_t to_s = 0;
        aver_crl_window(list, &from_s, &to_s);
        aver_dcap_window_cut(window, from_s, to_s);
    }
    return AVER_OK;
}

/* The PCK certificate by its CA's list, that CA by the root's. */
static aver_err collateral_revoked_pck(aver_dcap_work *work, aver_dcap_pck *pck)
{
    aver_dcap_fault *fault = &pck->revocation;
    const aver_x509_result *path = &work->pck_path;
    if (path->path != AVER_PATH_GOOD || fault->reason != AVER_REASON_NONE) {
        return AVER_OK;
    }
    if (path->chain_count != 3) {
        aver_dcap_bad(fault, AVER_REASON_CHAIN_UNTRUSTED,
                      "the path has %zu certificates, where PCK, CA and root are three",
                      path->chain_count);
    }
    aver_err err =
        collateral_revoked(work, work->root_list, "root_ca_crl", path, 1, &pck->lists, fault);
    if (err == AVER_OK) {
        err = collateral_revoked(work, work->pck_list, "pck_crl", path, 0, &pck->lists, fault);
    }
    if (err == AVER_OK && fault->reason == AVER_REASON_NONE) {
        aver_dcap_good(fault);
    }
    return err;
}

/* A text of the collateral with its signature and its signer. */
typedef struct collateral_part {
    aver_view text, chain;
    uint8_t signature[64];
} collateral_part;

/* first: the member that is the text; signature and chain follow it. */
static bool collateral_part_open(const aver_dcap_work *work, aver_dcap_member first,
                                 collateral_part *part, aver_dcap_fault *fault)
{
    part->text = work->members[first];
    part->chain = work->members[first + 2];
    if (part->text.size == 0 || work->members[first + 1].size == 0 || part->chain.size == 0) {
        aver_dcap_bad(fault, AVER_REASON_COLLATERAL_MISSING,
                      "the collateral lacks %s, its signature or its issuer's chain",
                      collateral_names[first]);
        return false;
    }
    if (aver_hex_decode(work->members[first + 1], part->signature, sizeof part->signature) !=
        AVER_OK) {
        aver_dcap_bad(fault, AVER_REASON_MALFORMED, "%s is not hex of 64 bytes",
                      collateral_names[first + 1]);
        return false;
    }
    return true;
}

static aver_err collateral_signer_role(const aver_cert *leaf, aver_dcap_fault *fault)
{
    char name[64];
    aver_err err = aver_cert_common_name(leaf, name, sizeof name);
    if (err != AVER_OK || strcmp(name, "Intel SGX TCB Signing") != 0) {
        aver_dcap_bad(fault, AVER_REASON_KEY_MISMATCH,
                      "the signer's certificate is not named as one for TCB signing");
    }
    return err == AVER_E_NOMEM ? err : AVER_OK;
}

/* Path, role, revocation and key of the certificate at that place, into work. */
static aver_err collateral_signer(aver_dcap_work *work, size_t leaf,
                                  aver_dcap_collateral *collateral)
{
    aver_x509_result path;
    aver_dcap_fault *fault = &work->signer_fault;
    if (work->has_signer && work->signer == leaf) {
        return AVER_OK;
    }
    aver_ecdsa_key_free(work->signer_key);
    work->signer_key = NULL;
    work->has_signer = true;
    work->signer = leaf;
    if (work->root_list == NULL) {
        aver_dcap_stopped(fault, "without root_ca_crl, the signer may have been revoked");
        return AVER_OK;
    }
    aver_dcap_good(fault);
    aver_err err = aver_dcap_work_path(work, leaf, &path);
    if (err != AVER_OK) {
        return err;
    }
    if (path.path != AVER_PATH_GOOD) {
        aver_dcap_bad(fault, collateral_path_reason(path.path), "%s", path.why);
        return AVER_OK;
    }
    aver_dcap_window_cut(&collateral->window, path.not_before_s, path.not_after_s);
    err = collateral_signer_role(&work->certs.list[leaf], fault);
    if (err == AVER_OK) {
        err = collateral_revoked(work, work->root_list, "root_ca_crl", &path, 0,
                                 &collateral->window, fault);
    }
    if (err == AVER_OK && fault->reason == AVER_REASON_NONE) {
        err = aver_dcap_work_key(&work->certs.list[leaf], &work->signer_key);
    }
    if (err == AVER_E_UNSUPPORTED || err == AVER_E_FORMAT) {
        aver_dcap_bad(fault, AVER_REASON_KEY_MISMATCH, "the signer's key is not one of P-256");
        err = AVER_OK;
    }
    return err;
}

static aver_err collateral_signed(aver_dcap_work *work, const collateral_part *part,
                                  aver_dcap_collateral *collateral, aver_dcap_fault *fault)
{
    size_t leaf = 0;
    uint8_t digest[32];
    aver_err err = aver_dcap_work_certs(work, part->chain, &leaf);
    if (err == AVER_E_FORMAT || err == AVER_E_LIMIT) {
        aver_dcap_bad(fault, AVER_REASON_MALFORMED, "the issuer's chain cannot be read");
        return AVER_OK;
    }
    if (err == AVER_OK) {
        err = collateral_signer(work, leaf, collateral);
    }
    if (err != AVER_OK) {
        return err;
    }
    *fault = work->signer_fault;
    if (!aver_dcap_held(fault)) {
        return AVER_OK;
    }
    aver_sha256_of(part->text, digest);
    err = aver_ecdsa_key_verify(work->signer_key, AVER_VIEW_OF(digest),
                                AVER_VIEW_OF(part->signature));
    if (err == AVER_E_PROOF) {
        aver_dcap_bad(fault, AVER_REASON_BAD_SIGNATURE,
                      "the signature is not the signer's over that text");
        return AVER_OK;
    }
    return err;
}

static aver_err collateral_read(aver_err err, aver_dcap_fault *fault, const char *why)
{
    if (err == AVER_E_FORMAT) {
        aver_dcap_bad(fault, AVER_REASON_MALFORMED, "%s", why);
        return AVER_OK;
    }
    return err;
}

static aver_err collateral_tcb(aver_dcap_work *work, aver_dcap_collateral *collateral)
{
    aver_dcap_fault *fault = &collateral->tcb_signed;
    char why[AVER_DCAP_WHY_BYTES] = "";
    collateral_part part;
    aver_err err = collateral_part_open(work, AVER_DCAP_TCB_INFO, &part, fault)
                       ? collateral_signed(work, &part, collateral, fault)
                       : AVER_OK;
    if (err == AVER_OK && aver_dcap_held(fault)) {
        err = aver_dcap_tcb_read(part.text, &collateral->tcb, why);
        collateral->has_tcb = err == AVER_OK;
        err = collateral_read(err, fault, why);
    }
    return err;
}

static aver_err collateral_identity(aver_dcap_work *work, aver_dcap_collateral *collateral)
{
    aver_dcap_fault *fault = &collateral->identity_signed;
    char why[AVER_DCAP_WHY_BYTES] = "";
    collateral_part part;
    aver_err err = collateral_part_open(work, AVER_DCAP_IDENTITY, &part, fault)
                       ? collateral_signed(work, &part, collateral, fault)
                       : AVER_OK;
    if (err == AVER_OK && aver_dcap_held(fault)) {
        err = aver_dcap_identity_read(part.text, &collateral->identity, why);
        collateral->has_identity = err == AVER_OK;
        err = collateral_read(err, fault, why);
    }
    return err;
}

/* One fault: whatever else needs the collateral cannot be judged. */
static void collateral_unread(aver_dcap_pck *pck, aver_dcap_collateral *collateral,
                              aver_reason reason, const char *why)
{
    aver_dcap_bad(&pck->revocation, reason, "%s", why);
    aver_dcap_stopped(&collateral->tcb_signed, why);
    aver_dcap_stopped(&collateral->identity_signed, why);
}

aver_err aver_dcap_collateral_open(aver_dcap_work *work, aver_dcap_pck *pck,
                                   aver_dcap_collateral *collateral)
{
    if (work->input->collateral.size == 0) {
        collateral_unread(pck, collateral, AVER_REASON_COLLATERAL_MISSING,
                          "no collateral was given");
        return AVER_OK;
    }
    bool read = false;
    aver_err err = collateral_members(work, &read);
    if (err == AVER_OK && !read) {
        collateral_unread(pck, collateral, AVER_REASON_MALFORMED,
                          "the collateral is no JSON object of texts");
        return AVER_OK;
    }
    if (err == AVER_OK) {
        err = collateral_list(work, AVER_DCAP_ROOT_LIST, &work->root_list, &pck->revocation);
    }
    if (err == AVER_OK) {
        err = collateral_list(work, AVER_DCAP_PCK_LIST, &work->pck_list, &pck->revocation);
    }
    if (err == AVER_OK) {
        err = collateral_revoked_pck(work, pck);
    }
    if (err == AVER_OK) {
        err = collateral_tcb(work, collateral);
    }
    return err == AVER_OK ? collateral_identity(work, collateral) : err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/family.h"

#include "attest/compare.h"
#include "codec/date.h"

#include <string.h>

aver_err aver_family_roots_open(const aver_attest_roots *roots, const uint8_t (*pinned)[32],
                                size_t pinned_count, aver_family_roots *ret_roots)
{
    aver_err err = AVER_OK;
    aver_certs_init(&ret_roots->given);
    ret_roots->roots = (aver_x509_roots){.pinned = pinned, .pinned_count = pinned_count};
    for (size_t i = 0; i < roots->given_count && err == AVER_OK; i++) {
        err = aver_certs_add(&ret_roots->given, roots->given[i]);
    }
    if (roots->given_count > 0) {
        ret_roots->roots = (aver_x509_roots){.given = &ret_roots->given};
    }
    if (err != AVER_OK) {
        aver_family_roots_close(ret_roots);
    }
    return err == AVER_E_FORMAT || err == AVER_E_LIMIT ? AVER_E_USAGE : err;
}

void aver_family_roots_close(aver_family_roots *roots)
{
    aver_certs_deinit(&roots->given);
}

static void family_validity_told(aver_verdict *verdict, const aver_x509_result *path)
{
    char from[21];
    char to[21];
    aver_date_write(path->not_before_s, from);
    aver_date_write(path->not_after_s, to);
    aver_verdict_add(verdict, "evidence.validity", AVER_CHECK_PASS, "from %s to %s", from, to);
}

void aver_family_path_kept_told(aver_verdict *verdict, const aver_x509_result *path,
                                const uint8_t root_digest[static 32], size_t certificates)
{
    aver_verdict_add(verdict, "platform.root", AVER_CHECK_PASS, "root %s, %zu certificates",
                     aver_short_of(aver_view_make(root_digest, 32)).text, certificates);
    family_validity_told(verdict, path);
}

void aver_family_path_told(aver_verdict *verdict, const aver_x509_result *path)
{
    if (path->path == AVER_PATH_GOOD) {
        uint8_t digest[32];
        aver_cert_digest(path->chain[path->chain_count - 1], digest);
        aver_family_path_kept_told(verdict, path, digest, path->chain_count);
    } else if (path->path == AVER_PATH_EXPIRED) {
        aver_verdict_add(verdict, "platform.root", AVER_CHECK_SKIP,
                         "a certificate is not valid at that time");
        aver_verdict_fail(verdict, "evidence.validity", AVER_REASON_EXPIRED, "%s", path->why);
    } else {
        aver_verdict_fail(verdict, "platform.root", AVER_REASON_CHAIN_UNTRUSTED, "%s", path->why);
        aver_verdict_add(verdict, "evidence.validity", AVER_CHECK_SKIP,
                         "the certificates lead to no trusted root");
    }
}

static aver_reason family_path_reason(aver_path path)
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

aver_err aver_family_revocation(const aver_attest_input *input, const aver_x509_result *path,
                                aver_verdict *verdict)
{
    const char *name = "evidence.revocation";
    bool covered[AVER_CERTS_MAX + 1] = {false};
    size_t open = 0;
    for (size_t i = 0; i < input->crls_count; i++) {
        char why[AVER_X509_WHY_BYTES] = "";
        aver_path judged = AVER_PATH_GOOD;
        aver_err err =
            aver_x509_revoked(input->crls[i], path, input->time_s, &judged, covered, why);
        if (err == AVER_E_FORMAT || err == AVER_E_LIMIT) {
            aver_verdict_fail(verdict, name, AVER_REASON_MALFORMED,
                              "revocation list %zu cannot be read", i);
            return AVER_OK;
        }
        if (err != AVER_OK && err != AVER_E_ABSENT) {
            return err;
        }
        if (err == AVER_OK && judged != AVER_PATH_GOOD) {
            aver_verdict_fail(verdict, name, family_path_reason(judged), "%s", why);
            return AVER_OK;
        }
    }
    for (size_t i = 0; i + 1 < path->chain_count; i++) {
        open += covered[i] ? 0 : 1;
    }
    if (open + 1 == path->chain_count || (open > 0 && input->require_revocation)) {
        if (input->require_revocation) {
            aver_verdict_fail(verdict, name, AVER_REASON_COLLATERAL_MISSING,
                              "no list speaks of %zu of %zu certificates", open,
                              path->chain_count - 1);
        } else {
            aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "no revocation list was given");
        }
        return AVER_OK;
    }
    aver_verdict_add(verdict, name, AVER_CHECK_PASS,
                     "lists speak of %zu of %zu certificates, and none is on them",
                     path->chain_count - 1 - open, path->chain_count - 1);
    return AVER_OK;
}

void aver_family_told(aver_verdict *verdict, const char *name, bool good, aver_reason reason,
                      const char *words_good, const char *words_bad)
{
    if (good) {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%s", words_good);
    } else {
        aver_verdict_fail(verdict, name, reason, "%s", words_bad);
    }
}

void aver_family_debug_told(const aver_attest_input *input, const aver_claims *claims,
                            aver_verdict *verdict)
{
    aver_family_told(
        verdict, "evidence.debug", !claims->debug || input->allow_debug, AVER_REASON_DEBUG_ENABLED,
        claims->debug ? "debugging is on, and the reader accepts that" : "debugging is off",
        "debugging is on: the operator can read and change everything inside");
}

void aver_family_nonce_told(const aver_attest_input *input, const aver_claims *claims,
                            aver_verdict *verdict)
{
    const char *name = "evidence.nonce";
    if (input->nonce.size == 0) {
        aver_verdict_add(verdict, name, AVER_CHECK_SKIP, "the reader expects nothing there");
    } else if (!claims->has_nonce) {
        aver_verdict_fail(verdict, name, AVER_REASON_NONCE_MISMATCH,
                          "the evidence carries none, %s was expected",
                          aver_short_of(input->nonce).text);
    } else if (!aver_view_equal(claims->nonce, input->nonce)) {
        aver_verdict_fail(verdict, name, AVER_REASON_NONCE_MISMATCH,
                          "the evidence carries %s, not %s", aver_short_of(claims->nonce).text,
                          aver_short_of(input->nonce).text);
    } else {
        aver_verdict_add(verdict, name, AVER_CHECK_PASS, "%s", aver_short_of(input->nonce).text);
    }
}

void aver_family_status_told(const aver_attest_input *input, const aver_claims *claims,
                             aver_verdict *verdict)
{
    uint32_t accepted =
        input->accept_tcb != 0 ? input->accept_tcb : AVER_TCB_SET(AVER_TCB_UP_TO_DATE);
    const char *text = aver_tcb_status_text(claims->tcb_status);
    if (claims->tcb_status == AVER_TCB_NONE) {
        aver_verdict_add(verdict, "tcb.status", AVER_CHECK_SKIP, "nothing to judge it by");
    } else if ((accepted & AVER_TCB_SET(claims->tcb_status)) != 0) {
        aver_verdict_add(verdict, "tcb.status", AVER_CHECK_PASS, "%s", text);
    } else {
        bool revoked = claims->tcb_status == AVER_TCB_REVOKED;
        aver_verdict_fail(verdict, "tcb.status",
                          revoked ? AVER_REASON_REVOKED : AVER_REASON_TCB_OUT_OF_DATE,
                          "%s is not among the statuses that the reader accepts", text);
    }
}

uint16_t aver_le16_read(const uint8_t bytes[static 2])
{
    return (uint16_t)(bytes[0] | (unsigned)bytes[1] << 8);
}

uint32_t aver_le32_read(const uint8_t bytes[static 4])
{
    return aver_le16_read(bytes) | (uint32_t)aver_le16_read(bytes + 2) << 16;
}

uint64_t aver_le64_read(const uint8_t bytes[static 8])
{
    return aver_le32_read(bytes) | (uint64_t)aver_le32_read(bytes + 4) << 32;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collect.h"

#include "codec/json.h"
#include "codec/text.h"

#include <stdio.h>
#include <string.h>

/*
 * Intel's provisioning certification service, version 4. A signed document is
 * {"tcbInfo":{...},"signature":"hex"}: the text between is what was signed, byte for byte. Issuer
 * chains come in a header, PEM in URL encoding. Mirrors (PCCS) have the same paths, and the root's
 * list under one of their own; they give lists in hex.
 */
#define INTEL_SERVICE "https://api.trustedservices.intel.com"
#define INTEL_ROOTS   "https://certificates.trustedservices.intel.com"

enum { INTEL_PATH_BYTES = 128 };

static const char *const intel_members[] = {"tcb_info",
                                            "tcb_info_signature",
                                            "tcb_info_issuer_chain",
                                            "qe_identity",
                                            "qe_identity_signature",
                                            "qe_identity_issuer_chain",
                                            "pck_crl",
                                            "root_ca_crl"};
enum { INTEL_MEMBERS = sizeof intel_members / sizeof intel_members[0], INTEL_CHAIN = 2 };

typedef struct intel_parts {
    aver_buf members[INTEL_MEMBERS];
} intel_parts;

/* "%41%42" to "AB". */
static bool intel_unescape(aver_view text, aver_buf *out)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '%') {
            aver_buf_append_byte(out, text.data[i]);
            continue;
        }
        int high = i + 2 < text.size ? aver_hex_digit(text.data[i + 1]) : -1;
        int low = i + 2 < text.size ? aver_hex_digit(text.data[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return false;
        }
        aver_buf_append_byte(out, (uint8_t)(high << 4 | low));
        i += 2;
    }
    return aver_buf_status(out) == AVER_OK;
}

/* Cuts {"NAME":TEXT,"signature":"HEX"} into TEXT and HEX. */
static bool intel_cut(aver_view body, const char *name, aver_view *ret_text, aver_view *ret_hex)
{
    static const char middle[] = ",\"signature\":\"";
    char head[64];
    size_t head_size = (size_t)snprintf(head, sizeof head, "{\"%s\":", name);
    while (body.size > 0 && body.data[body.size - 1] <= ' ') {
        body.size--;
    }
    size_t tail = sizeof middle - 1 + 128 + 2;
    if (body.size < head_size + tail || memcmp(body.data, head, head_size) != 0 ||
        memcmp(body.data + body.size - 2, "\"}", 2) != 0 ||
        memcmp(body.data + body.size - tail, middle, sizeof middle - 1) != 0) {
        return false;
    }
    *ret_text = aver_view_slice(body, head_size, body.size - head_size - tail);
    *ret_hex = aver_view_slice(body, body.size - 130, 128);
    return true;
}

/* parts: text, signature, chain. */
static aver_err intel_signed(aver_collect_job *job, const char *path, const char *name,
                             const char *const *header, aver_buf *parts)
{
    aver_buf body;
    aver_buf chain;
    aver_view text;
    aver_view hex;
    aver_buf_init(&body, AVER_ATTEST_COLLATERAL_BYTES_MAX / 2);
    aver_buf_init(&chain, 32u * 1024);
    aver_err err = aver_collect_get(job, INTEL_SERVICE, path, header, &body, &chain);
    if (err == AVER_OK && (!intel_cut(aver_buf_view(&body), name, &text, &hex) ||
                           !intel_unescape(aver_buf_view(&chain), &parts[INTEL_CHAIN]))) {
        err = aver_collect_fail(job, AVER_E_PEER, "%s: this is no signed %s with its issuers", path,
                                name);
    } else if (err == AVER_OK) {
        aver_buf_append(&parts[0], text);
        aver_buf_append(&parts[1], hex);
    }
    aver_buf_deinit(&body);
    aver_buf_deinit(&chain);
    return err;
}

/* A list in DER, or as the hex of it. */
static aver_err intel_list(aver_collect_job *job, const char *service, const char *path,
                           aver_buf *ret_hex)
{
    aver_buf body;
    aver_buf_init(&body, AVER_ATTEST_COLLATERAL_BYTES_MAX / 8);
    aver_err err = aver_collect_get(job, service, path, NULL, &body, NULL);
    aver_view bytes = aver_buf_view(&body);
    if (err == AVER_OK && bytes.size > 1 && bytes.data[0] == 0x30 && bytes.data[1] >= 0x80) {
        aver_hex_append(ret_hex, bytes);
    } else if (err == AVER_OK) {
        aver_buf_append(ret_hex, bytes);
    }
    aver_buf_deinit(&body);
    return err;
}

static aver_err intel_fetch(aver_collect_job *job, const char *fmspc, const char *ca,
                            intel_parts *parts)
{
    static const char *const tcb_headers[] = {"TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"};
    static const char *const identity_headers[] = {"SGX-Enclave-Identity-Issuer-Chain",
                                                   "Enclave-Identity-Issuer-Chain"};
    const char *tee = job->options->family == AVER_FAMILY_TDX ? "tdx" : "sgx";
    char path[INTEL_PATH_BYTES];
    (void)snprintf(path, sizeof path, "/%s/certification/v4/tcb?fmspc=%s", tee, fmspc);
    aver_err err = intel_signed(job, path, "tcbInfo", tcb_headers, &parts->members[0]);
    if (err == AVER_OK) {
        (void)snprintf(path, sizeof path, "/%s/certification/v4/qe/identity", tee);
        err = intel_signed(job, path, "enclaveIdentity", identity_headers, &parts->members[3]);
    }
    if (err == AVER_OK) {
        (void)snprintf(path, sizeof path, "/sgx/certification/v4/pckcrl?ca=%s&encoding=der", ca);
        err = intel_list(job, INTEL_SERVICE, path, &parts->members[6]);
    }
    if (err == AVER_OK) {
        err = intel_list(job, INTEL_ROOTS,
                         job->options->source != NULL ? "/sgx/certification/v4/rootcacrl"
                                                      : "/IntelSGXRootCA.der",
                         &parts->members[7]);
    }
    return err;
}

static aver_err intel_join(intel_parts *parts, aver_buf *out)
{
    for (size_t i = 0; i < INTEL_MEMBERS; i++) {
        aver_err err = aver_buf_status(&parts->members[i]);
        if (err != AVER_OK) {
            return err;
        }
        if (!aver_utf8_valid(aver_buf_view(&parts->members[i]))) {
            return AVER_E_FORMAT;
        }
        aver_buf_append_format(out, "%s\"%s\":", i == 0 ? "{" : ",\n", intel_members[i]);
        aver_json_append_string(out, aver_buf_view(&parts->members[i]));
    }
    aver_buf_append_text(out, "}\n");
    return aver_buf_status(out);
}

static aver_err intel_judge(aver_collect_job *job, aver_view collateral, bool *ret_good)
{
    static const char *const checks[] = {"intel.tcb-signature", "intel.tcb-validity",
                                         "intel.tcb-platform", "intel.identity-signature", NULL};
    aver_attest_input input = *job->options->input;
    *ret_good = false;
    if (collateral.size == 0) {
        return AVER_OK;
    }
    input.collateral = collateral;
    input.signature_only = false;
    aver_err err = aver_collect_judge(job, &input);
    *ret_good = err == AVER_OK && aver_collect_passed(job, checks) && aver_collect_list_good(job);
    return err;
}

/* With the first check of the collateral that failed, or was not made. */
static aver_err intel_refused(aver_collect_job *job)
{
    static const char *const names[] = {"evidence.revocation", "intel.tcb-signature",
                                        "intel.tcb-validity", "intel.tcb-platform",
                                        "intel.identity-signature"};
    const aver_check *worst = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const aver_check *check = aver_verdict_find(&job->verdict, names[i]);
        if (check != NULL && check->status != AVER_CHECK_PASS &&
            (worst == NULL ||
             (worst->status == AVER_CHECK_SKIP && check->status == AVER_CHECK_FAIL))) {
            worst = check;
        }
    }
    return aver_collect_fail(job, AVER_E_PEER, "what came is not good: %s: %s",
                             worst != NULL ? worst->name : "", worst != NULL ? worst->detail : "");
}

static aver_err intel_renew(aver_collect_job *job, aver_collect_item *item, const char *fmspc,
                            const char *ca)
{
    intel_parts parts;
    aver_buf whole;
    bool good = false;
    for (size_t i = 0; i < INTEL_MEMBERS; i++) {
        aver_buf_init(&parts.members[i], AVER_ATTEST_COLLATERAL_BYTES_MAX / 2);
    }
    aver_buf_init(&whole, AVER_ATTEST_COLLATERAL_BYTES_MAX);
    aver_err err = intel_fetch(job, fmspc, ca, &parts);
    if (err == AVER_OK) {
        err = intel_join(&parts, &whole);
        err = err == AVER_E_FORMAT || err == AVER_E_LIMIT
                  ? aver_collect_fail(job, AVER_E_PEER, "what came is no text, or too long")
                  : err;
    }
    if (err == AVER_OK) {
        err = intel_judge(job, aver_buf_view(&whole), &good);
    }
    if (err == AVER_OK) {
        err = good ? aver_collect_write(job, item, aver_buf_view(&whole)) : intel_refused(job);
    }
    for (size_t i = 0; i < INTEL_MEMBERS; i++) {
        aver_buf_deinit(&parts.members[i]);
    }
    aver_buf_deinit(&whole);
    return err;
}

/* FMSPC and CA of the PCK certificate, as the addresses have them. */
static aver_err intel_names(aver_collect_job *job, char ret_fmspc[13], char ret_ca[16])
{
    aver_attest_input input = *job->options->input;
    input.collateral = (aver_view){0};
    input.signature_only = true;
    aver_err err = aver_collect_judge(job, &input);
    if (err != AVER_OK) {
        return err;
    }
    static const char *const checks[] = {"platform.root", "intel.pck", NULL};
    const aver_claim *fmspc = aver_claims_find(&job->claims, NULL, "fmspc");
    const aver_claim *ca = aver_claims_find(&job->claims, NULL, "pck_ca");
    if (!aver_collect_passed(job, checks) || fmspc == NULL || fmspc->bytes.size != 6 ||
        ca == NULL || ca->bytes.size > 15) {
        return aver_collect_fail(job, AVER_E_USAGE,
                                 "the evidence has no PCK certificate under a root that you trust");
    }
    aver_hex_encode(fmspc->bytes, ret_fmspc);
    memcpy(ret_ca, ca->bytes.data, ca->bytes.size);
    ret_ca[ca->bytes.size] = '\0';
    return AVER_OK;
}

aver_err aver_collect_intel(aver_collect_job *job)
{
    char fmspc[13];
    char ca[16];
    aver_buf old;
    bool good = false;
    aver_collect_item *item = NULL;
    aver_err err = intel_names(job, fmspc, ca);
    if (err == AVER_OK) {
        err = aver_collect_item_add(job, "collateral", &item, "%s-%s-%s.json",
                                    aver_family_name(job->options->family), fmspc, ca);
    }
    if (err != AVER_OK) {
        return err;
    }
    aver_buf_init(&old, AVER_ATTEST_COLLATERAL_BYTES_MAX);
    err = aver_collect_read(item, &old);
    if (err == AVER_OK) {
        err = intel_judge(job, aver_buf_view(&old), &good);
    }
    aver_buf_deinit(&old);
    if (err == AVER_OK && (!good || job->options->refresh)) {
        err = intel_renew(job, item, fmspc, ca);
        job->result->stale_refresh = good && err != AVER_OK && err != AVER_E_NOMEM;
        err = job->result->stale_refresh ? AVER_OK : err;
    }
    return err;
}

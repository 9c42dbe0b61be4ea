/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dcap.h"

#include "codec/date.h"

#include <string.h>

static void claim_copy(aver_claims *claims, const char *name, aver_view bytes)
{
    aver_claims_put_bytes(claims, name, aver_claims_copy(claims, bytes));
}

static void claim_text(aver_claims *claims, const char *name, const char *text)
{
    aver_claims_put_text(claims, name, aver_view_text(text));
}

void aver_dcap_quote_claim(const aver_dcap_quote *quote, aver_claims *claims)
{
    aver_dcap_report qe;
    aver_dcap_report_read(quote->qe_report, &qe);
    aver_claims_put_uint(claims, "version", quote->version);
    aver_claims_put_uint(claims, "att_key_type", quote->key_type);
    aver_claims_put_uint(claims, "tee_type", quote->tee_type);
    if (quote->version == 5) {
        aver_claims_put_uint(claims, "body_type", quote->kind);
    }
    /* Version 4 has reserved bytes there for a trust domain. */
    if (quote->kind == AVER_DCAP_BODY_SGX) {
        aver_claims_put_uint(claims, "qe_svn", quote->qe_svn);
        aver_claims_put_uint(claims, "pce_svn", quote->pce_svn);
    }
    aver_claims_put_bytes(claims, "user_data", quote->user_data);
    aver_claims_put_uint(claims, "cert_data_type", quote->certs_type);
    aver_claims_put_uint(claims, "trailing", quote->trailing);
    aver_claims_put_bytes(claims, "qe_mr_enclave", qe.mr_enclave);
    aver_claims_put_bytes(claims, "qe_mr_signer", qe.mr_signer);
    aver_claims_put_uint(claims, "qe_isv_prod_id", qe.isv_prod_id);
    aver_claims_put_uint(claims, "qe_isv_svn", qe.isv_svn);
}

void aver_dcap_pck_claim(const aver_dcap_pck_info *info, aver_claims *claims)
{
    claim_copy(claims, "pck_sha256", AVER_VIEW_OF(info->sha256));
    if (info->ca != AVER_DCAP_CA_UNKNOWN) {
        claim_text(claims, "pck_ca", info->ca == AVER_DCAP_CA_PLATFORM ? "platform" : "processor");
    }
    claim_copy(claims, "fmspc", AVER_VIEW_OF(info->fmspc));
    claim_copy(claims, "pceid", AVER_VIEW_OF(info->pceid));
    claim_copy(claims, "pck_cpusvn", AVER_VIEW_OF(info->cpu_svn));
    aver_claims_put_uint(claims, "pck_pcesvn", info->pce_svn);
    claim_copy(claims, "ppid", AVER_VIEW_OF(info->ppid));
    memcpy(claims->machine_id, info->ppid, sizeof info->ppid);
    claims->machine_id_size = sizeof info->ppid;
    aver_claims_put_uint(claims, "sgx_type", info->sgx_type);
    if (info->has_instance) {
        claim_copy(claims, "platform_instance_id", AVER_VIEW_OF(info->instance));
    }
    if (info->has_configuration) {
        aver_claims_put_bool(claims, "dynamic_platform", info->dynamic);
        aver_claims_put_bool(claims, "cached_keys", info->cached_keys);
        aver_claims_put_bool(claims, "smt_enabled", info->smt);
    }
    memcpy(claims->machine_id, info->ppid, sizeof info->ppid);
    claims->machine_id_size = sizeof info->ppid;
}

/* The advisories of all parts, each once and in order. */
typedef struct claim_list {
    aver_view texts[AVER_DCAP_ADVISORIES_MAX];
    size_t count;
    bool full;
} claim_list;

static int claim_order(aver_view a, aver_view b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static void claim_insert(claim_list *list, aver_view text)
{
    size_t at = 0;
    while (at < list->count && claim_order(list->texts[at], text) < 0) {
        at++;
    }
    if (at < list->count && claim_order(list->texts[at], text) == 0) {
        return;
    }
    if (list->count == AVER_DCAP_ADVISORIES_MAX) {
        list->full = true;
        return;
    }
    memmove(&list->texts[at + 1], &list->texts[at], (list->count - at) * sizeof list->texts[0]);
    list->texts[at] = text;
    list->count++;
}

static void claim_advisories(const aver_dcap_standing *standing, aver_claims *claims)
{
    claim_list list = {.count = 0};
    for (size_t part = 0; part < 3; part++) {
        aver_dcap_json json;
        aver_view text;
        aver_dcap_json_open(&json, standing->advisories[part]);
        if (standing->advisories[part].size == 0 || !aver_dcap_json_into(&json, '[')) {
            continue;
        }
        while (aver_dcap_json_more(&json, ']') && aver_dcap_json_text(&json, &text)) {
            claim_insert(&list, text);
        }
    }
    for (size_t i = 0; i < list.count; i++) {
        aver_claims_put_member(claims, "advisories", aver_claims_copy(claims, list.texts[i]));
    }
    if (list.count == 0) {
        aver_claims_put_empty(claims, "advisories");
    }
    claims->full = claims->full || list.full;
}

static void claim_status(aver_claims *claims, const char *name, aver_tcb_status status)
{
    if (status != AVER_TCB_NONE) {
        claim_text(claims, name, aver_tcb_status_text(status));
    }
}

void aver_dcap_standing_claim(const aver_dcap_standing *standing, aver_claims *claims)
{
    claim_status(claims, "qe_status", standing->qe);
    claim_status(claims, "tdx_module_status", standing->module);
    claim_status(claims, "platform_status", standing->platform);
    claim_status(claims, "tcb_status", standing->all);
    claim_status(claims, "tcb_relaunch", standing->relaunch);
    claims->tcb_status = standing->all;
    if (!standing->below) {
        char text[21];
        aver_date date = aver_date_of(standing->date_s);
        aver_date_write(standing->date_s, text);
        aver_claims_put_text(claims, "tcb_date", aver_claims_copy(claims, aver_view_text(text)));
        claims->tcb = (uint64_t)date.year * 10000 + date.month * 100 + date.day;
    }
    claim_advisories(standing, claims);
}
